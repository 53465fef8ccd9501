//! What the cache has, for people, and its removal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::directory::read_place;
use super::room::{PLACE, files, repositories};
use super::{CacheFault, CacheStep};
use crate::storage::id::Id;

/// The cache of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedRepository {
    /// The id in the repository's config.
    pub id: Id,
    /// Where the repository is, without secrets; empty if that is not known.
    pub location: String,
    pub files: u64,
    /// In bytes.
    pub size: u64,
    /// When a process has opened it last; `None` if that is not known.
    pub last_use: Option<SystemTime>,
    /// The directory.
    pub path: PathBuf,
}

/// All repositories in the cache, in the order of their locations. Empty where there is no cache yet.
///
/// # Errors
/// When the directory cannot be read.
pub fn overview(top: &Path) -> Result<Vec<CachedRepository>, CacheFault> {
    match fs::read_dir(top) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => {
            return Err(CacheFault {
                step: CacheStep::Read,
                path: top.to_owned(),
                cause: Some(cause),
            });
        }
        Ok(_) => {}
    }
    let mut found: Vec<CachedRepository> = repositories(top)
        .into_iter()
        .filter_map(|path| {
            let id = Id::parse_bytes(path.file_name()?.as_encoded_bytes()).ok()?;
            let place = path.join(PLACE);
            let files = files(&path);
            Some(CachedRepository {
                id,
                location: read_place(&place).unwrap_or_default(),
                files: files.len() as u64,
                size: files.iter().map(|file| file.size).sum(),
                last_use: fs::metadata(&place).and_then(|about| about.modified()).ok(),
                path,
            })
        })
        .collect();
    found.sort_by(|one, other| (&one.location, one.id).cmp(&(&other.location, other.id)));
    Ok(found)
}

/// Removes the cache of a repository. Processes that use it go on without it.
///
/// # Errors
/// When something of it stays.
pub fn clear(repository: &CachedRepository) -> Result<(), CacheFault> {
    let mut tries = 0;
    loop {
        match fs::remove_dir_all(&repository.path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
            // Another process has just added a file.
            Err(cause) if cause.kind() == io::ErrorKind::DirectoryNotEmpty && tries < 10 => {
                tries += 1;
            }
            Err(cause) => {
                return Err(CacheFault {
                    step: CacheStep::Remove,
                    path: repository.path.clone(),
                    cause: Some(cause),
                });
            }
            Ok(()) => return Ok(()),
        }
    }
}
