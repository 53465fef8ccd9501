//! Why a request over SFTP failed: the class of the failure, and what is told of it.

use std::{fmt, io};

pub(super) use super::super::error::shown;
use zeroize::Zeroizing;

use super::super::error::{Doing, Error, ErrorKind, Place};
use super::super::mask::masked;
use super::packet::Malformed;
use crate::os;

/// A failure, before it is known what was being done.
#[derive(Debug)]
pub(super) struct Failure {
    pub kind: ErrorKind,
    /// The code of the server's answer, if the failure is one.
    pub status: Option<u32>,
    cause: io::Error,
}

/// The codes of answers: those of version 3, and those of later versions that some servers send nevertheless.
pub(super) mod status {
    /// The request was carried out.
    pub const OK: u32 = 0;
    /// The file or the directory ends here.
    pub const EOF: u32 = 1;
    /// The path leads to nothing.
    pub const NO_SUCH_FILE: u32 = 2;
    /// The user may not do it.
    pub const PERMISSION_DENIED: u32 = 3;
    /// The server lost its own connection to where it has the files.
    pub const CONNECTION_LOST: u32 = 7;
    /// The server does not know the request.
    pub const UNSUPPORTED: u32 = 8;
    /// A directory of the path does not exist.
    pub const NO_SUCH_PATH: u32 = 10;
    /// The name is taken.
    pub const ALREADY_EXISTS: u32 = 11;
    /// Nothing can be written there.
    pub const WRITE_PROTECT: u32 = 12;
    /// The disk is full.
    pub const NO_SPACE: u32 = 14;
    /// The user has no more space.
    pub const QUOTA: u32 = 15;
    /// The path is not that of a file.
    pub const IS_A_DIRECTORY: u32 = 24;
}

impl Failure {
    /// A failure that this text explains.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Failure {
        Failure {
            kind,
            status: None,
            cause: io::Error::other(text.into()),
        }
    }

    /// The same failure. Its text has none of these secrets: a server may repeat what it got.
    pub fn without(self, secrets: &[Zeroizing<String>]) -> Failure {
        let told = self.cause.to_string();
        let masked = masked(&told, secrets);
        match masked == told {
            true => self,
            false => Failure {
                cause: io::Error::other(masked),
                ..self
            },
        }
    }

    /// The server cannot be reached, or the connection is lost.
    pub fn lost(text: impl Into<String>) -> Failure {
        Failure::new(ErrorKind::Unreachable, text)
    }

    /// An answer that is not one of the protocol.
    pub fn answer(text: impl Into<String>) -> Failure {
        Failure::new(ErrorKind::Answer, text)
    }

    /// The refusal of a server; its code decides about the kind.
    pub fn status(code: u32, message: &[u8]) -> Failure {
        use status::{
            ALREADY_EXISTS, CONNECTION_LOST, IS_A_DIRECTORY, NO_SPACE, NO_SUCH_FILE, NO_SUCH_PATH,
            PERMISSION_DENIED, QUOTA, UNSUPPORTED, WRITE_PROTECT,
        };
        let kind = match code {
            NO_SUCH_FILE | NO_SUCH_PATH => ErrorKind::NotFound,
            PERMISSION_DENIED => ErrorKind::Denied,
            ALREADY_EXISTS => ErrorKind::Exists,
            WRITE_PROTECT => ErrorKind::ReadOnly,
            NO_SPACE | QUOTA => ErrorKind::NoSpace,
            IS_A_DIRECTORY => ErrorKind::NotAFile,
            // The server's own connection to where it has the files.
            6 | CONNECTION_LOST => ErrorKind::Busy,
            UNSUPPORTED => ErrorKind::Answer,
            _ => ErrorKind::Io,
        };
        Failure {
            kind,
            status: Some(code),
            cause: io::Error::other(Refusal {
                code,
                message: shown(message),
            }),
        }
    }

    /// The same failure, of which more has become known.
    pub fn known_as(self, kind: ErrorKind, text: &str) -> Failure {
        Failure {
            kind,
            status: self.status,
            cause: io::Error::other(text.to_owned()),
        }
    }

    /// Whether the server said so, and the connection can still be used.
    pub fn is_of_server(&self) -> bool {
        self.status.is_some()
    }

    /// The error, with what was being done.
    pub fn at(self, doing: Doing, place: Place) -> Error {
        Error {
            kind: self.kind,
            doing,
            place,
            cause: Some(self.cause),
        }
    }
}

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Failure {
        Failure::answer(
            "the server sends something that is not SFTP; perhaps its shell prints a message at the login",
        )
    }
}

/// What a server said, in words.
#[derive(Debug)]
struct Refusal {
    code: u32,
    message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = match self.code {
            status::NO_SUCH_FILE | status::NO_SUCH_PATH => "there is no such file",
            status::PERMISSION_DENIED => "the server refuses permission",
            status::WRITE_PROTECT => "the storage is read-only",
            status::NO_SPACE => "the server has no space left",
            status::QUOTA => "the quota of the user is used up",
            status::UNSUPPORTED => "the server cannot do this",
            _ => {
                return write!(
                    f,
                    "the server answers {:?} (code {})",
                    self.message, self.code
                );
            }
        };
        f.write_str(plain)
    }
}

impl std::error::Error for Refusal {}

/// What a failure of SSH is.
pub(super) fn of_ssh(error: russh::Error) -> Failure {
    match error {
        russh::Error::IO(error) => match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Failure::lost("the server ended the connection"),
            _ => Failure::lost(os::reason(&error)),
        },
        russh::Error::NoCommonAlgo { kind, theirs, .. } => {
            let theirs = shown(theirs.join(", ").as_bytes());
            Failure::answer(format!(
                "the server has none of the algorithms ({kind:?}) that are safe; it has: {theirs}"
            ))
        }
        russh::Error::Version => Failure::answer("the server does not speak SSH"),
        russh::Error::WrongServerSig | russh::Error::UnknownKey => Failure::new(
            ErrorKind::Untrusted,
            "the server does not prove that it has its key",
        ),
        russh::Error::ChannelOpenFailure(reason) => Failure::new(
            ErrorKind::Overloaded,
            format!("the server opens no session ({reason:?})"),
        ),
        russh::Error::Disconnect | russh::Error::HUP | russh::Error::SendError => {
            Failure::lost("the server ended the connection")
        }
        // All else happens on the way, or is a fault of the other side that may pass.
        error => Failure::lost(shown(error.to_string().as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_answer_decides_about_its_kind() {
        for (code, kind) in [
            (2, ErrorKind::NotFound),
            (3, ErrorKind::Denied),
            (4, ErrorKind::Io),
            (7, ErrorKind::Busy),
            (8, ErrorKind::Answer),
            (11, ErrorKind::Exists),
            (12, ErrorKind::ReadOnly),
            (14, ErrorKind::NoSpace),
            (15, ErrorKind::NoSpace),
            (9999, ErrorKind::Io),
        ] {
            assert_eq!(Failure::status(code, b"no space").kind, kind, "{code}");
        }
    }

    #[test]
    fn what_a_server_says_is_shown_short_and_without_control_characters() {
        let message = [b"a\n\x1b[31m\xff".as_slice(), &[b'x'; 5000]].concat();
        let failure = Failure::status(4, &message);
        let text = failure
            .at(Doing::List, Place::Path(String::new()))
            .to_string();
        assert!(text.len() < 500, "{text}");
        assert!(!text.contains(char::is_control), "{text}");
    }
}
