//! What was asked of the daemon, and the answer.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

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
