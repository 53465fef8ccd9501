//! Which snapshots the drills of a job have proved.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::RunRecord;
use crate::location::Location;

/// The newest snapshot that a drill has restored, and found as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The place of the drill among the actions of the job, from 0.
    pub action: u32,
    pub container: Location,
    /// The full id that it had first: a new tag changes the id.
    pub snapshot: String,
    /// The end of the run.
    pub at: DateTime<Utc>,
}

impl Proof {
    /// Adds what a run that is over has proved. Each action of the job has one proof at most.
    pub fn note(proofs: &mut Vec<Proof>, row: &RunRecord) {
        // A row without actions was rebuilt.
        let (Some(at), false) = (row.ended, row.actions.is_empty()) else {
            return;
        };
        proofs.retain(|it| (it.action as usize) < row.actions.len());
        for (action, record) in (0..).zip(&row.actions) {
            if let (Some(snapshot), Some(container)) = (&record.proved, &record.container) {
                proofs.retain(|it| it.action != action);
                proofs.push(Proof {
                    action,
                    container: container.clone(),
                    snapshot: snapshot.clone(),
                    at,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ActionRecord;
    use crate::samples::{action_record, minute as at, run_record};

    #[test]
    fn the_newest_proof_of_each_drill_is_known() {
        let row = |number, ids: &[Option<&str>]| {
            let actions = ids.iter().map(|id| ActionRecord {
                container: Some(Location::Local("/c".into())),
                proved: id.map(str::to_owned),
                ..action_record()
            });
            RunRecord {
                ended: Some(at(60)),
                actions: actions.collect(),
                ..run_record(number, "job", at(0))
            }
        };
        let mut proofs = Vec::new();
        for (ids, expected) in [
            (&[Some("a"), None, Some("b")][..], &["a", "b"][..]),
            (&[Some("c"), None, None], &["b", "c"]),
            (&[None, None, None], &["b", "c"]),
            (&[], &["b", "c"]),
            (&[None], &["c"]),
        ] {
            Proof::note(&mut proofs, &row(1, ids));
            let mut known: Vec<&str> = proofs.iter().map(|it| it.snapshot.as_str()).collect();
            known.sort_unstable();
            assert_eq!(known, expected, "{ids:?}");
        }
    }
}
