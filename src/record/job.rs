//! A job, between and across the daemon's lives.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::past::Past;
use crate::job::{Event, InitialState, JobResult, Status};

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
