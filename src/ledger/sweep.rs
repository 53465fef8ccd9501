//! Finds old records for the sweep. Each query reads a limited number of records, so that it does not delay the
//! daemon's loop.

use chrono::{DateTime, Utc};

use redb::ReadableTableMetadata;

use super::codec::decode;
use super::reader::Reader;
use super::{EVENTS, JOBS, LedgerError, OCCURRENCES, RUNS, RUNS_OF_JOB, occurrence};
use crate::record::{Claim, ClaimKind, EventRecord, OutboxRow, RunRecord};

/// Some of the occurrences whose row was removed.
#[derive(Debug)]
pub struct Bare {
    pub claims: Vec<Claim>,
    /// Where the next call continues. `None`: this was the last part.
    pub next: Option<Claim>,
}

impl Reader {
    /// The id of the next job that has rows, in the order of the ids. The job itself may no longer exist.
    pub fn job_with_rows_after(&self, job_id: &str) -> Result<Option<String>, LedgerError> {
        let table = self.transaction.open_table(RUNS_OF_JOB)?;
        let mut after = table.range((job_id, u64::MAX)..)?;
        Ok(match after.next() {
            Some(entry) => Some(entry?.0.value().0.to_owned()),
            None => None,
        })
    }

    /// Whether the job exists.
    pub fn knows_job(&self, job_id: &str) -> Result<bool, LedgerError> {
        Ok(self.transaction.open_table(JOBS)?.get(job_id)?.is_some())
    }

    /// Whether the run has a row.
    pub fn has_run(&self, number: u64) -> Result<bool, LedgerError> {
        Ok(self.transaction.open_table(RUNS)?.get(number)?.is_some())
    }

    /// The oldest rows of a job, the oldest first, up to the first row that is not `wanted`. `wanted` gets the position
    /// of each row, from 0. A row that cannot be read is left out.
    pub fn oldest_runs(
        &self,
        job_id: &str,
        limit: usize,
        wanted: impl Fn(usize, &RunRecord) -> bool,
    ) -> Result<Vec<RunRecord>, LedgerError> {
        let runs = self.transaction.open_table(RUNS)?;
        let index = self.transaction.open_table(RUNS_OF_JOB)?;
        let mut found = Vec::new();
        let oldest = index.range((job_id, 0)..=(job_id, u64::MAX))?;
        for (place, entry) in oldest.take(limit).enumerate() {
            let (_, number) = entry?.0.value();
            if let Some(bytes) = runs.get(number)?
                && let Ok(run) = decode("runs", bytes.value())
            {
                if !wanted(place, &run) {
                    break;
                }
                found.push(run);
            }
        }
        Ok(found)
    }

    /// The numbers of a job's oldest and newest row. `None`: the job has no row.
    pub fn first_and_last_run(&self, job_id: &str) -> Result<Option<(u64, u64)>, LedgerError> {
        let index = self.transaction.open_table(RUNS_OF_JOB)?;
        let mut range = index.range((job_id, 0)..=(job_id, u64::MAX))?;
        let Some(first) = range.next().transpose()? else {
            return Ok(None);
        };
        let first = first.0.value().1;
        let last = match range.next_back().transpose()? {
            Some(last) => last.0.value().1,
            None => first,
        };
        Ok(Some((first, last)))
    }

    /// The number of rows of a job. Stops counting at `most`.
    pub fn count_runs(&self, job_id: &str, most: u64) -> Result<u64, LedgerError> {
        let index = self.transaction.open_table(RUNS_OF_JOB)?;
        let mut count = 0;
        for entry in index.range((job_id, 0)..=(job_id, u64::MAX))? {
            entry?;
            count += 1;
            if count == most {
                break;
            }
        }
        Ok(count)
    }

    /// Whether a later row of the job satisfies the condition.
    pub fn any_run_after(
        &self,
        job_id: &str,
        number: u64,
        asked: impl Fn(&RunRecord) -> bool,
    ) -> Result<bool, LedgerError> {
        let runs = self.transaction.open_table(RUNS)?;
        let index = self.transaction.open_table(RUNS_OF_JOB)?;
        for entry in index.range((job_id, number.saturating_add(1))..=(job_id, u64::MAX))? {
            let (_, number) = entry?.0.value();
            if let Some(bytes) = runs.get(number)?
                && let Ok(run) = decode::<RunRecord>("runs", bytes.value())
                && asked(&run)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The number of the run that has claimed an occurrence. `None`: it is not claimed.
    pub fn claimed_by(&self, claim: &Claim) -> Result<Option<u64>, LedgerError> {
        let table = self.transaction.open_table(OCCURRENCES)?;
        Ok(table.get(occurrence(claim))?.map(|run| run.value()))
    }

    /// The occurrences that were due before an instant and whose row was removed. Reads at most `limit` occurrences,
    /// starting with `from`.
    pub fn bare_claims(
        &self,
        from: Option<&Claim>,
        due_before: DateTime<Utc>,
        limit: usize,
    ) -> Result<Bare, LedgerError> {
        let runs = self.transaction.open_table(RUNS)?;
        let occurrences = self.transaction.open_table(OCCURRENCES)?;
        let start = from.map_or(("", i64::MIN, ""), occurrence);
        let mut claims = Vec::new();
        for (looked_at, entry) in occurrences.range(start..)?.enumerate() {
            let (key, run) = entry?;
            let (job_id, due, kind) = key.value();
            // freezerd has never written other kinds, or instants outside the range of the calendar.
            let (Some(due), Some(kind)) = (
                DateTime::from_timestamp_millis(due),
                ClaimKind::of_key(kind),
            ) else {
                continue;
            };
            let claim = Claim {
                job_id: job_id.to_owned(),
                due,
                kind,
            };
            if looked_at == limit {
                let next = Some(claim);
                return Ok(Bare { claims, next });
            }
            if due < due_before && runs.get(run.value())?.is_none() {
                claims.push(claim);
            }
        }
        Ok(Bare { claims, next: None })
    }

    /// The number of events in the ledger.
    pub fn count_events(&self) -> Result<u64, LedgerError> {
        Ok(self.transaction.open_table(EVENTS)?.len()?)
    }

    /// The next `limit` messages after this one. A message that cannot be read is left out.
    pub fn outbox_after(
        &self,
        (id, receiver): (u64, &str),
        limit: usize,
    ) -> Result<Vec<OutboxRow>, LedgerError> {
        use std::ops::Bound::{Excluded, Unbounded};
        let Some(table) = self.outbox_table()? else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let after = (Excluded((id, receiver)), Unbounded);
        for entry in table.range::<(u64, &str)>(after)?.take(limit) {
            if let Ok(row) = decode("outbox", entry?.1.value()) {
                found.push(row);
            }
        }
        Ok(found)
    }

    /// The next `limit` events after this id. An event that cannot be read is left out.
    pub fn events_after(&self, id: &str, limit: usize) -> Result<Vec<EventRecord>, LedgerError> {
        use std::ops::Bound::{Excluded, Unbounded};
        let table = self.transaction.open_table(EVENTS)?;
        let mut found = Vec::new();
        for entry in table.range::<&str>((Excluded(id), Unbounded))?.take(limit) {
            if let Ok(event) = decode("events", entry?.1.value()) {
                found.push(event);
            }
        }
        Ok(found)
    }
}
