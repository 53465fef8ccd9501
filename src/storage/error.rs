//! Why a storage did not do what it was asked to.

use std::{fmt, io};

use super::{FileKind, FileName};

/// What a storage was asked for and did not do.
#[derive(Debug)]
pub struct Error {
    pub kind: ErrorKind,
    pub doing: Doing,
    pub place: Place,
    /// What the operating system or the service said.
    pub cause: Option<io::Error>,
}

/// The kinds of errors, told apart by what follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    NotFound,
    /// What the container is in does not exist: the bucket.
    NoPlace,
    Denied,
    NoSpace,
    ReadOnly,
    /// A file of that name has other content.
    Exists,
    /// The file ends before the range that was asked for.
    TooShort,
    /// The file is larger than the caller's limit.
    TooLarge,
    /// A directory, a device or a pipe has the name of the file.
    NotAFile,
    /// A read or write failed, as on a damaged disk.
    Io,
    /// The server cannot be reached, the connection was lost, or nothing moved on it for too long.
    Unreachable,
    /// The server is overloaded, or has a fault of its own. Later it may answer.
    Busy,
    /// The server wants fewer requests, or fewer connections.
    Overloaded,
    /// The server does not accept the user and the password.
    Unauthorized,
    /// The clock of this host or that of the server is wrong: the server does not accept the time of the request.
    Clock,
    /// The certificate of the server is not trusted, or TLS does not work with it.
    Untrusted,
    /// The server shows another key than the one by which it is known: it may be somebody else.
    HostChanged,
    /// The answer is not one of the protocol: it is probably another kind of server.
    Answer,
}

impl ErrorKind {
    /// Whether the same request may succeed a little later.
    pub fn is_passing(self) -> bool {
        match self {
            ErrorKind::Unreachable | ErrorKind::Busy | ErrorKind::Overloaded => true,
            ErrorKind::NotFound
            | ErrorKind::NoPlace
            | ErrorKind::Denied
            | ErrorKind::NoSpace
            | ErrorKind::ReadOnly
            | ErrorKind::Exists
            | ErrorKind::TooShort
            | ErrorKind::TooLarge
            | ErrorKind::NotAFile
            | ErrorKind::Io
            | ErrorKind::Unauthorized
            | ErrorKind::Clock
            | ErrorKind::Untrusted
            | ErrorKind::HostChanged
            | ErrorKind::Answer => false,
        }
    }

    /// Whether the way to the file fails, so that nothing is known of the file itself.
    pub fn is_out_of_reach(self) -> bool {
        match self {
            ErrorKind::NoPlace
            | ErrorKind::Denied
            | ErrorKind::Unreachable
            | ErrorKind::Busy
            | ErrorKind::Overloaded
            | ErrorKind::Unauthorized
            | ErrorKind::Clock
            | ErrorKind::Untrusted
            | ErrorKind::HostChanged
            | ErrorKind::Answer => true,
            ErrorKind::NotFound
            | ErrorKind::NoSpace
            | ErrorKind::ReadOnly
            | ErrorKind::Exists
            | ErrorKind::TooShort
            | ErrorKind::TooLarge
            | ErrorKind::NotAFile
            | ErrorKind::Io => false,
        }
    }
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Create,
    List,
    Size,
    Read,
    Write,
    Remove,
    Sync,
    Sweep,
    Protect,
    Retain,
    BringBack,
}

/// What it was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    File(FileName),
    /// All files of one kind.
    Kind(FileKind),
    /// A path inside the repository; the empty one is the repository itself.
    Path(String),
}

impl Error {
    /// An error about one file, without a cause.
    pub fn new(kind: ErrorKind, doing: Doing, file: FileName) -> Error {
        Error {
            kind,
            doing,
            place: Place::File(file),
            cause: None,
        }
    }

    /// An error of the operating system's; its kind decides about ours.
    pub fn io(doing: Doing, place: Place, cause: io::Error) -> Error {
        let kind = match cause.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => ErrorKind::NoSpace,
            io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
            io::ErrorKind::UnexpectedEof => ErrorKind::TooShort,
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => ErrorKind::NotAFile,
            _ => ErrorKind::Io,
        };
        Error {
            kind,
            doing,
            place,
            cause: Some(cause),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(file) => write!(f, "{file}"),
            Place::Kind(kind) => f.write_str(kind.directory().unwrap_or("config")),
            Place::Path(path) if path.is_empty() => f.write_str("the repository's directory"),
            Place::Path(path) => f.write_str(path),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doing = match self.doing {
            Doing::Create => "create",
            Doing::List => "list",
            Doing::Size => "read the size of",
            Doing::Read => "read",
            Doing::Write => "write",
            Doing::Remove => "remove",
            Doing::Sync => "sync",
            Doing::Sweep => "remove what interrupted writes left in",
            Doing::Protect => "set the permissions of",
            Doing::Retain => "renew the retention of",
            Doing::BringBack => "bring back from the archive",
        };
        write!(f, "cannot {doing} {}: ", self.place)?;
        match (&self.cause, self.kind) {
            (_, ErrorKind::TooShort) => f.write_str("the file is too short"),
            (Some(cause), _) => f.write_str(&crate::os::reason(cause)),
            (None, ErrorKind::NotFound) => f.write_str("there is no such file"),
            (None, ErrorKind::NoPlace) => f.write_str("what the container is in does not exist"),
            (None, ErrorKind::Denied) => f.write_str("permission denied"),
            (None, ErrorKind::NoSpace) => f.write_str("no space left"),
            (None, ErrorKind::ReadOnly) => f.write_str("the storage is read-only"),
            (None, ErrorKind::Exists) => f.write_str("there is a file with other content"),
            (None, ErrorKind::TooLarge) => f.write_str("the file is too large"),
            (None, ErrorKind::NotAFile) => f.write_str("it is not a regular file: move it away"),
            (None, ErrorKind::Io) => f.write_str("input/output error"),
            (None, ErrorKind::Unreachable) => f.write_str("the server cannot be reached"),
            (None, ErrorKind::Busy) => f.write_str("the server is busy"),
            (None, ErrorKind::Overloaded) => f.write_str("the server wants fewer requests"),
            (None, ErrorKind::Unauthorized) => {
                f.write_str("the server does not accept the user or the password")
            }
            (None, ErrorKind::Clock) => {
                f.write_str("the clock of this host and that of the server are too far apart")
            }
            (None, ErrorKind::Untrusted) => {
                f.write_str("the certificate of the server is not trusted")
            }
            (None, ErrorKind::HostChanged) => f.write_str("the key of the server has changed"),
            (None, ErrorKind::Answer) => f.write_str("the server gives an unexpected answer"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause
            .as_ref()
            .map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

/// The most characters of a server's message that are shown.
#[cfg(any(feature = "ftp", feature = "sftp"))]
const SHOWN: usize = 200;

/// Text of a server as it is shown: short, and without control characters.
#[cfg(any(feature = "ftp", feature = "sftp"))]
pub(super) fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .map(|one| if one.is_control() { '\u{fffd}' } else { one })
        .take(SHOWN)
        .collect()
}
