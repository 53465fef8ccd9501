//! The lock files of a repository: listed, read, written and removed.

use rustix::process::{Pid, test_kill_process};

use super::{Found, FoundState, LockFile};
use crate::kill_point::{self, Point};
use crate::repository::crypto::Cipher;
use crate::repository::error::{Damage, Doing, Error, ErrorKind, What};
use crate::repository::time::Time;
use crate::repository::unpacked;
use crate::storage::error::ErrorKind as StorageErrorKind;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Listed, Storage};

/// The most lock files that are read to take a lock.
pub(super) const MOST: usize = 10_000;

/// All lock files, also those that cannot be read.
///
/// # Errors
/// When they cannot be listed.
pub fn found_locks(storage: &dyn Storage, cipher: &Cipher) -> Result<Vec<Found>, Error> {
    examine(storage, cipher, storage.list(FileKind::Lock)?.files, None)
}

/// As [`found_locks`], without one's own, which is not read. This is for who takes a lock, and does not want to read as many
/// files as a server likes to list.
///
/// # Errors
/// `TooManyLocks` when there are more than any number of crashes leaves; those of [`found_locks`].
pub(super) fn other_locks(
    storage: &dyn Storage,
    cipher: &Cipher,
    own: Option<Id>,
) -> Result<Vec<Found>, Error> {
    let files = storage.list(FileKind::Lock)?.files;
    if files.len() > MOST {
        let kind = ErrorKind::TooManyLocks(files.len());
        return Err(Error::new(kind, Doing::Lock, What::Repository));
    }
    examine(storage, cipher, files, own)
}

fn examine(
    storage: &dyn Storage,
    cipher: &Cipher,
    files: Vec<Listed>,
    own: Option<Id>,
) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for listed in files {
        if Some(listed.id) == own {
            continue;
        }
        let name = FileName::new(FileKind::Lock, listed.id);
        let state = if listed.size == 0 {
            FoundState::Empty
        } else {
            match read(storage, cipher, name) {
                Ok(lock) => {
                    let alive = is_alive(&lock);
                    FoundState::Readable { lock, alive }
                }
                Err(error) => match error.kind {
                    // Removed since the listing.
                    ErrorKind::Storage(StorageErrorKind::NotFound) => continue,
                    ErrorKind::Damaged(damage) => FoundState::Unreadable(Some(damage)),
                    _ => FoundState::Unreadable(None),
                },
            }
        };
        found.push(Found {
            id: listed.id,
            written: listed.modified.map(Time::from),
            state,
        });
    }
    Ok(found)
}

fn read(storage: &dyn Storage, cipher: &Cipher, name: FileName) -> Result<LockFile, Error> {
    let document = unpacked::read(storage, cipher, name)?;
    serde_json::from_slice(&document).map_err(|cause| Error::file(Damage::Json, name).with(cause))
}

/// Writes a lock file, which is there for others when this returns. It is not compressed: restic would not find its way
/// through a compressed one in a repository of version 1, and reads a plain one in every version.
pub(super) fn write(storage: &dyn Storage, cipher: &Cipher, lock: &LockFile) -> Result<Id, Error> {
    let document = serde_json::to_vec(lock)
        .map_err(|cause| Error::damaged(Damage::Json, What::Repository).with(cause))?;
    let content = cipher.seal_copy(&document)?;
    let file = FileName::new(FileKind::Lock, Id::of(&content));
    storage.write(file, &content)?;
    kill_point::reached(Point::LockWritten);
    Ok(file.id)
}

/// Removes a lock file; one that is gone is not an error.
///
/// # Errors
/// When the storage cannot remove it.
pub fn remove(storage: &dyn Storage, id: Id) -> Result<(), Error> {
    match storage.remove(FileName::new(FileKind::Lock, id)) {
        Err(error) if error.kind != StorageErrorKind::NotFound => Err(error.into()),
        _ => {
            kill_point::reached(Point::LockRemoved);
            Ok(())
        }
    }
}

/// Whether the lock's process lives, if it runs here. A signal that is not sent asks the kernel.
fn is_alive(lock: &LockFile) -> Option<bool> {
    if lock.hostname != hostname() {
        return None;
    }
    let pid = i32::try_from(lock.pid).ok().and_then(Pid::from_raw)?;
    match test_kill_process(pid) {
        Err(rustix::io::Errno::SRCH) => Some(false),
        // Also one that belongs to another user.
        _ => Some(true),
    }
}

pub(super) fn hostname() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
