//! How the newest drill of a job ended.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ExitStatus, RunRecord};
use crate::job::kind::WorkKind;
use crate::protocol::DrillResult;

/// The newest drill of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastDrill {
    pub run: u64,
    /// The end of its run.
    pub ended: DateTime<Utc>,
    /// If the run had several drills: whether all of them were a success.
    pub success: bool,
    /// When the last drill that was a success ended.
    pub last_success: Option<DateTime<Utc>>,
    /// `None`: it came to nothing, because there was no space for example.
    pub found: Option<DrillResult>,
}

impl PastDrill {
    /// What is known after a run that is over. A run without drills, or with dry runs of them, changes nothing.
    pub fn after(before: Option<PastDrill>, row: &RunRecord) -> Option<PastDrill> {
        let mut drills = row.actions.iter().filter(|it| {
            it.kind == WorkKind::Drill.word() && !it.dry_run && it.exit_status.is_some()
        });
        let success = drills
            .clone()
            .all(|it| it.exit_status == Some(ExitStatus::Success));
        let (Some(ended), Some(last)) = (row.ended, drills.next_back()) else {
            return before;
        };
        let last_success = match success {
            true => Some(ended),
            false => before.and_then(|before| before.last_success),
        };
        Some(PastDrill {
            run: row.number,
            ended,
            success,
            last_success,
            found: last.drill,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ActionRecord;
    use crate::samples::{action_record, minute as at, run_record};

    fn row(number: u64, ended: i64, kind: &str, ends: &[Option<ExitStatus>]) -> RunRecord {
        let action = |exit_status: &Option<ExitStatus>| ActionRecord {
            kind: kind.to_owned(),
            exit_status: *exit_status,
            ..action_record()
        };
        RunRecord {
            ended: Some(at(ended)),
            actions: ends.iter().map(action).collect(),
            ..run_record(number, "job", at(0))
        }
    }

    const GOOD: Option<ExitStatus> = Some(ExitStatus::Success);
    const BAD: Option<ExitStatus> = Some(ExitStatus::Fail);

    #[test]
    fn the_last_good_drill_stays_known_after_one_that_failed() {
        let good = PastDrill::after(None, &row(1, 5, "drill", &[GOOD, GOOD]));
        let known = good.clone().unwrap();
        assert_eq!((known.success, known.last_success), (true, Some(at(5))));
        let bad = PastDrill::after(good, &row(2, 9, "drill", &[GOOD, BAD])).unwrap();
        assert_eq!((bad.run, bad.success), (2, false));
        assert_eq!((bad.ended, bad.last_success), (at(9), Some(at(5))));
        let first = PastDrill::after(None, &row(2, 9, "drill", &[BAD])).unwrap();
        assert_eq!(first.last_success, None);
    }

    #[test]
    fn runs_without_a_drill_and_dry_ones_change_nothing() {
        let known = PastDrill::after(None, &row(1, 5, "drill", &[GOOD]));
        let mut dry = row(2, 9, "drill", &[GOOD]);
        dry.actions[0].dry_run = true;
        for other in [
            row(2, 9, "backup", &[GOOD]),
            row(2, 9, "drill", &[None]),
            row(2, 9, "drill", &[]),
            dry,
        ] {
            assert_eq!(PastDrill::after(known.clone(), &other), known);
        }
    }
}
