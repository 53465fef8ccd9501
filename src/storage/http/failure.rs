//! Why a request over HTTP failed: the class of the failure, and what is told of it.
//!
//! No text here repeats an address or a header: they may hold secrets.

use std::time::Duration;
use std::{fmt, io};

use super::super::certificate;
use super::super::error::{Doing, Error, ErrorKind, Place};

/// A failure, before it is known what was being done.
#[derive(Debug)]
pub struct Failure {
    pub kind: ErrorKind,
    cause: io::Error,
}

/// How a request goes to its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    #[default]
    Tls,
    /// Without TLS.
    Plain,
    /// To a socket of this host. Nobody wrote an address.
    Socket,
}

impl Way {
    /// What to say besides of an answer that a server with TLS gives to a request without it.
    fn hint(self) -> &'static str {
        match self {
            Way::Plain => "; if the server speaks TLS there, the address begins with `https://`",
            Way::Tls | Way::Socket => "",
        }
    }
}

impl Failure {
    /// The failure of a request. `stall` is the time after which a silent connection is given up.
    pub(super) fn of(error: ureq::Error, stall: Duration, way: Way) -> Failure {
        let told = |kind, text: &str| Failure {
            kind,
            cause: io::Error::other(text.to_owned()),
        };
        let late = |text: String| Failure {
            kind: ErrorKind::Unreachable,
            cause: io::Error::new(io::ErrorKind::TimedOut, text),
        };
        match error {
            ureq::Error::Io(cause) => Failure::of_io(cause, way),
            ureq::Error::Timeout(ureq::Timeout::PerRead | ureq::Timeout::PerWrite) => late(
                format!("nothing moved on the connection for {} s", stall.as_secs()),
            ),
            ureq::Error::Timeout(ureq::Timeout::RecvResponse) => {
                late("the server takes the connection, and does not answer".to_owned())
            }
            ureq::Error::Timeout(_) => late("the server does not answer in time".to_owned()),
            ureq::Error::HostNotFound => told(
                ErrorKind::Unreachable,
                "the name of the server is not known",
            ),
            ureq::Error::ConnectionFailed => {
                told(ErrorKind::Unreachable, "the server cannot be reached")
            }
            ureq::Error::BodyStalled => told(ErrorKind::Unreachable, "the connection was cut"),
            ureq::Error::ConnectProxyFailed(_) => told(
                ErrorKind::Unreachable,
                "the proxy does not connect to the server",
            ),
            ureq::Error::Rustls(rustls::Error::InvalidCertificate(error)) => {
                told(ErrorKind::Untrusted, &certificate::told(&error))
            }
            ureq::Error::Rustls(rustls::Error::InvalidMessage(_)) => Failure::without_tls(way),
            ureq::Error::Rustls(error) => Failure {
                kind: ErrorKind::Untrusted,
                cause: io::Error::other(error),
            },
            ureq::Error::Tls(text) => told(ErrorKind::Untrusted, text),
            // The head of the answer is not HTTP, or was cut.
            ureq::Error::Protocol(_) | ureq::Error::Http(_) => {
                let text = format!("the answer is cut, or is not HTTP{}", way.hint());
                told(ErrorKind::Unreachable, &text)
            }
            ureq::Error::LargeResponseHeader(..) => told(
                ErrorKind::Answer,
                "the answer is not HTTP, or its head is too long",
            ),
            _ => told(ErrorKind::Answer, "the request cannot be sent"),
        }
    }

    /// What the server says over TLS is not TLS.
    fn without_tls(way: Way) -> Failure {
        let text = match way {
            Way::Tls => {
                "the server does not speak TLS there; if this is right, the address begins with `http://`"
            }
            // Of the proxy.
            Way::Plain | Way::Socket => "the proxy does not speak TLS there",
        };
        Failure::answer(text)
    }

    fn of_io(cause: io::Error, way: Way) -> Failure {
        let of_tls = cause
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let kind = match of_tls {
            Some(rustls::Error::InvalidCertificate(error)) => {
                return Failure::told(ErrorKind::Untrusted, certificate::told(error));
            }
            Some(rustls::Error::InvalidMessage(_)) => return Failure::without_tls(way),
            _ => ErrorKind::Unreachable,
        };
        let cause = match cause.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::other("the connection was cut"),
            _ => cause,
        };
        Failure { kind, cause }
    }

    /// Whether the server took too long.
    pub fn is_timeout(&self) -> bool {
        self.cause.kind() == io::ErrorKind::TimedOut
    }

    /// The same, with the part of the service that it is a failure of.
    pub fn of_part(self, part: &str) -> Failure {
        Failure::told(self.kind, format!("{part}: {self}"))
    }

    /// The same, of a server that wants to be left alone for so long, if it says it.
    pub fn until_later(self, after: Option<Duration>) -> Failure {
        match after {
            None => self,
            Some(after) => Failure {
                kind: self.kind,
                cause: io::Error::other(Later {
                    text: self.to_string(),
                    after,
                }),
            },
        }
    }

    /// A server's refusal; its status decides about the kind.
    pub fn status(status: u16) -> Failure {
        let kind = match status {
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Denied,
            404 | 410 => ErrorKind::NotFound,
            413 | 507 => ErrorKind::NoSpace,
            416 => ErrorKind::TooShort,
            421 | 429 | 503 => ErrorKind::Overloaded,
            408 | 425 | 500 | 502 | 504 => ErrorKind::Busy,
            _ => ErrorKind::Answer,
        };
        Failure {
            kind,
            cause: io::Error::other(Status(status)),
        }
    }

    /// The server stored something else than what it was sent, as it says itself.
    pub fn other_content() -> Failure {
        Failure::answer("the server says that it got other content than what was sent")
    }

    /// The server refuses a write with this status because the file exists, and then does not find the file. Somebody may
    /// remove it at the same time.
    pub fn vanished(status: u16) -> Failure {
        let text = format!(
            "the server says that there is such a file already, and does not find it (status {status}); perhaps another \
             program writes or removes it"
        );
        Failure::told(ErrorKind::Busy, text)
    }

    /// The refusal of a server that got a request on this way. Servers with TLS refuse one without it with status 400.
    pub fn status_on(status: u16, way: Way) -> Failure {
        match status {
            400 => {
                let text = format!("the server answers with status 400{}", way.hint());
                Failure::told(ErrorKind::Answer, text)
            }
            _ => Failure::status(status),
        }
    }

    /// An answer that is not one of the protocol.
    pub fn answer(text: &'static str) -> Failure {
        Failure {
            kind: ErrorKind::Answer,
            cause: io::Error::other(text),
        }
    }

    /// A failure of this kind, with what is told of it.
    pub fn told(kind: ErrorKind, text: String) -> Failure {
        Failure {
            kind,
            cause: io::Error::other(text),
        }
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

/// How long the server wants to be left alone, if this cause of an error says it.
pub fn wanted_wait(cause: &io::Error) -> Option<Duration> {
    let later = cause.get_ref()?.downcast_ref::<Later>()?;
    Some(later.after)
}

/// The refusal of a server that wants to be left alone for a while.
#[derive(Debug)]
struct Later {
    text: String,
    after: Duration,
}

impl fmt::Display for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Later {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::os::reason(&self.cause))
    }
}

/// The status of an answer, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Status(u16);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            401 => f.write_str("the server does not accept the user or the password (status 401)"),
            403 => f.write_str("the server forbids it (status 403)"),
            404 => f.write_str("there is no such file (status 404)"),
            421 | 429 => write!(f, "the server wants fewer requests (status {})", self.0),
            503 => f.write_str("the server has no time (status 503)"),
            507 => f.write_str("the server has no space left (status 507)"),
            status @ 300..=399 => write!(
                f,
                "the server says that this is elsewhere (status {status}); write the final address"
            ),
            status @ 500..=599 => write!(f, "the server has a fault of its own (status {status})"),
            status => write!(f, "the server answers with status {status}"),
        }
    }
}

impl std::error::Error for Status {}
