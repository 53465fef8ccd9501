//! The kinds of failure of an action, and what errors of the system and of the engine are among them.

use std::io;

use crate::repository::error::ErrorKind as Engine;

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
    /// The repository has a version of the format that this program does not know.
    UnknownFormat,
    /// The operating system refuses access.
    Denied,
    /// What the repository holds is not what it should be.
    Damaged,
    /// Another program is at work on it.
    Busy,
    NoSpace,
    /// What is needed is on its way from an archive of the server.
    Archived,
    /// The server of the container cannot be reached.
    Unreachable,
    /// Reading or writing failed.
    Io,
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
            | ErrorKind::UnknownFormat
            | ErrorKind::Denied
            | ErrorKind::Damaged => true,
            ErrorKind::Busy
            | ErrorKind::NoSpace
            | ErrorKind::Archived
            | ErrorKind::Unreachable
            | ErrorKind::Io => false,
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

/// What an error of the engine's means for the action.
pub(super) fn of_engine(kind: Engine) -> ErrorKind {
    use crate::storage::error::ErrorKind as Storage;
    match kind {
        Engine::Storage(kind) => match kind {
            Storage::Denied | Storage::ReadOnly => ErrorKind::Denied,
            Storage::NoSpace => ErrorKind::NoSpace,
            Storage::NotFound | Storage::TooShort | Storage::TooLarge | Storage::NotAFile => {
                ErrorKind::Damaged
            }
            Storage::NoPlace => ErrorKind::NoRepository,
            Storage::Unauthorized | Storage::Untrusted | Storage::HostChanged => ErrorKind::Denied,
            Storage::Answer => ErrorKind::BadOption,
            // A clock is often set soon after the start of a host.
            Storage::Clock => ErrorKind::Io,
            Storage::Unreachable => ErrorKind::Unreachable,
            Storage::Exists | Storage::Io | Storage::Busy | Storage::Overloaded => ErrorKind::Io,
        },
        Engine::Damaged(_)
        | Engine::NoKeys
        | Engine::KeysUnreadable { .. }
        | Engine::Missing
        | Engine::NothingReadable(_)
        | Engine::TooLarge => ErrorKind::Damaged,
        Engine::WrongPassword => ErrorKind::WrongPassword,
        Engine::KeyNeeded | Engine::ReadOnlyVersion => ErrorKind::BadOption,
        Engine::Version(_) => ErrorKind::UnknownFormat,
        Engine::NotARepository => ErrorKind::NoRepository,
        Engine::Locked | Engine::TooManyLocks(_) | Engine::LockLost => ErrorKind::Busy,
        Engine::Exists | Engine::NoRandom => ErrorKind::Io,
    }
}
