//! Why a restore ended before its end.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use super::report::Report;
use crate::os;
use crate::{repository, storage};

/// Why a restore could not begin, or not go on.
#[derive(Debug)]
pub struct Error {
    pub kind: ErrorKind,
    pub doing: Doing,
    /// The target, a path in it, or the path in the snapshot that was asked for.
    pub path: PathBuf,
    pub cause: Option<Box<dyn StdError + Send + Sync>>,
    /// What was done before; `None` when nothing was changed.
    pub done: Option<Box<Report>>,
}

/// The kinds of errors, told apart by what follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file system or a quota is full.
    NoSpace,
    ReadOnly,
    Denied,
    NotADirectory,
    /// Any other refusal of the operating system.
    Io,
    /// The repository cannot be read.
    Repository(repository::error::ErrorKind),
    /// The snapshot does not hold the path.
    NotInSnapshot,
    /// The target is a protected directory, or is in one.
    Protected,
    /// The snapshot stands for more entries than the file system can hold.
    TooMany,
    /// Nothing is deleted here.
    Delete(NoDelete),
}

/// Why a restore that is to delete what the snapshot does not hold is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDelete {
    /// The backup could not read everything.
    Partial,
    /// The target is the root directory.
    Root,
    /// A protected directory is in the target.
    HoldsProtected,
    /// Another file system is mounted in the target.
    HoldsMountPoint,
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Find the path in the snapshot.
    Select,
    /// Count what the snapshot holds.
    Count,
    OpenTarget,
    CreateTarget,
    Write,
    /// Read the content of an entry from the repository.
    Read,
    /// Make durable what was written.
    Sync,
    Delete,
}

impl Error {
    /// An error without a cause.
    pub fn new(kind: ErrorKind, doing: Doing, path: &Path) -> Error {
        Error {
            kind,
            doing,
            path: path.to_owned(),
            cause: None,
            done: None,
        }
    }

    /// The operating system refused.
    pub fn io(doing: Doing, path: &Path, cause: impl Into<io::Error>) -> Error {
        let cause = cause.into();
        let kind = match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
            io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::NotADirectory => ErrorKind::NotADirectory,
            _ => ErrorKind::Io,
        };
        Error {
            cause: Some(cause.into()),
            ..Error::new(kind, doing, path)
        }
    }

    /// The repository could not be read.
    pub fn repository(doing: Doing, path: &Path, cause: repository::error::Error) -> Error {
        let error = Error::new(ErrorKind::Repository(cause.kind), doing, path);
        Error {
            cause: Some(cause.into()),
            ..error
        }
    }
}

/// Whether the next file would meet the same error: then the restore ends.
pub fn ends_all(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Whether nothing more can be read from the repository. A file to which access is denied may be the only one.
pub fn is_without_server(error: &repository::error::Error) -> bool {
    let denied = repository::error::ErrorKind::Storage(storage::error::ErrorKind::Denied);
    error.is_out_of_reach() && error.kind != denied
}

impl fmt::Display for NoDelete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoDelete::Partial => "the snapshot is partial, so it does not say what is surplus",
            NoDelete::Root => "it is the root directory",
            NoDelete::HoldsProtected => "a protected directory is in it",
            NoDelete::HoldsMountPoint => "another file system is mounted in it",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.doing {
            Doing::Select => write!(f, "cannot find {path} in the snapshot")?,
            Doing::Count => f.write_str("cannot count what the snapshot holds")?,
            Doing::OpenTarget => write!(f, "cannot use {path} as the target")?,
            Doing::CreateTarget => write!(f, "cannot create the target {path}")?,
            Doing::Write => write!(f, "cannot write {path}")?,
            Doing::Read => write!(
                f,
                "cannot read from the repository what belongs into {path}"
            )?,
            Doing::Sync => write!(f, "cannot make {path} durable")?,
            Doing::Delete => write!(f, "cannot delete anything in {path}")?,
        }
        match self.kind {
            ErrorKind::Protected => f.write_str(": it is in a protected directory"),
            ErrorKind::NotInSnapshot => f.write_str(": there is no such entry"),
            ErrorKind::TooMany => f.write_str(": it stands for more entries than can exist"),
            ErrorKind::Delete(reason) => write!(f, ": {reason}"),
            _ => match &self.cause {
                Some(cause) => match cause.downcast_ref::<io::Error>() {
                    Some(cause) => write!(f, ": {}", os::reason(cause)),
                    None => write!(f, ": {cause}"),
                },
                None => Ok(()),
            },
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause
            .as_ref()
            .map(|cause| cause.as_ref() as &(dyn StdError + 'static))
    }
}
