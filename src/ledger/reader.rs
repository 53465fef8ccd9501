//! Reads the ledger. All reads of a [`Reader`] are one transaction and see the same content.

use std::cell::Cell;
use std::path::Path;

use chrono::{DateTime, Utc};
use redb::{ReadOnlyDatabase, ReadOnlyTable, ReadTransaction, ReadableTable, TableError};
use serde::de::DeserializeOwned;

use super::codec::decode;
use super::{
    ATTEMPTS, EVENTS, FILES, JOBS, LEDGER_FORMAT, LedgerError, META, OPEN_RUNS, OUTBOX, RUNS,
    RUNS_OF_JOB,
};
use crate::record::{AttemptRecord, EventRecord, FileRecord, JobRecord, OutboxRow, RunRecord};

/// The key is the number of the message and its receiver.
type OutboxTable = ReadOnlyTable<(u64, &'static str), &'static [u8]>;

/// A consistent view of the ledger. Do not hold it for long: meanwhile the file cannot reuse pages or shrink.
pub struct Reader {
    pub(super) transaction: ReadTransaction,
    /// Keeps the file open as long as the view exists. `None`: the writer keeps it open.
    _database: Option<ReadOnlyDatabase>,
    /// The number of values that were left out of the results because they cannot be read.
    left_out: Cell<usize>,
}

impl Reader {
    pub(super) fn new(transaction: ReadTransaction) -> Reader {
        Reader {
            transaction,
            _database: None,
            left_out: Cell::new(0),
        }
    }

    pub(super) fn holding(transaction: ReadTransaction, database: ReadOnlyDatabase) -> Reader {
        Reader {
            transaction,
            _database: Some(database),
            left_out: Cell::new(0),
        }
    }

    pub(super) fn check_format(&self, path: &Path) -> Result<(), LedgerError> {
        let found = self.meta("format")?.unwrap_or_default();
        let path = path.to_owned();
        match found.parse::<u64>() {
            Ok(LEDGER_FORMAT) => Ok(()),
            Ok(found) if found < LEDGER_FORMAT => Err(LedgerError::Older { path, found }),
            _ => Err(LedgerError::Format { path, found }),
        }
    }

    pub(super) fn meta(&self, key: &str) -> Result<Option<String>, LedgerError> {
        let table = self.transaction.open_table(META)?;
        Ok(table.get(key)?.map(|value| value.value().to_owned()))
    }

    /// The number of the newest run. 0: there was no run yet.
    pub fn last_run(&self) -> Result<u64, LedgerError> {
        Ok(self
            .meta("last_run")?
            .and_then(|number| number.parse().ok())
            .unwrap_or(0))
    }

    /// When the daemon last wrote to the ledger, by the clock of that time.
    pub fn last_commit(&self) -> Result<Option<DateTime<Utc>>, LedgerError> {
        Ok(self
            .meta("last_commit")?
            .and_then(|instant| instant.parse().ok()))
    }

    /// Every job, in the order of the ids.
    pub fn jobs(&self) -> Result<Vec<JobRecord>, LedgerError> {
        self.collect("jobs", self.transaction.open_table(JOBS)?.iter()?)
    }

    /// The job with this id. `None`: the ledger does not have it.
    pub fn job(&self, job_id: &str) -> Result<Option<JobRecord>, LedgerError> {
        let table = self.transaction.open_table(JOBS)?;
        table
            .get(job_id)?
            .map(|bytes| decode("jobs", bytes.value()))
            .transpose()
    }

    /// Every file of the jobs directory, in the order of the names.
    pub fn files(&self) -> Result<Vec<FileRecord>, LedgerError> {
        self.collect("files", self.transaction.open_table(FILES)?.iter()?)
    }

    /// The run with this number. `None`: it has no row.
    pub fn run(&self, number: u64) -> Result<Option<RunRecord>, LedgerError> {
        let table = self.transaction.open_table(RUNS)?;
        table
            .get(number)?
            .map(|bytes| decode("runs", bytes.value()))
            .transpose()
    }

    /// The newest runs of one job, or of all jobs, the newest first.
    pub fn history(
        &self,
        job_id: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RunRecord>, LedgerError> {
        let runs = self.transaction.open_table(RUNS)?;
        let mut found = Vec::new();
        match job_id {
            Some(job_id) => {
                let index = self.transaction.open_table(RUNS_OF_JOB)?;
                for entry in index
                    .range((job_id, 0)..=(job_id, u64::MAX))?
                    .rev()
                    .take(limit)
                {
                    let (_, number) = entry?.0.value();
                    if let Some(bytes) = runs.get(number)? {
                        found.extend(self.readable("runs", bytes.value())?);
                    }
                }
            }
            None => {
                for entry in runs.iter()?.rev().take(limit) {
                    found.extend(self.readable("runs", entry?.1.value())?);
                }
            }
        }
        Ok(found)
    }

    /// The runs that are not over, the oldest first.
    pub fn open_runs(&self) -> Result<Vec<RunRecord>, LedgerError> {
        let mut found = Vec::new();
        let runs = self.transaction.open_table(RUNS)?;
        for entry in self.transaction.open_table(OPEN_RUNS)?.iter()? {
            if let Some(bytes) = runs.get(entry?.0.value())? {
                found.extend(self.readable("runs", bytes.value())?);
            }
        }
        Ok(found)
    }

    /// The attempts of a run, by action and attempt.
    pub fn attempts(&self, run: u64) -> Result<Vec<AttemptRecord>, LedgerError> {
        let table = self.transaction.open_table(ATTEMPTS)?;
        self.collect(
            "attempts",
            table.range((run, 0, 0)..=(run, u32::MAX, u32::MAX))?,
        )
    }

    /// The events of a job, the newest first.
    pub fn events_of(&self, job_id: &str, limit: usize) -> Result<Vec<EventRecord>, LedgerError> {
        let table = self.transaction.open_table(EVENTS)?;
        let mut found = Vec::new();
        // An event's id begins with its time. Older events than these are not needed.
        for entry in table.iter()?.rev().take(10_000) {
            let Some(event) = self.readable::<EventRecord>("events", entry?.1.value())? else {
                continue;
            };
            if event.job_id == job_id {
                found.push(event);
                if found.len() == limit {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Every message to a receiver, the oldest first.
    pub fn outbox(&self) -> Result<Vec<OutboxRow>, LedgerError> {
        match self.outbox_table()? {
            Some(table) => self.collect("outbox", table.iter()?),
            None => Ok(Vec::new()),
        }
    }

    /// The number of the newest message. 0: there was none yet.
    pub fn last_message(&self) -> Result<u64, LedgerError> {
        let last = self.meta("last_message")?;
        Ok(last.and_then(|number| number.parse().ok()).unwrap_or(0))
    }

    /// `None`: an older program made the ledger, and there was no message since.
    pub(super) fn outbox_table(&self) -> Result<Option<OutboxTable>, LedgerError> {
        match self.transaction.open_table(OUTBOX) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The event with this id, with its answer. `None`: it has not been answered, or the answer was removed.
    pub fn event(&self, id: &str) -> Result<Option<EventRecord>, LedgerError> {
        let table = self.transaction.open_table(EVENTS)?;
        table
            .get(id)?
            .map(|bytes| decode("events", bytes.value()))
            .transpose()
    }

    /// The number of values that were left out so far because they cannot be read. When a method asks for one record by
    /// its key, an unreadable value is an error instead.
    pub fn left_out(&self) -> usize {
        self.left_out.get()
    }

    fn collect<K, T>(
        &self,
        table: &'static str,
        range: redb::Range<'_, K, &'static [u8]>,
    ) -> Result<Vec<T>, LedgerError>
    where
        K: redb::Key + 'static,
        T: DeserializeOwned,
    {
        let mut found = Vec::new();
        for entry in range {
            found.extend(self.readable(table, entry?.1.value())?);
        }
        Ok(found)
    }

    /// Decodes a record. A value that cannot be read is counted and left out: it must not hide all others.
    fn readable<T: DeserializeOwned>(
        &self,
        table: &'static str,
        bytes: &[u8],
    ) -> Result<Option<T>, LedgerError> {
        match decode(table, bytes) {
            Ok(record) => Ok(Some(record)),
            Err(LedgerError::Decode { .. }) => {
                self.left_out.set(self.left_out.get() + 1);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}
