//! A run: one row of the ledger for each due occurrence.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::job::JobResult;

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
