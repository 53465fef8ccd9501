//! What a backup leaves out by its rules, kept with the snapshot: a restore that deletes what the snapshot does not hold
//! must not delete that.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::job::action::Backup;
use crate::repository::snapshot::Snapshot as SnapshotFile;
use crate::source::patterns::Patterns;
use crate::source::tree::selection::Marker;

/// The field of a snapshot file. restic does not know it.
const FIELD: &str = "left_out";

/// The rules beside the patterns of `exclude`, for which the format has a field of its own. A snapshot without them was
/// made by another program.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeftOutRules {
    /// `NAME` or `NAME:HEADER`.
    exclude_if_present: Vec<String>,
    exclude_caches: bool,
    /// Bytes.
    exclude_larger_than: Option<u64>,
    ignore_unreadable: Vec<String>,
}

impl LeftOutRules {
    /// Writes the rules of a backup into its snapshot file.
    pub fn write(file: &mut SnapshotFile, work: &Backup) {
        // Texts, flags and numbers are always JSON.
        let value = serde_json::to_value(LeftOutRules::new(work)).unwrap_or_default();
        file.other.insert(FIELD.to_owned(), value);
    }

    fn new(work: &Backup) -> LeftOutRules {
        LeftOutRules {
            exclude_if_present: work.exclude_if_present.clone(),
            exclude_caches: work.exclude_caches,
            exclude_larger_than: work.exclude_larger_than,
            ignore_unreadable: work.ignore_unreadable.clone(),
        }
    }

    /// Whether a backup has the same rules.
    pub fn are_those_of(&self, work: &Backup) -> bool {
        *self == LeftOutRules::new(work)
    }

    /// The rules in a snapshot file. `None`: it does not say all that was left out.
    pub fn of(file: &SnapshotFile) -> Option<LeftOutRules> {
        let value = file.other.get(FIELD)?;
        LeftOutRules::deserialize(value).ok()
    }
}

/// Decides what stays in the target although the snapshot does not hold it.
pub struct Spared {
    /// The paths that were backed up, each with the patterns of what was left out or may be missing in it.
    sources: Vec<(PathBuf, [Patterns; 2])>,
    markers: Vec<Marker>,
    larger_than: Option<u64>,
    /// Where the target is in the snapshot.
    place: PathBuf,
    target: PathBuf,
}

impl Spared {
    /// By the rules in a snapshot file. The content of `place` in the snapshot is restored into `target`.
    pub fn new(
        file: &SnapshotFile,
        rules: &LeftOutRules,
        place: PathBuf,
        target: PathBuf,
    ) -> Spared {
        let sources = file.paths.iter().map(PathBuf::from).map(|source| {
            let exclude = Patterns::new(&source, &file.excludes).0;
            let ignore = Patterns::new(&source, &rules.ignore_unreadable).0;
            (source, [exclude, ignore])
        });
        let markers = rules.exclude_if_present.iter();
        let mut markers: Vec<Marker> = markers
            .filter_map(|text| Marker::parse(text).ok())
            .collect();
        if rules.exclude_caches {
            markers.push(Marker::cache_directory());
        }
        Spared {
            sources: sources.collect(),
            markers,
            larger_than: rules.exclude_larger_than,
            place,
            target,
        }
    }

    /// Whether an entry stays. `below` is its path below the target.
    pub fn stays(&self, below: &Path, is_directory: bool) -> bool {
        let path = self.place.join(below);
        let mut sources = self.sources.iter();
        let source = sources
            .by_ref()
            .find_map(|(top, patterns)| Some((path.strip_prefix(top).ok()?, patterns)));
        let Some((inner, patterns)) = source else {
            // The backup was not about it.
            return true;
        };
        let live = self.target.join(below);
        inner.as_os_str().is_empty()
            || patterns
                .iter()
                .any(|patterns| patterns.leave_out(inner, is_directory))
            || (!is_directory && self.is_too_large(&live))
            || self.is_beside_marker(&live)
    }

    fn is_too_large(&self, live: &Path) -> bool {
        self.larger_than.is_some_and(|limit| {
            // What cannot be examined stays.
            fs::symlink_metadata(live).map_or(true, |about| about.len() > limit)
        })
    }

    fn is_beside_marker(&self, live: &Path) -> bool {
        let name = live.file_name().unwrap_or_default().as_bytes();
        let Some(directory) = live.parent() else {
            return false;
        };
        self.markers.iter().any(|marker| {
            let file = directory.join(std::ffi::OsStr::from_bytes(&marker.name));
            name != marker.name && has_header(&file, &marker.header)
        })
    }
}

/// Whether a file is there and begins like this. True where it cannot be read: it may be so.
fn has_header(file: &Path, header: &[u8]) -> bool {
    match fs::symlink_metadata(file) {
        Ok(about) if header.is_empty() => !about.is_dir(),
        Ok(about) if about.is_file() => {
            let mut start = Vec::new();
            match File::open(file)
                .map(|file| file.take(header.len() as u64).read_to_end(&mut start))
            {
                Ok(Ok(_)) => start == header,
                _ => true,
            }
        }
        Ok(_) => false,
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::time::Time;

    fn file(paths: &[&str], excludes: &[&str]) -> SnapshotFile {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let mut file = SnapshotFile::new(Time::now(), Default::default(), texts(paths));
        file.excludes = texts(excludes);
        file
    }

    #[test]
    fn what_the_patterns_leave_out_stays_wherever_the_target_is_in_the_snapshot() {
        let file = file(&["/srv/www", "/etc"], &["*.tmp", "/cache", "/srv/www/up"]);
        for (place, below, stays) in [
            ("/srv/www", "x", false),
            ("/srv/www", "a.tmp", true),
            ("/srv/www", "d/a.tmp", true),
            ("/srv/www", "cache", true),
            ("/srv/www", "d/cache", false),
            ("/srv/www", "up", true),
            ("/srv/www/d", "cache", false),
            ("/srv/www/d", "a.tmp", true),
            // With several paths, their full paths are below the target. What is beside them was not backed up.
            ("/", "srv/www/cache", true),
            ("/", "srv/www/x", false),
            ("/", "etc/up", false),
            ("/", "srv/other", true),
            ("/", "home", true),
            ("/", "etc", true),
        ] {
            let rules = LeftOutRules::default();
            let spared = Spared::new(&file, &rules, place.into(), "/nowhere".into());
            assert_eq!(
                spared.stays(Path::new(below), false),
                stays,
                "{place} {below}"
            );
        }
    }

    #[test]
    fn what_is_too_large_beside_a_marker_or_may_be_unreadable_stays() {
        let target = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &str| {
            let path = target.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        write("large", "123456");
        write("small", "12345");
        write("cache/.nobackup", "yes");
        write("cache/x", "x");
        write("tagged/TAG", "Signature: 1");
        write("tagged/x", "x");
        write("wrong/TAG", "Sig");
        write("wrong/x", "x");
        let rules = LeftOutRules {
            exclude_if_present: vec![".nobackup".to_owned(), "TAG:Signature".to_owned()],
            exclude_caches: true,
            exclude_larger_than: Some(5),
            ignore_unreadable: vec!["*.sock".to_owned()],
        };
        let mut file = file(&["/s"], &[]);
        assert_eq!(LeftOutRules::of(&file), None);
        file.other
            .insert(FIELD.to_owned(), serde_json::to_value(&rules).unwrap());
        let read = LeftOutRules::of(&file).unwrap();
        assert_eq!(read, rules);
        let spared = Spared::new(&file, &read, "/s".into(), target.path().to_owned());
        for (below, stays) in [
            ("large", true),
            ("small", false),
            ("cache/x", true),
            ("cache/.nobackup", false),
            ("tagged/x", true),
            ("wrong/x", false),
            ("a.sock", true),
        ] {
            assert_eq!(spared.stays(Path::new(below), false), stays, "{below}");
        }
    }
}
