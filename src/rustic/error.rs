//! What can go wrong with a repository: a kind that says whether trying again may help, and one sentence that names
//! the thing and the mend.

use std::fmt;
use std::io;
use std::path::Path;

use rustic_core::RusticError;

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
    /// Something is asked for that cannot be done.
    BadOption,
    /// The operating system refuses access.
    Denied,
    /// What the repository holds is not what it should be.
    Damaged,
    /// Another program is at work on it.
    Busy,
    /// No space is left.
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

/// A failure: what happened, to what, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    /// A failure of this kind; the message is one sentence without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// A file-system operation on a path failed: `cannot {doing} {path}: {reason}`.
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Error::new(
            io_kind(error),
            format!("cannot {doing} {}: {}", path.display(), os::reason(error)),
        )
    }

    /// The engine failed while it did something to the repository at this place.
    pub(super) fn engine(doing: &str, place: &Path, error: &RusticError) -> Self {
        let place = place.display();
        if error.is_incorrect_password() {
            return Error::new(
                ErrorKind::WrongPassword,
                format!("the password does not open the repository in {place}"),
            );
        }
        if let Some(cause) = io_cause(error) {
            return Error::new(
                io_kind(cause),
                format!("cannot {doing} in {place}: {}", os::reason(cause)),
            );
        }
        let detail = detail(error);
        let damaged = error.to_string().contains("`cryptographic operations`")
            || [
                "not found in index",
                "missing in index",
                "zstd",
                "from JSON",
            ]
            .iter()
            .any(|sign| detail.contains(sign));
        if damaged {
            Error::new(
                ErrorKind::Damaged,
                format!(
                    "cannot {doing}: the repository in {place} is damaged ({detail}); run a check of it"
                ),
            )
        } else {
            Error::new(
                ErrorKind::Engine,
                format!("cannot {doing} in {place}: {detail}"),
            )
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The kind that an I/O error belongs to.
fn io_kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
        io::ErrorKind::NotADirectory => ErrorKind::BadOption,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
        _ => ErrorKind::Io,
    }
}

/// The I/O error at the bottom of an engine's error, if there is one.
fn io_cause(error: &RusticError) -> Option<&io::Error> {
    let mut cause = std::error::Error::source(error);
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref::<io::Error>() {
            return Some(found);
        }
        cause = current.source();
    }
    None
}

/// The engine's own words on one line, without its preamble.
fn detail(error: &RusticError) -> String {
    let text = error.display_log();
    let text = text.strip_prefix("Error: ").unwrap_or(&text);
    let text = text.split(" (kind: related to").next().unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
