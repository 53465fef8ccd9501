//! Where the files of a repository lie: named files of six kinds, which are written once and never changed.
//!
//! A [`Storage`] knows nothing of what is in the files. Every storage passes the same tests:
//! `tests/storages/`.

use std::fmt;
use std::time::Duration;

use bring_back::{Terms, Whereabouts};
use error::{Error, ErrorKind};
use id::Id;
pub use listing::{Listed, Listing, Stray, StrayKind};
use retention::Retention;

mod at_once;
pub mod bring_back;
pub mod cache;
mod certificate;
pub mod concurrency;
pub mod error;
#[cfg(feature = "ftp")]
pub mod ftp;
pub mod http;
pub mod id;
#[cfg(any(feature = "ftp", feature = "sftp"))]
mod leftovers;
pub mod limit;
mod listing;
pub mod local;
mod mask;
pub mod memory;
mod most;
mod names;
#[cfg(any(feature = "ftp", feature = "sftp"))]
mod pool;
pub mod rclone;
pub mod rest;
pub mod retention;
pub mod retry;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "sftp")]
pub mod sftp;
#[cfg(feature = "swift")]
pub mod swift;
pub mod trial;

/// The kinds of files in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// There is one. It has no id.
    Config,
    Key,
    Lock,
    Snapshot,
    Index,
    Pack,
}

impl FileKind {
    /// Every kind of file.
    pub const ALL: [FileKind; 6] = [
        FileKind::Config,
        FileKind::Key,
        FileKind::Lock,
        FileKind::Snapshot,
        FileKind::Index,
        FileKind::Pack,
    ];

    /// The directory of these files in restic's layout; `None` for the config file, which lies at the top.
    pub fn directory(self) -> Option<&'static str> {
        match self {
            FileKind::Config => None,
            FileKind::Key => Some("keys"),
            FileKind::Lock => Some("locks"),
            FileKind::Snapshot => Some("snapshots"),
            FileKind::Index => Some("index"),
            FileKind::Pack => Some("data"),
        }
    }
}

/// Names one file of a repository. Shown as its path in restic's layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    pub kind: FileKind,
    /// All zero for the config file.
    pub id: Id,
}

impl FileName {
    /// The only file whose name is not an id.
    pub const CONFIG: FileName = FileName {
        kind: FileKind::Config,
        id: Id([0; 32]),
    };

    /// The name of a pack that does not exist: no content has this hash.
    const NO_PACK: FileName = FileName {
        kind: FileKind::Pack,
        id: Id([0; 32]),
    };

    /// The name of a file that is named by its id.
    pub fn new(kind: FileKind, id: Id) -> FileName {
        match kind {
            FileKind::Config => FileName::CONFIG,
            _ => FileName { kind, id },
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.directory() {
            None => f.write_str("config"),
            Some(directory) if self.kind == FileKind::Pack => {
                write!(f, "{directory}/{:02x}/{}", self.id.0[0], self.id)
            }
            Some(directory) => write!(f, "{directory}/{}", self.id),
        }
    }
}

/// What is asked of a repository before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// The content of the config file.
    pub config: Vec<u8>,
    /// The list of the keys, if it was asked for at the same time.
    pub keys: Option<Listing>,
    /// Whether there is a directory for snapshots, if that was asked, and is known.
    pub has_snapshots: Option<bool>,
}

impl First {
    /// Nothing else was asked for.
    fn of_config(config: Vec<u8>) -> First {
        First {
            config,
            keys: None,
            has_snapshots: None,
        }
    }
}

/// Whether a file survives a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    Durable,
    /// It does after the next [`Storage::sync`].
    AfterSync,
}

/// What a storage is like, for those who plan requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// How many requests at a time are useful.
    pub parallel: usize,
    /// Whether a request takes so long that it is worth reading more at once.
    pub remote: bool,
    /// Whether a file that another client has written may be missing from a listing for a moment. What lies in a file
    /// system is seen at once.
    pub listing_lags: bool,
    /// Whether a second request at the same time costs little. Where it needs a connection with a login of its own, it takes
    /// longer than waiting for the first one does.
    pub connects_quickly: bool,
}

/// A place for the files of one repository.
///
/// All calls block. Any number of threads may call at the same time.
pub trait Storage: Send + Sync {
    /// Makes what the files need before the first one can be written. Does no harm where all of it exists.
    ///
    /// # Errors
    /// When something cannot be made.
    fn create_layout(&self) -> Result<(), Error>;

    /// All files of one kind. A place that does not exist holds no files; a place that cannot be listed is an error.
    ///
    /// # Errors
    /// When anything of the listing cannot be read: a partial listing is never returned.
    fn list(&self, kind: FileKind) -> Result<Listing, Error>;

    /// The lists of several kinds, in their order, which are asked for at the same time where that is quicker. One of them
    /// may show what another one was too early for.
    ///
    /// # Errors
    /// When one of them cannot be read.
    fn lists(&self, kinds: &[FileKind]) -> Result<Vec<Listing>, Error> {
        at_once::lists(self, kinds)
    }

    /// Whether there is a directory for files of this kind. `None` if that cannot be known: an object store has no
    /// directories, and some servers answer as if one that is missing were empty.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn has_directory(&self, _kind: FileKind) -> Result<Option<bool>, Error> {
        Ok(None)
    }

    /// The file's size in bytes.
    ///
    /// # Errors
    /// `NotFound` when there is no such file.
    fn size(&self, file: FileName) -> Result<u64, Error>;

    /// Fills the buffer with the bytes from `offset` on.
    ///
    /// # Errors
    /// `TooShort` when the file ends before.
    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error>;

    /// Says that a part of a file is read soon. A storage that can fetch it meanwhile begins with that, and does not
    /// wait. Others do nothing.
    fn will_read(&self, _file: FileName, _offset: u64, _length: u64) {}

    /// As [`Storage::read_range`], of a pack that holds trees. Every action reads such packs, so some storages keep them.
    ///
    /// # Errors
    /// As [`Storage::read_range`].
    fn read_trees(&self, pack: Id, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.read_range(FileName::new(FileKind::Pack, pack), offset, buffer)
    }

    /// The whole file.
    ///
    /// # Errors
    /// `TooLarge` when the file is larger than `limit` bytes.
    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error>;

    /// The config file, and what is asked next when a repository is opened, where both together take no longer.
    ///
    /// # Errors
    /// As [`Storage::read`], of the config file.
    fn read_first(&self, limit: u64) -> Result<First, Error> {
        at_once::first(self, limit)
    }

    /// Writes a whole file: a reader sees all of it or none of it. Does nothing where the same file exists.
    ///
    /// # Errors
    /// `Exists` when there is a file of that name with other content, which is left as it is.
    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error>;

    /// As [`Storage::write`], of a pack that holds only the content of files. Some storages keep such packs, which are
    /// large and seldom read, in another way than all other files.
    ///
    /// # Errors
    /// As [`Storage::write`].
    fn write_data(&self, pack: Id, content: &[u8]) -> Result<Durability, Error> {
        self.write(FileName::new(FileKind::Pack, pack), content)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// `NotFound` when there is no such file. Of a lock file, a server that does not tell is not asked.
    fn remove(&self, file: FileName) -> Result<(), Error>;

    /// Finds out whether packs may be removed, by the removal of one that does not exist. Hosts that may only add may not.
    ///
    /// # Errors
    /// `Denied` when they may not. Whatever else is wrong shows when a pack is removed.
    fn may_remove_packs(&self) -> Result<(), Error> {
        match self.remove(FileName::NO_PACK) {
            Err(error) if error.kind == ErrorKind::Denied => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes durable what was written and removed before this call.
    ///
    /// # Errors
    /// When that is not certain.
    fn sync(&self) -> Result<(), Error>;

    /// Removes what interrupted writes left behind, if it is older than `age`. Returns how many files that were.
    ///
    /// # Errors
    /// When something cannot be listed or removed.
    fn sweep(&self, age: Duration) -> Result<usize, Error>;

    /// For how long the server is to keep the files that are in use from being removed; `None`: nobody wants that. See
    /// [`retention::renew`].
    fn retains(&self) -> Option<Duration> {
        None
    }

    /// How the server keeps a file from being removed. `None`: it does not.
    ///
    /// # Errors
    /// `NotFound` when there is no such file.
    fn retention(&self, _file: FileName) -> Result<Option<Retention>, Error> {
        Ok(None)
    }

    /// Keeps a file from being removed until then, or for longer if it is kept for longer. Only a storage that
    /// [retains](Storage::retains) files does that.
    ///
    /// # Errors
    /// `NotFound` when there is no such file.
    fn retain(&self, _file: FileName, _retention: Retention) -> Result<(), Error> {
        Ok(())
    }

    /// How the server is to bring packs back from an archive; `None`: nobody wants that. See [`bring_back::bring_back`].
    fn brings_back(&self) -> Option<Terms> {
        None
    }

    /// Asks for a pack if it is in an archive of the server. Only a storage that [brings packs
    /// back](Storage::brings_back) does that.
    ///
    /// # Errors
    /// `NotFound` when the pack does not exist.
    fn bring_back(&self, _pack: Id) -> Result<Whereabouts, Error> {
        Ok(Whereabouts::Readable)
    }

    /// The name and the content of the key file that has opened the repository here before, if this host has kept it.
    /// The server may not have it any more: it is good only if a list of the keys names it.
    fn earlier_key(&self) -> Option<(Id, Vec<u8>)> {
        None
    }

    /// The files of a kind that this host has kept, with the sizes of what it has. The server may not have them any more, or
    /// not like this: they are good only if a list names them with these sizes.
    fn kept(&self, _kind: FileKind) -> Vec<Listed> {
        Vec::new()
    }

    /// Says which repository the files are those of, by the id in its config, and which key opened it. A cache keeps both
    /// by this id.
    fn belongs_to(&self, _repository: Id, _key: Id) {}

    fn traits(&self) -> Traits;
}
