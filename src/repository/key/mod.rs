//! Key files: the repository's secret keys, encrypted with a key that is derived from a password. A repository may
//! have several of them, one for each password.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use ahead::Ahead;
use cost::{Cost, cipher_of};
use document::{Base64, Document};

use super::crypto::{SecretKeys, fill_random};
use super::error::{Damage, Doing, Error, ErrorKind, What};
use super::time::Time;
use crate::kill_point::{self, Point};
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage};

mod ahead;
pub mod cost;
mod document;

/// A key file has less than a kilobyte.
const LIMIT: u64 = 1 << 20;
/// restic reads no other salt.
const SALT_LENGTH: usize = 64;

/// A key file as it is stored. None of it is secret without the password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyFile {
    #[serde(default = "unset")]
    pub created: Time,
    #[serde(default)]
    pub username: String,
    #[serde(default)]
    pub hostname: String,
    pub kdf: String,
    #[serde(flatten)]
    pub cost: Cost,
    salt: Base64,
    data: Base64,
}

fn unset() -> Time {
    super::node::UNSET
}

/// A key that was opened.
pub struct OpenKey {
    pub keys: SecretKeys,
    /// The key file that the password opened.
    pub id: Id,
    /// Other key files that cannot be read.
    pub problems: Vec<Error>,
}

impl fmt::Debug for OpenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenKey({})", self.id)
    }
}

/// Opens the repository's keys with a password. The key of which the derivation is `ahead` is tried before the others, if
/// it is there. `fits` says whether
/// keys are those of this repository: a creation that was cut short leaves a key file of another one. If none fits, the
/// first that opened is returned.
///
/// # Errors
/// `WrongPassword` when every key file can be read and none belongs to this password; `KeysUnreadable` when one cannot
/// be read, since it may be the one.
pub fn open(
    storage: &dyn Storage,
    password: &[u8],
    ahead: Option<&Ahead>,
    mut fits: impl FnMut(&SecretKeys) -> Result<bool, Error>,
) -> Result<OpenKey, Error> {
    let mut ids: Vec<Id> = storage
        .list(FileKind::Key)?
        .files
        .iter()
        .map(|file| file.id)
        .collect();
    let first = ahead.map(Ahead::id);
    ids.sort_by_key(|id| (Some(*id) != first, *id));
    if ids.is_empty() {
        return Err(Error::new(ErrorKind::NoKeys, Doing::Open, What::Repository));
    }
    let count = ids.len();
    let mut problems = Vec::new();
    let mut opened = None;
    let mut unfit = None;
    for id in ids {
        // Those behind the right one are read, so that damage is seen; deriving a key from each would take too long.
        match read(storage, id) {
            Ok(file) if opened.is_none() => {
                let begun = ahead.and_then(|ahead| ahead.take(id));
                match begun.unwrap_or_else(|| file.open(id, password)) {
                    Ok(None) => {}
                    Ok(Some(keys)) if fits(&keys)? => opened = Some((id, keys)),
                    Ok(Some(keys)) => unfit = unfit.or(Some((id, keys))),
                    Err(problem) => problems.push(problem),
                }
            }
            Ok(_) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if let Some((id, keys)) = opened.or(unfit) {
        return Ok(OpenKey { keys, id, problems });
    }
    let others = problems.len() < count;
    match problems.into_iter().next() {
        None => Err(Error::new(
            ErrorKind::WrongPassword,
            Doing::Open,
            What::Repository,
        )),
        Some(problem) => {
            let what = problem.what;
            let kind = ErrorKind::KeysUnreadable { others };
            Err(Error::new(kind, Doing::Open, what).with(problem))
        }
    }
}

/// Key files by their ids, or why one cannot be read.
pub type KeyFiles = Vec<(Id, Result<KeyFile, Error>)>;

/// All keys.
///
/// # Errors
/// When they cannot be listed.
pub fn list(storage: &dyn Storage) -> Result<KeyFiles, Error> {
    let files = storage.list(FileKind::Key)?.files;
    Ok(files
        .iter()
        .map(|file| (file.id, read(storage, file.id)))
        .collect())
}

fn read(storage: &dyn Storage, id: Id) -> Result<KeyFile, Error> {
    let name = FileName::new(FileKind::Key, id);
    let content = storage.read(name, LIMIT)?;
    parse(id, &content)
}

fn parse(id: Id, content: &[u8]) -> Result<KeyFile, Error> {
    let name = FileName::new(FileKind::Key, id);
    if Id::of(content) != id {
        return Err(Error::file(Damage::Hash, name));
    }
    let file: KeyFile = serde_json::from_slice(content)
        .map_err(|cause| Error::file(Damage::Json, name).with(cause))?;
    if file.kdf != "scrypt" || file.salt.0.is_empty() || file.cost.parameters().is_none() {
        return Err(Error::file(Damage::Value, name));
    }
    Ok(file)
}

impl KeyFile {
    /// The repository's keys; `None` when this key belongs to another password.
    fn open(&self, id: Id, password: &[u8]) -> Result<Option<SecretKeys>, Error> {
        let name = FileName::new(FileKind::Key, id);
        let cipher = cipher_of(self.cost, password, &self.salt.0)
            .map_err(|damage| Error::file(damage, name))?;
        let mut data = Zeroizing::new(self.data.0.clone());
        match cipher.open(&mut data) {
            // The file is as it was written: its hash was compared.
            Err(Damage::Authentication) => Ok(None),
            Err(damage) => Err(Error::file(damage, name)),
            Ok(text) => Document::parse(text)
                .map(Some)
                .ok_or_else(|| Error::file(Damage::Value, name)),
        }
    }
}

/// Adds a key file for another password. It is durable when this returns.
///
/// # Errors
/// When it cannot be written.
pub fn add(
    storage: &dyn Storage,
    keys: &SecretKeys,
    password: &[u8],
    cost: Cost,
) -> Result<Id, Error> {
    let failed = |damage| Error {
        doing: Doing::AddKey,
        ..Error::damaged(damage, What::Repository)
    };
    let mut salt = vec![0; SALT_LENGTH];
    fill_random(&mut salt)?;
    let cipher = cipher_of(cost, password, &salt).map_err(failed)?;
    let text = Document::write(keys).ok_or_else(|| failed(Damage::Json))?;
    let user = rustix::process::getuid().as_raw();
    let file = KeyFile {
        created: Time::now(),
        username: crate::os::user_name(user).unwrap_or_default(),
        hostname: gethostname::gethostname().to_string_lossy().into_owned(),
        kdf: "scrypt".into(),
        cost,
        salt: Base64(salt),
        data: Base64(cipher.seal_copy(&text)?),
    };
    let content = serde_json::to_vec(&file).map_err(|cause| failed(Damage::Json).with(cause))?;
    let id = Id::of(&content);
    storage.write(FileName::new(FileKind::Key, id), &content)?;
    storage.sync()?;
    kill_point::reached(Point::KeyWritten);
    Ok(id)
}

/// Removes a key, but never the one that `in_use` names. So one always stays.
///
/// # Errors
/// `KeyNeeded` when it is the one in use.
pub fn remove(storage: &dyn Storage, id: Id, in_use: Id) -> Result<(), Error> {
    let name = FileName::new(FileKind::Key, id);
    if id == in_use {
        let what = What::File(name);
        return Err(Error::new(ErrorKind::KeyNeeded, Doing::RemoveKey, what));
    }
    storage.remove(name)?;
    storage.sync()?;
    kill_point::reached(Point::KeyRemoved);
    Ok(())
}

/// The key for a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    pub id: Id,
    /// An earlier change had written it, and was interrupted before it removed the old one.
    pub was_there: bool,
}

/// Replaces the key in use by one for a new password. The old one is removed when the new one was opened once. A change
/// that is interrupted leaves both; the next one finds the new key, and removes the old one.
///
/// # Errors
/// When the new one cannot be written or opened: the old one stays.
pub fn change_password(
    storage: &dyn Storage,
    old: &OpenKey,
    password: &[u8],
    cost: Cost,
) -> Result<Changed, Error> {
    let opens = |id: Id| match read(storage, id)?.open(id, password)? {
        Some(keys) => Ok(keys.encrypt == old.keys.encrypt && keys.mac_r == old.keys.mac_r),
        None => Ok::<bool, Error>(false),
    };
    // A key that cannot be read is not the one.
    let others = storage.list(FileKind::Key)?.files.into_iter();
    let mut others = others.map(|file| file.id).filter(|id| *id != old.id);
    let known = others.find(|id| opens(*id).unwrap_or(false));
    let changed = match known {
        Some(id) => Changed {
            id,
            was_there: true,
        },
        None => Changed {
            id: add(storage, &old.keys, password, cost)?,
            was_there: false,
        },
    };
    if !opens(changed.id)? {
        let name = FileName::new(FileKind::Key, changed.id);
        return Err(Error::file(Damage::Authentication, name));
    }
    remove(storage, old.id, changed.id)?;
    Ok(changed)
}

#[cfg(test)]
mod tests;
