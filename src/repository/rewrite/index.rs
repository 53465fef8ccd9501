//! A new index in place of the old one.

use super::Confirm;
use crate::kill_point::{self, Point};
use crate::repository::blob::PackedBlob;
use crate::repository::error::Error;
use crate::repository::index::file::IndexWriter;
use crate::repository::open::Repository;
use crate::repository::progress::Observer;
use crate::storage::id::Id;

/// Index files that are being written.
pub struct NewIndex<'a> {
    repository: &'a Repository,
    confirm: Confirm<'a>,
    observer: &'a dyn Observer,
    writer: IndexWriter,
    files: Vec<Id>,
}

impl<'a> NewIndex<'a> {
    /// An index without packs. Nothing is written yet.
    pub fn new(
        repository: &'a Repository,
        confirm: Confirm<'a>,
        observer: &'a dyn Observer,
    ) -> NewIndex<'a> {
        NewIndex {
            repository,
            confirm,
            observer,
            writer: IndexWriter::new(),
            files: Vec::new(),
        }
    }

    /// Adds a pack, which is durable already.
    ///
    /// # Errors
    /// When the lock is lost, or when a file that is full cannot be written.
    pub fn add(&mut self, pack: Id, blobs: &[PackedBlob]) -> Result<(), Error> {
        self.writer.add(pack, blobs);
        match self.writer.is_full() {
            true => self.write(),
            false => Ok(()),
        }
    }

    /// Writes the last file. Returns all of them; they are durable.
    ///
    /// # Errors
    /// As [`NewIndex::add`]. The old index files must stay then.
    pub fn finish(mut self) -> Result<Vec<Id>, Error> {
        self.write()?;
        self.repository.storage.sync()?;
        Ok(self.files)
    }

    fn write(&mut self) -> Result<(), Error> {
        (self.confirm)()?;
        let (storage, cipher) = (&*self.repository.storage, &self.repository.cipher);
        if let Some(file) = self.writer.write(storage, cipher)? {
            kill_point::reached(Point::IndexWritten);
            self.files.push(file);
            self.observer.advance(1);
        }
        Ok(())
    }
}
