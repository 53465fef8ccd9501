//! A list of a container's snapshots, for a command: asked for and answered without a lock, so that it never waits.

use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::AgentLoss;
use crate::job::action::{Cache, Container};
use crate::location::Location;

/// Asks for the snapshots of a container. The agent takes no lock and changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListRequest {
    pub container: Container,
    /// Only snapshots of this host; `None`: of any.
    pub host: Option<String>,
    /// Only snapshots of this backup name; `None`: of any.
    pub backup_name: Option<String>,
    /// The cache of containers away from this host. `None`: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// Open the repository. Otherwise the agent only looks whether there is one, and lists nothing.
    pub open: bool,
}

/// One snapshot of a list. Numbers are `None` where its maker did not write them down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListedSnapshot {
    /// 64 hexadecimal digits.
    pub id: String,
    /// The id that it had first, if a tag was changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// When the backup began.
    pub time: DateTime<Utc>,
    /// The offset from UTC in which the time was written.
    #[serde(default)]
    pub offset_minutes: i16,
    pub host: String,
    /// Empty in snapshots that another program made.
    pub backup_name: String,
    /// `None` in snapshots that another program made.
    pub level: Option<u32>,
    pub paths: Vec<String>,
    pub tags: Vec<String>,
    /// Something could not be backed up, and the snapshot holds the rest.
    pub partial: bool,
    pub files: Option<u64>,
    pub bytes: Option<u64>,
    /// Bytes that the container grew by.
    pub bytes_added: Option<u64>,
}

/// A snapshot file that cannot be read. Nobody knows whose snapshot it was, so it is in every list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableSnapshot {
    /// 64 hexadecimal digits.
    pub id: String,
    /// What is wrong with which file.
    pub message: String,
}

/// The snapshots of a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Oldest first.
    pub snapshots: Vec<ListedSnapshot>,
    /// The snapshot files that are damaged.
    pub unreadable: Vec<UnreadableSnapshot>,
}

/// The end of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "list")]
pub enum ListEnd {
    /// All snapshots were reported.
    Complete,
    Failed {
        fault: ContainerFault,
        /// What happened, to what, and what to do about it.
        message: String,
    },
}

/// Why a container cannot be listed, as far as a command decides by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerFault {
    /// There is no repository yet.
    NoRepository {
        /// The directory that must exist before a backup can create one, if it is missing.
        missing_parent: Option<PathBuf>,
    },
    /// Something other than a repository is there.
    NotARepository,
    WrongPassword,
    /// The operating system refuses access.
    Denied,
    /// What the repository holds is not what it should be.
    Damaged,
    /// The repository has a version of the format that this program does not know.
    UnknownFormat,
    /// Another reason that stays until somebody changes something.
    Unusable,
    /// It may succeed later.
    Temporary,
}

/// Why there is no list. Displayed as a sentence for people.
#[derive(Debug)]
pub enum ListError {
    Container {
        fault: ContainerFault,
        message: String,
    },
    /// The agent did not come to the end of the list of the container at this place.
    Agent { place: Location, loss: AgentLoss },
}

impl fmt::Display for ListError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListError::Container { message, .. } => formatter.write_str(message),
            ListError::Agent { place, loss } => {
                write!(formatter, "cannot list the snapshots in {place}: {loss}")
            }
        }
    }
}
