//! A repository with its index: blobs by their names.

use std::thread::JoinHandle;

use super::blob::BlobReader;
use super::blob_name::{BlobKind, BlobName};
use super::error::{Doing, Error, ErrorKind, What};
use super::index::Index;
use super::index::load::load_files;
use super::open::Repository;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Listed};

/// An open repository whose index is in memory.
pub struct Indexed {
    pub repository: Repository,
    pub index: Index,
    /// The index files that could not be read. Blobs that only they name are missing from the index.
    pub problems: Vec<Error>,
}

/// The files of a repository, as of one moment. Packs may be missing that the index names: a backup of another host may
/// have added both meanwhile.
pub struct Files {
    pub snapshots: Vec<Listed>,
    pub index: Vec<Listed>,
    pub packs: Vec<Listed>,
}

impl Files {
    /// Lists the files, all kinds at once. Nothing of this goes away while the caller has a lock.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn list(repository: &Repository) -> Result<Files, Error> {
        // In this order, because a pack is there before the index that names it.
        let kinds = [FileKind::Snapshot, FileKind::Index, FileKind::Pack];
        let mut listings = repository.storage.lists(&kinds)?.into_iter();
        let mut next = || listings.next().unwrap_or_default().files;
        Ok(Files {
            snapshots: next(),
            index: next(),
            packs: next(),
        })
    }
}

/// The index of a repository, which is loaded beside other work: away from this host, each list takes its time.
pub struct Loading {
    repository: Repository,
    files: Vec<Listed>,
    /// `None`: it is loaded when it is needed, because the storage is quicker so, or because there is no thread.
    thread: Option<JoinHandle<Result<Indexed, Error>>>,
}

impl Loading {
    /// Begins to load the index from these files.
    pub fn begin(repository: &Repository, files: Vec<Listed>) -> Loading {
        let begin = || {
            let (own, files) = (repository.clone(), files.clone());
            let thread = std::thread::Builder::new();
            thread.spawn(move || Indexed::of(own, &files)).ok()
        };
        Loading {
            repository: repository.clone(),
            thread: match repository.storage.traits().connects_quickly {
                true => begin(),
                false => None,
            },
            files,
        }
    }

    /// Waits for the index.
    ///
    /// # Errors
    /// Those of [`Indexed::load`].
    pub fn finish(self) -> Result<Indexed, Error> {
        match self.thread.map(JoinHandle::join) {
            Some(Ok(loaded)) => loaded,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Indexed::of(self.repository, &self.files),
        }
    }
}

impl Indexed {
    /// Loads the index of a repository.
    ///
    /// # Errors
    /// When the index files cannot be listed. One that cannot be read is in `problems`.
    pub fn load(repository: Repository) -> Result<Indexed, Error> {
        let files = repository.storage.list(FileKind::Index)?.files;
        Indexed::of(repository, &files)
    }

    /// Loads the index from these files.
    fn of(repository: Repository, files: &[Listed]) -> Result<Indexed, Error> {
        let loaded = load_files(&*repository.storage, &repository.cipher, files)?;
        Ok(Indexed {
            repository,
            index: loaded.index,
            problems: loaded.problems,
        })
    }

    /// Reads a blob into `content`, which is cleared first. Where several packs have it, a damaged copy costs nothing
    /// as long as one copy is whole.
    ///
    /// # Errors
    /// `Missing` when no index names it; otherwise why its last copy cannot be read.
    pub fn read(
        &self,
        reader: &mut BlobReader,
        name: BlobName,
        content: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let mut failed = None;
        for location in self.index.lookup(name) {
            let storage = &*self.repository.storage;
            let cipher = &self.repository.cipher;
            match reader.read(storage, cipher, location.pack, &location.blob, content) {
                Ok(()) => return Ok(()),
                Err(error) => failed = Some(error),
            }
        }
        content.clear();
        Err(failed.unwrap_or_else(|| Error::new(ErrorKind::Missing, Doing::Read, What::Blob(name))))
    }

    /// Says that a blob is read soon, so that the storage can fetch it meanwhile.
    pub fn will_read(&self, name: BlobName) {
        if let Some(location) = self.index.lookup(name).next() {
            let pack = FileName::new(FileKind::Pack, location.pack);
            let (offset, length) = (location.blob.offset, location.blob.length);
            let storage = &self.repository.storage;
            storage.will_read(pack, u64::from(offset), u64::from(length));
        }
    }

    /// Reads the text of a tree.
    ///
    /// # Errors
    /// As [`Indexed::read`].
    pub fn read_tree(
        &self,
        reader: &mut BlobReader,
        id: Id,
        text: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let kind = BlobKind::Tree;
        self.read(reader, BlobName { kind, id }, text)
    }
}
