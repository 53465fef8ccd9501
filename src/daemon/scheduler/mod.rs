//! The one owner of all job state: messages come in, the ledger is written, orders go out.
//!
//! Nothing here sleeps, reads a clock or starts a process: `now` comes with every message, and what is to be done
//! in the world goes out as an [`Order`]. So a simulation can drive years through it in seconds. Orders leave only
//! after the changes that they belong to are committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::control::event::EventFile;
use crate::intake::FileChange;
use crate::job::Job;
use crate::ledger::{Ledger, LedgerError, Write};
use crate::lifecycle::job::{self as life, Clockwork, Effect, Step};
use crate::protocol::Request;
use crate::record::{AttemptEnd, AttemptRecord, FileRecord, JobRecord, RunRecord};
use crate::schedule::zone::Zone;

mod asked;
mod batch;
mod clock;
mod dispatch;
mod files;
pub mod notice;
mod recovery;
mod runs;

use crate::lifecycle::queue::Queue;
use batch::Batch;
use notice::Notice;

/// How long after a failed commit the next one is tried.
const RETRY_COMMIT: TimeDelta = TimeDelta::seconds(5);

/// What the scheduler learns.
#[derive(Clone, Debug)]
pub enum Message {
    /// The jobs directory changed; at start, everything in it.
    Files(Vec<FileChange>),
    /// Somebody dropped an event.
    Asked(EventFile),
    /// Time has passed.
    Tick,
    /// An attempt ended.
    Ended {
        /// The run.
        run: u64,
        /// The action's index.
        action: u32,
        /// The attempt, from 1.
        attempt: u32,
        /// How.
        end: AttemptEnd,
    },
    /// The host's zone is another now.
    Zone(Zone),
    /// Nothing new starts; what comes due is claimed and waits for the next daemon, what runs goes on.
    Drain,
    /// The daemon is to stop: nothing new starts, what runs is ended.
    Shutdown,
}

/// What the scheduler wants done.
#[derive(Clone, Debug)]
pub enum Order {
    /// Start an agent.
    Spawn(Box<Spawn>),
    /// End a run's agent.
    End {
        /// The run.
        run: u64,
        /// What its end is to be called.
        why: Ending,
    },
    /// An event was dealt with: its file can go.
    Answered {
        /// The event.
        event: String,
    },
    /// Tell people.
    Tell(Box<Notice>),
}

/// Why an agent is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Somebody aborted the run.
    Abort,
    /// The daemon stops.
    Shutdown,
}

/// An attempt to start.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// What the agent is told.
    pub request: Request,
    /// When it is ended.
    pub timeout: Option<Duration>,
    /// When it is ended if it shows no progress; `None`: as the settings say; zero: never.
    pub stall_timeout: Option<Duration>,
}

/// What the scheduler goes by.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Attempts at the same time.
    pub slots: usize,
    /// The zone of schedules that name none.
    pub zone: Zone,
    /// The host's client id, for the jitter.
    pub client_id: String,
    /// The ledger's id, for the runs' tags.
    pub ledger_id: String,
    /// How long a child that is told to end may take.
    pub grace: Duration,
    /// Run what is due up to this instant, each job once, and no more.
    pub only_until: Option<DateTime<Utc>>,
}

/// What an earlier daemon left in the ledger.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    /// The jobs.
    pub jobs: Vec<JobRecord>,
    /// The files.
    pub files: Vec<FileRecord>,
    /// Runs that are not over.
    pub open_runs: Vec<RunRecord>,
    /// Their attempts.
    pub attempts: Vec<AttemptRecord>,
    /// The newest run's number.
    pub last_run: u64,
    /// The ledger took the place of one that was damaged: a job that seems new may have run.
    pub begun_anew: bool,
    /// Jobs that the ledger knew, of which nothing can be read any more.
    pub lost_jobs: BTreeSet<String>,
}

/// A job as the loop sees it.
struct Entry {
    record: JobRecord,
    /// `None`: neither its file nor the content that is remembered of it can be read.
    job: Option<Arc<Job>>,
    delay: TimeDelta,
    /// Where the job stands in the timeline.
    indexed: Option<DateTime<Utc>>,
}

/// A run that is not over.
struct ActiveRun {
    record: RunRecord,
    /// The job as it was when the run was claimed.
    job: Arc<Job>,
    /// The current attempt's row, while its agent runs.
    attempt: Option<AttemptRecord>,
}

/// The owner of all job state.
pub struct Scheduler<L> {
    ledger: L,
    policy: Policy,
    jobs: BTreeMap<String, Entry>,
    files: BTreeMap<String, FileRecord>,
    /// When each job fires next.
    timeline: BTreeSet<(DateTime<Utc>, String)>,
    runs: BTreeMap<u64, ActiveRun>,
    /// Who waits for a slot or a container, and who has one.
    queue: Queue,
    /// Runs whose next attempt has its time.
    retries: BTreeSet<(DateTime<Utc>, u64)>,
    last_run: u64,
    stopping: bool,
    draining: bool,
    /// Jobs that had their run in this life, where each gets only one.
    served: BTreeSet<String>,
    batch: Batch,
    orders: Vec<Order>,
    /// The first look at the jobs directory is behind us.
    settled: bool,
    /// A job that this look is the first to see may have run all the same.
    begun_anew: bool,
    lost_jobs: BTreeSet<String>,
    /// The files that it found, until then.
    seen_files: BTreeSet<String>,
    /// Runs and attempts that an earlier daemon left open, until the files are known.
    left_open: Vec<RunRecord>,
    left_attempts: Vec<AttemptRecord>,
    /// How many times something was committed.
    commits: u64,
    /// A commit failed: the next is due then.
    commit_again: Option<DateTime<Utc>>,
    /// The newest clock reading, to notice a step back.
    latest: Option<DateTime<Utc>>,
    /// Jobs whose schedule goes on from now because the clock was set back a long way, and the latest instant that
    /// one of them had dealt with.
    corrected: Option<(u64, DateTime<Utc>)>,
}

impl<L: Ledger> Scheduler<L> {
    /// A scheduler with what the ledger remembers; [`Message::Files`] has to follow, with every file.
    pub fn new(ledger: L, policy: Policy, remembered: Remembered) -> Scheduler<L> {
        let mut scheduler = Scheduler {
            ledger,
            queue: Queue::new(policy.slots),
            retries: BTreeSet::new(),
            policy,
            jobs: BTreeMap::new(),
            files: BTreeMap::new(),
            timeline: BTreeSet::new(),
            runs: BTreeMap::new(),
            last_run: remembered.last_run,
            stopping: false,
            draining: false,
            served: BTreeSet::new(),
            batch: Batch::default(),
            orders: Vec::new(),
            settled: false,
            begun_anew: remembered.begun_anew,
            lost_jobs: remembered.lost_jobs.clone(),
            seen_files: BTreeSet::new(),
            left_open: Vec::new(),
            left_attempts: Vec::new(),
            commits: 0,
            commit_again: None,
            latest: None,
            corrected: None,
        };
        scheduler.remember(remembered);
        scheduler
    }

    /// Takes a message and returns what is to be done about it.
    ///
    /// A ledger that cannot be written holds everything back: the changes and orders wait, and are tried again at
    /// [`Scheduler::next_wake`]. The error is returned so that somebody hears of it.
    pub fn handle(
        &mut self,
        message: Message,
        now: DateTime<Utc>,
    ) -> Result<Vec<Order>, LedgerError> {
        self.heed_clock(now);
        if self.ends_schedules(&message) {
            // What came due before that still has its row.
            self.tick(now);
        }
        match message {
            Message::Files(changes) => self.files_changed(changes, now),
            Message::Asked(event) => self.asked(event, now),
            Message::Tick => {}
            Message::Ended {
                run,
                action,
                attempt,
                end,
            } => self.attempt_ended(run, (action, attempt), end, now),
            Message::Zone(zone) => self.zone_changed(zone, now),
            Message::Drain => self.draining = true,
            Message::Shutdown => self.shutdown(),
        }
        self.tick(now);
        self.dispatch(now);
        self.report_corrections(now);
        self.commit(now)
    }

    /// Whether after this message a job may be off its schedule, or on another one.
    fn ends_schedules(&self, message: &Message) -> bool {
        match message {
            Message::Files(_) | Message::Asked(_) | Message::Zone(_) => true,
            Message::Ended { run, .. } => self
                .runs
                .get(run)
                .and_then(|active| self.jobs.get(&active.record.job_id))
                .is_some_and(|entry| entry.record.pending.is_some() || entry.record.file.is_none()),
            Message::Tick | Message::Drain | Message::Shutdown => false,
        }
    }

    /// When something is to be done next, should nothing happen before.
    pub fn next_wake(&self) -> Option<DateTime<Utc>> {
        let due =
            self.timeline.first().map(|(at, _)| *at).filter(|at| {
                !self.stopping && self.policy.only_until.is_none_or(|limit| *at <= limit)
            });
        let retry = self.retries.first().map(|(until, _)| *until);
        let retry = retry.filter(|_| !self.stopping);
        [due, retry, self.commit_again].into_iter().flatten().min()
    }

    /// Nothing runs, nothing waits to run, and everything is committed.
    pub fn is_idle(&self) -> bool {
        let due = self
            .timeline
            .first()
            .is_some_and(|(at, _)| self.policy.only_until.is_some_and(|limit| *at <= limit));
        self.runs.is_empty() && !due && self.commit_again.is_none()
    }

    /// Nothing waits for the ledger.
    pub fn is_committed(&self) -> bool {
        self.commit_again.is_none()
    }

    /// Agents that run now.
    pub fn running(&self) -> usize {
        self.queue.running()
    }

    /// Jobs that are known, and the time of the next firing.
    pub fn outlook(&self) -> (usize, Option<DateTime<Utc>>) {
        (self.jobs.len(), self.timeline.first().map(|(at, _)| *at))
    }

    /// How many times something was committed: whoever shows the ledger looks again when it has grown.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// The ledger, to look at.
    pub fn ledger(&self) -> &L {
        &self.ledger
    }

    /// The ledger, to be made smaller: what it says stays the same.
    pub(in crate::daemon) fn ledger_to_compact(&mut self) -> &mut L {
        &mut self.ledger
    }

    /// Forgets what is old, in a transaction of its own. While other changes wait for the disk nothing is done: false.
    pub fn forget_old(&mut self, old: &[Write]) -> Result<bool, LedgerError> {
        if !self.batch.writes().is_empty() {
            return Ok(false);
        }
        self.ledger.commit(old)?;
        Ok(true)
    }

    /// The ledger, when the rest is not needed any more.
    pub fn into_ledger(self) -> L {
        self.ledger
    }

    fn commit(&mut self, now: DateTime<Utc>) -> Result<Vec<Order>, LedgerError> {
        if let Err(error) = self.ledger.commit(self.batch.writes()) {
            self.commit_again = Some(now + RETRY_COMMIT);
            return Err(error);
        }
        self.commits += u64::from(!self.batch.writes().is_empty());
        self.batch.clear();
        self.commit_again = None;
        Ok(std::mem::take(&mut self.orders))
    }

    fn tick(&mut self, now: DateTime<Utc>) {
        if self.stopping {
            return;
        }
        let until = self.policy.only_until.map_or(now, |limit| now.min(limit));
        let mut due = Vec::new();
        for (_, job_id) in self.timeline.range(..=(until, "\u{10ffff}".to_owned())) {
            due.push(job_id.clone());
        }
        for job_id in due {
            self.tick_job(&job_id, now);
        }
        self.wake_retries(now);
    }

    fn tick_job(&mut self, job_id: &str, now: DateTime<Utc>) {
        let Some(entry) = self.jobs.get(job_id) else {
            return;
        };
        let Some(job) = entry.job.clone() else { return };
        let step = life::tick(entry.record.clone(), self.clockwork(&job, entry.delay), now);
        self.apply(step, now);
    }

    fn clockwork<'a>(&'a self, job: &'a Job, delay: TimeDelta) -> Clockwork<'a> {
        Clockwork {
            schedule: &job.schedule,
            zone: &self.policy.zone,
            delay,
        }
    }

    /// The job's new state is kept, and its effects follow.
    fn apply(&mut self, step: Step, now: DateTime<Utc>) {
        let job_id = step.record.job_id.clone();
        self.put(step.record);
        for effect in step.effects {
            match effect {
                Effect::Claim(_) | Effect::Skip { .. } => self.take_on(&job_id, effect, now),
                Effect::Cancel {
                    run,
                    result,
                    reason,
                } => self.cancel(run, result, reason, now),
                Effect::Abort { run } => self.abort(run, now),
                Effect::Forget => self.forget(&job_id),
                Effect::Corrected { handled } => self.note_correction(handled),
            }
        }
    }

    /// Keeps a job's record, in memory and (with the next commit) in the ledger.
    fn put(&mut self, record: JobRecord) {
        let job_id = record.job_id.clone();
        let Some(entry) = self.jobs.get_mut(&job_id) else {
            return;
        };
        if entry.record != record {
            entry.record = record.clone();
            self.batch.job(record);
        }
        self.index(&job_id);
    }

    /// Brings the timeline up to date with the job's next firing.
    fn index(&mut self, job_id: &str) {
        let Some(entry) = self.jobs.get_mut(job_id) else {
            return;
        };
        let next = entry
            .record
            .next
            .filter(|_| entry.job.is_some() && !self.served.contains(job_id));
        if entry.indexed == next {
            return;
        }
        if let Some(at) = entry.indexed {
            self.timeline.remove(&(at, job_id.to_owned()));
        }
        if let Some(at) = next {
            self.timeline.insert((at, job_id.to_owned()));
        }
        entry.indexed = next;
    }

    fn forget(&mut self, job_id: &str) {
        if let Some(entry) = self.jobs.remove(job_id)
            && let Some(at) = entry.indexed
        {
            self.timeline.remove(&(at, job_id.to_owned()));
        }
        self.batch.forget_job(job_id);
        self.tell(Notice::JobGone {
            job_id: job_id.to_owned(),
        });
    }

    fn shutdown(&mut self) {
        self.stopping = true;
        let running: Vec<u64> = self
            .runs
            .iter()
            .filter(|(_, run)| run.attempt.is_some())
            .map(|(number, _)| *number)
            .collect();
        for run in running {
            self.orders.push(Order::End {
                run,
                why: Ending::Shutdown,
            });
        }
    }

    fn tell(&mut self, notice: Notice) {
        self.orders.push(Order::Tell(Box::new(notice)));
    }
}
