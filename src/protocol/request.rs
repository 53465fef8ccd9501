//! What an agent is asked to do.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ListRequest, RunTag};
use crate::job::action::{Action, Bandwidth, Cache};
use crate::job::prune_budget::{PruneBudget, Waste};

/// What an agent is started for: the first line on its standard input. The pipe then stays open. Its end tells the agent
/// that nobody waits for it any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    Perform(Box<Request>),
    List(Box<ListRequest>),
}

/// One action to perform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub job_id: String,
    /// The run's number, as people type it; 0 where a person asks directly.
    pub run: u64,
    pub run_tag: RunTag,
    /// Runs that may have finished this action already and were lost before they could report it. The agent does not
    /// repeat a backup that it finds there. The first one counts.
    #[serde(default)]
    pub earlier: Vec<Earlier>,
    /// Earlier runs of the job have kept snapshots in the action's container. A backup then does not create a new
    /// repository there, unless its action says so.
    #[serde(default)]
    pub expects_repository: bool,
    /// The snapshots that a backup of the job has stored last in the action's container, where the action is a backup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub newest: Vec<Stored>,
    /// Snapshots in the action's container that drills have proved, by the full ids that they had first. The newest of each
    /// lineage is not removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proved: Vec<String>,
    /// What drills of this host have proved in the action's container, for a backup to tell of. `None`: no job has a drill of
    /// this lineage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drilled: Option<Vec<Drilled>>,
    /// When a removal that is not told it by its action prunes the container.
    #[serde(default, skip_serializing_if = "PruneBudget::is_usual")]
    pub prune_budget: PruneBudget,
    /// What is known of the waste in the action's container, where the action removes snapshots.
    #[serde(default, skip_serializing_if = "Waste::is_unknown")]
    pub waste: Waste,
    /// Directories around and in which a restore deletes nothing: the state directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<PathBuf>,
    /// The cache of containers away from this host. `None`: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// For how long a server that cannot be reached at the beginning is waited for, unless its storage says it. `None`: a
    /// person asks directly, and it is not waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_wait: Option<Duration>,
    /// The limits of the settings on the data to and from containers that are not on this host. What the action or the
    /// storage says comes first.
    #[serde(default, skip_serializing_if = "Bandwidth::is_unset")]
    pub bandwidth: Bandwidth,
    /// The zone in which the windows of all limits are read. `None`: the zone of this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The clock of this host shows a later time than it can be, as far as the daemon knows. Nothing is removed by its
    /// age then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clock_in_doubt: bool,
    /// The action's index in the job, from 0.
    pub action_index: u32,
    /// The part of the data that a rolling check reads, from 1. `None`: the action is not such a check, or a person asks
    /// directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_part: Option<u32>,
    /// From 1.
    pub attempt: u32,
    pub action: Action,
    /// The result of the run's earlier actions, for a command's environment: `success` or `fail`.
    pub result_so_far: String,
    /// How long a command may take to end, once it is asked to, before it is killed.
    pub grace: Duration,
}

/// A snapshot that a backup has stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The full id that it had then.
    pub snapshot: String,
    /// The start of the backup's run.
    pub at: DateTime<Utc>,
}

/// A snapshot that a drill has proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drilled {
    /// The full id that it had first.
    pub snapshot: String,
    /// The end of the drill's run.
    pub at: DateTime<Utc>,
}

/// A run that may have left a whole snapshot, which then stands for a backup of now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// The tag of the request's own run stands for an earlier attempt.
    pub run_tag: RunTag,
    /// A snapshot that was begun before this instant is too old.
    pub not_before: DateTime<Utc>,
}
