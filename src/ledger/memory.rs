//! A ledger in memory, for simulations. It gives the same guarantees, but writes nothing to disk.

use std::collections::BTreeMap;

use super::{Ledger, LedgerError, Write};
use crate::record::{
    AttemptRecord, Claim, EventRecord, FileRecord, JobRecord, OutboxRow, RunRecord,
};

/// Everything that was committed. Jobs and events are stored by id, runs by number, files by name.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger {
    pub jobs: BTreeMap<String, JobRecord>,
    pub runs: BTreeMap<u64, RunRecord>,
    /// The key is the run, the action and the attempt.
    pub attempts: BTreeMap<(u64, u32, u32), AttemptRecord>,
    pub events: BTreeMap<String, EventRecord>,
    pub files: BTreeMap<String, FileRecord>,
    /// The key is the number of the message and its receiver.
    pub outbox: BTreeMap<(u64, String), OutboxRow>,
    /// The run that has claimed each occurrence.
    pub occurrences: BTreeMap<Claim, u64>,
}

impl Ledger for MemoryLedger {
    fn commit(&mut self, writes: &[Write]) -> Result<(), LedgerError> {
        for write in writes {
            if let Write::Claim(run) = write
                && let Some(other) = self.occurrences.get(&run.claim())
                && *other != run.number
            {
                return Err(LedgerError::AlreadyClaimed {
                    job_id: run.job_id.clone(),
                    due: run.due,
                    kind: run.claim().kind.key(),
                    run: *other,
                });
            }
        }
        for write in writes.iter().cloned() {
            match write {
                Write::Job(record) => drop(self.jobs.insert(record.job_id.clone(), *record)),
                Write::ForgetJob(job_id) => drop(self.jobs.remove(&job_id)),
                Write::Claim(record) => {
                    self.occurrences.insert(record.claim(), record.number);
                    self.runs.insert(record.number, record);
                }
                Write::Run(record) => drop(self.runs.insert(record.number, record)),
                Write::Attempt(record) => drop(
                    self.attempts
                        .insert((record.run, record.action, record.attempt), record),
                ),
                Write::Event(record) => drop(self.events.insert(record.id.clone(), record)),
                Write::File(record) => drop(self.files.insert(record.file.clone(), record)),
                Write::ForgetFile(file) => drop(self.files.remove(&file)),
                Write::Outbox(row) => {
                    let key = (row.message.id, row.receiver.clone());
                    self.outbox.insert(key, *row);
                }
                Write::ForgetOutbox { id, receiver } => drop(self.outbox.remove(&(id, receiver))),
                Write::ForgetRun { number, .. } => {
                    self.runs.remove(&number);
                    self.attempts.retain(|(run, _, _), _| *run != number);
                }
                Write::ForgetClaim(claim) => drop(self.occurrences.remove(&claim)),
                Write::ForgetEvent(id) => drop(self.events.remove(&id)),
                // In memory, every value can be read.
                Write::Discard(_) => {}
            }
        }
        Ok(())
    }

    fn claimed(&self, claim: &Claim) -> Result<Option<u64>, LedgerError> {
        Ok(self.occurrences.get(claim).copied())
    }

    fn run(&self, number: u64) -> Result<Option<RunRecord>, LedgerError> {
        Ok(self.runs.get(&number).cloned())
    }

    fn answered(&self, event: &str) -> Result<bool, LedgerError> {
        Ok(self.events.contains_key(event))
    }

    fn given_up(&self) -> Result<Vec<OutboxRow>, LedgerError> {
        let rows = self.outbox.values().filter(|row| row.is_given_up());
        Ok(rows.cloned().collect())
    }
}
