//! A request to the daemon, and its answer.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A request to the daemon, and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The id of the event, which begins with its time.
    pub id: String,
    /// `start`, `stop`, `abort`, `remove`, `trigger`, `notify` or `accept`.
    pub command: String,
    /// Empty: it is not about a job.
    pub job_id: String,
    /// Who asked: a user name, or an id if the user has no name.
    pub by: String,
    /// When the daemon handled it.
    pub handled: DateTime<Utc>,
    /// True if the daemon carried it out.
    pub accepted: bool,
    /// What the daemon did, or why it refused, as a sentence for people.
    pub answer: String,
    /// The run that a `trigger` created.
    pub run: Option<u64>,
}
