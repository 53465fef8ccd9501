//! Values that cannot be read as records: finds them, and saves each of them in a file beside the ledger.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use redb::ReadableTable;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::codec::decode;
use super::open::{beside, file_error, sync_parent};
use super::reader::Reader;
use super::{ATTEMPTS, EVENTS, FILES, JOBS, LedgerError, OCCURRENCES, OPEN_RUNS, RUNS};
use crate::kill_point::{self, Point};
use crate::record::{
    AttemptRecord, Claim, ClaimKind, EventRecord, FileRecord, JobRecord, OutboxRow, RunRecord,
};

/// The table and the key of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Job(String),
    File(String),
    Run(u64),
    /// The run, the action from 0, and the attempt from 1.
    Attempt((u64, u32, u32)),
    Event(String),
    /// The number of the message, and its receiver.
    Outbox((u64, String)),
}

impl Key {
    /// The record in words, for messages.
    pub fn describe(&self) -> String {
        match self {
            Key::Job(job_id) => format!("the job {job_id}"),
            Key::File(file) => format!("the file {file}"),
            Key::Run(number) => format!("run {number}"),
            Key::Attempt((run, action, attempt)) => {
                format!("attempt {attempt} at action {} of run {run}", action + 1)
            }
            Key::Event(id) => format!("the event {id}"),
            Key::Outbox((id, receiver)) => format!("message {id} to {receiver}"),
        }
    }
}

/// A value that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub key: Key,
    /// The value as it is stored, with its format byte.
    pub bytes: Vec<u8>,
    /// Why it cannot be read.
    pub message: String,
}

fn collect_if_unreadable<T: DeserializeOwned>(key: Key, bytes: &[u8], found: &mut Vec<Unreadable>) {
    if let Err(error) = decode::<T>("", bytes) {
        let message = match error {
            LedgerError::Decode { source, .. } => source.to_string(),
            other => other.to_string(),
        };
        found.push(Unreadable {
            key,
            bytes: bytes.to_owned(),
            message,
        });
    }
}

impl Reader {
    /// The unreadable values among the records that a start needs: jobs, files, open runs and their attempts, and messages.
    pub fn unreadable_at_start(&self) -> Result<Vec<Unreadable>, LedgerError> {
        let mut found = Vec::new();
        for entry in self.transaction.open_table(JOBS)?.iter()? {
            let (key, bytes) = entry?;
            collect_if_unreadable::<JobRecord>(
                Key::Job(key.value().to_owned()),
                bytes.value(),
                &mut found,
            );
        }
        for entry in self.transaction.open_table(FILES)?.iter()? {
            let (key, bytes) = entry?;
            collect_if_unreadable::<FileRecord>(
                Key::File(key.value().to_owned()),
                bytes.value(),
                &mut found,
            );
        }
        if let Some(outbox) = self.outbox_table()? {
            for entry in outbox.iter()? {
                let (key, bytes) = entry?;
                let (id, receiver) = key.value();
                collect_if_unreadable::<OutboxRow>(
                    Key::Outbox((id, receiver.to_owned())),
                    bytes.value(),
                    &mut found,
                );
            }
        }
        let runs = self.transaction.open_table(RUNS)?;
        let attempts = self.transaction.open_table(ATTEMPTS)?;
        for entry in self.transaction.open_table(OPEN_RUNS)?.iter()? {
            let number = entry?.0.value();
            if let Some(bytes) = runs.get(number)? {
                collect_if_unreadable::<RunRecord>(Key::Run(number), bytes.value(), &mut found);
            }
            for entry in attempts.range((number, 0, 0)..=(number, u32::MAX, u32::MAX))? {
                let (key, bytes) = entry?;
                collect_if_unreadable::<AttemptRecord>(
                    Key::Attempt(key.value()),
                    bytes.value(),
                    &mut found,
                );
            }
        }
        Ok(found)
    }

    /// The unreadable values among the next `limit` rows from this number on, and among their attempts. Also returns
    /// the number from which the next call continues, or `None` after the last row.
    pub fn unreadable_runs(
        &self,
        from: u64,
        limit: usize,
    ) -> Result<(Vec<Unreadable>, Option<u64>), LedgerError> {
        let mut found = Vec::new();
        let runs = self.transaction.open_table(RUNS)?;
        let mut next = None;
        for (looked_at, entry) in runs.range(from..)?.enumerate() {
            let (number, bytes) = entry?;
            if looked_at == limit {
                next = Some(number.value());
                break;
            }
            collect_if_unreadable::<RunRecord>(Key::Run(number.value()), bytes.value(), &mut found);
        }
        let until = next.unwrap_or(u64::MAX);
        let attempts = self.transaction.open_table(ATTEMPTS)?;
        for entry in attempts.range((from, 0, 0)..(until, 0, 0))? {
            let (key, bytes) = entry?;
            collect_if_unreadable::<AttemptRecord>(
                Key::Attempt(key.value()),
                bytes.value(),
                &mut found,
            );
        }
        Ok((found, next))
    }

    /// The unreadable values among the events.
    pub fn unreadable_events(&self) -> Result<Vec<Unreadable>, LedgerError> {
        let mut found = Vec::new();
        for entry in self.transaction.open_table(EVENTS)?.iter()? {
            let (key, bytes) = entry?;
            collect_if_unreadable::<EventRecord>(
                Key::Event(key.value().to_owned()),
                bytes.value(),
                &mut found,
            );
        }
        Ok(found)
    }

    /// Whether the table of open runs lists this run.
    pub fn is_open(&self, number: u64) -> Result<bool, LedgerError> {
        Ok(self
            .transaction
            .open_table(OPEN_RUNS)?
            .get(number)?
            .is_some())
    }

    /// The occurrence that a run has claimed. Reads every occurrence, because the row cannot be read.
    pub fn claims_of(&self, number: u64) -> Result<Option<Claim>, LedgerError> {
        for entry in self.transaction.open_table(OCCURRENCES)?.iter()? {
            let (key, run) = entry?;
            let (job_id, due, kind) = key.value();
            if run.value() == number
                && let (Some(due), Some(kind)) = (
                    DateTime::from_timestamp_millis(due),
                    ClaimKind::of_key(kind),
                )
            {
                return Ok(Some(Claim {
                    job_id: job_id.to_owned(),
                    due,
                    kind,
                }));
            }
        }
        Ok(None)
    }
}

/// Stands between the ledger's name and the time.
const WORD: &str = "unreadable-";

/// Appends the values to a file beside the ledger, each as a line of JSON. Returns the path of the file.
pub fn keep(
    ledger: &Path,
    values: &[Unreadable],
    now: DateTime<Utc>,
) -> Result<PathBuf, LedgerError> {
    let fail = |error| file_error(ledger, error);
    let name = format!("{WORD}{}.jsonl", now.format("%Y-%m-%dT%H%M%SZ"));
    let path = beside(ledger, &name);
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(fail)?;
    let mut text = String::new();
    for value in values {
        let line = json!({
            "of": value.key.describe(),
            "why": value.message,
            "text": String::from_utf8_lossy(&value.bytes),
            "bytes": value.bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        });
        text.push_str(&line.to_string());
        text.push('\n');
    }
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(fail)?;
    sync_parent(&path).map_err(fail)?;
    kill_point::reached(Point::ValuesKept);
    Ok(path)
}

/// The files with unreadable values, each with the number of its values.
pub fn kept(ledger: &Path) -> Vec<(PathBuf, usize)> {
    let (Some(dir), Some(name)) = (ledger.parent(), ledger.file_name()) else {
        return Vec::new();
    };
    let prefix = format!("{}.{WORD}", name.to_string_lossy());
    let mut found: Vec<(PathBuf, usize)> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| {
            let path = entry.path();
            let lines = File::open(&path)
                .map(|file| io::BufRead::lines(io::BufReader::new(file)).count())
                .unwrap_or(0);
            (path, lines)
        })
        .collect();
    found.sort();
    found
}
