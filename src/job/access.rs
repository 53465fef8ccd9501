//! How an action shares its container with other actions.

use serde::{Deserialize, Serialize};

/// How an action shares its container with other actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Others may read snapshots and write new ones at the same time.
    Shared,
    /// Nobody else may use the container: the action removes snapshots.
    Exclusive,
}
