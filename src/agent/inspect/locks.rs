//! The lock files of a repository, for people.

use super::{Session, SessionError};
use crate::repository::lock::{self, Found};
use crate::repository::time::Time;

/// A lock file that was found.
pub struct ListedLock {
    pub found: Found,
    /// Its process is gone, or nobody refreshed it for half an hour.
    pub is_stale: bool,
}

/// All lock files of the repository.
///
/// # Errors
/// When they cannot be listed.
pub fn list(session: &Session) -> Result<Vec<ListedLock>, SessionError> {
    let repository = &session.repository;
    let now = Time::now();
    let mut locks = lock::found_locks(&*repository.storage, &repository.cipher)?;
    locks.sort_by_key(|found| found.id);
    Ok(locks
        .into_iter()
        .map(|found| ListedLock {
            is_stale: lock::is_stale(&found, now),
            found,
        })
        .collect())
}

/// Removes a lock file. One that is gone is not an error.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(session: &Session, lock: &ListedLock) -> Result<(), SessionError> {
    Ok(lock::remove(&*session.repository.storage, lock.found.id)?)
}
