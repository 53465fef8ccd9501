//! A job file's bytes, turned into a valid [`Job`] or into diagnostics that say why not.
//!
//! Nothing here touches the file system or asks what time it is: the bytes and the host's particulars come in,
//! a value goes out.

use serde::{Deserialize, Serialize};

use crate::schedule::Schedule;
use crate::schedule::zone::Zone;

mod about;
pub mod action;
mod actions;
pub mod codes;
mod container;
mod decode;
pub mod diagnostic;
mod effective;
mod explain;
mod identity;
pub mod json;
pub mod keys;
mod lint;
mod parse;
pub mod render;
pub mod schema;
pub mod secret;
mod special;
mod timing;
mod values;
mod works;

use action::JobAction;
use diagnostic::Diagnostic;

pub use effective::{Effective, Origin, effective};
pub use explain::explain;
pub use identity::derived as derived_id;
pub use parse::{ACTION_LIMIT, SIZE_LIMIT, parse};

/// A valid job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Matches `[A-Za-z0-9_-]+`.
    pub id: String,
    /// The only host that runs this job; `None`: any.
    pub client_id: Option<String>,
    /// For people.
    pub description: String,
    /// What to do, in order.
    pub actions: Vec<JobAction>,
    /// When to do it.
    pub schedule: Schedule,
    /// What the file says of the job's state: where the job starts from when its content is first seen.
    pub initial: InitialState,
    /// The document as the file has it (without the `job` wrapper, keys in the file's order).
    pub document: serde_json::Value,
}

/// What a file says of a job's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitialState {
    /// `job_schedule.status`.
    pub status: Option<Status>,
    /// `job_schedule.event`.
    pub event: Option<Event>,
    /// `job_schedule.result`.
    pub result: Option<JobResult>,
    /// Unix seconds; absent and 0 are the same.
    pub time_created: Option<i64>,
    /// Unix seconds; absent and 0 are the same.
    pub time_started: Option<i64>,
    /// Unix seconds; absent and 0 are the same.
    pub time_ended: Option<i64>,
}

/// `job_schedule.status`. `completed` is read as `stop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not on its schedule.
    Stop,
    /// On its schedule.
    Scheduled,
    /// A run is going on.
    Running,
    /// A run is being ended.
    Aborting,
    /// Taken off for good.
    Removed,
}

/// `job_schedule.event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// Finish a run that is going on, then leave the schedule.
    Stop,
    /// (Back) on the schedule.
    Start,
    /// End a run that is going on, then leave the schedule.
    Abort,
    /// Finish a run that is going on, then be gone.
    Remove,
}

/// `job_schedule.result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobResult {
    /// Every action succeeded.
    Success,
    /// An action failed, or succeeded only in part.
    Fail,
    /// The run was aborted.
    Aborted,
}

/// What the host adds to a job file: defaults, and limits of its own.
#[derive(Clone, Debug)]
pub struct Host {
    /// The daemon's working directory: relative paths start here.
    pub working_dir: std::path::PathBuf,
    /// Where containers live that are given by a name.
    pub container_root: std::path::PathBuf,
    /// The host's name, recorded in snapshots unless the job says otherwise.
    pub host_name: String,
    /// The zone that dates without one are in.
    pub zone: Zone,
    /// Jobs with an `exec` action are refused.
    pub disable_exec: bool,
}

/// What became of a file: a job, where there was no error, and all that there is to say about it.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The job; `None` exactly when there is an error among the diagnostics.
    pub job: Option<Job>,
    /// The job's id as far as it can be told, also from a file with errors.
    pub job_id: Option<String>,
    /// Errors and warnings, in the file's order.
    pub diagnostics: Vec<Diagnostic>,
    /// Where in the file the job's parts stand, for what is told of several files together.
    pub places: Places,
}

/// Where in a file the parts of its job stand, bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The value of `job_id`, where there is one.
    pub job_id: Option<std::ops::Range<usize>>,
    /// What says when the job is due: the first key of the schedule.
    pub schedule: Option<std::ops::Range<usize>>,
    /// For each action of the job, the value of `backup_name`, else where the action begins.
    pub actions: Vec<std::ops::Range<usize>>,
}
