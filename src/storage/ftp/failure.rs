//! Why a request over FTP failed: the class of the failure, and what is told of it.

use std::time::Duration;
use std::{fmt, io};

use super::super::certificate;
use super::super::error::{Doing, Error, ErrorKind, Place, shown};
use crate::os;

/// A failure, before it is known what was being done.
#[derive(Debug)]
pub(super) struct Failure {
    pub kind: ErrorKind,
    /// The code of the server's answer, if the failure is one.
    pub code: Option<u16>,
    cause: io::Error,
}

/// The codes of refusals from which something follows.
pub(super) mod code {
    /// The server ends the connection, or makes no more of them.
    pub const NOT_AVAILABLE: u16 = 421;
    /// There is no connection for the data.
    pub const NO_DATA_CONNECTION: u16 = 425;
    /// The connection for the data was lost.
    pub const TRANSFER_ABORTED: u16 = 426;
    /// The user or the password is wrong; an extension.
    pub const BAD_CREDENTIALS: u16 = 430;
    /// The file is in use.
    pub const FILE_BUSY: u16 = 450;
    /// Something failed in the server itself.
    pub const LOCAL_ERROR: u16 = 451;
    /// The disk of the server is full.
    pub const NO_SPACE: u16 = 452;
    /// The server does not know the command.
    pub const UNKNOWN_COMMAND: u16 = 500;
    /// The server does not understand the parameter.
    pub const BAD_PARAMETER: u16 = 501;
    /// The server cannot carry the command out.
    pub const NOT_IMPLEMENTED: u16 = 502;
    /// The server cannot carry the command out with this parameter.
    pub const BAD_VALUE: u16 = 504;
    /// The server takes no data without TLS, or only with the TLS session of the control connection.
    pub const NO_PROTECTION: u16 = 522;
    /// The user is not logged in.
    pub const NOT_LOGGED_IN: u16 = 530;
    /// The user needs an account to store files.
    pub const NEEDS_ACCOUNT: u16 = 532;
    /// The server wants TLS first.
    pub const WANTS_PROTECTION: u16 = 534;
    /// The file does not exist, or the user may not do this.
    pub const UNAVAILABLE: u16 = 550;
    /// The user has no more space.
    pub const QUOTA: u16 = 552;
    /// The name is not allowed.
    pub const BAD_NAME: u16 = 553;
}

fn is_stall(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

impl Failure {
    /// A failure that this text explains.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Failure {
        Failure {
            kind,
            code: None,
            cause: io::Error::other(text.into()),
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
    pub fn refused(answer: u16, text: &[u8]) -> Failure {
        let kind = match answer {
            code::NOT_AVAILABLE => ErrorKind::Overloaded,
            code::FILE_BUSY => ErrorKind::Busy,
            code::NO_DATA_CONNECTION | code::TRANSFER_ABORTED => ErrorKind::Unreachable,
            code::BAD_CREDENTIALS | code::NOT_LOGGED_IN | code::NEEDS_ACCOUNT => {
                ErrorKind::Unauthorized
            }
            code::LOCAL_ERROR => ErrorKind::Io,
            code::NO_SPACE | code::QUOTA => ErrorKind::NoSpace,
            // It may also be missing. Who asked for it finds out.
            code::UNAVAILABLE | code::BAD_NAME => ErrorKind::Denied,
            _ => ErrorKind::Answer,
        };
        Failure {
            kind,
            code: Some(answer),
            cause: io::Error::other(Refusal {
                code: answer,
                message: shown(text),
            }),
        }
    }

    /// The failure of a connection. `stall` is the time after which a silent one is given up.
    pub fn of_io(error: io::Error, stall: Duration) -> Failure {
        let of_tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(of_tls) = of_tls {
            use rustls::Error as Tls;
            let (kind, text) = match of_tls {
                Tls::InvalidCertificate(error) => (ErrorKind::Untrusted, certificate::told(error)),
                Tls::AlertReceived(_) | Tls::PeerIncompatible(_) => {
                    (ErrorKind::Untrusted, of_tls.to_string())
                }
                Tls::InvalidMessage(_) => (
                    ErrorKind::Answer,
                    "the server does not speak TLS here".to_owned(),
                ),
                _ => (ErrorKind::Unreachable, of_tls.to_string()),
            };
            return Failure::new(kind, shown(text.as_bytes()));
        }
        match error.kind() {
            _ if is_stall(&error) => Failure::lost(format!(
                "nothing moved on the connection for {} s",
                stall.as_secs()
            )),
            io::ErrorKind::UnexpectedEof => Failure::lost("the server ended the connection"),
            _ => Failure::lost(os::reason(&error)),
        }
    }

    /// The failure of a wait for the answer to this command; it is empty before the first one.
    pub fn of_answer(error: io::Error, stall: Duration, command: &str) -> Failure {
        match is_stall(&error) && !command.is_empty() {
            true => Failure::lost(format!(
                "the server did not answer {command} for {} s",
                stall.as_secs()
            )),
            false => Failure::of_session(error, stall),
        }
    }

    /// The failure of a connection whose server speaks TLS already. A process of a server that breaks down may say so without
    /// TLS, in the middle of it, and the next try may go well.
    pub fn of_session(error: io::Error, stall: Duration) -> Failure {
        let failure = Failure::of_io(error, stall);
        match failure.kind {
            ErrorKind::Answer => Failure::lost("the server went on without TLS"),
            _ => failure,
        }
    }

    /// The failure of a connection for data. The control connection speaks TLS already, so other bytes come from a
    /// connection that is not the server's, and the next try may go well.
    pub fn of_data(error: io::Error, stall: Duration) -> Failure {
        if is_stall(&error) {
            return Failure::lost(format!(
                "nothing moved on the connection for data for {} s",
                stall.as_secs()
            ));
        }
        Failure::of_session(error, stall)
    }

    /// The same failure, of which more has become known.
    pub fn known_as(self, kind: ErrorKind, text: &str) -> Failure {
        Failure {
            kind,
            code: self.code,
            cause: io::Error::other(text.to_owned()),
        }
    }

    /// The same failure, of another kind.
    pub fn of_kind(self, kind: ErrorKind) -> Failure {
        Failure { kind, ..self }
    }

    /// The same failure, and what may mend it.
    pub fn with(self, hint: &str) -> Failure {
        Failure {
            cause: io::Error::other(format!("{}; {hint}", os::reason(&self.cause))),
            ..self
        }
    }

    /// Whether the server does not know the command, or not in this form.
    pub fn is_unknown_command(&self) -> bool {
        use code::{BAD_VALUE, NOT_IMPLEMENTED, UNKNOWN_COMMAND};
        matches!(
            self.code,
            Some(UNKNOWN_COMMAND | NOT_IMPLEMENTED | BAD_VALUE)
        )
    }

    /// Whether the server refuses a path. It does not say whether it is missing.
    pub fn is_about_path(&self) -> bool {
        use code::{BAD_NAME, BAD_PARAMETER, FILE_BUSY, UNAVAILABLE};
        matches!(
            self.code,
            Some(UNAVAILABLE | BAD_NAME | FILE_BUSY | BAD_PARAMETER)
        )
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

/// What a server said, in words.
#[derive(Debug)]
struct Refusal {
    code: u16,
    message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = match self.code {
            code::NOT_AVAILABLE => "the server has no time, or has too many connections",
            code::NO_DATA_CONNECTION => "the server has no connection for the data",
            code::TRANSFER_ABORTED => "the connection for the data was lost",
            code::BAD_CREDENTIALS | code::NOT_LOGGED_IN => {
                "the server does not accept the user or the password"
            }
            code::LOCAL_ERROR => "something failed in the server; its disk may be full",
            code::NO_SPACE => "the server has no space left",
            code::NO_PROTECTION => "the server does not accept how the data is encrypted",
            code::UNAVAILABLE | code::BAD_NAME => "the server refuses it",
            code::QUOTA => "the quota of the user is used up",
            _ => "the server answers",
        };
        write!(f, "{plain} ({:?})", self.message)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_answer_decides_about_its_kind() {
        for (code, kind) in [
            (421, ErrorKind::Overloaded),
            (425, ErrorKind::Unreachable),
            (426, ErrorKind::Unreachable),
            (430, ErrorKind::Unauthorized),
            (450, ErrorKind::Busy),
            (451, ErrorKind::Io),
            (452, ErrorKind::NoSpace),
            (500, ErrorKind::Answer),
            (530, ErrorKind::Unauthorized),
            (550, ErrorKind::Denied),
            (552, ErrorKind::NoSpace),
            (553, ErrorKind::Denied),
            (999, ErrorKind::Answer),
        ] {
            let failure = Failure::refused(code, b"no space");
            assert_eq!(failure.kind, kind, "{code}");
        }
    }

    #[test]
    fn bytes_without_tls_are_a_lost_connection_once_the_server_has_spoken_tls() {
        let error = || {
            let message = rustls::InvalidMessage::InvalidContentType;
            io::Error::other(rustls::Error::InvalidMessage(message))
        };
        let stall = Duration::from_secs(1);
        assert_eq!(Failure::of_io(error(), stall).kind, ErrorKind::Answer);
        for failure in [
            Failure::of_session(error(), stall),
            Failure::of_answer(error(), stall, "STOR"),
            Failure::of_data(error(), stall),
        ] {
            assert_eq!(failure.kind, ErrorKind::Unreachable);
        }
    }

    #[test]
    fn what_a_server_says_is_shown_short_and_without_control_characters() {
        let message = [b"a\n\x1b[31m\xff".as_slice(), &[b'x'; 5000]].concat();
        let failure = Failure::refused(550, &message);
        let text = failure
            .at(Doing::List, Place::Path(String::new()))
            .to_string();
        assert!(text.len() < 500, "{text}");
        assert!(!text.contains(char::is_control), "{text}");
    }
}
