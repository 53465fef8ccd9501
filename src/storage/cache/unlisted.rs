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
