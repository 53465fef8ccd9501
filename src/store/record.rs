//! What the ledger remembers: plain data, written as JSON behind a format byte.
//!
//! Instants are UTC with milliseconds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::job::{Event, InitialState, JobResult, Status};
use crate::protocol::Outcome;

mod past;

pub use past::{Ending, Past, PastRun, Rows};

/// A job, between and across the daemon's lives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The job.
    pub job_id: String,
    /// The file in the jobs directory that it comes from; `None`: it is gone, and so is the job once its run ends.
    pub file: Option<String>,
    /// SHA-256 of that file's last good content, hexadecimal.
    pub digest: String,
    /// That content: what stays scheduled while the file is bad.
    pub document: String,
    /// Whether the job is on its schedule.
    pub standing: Standing,
    /// A run that is claimed and has not ended.
    pub run: Option<OpenRun>,
    /// An event that waits for the end of the run.
    pub pending: Option<Event>,
    /// How the last run ended.
    pub result: Option<JobResult>,
    /// When the job was first seen, or what its file said.
    pub created: DateTime<Utc>,
    /// The start of the last run.
    pub started: Option<DateTime<Utc>>,
    /// The end of the last run.
    pub ended: Option<DateTime<Utc>>,
    /// The instant that the schedule counts from: the creation, the end of the last run of a continuous job.
    pub anchor: DateTime<Utc>,
    /// The last due instant that was dealt with: nothing at or before it is owed.
    pub handled: DateTime<Utc>,
    /// When the next run starts (the due instant and the job's jitter), if any is to come.
    pub next: Option<DateTime<Utc>>,
    /// Runs in a row that failed.
    pub failures: u32,
    /// Why the job is not on its schedule, in words.
    pub reason: Option<String>,
    /// What the content says of the state: only what a later content says differently is acted on.
    pub said: InitialState,
    /// What became of its runs, for those who watch over it.
    #[serde(default)]
    pub past: Past,
}

/// Whether a job is on its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is.
    OnSchedule,
    /// It ran out of firings.
    Finished,
    /// Somebody took it off.
    Stopped,
    /// Somebody took it off for good.
    Removed,
}

/// The run that a job is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRun {
    /// Its number.
    pub number: u64,
    /// False while it waits for its first slot.
    pub started: bool,
    /// Somebody asked for its end.
    pub aborting: bool,
}

impl JobRecord {
    /// The word that the contract has for this state.
    pub fn status(&self) -> Status {
        match (self.run, self.standing) {
            (Some(run), _) if run.aborting => Status::Aborting,
            (Some(run), _) if run.started => Status::Running,
            (_, Standing::OnSchedule) => Status::Scheduled,
            (_, Standing::Finished | Standing::Stopped) => Status::Stop,
            (_, Standing::Removed) => Status::Removed,
        }
    }
}

/// Why a run exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Its due instant came.
    Schedule,
    /// Its due instant had passed while nothing could run, or its run was interrupted.
    CatchUp,
    /// Somebody asked for one run more.
    Manual,
}

impl Trigger {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Trigger::Schedule => "schedule",
            Trigger::CatchUp => "catch-up",
            Trigger::Manual => "by hand",
        }
    }
}

/// What a row stands for. No two rows stand for the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The job.
    pub job_id: String,
    /// The due instant; the latest, where a row stands for several.
    pub due: DateTime<Utc>,
    /// In which sense.
    pub kind: ClaimKind,
}

/// In which sense a row stands for an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimKind {
    /// The schedule said so, whether it was run on time, caught up or skipped.
    Due,
    /// Somebody asked for it.
    Manual,
    /// A second try, after the first was interrupted.
    MakeUp,
}

impl ClaimKind {
    /// As in the ledger's keys.
    pub fn key(self) -> &'static str {
        match self {
            ClaimKind::Due => "due",
            ClaimKind::Manual => "manual",
            ClaimKind::MakeUp => "make_up",
        }
    }

    /// As in the ledger's keys.
    pub fn of_key(key: &str) -> Option<ClaimKind> {
        [ClaimKind::Due, ClaimKind::Manual, ClaimKind::MakeUp]
            .into_iter()
            .find(|kind| kind.key() == key)
    }

    /// Of a row with this trigger, that makes up for an interrupted run or not.
    pub fn of(trigger: Trigger, makes_up: bool) -> ClaimKind {
        match trigger {
            _ if makes_up => ClaimKind::MakeUp,
            Trigger::Schedule | Trigger::CatchUp => ClaimKind::Due,
            Trigger::Manual => ClaimKind::Manual,
        }
    }
}

impl RunRecord {
    /// What the row stands for.
    pub fn claim(&self) -> Claim {
        Claim {
            job_id: self.job_id.clone(),
            due: self.due,
            kind: ClaimKind::of(self.trigger, self.makes_up_for.is_some()),
        }
    }
}

/// One row of the ledger: what became of a due occurrence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Counts up from 1 over all jobs, never reused.
    pub number: u64,
    /// The job.
    pub job_id: String,
    /// Why the run exists.
    pub trigger: Trigger,
    /// The instant that it stands for.
    pub due: DateTime<Utc>,
    /// The earliest of the due instants that it stands for; `due` when it is one alone.
    pub first_due: DateTime<Utc>,
    /// How many due instants it stands for.
    pub covers: u64,
    /// Where the run is.
    pub state: RunState,
    /// When the row was made.
    pub claimed: DateTime<Utc>,
    /// When its first attempt started.
    pub started: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// How it ended.
    pub result: Option<JobResult>,
    /// Why it was skipped, aborted or failed, in words; while it goes on, its first failure.
    pub reason: Option<String>,
    /// What it waits for before its next attempt can start, in words.
    #[serde(default)]
    pub waits_for: Option<String>,
    /// The run whose interruption this one makes up for.
    pub makes_up_for: Option<u64>,
    /// The digest of the content that it runs.
    pub digest: String,
    /// The job's actions, in order.
    pub actions: Vec<ActionRecord>,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum RunState {
    /// An attempt waits for a slot or its container.
    Queued {
        /// The action's index.
        action: u32,
        /// The attempt, from 1.
        attempt: u32,
    },
    /// An attempt is running.
    Running {
        /// The action's index.
        action: u32,
        /// The attempt, from 1.
        attempt: u32,
    },
    /// The next attempt is not due yet.
    Waiting {
        /// The action's index.
        action: u32,
        /// The attempt to come.
        attempt: u32,
        /// When it is due.
        until: DateTime<Utc>,
    },
    /// Over.
    Ended,
    /// Over before it began: the row says why.
    Skipped,
    /// Over because the daemon or the host went away in the middle.
    Interrupted,
}

impl RunState {
    /// Nothing more will happen.
    pub fn is_over(self) -> bool {
        matches!(
            self,
            RunState::Ended | RunState::Skipped | RunState::Interrupted
        )
    }
}

/// An action's place in its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionRecord {
    /// `backup`, `restore`, …
    pub kind: String,
    /// How it ended; `None`: it has not, or it did not run because an earlier one failed.
    pub exit_status: Option<ExitStatus>,
    /// How many attempts were begun.
    pub attempts: u32,
    /// It only says what it would do.
    #[serde(default)]
    pub dry_run: bool,
    /// Of a backup: the path of its container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Its last attempt did everything but for some paths.
    #[serde(default)]
    pub partial: bool,
    /// Bytes that its attempts added to the container.
    #[serde(default)]
    pub bytes_added: u64,
    /// Paths that its last attempt did not back up, or not restore.
    #[serde(default)]
    pub problems: u64,
}

/// `exit_status` of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExitStatus {
    /// Everything asked for is done.
    Success,
    /// Anything else.
    Fail,
}

/// One attempt at one action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// The run.
    pub run: u64,
    /// The action's index.
    pub action: u32,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When its child was about to be started.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// How it ended.
    pub end: Option<AttemptEnd>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum AttemptEnd {
    /// The agent said so itself.
    Reported {
        /// What it said.
        outcome: Outcome,
    },
    /// It was ended because somebody aborted the run.
    Aborted,
    /// It took longer than its `timeout`.
    TimedOut,
    /// It showed no progress for as long as its `stall_timeout`.
    Stalled {
        /// That is so many seconds.
        seconds: f64,
    },
    /// The daemon was stopped, or the host or the daemon went down.
    Interrupted,
    /// The agent could not be started, or ended without a word.
    Crashed {
        /// What is known, in words.
        reason: String,
    },
}

/// What was asked of the daemon, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The event's own id.
    pub id: String,
    /// What was asked: `start`, `stop`, `abort`, `remove`, `trigger`.
    pub command: String,
    /// Of which job.
    pub job_id: String,
    /// By whom: a user name or id.
    pub by: String,
    /// When it was dealt with.
    pub handled: DateTime<Utc>,
    /// Whether it was carried out.
    pub accepted: bool,
    /// What it did, or why not, in one sentence.
    pub answer: String,
    /// The run that it made.
    pub run: Option<u64>,
}

/// What became of a file in the jobs directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its name.
    pub file: String,
    /// What it is.
    pub verdict: FileVerdict,
    /// When that was found out.
    pub seen: DateTime<Utc>,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum FileVerdict {
    /// A job that runs here.
    Loaded {
        /// Which.
        job_id: String,
    },
    /// A job of another host.
    Foreign {
        /// Which.
        job_id: String,
        /// Whose.
        client_id: String,
    },
    /// Not a valid job.
    Invalid {
        /// Which job it would be, as far as that can be told.
        job_id: Option<String>,
        /// The faults, drawn for a person.
        report: String,
        /// The first fault in one line.
        summary: String,
    },
}
