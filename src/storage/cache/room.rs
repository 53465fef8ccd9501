//! How much room the cache takes. What was used longest ago goes first, and snapshots go last.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use super::{CachePlace, lock};
use crate::storage::FileKind;
use crate::storage::id::Id;

/// Names the location of the repository. The time of this file is that of the last use.
pub(super) const PLACE: &str = "place";

/// In the name of a file that is being written.
pub(super) const TEMPORARY: &str = "-tmp-";

/// The cache of a repository that nobody used for so long goes as a whole.
const FORGOTTEN: Duration = Duration::from_secs(60 * 24 * 60 * 60);

/// A file that was not completed for so long belongs to a process that was killed.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// Counts what all repositories take. Several processes may add to them at the same time, so it may be too much for a
/// moment.
pub(super) struct Room {
    place: CachePlace,
    /// `None` before this process has looked.
    known: Mutex<Option<Known>>,
}

/// In bytes, as far as this process knows.
#[derive(Clone, Copy, Debug)]
struct Known {
    taken: u64,
    limit: u64,
}

/// A file of the cache.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kept {
    pub used: SystemTime,
    pub size: u64,
    pub path: PathBuf,
}

impl Room {
    pub(super) fn new(place: CachePlace) -> Room {
        let known = Mutex::new(None);
        Room { place, known }
    }

    /// Makes room for a file of this size. False: it has none.
    pub(super) fn make_for(&self, size: u64) -> bool {
        let mut known = lock(&self.known);
        if let Some(known) = &mut *known
            && known.taken.saturating_add(size) <= known.limit
        {
            known.taken += size;
            return true;
        }
        let mut files = clean(&self.place.directory);
        let sum = files.iter().map(|file| file.size).sum();
        let limit = limit(self.place.size, sum, free(&self.place.directory));
        let mut taken: u64 = sum;
        if size <= limit {
            // Snapshots take little room, and what is kept of them shows whether a server lists all of them.
            files.sort_by_cached_key(|file| (is_snapshot(&file.path), file.clone()));
            for file in too_many(&files, sum, size, limit) {
                if fs::remove_file(&file.path).is_ok() {
                    taken -= file.size;
                }
            }
        }
        let fits = taken.saturating_add(size) <= limit;
        if fits {
            taken += size;
        }
        *known = Some(Known { taken, limit });
        fits
    }
}

/// What stays free of a large disk.
const FREE: u64 = 4 << 30;

/// The size that all files may have: what the settings say, as long as a tenth of the disk, or [`FREE`], stays free.
fn limit(size: u64, taken: u64, disk: Option<(u64, u64)>) -> u64 {
    let Some((free, whole)) = disk else {
        return size;
    };
    size.min(taken.saturating_add(free.saturating_sub((whole / 10).min(FREE))))
}

/// The files that go, so that one more fits and some room is left: a look costs time.
fn too_many(oldest_first: &[Kept], sum: u64, more: u64, limit: u64) -> &[Kept] {
    if sum.saturating_add(more) <= limit {
        return &[];
    }
    let wanted = (limit - limit / 10).saturating_sub(more);
    let mut left = sum;
    let count = oldest_first
        .iter()
        .take_while(|file| {
            let goes = left > wanted;
            left = left.saturating_sub(file.size);
            goes
        })
        .count();
    &oldest_first[..count]
}

fn is_snapshot(path: &Path) -> bool {
    let directory = path.parent().and_then(Path::file_name);
    directory.is_some_and(|name| FileKind::Snapshot.directory().is_some_and(|it| it == name))
}

/// The bytes that are free on the disk, and the size of the disk.
fn free(directory: &Path) -> Option<(u64, u64)> {
    let about = rustix::fs::statvfs(directory).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(about.f_frsize);
    Some((bytes(about.f_bavail), bytes(about.f_blocks)))
}

/// All files of the cache. Removes what was begun and left, and repositories that nobody uses.
fn clean(top: &Path) -> Vec<Kept> {
    let mut kept = Vec::new();
    for repository in repositories(top) {
        if age(&repository.join(PLACE)).is_none_or(|age| age > FORGOTTEN)
            && age(&repository).is_some_and(|age| age > ABANDONED)
        {
            let _ = fs::remove_dir_all(&repository);
            continue;
        }
        for file in files(&repository) {
            let name = file.path.file_name().unwrap_or_default();
            let is_temporary = String::from_utf8_lossy(name.as_encoded_bytes()).contains(TEMPORARY);
            let is_old = file.used.elapsed().is_ok_and(|age| age > ABANDONED);
            match is_temporary && is_old {
                true => drop(fs::remove_file(&file.path)),
                false => kept.push(file),
            }
        }
    }
    kept
}

/// The directories of repositories.
pub(super) fn repositories(top: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(top).into_iter().flatten().flatten();
    entries
        .filter(|entry| Id::parse_bytes(entry.file_name().as_encoded_bytes()).is_ok())
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// The files that the cache of a repository has.
pub(super) fn files(repository: &Path) -> Vec<Kept> {
    let kinds = FileKind::ALL.iter().filter_map(|kind| kind.directory());
    let entries = kinds.flat_map(|kind| {
        let listed = fs::read_dir(repository.join(kind));
        listed.into_iter().flatten().flatten()
    });
    let kept = entries.filter_map(|entry| {
        let about = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some(Kept {
            used: about.modified().ok()?,
            size: about.len(),
            path: entry.path(),
        })
    });
    kept.collect()
}

/// The time since something was changed; `None` where it does not exist, or was changed in the future.
fn age(path: &Path) -> Option<Duration> {
    let changed = fs::symlink_metadata(path).ok()?.modified().ok()?;
    changed.elapsed().ok()
}

#[cfg(test)]
mod tests {
    use super::super::overview;
    use super::super::tests::{cached, kept as kept_file};
    use super::*;
    use crate::storage::memory::Memory;
    use crate::storage::{FileName, Storage};

    fn kept(age: u64, size: u64) -> Kept {
        Kept {
            used: SystemTime::UNIX_EPOCH + Duration::from_secs(1000 - age),
            size,
            path: PathBuf::from(age.to_string()),
        }
    }

    #[test]
    fn the_files_that_were_used_longest_ago_go_until_a_tenth_is_free() {
        let files = [kept(30, 40), kept(20, 30), kept(10, 30)];
        let gone = |more, limit| too_many(&files, 100, more, limit).len();
        assert_eq!(gone(0, 100), 0);
        assert_eq!(gone(1, 101), 0);
        assert_eq!(gone(1, 100), 1);
        assert_eq!(gone(31, 100), 2);
        assert_eq!(gone(90, 100), 3);
        assert_eq!(gone(0, 0), 3);
    }

    #[test]
    fn a_tenth_of_the_disk_stays_free() {
        assert_eq!(limit(500, 100, None), 500);
        assert_eq!(limit(500, 100, Some((1000, 2000))), 500);
        assert_eq!(limit(500, 100, Some((300, 2000))), 200);
        assert_eq!(limit(500, 100, Some((100, 2000))), 100);
        assert_eq!(limit(500, 0, Some((100, 2000))), 0);
    }

    #[test]
    fn of_a_large_disk_no_more_than_four_gibibytes_stay_free() {
        let disk = |free| Some((free, 4 << 40));
        assert_eq!(limit(500, 0, disk(300 << 30)), 500);
        assert_eq!(limit(500, 0, disk(FREE + 200)), 200);
        assert_eq!(limit(500, 0, disk(FREE)), 0);
    }

    #[test]
    fn the_cache_stays_within_its_size() {
        let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
        let top = directory.path().join("cache");
        let (cached, told) = cached(&memory, &top, 1000);
        let snapshot = FileName::new(FileKind::Snapshot, Id::of(b"snapshot"));
        cached.write(snapshot, b"snapshot").unwrap();
        for number in 0..50_u8 {
            let content = [number; 90];
            let file = FileName::new(FileKind::Index, Id::of(&content));
            cached.write(file, &content).unwrap();
            let size: u64 = overview::overview(&top)
                .unwrap()
                .iter()
                .map(|it| it.size)
                .sum();
            assert!(size <= 1000, "{size}");
            assert!(kept_file(&directory, file).exists());
            assert!(kept_file(&directory, snapshot).exists());
        }
        let content = [1; 2000];
        let file = FileName::new(FileKind::Index, Id::of(&content));
        cached.write(file, &content).unwrap();
        assert!(!kept_file(&directory, file).exists());
        assert_eq!(*told.lock().unwrap(), [] as [&str; 0]);
    }
}
