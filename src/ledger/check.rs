//! Checks whether the tables of the ledger agree with each other.

use std::collections::{BTreeMap, BTreeSet};

use redb::ReadableTable;
use serde::de::DeserializeOwned;

use super::codec::decode;
use super::reader::Reader;
use super::{
    ATTEMPTS, EVENTS, FILES, JOBS, LedgerError, OCCURRENCES, OPEN_RUNS, RUNS, RUNS_OF_JOB,
    occurrence,
};
use crate::record::{
    AttemptRecord, Claim, ClaimKind, EventRecord, FileRecord, JobRecord, OutboxRow, RunRecord,
};

/// A fault in one record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub table: &'static str,
    /// The record's key, in words.
    pub key: String,
    pub message: String,
    pub fault: Fault,
}

/// The kind of a fault. It decides how the fault can be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A value cannot be read.
    Unreadable,
    /// A table that is derived from the rows does not agree with them.
    Derived,
    /// A job and its open run do not refer to each other. The daemon repairs this when it starts.
    Settled,
    /// Two records contradict each other.
    Contradiction,
}

/// The result of a check.
#[derive(Clone, Debug, Default)]
pub struct Checkup {
    /// The faults, in the order in which the check reads the tables.
    pub findings: Vec<Finding>,
    /// The number of records in each table.
    pub records: BTreeMap<&'static str, u64>,
}

impl Checkup {
    fn find(&mut self, table: &'static str, key: impl Into<String>, message: impl Into<String>) {
        self.findings.push(Finding {
            table,
            key: key.into(),
            message: message.into(),
            fault: Fault::Contradiction,
        });
    }

    fn find_settled(
        &mut self,
        table: &'static str,
        key: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.find(table, key, message);
        if let Some(last) = self.findings.last_mut() {
            last.fault = Fault::Settled;
        }
    }

    fn find_derived(
        &mut self,
        table: &'static str,
        key: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.find(table, key, message);
        if let Some(last) = self.findings.last_mut() {
            last.fault = Fault::Derived;
        }
    }

    fn read<T: DeserializeOwned>(
        &mut self,
        table: &'static str,
        key: String,
        bytes: &[u8],
    ) -> Option<T> {
        *self.records.entry(table).or_default() += 1;
        match decode(table, bytes) {
            Ok(record) => Some(record),
            Err(error) => {
                let message = match error {
                    LedgerError::Decode { source, .. } => source.to_string(),
                    other => other.to_string(),
                };
                self.findings.push(Finding {
                    table,
                    key,
                    message: format!("its value cannot be read: {message}"),
                    fault: Fault::Unreadable,
                });
                None
            }
        }
    }
}

/// The part of a row that the checks of the other tables need.
struct Row {
    job_id: String,
    open: bool,
    claim: Claim,
}

impl Reader {
    /// Reads every record, and compares the tables with each other.
    pub fn check(&self) -> Result<Checkup, LedgerError> {
        let mut checkup = Checkup::default();
        let rows = self.check_runs(&mut checkup)?;
        self.check_indexes(&mut checkup, &rows)?;
        self.check_claims(&mut checkup, &rows)?;
        self.check_jobs(&mut checkup, &rows)?;
        self.check_the_rest(&mut checkup, &rows)?;
        Ok(checkup)
    }

    /// Returns every row by its number; `None` for a row that cannot be read.
    fn check_runs(&self, checkup: &mut Checkup) -> Result<BTreeMap<u64, Option<Row>>, LedgerError> {
        let last = self.last_run()?;
        let mut rows = BTreeMap::new();
        for entry in self.transaction.open_table(RUNS)?.iter()? {
            let (number, bytes) = entry?;
            let number = number.value();
            let record: Option<RunRecord> = checkup.read("runs", number.to_string(), bytes.value());
            if let Some(record) = &record
                && record.number != number
            {
                let other = record.number;
                checkup.find(
                    "runs",
                    number.to_string(),
                    format!("its record has the number {other}"),
                );
            }
            if number > last {
                let message = format!("the ledger says that the newest run is {last}");
                checkup.find("runs", number.to_string(), message);
            }
            let row = record.map(|record| Row {
                open: !record.state.is_over(),
                claim: record.claim(),
                job_id: record.job_id,
            });
            rows.insert(number, row);
        }
        Ok(rows)
    }

    /// Checks the tables that are derived from the rows.
    fn check_indexes(
        &self,
        checkup: &mut Checkup,
        rows: &BTreeMap<u64, Option<Row>>,
    ) -> Result<(), LedgerError> {
        let mut listed = BTreeSet::new();
        for entry in self.transaction.open_table(RUNS_OF_JOB)?.iter()? {
            let (key, _) = entry?;
            let (job_id, number) = key.value();
            listed.insert(number);
            let message = match rows.get(&number) {
                None => format!("run {number} has no row"),
                Some(Some(row)) if row.job_id != job_id => {
                    format!("run {number} belongs to {}", row.job_id)
                }
                Some(_) => continue,
            };
            checkup.find_derived("runs_of_job", job_id, message);
        }
        let mut open = BTreeSet::new();
        for entry in self.transaction.open_table(OPEN_RUNS)?.iter()? {
            let number = entry?.0.value();
            open.insert(number);
            let message = match rows.get(&number) {
                None => "it has no row",
                Some(Some(row)) if !row.open => "its row says that the run is over",
                Some(_) => continue,
            };
            checkup.find_derived("open_runs", number.to_string(), message);
        }
        for (number, row) in rows {
            let Some(row) = row else { continue };
            if !listed.contains(number) {
                let message = format!("it is missing from the history of {}", row.job_id);
                checkup.find_derived("runs", number.to_string(), message);
            }
            if row.open && !open.contains(number) {
                let message = "it is not over, but it is missing from the open runs";
                checkup.find_derived("runs", number.to_string(), message);
            }
        }
        Ok(())
    }

    /// Checks that each row has its occurrence, and that each occurrence names its row.
    fn check_claims(
        &self,
        checkup: &mut Checkup,
        rows: &BTreeMap<u64, Option<Row>>,
    ) -> Result<(), LedgerError> {
        let last = self.last_run()?;
        let occurrences = self.transaction.open_table(OCCURRENCES)?;
        for entry in occurrences.iter()? {
            let (key, run) = entry?;
            let (job_id, due, kind) = key.value();
            let run = run.value();
            *checkup.records.entry("occurrences").or_default() += 1;
            let name = format!("{job_id} at {due} ({kind})");
            if ClaimKind::of_key(kind).is_none() {
                checkup.find("occurrences", name, "its kind is unknown");
                continue;
            }
            match rows.get(&run) {
                Some(Some(row)) if occurrence(&row.claim) != (job_id, due, kind) => {
                    let message =
                        format!("it names run {run}, but that run has claimed another occurrence");
                    checkup.find("occurrences", name, message);
                }
                // The row was removed. An occurrence outlives its row.
                None if run <= last => {}
                None => {
                    let message = format!("it names run {run}, but the newest run is {last}");
                    checkup.find("occurrences", name, message);
                }
                Some(_) => {}
            }
        }
        for (number, row) in rows {
            let Some(row) = row else { continue };
            if occurrences
                .get(occurrence(&row.claim))?
                .map(|run| run.value())
                != Some(*number)
            {
                let message = "its occurrence does not name it";
                checkup.find("runs", number.to_string(), message);
            }
        }
        Ok(())
    }

    fn check_jobs(
        &self,
        checkup: &mut Checkup,
        rows: &BTreeMap<u64, Option<Row>>,
    ) -> Result<(), LedgerError> {
        let mut busy = BTreeSet::new();
        let mut unreadable = BTreeSet::new();
        for entry in self.transaction.open_table(JOBS)?.iter()? {
            let (key, bytes) = entry?;
            let job_id = key.value();
            let Some(record) = checkup.read::<JobRecord>("jobs", job_id.to_owned(), bytes.value())
            else {
                unreadable.insert(job_id.to_owned());
                continue;
            };
            if record.job_id != job_id {
                let message = format!("its record has the id {}", record.job_id);
                checkup.find("jobs", job_id, message);
            }
            let Some(run) = record.run else { continue };
            busy.insert(run.number);
            let message = match rows.get(&run.number) {
                None => "has no row",
                Some(Some(row)) if row.job_id != job_id => "belongs to another job",
                Some(Some(row)) if !row.open => "is over",
                Some(_) => continue,
            };
            let message = format!("its open run is run {}, which {message}", run.number);
            checkup.find_settled("jobs", job_id, message);
        }
        for (number, row) in rows {
            if let Some(row) = row
                && row.open
                && !busy.contains(number)
                && !unreadable.contains(&row.job_id)
            {
                let message = format!(
                    "it is not over, but {} does not name it as its open run",
                    row.job_id
                );
                checkup.find_settled("runs", number.to_string(), message);
            }
        }
        Ok(())
    }

    fn check_the_rest(
        &self,
        checkup: &mut Checkup,
        rows: &BTreeMap<u64, Option<Row>>,
    ) -> Result<(), LedgerError> {
        for entry in self.transaction.open_table(ATTEMPTS)?.iter()? {
            let (key, bytes) = entry?;
            let (run, action, attempt) = key.value();
            let name = format!("run {run}, action {action}, attempt {attempt}");
            let record: Option<AttemptRecord> =
                checkup.read("attempts", name.clone(), bytes.value());
            if record.is_some_and(|known| (known.run, known.action, known.attempt) != key.value()) {
                checkup.find("attempts", name.clone(), "its record names another attempt");
            }
            if !rows.contains_key(&run) {
                checkup.find("attempts", name, "its run has no row");
            }
        }
        for entry in self.transaction.open_table(FILES)?.iter()? {
            let (key, bytes) = entry?;
            checkup.read::<FileRecord>("files", key.value().to_owned(), bytes.value());
        }
        for entry in self.transaction.open_table(EVENTS)?.iter()? {
            let (key, bytes) = entry?;
            checkup.read::<EventRecord>("events", key.value().to_owned(), bytes.value());
        }
        self.check_outbox(checkup)
    }

    fn check_outbox(&self, checkup: &mut Checkup) -> Result<(), LedgerError> {
        let Some(outbox) = self.outbox_table()? else {
            return Ok(());
        };
        let last = self.last_message()?;
        for entry in outbox.iter()? {
            let (key, bytes) = entry?;
            let (id, receiver) = key.value();
            let name = format!("message {id} to {receiver}");
            let row: Option<OutboxRow> = checkup.read("outbox", name.clone(), bytes.value());
            if row.is_some_and(|row| row.message.id != id || row.receiver != receiver) {
                checkup.find("outbox", name.clone(), "its record names another message");
            }
            if id > last {
                let message = format!("the ledger says that the newest message is {last}");
                checkup.find("outbox", name, message);
            }
        }
        Ok(())
    }
}
