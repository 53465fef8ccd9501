//! Snapshots that this host knows and a list does not name. Some lists come late, and a list that is too short would let a
//! prune remove what those snapshots need.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::storage::error::{Error, ErrorKind};
use crate::storage::{FileKind, FileName, Listed, Listing, Storage};

/// The most requests at the same time.
const MOST_AT_ONCE: usize = 8;

/// Of the snapshots that this host has kept, those that the list does not name and that are there all the same. Each is
/// asked for by its name.
///
/// # Errors
/// When the server does not say whether one of them is there.
pub(super) fn unlisted(
    storage: &dyn Storage,
    kept: Vec<Listed>,
    listing: &Listing,
) -> Result<Vec<Listed>, Error> {
    let named: HashSet<_> = listing.files.iter().map(|file| file.id).collect();
    let missing = kept.into_iter().filter(|file| !named.contains(&file.id));
    let missing: Vec<Listed> = missing.collect();
    let traits = storage.traits();
    let lanes = match traits.connects_quickly {
        true => traits.parallel.min(MOST_AT_ONCE).min(missing.len()),
        false => 1,
    };
    let (rest, found) = (Mutex::new(missing.into_iter()), Mutex::new(Ok(Vec::new())));
    let ask = || {
        while let Some(file) = with(&rest, Iterator::next) {
            let size = storage.size(FileName::new(FileKind::Snapshot, file.id));
            let goes_on = with(&found, |found| match (size, &mut *found) {
                (Ok(size), Ok(there)) => {
                    there.push(Listed { size, ..file });
                    true
                }
                (Err(error), Ok(_)) if error.kind == ErrorKind::NotFound => true,
                (Err(error), Ok(_)) => {
                    *found = Err(error);
                    false
                }
                (_, Err(_)) => false,
            });
            if !goes_on {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..lanes {
            // Without a thread, the others do its work.
            let _ = std::thread::Builder::new().spawn_scoped(scope, ask);
        }
        ask();
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn with<T, R>(mutex: &Mutex<T>, act: impl FnOnce(&mut T) -> R) -> R {
    act(&mut mutex.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cached, kept, put};
    use super::*;
    use crate::storage::id::Id;
    use crate::storage::memory::{Memory, Request};

    #[test]
    fn a_snapshot_that_is_kept_and_not_listed_is_asked_for_by_its_name() {
        let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
        let snapshots = [b"one", b"two", b"six"].map(|it| put(&memory, FileKind::Snapshot, it));
        let top = directory.path().join("cache");
        let (cached, told) = cached(&memory, &top, 1 << 20);
        for file in snapshots {
            cached.read(file, 99).unwrap();
        }
        let listed = || {
            let listing = cached.list(FileKind::Snapshot)?;
            let mut lists = cached.lists(&[FileKind::Snapshot, FileKind::Pack])?;
            let ids = |listing: Listing| -> HashSet<Id> {
                assert!(listing.files.iter().all(|file| file.size == 3));
                listing.files.iter().map(|file| file.id).collect()
            };
            let found = ids(listing);
            assert_eq!(found, ids(lists.swap_remove(0)));
            Ok::<_, Error>(found.len())
        };
        assert_eq!(listed().unwrap(), 3);
        assert_eq!(memory.count(Request::Size), 0);
        memory.hide(snapshots[0]);
        memory.remove(snapshots[1]).unwrap();
        // Nothing is known of a snapshot of which the server does not say whether it is there.
        memory.fail(Request::Size, 0, ErrorKind::Denied);
        memory.fail(Request::Size, 0, ErrorKind::Denied);
        assert_eq!(listed().unwrap_err().kind, ErrorKind::Denied);
        memory.take_back_failures();
        assert!(
            snapshots
                .iter()
                .all(|file| kept(&directory, *file).exists())
        );
        assert_eq!(listed().unwrap(), 2);
        assert_eq!(*told.lock().unwrap(), ["1 not listed", "1 not listed"]);
        assert!(kept(&directory, snapshots[0]).exists());
        assert!(!kept(&directory, snapshots[1]).exists());
        // It stays known when the server says something wrong of it, and its damage is seen.
        memory.damage(snapshots[0], Vec::new());
        let listing = cached.list(FileKind::Snapshot).unwrap();
        assert!(listing.files.iter().any(|file| file.size == 0));
        assert_eq!(cached.read(snapshots[0], 99).unwrap(), b"");
        assert!(kept(&directory, snapshots[0]).exists());
    }
}
