//! What the receivers were told of a job.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::tell::message::Kind;

/// The trouble of a job that receivers were told of. It ends with a success.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// How the last run that counts went wrong. `None`: it did not.
    pub trouble: Option<Kind>,
    /// There is little room for the next backups, and receivers were told so. A trouble for lack of space is then only that.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub little_room: bool,
    /// The job is overdue.
    pub overdue: bool,
    /// The alarms that were told and wait for an answer: the ids that their snapshots had first.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub alarms: BTreeSet<String>,
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
