//! The one owner of all job state. Messages come in, the ledger is written, orders go out.
//!
//! Nothing here sleeps, reads a clock or starts a process: `now` comes with every message, and what the world has to
//! do goes out as an [`Order`]. So a simulation can run years through it in seconds. Orders leave only after the
//! changes that they belong to are committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::job::Job;
use crate::ledger::{Ledger, LedgerError, Write};
use crate::lifecycle::job::{self as life, Clockwork, Effect, Step};
use crate::lifecycle::queue::Queue;
use crate::record::{FileRecord, JobRecord};
use crate::schedule::zone::Zone;
use crate::tell::receiver::Receiver;

mod active_run;
mod batch;
mod claims;
mod clock_changes;
mod dispatch;
mod events;
mod files;
mod jobs;
mod messages;
pub mod notice;
mod outbox;
mod recovery;
mod runs;
mod telling;

pub use messages::{EndCause, Message, Order, Spawn};
pub use outbox::{Delivery, Refusal};
pub use recovery::StoredState;

use active_run::ActiveRun;
use batch::Batch;
use clock_changes::ClockReadings;
use jobs::Jobs;
use notice::Notice;
use outbox::Outbox;
use recovery::FirstScan;

/// The pause between a failed commit and the next try.
const RETRY_COMMIT: TimeDelta = TimeDelta::seconds(5);

/// The rules that the scheduler follows, fixed for the life of the process. Only the zone may change.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How many attempts may run at the same time.
    pub slots: usize,
    /// The zone of schedules that name none.
    pub zone: Zone,
    /// The host's client id, from which the jitter is computed.
    pub client_id: String,
    /// The ledger's id, for the tags of the runs.
    pub ledger_id: String,
    /// How long a child that is told to end may take.
    pub grace: Duration,
    /// When set, only what is due up to this instant runs, and each job runs once.
    pub only_until: Option<DateTime<Utc>>,
    /// Who is told of what happens, in the order of their names.
    pub receivers: Arc<[Receiver]>,
}

/// The owner of all job state.
pub struct Scheduler<L> {
    ledger: L,
    policy: Policy,
    /// `Some` until the jobs directory has been read for the first time.
    first_scan: Option<FirstScan>,
    phase: Phase,
    jobs: Jobs,
    files: BTreeMap<String, FileRecord>,
    /// The runs that are not over, by number.
    runs: BTreeMap<u64, ActiveRun>,
    /// The number of the newest run.
    last_run: u64,
    /// The runs that wait for a slot or a container, and those that have one.
    queue: Queue,
    /// The runs that wait for their next attempt's instant.
    retries: BTreeSet<(DateTime<Utc>, u64)>,
    /// The messages to receivers that are not sent yet.
    outbox: Outbox,
    /// Changes that are not on disk, and the orders that wait for them.
    batch: Batch,
    commits: Commits,
    clock: ClockReadings,
}

/// What may still start. A later phase never goes back to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Everything.
    Serving,
    /// No attempt. Rows are still claimed.
    Draining,
    /// Nothing, and no row is claimed.
    Stopping,
}

/// How the commits went.
#[derive(Default)]
struct Commits {
    /// How many had something to write.
    count: u64,
    /// The last one failed, and is tried again at this instant.
    again: Option<DateTime<Utc>>,
}

/// A job whose content can be read, with all that a transition needs.
struct Loaded<'a> {
    record: &'a JobRecord,
    job: &'a Arc<Job>,
    clockwork: Clockwork<'a>,
}

impl<L: Ledger> Scheduler<L> {
    /// A scheduler with what the ledger remembers. A [`Message::Files`] with every file has to follow.
    pub fn new(ledger: L, policy: Policy, remembered: StoredState) -> Scheduler<L> {
        let mut scheduler = Scheduler {
            ledger,
            queue: Queue::new(policy.slots),
            first_scan: None,
            phase: Phase::Serving,
            jobs: Jobs::new(Arc::clone(&policy.receivers)),
            files: BTreeMap::new(),
            runs: BTreeMap::new(),
            last_run: 0,
            retries: BTreeSet::new(),
            outbox: Outbox::default(),
            policy,
            batch: Batch::default(),
            commits: Commits::default(),
            clock: ClockReadings::default(),
        };
        scheduler.remember(remembered);
        scheduler
    }

    /// Takes a message and returns what is to be done about it.
    ///
    /// # Errors
    /// When the ledger cannot be written. The changes and orders are then kept, and committed with the next message;
    /// [`Scheduler::next_wake`] says when that has to come.
    pub fn handle(
        &mut self,
        message: Message,
        now: DateTime<Utc>,
    ) -> Result<Vec<Order>, LedgerError> {
        self.note_clock(now);
        if self.may_change_schedules(&message) {
            // What came due before the message still gets its row.
            self.tick(now);
        }
        match message {
            Message::Files(changes) => self.files_changed(changes, now),
            Message::Asked(event) => self.answer_event(event, now),
            Message::Tick => {}
            Message::Ended {
                run,
                action,
                attempt,
                end,
            } => self.attempt_ended(run, (action, attempt), end, now),
            Message::SlotReturned { run } => self.queue.return_slot(run),
            Message::SlotWanted { run } => self.queue.want_slot(run),
            Message::Delivered {
                receiver,
                ids,
                result,
            } => self.delivered(&receiver, &ids, result, now),
            Message::Zone(zone) => self.zone_changed(zone, now),
            Message::Drain => self.phase = self.phase.max(Phase::Draining),
            Message::Shutdown => self.shutdown(),
        }
        self.tick(now);
        self.dispatch(now);
        self.send_due(now);
        self.report_corrections(now);
        self.commit(now)
    }

    /// Whether this message may take a job off its schedule or give it another one.
    fn may_change_schedules(&self, message: &Message) -> bool {
        match message {
            Message::Files(_) | Message::Asked(_) | Message::Zone(_) => true,
            Message::Ended { run, .. } => self
                .runs
                .get(run)
                .and_then(|active| self.jobs.get(&active.record.job_id))
                .is_some_and(|entry| entry.record.pending.is_some() || entry.record.file.is_none()),
            Message::SlotReturned { .. }
            | Message::SlotWanted { .. }
            | Message::Delivered { .. }
            | Message::Tick
            | Message::Drain
            | Message::Shutdown => false,
        }
    }

    /// The instant of the next message, if no other comes before.
    pub fn next_wake(&self) -> Option<DateTime<Utc>> {
        let due = self.jobs.next_firing().filter(|at| {
            !self.is_stopping() && self.policy.only_until.is_none_or(|limit| *at <= limit)
        });
        let retry = self.retries.first().map(|(until, _)| *until);
        let retry = retry.filter(|_| !self.is_stopping());
        let look = self.jobs.next_look().filter(|_| !self.is_stopping());
        let send = self.outbox.next().filter(|_| !self.is_stopping());
        let wakes = [due, retry, look, send, self.commits.again];
        wakes.into_iter().flatten().min()
    }

    /// Whether nothing runs, nothing waits to run, nothing is being sent, and everything is committed.
    pub fn is_idle(&self) -> bool {
        let due = self
            .jobs
            .next_firing()
            .is_some_and(|at| self.policy.only_until.is_some_and(|limit| at <= limit));
        let sending = self.outbox.sending() > 0;
        self.runs.is_empty() && !due && !sending && self.is_committed()
    }

    /// Whether everything is on disk.
    pub fn is_committed(&self) -> bool {
        self.commits.again.is_none()
    }

    /// How many agents run now.
    pub fn running(&self) -> usize {
        self.queue.running()
    }

    /// How many jobs are known, and the instant of the next firing.
    pub fn outlook(&self) -> (usize, Option<DateTime<Utc>>) {
        (self.jobs.len(), self.jobs.next_firing())
    }

    /// How many times something was committed. What is shown of the ledger is old when this has grown.
    pub fn commits(&self) -> u64 {
        self.commits.count
    }

    /// The ledger, for reading.
    pub fn ledger(&self) -> &L {
        &self.ledger
    }

    /// The ledger, for making its file smaller. The content has to stay the same.
    pub(in crate::daemon) fn ledger_to_compact(&mut self) -> &mut L {
        &mut self.ledger
    }

    /// Removes old entries from the ledger, in a transaction of its own. Returns false, and does nothing, while other
    /// changes wait for the disk.
    pub fn forget_old(&mut self, old: &[Write]) -> Result<bool, LedgerError> {
        if !self.batch.writes().is_empty() {
            return Ok(false);
        }
        self.ledger.commit(old)?;
        Ok(true)
    }

    /// The ledger alone, at the end of the scheduler.
    pub fn into_ledger(self) -> L {
        self.ledger
    }

    fn is_stopping(&self) -> bool {
        self.phase == Phase::Stopping
    }

    fn commit(&mut self, now: DateTime<Utc>) -> Result<Vec<Order>, LedgerError> {
        if let Err(error) = self.ledger.commit(self.batch.writes()) {
            self.commits.again = Some(now + RETRY_COMMIT);
            return Err(error);
        }
        self.commits.count += u64::from(!self.batch.writes().is_empty());
        self.commits.again = None;
        Ok(self.batch.committed())
    }

    fn tick(&mut self, now: DateTime<Utc>) {
        if self.is_stopping() {
            return;
        }
        let until = self.policy.only_until.map_or(now, |limit| now.min(limit));
        for job_id in self.jobs.firing_until(until) {
            self.tick_job(&job_id, now);
        }
        self.wake_retries(now);
        self.tell_of_time(now);
    }

    fn tick_job(&mut self, job_id: &str, now: DateTime<Utc>) {
        self.advance(job_id, now, |record, clockwork| {
            life::tick(record, clockwork, now)
        });
    }

    /// A job that is known and whose content can be read.
    fn loaded(&self, job_id: &str) -> Option<Loaded<'_>> {
        let entry = self.jobs.get(job_id)?;
        let job = entry.job.as_ref()?;
        Some(Loaded {
            record: &entry.record,
            job,
            clockwork: self.clockwork(job, entry.delay),
        })
    }

    fn clockwork<'a>(&'a self, job: &'a Job, delay: TimeDelta) -> Clockwork<'a> {
        Clockwork {
            schedule: &job.schedule,
            zone: &self.policy.zone,
            delay,
        }
    }

    /// Applies a transition to a job. Nothing happens to a job that is not known or whose content cannot be read.
    fn advance(
        &mut self,
        job_id: &str,
        now: DateTime<Utc>,
        transition: impl FnOnce(JobRecord, Clockwork<'_>) -> Step,
    ) {
        if let Some(loaded) = self.loaded(job_id) {
            let step = transition(loaded.record.clone(), loaded.clockwork);
            self.apply(step, now);
        }
    }

    /// Changes the record of a known job, without effects.
    fn update(&mut self, job_id: &str, change: impl FnOnce(JobRecord) -> JobRecord) {
        if let Some(entry) = self.jobs.get(job_id) {
            self.put(change(entry.record.clone()));
        }
    }

    /// Keeps the job's new state, and carries out its effects.
    fn apply(&mut self, step: Step, now: DateTime<Utc>) {
        let job_id = step.record.job_id.clone();
        self.put(step.record);
        for effect in step.effects {
            match effect {
                Effect::Claim(_) | Effect::Skip { .. } => self.make_row(&job_id, effect, now),
                Effect::Cancel {
                    run,
                    result,
                    reason,
                } => self.cancel(run, result, reason, now),
                Effect::Abort { run } => self.abort(run, now),
                Effect::Forget => self.forget(&job_id),
                Effect::Corrected { handled } => self.clock.note_correction(handled),
            }
        }
    }

    /// Keeps the record of a known job, in memory and (with the next commit) in the ledger.
    fn put(&mut self, record: JobRecord) {
        if self.jobs.put(&record) {
            self.batch.job(record);
        }
    }

    fn forget(&mut self, job_id: &str) {
        self.jobs.remove(job_id);
        self.batch.forget_job(job_id);
        self.batch.notice(Notice::JobGone {
            job_id: job_id.to_owned(),
        });
    }

    fn shutdown(&mut self) {
        self.phase = Phase::Stopping;
        for (run, active) in &self.runs {
            if active.attempt.is_some() {
                self.batch.order(Order::End {
                    run: *run,
                    why: EndCause::Shutdown,
                });
            }
        }
    }
}
