//! Why an action came to nothing.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::choice::NoChoice;
use super::password::PassFileError;
use super::report::local;
use crate::location::Location;
use crate::os;
use crate::protocol::Verdict;
use crate::rustic::{Error as RepositoryError, ErrorKind};
use crate::units;

/// The failure of an action. `Display` is one sentence without a full stop: what happened, to what, and what to do
/// about it. It includes the cause, which `source` has as a value.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    PassFile(#[from] PassFileError),
    #[error(transparent)]
    NoChoice(#[from] NoChoice),
    #[error(
        "dereference_symlink is not supported: links are backed up as links; name what they point to as a \
         path_to_backup of its own"
    )]
    DereferenceSymlink,
    #[error("the source {path} does not exist; nothing was backed up")]
    SourceMissing { path: PathBuf },
    #[error("the source {path} cannot be read: {}", os::reason(source))]
    SourceUnreadable { path: PathBuf, source: io::Error },
    /// A disk that is not mounted leaves an empty directory.
    #[error(
        "the source {path} is empty, and the last snapshot ({snapshot}, {}) holds {}: is something not mounted? \
         allow_empty lets it pass",
        local(*time),
        files.map_or_else(|| "files".to_owned(), |files| units::count(files, "file", "files"))
    )]
    SourceEmptied {
        path: PathBuf,
        /// The short id of the last snapshot.
        snapshot: String,
        time: DateTime<Utc>,
        /// `None`: the snapshot has no counts.
        files: Option<u64>,
    },
    /// A disk that is not mounted leaves nothing where the repository was.
    #[error(
        "the repository in {place} is gone, to which earlier backups of this job went: is its disk not mounted? \
         allow_new_container begins a new one there"
    )]
    RepositoryGone { place: Location },
    #[error("cannot lock the container {place}: {}", os::reason(source))]
    Lock { place: Location, source: io::Error },
    #[error("the age limit is out of range")]
    AgeOutOfRange,
    #[error("the command is empty")]
    CommandEmpty,
    /// The command could not be run, or its end could not be awaited.
    #[error("{name} {step}: {}", os::reason(source))]
    Command {
        /// `the command`, and its program where that is not a secret.
        name: String,
        /// What did not work, as a predicate: `cannot be started`.
        step: &'static str,
        source: io::Error,
    },
}

impl ActionError {
    /// What follows from the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            ActionError::Repository(error) => error.kind(),
            ActionError::PassFile(_)
            | ActionError::DereferenceSymlink
            | ActionError::SourceMissing { .. }
            | ActionError::SourceEmptied { .. }
            | ActionError::AgeOutOfRange
            | ActionError::CommandEmpty => ErrorKind::BadOption,
            ActionError::NoChoice(_) => ErrorKind::NoSuchSnapshot,
            ActionError::SourceUnreadable { .. } => ErrorKind::Denied,
            ActionError::RepositoryGone { .. } => ErrorKind::NoRepository,
            ActionError::Lock { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory => ErrorKind::Denied,
                _ => ErrorKind::Io,
            },
            ActionError::Command { source, .. } => match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => ErrorKind::BadOption,
                _ if source.raw_os_error() == Some(libc::ENOEXEC) => ErrorKind::BadOption,
                _ => ErrorKind::Io,
            },
        }
    }

    /// Whether it is worth another attempt.
    pub fn verdict(&self) -> Verdict {
        if self.kind().is_permanent() {
            Verdict::FailedForGood
        } else {
            Verdict::Failed
        }
    }
}
