//! Removes snapshots. Their data stays until a prune.

use super::error::Error;
use crate::kill_point::{self, Point};
use crate::storage::error::ErrorKind as StorageErrorKind;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage};

/// What became of the snapshots that were to be removed.
#[derive(Debug, Default)]
pub struct Forgotten {
    pub removed: Vec<Id>,
    /// Another process was quicker.
    pub gone: Vec<Id>,
    /// They are still there, for all that is known.
    pub failed: Vec<(Id, Error)>,
}

/// Removes snapshot files. One that cannot be removed does not keep the others. What is in `removed` stays removed after
/// a loss of power.
///
/// The caller has the repository's exclusive lock, and `confirm` says whether it still holds.
///
/// # Errors
/// When the lock is lost, before the next file is removed; when it is not certain that the removals are durable.
pub fn forget(
    storage: &dyn Storage,
    snapshots: &[Id],
    confirm: &dyn Fn() -> Result<(), Error>,
) -> Result<Forgotten, Error> {
    let mut forgotten = Forgotten::default();
    let mut ended = Ok(());
    for id in snapshots {
        ended = confirm();
        if ended.is_err() {
            break;
        }
        match storage.remove(FileName::new(FileKind::Snapshot, *id)) {
            Ok(()) => {
                kill_point::reached(Point::SnapshotRemoved);
                forgotten.removed.push(*id);
            }
            Err(error) if error.kind == StorageErrorKind::NotFound => forgotten.gone.push(*id),
            Err(error) => forgotten.failed.push((*id, error.into())),
        }
    }
    storage.sync()?;
    ended.map(|()| forgotten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::error::{Doing, ErrorKind, What};
    use crate::storage::memory::{Memory, Request};

    fn with(snapshots: u8) -> (Memory, Vec<Id>) {
        let memory = Memory::delayed();
        let write = |at: u8| {
            let id = Id::of(&[at]);
            let file = FileName::new(FileKind::Snapshot, id);
            memory.write(file, &[at]).unwrap();
            id
        };
        let ids = (0..snapshots).map(write).collect();
        memory.sync().unwrap();
        (memory, ids)
    }

    fn left(memory: &Memory) -> usize {
        memory.list(FileKind::Snapshot).unwrap().files.len()
    }

    #[test]
    fn removed_snapshots_stay_removed_and_one_that_is_gone_is_not_an_error() {
        let (memory, ids) = with(4);
        memory.fail(Request::Remove, 1, StorageErrorKind::Denied);
        let asked = [ids[0], ids[1], Id([0; 32]), ids[2]];
        let forgotten = forget(&memory, &asked, &|| Ok(())).unwrap();
        memory.lose_power();
        assert_eq!(forgotten.removed, [ids[0], ids[2]]);
        assert_eq!(forgotten.gone, [Id([0; 32])]);
        assert_eq!(forgotten.failed[0].0, ids[1]);
        assert_eq!(left(&memory), 2);
    }

    #[test]
    fn without_its_lock_it_removes_nothing() {
        let (memory, ids) = with(2);
        let lost = || {
            Err(Error::new(
                ErrorKind::LockLost,
                Doing::Lock,
                What::Repository,
            ))
        };
        let error = forget(&memory, &ids, &lost).unwrap_err();
        assert_eq!(error.kind, ErrorKind::LockLost);
        assert_eq!(left(&memory), 2);
    }
}
