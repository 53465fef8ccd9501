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
    /// The drill restored some of the files, and not all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sample: bool,
    /// The snapshot is partial.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

impl Proof {
    /// Adds what a run that is over has proved. A proof takes the place of earlier ones of the same action that say no more:
    /// a sample says less than all files, and a partial snapshot less than a whole one.
    pub fn note(proofs: &mut Vec<Proof>, row: &RunRecord) {
        // A row without actions was rebuilt.
        let (Some(at), false) = (row.ended, row.actions.is_empty()) else {
            return;
        };
        proofs.retain(|it| (it.action as usize) < row.actions.len());
        for (action, record) in (0..).zip(&row.actions) {
            if let (Some(snapshot), Some(container)) = (&record.proved, &record.container) {
                let drill = record.drill.as_ref();
                let proof = Proof {
                    action,
                    container: container.clone(),
                    snapshot: snapshot.clone(),
                    at,
                    sample: drill.is_some_and(|it| it.sample),
                    partial: drill.is_some_and(|it| it.partial),
                };
                proofs.retain(|it| it.action != action || it.says_more_than(&proof));
                proofs.push(proof);
            }
        }
    }
}

impl Proof {
    /// Whether something is proved by this one and not by the other one.
    fn says_more_than(&self, other: &Proof) -> bool {
        self.container != other.container
            || !self.sample && other.sample
            || !self.partial && other.partial
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::DrillResult;
    use crate::record::ActionRecord;
    use crate::samples::{action_record, drill_result, minute as at, run_record};

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

    #[test]
    fn a_sample_and_a_partial_snapshot_take_the_place_of_no_proof_that_says_more() {
        let mut proofs = Vec::new();
        for (id, sample, partial, expected) in [
            ("a", false, false, &["a"][..]),
            ("b", true, false, &["a", "b"]),
            ("c", false, true, &["a", "b", "c"]),
            ("d", true, true, &["a", "b", "c", "d"]),
            ("e", true, false, &["a", "c", "e"]),
            ("f", false, false, &["f"]),
        ] {
            let action = ActionRecord {
                container: Some(Location::Local("/c".into())),
                proved: Some(id.to_owned()),
                drill: Some(DrillResult {
                    sample,
                    partial,
                    ..drill_result()
                }),
                ..action_record()
            };
            let row = RunRecord {
                ended: Some(at(60)),
                actions: vec![action],
                ..run_record(1, "job", at(0))
            };
            Proof::note(&mut proofs, &row);
            let mut known: Vec<&str> = proofs.iter().map(|it| it.snapshot.as_str()).collect();
            known.sort_unstable();
            assert_eq!(known, expected, "{id}");
        }
    }
}
