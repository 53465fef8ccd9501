//! Which snapshots the backups of a job have stored last.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::RunRecord;
use crate::job::kind::WorkKind;
use crate::location::Location;

/// The newest snapshot that an action of the job has stored in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newest {
    /// The place of the backup among the actions of the job, from 0.
    pub action: u32,
    pub container: Location,
    /// The full id that it had then: a new tag changes the id.
    pub snapshot: String,
    /// The start of the run.
    pub at: DateTime<Utc>,
}

impl Newest {
    /// Adds what a run that is over has stored. It takes the place of what the same action has stored before. What another
    /// action or another container has goes.
    pub fn note(newest: &mut Vec<Newest>, row: &RunRecord) {
        // A row without actions was rebuilt.
        let (Some(at), false) = (row.started, row.actions.is_empty()) else {
            return;
        };
        newest.retain(|it| {
            let action = row.actions.get(it.action as usize);
            action.is_some_and(|action| action.container.as_ref() == Some(&it.container))
        });
        for (action, record) in (0..).zip(&row.actions) {
            let stores = record.kind == WorkKind::Backup.word() && !record.dry_run;
            if let (true, Some(snapshot), Some(container)) =
                (stores, &record.snapshot, &record.container)
            {
                newest.retain(|it| it.action != action);
                newest.push(Newest {
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
    fn the_newest_snapshot_of_each_action_is_known_while_the_action_keeps_its_container() {
        let mut newest = Vec::new();
        for (actions, expected) in [
            (&[("/c", Some("a")), ("/c", Some("b"))][..], &["a", "b"][..]),
            (&[("/c", None), ("/c", Some("d"))], &["a", "d"]),
            (&[], &["a", "d"]),
            (&[("/c", None), ("/e", None)], &["a"]),
            (&[("/e", Some("f")), ("/e", None)], &["f"]),
        ] {
            let record = |(place, stored): &(&str, Option<&str>)| ActionRecord {
                container: Some(Location::Local(place.into())),
                snapshot: stored.map(str::to_owned),
                ..action_record()
            };
            let row = RunRecord {
                started: Some(at(1)),
                actions: actions.iter().map(record).collect(),
                ..run_record(1, "job", at(0))
            };
            Newest::note(&mut newest, &row);
            let known: Vec<&str> = newest.iter().map(|it| it.snapshot.as_str()).collect();
            assert_eq!(known, expected, "{actions:?}");
        }
    }
}
