//! What can go wrong with a repository as a whole.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};

use rustic_core::RusticError;

use super::engine_text;
use crate::location::Location;
use crate::os;

/// The kinds of failure, told apart by what follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no repository at that place.
    NoRepository,
    /// Something else is at that place.
    NotARepository,
    /// The password opens none of the repository's keys.
    WrongPassword,
    /// No snapshot is what was asked for.
    NoSuchSnapshot,
    /// What was asked for cannot be done.
    BadOption,
    /// The operating system refuses access.
    Denied,
    /// What the repository holds is not what it should be.
    Damaged,
    /// Another program is at work on it.
    Busy,
    NoSpace,
    /// Reading or writing failed.
    Io,
    /// The engine failed in a way that is none of the above.
    Engine,
}

impl ErrorKind {
    /// The same would happen again, unless somebody changes something.
    pub fn is_permanent(self) -> bool {
        match self {
            ErrorKind::NoRepository
            | ErrorKind::NotARepository
            | ErrorKind::WrongPassword
            | ErrorKind::NoSuchSnapshot
            | ErrorKind::BadOption
            | ErrorKind::Denied
            | ErrorKind::Damaged => true,
            ErrorKind::Busy | ErrorKind::NoSpace | ErrorKind::Io | ErrorKind::Engine => false,
        }
    }
}

impl From<&io::Error> for ErrorKind {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                ErrorKind::Denied
            }
            io::ErrorKind::NotADirectory => ErrorKind::BadOption,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
            _ => ErrorKind::Io,
        }
    }
}

/// A failure. `Display` is one sentence without a full stop: what happened, to what, and what to do about it. It
/// includes the cause, which `source` has as a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no repository in {place} yet: the first backup creates it")]
    NoRepository { place: Location },
    #[error(
        "cannot create the container {place}: the directory above it does not exist; mount it or create it"
    )]
    NoParentDirectory { place: Location },
    #[error(
        "{place} contains something that is not a repository, so nothing was changed there; choose an empty directory as the container"
    )]
    NotARepository { place: Location },
    #[error("the container's path {path} is not UTF-8")]
    PathNotUtf8 { path: PathBuf },
    #[error("the password in {pass_file} does not open the repository in {place}")]
    WrongPassword { place: Location, pass_file: PathBuf },
    #[error(
        "the repository in {place} has a password: name the file that holds it as encrypt_pass_file"
    )]
    PasswordMissing { place: Location },
    /// It was there when the snapshots were listed.
    #[error("the snapshot {id} is gone")]
    SnapshotGone {
        /// The short id.
        id: String,
    },
    #[error("{text} is not the id of a snapshot")]
    NotASnapshotId { text: String },
    /// The engine takes a directory that it cannot list for an empty one.
    #[error("cannot list {directory}: the engine does not see the snapshots that are there")]
    SnapshotsNotSeen { directory: PathBuf },
    #[error("the snapshot {id} was confirmed and cannot be found again")]
    SnapshotLost {
        /// The short id that it had before.
        id: String,
    },
    /// In a snapshot: a directory that names no tree.
    #[error("the snapshot's directory {name} has no content; run a check")]
    DirectoryWithoutContent { name: String },
    #[error("the repository's data {id} is not what its name says; run a check")]
    WrongData {
        /// The id of a blob, which is the hash of its content.
        id: String,
    },
    #[error(
        "restic is at work in {place} (its lock is {lock}), and nothing is removed beside it; if it is not, run \
         restic unlock"
    )]
    ResticAtWork { place: Location, lock: PathBuf },
    #[error(
        "the target {target} is in the container {place}, and a restore must not write there; choose another directory"
    )]
    TargetInContainer { target: PathBuf, place: Location },
    /// An operation of ours on the file system failed.
    #[error("cannot {doing} {path}: {}", os::reason(source))]
    Io {
        /// A verb, for "cannot … `path`".
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// No further file can be written.
    #[error("{source}; the restore ended after {done} files, and {target} is not complete")]
    RestoreCutShort {
        source: Box<Error>,
        done: u64,
        target: PathBuf,
    },
    /// The engine failed while it did something to the repository at this place.
    #[error("{}", engine_sentence(*kind, doing, place, source))]
    Engine {
        /// What the engine's error means.
        kind: ErrorKind,
        /// A verb with its object, for "cannot …".
        doing: &'static str,
        place: PathBuf,
        source: Box<RusticError>,
    },
}

impl Error {
    /// What follows from the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::NoRepository { .. } | Error::NoParentDirectory { .. } => ErrorKind::NoRepository,
            Error::NotARepository { .. } => ErrorKind::NotARepository,
            Error::WrongPassword { .. } | Error::PasswordMissing { .. } => ErrorKind::WrongPassword,
            Error::SnapshotGone { .. } => ErrorKind::NoSuchSnapshot,
            Error::PathNotUtf8 { .. }
            | Error::NotASnapshotId { .. }
            | Error::TargetInContainer { .. } => ErrorKind::BadOption,
            Error::SnapshotsNotSeen { .. } => ErrorKind::Io,
            Error::SnapshotLost { .. } => ErrorKind::Engine,
            Error::DirectoryWithoutContent { .. } | Error::WrongData { .. } => ErrorKind::Damaged,
            Error::ResticAtWork { .. } => ErrorKind::Busy,
            Error::Io { source, .. } => source.into(),
            Error::RestoreCutShort { source, .. } => source.kind(),
            Error::Engine { kind, .. } => *kind,
        }
    }

    /// A file-system operation on a path failed: `cannot {doing} {path}: …`.
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Error::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }

    /// The engine failed while it did something to the repository at this place.
    pub(super) fn engine(doing: &'static str, place: &Path, source: Box<RusticError>) -> Self {
        let kind = match io_cause(&source) {
            Some(cause) => cause.into(),
            None if is_damage(&source) => ErrorKind::Damaged,
            None => ErrorKind::Engine,
        };
        Error::Engine {
            kind,
            doing,
            place: place.to_owned(),
            source,
        }
    }
}

fn engine_sentence(kind: ErrorKind, doing: &str, place: &Path, source: &RusticError) -> String {
    let place = place.display();
    if let Some(cause) = io_cause(source) {
        return format!("cannot {doing} in {place}: {}", os::reason(cause));
    }
    let words = engine_text::message(source);
    if kind == ErrorKind::Damaged {
        format!("cannot {doing}: the repository in {place} is damaged ({words}); run a check of it")
    } else {
        format!("cannot {doing} in {place}: {words}")
    }
}

/// The causes of an engine's error, from the error itself to the last one.
fn causes(error: &RusticError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |error| (*error).source())
}

/// The I/O error at the bottom of an engine's error, if there is one.
fn io_cause(error: &RusticError) -> Option<&io::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Whether an engine's error says that data in the repository is missing or wrong.
fn is_damage(error: &RusticError) -> bool {
    /// The engine's code for data whose authentication failed.
    const NOT_AUTHENTIC: &str = "C001";
    causes(error).any(|cause| {
        let engines = cause.downcast_ref::<RusticError>().or_else(|| {
            cause
                .downcast_ref::<Box<RusticError>>()
                .map(|inner| &**inner)
        });
        engines.is_some_and(|error| error.is_code(NOT_AUTHENTIC))
            // The engine writes JSON of its own making, so what cannot be parsed was read.
            || cause.is::<serde_json::Error>()
    }) || engine_text::says_damaged(error)
}

#[cfg(test)]
mod tests {
    use rustic_core::ErrorKind as EngineKind;

    use super::*;

    fn kind(error: Box<RusticError>) -> ErrorKind {
        Error::engine("read", Path::new("/c"), error).kind()
    }

    #[test]
    fn an_engines_error_is_known_by_its_code_and_its_causes() {
        let forged = || RusticError::new(EngineKind::Internal, "x").attach_error_code("C001");
        assert_eq!(kind(forged()), ErrorKind::Damaged);
        let outer = RusticError::with_source(EngineKind::Internal, "outer", forged());
        assert_eq!(kind(outer), ErrorKind::Damaged, "through a boxed cause");
        let json = serde_json::from_str::<u32>("{").unwrap_err();
        let outer = RusticError::with_source(EngineKind::Internal, "outer", json);
        assert_eq!(kind(outer), ErrorKind::Damaged);
        let full = io::Error::from_raw_os_error(libc::ENOSPC);
        let full = RusticError::with_source(EngineKind::Backend, "inner", full);
        let outer = RusticError::with_source(EngineKind::Internal, "outer", full);
        let error = Error::engine("write the backup", Path::new("/c"), outer);
        assert_eq!(error.kind(), ErrorKind::NoSpace);
        assert_eq!(
            error.to_string(),
            "cannot write the backup in /c: No space left on device"
        );
        let plain = RusticError::new(EngineKind::Internal, "something else");
        assert_eq!(kind(plain), ErrorKind::Engine);
    }
}
