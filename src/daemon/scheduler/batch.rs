//! The changes that a message makes, gathered into one transaction: each record once, as it is in the end.

use std::collections::HashMap;

use crate::ledger::Write;
use crate::record::{AttemptRecord, EventRecord, FileRecord, JobRecord, RunRecord};

/// Changes that are not on disk yet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    writes: Vec<Write>,
    /// Where in the list a run's row is.
    runs: HashMap<u64, usize>,
    /// Where in the list a job's record is.
    jobs: HashMap<String, usize>,
}

impl Batch {
    /// A row for an occurrence that has none.
    pub fn claim(&mut self, record: RunRecord) {
        self.runs.insert(record.number, self.writes.len());
        self.writes.push(Write::Claim(record));
    }

    /// A row as it is now.
    pub fn run(&mut self, record: RunRecord) {
        let known = self
            .runs
            .get(&record.number)
            .and_then(|place| self.writes.get_mut(*place));
        match known {
            Some(Write::Claim(known) | Write::Run(known)) => *known = record,
            _ => {
                self.runs.insert(record.number, self.writes.len());
                self.writes.push(Write::Run(record));
            }
        }
    }

    /// A job as it is now.
    pub fn job(&mut self, record: JobRecord) {
        let known = self
            .jobs
            .get(&record.job_id)
            .and_then(|place| self.writes.get_mut(*place));
        match known {
            Some(Write::Job(known)) => *known = record,
            _ => {
                self.jobs.insert(record.job_id.clone(), self.writes.len());
                self.writes.push(Write::Job(record));
            }
        }
    }

    /// A job is gone.
    pub fn forget_job(&mut self, job_id: &str) {
        // A job of that name that comes later is written after this.
        self.jobs.remove(job_id);
        self.writes.push(Write::ForgetJob(job_id.to_owned()));
    }

    /// An attempt as it is now.
    pub fn attempt(&mut self, record: AttemptRecord) {
        self.writes.push(Write::Attempt(record));
    }

    /// What was asked, and the answer.
    pub fn event(&mut self, record: EventRecord) {
        self.writes.push(Write::Event(record));
    }

    /// What a file is.
    pub fn file(&mut self, record: FileRecord) {
        self.writes.push(Write::File(record));
    }

    /// A file is gone.
    pub fn forget_file(&mut self, file: String) {
        self.writes.push(Write::ForgetFile(file));
    }

    /// All of it, in order.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// It is on disk.
    pub fn clear(&mut self) {
        self.writes.clear();
        self.runs.clear();
        self.jobs.clear();
    }
}
