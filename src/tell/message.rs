//! What is told: plain data, which the outbox keeps and a receiver gets.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The version of the JSON that a webhook and a command get. Fields are added, and never change their meaning.
pub const FORMAT: u32 = 1;

/// A message to a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The number of the notice on this host.
    pub id: u64,
    /// When what it tells of happened, in the zone of the host.
    pub at: DateTime<FixedOffset>,
    pub host: String,
    /// The id of the job; `None`: it is not about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The run, as commands show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    pub kind: Kind,
    /// One line.
    pub subject: String,
    /// Lines, without a line end behind the last.
    pub text: String,
    /// The end of the log of the run. A receiver gets it only if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// What a message tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A run has begun.
    Started,
    /// A run has failed, in another way than [`Kind::Partial`].
    Failed,
    /// A backup or a restore has left something out.
    Partial,
    /// A job was due, and has not succeeded since.
    Overdue,
    /// A guard has found that a source shrank, or that much of it changed.
    Guard,
    /// A check has found damage.
    Check,
    /// A rehearsed restore has failed.
    Drill,
    /// A run has failed because a disk or a quota is full.
    Space,
    /// What was told of is over.
    Recovered,
    /// A run has succeeded.
    Succeeded,
    /// A summary of some time.
    Digest,
    /// Somebody tries out a receiver.
    Test,
}

/// How serious a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Error,
}

impl Severity {
    /// The word in JSON and in templates.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl Kind {
    /// In the order in which they are shown.
    pub const ALL: [Kind; 12] = [
        Kind::Failed,
        Kind::Partial,
        Kind::Overdue,
        Kind::Guard,
        Kind::Check,
        Kind::Drill,
        Kind::Space,
        Kind::Recovered,
        Kind::Started,
        Kind::Succeeded,
        Kind::Digest,
        Kind::Test,
    ];

    /// The word in `events`, in JSON and in templates.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Started => "started",
            Kind::Failed => "failed",
            Kind::Partial => "partial",
            Kind::Overdue => "overdue",
            Kind::Guard => "guard",
            Kind::Check => "check",
            Kind::Drill => "drill",
            Kind::Space => "space",
            Kind::Recovered => "recovered",
            Kind::Succeeded => "succeeded",
            Kind::Digest => "digest",
            Kind::Test => "test",
        }
    }

    /// What it is, as a clause.
    pub fn about(self) -> &'static str {
        match self {
            Kind::Started => "a run has begun",
            Kind::Failed => "a run has failed",
            Kind::Partial => "a backup or a restore has left something out",
            Kind::Overdue => "a job was due and has not succeeded since",
            Kind::Guard => "a source has shrunk, or much of it has changed",
            Kind::Check => "a check has found damage, or could not be done",
            Kind::Drill => "a rehearsed restore has failed",
            Kind::Space => {
                "a run has failed because a disk or a quota is full, or a disk has little room left"
            }
            Kind::Recovered => "what was told of is over",
            Kind::Succeeded => "a run has succeeded",
            Kind::Digest => "a summary of a day or a week",
            Kind::Test => "`freezerd notify --test`",
        }
    }

    /// The kind that a word names.
    pub fn of_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// How serious a message of the kind is.
    pub fn severity(self) -> Severity {
        match self {
            Kind::Failed
            | Kind::Overdue
            | Kind::Guard
            | Kind::Check
            | Kind::Drill
            | Kind::Space => Severity::Error,
            Kind::Partial => Severity::Warning,
            Kind::Started | Kind::Recovered | Kind::Succeeded | Kind::Digest | Kind::Test => {
                Severity::Info
            }
        }
    }
}

impl Message {
    /// The name of the message, the same whenever it is delivered, and on no other host: ASCII letters, digits, `-` and
    /// `.`. The time is in it because a host that loses its ledger counts from the beginning again.
    pub fn key(&self) -> String {
        let plain = |it: char| match it {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' => it,
            _ => '-',
        };
        let host: String = self.host.chars().map(plain).take(64).collect();
        let at = self.at.timestamp_millis();
        match self.kind {
            // It has the number of the newest message that it sums up, which is a message of its own.
            Kind::Digest => format!("{host}-{at}-digest-{}", self.id),
            _ => format!("{host}-{at}-{}", self.id),
        }
    }

    /// The JSON that a webhook and a command get: `docs/notices.md` describes it. It has the log only `with_log`.
    pub fn to_json(&self, with_log: bool) -> Value {
        let mut document = json!({
            "version": FORMAT,
            "id": self.key(),
            "at": self.at.to_rfc3339(),
            "host": self.host,
            "job": self.job,
            "run": self.run,
            "kind": self.kind,
            "severity": self.kind.severity(),
            "subject": self.subject,
            "text": self.text,
        });
        if let (true, Some(log)) = (with_log, &self.log) {
            document["log"] = log.as_str().into();
        }
        document
    }

    /// The text, and the log behind it if the receiver wants it.
    pub fn body(&self, with_log: bool) -> String {
        match (with_log, &self.log) {
            (true, Some(log)) => format!("{}\n\n{}", self.text, log.trim_end()),
            _ => self.text.clone(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A message with what is awkward to send.
    pub(crate) fn failed() -> Message {
        Message {
            id: 17,
            at: DateTime::parse_from_rfc3339("2026-11-27T02:31:00+01:00").unwrap(),
            host: "web1".to_owned(),
            job: Some("nightly".to_owned()),
            run: Some("42".to_owned()),
            kind: Kind::Failed,
            subject: "nightly failed on web1: \"ü\" <&>".to_owned(),
            text: "line 1\n\"line\" 2 \\ <!channel> & {job}".to_owned(),
            log: Some("secret log line\n".to_owned()),
        }
    }

    #[test]
    fn every_kind_has_a_word_of_its_own_which_is_that_of_its_json() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_word(kind.word()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
            let severity = serde_json::to_value(kind.severity()).unwrap();
            assert_eq!(severity, kind.severity().word());
        }
        assert_eq!(Kind::of_word("Failed"), None);
    }

    #[test]
    fn a_message_has_one_key_however_often_it_is_sent() {
        let message = failed();
        assert_eq!(message.key(), "web1-1795743060000-17");
        assert_eq!(message.key(), message.clone().key());
        let digest = Message {
            kind: Kind::Digest,
            ..message.clone()
        };
        assert_ne!(
            digest.key(),
            message.key(),
            "a digest is not one of the messages that it sums up"
        );
        let mut odd = message.clone();
        odd.host = "ü\r\nX: y".repeat(100);
        assert!(
            odd.key()
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it))
        );
        assert!(odd.key().len() < 120);
    }

    #[test]
    fn the_json_of_a_message_has_the_log_only_where_it_is_wanted() {
        let json = failed().to_json(false);
        assert_eq!(json["id"], "web1-1795743060000-17");
        assert_eq!(json["at"], "2026-11-27T02:31:00+01:00");
        assert_eq!(json["severity"], "error");
        assert!(json.get("log").is_none());
        assert_eq!(failed().to_json(true)["log"], "secret log line\n");
        assert!(!failed().body(false).contains("secret"));
        assert!(failed().body(true).ends_with("\n\nsecret log line"));
    }
}
