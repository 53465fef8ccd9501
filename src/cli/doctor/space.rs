//! The free space on the file systems of the ledger and the local containers.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::finding::{Finding, Level};
use crate::keep::room::Room;
use crate::record::{Growth, JobRecord};
use crate::units;

/// Less free space than this is an error, in bytes.
const LEAST: u64 = 100 * 1024 * 1024;

/// A file system and its free space.
#[derive(Clone, Debug)]
pub struct FileSystem {
    /// The checked paths on this file system. They need not exist.
    pub paths: Vec<PathBuf>,
    /// The free space for an ordinary user in bytes.
    pub free: u64,
    /// The size in bytes; 0 if the file system does not report it.
    pub size: u64,
}

/// The file systems of these paths. A path that does not exist counts for the file system of its nearest existing parent.
pub fn inspect<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<FileSystem> {
    let mut found: BTreeMap<u64, FileSystem> = BTreeMap::new();
    for path in paths {
        let Some((there, metadata)) = path
            .ancestors()
            .find_map(|path| Some((path, std::fs::metadata(path).ok()?)))
        else {
            continue;
        };
        let Ok(space) = rustix::fs::statvfs(there) else {
            continue;
        };
        found
            .entry(metadata.dev())
            .or_insert_with(|| FileSystem {
                paths: Vec::new(),
                free: space.f_bavail.saturating_mul(space.f_frsize),
                size: space.f_blocks.saturating_mul(space.f_frsize),
            })
            .paths
            .push(path.to_owned());
    }
    found.into_values().collect()
}

/// The jobs for whose next backups there is little room on the disks of their containers now.
pub fn growth_findings(jobs: &[JobRecord]) -> Vec<Finding> {
    let of_job = |job: &JobRecord, growth: &Growth| {
        let container = growth.container.local()?;
        let system = inspect([container].into_iter()).pop()?;
        let room = Room {
            free: system.free,
            adds: growth.bytes,
        };
        growth_finding(&job.job_id, container, room).filter(|_| system.size > 0)
    };
    let each = |job| {
        let job: &JobRecord = job;
        job.past.growth.iter().filter_map(move |it| of_job(job, it))
    };
    jobs.iter().flat_map(each).collect()
}

/// That there is little room for the next backups of a job.
fn growth_finding(job: &str, container: &Path, room: Room) -> Option<Finding> {
    let message = format!(
        "{} free, and a backup of {job} usually adds {}: {} if nothing is removed",
        units::bytes(room.free),
        units::bytes(room.adds),
        units::count(room.fits(), "more backup fits", "more backups fit")
    );
    let finding = Finding::new("space", Level::Warning, container.display(), message);
    let help =
        "free some space, let old snapshots be removed, or move the container to a larger disk";
    room.is_little().then(|| finding.help(help))
}

/// Whether a file system has enough free space.
pub fn space_finding(system: &FileSystem) -> Finding {
    // A file system that does not report its size is not judged.
    let percent = if system.size == 0 {
        100.0
    } else {
        system.free as f64 * 100.0 / system.size as f64
    };
    let level = match percent {
        _ if system.size > 0 && system.free < LEAST => Level::Error,
        0.0..1.0 => Level::Error,
        1.0..5.0 => Level::Warning,
        _ => Level::Ok,
    };
    let subject = match system.paths.as_slice() {
        [] => String::new(),
        [one] => one.display().to_string(),
        [one, more @ ..] => format!("{} and {} more", one.display(), more.len()),
    };
    let message = format!(
        "{} of {} free ({percent:.0} %)",
        units::bytes(system.free),
        units::bytes(system.size)
    );
    let finding = Finding::new("space", level, subject, message);
    if level == Level::Ok {
        finding
    } else {
        finding.help(
            "free some space; an `admin` action with remove_older_than removes old snapshots; \
             without free space, backups fail and runs cannot be recorded",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(free: u64, size: u64) -> Level {
        space_finding(&FileSystem {
            paths: vec!["/a".into(), "/b".into()],
            free,
            size,
        })
        .level
    }

    #[test]
    fn little_room_is_a_warning_and_next_to_none_an_error() {
        const GB: u64 = 1_000_000_000;
        assert_eq!(level(50 * GB, 100 * GB), Level::Ok);
        assert_eq!(level(5 * GB, 100 * GB), Level::Ok);
        assert_eq!(level(4 * GB, 100 * GB), Level::Warning);
        assert_eq!(level(GB / 2, 100 * GB), Level::Error, "less than 1 %");
        assert_eq!(level(GB / 20, GB / 10), Level::Error, "less than 100 MiB");
        assert_eq!(level(0, 0), Level::Ok, "the size is not reported");
    }

    #[test]
    fn little_room_for_the_next_backups_of_a_job_is_a_warning() {
        let finding = |free| {
            let room = Room {
                free,
                adds: 1_000_000,
            };
            growth_finding("www", Path::new("/backup"), room)
        };
        assert_eq!(finding(7_000_000), None);
        let little = finding(6_900_000).expect("a finding");
        assert_eq!(
            (little.level, little.subject.as_str()),
            (Level::Warning, "/backup")
        );
        assert!(little.message.contains("6 more backups fit"), "{little:?}");
    }

    #[test]
    fn paths_on_one_file_system_are_one_and_missing_ones_are_where_they_would_be() {
        let top = tempfile::tempdir().unwrap();
        let missing = top.path().join("not/there");
        let found = inspect([top.path(), &missing].into_iter());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].paths.len(), 2);
        assert!(space_finding(&found[0]).subject.ends_with("and 1 more"));
    }
}
