//! A receiver: a section `[notify.NAME]` of `freezerd.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::channel::{Channel, MailTls, is_loopback};
use super::fields::Fields;
use super::kind::ReceiverKind;
use super::message::Kind;
use super::reading;
use super::secret::Secret;
use super::times::{DigestTime, QuietHours};
use crate::job::storage::{Fault, Value};
use crate::location::HttpAddress;

/// How long a receiver has to accept a message, unless it says something else.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Somebody, or something, that gets messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    pub name: String,
    /// The kinds of messages that it gets.
    pub events: BTreeSet<Kind>,
    /// When it is left alone. Empty: never.
    pub quiet_hours: Vec<QuietHours>,
    /// When it gets one message for all that happened; `None`: it gets each at once.
    pub digest: Option<DigestTime>,
    /// After how long it is told again of what has not changed; `None`: never.
    pub repeat: Option<Duration>,
    /// Whether it gets the end of the log of a run.
    pub log: bool,
    /// How long it has to accept a message.
    pub timeout: Duration,
    /// The certificates that are trusted, in PEM format; `None`: those that the system trusts.
    pub ca_file: Option<PathBuf>,
    pub channel: Channel,
    /// Its keys with their values, in the order of the table. None of them is a secret.
    pub shown: Vec<(&'static str, String)>,
}

/// What is not as safe as it could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// `freezerd.toml`, which others may read, holds the secret under this key.
    WrittenSecret(&'static str),
    /// What is sent can be read on its way to the server.
    NotEncrypted,
}

impl Receiver {
    /// Reads the keys of a receiver.
    ///
    /// # Errors
    /// When they are not those of a receiver. The message never repeats a value that may be a secret.
    pub fn read(name: &str, values: BTreeMap<String, Value>) -> Result<Receiver, Fault> {
        let fields = Fields::new(values)?;
        Ok(Receiver {
            name: name.to_owned(),
            events: fields
                .events()?
                .unwrap_or_else(|| default_events(fields.kind)),
            quiet_hours: fields.quiet_hours()?,
            digest: fields.digest()?,
            repeat: fields.duration_or_off("repeat")?,
            log: fields.switch("log")?,
            timeout: fields.timeout()?.unwrap_or(TIMEOUT),
            ca_file: fields.path("ca_file")?,
            channel: reading::channel(&fields)?,
            shown: fields.shown(),
        })
    }

    /// What is not as safe as it could be. Of a secret that is elsewhere, nothing is known here.
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let secrets = self.channel.secrets();
        let written = secrets.iter().filter(|(_, secret)| secret.is_written());
        let mut found: Vec<Weakness> = written
            .map(|(key, _)| Weakness::WrittenSecret(key))
            .collect();
        if self.is_open() {
            found.push(Weakness::NotEncrypted);
        }
        found
    }

    fn is_open(&self) -> bool {
        let server = |address: &HttpAddress| !address.is_encrypted() && !address.is_loopback();
        let written = |secret: &Secret| match secret {
            Secret::Written(url) => is_open_url(url),
            Secret::Kept(_) => false,
        };
        match &self.channel {
            Channel::Mail(mail) => mail.tls == MailTls::None && !is_loopback(&mail.host),
            Channel::Webhook(hook) => written(&hook.url),
            Channel::Slack(url) | Channel::Discord(url) | Channel::Teams(url) => written(url),
            Channel::Ping(ping) => written(&ping.url),
            Channel::Ntfy(ntfy) => server(&ntfy.server),
            Channel::Gotify(gotify) => server(&gotify.server),
            Channel::Matrix(matrix) => server(&matrix.homeserver),
            Channel::Sendmail(_) | Channel::Command(_) => false,
        }
    }
}

fn is_open_url(url: &str) -> bool {
    let without_query = url.split(['?', '#']).next().unwrap_or_default();
    HttpAddress::parse(without_query)
        .is_ok_and(|address| !address.is_encrypted() && !address.is_loopback())
}

/// What a receiver gets that does not say it. A ping tells of every run, so that its server misses one.
pub fn default_events(kind: ReceiverKind) -> BTreeSet<Kind> {
    match kind {
        ReceiverKind::Ping => {
            BTreeSet::from([Kind::Started, Kind::Succeeded, Kind::Failed, Kind::Partial])
        }
        _ => Kind::ALL
            .into_iter()
            .filter(|kind| {
                !matches!(
                    kind,
                    Kind::Started | Kind::Succeeded | Kind::Digest | Kind::Test
                )
            })
            .collect(),
    }
}
