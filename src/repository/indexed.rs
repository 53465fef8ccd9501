//! A repository with its index: blobs by their names.

use std::collections::HashSet;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use super::blob::BlobReader;
use super::blob_name::{BlobKind, BlobName};
use super::error::{Doing, Error, ErrorKind, What};
use super::index::Index;
use super::index::load::{Reading, load_files};
use super::open::Repository;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Listed, Listing};

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
    /// With what else lies there.
    pub snapshots: Listing,
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
        let mut next = || listings.next().unwrap_or_default();
        Ok(Files {
            snapshots: next(),
            index: next().files,
            packs: next().files,
        })
    }
}

/// The index of a repository, which is loaded beside other work: away from this host, each list takes its time.
///
/// The work begins with the index files that this host has kept, before the server has listed its own. If the list names
/// all of them, only the others are read then. Otherwise the list is read from the beginning.
pub struct Loading {
    repository: Repository,
    files: Vec<Listed>,
    /// `None`: it is loaded when it is needed, because the storage is quicker so, or because there is no thread.
    thread: Option<Thread>,
}

/// A thread that loads an index, and gets the list of its files.
struct Thread {
    list: Sender<Vec<Listed>>,
    end: JoinHandle<Result<Indexed, Error>>,
}

/// How much of what this host has kept is read before the list is there, at most, in bytes. What is read in vain costs no more
/// than this.
const MOST_AHEAD: u64 = 32 << 20;

impl Loading {
    /// Begins with what this host has kept.
    pub fn begin(repository: &Repository) -> Loading {
        let begin = || {
            let own = repository.clone();
            let (list, receive) = mpsc::channel();
            let thread = std::thread::Builder::new().name("index".to_owned());
            let end = thread.spawn(move || load_ahead(own, &receive)).ok()?;
            Some(Thread { list, end })
        };
        Loading {
            repository: repository.clone(),
            thread: match repository.storage.traits().connects_quickly {
                true => begin(),
                false => None,
            },
            files: Vec::new(),
        }
    }

    /// These are the index files.
    pub fn listed(&mut self, files: Vec<Listed>) {
        match &self.thread {
            // It ends only with an error, which `finish` returns.
            Some(thread) => drop(thread.list.send(files)),
            None => self.files = files,
        }
    }

    /// Waits for the index of the files that were listed.
    ///
    /// # Errors
    /// Those of [`Indexed::load`].
    pub fn finish(self) -> Result<Indexed, Error> {
        let Some(thread) = self.thread else {
            return Indexed::of(self.repository, &self.files);
        };
        // If nothing was listed, nothing is waited for.
        drop(thread.list);
        match thread.end.join() {
            Ok(loaded) => loaded,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn load_ahead(repository: Repository, list: &Receiver<Vec<Listed>>) -> Result<Indexed, Error> {
    let (storage, cipher) = (&*repository.storage, &*repository.cipher);
    let mut kept = storage.kept(FileKind::Index);
    if kept.iter().map(|file| file.size).sum::<u64>() > MOST_AHEAD {
        kept.clear();
    }
    let mut reading = Reading::default();
    reading.read(storage, cipher, &kept);
    // Without a list, the index is not needed.
    let files = list.recv().unwrap_or_default();
    let mut rest: HashSet<(Id, u64)> = files.iter().map(|file| (file.id, file.size)).collect();
    let are_listed = kept.iter().all(|file| rest.remove(&(file.id, file.size)));
    if !are_listed || !reading.is_whole() {
        return Indexed::of(repository, &files);
    }
    let others: Vec<Listed> = files
        .into_iter()
        .filter(|file| rest.contains(&(file.id, file.size)))
        .collect();
    reading.read(storage, cipher, &others);
    let loaded = reading.finish()?;
    Ok(Indexed {
        repository,
        index: loaded.index,
        problems: loaded.problems,
    })
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;
    use crate::repository::blob::PackedBlob;
    use crate::repository::index::file::IndexWriter;
    use crate::repository::key::cost::Cost;
    use crate::storage::Storage;
    use crate::storage::cache::{CachePlace, Cached, Notice};
    use crate::storage::memory::{Memory, Request};

    /// A repository on a server, as this host sees it with its cache, and as another host sees it.
    struct Hosts {
        server: Memory,
        here: Repository,
        elsewhere: Repository,
        _cache: TempDir,
    }

    impl Hosts {
        fn new() -> Hosts {
            const COST: Cost = Cost { n: 16, r: 1, p: 1 };
            let (server, cache) = (Memory::new(), tempfile::tempdir().unwrap());
            let elsewhere = Repository::init(Arc::new(server.clone()), b"", COST).unwrap();
            let place = CachePlace {
                directory: cache.path().join("cache"),
                size: 1 << 20,
            };
            let tell = Box::new(|notice: Notice<'_>| panic!("{notice:?}"));
            let inner = Arc::new(server.clone());
            let cached = Cached::new(inner, Some(place), String::new(), tell);
            Hosts {
                here: Repository::open(Arc::new(cached), b"").unwrap(),
                server,
                elsewhere,
                _cache: cache,
            }
        }

        /// The other host writes an index with one blob of this name.
        fn write(&self, number: u8) -> FileName {
            let blob = PackedBlob {
                name: name(number),
                offset: 0,
                length: 100,
                raw_length: 0,
            };
            let mut writer = IndexWriter::new();
            writer.add(Id([number; 32]), &[blob]);
            let written = writer.write(&self.server, &self.elsewhere.cipher);
            FileName::new(FileKind::Index, written.unwrap().unwrap())
        }

        /// The index as this host loads it, from what a host lists.
        fn load(&self, list: &Repository) -> Indexed {
            let mut loading = Loading::begin(&self.here);
            loading.listed(list.storage.list(FileKind::Index).unwrap().files);
            loading.finish().unwrap()
        }
    }

    fn name(number: u8) -> BlobName {
        BlobName {
            kind: BlobKind::Data,
            id: Id([number; 32]),
        }
    }

    fn found(indexed: &Indexed) -> Vec<u8> {
        let is_found = |number: &u8| indexed.index.contains(name(*number));
        (1..9).filter(is_found).collect()
    }

    #[test]
    fn only_the_index_files_that_this_host_has_not_kept_are_read_from_the_server() {
        let hosts = Hosts::new();
        hosts.write(1);
        hosts.write(2);
        assert_eq!(found(&hosts.load(&hosts.here)), [1, 2]);
        hosts.write(3);
        let before = hosts.server.count(Request::Read);
        assert_eq!(found(&hosts.load(&hosts.here)), [1, 2, 3]);
        assert_eq!(hosts.server.count(Request::Read), before + 1);
    }

    #[test]
    fn an_index_file_that_was_kept_is_not_used_when_the_server_does_not_list_it() {
        let hosts = Hosts::new();
        let first = hosts.write(1);
        hosts.write(2);
        hosts.load(&hosts.here);
        hosts.server.remove(first).unwrap();
        // The cache still has it: it has not seen this list.
        assert_eq!(found(&hosts.load(&hosts.elsewhere)), [2]);
        assert_eq!(hosts.here.storage.kept(FileKind::Index).len(), 2);
    }

    #[test]
    fn an_index_file_that_was_cut_on_the_server_is_a_problem_although_it_was_kept() {
        let hosts = Hosts::new();
        let first = hosts.write(1);
        hosts.write(2);
        hosts.load(&hosts.here);
        hosts.server.damage(first, b"cut".to_vec());
        let indexed = hosts.load(&hosts.here);
        assert_eq!(found(&indexed), [2]);
        assert_eq!(indexed.problems.len(), 1);
    }

    #[test]
    fn without_a_list_there_is_no_index() {
        let hosts = Hosts::new();
        hosts.write(1);
        hosts.load(&hosts.here);
        let nothing = Loading::begin(&hosts.here).finish().unwrap();
        assert_eq!(found(&nothing), [0; 0]);
    }
}
