//! What the daemon and its agent say to each other: one request in on standard input, a line of JSON for each
//! report out on standard output. The agent's log goes to standard error as plain lines.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::job::action::Action;

/// The exit code of an agent that sent an [`Outcome`], whatever that outcome says. Any other end is a crash.
pub const AGENT_REPORTED: i32 = 0;

/// One action to perform: the only line on the agent's standard input. The pipe then stays open; its end means that
/// the daemon is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The job's id.
    pub job_id: String,
    /// The run's number, as people type it.
    pub run: u64,
    /// Names the run among all runs of all hosts, and is kept as a tag with the snapshot: `run:<ledger>-<number>`.
    pub run_tag: String,
    /// What may have finished the action's work already and was lost before it could say so: a backup that is found
    /// there is not repeated. The first one counts.
    #[serde(default)]
    pub earlier: Vec<Earlier>,
    /// Earlier runs of the job have kept snapshots in the action's container: a backup does not begin a new repository
    /// there, unless its action says so.
    #[serde(default)]
    pub expects_repository: bool,
    /// The action's place in the job, from 0.
    pub action_index: u32,
    /// The attempt, from 1.
    pub attempt: u32,
    /// What to do.
    pub action: Action,
    /// The result of the run's earlier actions, for a command's environment: `success` or `fail`.
    pub result_so_far: String,
    /// How long a command that was told to end may take before it is killed.
    pub grace: Duration,
}

/// A run that may have left a whole snapshot, which stands for a backup of now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// The run's tag: that of the request's own run stands for an earlier attempt.
    pub run_tag: String,
    /// A snapshot that was begun before this instant is too old.
    pub not_before: DateTime<Utc>,
}

/// One line on the agent's standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// How far the work is. Sent a few times a second at most.
    Progress(Progress),
    /// The container is in use by another process; the agent waits.
    Waiting {
        /// What it waits for, in words.
        reason: String,
    },
    /// The engine broke. The agent ends soon after, without an outcome.
    Panicked {
        /// What broke, in words fit for a person.
        message: String,
    },
    /// The end of the work. The last line.
    Outcome(Outcome),
}

/// How far the work is. Counts only grow; totals appear once they are known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done, one word or two: `scanning`, `backing up`, `restoring`, `pruning`.
    pub phase: String,
    /// Files done.
    pub files_done: u64,
    /// Files in all.
    pub files_total: Option<u64>,
    /// Bytes done.
    pub bytes_done: u64,
    /// Bytes in all.
    pub bytes_total: Option<u64>,
}

/// How an attempt ended, as the one who performed it saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not a success: one sentence that names the thing and the mend. `None` on success.
    pub reason: Option<String>,
    /// What was done, in numbers.
    pub summary: Summary,
    /// Paths that were not backed up, not restored or kept, each with its reason: the first ones.
    pub problems: Vec<Problem>,
    /// How many problems there were in all.
    pub problems_total: u64,
}

/// The verdict on one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was asked for is done.
    Success,
    /// A snapshot or a restored tree exists, but not everything is in it. Counts as a failure.
    Partial,
    /// It failed, and may succeed when tried again.
    Failed,
    /// It failed, and would fail again just so: a wrong password, a path that does not exist.
    FailedForGood,
}

/// One path, and what was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The path, with bytes that are not UTF-8 replaced.
    pub path: String,
    /// What was wrong.
    pub reason: String,
}

/// What an action did, in numbers. Those that do not apply are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// The snapshot that was made, restored, or newest in a list: its full id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// A backup's level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
    /// Files seen, or restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Files that were new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_new: Option<u64>,
    /// Files that had changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_changed: Option<u64>,
    /// Bytes seen, or restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes that the container grew by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_added: Option<u64>,
    /// Snapshots that were removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshots_removed: Option<u64>,
    /// Snapshots that are there (after removal).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<u64>,
    /// A command's exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
}
