//! When a job is due: pure functions of a schedule, an instant and a zone.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// When a job is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {}

/// What is done about runs that were missed while the host or the daemon was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// One run for all that were missed, as soon as possible.
    Once,
    /// None.
    Skip,
    /// One run, if the newest missed one is not older than this.
    Within(Duration),
}

/// Instants that came due: several collapse into one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The earliest.
    pub first: DateTime<Utc>,
    /// The latest: the one that a run stands for.
    pub last: DateTime<Utc>,
    /// How many in all.
    pub count: u64,
}
