//! What chooses the level of a backup.

use serde::{Deserialize, Serialize};

/// The keys that choose the level of a backup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// Read everything in every backup: level 0.
    pub no_incremental: bool,
    /// The highest level. The next backup has level 0.
    pub max_level: Option<u32>,
    /// The level at which backups stay. Their parent stays the last snapshot one level below.
    pub always_level: Option<u32>,
    /// The number of days after which a level 0 is followed by a new one.
    pub restart_always_level: Option<f64>,
}
