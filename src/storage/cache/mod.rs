//! What storages away from this host have, kept on this host too: index files, snapshots and packs of trees, which
//! every action reads, and the key that opened the repository.
//!
//! A [`Cached`] storage lists, writes and removes on the server, and reads from the cache what is there. A snapshot that is
//! kept here and not listed by the server is asked for by its name: it goes from the cache only if it is not there. Each file of the
//! cache is compared with its name, which is the hash of its content, before it is used. So a damaged, an old or an empty
//! cache costs requests and nothing else, and several processes use one cache without a lock. The config file, whose
//! name is not a hash, is kept in memory only.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::bring_back::{Terms, Whereabouts};
use super::error::{Doing, Error, ErrorKind};
use super::id::Id;
use super::retention::Retention;
use super::{Durability, FileKind, FileName, Listed, Listing, Storage, Traits};
use directory::Directory;
use early_key::EarlyKey;
pub use fault::{CacheFault, CacheStep};

mod directory;
mod early_key;
mod fault;
pub mod overview;
mod room;
mod unlisted;

/// A larger pack is not kept: it is in memory while it is read. restic's packs have 128 MiB at most.
const LARGEST_PACK: u64 = 160 << 20;

/// Much more than a config file ever had.
const LARGEST_CONFIG: u64 = 1 << 20;

/// The threads that fetch different packs seldom wait for each other.
const FETCHERS: usize = 64;

/// The cache of all repositories on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePlace {
    /// Has a directory for each repository. Only its owner reads and writes it.
    pub directory: PathBuf,
    /// How many bytes all of it may take.
    pub size: u64,
}

/// What people should know.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// The first thing that is wrong with the cache. The storage goes on without it.
    Fault(&'a CacheFault),
    /// The server has not listed so many snapshots that are there. They count as listed.
    Unlisted(usize),
}

/// Is told what people should know.
pub type Tell = Box<dyn Fn(Notice<'_>) + Send + Sync>;

/// A storage with a cache, from the moment at which the repository is known ([`Storage::belongs_to`]).
pub struct Cached {
    inner: Arc<dyn Storage>,
    place: Option<CachePlace>,
    /// The location of the repository, for people.
    location: String,
    tell: Tell,
    told: AtomicBool,
    /// `None` in it: the cache cannot be used.
    directory: OnceLock<Option<Directory>>,
    early_key: EarlyKey,
    config: Mutex<Option<Arc<[u8]>>>,
    /// What came with the config. Each is good for one question, which follows at once.
    came_along: Mutex<CameAlong>,
    /// Packs that are not worth another try: too large, or damaged on the server.
    unfit: Mutex<HashSet<Id>>,
    fetching: [Mutex<()>; FETCHERS],
}

#[derive(Default)]
struct CameAlong {
    keys: Option<Listing>,
    has_snapshots: Option<bool>,
}

impl Cached {
    /// Without a place, only the config is kept.
    pub fn new(
        inner: Arc<dyn Storage>,
        place: Option<CachePlace>,
        location: String,
        tell: Tell,
    ) -> Cached {
        Cached {
            inner,
            place,
            location,
            tell,
            told: AtomicBool::new(false),
            directory: OnceLock::new(),
            early_key: EarlyKey::default(),
            config: Mutex::new(None),
            came_along: Mutex::default(),
            unfit: Mutex::default(),
            fetching: std::array::from_fn(|_| Mutex::new(())),
        }
    }

    fn directory(&self) -> Option<&Directory> {
        self.directory.get()?.as_ref()
    }

    fn tell(&self, fault: &CacheFault) {
        if !self.told.swap(true, Ordering::Relaxed) {
            (self.tell)(Notice::Fault(fault));
        }
    }

    /// Keeps a file, if it is what its name says.
    fn keep(&self, file: FileName, content: &[u8]) {
        let Some(directory) = self.directory() else {
            return;
        };
        if let Err(fault) = directory.store(file, content) {
            self.tell(&fault);
        }
    }

    /// Brings a pack into the cache, unless it is there. Returns whether it is there now.
    fn fetch(&self, directory: &Directory, pack: FileName) -> Result<bool, Error> {
        let lane = &self.fetching[usize::from(pack.id.0[0]) % FETCHERS];
        let _alone = lock(lane);
        if directory.has(pack) {
            return Ok(true);
        }
        if lock(&self.unfit).contains(&pack.id) || !directory.takes_more() {
            return Ok(false);
        }
        let content = match self.inner.read(pack, LARGEST_PACK) {
            Ok(content) => content,
            Err(error) if error.kind == ErrorKind::TooLarge => {
                lock(&self.unfit).insert(pack.id);
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        if Id::of(&content) != pack.id {
            lock(&self.unfit).insert(pack.id);
            return Ok(false);
        }
        self.keep(pack, &content);
        Ok(directory.has(pack))
    }

    /// What the server does not have any more, or not as it was, is not kept. What it has and did not list comes into the
    /// listing.
    fn is_listed(&self, kind: FileKind, listing: &mut Listing) -> Result<(), Error> {
        if kind == FileKind::Key {
            self.early_key.is_listed(listing);
        }
        let Some(directory) = self.directory().filter(|_| KEPT.contains(&kind)) else {
            return Ok(());
        };
        if kind == FileKind::Snapshot {
            let unlisted = unlisted::unlisted(&*self.inner, directory.list(kind), listing)?;
            if !unlisted.is_empty() {
                (self.tell)(Notice::Unlisted(unlisted.len()));
            }
            listing.files.extend(unlisted);
        }
        directory.keep_listed(kind, &listing.files);
        Ok(())
    }

    /// The config file, which never changes.
    fn read_config(&self) -> Result<Arc<[u8]>, Error> {
        // One request, even if several threads ask at once.
        let mut config = lock(&self.config);
        if let Some(known) = &*config {
            return Ok(Arc::clone(known));
        }
        let first = self.inner.read_first(LARGEST_CONFIG)?;
        *lock(&self.came_along) = CameAlong {
            keys: first.keys,
            has_snapshots: first.has_snapshots,
        };
        let content: Arc<[u8]> = first.config.into();
        // An empty one may be in the middle of being written.
        if !content.is_empty() {
            *config = Some(Arc::clone(&content));
        }
        Ok(content)
    }
}

/// The kinds of files that are kept. Of the packs, those with trees.
const KEPT: [FileKind; 3] = [FileKind::Index, FileKind::Snapshot, FileKind::Pack];

impl Storage for Cached {
    fn create_layout(&self) -> Result<(), Error> {
        self.inner.create_layout()
    }

    fn list(&self, kind: FileKind) -> Result<Listing, Error> {
        let came_along = match kind {
            FileKind::Key => lock(&self.came_along).keys.take(),
            _ => None,
        };
        let mut listing = came_along.map_or_else(|| self.inner.list(kind), Ok)?;
        self.is_listed(kind, &mut listing)?;
        Ok(listing)
    }

    fn lists(&self, kinds: &[FileKind]) -> Result<Vec<Listing>, Error> {
        let mut listings = self.inner.lists(kinds)?;
        for (kind, listing) in kinds.iter().zip(&mut listings) {
            self.is_listed(*kind, listing)?;
        }
        Ok(listings)
    }

    fn has_directory(&self, kind: FileKind) -> Result<Option<bool>, Error> {
        if kind == FileKind::Snapshot
            && let Some(known) = lock(&self.came_along).has_snapshots.take()
        {
            return Ok(Some(known));
        }
        self.inner.has_directory(kind)
    }

    fn size(&self, file: FileName) -> Result<u64, Error> {
        if file.kind == FileKind::Config {
            use ErrorKind::{NoPlace, TooLarge};
            match self.read_config() {
                // A look at a file says less than a read of it.
                Err(error) if matches!(error.kind, NoPlace | TooLarge) => {}
                known => return known.map(|content| content.len() as u64),
            }
        }
        let kept = self.directory().and_then(|it| it.size(file));
        kept.map_or_else(|| self.inner.size(file), Ok)
    }

    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        if let Some(directory) = self.directory()
            && directory.read_range(file, offset, buffer)
        {
            return Ok(());
        }
        self.inner.read_range(file, offset, buffer)
    }

    fn read_trees(&self, pack: Id, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let file = FileName::new(FileKind::Pack, pack);
        if let Some(directory) = self.directory()
            && (directory.read_range(file, offset, buffer)
                || self.fetch(directory, file)? && directory.read_range(file, offset, buffer))
        {
            return Ok(());
        }
        self.inner.read_trees(pack, offset, buffer)
    }

    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
        if file.kind == FileKind::Config && limit > 0 {
            match self.read_config() {
                Err(error) if error.kind == ErrorKind::TooLarge => {}
                Ok(content) if content.len() as u64 > limit => {
                    return Err(Error::new(ErrorKind::TooLarge, Doing::Read, file));
                }
                known => return known.map(|content| content.to_vec()),
            }
        }
        if file.kind == FileKind::Key {
            if let Some(content) = self.early_key.read(file.id, limit) {
                return Ok(content);
            }
            let content = self.inner.read(file, limit)?;
            self.early_key.is_seen(file.id, &content);
            return Ok(content);
        }
        if let Some(content) = self.directory().and_then(|it| it.read(file, limit)) {
            return Ok(content);
        }
        let content = self.inner.read(file, limit)?;
        if matches!(file.kind, FileKind::Index | FileKind::Snapshot) && Id::of(&content) == file.id
        {
            self.keep(file, &content);
        }
        Ok(content)
    }

    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
        let durability = self.inner.write(file, content)?;
        if KEPT.contains(&file.kind) {
            self.keep(file, content);
        } else if file.kind == FileKind::Key {
            self.early_key.is_seen(file.id, content);
        }
        Ok(durability)
    }

    fn write_data(&self, pack: Id, content: &[u8]) -> Result<Durability, Error> {
        self.inner.write_data(pack, content)
    }

    fn remove(&self, file: FileName) -> Result<(), Error> {
        if let Some(directory) = self.directory() {
            directory.forget(file);
        }
        match file.kind {
            FileKind::Config => *lock(&self.config) = None,
            FileKind::Key => self.early_key.is_removed(file.id),
            _ => {}
        }
        self.inner.remove(file)
    }

    fn sync(&self) -> Result<(), Error> {
        self.inner.sync()
    }

    fn sweep(&self, age: Duration) -> Result<usize, Error> {
        self.inner.sweep(age)
    }

    fn earlier_key(&self) -> Option<(Id, Vec<u8>)> {
        let place = self.place.as_ref()?;
        self.early_key.find(place, &self.location).cloned()
    }

    fn kept(&self, kind: FileKind) -> Vec<Listed> {
        self.directory().map_or_else(Vec::new, |it| it.list(kind))
    }

    fn belongs_to(&self, repository: Id, key: Id) {
        let directory = self.directory.get_or_init(|| {
            let place = self.place.as_ref()?;
            let opened = Directory::open(place, repository, &self.location);
            opened.map_err(|fault| self.tell(&fault)).ok()
        });
        if let Some(directory) = directory
            && let Err(fault) = self.early_key.is_right(directory, key)
        {
            self.tell(&fault);
        }
        self.inner.belongs_to(repository, key);
    }

    fn may_remove_packs(&self) -> Result<(), Error> {
        self.inner.may_remove_packs()
    }

    fn retains(&self) -> Option<Duration> {
        self.inner.retains()
    }

    fn retention(&self, file: FileName) -> Result<Option<Retention>, Error> {
        self.inner.retention(file)
    }

    fn retain(&self, file: FileName, retention: Retention) -> Result<(), Error> {
        self.inner.retain(file, retention)
    }

    fn brings_back(&self) -> Option<Terms> {
        self.inner.brings_back()
    }

    fn bring_back(&self, pack: Id) -> Result<Whereabouts, Error> {
        self.inner.bring_back(pack)
    }

    fn traits(&self) -> Traits {
        self.inner.traits()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
