//! What the scheduler has to tell people, as data. Told only once it is committed.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::job::JobResult;
use crate::record::{AttemptEnd, Trigger};

pub mod line;

/// One thing worth a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A job was loaded, or changed.
    JobLoaded {
        /// The job.
        job_id: String,
        /// Its file.
        file: String,
        /// When it runs, in words.
        schedule: String,
        /// When it runs next.
        next: Option<DateTime<Utc>>,
        /// Why it does not, where it does not.
        reason: Option<String>,
        /// It was known before, with other content.
        changed: bool,
        /// How much about it is likely not as meant.
        warnings: usize,
    },
    /// A file is not a valid job.
    FileInvalid {
        /// The file.
        file: String,
        /// The faults, drawn.
        report: String,
        /// The job that goes on with its last good content.
        keeps: Option<String>,
    },
    /// A file is another host's job.
    FileForeign {
        /// The file.
        file: String,
        /// The job.
        job_id: String,
        /// Whose.
        client_id: String,
    },
    /// A job's file is gone.
    JobGone {
        /// The job.
        job_id: String,
    },
    /// A run started.
    RunStarted {
        /// The job.
        job_id: String,
        /// The run.
        run: u64,
        /// Why it runs.
        trigger: Trigger,
        /// What it stands for.
        due: DateTime<Utc>,
        /// How many due instants that are.
        covers: u64,
    },
    /// A run has to wait before it can go on.
    RunWaits {
        /// The job.
        job_id: String,
        /// The run.
        run: u64,
        /// For what.
        reason: String,
    },
    /// Many more runs have to wait than are named one by one.
    MoreWait {
        /// How many more.
        runs: usize,
    },
    /// An attempt started.
    AttemptStarted {
        /// The job.
        job_id: String,
        /// The run.
        run: u64,
        /// `backup`, `restore`, …
        kind: String,
        /// What it works on, in words.
        about: String,
        /// The action, from 1.
        action: u32,
        /// How many actions the run has.
        actions: u32,
        /// The attempt, from 1.
        attempt: u32,
        /// How many there may be.
        attempts: u32,
    },
    /// An attempt ended.
    AttemptEnded {
        /// The job.
        job_id: String,
        /// The run.
        run: u64,
        /// `backup`, `restore`, …
        kind: String,
        /// How it ended.
        end: AttemptEnd,
        /// How long it took.
        took: Duration,
        /// When the next attempt comes, if one does.
        retry: Option<DateTime<Utc>>,
    },
    /// A run ended.
    RunEnded {
        /// The job.
        job_id: String,
        /// The run.
        run: u64,
        /// How.
        result: JobResult,
        /// It was cut off.
        interrupted: bool,
        /// Why it is not a success.
        reason: Option<String>,
        /// How long it took.
        took: Duration,
        /// When the job runs next.
        next: Option<DateTime<Utc>>,
    },
    /// An occurrence is not run.
    Skipped {
        /// The job.
        job_id: String,
        /// The row that says so.
        run: u64,
        /// The occurrence.
        due: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Somebody asked for something.
    Asked {
        /// The job.
        job_id: String,
        /// What.
        command: String,
        /// Who.
        by: String,
        /// What came of it.
        answer: String,
        /// Whether it was carried out.
        accepted: bool,
    },
    /// The administrator should know.
    Warning(String),
}
