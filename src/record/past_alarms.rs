//! The alarms of a job's guards that nobody has accepted.

use serde::{Deserialize, Serialize};

use super::RunRecord;
use crate::protocol::OpenAlarm;

/// The alarms of a job's guards that nobody has accepted. Each backup that ends says which there are in its lineage, and
/// `freezerd accept` says which there are no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PastAlarms {
    /// Each with the place of its backup among the actions of the job, from 0.
    open: Vec<(u32, OpenAlarm)>,
    /// What was accepted since the run began that is not over: its backup may not have seen that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accepted: Vec<OpenAlarm>,
}

impl PastAlarms {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == PastAlarms::default()
    }

    /// Each alarm, by action.
    pub fn iter(&self) -> impl Iterator<Item = &OpenAlarm> {
        self.open.iter().map(|(_, alarm)| alarm)
    }

    /// Takes over what the backups of a run that is over have seen.
    pub fn note(&mut self, row: &RunRecord) {
        let accepted = std::mem::take(&mut self.accepted);
        // A row without actions was rebuilt, and says nothing.
        if row.actions.is_empty() {
            return;
        }
        let actions = row.actions.len();
        self.open.retain(|(action, _)| (*action as usize) < actions);
        for (action, record) in (0..).zip(&row.actions) {
            let Some(seen) = &record.open_alarms else {
                continue;
            };
            self.open.retain(|(known, _)| *known != action);
            let seen = seen.iter().filter(|alarm| !accepted.contains(alarm));
            self.open.extend(seen.map(|alarm| (action, alarm.clone())));
        }
    }

    /// Somebody has accepted these. `is_running`: a run of the job is not over.
    pub fn accept(&mut self, alarms: &[OpenAlarm], is_running: bool) {
        self.open.retain(|(_, open)| !alarms.contains(open));
        if is_running {
            self.accepted.extend_from_slice(alarms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keep::guard::Alarm;
    use crate::location::Location;
    use crate::record::ActionRecord;
    use crate::samples::{action_record, minute as at, run_record};

    fn alarm(snapshot: &str) -> OpenAlarm {
        OpenAlarm {
            container: Location::Local("/c".into()),
            snapshot: snapshot.to_owned(),
            run: Some(7),
            alarm: Alarm::Shrink,
        }
    }

    fn row(seen: &[Option<&[&str]>]) -> RunRecord {
        let action = |seen: &Option<&[&str]>| ActionRecord {
            open_alarms: seen.map(|ids| ids.iter().map(|id| alarm(id)).collect()),
            ..action_record()
        };
        RunRecord {
            actions: seen.iter().map(action).collect(),
            ..run_record(7, "job", at(0))
        }
    }

    fn known(alarms: &PastAlarms) -> Vec<&str> {
        alarms.iter().map(|it| it.snapshot.as_str()).collect()
    }

    #[test]
    fn each_backup_says_which_alarms_its_lineage_has_now() {
        let mut alarms = PastAlarms::default();
        alarms.note(&row(&[Some(&["a"]), Some(&["b"])]));
        assert_eq!(known(&alarms), ["a", "b"]);
        alarms.note(&row(&[Some(&["c", "a"]), None]));
        assert_eq!(known(&alarms), ["b", "c", "a"], "the second one failed");
        alarms.note(&row(&[]));
        assert_eq!(known(&alarms).len(), 3, "nothing is known of that one");
        alarms.note(&row(&[Some(&[])]));
        assert!(alarms.is_empty(), "the job has one backup now");
    }

    #[test]
    fn what_was_accepted_during_a_run_does_not_come_back_with_its_end() {
        let mut alarms = PastAlarms::default();
        alarms.note(&row(&[Some(&["a", "b"])]));
        alarms.accept(&[alarm("a")], true);
        assert_eq!(known(&alarms), ["b"]);
        alarms.note(&row(&[Some(&["c", "a", "b"])]));
        assert_eq!(known(&alarms), ["c", "b"]);
        alarms.accept(&[alarm("b"), alarm("c")], false);
        assert!(alarms.is_empty());
    }
}
