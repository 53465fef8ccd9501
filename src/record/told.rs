//! What the receivers were told of a job.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::tell::message::Kind;

/// The trouble of a job that receivers were told of. It ends with a success.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// How the last run that counts went wrong. `None`: it did not.
    pub trouble: Option<Kind>,
    /// The trouble is only that there is little room for the next backups.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub little_room: bool,
    /// The job is overdue.
    pub overdue: bool,
    /// Who was told of it, and when last.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub receivers: BTreeMap<String, DateTime<Utc>>,
}

impl Told {
    /// Whether there is nothing that a success would end.
    pub fn is_well(&self) -> bool {
        *self == Told::default()
    }
}
