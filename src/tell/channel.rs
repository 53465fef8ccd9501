//! How each type of receiver is reached. The values name secrets, and hold one only if `freezerd.toml` does.

use super::kind::ReceiverKind;
use super::secret::Secret;
use super::template::Template;
use crate::location::HttpAddress;

/// The way to a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    Mail(Box<Mail>),
    Sendmail(Sendmail),
    Webhook(Box<Webhook>),
    Ntfy(Ntfy),
    Gotify(Gotify),
    /// Its address.
    Slack(Secret),
    /// Its address.
    Discord(Secret),
    /// Its address.
    Teams(Secret),
    Matrix(Matrix),
    Ping(Ping),
    /// A program and its arguments. It gets the message as JSON.
    Command(Vec<String>),
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    pub username: Option<String>,
    /// Only with a user.
    pub password: Option<Secret>,
    pub letter: Letter,
}

/// Who sends a mail, and who gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub from: String,
    /// At least one.
    pub to: Vec<String>,
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// From the beginning.
    Implicit,
    /// From the command STARTTLS on. Without it, nothing is sent.
    Starttls,
    /// Not at all.
    None,
}

/// Whether a name or an address is this host.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// The program `sendmail`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sendmail {
    /// A path, or a name that is looked for in `PATH`.
    pub program: String,
    pub letter: Letter,
}

/// Any address that takes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub url: Secret,
    pub method: WebhookMethod,
    /// Names and values, without control characters.
    pub headers: Vec<(String, String)>,
    pub content_type: String,
    /// `None`: the JSON of the message.
    pub body: Option<Template>,
    /// Goes into the header `Authorization`.
    pub token: Option<Secret>,
}

/// What a webhook is asked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookMethod {
    Get,
    Post,
    Put,
}

/// A topic of an ntfy server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ntfy {
    pub server: HttpAddress,
    pub topic: String,
    pub token: Option<Secret>,
}

/// A Gotify server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gotify {
    pub server: HttpAddress,
    pub token: Secret,
}

/// A room on a Matrix server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    pub homeserver: HttpAddress,
    /// Its id: `!opaque:server`.
    pub room: String,
    pub token: Secret,
}

/// A check that waits for pings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Of one check; with a slug, of all checks of a project.
    pub url: Secret,
    pub slug: Option<Template>,
    /// Makes a check that does not exist.
    pub create: bool,
}

impl Channel {
    /// The type of the receiver.
    pub fn kind(&self) -> ReceiverKind {
        match self {
            Channel::Mail(_) => ReceiverKind::Mail,
            Channel::Sendmail(_) => ReceiverKind::Sendmail,
            Channel::Webhook(_) => ReceiverKind::Webhook,
            Channel::Ntfy(_) => ReceiverKind::Ntfy,
            Channel::Gotify(_) => ReceiverKind::Gotify,
            Channel::Slack(_) => ReceiverKind::Slack,
            Channel::Discord(_) => ReceiverKind::Discord,
            Channel::Teams(_) => ReceiverKind::Teams,
            Channel::Matrix(_) => ReceiverKind::Matrix,
            Channel::Ping(_) => ReceiverKind::Ping,
            Channel::Command(_) => ReceiverKind::Command,
        }
    }

    /// Its secrets, each with the name of the key that holds it.
    pub fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let all: [(&'static str, Option<&Secret>); 2] = match self {
            Channel::Mail(mail) => [("password", mail.password.as_ref()), ("", None)],
            Channel::Webhook(hook) => [("url", Some(&hook.url)), ("token", hook.token.as_ref())],
            Channel::Ntfy(ntfy) => [("token", ntfy.token.as_ref()), ("", None)],
            Channel::Gotify(gotify) => [("token", Some(&gotify.token)), ("", None)],
            Channel::Slack(url) | Channel::Discord(url) | Channel::Teams(url) => {
                [("url", Some(url)), ("", None)]
            }
            Channel::Matrix(matrix) => [("token", Some(&matrix.token)), ("", None)],
            Channel::Ping(ping) => [("url", Some(&ping.url)), ("", None)],
            Channel::Sendmail(_) | Channel::Command(_) => [("", None), ("", None)],
        };
        let all = all.into_iter();
        all.filter_map(|(key, secret)| Some((key, secret?)))
            .collect()
    }
}
