//! A storage whose files pass no faster than a pace allows.

use std::sync::Arc;
use std::time::Duration;

use super::super::bring_back::{Terms, Whereabouts};
use super::super::error::Error;
use super::super::id::Id;
use super::super::retention::Retention;
use super::super::{Durability, FileKind, FileName, Listing, Storage, Traits};
use super::{Direction, Pace};

/// A storage that moves whole files, with limits.
pub struct Limited {
    inner: Arc<dyn Storage>,
    pace: Arc<Pace>,
}

impl Limited {
    /// The storage with the limits of this pace.
    pub fn new(inner: Arc<dyn Storage>, pace: Arc<Pace>) -> Limited {
        Limited { inner, pace }
    }
}

impl Storage for Limited {
    fn create_layout(&self) -> Result<(), Error> {
        self.inner.create_layout()
    }

    fn list(&self, kind: FileKind) -> Result<Listing, Error> {
        self.inner.list(kind)
    }

    fn has_directory(&self, kind: FileKind) -> Result<Option<bool>, Error> {
        self.inner.has_directory(kind)
    }

    fn size(&self, file: FileName) -> Result<u64, Error> {
        self.inner.size(file)
    }

    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.pace.pass(Direction::Down, file.kind, buffer.len());
        self.inner.read_range(file, offset, buffer)
    }

    fn will_read(&self, file: FileName, offset: u64, length: u64) {
        self.inner.will_read(file, offset, length);
    }

    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
        let content = self.inner.read(file, limit)?;
        // Its size was not known before.
        self.pace.pass(Direction::Down, file.kind, content.len());
        Ok(content)
    }

    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
        self.pace.pass(Direction::Up, file.kind, content.len());
        self.inner.write(file, content)
    }

    fn write_data(&self, pack: Id, content: &[u8]) -> Result<Durability, Error> {
        self.pace.pass(Direction::Up, FileKind::Pack, content.len());
        self.inner.write_data(pack, content)
    }

    fn remove(&self, file: FileName) -> Result<(), Error> {
        self.inner.remove(file)
    }

    fn sync(&self) -> Result<(), Error> {
        self.inner.sync()
    }

    fn sweep(&self, age: Duration) -> Result<usize, Error> {
        self.inner.sweep(age)
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
