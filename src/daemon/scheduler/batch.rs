//! What one message changes, for one transaction: each record once, as it is in the end, and the orders that may
//! leave only after the commit.

use std::collections::HashMap;

use super::Order;
use super::notice::Notice;
use crate::ledger::Write;
use crate::record::{AttemptRecord, EventRecord, FileRecord, JobRecord, OutboxRow, RunRecord};

/// Changes that are not on disk yet, and the orders that wait for them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    writes: Vec<Write>,
    /// Where each run's row is in `writes`.
    runs: HashMap<u64, usize>,
    /// Where each job's record is in `writes`.
    jobs: HashMap<String, usize>,
    orders: Vec<Order>,
}

impl Batch {
    /// Makes the row of an occurrence that has none.
    pub fn claim(&mut self, record: RunRecord) {
        self.runs.insert(record.number, self.writes.len());
        self.writes.push(Write::Claim(record));
    }

    /// Writes a row as it is now.
    pub fn run(&mut self, record: RunRecord) {
        let known = self
            .runs
            .get(&record.number)
            .and_then(|index| self.writes.get_mut(*index));
        match known {
            Some(Write::Claim(known) | Write::Run(known)) => *known = record,
            _ => {
                self.runs.insert(record.number, self.writes.len());
                self.writes.push(Write::Run(record));
            }
        }
    }

    /// Writes a job as it is now.
    pub fn job(&mut self, record: JobRecord) {
        let known = self
            .jobs
            .get(&record.job_id)
            .and_then(|index| self.writes.get_mut(*index));
        match known {
            Some(Write::Job(known)) => **known = record,
            _ => {
                self.jobs.insert(record.job_id.clone(), self.writes.len());
                self.writes.push(Write::Job(Box::new(record)));
            }
        }
    }

    /// Removes a job.
    pub fn forget_job(&mut self, job_id: &str) {
        // A later job with the same id is written after this.
        self.jobs.remove(job_id);
        self.writes.push(Write::ForgetJob(job_id.to_owned()));
    }

    /// Writes an attempt as it is now.
    pub fn attempt(&mut self, record: AttemptRecord) {
        self.writes.push(Write::Attempt(record));
    }

    /// Writes an event with its answer.
    pub fn event(&mut self, record: EventRecord) {
        self.writes.push(Write::Event(record));
    }

    /// Writes what a file is.
    pub fn file(&mut self, record: FileRecord) {
        self.writes.push(Write::File(record));
    }

    /// Removes a file.
    pub fn forget_file(&mut self, file: String) {
        self.writes.push(Write::ForgetFile(file));
    }

    /// Writes a message to a receiver as it is now.
    pub fn message(&mut self, row: OutboxRow) {
        self.writes.push(Write::Outbox(Box::new(row)));
    }

    /// Removes a message to a receiver.
    pub fn forget_message(&mut self, id: u64, receiver: &str) {
        self.writes.push(Write::ForgetOutbox {
            id,
            receiver: receiver.to_owned(),
        });
    }

    /// Gives an order after the commit.
    pub fn order(&mut self, order: Order) {
        self.orders.push(order);
    }

    /// Reports something after the commit.
    pub fn notice(&mut self, notice: Notice) {
        self.order(Order::Tell(Box::new(notice)));
    }

    /// All changes, in order.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Whether the batch answers this event.
    pub fn answers(&self, event_id: &str) -> bool {
        self.writes
            .iter()
            .any(|write| matches!(write, Write::Event(event) if event.id == event_id))
    }

    /// The changes are on disk: the batch is empty again, and its orders may leave.
    pub fn committed(&mut self) -> Vec<Order> {
        self.writes.clear();
        self.runs.clear();
        self.jobs.clear();
        std::mem::take(&mut self.orders)
    }
}
