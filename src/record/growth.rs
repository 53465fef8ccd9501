//! What the backups of a job usually add to a container.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RunRecord;
use crate::job::kind::WorkKind;
use crate::location::Location;

/// What the backups of one run usually add to a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    pub container: Location,
    pub bytes: u64,
}

impl Growth {
    /// Takes over what the backups of a run that is over have found out. One that has found nothing changes nothing.
    pub fn note(known: &mut Vec<Growth>, row: &RunRecord) {
        // A row without actions was rebuilt.
        if row.actions.is_empty() {
            return;
        }
        let mut found: BTreeMap<&Location, Option<u64>> = BTreeMap::new();
        let actions = row.actions.iter();
        for action in actions.filter(|it| it.kind == WorkKind::Backup.word()) {
            if let Some(container) = &action.container {
                let sum = found.entry(container).or_insert(Some(0));
                let adds = action.room.map(|room| room.adds);
                *sum = sum.zip(adds).map(|(sum, adds)| sum.saturating_add(adds));
            }
        }
        // A container that the run did not back up to goes.
        known.retain(|it| found.get(&it.container) == Some(&None));
        known.extend(found.into_iter().filter_map(|(container, bytes)| {
            Some(Growth {
                container: container.clone(),
                bytes: bytes?,
            })
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keep::room::Room;
    use crate::record::ActionRecord;
    use crate::samples::{action_record, minute as at, run_record};

    #[test]
    fn what_backups_usually_add_is_known_until_the_job_moves_to_another_container() {
        let mut known = Vec::new();
        let mut after = |container: &str, adds: &[Option<u64>]| {
            let action = |adds: &Option<u64>| ActionRecord {
                container: Some(Location::Local(container.into())),
                room: adds.map(|adds| Room { free: 1, adds }),
                ..action_record()
            };
            let row = RunRecord {
                actions: adds.iter().map(action).collect(),
                ..run_record(7, "job", at(0))
            };
            Growth::note(&mut known, &row);
            let known = known.iter();
            known.map(|it| it.bytes).collect::<Vec<_>>()
        };
        assert_eq!(after("/a", &[Some(5), Some(6)]), [11], "both go there");
        assert_eq!(after("/a", &[Some(7), None]), [11], "one has failed");
        assert_eq!(after("/a", &[]), [11], "nothing is known of that run");
        assert_eq!(after("/b", &[None]), [0; 0]);
    }
}
