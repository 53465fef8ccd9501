//! Why something of a repository could not be read or written.

use std::fmt;

use super::blob_name::BlobName;
use crate::storage;
use crate::storage::FileName;

/// Why something could not be done: a kind, what was being done, with what, and the cause.
#[derive(Debug)]
pub struct Error {
    pub kind: ErrorKind,
    pub doing: Doing,
    pub what: What,
    /// The error below this one.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of errors, told apart by what follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The storage failed; its error is the cause.
    Storage(storage::error::ErrorKind),
    /// The content is not what it must be.
    Damaged(Damage),
    /// The password opens none of the keys, and every key could be read.
    WrongPassword,
    /// There is no key file.
    NoKeys,
    /// No key could be opened, and one at least could not be read: the password may be right.
    KeysUnreadable {
        /// Others could be read, and belong to other passwords.
        others: bool,
    },
    /// The key in use cannot be removed, or it is the last one.
    KeyNeeded,
    /// A version of the format that is not known.
    Version(u64),
    /// Version 1 is read, and not written.
    ReadOnlyVersion,
    /// There is a repository already.
    Exists,
    /// There is no config file.
    NotARepository,
    /// No index names this blob.
    Missing,
    /// The index names so many packs, and not one of them can be read.
    NothingReadable(u64),
    /// Larger than what is read.
    TooLarge,
    /// Another process has the lock.
    Locked,
    /// There are so many lock files that reading them would take too long.
    TooManyLocks(usize),
    /// The lock file was removed by another process, or could not be refreshed in time.
    LockLost,
    /// The operating system gave no random numbers.
    NoRandom,
}

/// What is wrong with content that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The content does not match its id.
    Hash,
    /// Shorter than the smallest that is possible.
    TooShort,
    /// Not as long as the index says.
    Length,
    /// The message authentication code is wrong.
    Authentication,
    /// Not what zstd writes, or not of the length that was announced.
    Compression,
    /// Not the JSON document that it must be.
    Json,
    /// A pack's header does not describe the pack.
    Header,
    /// A value that is not possible.
    Value,
    /// An encoding that is not known.
    Encoding,
    /// A tree below which there are more paths than any file system has entries.
    Endless,
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Read,
    Write,
    Open,
    Init,
    Lock,
    AddKey,
    RemoveKey,
}

/// What it was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Repository,
    File(FileName),
    Blob(BlobName),
}

impl Error {
    /// An error without a cause.
    pub fn new(kind: ErrorKind, doing: Doing, what: What) -> Error {
        Error {
            kind,
            doing,
            what,
            cause: None,
        }
    }

    /// Something was read that is damaged.
    pub fn damaged(damage: Damage, what: What) -> Error {
        Error::new(ErrorKind::Damaged(damage), Doing::Read, what)
    }

    /// A file was read that is damaged.
    pub fn file(damage: Damage, file: FileName) -> Error {
        Error::damaged(damage, What::File(file))
    }

    /// A blob was read that is damaged.
    pub fn blob(damage: Damage, blob: BlobName) -> Error {
        Error::damaged(damage, What::Blob(blob))
    }

    /// The same error with its cause.
    pub fn with(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.cause = Some(cause.into());
        self
    }

    /// Whether the content is at fault, not the way to it.
    pub fn is_damage(&self) -> bool {
        matches!(self.kind, ErrorKind::Damaged(_) | ErrorKind::TooLarge)
    }

    /// Whether the way to the storage or to a file in it fails: then nothing is known of what lies there, and it must not
    /// be taken for damaged.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self.kind, ErrorKind::Storage(kind) if kind.is_out_of_reach())
    }
}

impl From<storage::error::Error> for Error {
    fn from(cause: storage::error::Error) -> Error {
        let doing = match cause.doing {
            storage::error::Doing::List
            | storage::error::Doing::Size
            | storage::error::Doing::Read => Doing::Read,
            _ => Doing::Write,
        };
        let what = match cause.place {
            storage::error::Place::File(file) => What::File(file),
            _ => What::Repository,
        };
        Error::new(ErrorKind::Storage(cause.kind), doing, what).with(cause)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Repository => f.write_str("the repository"),
            What::File(file) => write!(f, "{file}"),
            What::Blob(blob) => write!(f, "{blob}"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Damage::Hash => "its content does not match its name",
            Damage::TooShort => "it is too short",
            Damage::Length => "it is not as long as the index says",
            Damage::Authentication => "its authentication code is wrong",
            Damage::Compression => "it cannot be decompressed",
            Damage::Json => "it is not the JSON document that it must be",
            Damage::Header => "its header is wrong",
            Damage::Value => "it holds an impossible value",
            Damage::Encoding => "its encoding is not known",
            Damage::Endless => "it stands for more entries than can exist",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An error of the storage, or of a key file, says all of this itself.
        if let (ErrorKind::Storage(_) | ErrorKind::KeysUnreadable { .. }, Some(cause)) =
            (self.kind, &self.cause)
        {
            return fmt::Display::fmt(cause, f);
        }
        let doing = match self.doing {
            Doing::Read => "read",
            Doing::Write => "write",
            Doing::Open => "open",
            Doing::Init => "make",
            Doing::Lock => "lock",
            Doing::AddKey => "add a key to",
            Doing::RemoveKey => "remove",
        };
        write!(f, "cannot {doing} {}: ", self.what)?;
        match self.kind {
            ErrorKind::Storage(_) => f.write_str("the storage failed")?,
            ErrorKind::Damaged(damage) => write!(f, "{damage}")?,
            ErrorKind::WrongPassword => f.write_str("the password is wrong")?,
            ErrorKind::NoKeys => f.write_str("it has no keys")?,
            ErrorKind::KeysUnreadable { .. } => f.write_str("a key cannot be read")?,
            ErrorKind::KeyNeeded => f.write_str("the key is in use")?,
            ErrorKind::Version(version) => {
                write!(f, "version {version} of the format is not known")?;
            }
            ErrorKind::ReadOnlyVersion => {
                f.write_str("version 1 of the format is read only; `restic migrate upgrade_repo_v2` makes it version 2")?;
            }
            ErrorKind::Exists => f.write_str("there is a repository already")?,
            ErrorKind::NotARepository => f.write_str("there is no repository")?,
            ErrorKind::NothingReadable(packs) => write!(
                f,
                "none of the {packs} packs that its index names can be read. The storage may give wrong answers, so nothing \
                 was changed. Try again later. If the packs are lost for good, begin a new container"
            )?,
            ErrorKind::Missing => f.write_str("no index names it")?,
            ErrorKind::TooLarge => f.write_str("it is too large")?,
            ErrorKind::Locked => f.write_str("another process has locked it")?,
            ErrorKind::TooManyLocks(count) => write!(
                f,
                "it has {count} lock files; `freezerd unlock` removes those that nobody holds"
            )?,
            ErrorKind::LockLost => f.write_str("the lock is lost")?,
            ErrorKind::NoRandom => f.write_str("there are no random numbers")?,
        }
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause
            .as_ref()
            .map(|cause| cause.as_ref() as &(dyn std::error::Error + 'static))
    }
}
