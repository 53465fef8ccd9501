//! The directories that a restore works in.
//!
//! A directory is in this table from the moment at which the walk comes to it until everything in it is restored. Each
//! unfinished entry keeps a *hold* on its directory, and each directory one on the directory above. When the last hold
//! is gone, the directory gets its metadata.
//!
//! Few of them are open at a time. One that was closed is opened again from the nearest one that is open, step by step,
//! and each step is compared with the device and inode that the directory had before. So a path may be of any length,
//! and a directory that another process replaces by a link does not lead the restore elsewhere.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::directory::{self, Identity};
use super::metadata::Metadata;

/// The place of a directory in the table.
pub type DirectoryId = u32;

/// How a directory came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The restore has not come to it yet, or made nothing in it.
    Unmade,
    /// This restore has made it.
    Made,
    /// A restore that was killed has made it.
    Unfinished,
    /// It was there before.
    Existed,
    /// A dry run, or a comparison: it does not exist.
    Absent,
    /// It could not be made or opened, so nothing in it can be restored.
    Lost,
}

impl Origin {
    /// Whether only restores have put something into it.
    pub fn is_ours(self) -> bool {
        matches!(self, Origin::Made | Origin::Unfinished)
    }
}

struct Record {
    /// `None`: the target.
    above: Option<DirectoryId>,
    name: OsString,
    holds: u64,
    origin: Origin,
    identity: Identity,
    default_acl: bool,
    metadata: Option<Box<Metadata>>,
    mode_before: Option<u32>,
    open: Option<Arc<OwnedFd>>,
}

/// A directory in which everything is restored.
pub struct Finished {
    pub above: Option<DirectoryId>,
    pub name: OsString,
    pub origin: Origin,
    pub default_acl: bool,
    pub metadata: Option<Box<Metadata>>,
    /// The mode that it had, if it was changed to let the restore in.
    pub mode_before: Option<u32>,
    /// `None` where it does not exist, or nothing is to be done to it.
    pub open: Option<io::Result<Arc<OwnedFd>>>,
}

/// The table.
pub struct Directories(Mutex<Table>);

struct Table {
    records: Vec<Option<Record>>,
    free: Vec<DirectoryId>,
    /// The directories that are open, the one opened last at the end. The target is always open, and not in here.
    open: VecDeque<DirectoryId>,
    most_open: usize,
}

impl Directories {
    /// A table without directories.
    pub fn new() -> Directories {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        // The rest is for files, for the repository, and for the program around it.
        let most_open = usize::try_from(limit.unwrap_or(1024) / 8)
            .unwrap_or(512)
            .clamp(4, 512);
        Directories(Mutex::new(Table {
            records: Vec::new(),
            free: Vec::new(),
            open: VecDeque::new(),
            most_open,
        }))
    }

    /// Adds a directory with one hold on it; the one above gets a hold, too.
    pub fn add(
        &self,
        above: Option<DirectoryId>,
        name: OsString,
        metadata: Option<Box<Metadata>>,
    ) -> DirectoryId {
        let mut table = self.lock();
        if let Some(above) = above {
            table.hold(above);
        }
        let record = Record {
            above,
            name,
            holds: 1,
            origin: Origin::Unmade,
            identity: (0, 0),
            default_acl: false,
            metadata,
            mode_before: None,
            open: None,
        };
        match table.free.pop() {
            Some(id) => {
                table.records[id as usize] = Some(record);
                id
            }
            None => {
                table.records.push(Some(record));
                // Directories of a path that anybody can visit: fewer than 2^32.
                (table.records.len() - 1) as DirectoryId
            }
        }
    }

    /// Says what became of a directory, and gives its descriptor if it has one.
    pub fn set(
        &self,
        id: DirectoryId,
        origin: Origin,
        default_acl: bool,
        opened: Option<(Arc<OwnedFd>, Identity)>,
    ) {
        let mut table = self.lock();
        let Some(record) = table.record(id) else {
            return;
        };
        record.origin = origin;
        record.default_acl = default_acl;
        if let Some((descriptor, identity)) = opened {
            record.identity = identity;
            table.keep_open(id, descriptor);
        }
    }

    /// How the directory came to be, and whether new entries get an access control list from it.
    pub fn origin(&self, id: DirectoryId) -> (Origin, bool) {
        let mut table = self.lock();
        let record = table.record(id);
        record.map_or((Origin::Lost, false), |record| {
            (record.origin, record.default_acl)
        })
    }

    /// Whether the restore has not come to it yet.
    pub fn is_unmade(&self, id: DirectoryId) -> bool {
        self.origin(id).0 == Origin::Unmade
    }

    /// The directories from the one below the first that is not `Unmade` down to this one.
    pub fn unmade(&self, id: DirectoryId) -> Vec<DirectoryId> {
        let mut table = self.lock();
        let mut unmade = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            match table.record(id) {
                Some(record) if record.origin == Origin::Unmade => {
                    unmade.push(id);
                    next = record.above;
                }
                _ => break,
            }
        }
        unmade.reverse();
        unmade
    }

    /// The directory above, and the name in it.
    pub fn place(&self, id: DirectoryId) -> (Option<DirectoryId>, OsString) {
        let mut table = self.lock();
        let record = table.record(id);
        record.map_or((None, OsString::new()), |record| {
            (record.above, record.name.clone())
        })
    }

    /// Asks whether a condition holds for the metadata of a directory.
    pub fn with_metadata<T>(
        &self,
        id: DirectoryId,
        ask: impl FnOnce(&Metadata) -> Option<T>,
    ) -> Option<T> {
        let mut table = self.lock();
        table.record(id)?.metadata.as_deref().and_then(ask)
    }

    /// Forgets the metadata: the directory keeps what it has.
    pub fn drop_metadata(&self, id: DirectoryId) {
        if let Some(record) = self.lock().record(id) {
            record.metadata = None;
        }
    }

    /// The mode of a directory was changed to let the restore in. It was this one.
    pub fn unlocked(&self, id: DirectoryId, mode: u32) {
        if let Some(record) = self.lock().record(id) {
            record.mode_before = Some(mode);
        }
    }

    /// The directories of which the mode is still changed, and the mode that each had.
    pub fn still_unlocked(&self) -> Vec<(DirectoryId, u32)> {
        let table = self.lock();
        let records = table.records.iter().enumerate();
        let unlocked = records.filter_map(|(id, record)| {
            let mode = record.as_ref()?.mode_before?;
            Some((id as DirectoryId, mode))
        });
        unlocked.collect()
    }

    /// The path of an entry below the target.
    pub fn path(&self, id: DirectoryId, name: &OsStr) -> PathBuf {
        let mut table = self.lock();
        let mut names = vec![name.to_owned()];
        let mut next = Some(id);
        while let Some(record) = next.and_then(|id| table.record(id)) {
            names.push(record.name.clone());
            next = record.above;
        }
        let mut path = Vec::new();
        for name in names.iter().rev().filter(|name| !name.is_empty()) {
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name.as_bytes());
        }
        PathBuf::from(OsStr::from_bytes(&path))
    }

    /// The descriptor of a directory that exists.
    pub fn open(&self, id: DirectoryId) -> io::Result<Arc<OwnedFd>> {
        self.lock().open(id)
    }

    /// One more entry in it is not restored yet.
    pub fn hold(&self, id: DirectoryId) {
        self.lock().hold(id);
    }

    /// An entry is restored. With the last one, the directory leaves the table. Then the caller releases the directory
    /// above it.
    pub fn release(&self, id: DirectoryId) -> Option<Finished> {
        let mut table = self.lock();
        let record = table.record(id)?;
        record.holds = record.holds.saturating_sub(1);
        if record.holds > 0 {
            return None;
        }
        let is_made = record.origin.is_ours() || record.origin == Origin::Existed;
        record.metadata.take_if(|_| !is_made);
        let touched =
            record.origin.is_ours() || record.metadata.is_some() || record.mode_before.is_some();
        let open = touched.then(|| table.open(id));
        if let Some(Ok(descriptor)) = &open {
            table.open_above(id, descriptor);
        }
        table.close(id);
        let record = table.records.get_mut(id as usize)?.take()?;
        table.free.push(id);
        Some(Finished {
            above: record.above,
            name: record.name,
            origin: record.origin,
            default_acl: record.default_acl,
            metadata: record.metadata,
            mode_before: record.mode_before,
            open,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn record(&mut self, id: DirectoryId) -> Option<&mut Record> {
        self.records.get_mut(id as usize)?.as_mut()
    }

    fn hold(&mut self, id: DirectoryId) {
        if let Some(record) = self.record(id) {
            record.holds += 1;
        }
    }

    fn keep_open(&mut self, id: DirectoryId, descriptor: Arc<OwnedFd>) {
        let Some(record) = self.record(id) else {
            return;
        };
        let is_target = record.above.is_none();
        let was_open = record.open.replace(descriptor).is_some();
        if is_target || was_open {
            return;
        }
        self.open.push_back(id);
        if self.open.len() > self.most_open
            && let Some(oldest) = self.open.pop_front()
            && let Some(record) = self.record(oldest)
        {
            record.open = None;
        }
    }

    fn close(&mut self, id: DirectoryId) {
        if self
            .record(id)
            .is_some_and(|record| record.open.take().is_some())
        {
            self.open.retain(|open| *open != id);
        }
    }

    fn open(&mut self, id: DirectoryId) -> io::Result<Arc<OwnedFd>> {
        let gone = || io::Error::other("the directory is not known");
        let mut closed = Vec::new();
        let mut next = id;
        let mut descriptor = loop {
            let record = self.record(next).ok_or_else(gone)?;
            if let Some(open) = &record.open {
                break Arc::clone(open);
            }
            closed.push(next);
            if closed.len() == 2
                && let Some(open) = self.open_from_below(id)
            {
                return Ok(open);
            }
            next = self
                .record(next)
                .and_then(|record| record.above)
                .ok_or_else(gone)?;
        };
        while let Some(next) = closed.pop() {
            let record = self.record(next).ok_or_else(gone)?;
            let opened = directory::open_known(&descriptor, &record.name, record.identity)?;
            descriptor = Arc::new(opened);
            // On a long way, the last steps are the ones that are needed next.
            if closed.len() < self.most_open / 2 {
                self.keep_open(next, Arc::clone(&descriptor));
            }
        }
        Ok(descriptor)
    }

    /// Opens a directory as the one above of another, where one of those in it is open. In a tree that is 60,000
    /// directories deep, the way from the top is long.
    fn open_from_below(&mut self, id: DirectoryId) -> Option<Arc<OwnedFd>> {
        let below = self.open.iter().rev().find_map(|open| {
            let record = self.records.get(*open as usize)?.as_ref()?;
            (record.above == Some(id)).then(|| record.open.clone())?
        })?;
        self.step_up(id, &below)
    }

    fn open_above(&mut self, id: DirectoryId, descriptor: &OwnedFd) {
        let above = self.record(id).and_then(|record| record.above);
        if let Some(above) = above
            && self
                .record(above)
                .is_some_and(|record| record.open.is_none())
        {
            self.step_up(above, descriptor);
        }
    }

    fn step_up(&mut self, id: DirectoryId, below: &OwnedFd) -> Option<Arc<OwnedFd>> {
        let known = self.record(id)?.identity;
        let opened = directory::open_known(below, OsStr::new(".."), known).ok()?;
        let descriptor = Arc::new(opened);
        self.keep_open(id, Arc::clone(&descriptor));
        Some(descriptor)
    }
}
