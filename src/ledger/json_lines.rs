//! Exports the ledger as lines of JSON, one line for each record, and imports it from them.
//!
//! The tables that are derived from the rows (`runs_of_job`, `open_runs`) are not exported. The import rebuilds them.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::DateTime;
use redb::{ReadableTable, WriteTransaction};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::FORMAT;
use super::codec::decode;
use super::reader::Reader;
use super::{
    ATTEMPTS, EVENTS, FILES, JOBS, LEDGER_FORMAT, LedgerError, META, OCCURRENCES, OPEN_RUNS,
    OUTBOX, RUNS, RUNS_OF_JOB, open,
};
use crate::record::{
    AttemptRecord, ClaimKind, EventRecord, FileRecord, JobRecord, OutboxRow, RunRecord,
};

/// One record of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// One of [`TABLES`].
    pub table: String,
    /// A text, a number or an array, depending on the table.
    pub key: Value,
    /// The record.
    pub value: Value,
}

/// The tables that are exported, in this order.
pub const TABLES: [&str; 8] = [
    "meta",
    "jobs",
    "files",
    "runs",
    "occurrences",
    "attempts",
    "events",
    "outbox",
];

impl Reader {
    /// The ledger's id: eight hexadecimal digits. Empty when it has none.
    pub fn id(&self) -> Result<String, LedgerError> {
        Ok(self.meta("id")?.unwrap_or_default())
    }

    /// The number of the ledger's format, as text. Empty when it names none.
    pub fn format(&self) -> Result<String, LedgerError> {
        Ok(self.meta("format")?.unwrap_or_default())
    }

    /// Passes every record to `take`, table by table, in the order of the keys.
    pub fn lines<E: From<LedgerError>>(
        &self,
        mut take: impl FnMut(Line) -> Result<(), E>,
    ) -> Result<(), E> {
        let transaction = &self.transaction;
        macro_rules! each {
            ($table:expr, $name:literal, $key:expr, $value:expr) => {
                for entry in transaction
                    .open_table($table)
                    .map_err(LedgerError::from)?
                    .iter()
                    .map_err(LedgerError::from)?
                {
                    let (key, value) = entry.map_err(LedgerError::from)?;
                    take(Line {
                        table: $name.to_owned(),
                        key: $key(key.value()),
                        value: $value(value.value())?,
                    })?;
                }
            };
        }
        let stored = |name: &'static str| move |bytes: &[u8]| decode::<Value>(name, bytes);
        let text = |key: &str| json!(key);
        let plain = |value: &str| Ok::<_, LedgerError>(json!(value));
        each!(META, "meta", text, plain);
        each!(JOBS, "jobs", text, stored("jobs"));
        each!(FILES, "files", text, stored("files"));
        each!(RUNS, "runs", |number: u64| json!(number), stored("runs"));
        each!(
            OCCURRENCES,
            "occurrences",
            |key: (&str, i64, &str)| json!(key),
            |run: u64| Ok::<_, LedgerError>(json!(run))
        );
        each!(
            ATTEMPTS,
            "attempts",
            |key: (u64, u32, u32)| json!(key),
            stored("attempts")
        );
        each!(EVENTS, "events", text, stored("events"));
        if self.outbox_table()?.is_some() {
            each!(
                OUTBOX,
                "outbox",
                |key: (u64, &str)| json!(key),
                stored("outbox")
            );
        }
        Ok(())
    }
}

/// Creates a ledger from these lines. The file gets its name only when it is complete and on disk.
///
/// Checks that each line is a valid record of its table. [`Reader::check`] checks whether the tables agree.
pub fn build(path: &Path, lines: &[Line]) -> Result<(), LedgerError> {
    open::quietly(path, || {
        let meta = |wanted: &str| {
            let of = |line: &&Line| line.table == "meta" && line.key == wanted;
            lines.iter().find(of).and_then(|line| line.value.as_str())
        };
        let found = meta("format").unwrap_or_default();
        if found != LEDGER_FORMAT.to_string() {
            return Err(LedgerError::Format {
                path: path.to_owned(),
                found: found.to_owned(),
            });
        }
        let id = meta("id").unwrap_or_default();
        if id.len() != 8 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refuse(
                "meta",
                &json!("id"),
                "it must be eight hexadecimal digits",
            ));
        }
        let mut seen = BTreeMap::new();
        for line in lines {
            if seen
                .insert((&line.table, line.key.to_string()), ())
                .is_some()
            {
                return Err(refuse(&line.table, &line.key, "it occurs twice"));
            }
        }
        open::build(path, id, |transaction| {
            for line in lines {
                put(transaction, line)?;
            }
            Ok(())
        })
    })
}

fn refuse(table: &str, key: &Value, why: &str) -> LedgerError {
    LedgerError::Line {
        table: table.to_owned(),
        key: key.to_string(),
        message: why.to_owned(),
    }
}

fn put(transaction: &WriteTransaction, line: &Line) -> Result<(), LedgerError> {
    let fail = |why: &str| refuse(&line.table, &line.key, why);
    let key = |key: Option<&str>| {
        key.map(str::to_owned)
            .ok_or_else(|| fail("its key is not text"))
    };
    let text = key(line.key.as_str());
    match line.table.as_str() {
        "meta" => {
            let value = line
                .value
                .as_str()
                .ok_or_else(|| fail("its value is not text"))?;
            transaction
                .open_table(META)?
                .insert(text?.as_str(), value)?;
        }
        "jobs" => {
            let bytes = encoded::<JobRecord>(line)?;
            transaction
                .open_table(JOBS)?
                .insert(text?.as_str(), bytes.as_slice())?;
        }
        "files" => {
            let bytes = encoded::<FileRecord>(line)?;
            transaction
                .open_table(FILES)?
                .insert(text?.as_str(), bytes.as_slice())?;
        }
        "events" => {
            let bytes = encoded::<EventRecord>(line)?;
            transaction
                .open_table(EVENTS)?
                .insert(text?.as_str(), bytes.as_slice())?;
        }
        "runs" => {
            let number = line
                .key
                .as_u64()
                .ok_or_else(|| fail("its key is not a number"))?;
            let bytes = encoded::<RunRecord>(line)?;
            let record: RunRecord = decode("runs", &bytes)?;
            transaction
                .open_table(RUNS)?
                .insert(number, bytes.as_slice())?;
            transaction
                .open_table(RUNS_OF_JOB)?
                .insert((record.job_id.as_str(), number), ())?;
            if !record.state.is_over() {
                transaction.open_table(OPEN_RUNS)?.insert(number, ())?;
            }
        }
        "occurrences" => {
            let (job_id, due, kind): (String, i64, String) = key_of(line)?;
            let run = line
                .value
                .as_u64()
                .ok_or_else(|| fail("its value is not the number of a run"))?;
            if DateTime::from_timestamp_millis(due).is_none() || ClaimKind::of_key(&kind).is_none()
            {
                return Err(fail("its key is not an occurrence"));
            }
            transaction
                .open_table(OCCURRENCES)?
                .insert((job_id.as_str(), due, kind.as_str()), run)?;
        }
        "attempts" => {
            let key: (u64, u32, u32) = key_of(line)?;
            let bytes = encoded::<AttemptRecord>(line)?;
            transaction
                .open_table(ATTEMPTS)?
                .insert(key, bytes.as_slice())?;
        }
        "outbox" => {
            let (id, receiver): (u64, String) = key_of(line)?;
            let bytes = encoded::<OutboxRow>(line)?;
            transaction
                .open_table(OUTBOX)?
                .insert((id, receiver.as_str()), bytes.as_slice())?;
        }
        _ => return Err(fail("the table is unknown")),
    }
    Ok(())
}

fn key_of<T: DeserializeOwned>(line: &Line) -> Result<T, LedgerError> {
    serde_json::from_value(line.key.clone()).map_err(|error| {
        refuse(
            &line.table,
            &line.key,
            &format!("its key is invalid: {error}"),
        )
    })
}

/// The value as it is stored, with all of its fields, also those that this version does not know.
fn encoded<T: DeserializeOwned>(line: &Line) -> Result<Vec<u8>, LedgerError> {
    let mut bytes = vec![FORMAT];
    let refuse = |error: serde_json::Error| refuse(&line.table, &line.key, &error.to_string());
    serde_json::to_writer(&mut bytes, &line.value).map_err(refuse)?;
    // Check that it can be read back.
    serde_json::from_slice::<T>(&bytes[1..]).map_err(refuse)?;
    Ok(bytes)
}
