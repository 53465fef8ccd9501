//! Why a command could not look inside a container.

use std::io;

use super::reason;
use crate::agent::advice::{advice, prune_advice, space_advice};
use crate::agent::error::ActionError;
use crate::agent::error::ErrorKind as PlaceErrorKind;
use crate::inspect::choice::ChoiceError;
use crate::inspect::dump::DumpError;
use crate::inspect::path::PathError;
use crate::repository::error::{Error as RepositoryError, ErrorKind};
use crate::repository::prune::error::PruneError;
use crate::secret::password::PassFileError;
use crate::storage::error::ErrorKind as StorageErrorKind;

/// Why the command came to nothing. `Display` is one sentence without a full stop, and includes the cause.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The container cannot be opened.
    #[error(transparent)]
    Place(#[from] ActionError),
    #[error(transparent)]
    PassFile(#[from] PassFileError),
    #[error("{_0}{}", space_advice(_0))]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    #[error("{_0}{}", path_advice(_0))]
    Path(#[from] PathError),
    #[error("{_0}{}", dump_advice(_0))]
    Dump(#[from] DumpError),
    #[error("{_0}{}", prune_advice(_0))]
    Prune(#[from] PruneError),
    /// The signal handlers or their thread.
    #[error("the command cannot be set up: {}", reason(_0))]
    Setup(#[source] io::Error),
    /// No key has an id that begins like this, or several have.
    #[error("{count} keys have an id that begins with {beginning}; `freezerd key list` lists them")]
    KeyNotFound { beginning: String, count: usize },
}

/// What follows from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The repository, the snapshot or the path is not there.
    NotFound,
    /// The repository has a version of the format that this program does not know.
    UnknownFormat,
    /// The password is wrong, or the system refuses.
    Denied,
    /// Others have the repository locked.
    Locked,
    /// The content of the repository is damaged.
    Damaged,
    /// What was asked for is never done.
    Refused,
    /// The storage failed.
    Temporary,
    /// The output cannot be written.
    Output,
    /// The operating system gives no threads or signals.
    Internal,
}

impl SessionError {
    /// The kind of the error, which decides about the exit code.
    pub fn fault(&self) -> Fault {
        match self {
            SessionError::Place(error) => match error.kind() {
                PlaceErrorKind::Denied | PlaceErrorKind::WrongPassword => Fault::Denied,
                PlaceErrorKind::Busy
                | PlaceErrorKind::NoSpace
                | PlaceErrorKind::Archived
                | PlaceErrorKind::Unreachable
                | PlaceErrorKind::Io => Fault::Temporary,
                PlaceErrorKind::Damaged => Fault::Damaged,
                PlaceErrorKind::UnknownFormat => Fault::UnknownFormat,
                _ => Fault::NotFound,
            },
            SessionError::PassFile(_) | SessionError::KeyNotFound { .. } => Fault::NotFound,
            SessionError::Repository(error)
            | SessionError::Choice(ChoiceError::Repository(error))
            | SessionError::Path(PathError::Unreadable { error, .. })
            | SessionError::Dump(
                DumpError::Unreadable { error, .. }
                | DumpError::Path(PathError::Unreadable { error, .. }),
            ) => of_repository(error),
            SessionError::Path(PathError::Unusable { .. })
            | SessionError::Dump(DumpError::Path(PathError::Unusable { .. })) => Fault::Damaged,
            SessionError::Choice(ChoiceError::SeveralBackups { .. }) => Fault::Refused,
            SessionError::Choice(_) | SessionError::Path(_) => Fault::NotFound,
            SessionError::Dump(error) => match error {
                DumpError::Output(_) => Fault::Output,
                DumpError::Thread(_) => Fault::Internal,
                DumpError::WrongSize { .. } => Fault::Damaged,
                DumpError::Path(_) | DumpError::Unreadable { .. } => Fault::NotFound,
            },
            SessionError::Prune(PruneError::Refused(_)) => Fault::Damaged,
            SessionError::Prune(PruneError::Failed(error) | PruneError::MayNotRemove(error)) => {
                of_repository(error)
            }
            SessionError::Setup(_) => Fault::Internal,
        }
    }
}

fn path_advice(error: &PathError) -> &'static str {
    match error {
        PathError::Unreadable { error, .. } => advice(error),
        _ => "",
    }
}

fn dump_advice(error: &DumpError) -> &'static str {
    match error {
        DumpError::Unreadable { error, .. } => advice(error),
        DumpError::Path(error) => path_advice(error),
        _ => "",
    }
}

fn of_repository(error: &RepositoryError) -> Fault {
    match error.kind {
        ErrorKind::Storage(kind) => match kind {
            StorageErrorKind::Denied
            | StorageErrorKind::ReadOnly
            | StorageErrorKind::Unauthorized
            | StorageErrorKind::Untrusted
            | StorageErrorKind::HostChanged => Fault::Denied,
            StorageErrorKind::Answer | StorageErrorKind::NoPlace => Fault::NotFound,
            // A file of the repository is gone, or is not what it was.
            StorageErrorKind::NotFound
            | StorageErrorKind::NotAFile
            | StorageErrorKind::TooShort
            | StorageErrorKind::TooLarge
            | StorageErrorKind::Exists => Fault::Damaged,
            StorageErrorKind::NoSpace
            | StorageErrorKind::Io
            | StorageErrorKind::Clock
            | StorageErrorKind::Unreachable
            | StorageErrorKind::Busy
            | StorageErrorKind::Overloaded => Fault::Temporary,
        },
        ErrorKind::WrongPassword => Fault::Denied,
        ErrorKind::Locked | ErrorKind::TooManyLocks(_) | ErrorKind::LockLost => Fault::Locked,
        ErrorKind::NotARepository => Fault::NotFound,
        ErrorKind::Version(_) => Fault::UnknownFormat,
        ErrorKind::KeyNeeded | ErrorKind::ReadOnlyVersion | ErrorKind::Exists => Fault::Refused,
        ErrorKind::Damaged(_)
        | ErrorKind::NoKeys
        | ErrorKind::KeysUnreadable { .. }
        | ErrorKind::Missing
        | ErrorKind::NothingReadable(_)
        | ErrorKind::TooLarge => Fault::Damaged,
        ErrorKind::NoRandom => Fault::Internal,
    }
}
