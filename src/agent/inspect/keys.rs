//! The keys of a repository, one for each password.

use super::{Session, SessionError};
use crate::repository::error::Error;
use crate::repository::key::cost::Cost;
use crate::repository::key::{self, Changed, KeyFile};
use crate::storage::id::Id;

/// A key of the repository.
pub struct ListedKey {
    pub id: Id,
    /// The password of this session belongs to it.
    pub in_use: bool,
    /// The key file, or why it cannot be read.
    pub file: Result<KeyFile, Error>,
}

/// All keys, oldest first. Those that cannot be read come last.
///
/// # Errors
/// When they cannot be listed.
pub fn list(session: &Session) -> Result<Vec<ListedKey>, SessionError> {
    let repository = &session.repository;
    let mut keys: Vec<ListedKey> = key::list(&*repository.storage)?
        .into_iter()
        .map(|(id, file)| ListedKey {
            id,
            in_use: id == repository.key.id,
            file,
        })
        .collect();
    keys.sort_by_key(|key| match &key.file {
        Ok(file) => (0, file.created.seconds, key.id),
        Err(_) => (1, 0, key.id),
    });
    Ok(keys)
}

/// Adds a key for another password.
///
/// # Errors
/// When it cannot be written: `ReadOnlyVersion` for version 1 of the format.
pub fn add(session: &Session, password: &[u8]) -> Result<Id, SessionError> {
    let repository = &session.repository;
    repository.writable()?;
    let keys = &repository.key.keys;
    let id = key::add(&*repository.storage, keys, password, Cost::calibrated())?;
    Ok(id)
}

/// Removes the key whose id begins like this. The session has an exclusive lock.
///
/// # Errors
/// When no key or several keys match, and when the key is in use. So one key always stays.
pub fn remove(session: &Session, beginning: &str) -> Result<Id, SessionError> {
    let repository = &session.repository;
    repository.writable()?;
    let beginning = beginning.to_ascii_lowercase();
    let found: Vec<Id> = list(session)?
        .into_iter()
        .map(|key| key.id)
        .filter(|id| !beginning.is_empty() && id.hex().starts_with(beginning.as_bytes()))
        .collect();
    let [id] = found.as_slice() else {
        let count = found.len();
        return Err(SessionError::KeyNotFound { beginning, count });
    };
    key::remove(&*repository.storage, *id, repository.key.id)?;
    Ok(*id)
}

/// Replaces the key in use by one for a new password. The session has an exclusive lock.
///
/// # Errors
/// When the new key cannot be written: the old one stays.
pub fn change_password(session: &Session, password: &[u8]) -> Result<Changed, SessionError> {
    let repository = &session.repository;
    repository.writable()?;
    let changed = key::change_password(
        &*repository.storage,
        &repository.key,
        password,
        Cost::calibrated(),
    )?;
    Ok(changed)
}
