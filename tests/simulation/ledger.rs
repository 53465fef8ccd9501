//! A ledger in memory. It checks everything that is written. Of closed rows it keeps only what the test checks later.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use chrono::{DateTime, Utc};
use freezerd::job::JobResult;
use freezerd::ledger::{Ledger, LedgerError, Write};
use freezerd::record::{
    AttemptRecord, Claim, ClaimKind, FileRecord, JobRecord, OutboxRow, OutboxState, RunRecord,
    RunState, Standing,
};

use super::notices::{FLAKY, Notices};

/// The parts of a row that the test checks later.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub number: u64,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
    pub covers: u64,
    pub claimed: DateTime<Utc>,
}

/// An interrupted run, and the record of its job before the interruption.
pub struct Cut {
    pub run: u64,
    pub job_id: String,
    pub before: Option<JobRecord>,
}

/// The past that a job's record must contain, computed only from the rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reckoned {
    pub success: u64,
    pub interrupted: u64,
    pub skipped: u64,
    pub others: u64,
    pub last_success: Option<DateTime<Utc>>,
    /// The earliest due instant that no success has followed, since the job was put on its schedule last.
    pub owed_since: Option<DateTime<Utc>>,
}

/// Everything that was committed.
#[derive(Default)]
pub struct Books {
    pub jobs: BTreeMap<String, JobRecord>,
    pub files: BTreeMap<String, FileRecord>,
    pub open: BTreeMap<u64, RunRecord>,
    cut_off: BTreeMap<u64, RunRecord>,
    attempts: BTreeMap<(u64, u32, u32), AttemptRecord>,
    occurrences: HashMap<(String, i64, &'static str), u64>,
    events: BTreeSet<String>,
    pub last_run: u64,
    pub runs: u64,
    pub skipped: u64,
    pub caught_up: u64,
    pub interrupted: u64,
    pub manual: u64,
    /// Rows that stand for due instants, by job.
    pub due_rows: HashMap<String, Vec<Row>>,
    /// The expected past of each known job.
    pub reckoned: HashMap<String, Reckoned>,
    /// Jobs that were written since the last check.
    pub touched: BTreeSet<String>,
    /// Runs that were interrupted since the last check.
    pub cut: Vec<Cut>,
    /// Runs that another run has made up for.
    pub made_up: BTreeSet<u64>,
    /// The messages that wait, by number and receiver.
    pub outbox: BTreeMap<(u64, String), OutboxRow>,
    pub last_message: u64,
    /// Messages that a receiver has accepted. Each is accepted once.
    pub accepted: u64,
    pub given_up: u64,
    /// What the receiver that is always there was told, and what it should have been told.
    pub notices: Notices,
    /// Runs that another run of the same transaction makes up for.
    made_up_now: BTreeSet<u64>,
    /// While this is true, commits fail.
    pub broken: bool,
}

/// A ledger that the scheduler and the world share.
#[derive(Clone, Default)]
pub struct SharedLedger(pub Rc<RefCell<Books>>);

impl Books {
    fn take(&mut self, write: &Write) {
        match write {
            Write::Job(record) => {
                self.touched.insert(record.job_id.clone());
                if !self.jobs.contains_key(&record.job_id) {
                    self.reckoned
                        .insert(record.job_id.clone(), Reckoned::default());
                    self.notices.forget(&record.job_id);
                }
                let before = self.jobs.insert(record.job_id.clone(), (**record).clone());
                if before
                    .as_ref()
                    .is_some_and(|it| it.max_age != record.max_age)
                {
                    self.notices.max_age_changed(&record.job_id);
                }
                // A job that somebody has stopped and started owes only what is due from then on.
                let was_off = before.is_some_and(|it| it.standing != Standing::OnSchedule);
                let is_back = was_off && record.standing == Standing::OnSchedule;
                if is_back && record.past.owed_since.is_none() {
                    self.reckoned
                        .entry(record.job_id.clone())
                        .or_default()
                        .owed_since = None;
                }
            }
            Write::ForgetJob(job_id) => {
                self.touched.insert(job_id.clone());
                self.jobs.remove(job_id);
            }
            Write::Claim(record) => self.claim(record),
            Write::Run(record) => {
                assert!(
                    self.open.contains_key(&record.number),
                    "run {} is written although it is over, or never was claimed",
                    record.number
                );
                self.keep(record);
            }
            Write::Attempt(record) => {
                self.attempts
                    .insert((record.run, record.action, record.attempt), record.clone());
            }
            Write::Event(record) => {
                assert!(
                    self.events.insert(record.id.clone()),
                    "an event is answered once"
                );
            }
            Write::Outbox(row) => self.message(row),
            Write::File(record) => drop(self.files.insert(record.file.clone(), record.clone())),
            Write::ForgetFile(file) => drop(self.files.remove(file)),
            Write::ForgetRun { .. }
            | Write::ForgetClaim(_)
            | Write::ForgetEvent(_)
            | Write::ForgetOutbox { .. }
            | Write::Discard(_) => {
                panic!("no row is old enough to be removed: {write:?}")
            }
        }
    }

    fn claim(&mut self, record: &RunRecord) {
        assert_eq!(
            record.number,
            self.last_run + 1,
            "numbers count up without a hole"
        );
        self.last_run = record.number;
        self.runs += 1;
        let claim = record.claim();
        self.occurrences.insert(key(&claim), record.number);
        match claim.kind {
            ClaimKind::Due => {
                let owed = &mut self.reckoned_of(record).owed_since;
                *owed = Some(owed.map_or(record.first_due, |owed| owed.min(record.first_due)));
                self.caught_up += u64::from(record.trigger == freezerd::record::Trigger::CatchUp);
                self.due_rows
                    .entry(record.job_id.clone())
                    .or_default()
                    .push(Row {
                        number: record.number,
                        first: record.first_due,
                        last: record.due,
                        covers: record.covers,
                        claimed: record.claimed,
                    });
            }
            ClaimKind::Manual => self.manual += 1,
            ClaimKind::MakeUp => {
                let run = record.makes_up_for.expect("it says for which run");
                assert!(self.made_up.insert(run), "run {run} is made up for twice");
            }
        }
        self.keep(record);
    }

    fn keep(&mut self, record: &RunRecord) {
        if !record.state.is_over() {
            self.open.insert(record.number, record.clone());
            return;
        }
        self.reckon(record);
        if self.jobs.contains_key(&record.job_id) {
            let made_up = self.made_up_now.contains(&record.number);
            self.notices.run_over(record, made_up);
        }
        match record.state {
            RunState::Skipped => {
                self.skipped += 1;
                assert!(
                    record.reason.is_some(),
                    "run {} does not say why it was skipped",
                    record.number
                );
            }
            RunState::Interrupted => {
                self.interrupted += 1;
                self.cut_off.insert(record.number, record.clone());
            }
            _ => assert!(
                record.result.is_some(),
                "run {} ended without a result",
                record.number
            ),
        }
        assert!(
            record.waits_for.is_none(),
            "run {} is over and waits",
            record.number
        );
        self.open.remove(&record.number);
        let of_run = (record.number, 0, 0)..=(record.number, u32::MAX, u32::MAX);
        let attempts: Vec<_> = self.attempts.range(of_run).map(|(key, _)| *key).collect();
        for attempt in attempts {
            let attempt = self.attempts.remove(&attempt).expect("it was just there");
            assert!(
                attempt.end.is_some(),
                "run {} is over, an attempt of it is not",
                record.number
            );
        }
    }

    fn message(&mut self, row: &OutboxRow) {
        let key = (row.message.id, row.receiver.clone());
        let known = self.outbox.remove(&key).is_some();
        match row.state {
            OutboxState::Waiting { .. } => {
                if !known {
                    let id = row.message.id;
                    // One message may have several receivers.
                    assert!(id >= self.last_message, "message {id} is not new");
                    self.last_message = id;
                    self.notices.heard(row);
                }
                self.outbox.insert(key, row.clone());
            }
            OutboxState::Sent { .. } => {
                assert!(known, "{key:?} was over");
                self.accepted += 1;
            }
            OutboxState::GivenUp { .. } => {
                assert_eq!(row.receiver, FLAKY, "the others are always there");
                self.given_up += 1;
            }
        }
    }

    fn reckoned_of(&mut self, record: &RunRecord) -> &mut Reckoned {
        self.reckoned.entry(record.job_id.clone()).or_default()
    }

    fn reckon(&mut self, record: &RunRecord) {
        let past = self.reckoned_of(record);
        match (record.state, record.result) {
            (RunState::Ended, Some(JobResult::Success)) => {
                past.success += 1;
                past.last_success = record.ended;
                past.owed_since = None;
            }
            (RunState::Interrupted, _) => past.interrupted += 1,
            (RunState::Skipped, None) => past.skipped += 1,
            _ => past.others += 1,
        }
    }

    pub fn open_attempts(&self) -> Vec<AttemptRecord> {
        self.attempts.values().cloned().collect()
    }
}

fn key(claim: &Claim) -> (String, i64, &'static str) {
    (
        claim.job_id.clone(),
        claim.due.timestamp_millis(),
        claim.kind.key(),
    )
}

impl Ledger for SharedLedger {
    fn commit(&mut self, writes: &[Write]) -> Result<(), LedgerError> {
        let mut books = self.0.borrow_mut();
        if books.broken {
            return Err(LedgerError::Transaction {
                source: "no space left on device".into(),
            });
        }
        for write in writes {
            if let Write::Claim(record) = write {
                let taken = books.occurrences.get(&key(&record.claim()));
                assert_eq!(
                    taken, None,
                    "an occurrence is claimed a second time: {record:?}"
                );
            }
            if let Write::Run(record) = write
                && record.state == RunState::Interrupted
                && record.makes_up_for.is_none()
            {
                let before = books.jobs.get(&record.job_id).cloned();
                books.cut.push(Cut {
                    run: record.number,
                    job_id: record.job_id.clone(),
                    before,
                });
            }
        }
        let made_up = writes.iter().filter_map(|write| match write {
            Write::Claim(record) => record.makes_up_for,
            _ => None,
        });
        books.made_up_now = made_up.collect();
        for write in writes {
            books.take(write);
        }
        Ok(())
    }

    fn claimed(&self, claim: &Claim) -> Result<Option<u64>, LedgerError> {
        Ok(self.0.borrow().occurrences.get(&key(claim)).copied())
    }

    fn run(&self, number: u64) -> Result<Option<RunRecord>, LedgerError> {
        let books = self.0.borrow();
        let row = books.open.get(&number);
        Ok(row.or_else(|| books.cut_off.get(&number)).cloned())
    }

    fn answered(&self, event: &str) -> Result<bool, LedgerError> {
        Ok(self.0.borrow().events.contains(event))
    }

    fn given_up(&self) -> Result<Vec<OutboxRow>, LedgerError> {
        Ok(Vec::new()) // Nobody asks for them in the simulation.
    }
}
