//! The key file that has opened the repository before. With it, work on the key begins while the server is asked for its
//! list of keys. A key that this list does not name is of no use any more, and goes.

use std::sync::{Mutex, OnceLock};

use super::directory::Directory;
use super::{CacheFault, CachePlace, lock};
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Listing};

/// The key that is in the cache, and the keys that could go there.
#[derive(Default)]
pub(super) struct EarlyKey {
    /// What was found for the location, before it is known which repository is there.
    found: OnceLock<Option<Found>>,
    /// What this process has read or written of keys.
    seen: Mutex<Vec<Key>>,
}

struct Found {
    directory: Directory,
    key: Key,
}

/// The name and the content of a key file.
pub(super) type Key = (Id, Vec<u8>);

impl EarlyKey {
    /// Looks for the key of the repository that was at this location when a process used it last.
    pub(super) fn find(&self, place: &CachePlace, location: &str) -> Option<&Key> {
        let found = self.found.get_or_init(|| {
            let directory = Directory::at_location(place, location)?;
            let key = directory.key()?;
            Some(Found { directory, key })
        });
        found.as_ref().map(|found| &found.key)
    }

    fn found(&self) -> Option<&Found> {
        self.found.get()?.as_ref()
    }

    /// The content of a key file, if it is the one that was found.
    pub(super) fn read(&self, id: Id, limit: u64) -> Option<Vec<u8>> {
        let (found, content) = &self.found()?.key;
        (*found == id && content.len() as u64 <= limit).then(|| content.clone())
    }

    /// A key file was read from the server or written there.
    pub(super) fn is_seen(&self, id: Id, content: &[u8]) {
        if Id::of(content) == id {
            lock(&self.seen).push((id, content.to_vec()));
        }
    }

    /// The server has these keys.
    pub(super) fn is_listed(&self, listing: &Listing) {
        if let Some(found) = self.found()
            && listing.files.iter().all(|file| file.id != found.key.0)
        {
            self.is_removed(found.key.0);
        }
    }

    /// The server does not have this key any more.
    pub(super) fn is_removed(&self, id: Id) {
        if let Some(found) = self.found() {
            found.directory.forget(FileName::new(FileKind::Key, id));
        }
    }

    /// This key has opened the repository, whose files are in this directory: it is kept, and no other one.
    pub(super) fn is_right(&self, directory: &Directory, id: Id) -> Result<(), CacheFault> {
        let file = FileName::new(FileKind::Key, id);
        directory.keep_only(FileKind::Key, [id]);
        let seen = std::mem::take(&mut *lock(&self.seen));
        if directory.has(file) {
            return Ok(());
        }
        let found = self.found().map(|found| found.key.clone());
        let content = found.into_iter().chain(seen).find(|(key, _)| *key == id);
        content.map_or(Ok(()), |(_, content)| directory.store(file, &content))
    }
}
