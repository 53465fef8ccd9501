//! Until when the server keeps the files of a container from being removed.

use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::output::say;
use crate::agent::inspect::Session;
use crate::cli::logging;
use crate::schedule::zone::Zone;
use crate::storage::error::ErrorKind;
use crate::storage::id::Id;
use crate::storage::retention::{Mode, Retention};
use crate::storage::{FileKind, FileName};

/// What the server says of two files: the config, which is written first and renewed last, and a snapshot.
pub struct Kept {
    config: Retention,
    snapshot: Option<Retention>,
}

impl Kept {
    /// Asks for the config, and for the snapshot with this id. `None`: the server keeps no files, or does not say it.
    pub fn ask(session: &Session, snapshot: Option<Id>) -> Option<Kept> {
        let config = ask(session, FileName::CONFIG)?;
        let snapshot = snapshot.map(|id| FileName::new(FileKind::Snapshot, id));
        Some(Kept {
            config,
            snapshot: snapshot.and_then(|file| ask(session, file)),
        })
    }

    /// One line for people.
    pub fn line(&self, zone: &Zone) -> String {
        let (mode, config) = (mode(self.config.mode), until(self.config, zone));
        match self.snapshot {
            Some(snapshot) => format!(
                "the server keeps the config {config} and the newest snapshot {} ({mode})",
                until(snapshot, zone)
            ),
            None => format!("the server keeps the config {config} ({mode})"),
        }
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        json!({
            "mode": mode(self.config.mode),
            "config": instant(self.config.until),
            "newest_snapshot": self.snapshot.and_then(|it| instant(it.until)),
        })
    }
}

fn ask(session: &Session, file: FileName) -> Option<Retention> {
    match session.repository.storage.retention(file) {
        Ok(retention) => retention,
        // Who may only read often has no right to ask.
        Err(error) if error.kind == ErrorKind::Denied => None,
        Err(error) => {
            say(&format!(
                "note: until when the server keeps files is not known: {error}"
            ));
            None
        }
    }
}

/// What the server does with a file: `until 2026-12-01 03:00:00`.
pub fn until(retention: Retention, zone: &Zone) -> String {
    let over = match retention.until < SystemTime::now() {
        true => ", which is over",
        false => "",
    };
    match retention.until {
        SystemTime::UNIX_EPOCH => "not at all".to_owned(),
        until => format!("until {}{over}", logging::moment(Some(until.into()), zone)),
    }
}

/// The word for a mode, as S3 has it.
pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Governance => "governance",
        Mode::Compliance => "compliance",
    }
}

/// The instant as text; `None`: the file is not kept.
pub fn instant(until: SystemTime) -> Option<String> {
    (until > SystemTime::UNIX_EPOCH)
        .then(|| DateTime::<Utc>::from(until).to_rfc3339_opts(SecondsFormat::Secs, true))
}
