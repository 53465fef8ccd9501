//! What a job knows of the prunes of its containers.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::record::ContainerWaste;

/// What a job knows of the prunes of a container from which it removes snapshots.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PruneStatus {
    pub container: String,
    /// The name of its storage in `freezerd.toml`; absent if it is not in one, or if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// When a run of the job has pruned it last; `null`: none has.
    pub pruned: Option<DateTime<Utc>>,
    /// How many snapshots the job has removed since.
    pub snapshots_removed: u64,
    /// The bytes that these had added; `null`: it is not known.
    pub bytes_removed: Option<u64>,
}

impl PruneStatus {
    pub(super) fn of(waste: &ContainerWaste) -> PruneStatus {
        PruneStatus {
            container: waste.container.to_string(),
            storage: waste.storage.clone(),
            pruned: waste.pruned,
            snapshots_removed: waste.snapshots,
            bytes_removed: waste.bytes,
        }
    }
}
