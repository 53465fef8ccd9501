//! Whether the ledger holds together: what each table says of the others.

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
    AttemptRecord, Claim, ClaimKind, EventRecord, FileRecord, JobRecord, RunRecord,
};

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where.
    pub table: &'static str,
    /// Of what, in words.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What kind of fault that is.
    pub fault: Fault,
}

/// What kind of fault a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A value cannot be read.
    Unreadable,
    /// What is derived from the rows does not say what they say.
    Derived,
    /// A job and its run do not know each other, which a start settles.
    Settled,
    /// Two records contradict each other.
    Contradiction,
}

/// What stands in the ledger, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Checkup {
    /// What does not hold, in the order of the tables.
    pub findings: Vec<Finding>,
    /// How many records each table has.
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

/// What is remembered of a row while the other tables are looked at.
struct Row {
    job_id: String,
    open: bool,
    claim: Claim,
}

impl Reader {
    /// Looks at every record, and at what the tables say of each other.
    pub fn check(&self) -> Result<Checkup, LedgerError> {
        let mut checkup = Checkup::default();
        let rows = self.check_runs(&mut checkup)?;
        self.check_indexes(&mut checkup, &rows)?;
        self.check_claims(&mut checkup, &rows)?;
        self.check_jobs(&mut checkup, &rows)?;
        self.check_the_rest(&mut checkup, &rows)?;
        Ok(checkup)
    }

    /// Every row, by its number; `None` for one that cannot be read.
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
                    format!("it calls itself run {other}"),
                );
            }
            if number > last {
                let message = format!("the newest run is said to be {last}");
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

    /// The tables by which rows are found.
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
                    format!("run {number} is one of {}", row.job_id)
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
                Some(Some(row)) if !row.open => "its row says that it is over",
                Some(_) => continue,
            };
            checkup.find_derived("open_runs", number.to_string(), message);
        }
        for (number, row) in rows {
            let Some(row) = row else { continue };
            if !listed.contains(number) {
                let message = format!("it is missing in the history of {}", row.job_id);
                checkup.find_derived("runs", number.to_string(), message);
            }
            if row.open && !open.contains(number) {
                let message = "it is not over, and missing among the open runs";
                checkup.find_derived("runs", number.to_string(), message);
            }
        }
        Ok(())
    }

    /// Each row stands for an occurrence that says so.
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
                checkup.find("occurrences", name, "there is no such kind");
                continue;
            }
            match rows.get(&run) {
                Some(Some(row)) if occurrence(&row.claim) != (job_id, due, kind) => {
                    let message = format!("it names run {run}, which stands for something else");
                    checkup.find("occurrences", name, message);
                }
                // The row was forgotten; what it stood for is remembered for longer.
                None if run <= last => {}
                None => {
                    let message = format!("it names run {run}, and the newest is {last}");
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
                let message = "what it stands for is not claimed by it";
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
                let message = format!("it calls itself {}", record.job_id);
                checkup.find("jobs", job_id, message);
            }
            let Some(run) = record.run else { continue };
            busy.insert(run.number);
            let message = match rows.get(&run.number) {
                None => "has no row",
                Some(Some(row)) if row.job_id != job_id => "is another job's",
                Some(Some(row)) if !row.open => "is over",
                Some(_) => continue,
            };
            let message = format!(
                "it is said to be busy with run {}, which {message}",
                run.number
            );
            checkup.find_settled("jobs", job_id, message);
        }
        for (number, row) in rows {
            if let Some(row) = row
                && row.open
                && !busy.contains(number)
                && !unreadable.contains(&row.job_id)
            {
                let message = format!("it is not over, and {} knows nothing of it", row.job_id);
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
                checkup.find("attempts", name.clone(), "it calls itself another one");
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
        Ok(())
    }
}
