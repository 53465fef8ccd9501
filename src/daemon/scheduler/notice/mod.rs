//! What the scheduler reports to people, as data. A notice leaves only after its changes are committed.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::job::JobResult;
use crate::record::{AttemptEnd, Trigger};

pub mod line;

/// One thing worth a line in the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A job was loaded, or its content changed.
    JobLoaded {
        job_id: String,
        file: String,
        /// When the job runs, in words.
        schedule: String,
        next: Option<DateTime<Utc>>,
        /// Why the job is not on its schedule, if so.
        reason: Option<String>,
        /// The job was known before, with other content.
        changed: bool,
        /// How many warnings the file has.
        warnings: usize,
    },
    /// A file is not a valid job.
    FileInvalid {
        file: String,
        /// The errors, as `freezerd check` shows them.
        report: String,
        /// The job that goes on with its last good content.
        keeps: Option<String>,
    },
    /// A file is a job of another host.
    FileForeign {
        file: String,
        job_id: String,
        /// The host's client id.
        client_id: String,
    },
    /// The file of a job was deleted, and the job with it.
    JobGone { job_id: String },
    /// The first attempt of a run starts.
    RunStarted {
        job_id: String,
        run: u64,
        trigger: Trigger,
        /// The last due instant that the run stands for.
        due: DateTime<Utc>,
        /// How many due instants the run stands for.
        covers: u64,
    },
    /// A run has to wait before it can go on.
    RunWaits {
        job_id: String,
        run: u64,
        /// What it waits for.
        reason: String,
    },
    /// More runs wait than are named one by one.
    MoreWait {
        /// How many more.
        runs: usize,
    },
    /// The daemon starts an agent for an attempt.
    AttemptStarted {
        job_id: String,
        run: u64,
        /// The kind of the action: `backup`, `restore`, …
        kind: String,
        /// What the action works on, in words.
        about: String,
        /// The action, from 1.
        action: u32,
        /// How many actions the run has.
        actions: u32,
        /// The attempt, from 1.
        attempt: u32,
        /// How many attempts are allowed.
        attempts: u32,
    },
    /// The agent of an attempt is gone, and how the attempt ended is known.
    AttemptEnded {
        job_id: String,
        run: u64,
        /// The kind of the action: `backup`, `restore`, …
        kind: String,
        end: AttemptEnd,
        took: Duration,
        /// The instant of the next attempt, if there is one.
        retry: Option<DateTime<Utc>>,
    },
    /// The row of a run is closed.
    RunEnded {
        job_id: String,
        run: u64,
        result: JobResult,
        /// The run was cut off.
        interrupted: bool,
        /// Why the result is not a success.
        reason: Option<String>,
        took: Duration,
        /// The job's next firing.
        next: Option<DateTime<Utc>>,
    },
    /// An occurrence is not run.
    Skipped {
        job_id: String,
        /// The number of the row that says so.
        run: u64,
        due: DateTime<Utc>,
        reason: String,
    },
    /// An event file was answered.
    Asked {
        /// Empty: it was not about a job.
        job_id: String,
        /// `start`, `stop`, …
        command: String,
        /// The user who asked.
        by: String,
        answer: String,
        accepted: bool,
    },
    /// Something that the administrator should know.
    Warning(String),
}
