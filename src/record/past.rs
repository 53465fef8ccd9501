//! What became of a job's runs, for those who watch over it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What became of a job's runs: kept with the job, so that it outlives the rows that it was gathered from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Past {
    /// The end of the last run that succeeded, and was no dry run.
    pub last_success: Option<DateTime<Utc>>,
    /// The earliest due instant that no success has followed.
    pub owed_since: Option<DateTime<Utc>>,
    /// The last run that was begun and is over.
    pub last_run: Option<PastRun>,
    /// The containers of the last run in which runs of the job have kept snapshots, as paths.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub containers: BTreeSet<String>,
    /// Rows that are over, by how they ended.
    pub rows: Rows,
}

/// The last run that was begun and is over, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    /// The run.
    pub number: u64,
    /// How it ended.
    pub ending: Ending,
    /// When its first attempt started.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// Bytes that its containers grew by.
    pub bytes_added: u64,
    /// Paths that were not backed up, or not restored.
    pub problems: u64,
}

/// How a row ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Everything asked for is done.
    Success,
    /// It failed only in that something is missing in a backup or a restore.
    Partial,
    /// It failed.
    Fail,
    /// Somebody ended it.
    Aborted,
    /// The daemon or the host went away in the middle.
    Interrupted,
    /// It was not begun.
    Skipped,
}

impl Ending {
    /// In one word, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Success => "success",
            Ending::Partial => "partial",
            Ending::Fail => "fail",
            Ending::Aborted => "aborted",
            Ending::Interrupted => "interrupted",
            Ending::Skipped => "skipped",
        }
    }
}

/// How many rows of a job are over, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rows {
    /// Of [`Ending::Success`].
    pub success: u64,
    /// Of [`Ending::Partial`].
    pub partial: u64,
    /// Of [`Ending::Fail`].
    pub fail: u64,
    /// Of [`Ending::Aborted`].
    pub aborted: u64,
    /// Of [`Ending::Interrupted`].
    pub interrupted: u64,
    /// Of [`Ending::Skipped`].
    pub skipped: u64,
}

impl Rows {
    /// The count of one ending.
    pub fn of(&mut self, ending: Ending) -> &mut u64 {
        match ending {
            Ending::Success => &mut self.success,
            Ending::Partial => &mut self.partial,
            Ending::Fail => &mut self.fail,
            Ending::Aborted => &mut self.aborted,
            Ending::Interrupted => &mut self.interrupted,
            Ending::Skipped => &mut self.skipped,
        }
    }
}
