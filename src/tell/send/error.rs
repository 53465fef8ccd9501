//! Why a receiver has not accepted a message.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::os;
use crate::secret::SecretError;
use crate::storage::http::OptionsError;

/// What follows from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The same message may be accepted later, without a change here.
    Temporary,
    /// The receiver refuses the message, or this host.
    Permanent,
    /// Something is wrong on this host: a secret, a file or a program is missing, or a key has a wrong value.
    Misconfigured,
}

impl Class {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Class::Temporary => "temporary",
            Class::Permanent => "permanent",
            Class::Misconfigured => "misconfigured",
        }
    }
}

/// Why a receiver has not accepted a message. No text here repeats a secret.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("`{key}`: {source}")]
    Secret {
        /// The key without `_file` or the like.
        key: &'static str,
        source: SecretError,
    },
    #[error("`ca_file`: the certificates in {} cannot be read: {}", path.display(), os::reason(source))]
    Certificates { path: PathBuf, source: io::Error },
    #[error("`ca_file`: {0}")]
    Options(OptionsError),
    /// What the secret under this key holds is not the address of a request.
    #[error("what `{0}` holds is no address that begins with https:// or http://")]
    NotAnAddress(&'static str),
    #[error("`{key}` holds {what}")]
    Unusable {
        key: &'static str,
        /// A clause without the value.
        what: &'static str,
    },
    #[error("this build of freezerd sends no mail")]
    NoMail,
    /// The connection cannot be made, or was cut. The text is without the address.
    #[error("{0}")]
    Unreachable(String),
    #[error("it has not answered within {} s", _0.as_secs())]
    Silent(Duration),
    #[error("the certificate of the server is not trusted: {0}")]
    Untrusted(String),
    /// The answer is not one of the protocol.
    #[error("{0}")]
    Nonsense(String),
    /// The answer of a server that speaks HTTP.
    #[error("{}", status_sentence(*status))]
    Status {
        status: u16,
        /// How long the server wants to be left alone.
        after: Option<Duration>,
    },
    /// A server of pings takes them, and has no such check.
    #[error("the server has no check with this address")]
    NoCheck,
    /// A server of pings takes them, and does not count them.
    #[error("the server wants fewer pings")]
    TooMany,
    /// The answer of a mail server.
    #[error("the mail server answers {code} {text}")]
    Mail { code: u16, text: String },
    #[error("the mail server has no STARTTLS; nothing was sent")]
    NoTls,
    #[error("the mail server takes no login by a password")]
    NoLogin,
    #[error("the program {program} cannot be run: {}", os::reason(source))]
    NotRun { program: String, source: io::Error },
    #[error("the program {program} failed ({status}){}", said(last_line))]
    Failed {
        program: String,
        status: ExitStatus,
        /// The last line of its standard error; may be empty.
        last_line: String,
    },
    #[error("an error in freezerd itself")]
    Internal,
}

/// Exit codes that mean the same at every attempt: those of sysexits(3), and of a shell that cannot run its command.
const LASTING: [i32; 12] = [64, 65, 66, 67, 68, 72, 73, 76, 77, 78, 126, 127];

impl SendError {
    /// What follows from it.
    pub fn class(&self) -> Class {
        match self {
            SendError::Secret { .. }
            | SendError::Certificates { .. }
            | SendError::Options(_)
            | SendError::NotAnAddress(_)
            | SendError::Unusable { .. }
            | SendError::NoMail
            | SendError::NotRun { .. } => Class::Misconfigured,
            // A server renews its certificate in the end.
            SendError::Unreachable(_)
            | SendError::Silent(_)
            | SendError::Untrusted(_)
            | SendError::TooMany
            | SendError::Internal => Class::Temporary,
            SendError::Status { status, .. } => match status {
                408 | 421 | 425 | 429 | 500.. => Class::Temporary,
                _ => Class::Permanent,
            },
            SendError::Mail { code, .. } if (400..500).contains(code) => Class::Temporary,
            SendError::Failed { status, .. } => match status.code() {
                Some(code) if LASTING.contains(&code) => Class::Permanent,
                _ => Class::Temporary,
            },
            SendError::Nonsense(_)
            | SendError::NoCheck
            | SendError::Mail { .. }
            | SendError::NoTls
            | SendError::NoLogin => Class::Permanent,
        }
    }

    /// How long the receiver wants to be left alone, if it says it.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            SendError::Status { after, .. } => *after,
            _ => None,
        }
    }
}

fn status_sentence(status: u16) -> String {
    let what = match status {
        300..=399 => "the server says that this is elsewhere",
        401 => "the server does not accept the token or the password",
        403 => "the server forbids it",
        404 | 410 => "the server does not have this address",
        409 => "the server has several checks with this slug",
        413 => "the message is too long for the server",
        429 => "the server wants fewer messages",
        400..=499 => "the server refuses the message",
        500..=599 => "the server has a fault of its own",
        _ => "the server gives an unexpected answer",
    };
    format!("{what} (status {status})")
}

fn said(line: &str) -> String {
    match line {
        "" => String::new(),
        line => format!(": {line}"),
    }
}
