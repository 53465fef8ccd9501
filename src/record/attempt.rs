//! An attempt at one action of a run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::protocol::Outcome;

/// One attempt at one action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// The run.
    pub run: u64,
    /// The action's index.
    pub action: u32,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When its child was about to be started.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// How it ended.
    pub end: Option<AttemptEnd>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum AttemptEnd {
    /// The agent said so itself.
    Reported {
        /// What it said.
        outcome: Outcome,
    },
    /// It was ended because somebody aborted the run.
    Aborted,
    /// It took longer than its `timeout`.
    TimedOut,
    /// It showed no progress for as long as its `stall_timeout`.
    Stalled {
        /// That is so many seconds.
        seconds: f64,
    },
    /// The daemon was stopped, or the host or the daemon went down.
    Interrupted,
    /// The agent could not be started, or ended without a word.
    Crashed {
        /// What is known, in words.
        reason: String,
    },
}
