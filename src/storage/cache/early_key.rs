//! The key file that has opened the repository before. With it, work on the key begins while the server is asked for its
//! list of keys. A key that this list does not name is of no use any more, and goes.

use std::sync::atomic::{AtomicBool, Ordering};
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
    /// The server does not have it as it was.
    is_stale: AtomicBool,
}

/// The name and the content of a key file.
pub(super) type Key = (Id, Vec<u8>);

impl EarlyKey {
    /// Looks for the key of the repository that was at this location when a process used it last.
    pub(super) fn find(&self, place: &CachePlace, location: &str) -> Option<&Key> {
        let found = self.found.get_or_init(|| {
            let directory = Directory::at_location(place, location)?;
            let key = directory.key()?;
            Some(Found {
                directory,
                key,
                is_stale: AtomicBool::new(false),
            })
        });
        found.as_ref().map(|found| &found.key)
    }

    fn found(&self) -> Option<&Found> {
        self.found.get()?.as_ref()
    }

    /// The content of a key file, if it is the one that was found.
    pub(super) fn read(&self, id: Id, limit: u64) -> Option<Vec<u8>> {
        let found = self.found()?;
        let (key, content) = &found.key;
        let is_good = *key == id && !found.is_stale.load(Ordering::Relaxed);
        (is_good && content.len() as u64 <= limit).then(|| content.clone())
    }

    /// A key file was read from the server or written there.
    pub(super) fn is_seen(&self, id: Id, content: &[u8]) {
        if Id::of(content) == id {
            lock(&self.seen).push((id, content.to_vec()));
        }
    }

    /// The server has these keys. One that has another size there is damaged, and who reads it shall see that.
    pub(super) fn is_listed(&self, listing: &Listing) {
        let Some(found) = self.found() else { return };
        let (key, size) = (found.key.0, found.key.1.len() as u64);
        if !listing
            .files
            .iter()
            .any(|it| (it.id, it.size) == (key, size))
        {
            self.is_removed(key);
        }
    }

    /// The server does not have this key any more.
    pub(super) fn is_removed(&self, id: Id) {
        if let Some(found) = self.found().filter(|found| found.key.0 == id) {
            found.is_stale.store(true, Ordering::Relaxed);
            found.directory.forget(FileName::new(FileKind::Key, id));
        }
    }

    /// This key has opened the repository, whose files are in this directory: it is kept, and no other one.
    pub(super) fn is_right(&self, directory: &Directory, id: Id) -> Result<(), CacheFault> {
        let file = FileName::new(FileKind::Key, id);
        directory.keep_only(file);
        let seen = std::mem::take(&mut *lock(&self.seen));
        if directory.has(file) {
            return Ok(());
        }
        let found = self
            .found()
            .filter(|found| !found.is_stale.load(Ordering::Relaxed));
        let found = found.map(|found| found.key.clone());
        let content = found.into_iter().chain(seen).find(|(key, _)| *key == id);
        content.map_or(Ok(()), |(_, content)| directory.store(file, &content))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tests::{REPOSITORY, kept, large_unopened, put, unopened};
    use super::*;
    use crate::storage::Storage;
    use crate::storage::memory::{Memory, Request};

    #[test]
    fn the_key_that_opened_the_repository_is_kept_and_no_other_one() {
        let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
        let [right, other] =
            [b"right", b"other"].map(|content| put(&memory, FileKind::Key, content));
        let open = || {
            let cached = large_unopened(&memory, &directory);
            let earlier = cached.earlier_key();
            for file in cached.list(FileKind::Key).unwrap().files {
                let key = FileName::new(FileKind::Key, file.id);
                let content = memory.read(key, 99).unwrap();
                assert_eq!(cached.read(key, 99).unwrap(), content);
            }
            (cached, earlier)
        };
        let (cached, earlier) = open();
        assert_eq!(earlier, None);
        cached.belongs_to(REPOSITORY, right.id);
        assert!(kept(&directory, right).exists() && !kept(&directory, other).exists());

        let (cached, earlier) = open();
        assert_eq!(earlier, Some((right.id, b"right".to_vec())));
        // The test itself reads each key, and the cache those that it does not have.
        let before = memory.count(Request::Read);
        assert_eq!(cached.read(right, 99).unwrap(), b"right");
        assert_eq!(memory.count(Request::Read), before);
        cached.belongs_to(REPOSITORY, other.id);
        assert!(!kept(&directory, right).exists() && kept(&directory, other).exists());

        // Damage, and a repository at another place, are as if nothing were there.
        let elsewhere = unopened(&memory, &directory.path().join("cache"), 1 << 30, "s3:y/z").0;
        assert_eq!(elsewhere.earlier_key(), None);
        fs::write(kept(&directory, other), "OTHER").unwrap();
        assert_eq!(open().1, None);
    }

    #[test]
    fn a_key_that_the_server_does_not_have_any_more_goes() {
        let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
        let (cached, key) = (large_unopened(&memory, &directory), b"key");
        let key = FileName::new(FileKind::Key, Id::of(key));
        cached.write(key, b"key").unwrap();
        cached.belongs_to(REPOSITORY, key.id);
        memory.remove(key).unwrap();
        let cached = large_unopened(&memory, &directory);
        assert!(cached.earlier_key().is_some());
        assert_eq!(cached.list(FileKind::Key).unwrap().files, []);
        assert!(!kept(&directory, key).exists());
        assert_eq!(large_unopened(&memory, &directory).earlier_key(), None);
    }
}
