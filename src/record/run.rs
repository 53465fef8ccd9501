//! A run: one row of the ledger for each due occurrence.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::PartRead;
use crate::job::JobResult;
use crate::job::kind::WorkKind;
use crate::keep::guard::Alarm;
use crate::keep::room::Room;
use crate::location::Location;
use crate::protocol::{DrillResult, OpenAlarm, Reclaim};

/// Why a run exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The schedule: its due instant has come.
    Schedule,
    /// A due instant was missed, or a run was interrupted.
    CatchUp,
    /// Somebody asked for a run with `trigger`.
    Manual,
}

impl Trigger {
    /// The word that people see in tables and logs.
    pub fn describe(self) -> &'static str {
        match self {
            Trigger::Schedule => "schedule",
            Trigger::CatchUp => "catch-up",
            Trigger::Manual => "by hand",
        }
    }
}

/// One row of the ledger: what became of a due occurrence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Counts up from 1 over all jobs. No number is used twice.
    pub number: u64,
    pub job_id: String,
    pub trigger: Trigger,
    /// The due instant that it stands for; the latest one if it stands for several.
    pub due: DateTime<Utc>,
    /// The earliest due instant that it stands for. Equal to `due` if it stands for one.
    pub first_due: DateTime<Utc>,
    /// How many due instants it stands for.
    pub covers: u64,
    pub state: RunState,
    /// When the row was created.
    pub claimed: DateTime<Utc>,
    /// When its first attempt started. `None` if none has.
    pub started: Option<DateTime<Utc>>,
    pub ended: Option<DateTime<Utc>>,
    pub result: Option<JobResult>,
    /// Why it was skipped, aborted or failed, as a sentence for people. While it goes on: its first failure.
    pub reason: Option<String>,
    /// What its next attempt waits for, as a sentence for people.
    #[serde(default)]
    pub waits_for: Option<String>,
    /// The interrupted run that this run repeats.
    pub makes_up_for: Option<u64>,
    /// The digest of the job's content that it runs ([`JobRecord::digest`](super::JobRecord::digest)).
    pub digest: String,
    /// The job's actions, in order.
    pub actions: Vec<ActionRecord>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum RunState {
    /// The next attempt waits for a slot or for its container.
    Queued {
        /// The index of the action, from 0.
        action: u32,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// An attempt is running.
    Running {
        /// The index of the action, from 0.
        action: u32,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// The last attempt failed, and the retry is not due yet.
    Waiting {
        /// The index of the action, from 0.
        action: u32,
        /// The number of the next attempt, from 2.
        attempt: u32,
        /// When the retry is due.
        until: DateTime<Utc>,
    },
    /// The run is over.
    Ended,
    /// The run never started. The row says why.
    Skipped,
    /// The daemon or the host stopped during the run.
    Interrupted,
}

impl RunState {
    /// True if the run has ended, in whatever way.
    pub fn is_over(self) -> bool {
        matches!(
            self,
            RunState::Ended | RunState::Skipped | RunState::Interrupted
        )
    }
}

/// What became of one action of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionRecord {
    /// `backup`, `restore`, …
    pub kind: String,
    /// `None` if it has not ended, or did not run because an earlier action failed.
    pub exit_status: Option<ExitStatus>,
    /// How many attempts were started.
    pub attempts: u32,
    /// It only shows what it would do.
    #[serde(default)]
    pub dry_run: bool,
    /// Where its container is; of a copy, the one that it writes to. `None`: a command, or a row of an older program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Location>,
    /// The name in `freezerd.toml` of the storage that the container is in. `None`: it is on this host, the job describes
    /// its storage itself, or the row is of an older program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// Its last attempt did everything except for some paths.
    #[serde(default)]
    pub partial: bool,
    /// How many bytes its attempts added to the container.
    #[serde(default)]
    pub bytes_added: u64,
    /// How many problems its last attempt reported: of a backup or a restore, paths that are missing; of a check, faults.
    #[serde(default)]
    pub problems: u64,
    /// Its snapshot looks as if the source were damaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Alarm>,
    /// The snapshots of its lineage with an alarm that nobody had accepted when it ended. `None`: it did not look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_alarms: Option<Vec<OpenAlarm>>,
    /// The part of a container's data that its last attempt read, if it is a check that read one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_read: Option<PartRead>,
    /// What its last attempt has found, if it is a drill that came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillResult>,
    /// The full id of the snapshot that its last attempt has stored or used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The snapshot that its last attempt has proved, by the full id that it had first, if it is a drill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<String>,
    /// The room on the disk of its container after its last attempt, if it is a backup to this host and enough is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<Room>,
    /// What its attempts have removed and left in the container, if it removes snapshots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reclaim: Option<Reclaim>,
    /// Its last attempt failed because a disk or a quota is full.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_space: bool,
    /// Its last attempt failed because its container is damaged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damaged: bool,
}

impl ActionRecord {
    /// How many paths its last attempt did not back up or restore. The problems of other kinds of work are not such paths.
    pub fn paths_missing(&self) -> u64 {
        let is_of_paths =
            [WorkKind::Backup.word(), WorkKind::Restore.word()].contains(&&*self.kind);
        match is_of_paths {
            true => self.problems,
            false => 0,
        }
    }
}

/// `exit_status` of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExitStatus {
    /// Everything is done.
    Success,
    /// Every other end.
    Fail,
}
