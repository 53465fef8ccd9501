//! What an agent tells while it works.

use serde::{Deserialize, Serialize};

use super::{Changes, ListEnd, ListedSnapshot, Outcome, UnreadableSnapshot};

/// One line on the agent's standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// How far the work is. Sent a few times a second at most.
    Progress(Progress),
    /// Another process uses the container, and the agent waits for it.
    Waiting {
        /// What it waits for, for people.
        reason: String,
    },
    /// A request to a server has failed, and the agent tries it again.
    Retrying {
        /// What failed, for people.
        reason: String,
    },
    /// The agent does nothing but wait for the network, and needs no slot for that.
    SlotReturned,
    /// The agent can go on, and waits for a slot. The answer is an empty line on its standard input.
    SlotWanted,
    /// The engine panicked. The agent ends soon after, without an outcome.
    Panicked {
        /// What broke, for people.
        message: String,
    },
    /// What a backup has found changed. Its snapshot is there.
    Changes(Box<Changes>),
    /// The end of an action, and the last line.
    Outcome(Outcome),
    /// One snapshot of a list, oldest first.
    Snapshot(ListedSnapshot),
    /// A snapshot file that cannot be read: the list may lack it.
    UnreadableSnapshot(UnreadableSnapshot),
    /// The end of a list, and the last line.
    ListEnd(ListEnd),
}

/// How far the work is. Counts only grow. Totals appear once they are known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What the agent does now, in one word or two: `scanning`, `backing up`, `restoring`, `pruning`.
    pub phase: String,
    pub files_done: u64,
    pub files_total: Option<u64>,
    pub bytes_done: u64,
    pub bytes_total: Option<u64>,
    /// `None`: nothing went over a line, and in reports of an older agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
}

/// What went over the line to and from containers away from this host since the attempt began. What had to be sent again
/// counts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// In bytes.
    pub sent: u64,
    /// In bytes.
    pub received: u64,
    /// Of the last seconds.
    pub sent_per_second: u64,
    /// Of the last seconds.
    pub received_per_second: u64,
}
