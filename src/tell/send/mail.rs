//! Mail: a message as a letter, and the way to a mail server.

use std::error::Error as _;
use std::io;
use std::time::{Duration, SystemTime};

use lettre::Message as Form;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    Certificate, CertificateStore, SmtpConnection, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::bodies::clipped;
use super::error::SendError;
use super::http::{read, trust};
use super::program::Composed;
use crate::os;
use crate::storage::http::{OptionsError, Trust};
use crate::tell::channel::{Letter, Mail, MailTls};
use crate::tell::message::Message;
use crate::tell::receiver::Receiver;

/// The longest subject, in bytes.
const SUBJECT: usize = 500;

/// How long the server has to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// The most of a server's answer that is told, in characters.
const SHOWN: usize = 200;

/// The letter for `sendmail`.
pub(super) fn compose(
    letter: &Letter,
    message: &Message,
    with_log: bool,
) -> Result<Composed, SendError> {
    let form = form(letter, message, with_log)?;
    let envelope = form.envelope();
    Ok(Composed {
        sender: envelope.from().map(ToString::to_string).unwrap_or_default(),
        recipients: envelope.to().iter().map(ToString::to_string).collect(),
        text: form.formatted(),
    })
}

fn form(letter: &Letter, message: &Message, with_log: bool) -> Result<Form, SendError> {
    let from: Mailbox = mailbox("from", &letter.from)?;
    let subject: String = message
        .subject
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .collect();
    let id = format!("<{}@{}>", message.key(), from.email.domain());
    let header = |name, value: &str| HeaderValue::new(name, value.to_owned());
    let mut builder = Form::builder()
        .from(from)
        .subject(clipped(&subject, SUBJECT))
        .date(SystemTime::from(message.at))
        .message_id(Some(id))
        // No program answers it.
        .raw_header(header(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated",
        ))
        .raw_header(header(
            HeaderName::new_from_ascii_str("X-Freezerd-Kind"),
            message.kind.word(),
        ));
    for to in &letter.to {
        builder = builder.to(mailbox("to", to)?);
    }
    builder
        .singlepart(SinglePart::plain(message.body(with_log)))
        .map_err(|_| SendError::Unusable {
            key: "to",
            what: "no address that a mail can go to",
        })
}

fn mailbox(key: &'static str, text: &str) -> Result<Mailbox, SendError> {
    text.parse().map_err(|_| SendError::Unusable {
        key,
        what: "something that is not the address of a mail",
    })
}

/// Sends to a mail server. The password goes over a connection that is encrypted, or that does not leave this host.
pub(super) fn send(server: &Mail, receiver: &Receiver, message: &Message) -> Result<(), SendError> {
    let form = form(&server.letter, message, receiver.log)?;
    let password = match &server.password {
        Some(password) => Some(read("password", password)?),
        None => None,
    };
    let limit = receiver.timeout;
    let failed = |error: SmtpError| failure(&error, limit);
    let hello = hello(&message.host);
    let tls = match server.tls {
        MailTls::None => None,
        MailTls::Starttls | MailTls::Implicit => Some(tls(server, receiver)?),
    };
    let wrapped = tls.as_ref().filter(|_| server.tls == MailTls::Implicit);
    let mut connection = SmtpConnection::connect(
        (server.host.as_str(), server.port),
        Some(limit),
        &hello,
        wrapped,
        None,
    )
    .map_err(failed)?;
    if let (Some(tls), MailTls::Starttls) = (&tls, server.tls) {
        if !connection.can_starttls() {
            connection.abort();
            return Err(SendError::NoTls);
        }
        connection.starttls(tls, &hello).map_err(failed)?;
        is_in_step(&mut connection, limit)?;
    }
    if let (Some(user), Some(password)) = (&server.username, password) {
        let info = connection.server_info();
        if info.get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
            connection.abort();
            return Err(SendError::NoLogin);
        }
        let credentials = Credentials::new(user.clone(), password.to_string());
        connection
            .auth(DEFAULT_MECHANISMS, &credentials)
            .map_err(failed)?;
    }
    connection
        .send(form.envelope(), &form.formatted())
        .map_err(failed)?;
    // The server has the mail. How it says goodbye changes nothing.
    let _ = connection.set_timeout(Some(GOODBYE));
    connection.abort();
    Ok(())
}

/// A command that no server knows.
const UNKNOWN: &str = "XFREEZERD\r\n";

/// Refuses a connection on which somebody has put answers between the one to STARTTLS and the encryption: `lettre` keeps
/// them, and would take them for those of the server. If there are several, one is left now, before anything is asked. If
/// there was one, the next answer is that to an earlier question, and not that to a command that no server knows.
fn is_in_step(connection: &mut SmtpConnection, limit: Duration) -> Result<(), SendError> {
    let out_of_step = || SendError::Nonsense(OUT_OF_STEP.to_owned());
    let broken = |error: io::Error| SendError::Unreachable(os::reason(&error));
    let moment = Duration::from_millis(1);
    connection.set_timeout(Some(moment)).map_err(broken)?;
    match connection
        .read_response()
        .map_err(|error| failure(&error, limit))
    {
        Err(SendError::Silent(_)) => {}
        Err(error @ SendError::Unreachable(_)) => return Err(error),
        _ => return Err(out_of_step()),
    }
    connection.set_timeout(Some(limit)).map_err(broken)?;
    match connection
        .command(UNKNOWN)
        .map_err(|error| failure(&error, limit))
    {
        Err(SendError::Mail { code: 500.., .. }) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(out_of_step()),
    }
}

/// What is told of such a connection.
const OUT_OF_STEP: &str = "somebody between this host and the mail server has put answers into the connection before it was encrypted";

/// The name of this host, if a server can take it for one.
fn hello(host: &str) -> ClientId {
    let is_name = host.contains('.')
        && host
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it));
    match is_name {
        true => ClientId::Domain(host.to_owned()),
        false => ClientId::default(),
    }
}

fn tls(server: &Mail, receiver: &Receiver) -> Result<TlsParameters, SendError> {
    let unusable = || SendError::Options(OptionsError::Certificates);
    let builder = TlsParameters::builder(server.host.clone());
    let builder = match trust(receiver)? {
        Trust::Pem(text) => {
            let count = CertificateDer::pem_slice_iter(&text)
                .filter(Result::is_ok)
                .count();
            let certificates = Certificate::from_pem(&text).map_err(|_| unusable())?;
            if count == 0 {
                return Err(unusable());
            }
            builder
                .certificate_store(CertificateStore::None)
                .add_root_certificate(certificates)
        }
        Trust::System | Trust::Anything => builder,
    };
    builder.build().map_err(|_| unusable())
}

/// The failure of a conversation with a mail server.
fn failure(error: &SmtpError, limit: Duration) -> SendError {
    let cause = error.source();
    if let Some(code) = error.status() {
        let text = cause.map(ToString::to_string).unwrap_or_default();
        return SendError::Mail {
            code: code.into(),
            text: shown(&text),
        };
    }
    let Some(cause) = cause.and_then(|cause| cause.downcast_ref::<io::Error>()) else {
        return match error.is_client() {
            true => SendError::Nonsense("the server does not speak SMTP as it should".to_owned()),
            false => SendError::Unreachable(
                "the connection was cut, or the server does not speak SMTP".to_owned(),
            ),
        };
    };
    let of_tls = cause
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (of_tls, cause.kind()) {
        (Some(error @ rustls::Error::InvalidCertificate(_)), _) => {
            SendError::Untrusted(error.to_string())
        }
        (Some(rustls::Error::InvalidMessage(_)), _) => {
            SendError::Nonsense("the server does not speak TLS".to_owned())
        }
        (_, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => SendError::Silent(limit),
        _ => SendError::Unreachable(os::reason(cause)),
    }
}

/// Text of a server as it is told: short, and without control characters.
fn shown(text: &str) -> String {
    text.chars()
        .map(|one| if one.is_control() { '\u{fffd}' } else { one })
        .take(SHOWN)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tell::message::tests::failed;

    fn letter() -> Letter {
        Letter {
            from: "Bäckups <freezerd@web1.example>".to_owned(),
            to: vec!["a@example.org".to_owned(), "Ä <b@example.org>".to_owned()],
        }
    }

    #[test]
    fn no_text_of_a_message_becomes_a_header() {
        let mut message = failed();
        message.subject = "x\r\nBcc: victim@example.org\r\n\r\nbody".to_owned();
        message.host = "h\r\nX-Evil: 1".to_owned();
        let composed = compose(&letter(), &message, false).unwrap();
        let text = String::from_utf8(composed.text).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        for line in head.lines() {
            assert!(line.len() < 200, "{line}");
            assert!(
                !line.starts_with("Bcc:") && !line.starts_with("X-Evil:"),
                "{head}"
            );
        }
        assert_eq!(composed.recipients, ["a@example.org", "b@example.org"]);
        assert_eq!(composed.sender, "freezerd@web1.example");
    }

    #[test]
    fn a_letter_is_ascii_and_has_the_log_only_where_it_is_wanted() {
        let mut message = failed();
        message.subject = "ü".repeat(2000);
        for with_log in [false, true] {
            let composed = compose(&letter(), &message, with_log).unwrap();
            let text = String::from_utf8(composed.text).unwrap();
            assert!(text.is_ascii());
            assert_eq!(text.contains("secret log line"), with_log);
            assert!(text.contains("Message-ID: <web1-1795743060000-17@web1.example>"));
            assert!(text.lines().all(|line| line.len() < 998));
        }
    }
}
