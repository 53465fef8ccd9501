//! How the past runs of a job ended, for monitoring.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ContainerWaste, DataCheck, Growth, Newest, PastAlarms, PastDrill, Proof};
use crate::location::Location;

/// How the past runs of a job ended. It is kept with the job, so it survives when old rows are deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Past {
    /// When the last run succeeded. A dry run does not count.
    pub last_success: Option<DateTime<Utc>>,
    /// The earliest due instant that no success has followed. `None` if nothing is owed.
    pub owed_since: Option<DateTime<Utc>>,
    /// The newest run that started and ended.
    pub last_run: Option<PastRun>,
    /// The containers of the last run, as far as runs of the job have stored snapshots in them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub containers: BTreeSet<Location>,
    /// What the checks of the job have read, for each container that the last run checked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_checks: Vec<DataCheck>,
    /// What its backups usually add to the containers on this host, as far as the last run has found that out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub growth: Vec<Growth>,
    /// The newest drill of the job that was not a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_drill: Option<PastDrill>,
    /// What its backups have stored last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub newest: Vec<Newest>,
    /// What the drills of the job have proved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
    /// The alarms of guards that nobody has accepted.
    #[serde(skip_serializing_if = "PastAlarms::is_empty")]
    pub alarms: PastAlarms,
    /// What its removals have left, for each container that the last run may have removed snapshots from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waste: Vec<ContainerWaste>,
    /// How many runs ended, for each way to end.
    pub rows: Rows,
}

/// The newest run that started and ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    pub number: u64,
    pub ending: Ending,
    /// The start of its first attempt.
    pub started: DateTime<Utc>,
    pub ended: DateTime<Utc>,
    /// How many bytes it added to its containers.
    pub bytes_added: u64,
    /// How many paths it did not back up or restore.
    pub problems: u64,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every action succeeded.
    Success,
    /// The only failure is that paths are missing in a backup or a restore.
    Partial,
    /// An action failed in another way.
    Fail,
    /// Somebody aborted it.
    Aborted,
    /// The daemon or the host stopped during the run.
    Interrupted,
    /// It never started.
    Skipped,
}

impl Ending {
    /// The word for it in JSON and in metrics.
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

/// How many runs of a job ended, for each [`Ending`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rows {
    pub success: u64,
    pub partial: u64,
    pub fail: u64,
    pub aborted: u64,
    pub interrupted: u64,
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
