//! An attempt at one action of a run.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::protocol::{Outcome, Verdict};
use crate::units;

/// One attempt at one action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    pub run: u64,
    /// The index of the action in its job, from 0.
    pub action: u32,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// When the daemon was about to start its agent.
    pub started: DateTime<Utc>,
    pub ended: Option<DateTime<Utc>>,
    pub end: Option<AttemptEnd>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum AttemptEnd {
    /// The agent reported its outcome.
    Reported { outcome: Box<Outcome> },
    /// Somebody aborted the run.
    Aborted,
    /// It took longer than its `timeout`.
    TimedOut,
    /// It made no progress for as long as its `stall_timeout`.
    Stalled {
        /// The `stall_timeout` in seconds.
        seconds: f64,
    },
    /// The daemon or the host stopped.
    Interrupted,
    /// The agent could not be started, or ended without an outcome.
    Crashed {
        /// What is known of the cause, as a sentence for people.
        reason: String,
    },
}

impl AttemptEnd {
    /// Why the attempt at an action of this kind did not succeed, for people: `backup: took longer than its timeout`.
    /// `None` where it did succeed.
    pub fn failure(&self, kind: &str) -> Option<String> {
        let why = match self {
            AttemptEnd::Reported { outcome } if outcome.verdict == Verdict::Success => return None,
            AttemptEnd::Reported { outcome } => outcome
                .reason
                .clone()
                .unwrap_or_else(|| "it failed without a reason".to_owned()),
            AttemptEnd::Aborted => "aborted".to_owned(),
            AttemptEnd::TimedOut => "took longer than its timeout".to_owned(),
            AttemptEnd::Stalled { seconds } => format!(
                "no progress for {}, its stall_timeout",
                units::duration(Duration::try_from_secs_f64(*seconds).unwrap_or_default())
            ),
            AttemptEnd::Interrupted => "interrupted".to_owned(),
            AttemptEnd::Crashed { reason } => reason.clone(),
        };
        Some(format!("{kind}: {why}"))
    }
}
