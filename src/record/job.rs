//! What is remembered of a job, over restarts of the daemon.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::past::Past;
use super::told::Told;
use crate::job::{Event, InitialState, JobResult, Status};

/// What is remembered of a job, over restarts of the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    pub job_id: String,
    /// The name of its file in the jobs directory. `None` if the file was deleted: the job goes when its run ends.
    pub file: Option<String>,
    /// SHA-256 of the last valid content of the file, in hexadecimal.
    pub digest: String,
    /// The last valid content of the file. It stays in effect while the file is invalid.
    pub document: String,
    pub standing: Standing,
    /// The run that is claimed and has not ended.
    pub run: Option<OpenRun>,
    /// An event that waits for the end of the run.
    pub pending: Option<Event>,
    /// How the last run ended.
    pub result: Option<JobResult>,
    /// When the job was first read, or the `time_created` of its file.
    pub created: DateTime<Utc>,
    /// The start of the last run.
    pub started: Option<DateTime<Utc>>,
    /// The end of the last run.
    pub ended: Option<DateTime<Utc>>,
    /// The instant that an interval counts from: when the job was created, or, for a continuous job, when its last run
    /// ended.
    pub anchor: DateTime<Utc>,
    /// The last due instant that was dealt with. No instant at or before it is owed.
    pub handled: DateTime<Utc>,
    /// When the next run starts: the due instant plus the job's jitter. `None` if no run is to come.
    pub next: Option<DateTime<Utc>>,
    /// How many runs failed since the last success.
    pub failures: u32,
    /// Why the job is not on its schedule, as a sentence for people.
    pub reason: Option<String>,
    /// The state that the content of the file asks for. A later content has an effect only where it asks for another
    /// state.
    pub said: InitialState,
    /// How old the last success may become, in seconds: the `max_age` of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// When this ledger first had the job. `None`: an older program wrote the record, and `created` stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<DateTime<Utc>>,
    /// What receivers were told of it.
    #[serde(default, skip_serializing_if = "Told::is_well")]
    pub told: Told,
    /// How its past runs ended, for monitoring.
    #[serde(default)]
    pub past: Past,
}

/// Whether a job is on its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    OnSchedule,
    /// No firing is to come.
    Finished,
    /// Somebody stopped it, or it was aborted.
    Stopped,
    /// Somebody removed it. Its file is still there.
    Removed,
}

/// The run of a job that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRun {
    pub number: u64,
    /// False while it waits for its first start.
    pub started: bool,
    /// Somebody asked to abort it.
    pub aborting: bool,
    /// When its row was made. `None`: an older program wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
}

impl JobRecord {
    /// From when on the job is overdue by its `max_age`: its last success, or the moment at which it was first seen, is
    /// then older. `None` for a job without `max_age`, and for one that somebody took off its schedule.
    pub fn too_old_at(&self) -> Option<DateTime<Utc>> {
        let age = TimeDelta::try_seconds(i64::try_from(self.max_age?).ok()?)?;
        let by_hand = matches!(self.standing, Standing::Stopped | Standing::Removed);
        if by_hand && self.run.is_none() {
            return None;
        }
        let known = self.first_seen.unwrap_or(self.created);
        let from = self.past.last_success.unwrap_or(known);
        from.checked_add_signed(age)
    }

    /// The `status` of the job, in the sense of the job file.
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
