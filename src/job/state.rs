//! What a job file says about the state of its job, in Freezer's words.

use serde::{Deserialize, Serialize};

use super::words::WordOf;

/// The state that a job starts from when its content is first seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitialState {
    pub status: Option<Status>,
    pub event: Option<Event>,
    pub result: Option<JobResult>,
    /// Unix seconds. Zero in the file means `None`, as in the two fields below.
    pub time_created: Option<i64>,
    pub time_started: Option<i64>,
    pub time_ended: Option<i64>,
}

/// `job_schedule.status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Stop,
    Scheduled,
    Running,
    Aborting,
    Removed,
}

impl Status {
    pub(super) const WORDS: &'static [WordOf<Status>] = &[
        ("stop", Status::Stop, "not on its schedule"),
        ("scheduled", Status::Scheduled, "on its schedule"),
        ("running", Status::Running, "a run is going on"),
        ("aborting", Status::Aborting, "a run is being ended"),
        ("removed", Status::Removed, "taken off for good"),
        // Freezer writes this word too.
        ("completed", Status::Stop, "the same as `stop`"),
    ];
}

/// `job_schedule.event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    Stop,
    Start,
    Abort,
    Remove,
}

impl Event {
    pub(super) const WORDS: &'static [WordOf<Event>] = &[
        (
            "stop",
            Event::Stop,
            "finish a run that is going on, then leave the schedule",
        ),
        ("start", Event::Start, "go back on the schedule"),
        (
            "abort",
            Event::Abort,
            "end a run that is going on, then leave the schedule",
        ),
        (
            "remove",
            Event::Remove,
            "finish a run that is going on, then remove the job",
        ),
    ];
}

/// `job_schedule.result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobResult {
    /// Every action succeeded.
    Success,
    /// An action failed, or succeeded only in part.
    Fail,
    Aborted,
}

impl JobResult {
    pub(super) const WORDS: &'static [WordOf<JobResult>] = &[
        ("success", JobResult::Success, "every action succeeded"),
        ("fail", JobResult::Fail, "an action failed"),
        ("aborted", JobResult::Aborted, "the run was aborted"),
    ];
}
