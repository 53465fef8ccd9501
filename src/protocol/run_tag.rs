//! The name of a run among the runs of all hosts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `<the ledger's id>-<the run's number>`. It is in the environment of all processes of the run, and in the tags of
/// its snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunTag(String);

impl RunTag {
    /// The tag of a run of the ledger with this id.
    pub fn new(ledger_id: &str, run: u64) -> Self {
        RunTag(format!("{ledger_id}-{run}"))
    }

    /// For an action that a person starts without a daemon: it is not a run of a ledger.
    pub fn by_hand() -> Self {
        RunTag("by-hand".to_owned())
    }

    /// The tag of the snapshots that one action of the run makes: `run:<run tag>/<action index>`. It has the index so
    /// that two backups of one job can be told apart.
    pub fn snapshot_tag(&self, action_index: u32) -> String {
        format!("run:{}/{action_index}", self.0)
    }
}

impl fmt::Display for RunTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_tagged_with_its_run_and_its_action() {
        let tag = RunTag::new("8f2c", 17);
        assert_eq!(tag.to_string(), "8f2c-17");
        assert_eq!(tag.snapshot_tag(2), "run:8f2c-17/2");
        assert_eq!(serde_json::to_string(&tag).unwrap(), r#""8f2c-17""#);
    }
}
