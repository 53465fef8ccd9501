//! How one run goes through its actions and their attempts.

use chrono::{DateTime, TimeDelta, Utc};

use crate::job::JobResult;
use crate::job::action::JobAction;
use crate::protocol::Verdict;
use crate::record::{ActionRecord, AttemptEnd, ExitStatus, PartRead, reclaim_after};

/// What a run does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Start this attempt as soon as there is a slot.
    Attempt {
        /// The action's index.
        action: u32,
        /// The attempt, from 1.
        attempt: u32,
    },
    /// Start this attempt at an instant.
    Wait {
        /// The action's index.
        action: u32,
        /// The attempt, from 1.
        attempt: u32,
        until: DateTime<Utc>,
    },
    /// The run is over.
    End { result: JobResult },
}

/// The records of the actions of a run that has not begun.
pub fn rows(actions: &[JobAction]) -> Vec<ActionRecord> {
    let row = |JobAction { action, .. }: &JobAction| {
        let container = action.work.container().map(|(container, _)| container);
        ActionRecord {
            kind: action.work.kind().word().to_owned(),
            dry_run: action.dry_run,
            container: container.map(|it| it.location.clone()),
            storage: container.and_then(|it| it.connection.storage.clone()),
            ..ActionRecord::default()
        }
    };
    actions.iter().map(row).collect()
}

/// The first thing a run does.
pub fn begin(actions: &[JobAction], rows: &[ActionRecord]) -> Next {
    next_action(actions, rows, 0)
}

/// What follows the end of an attempt. When the action is over, its row in `rows` says so.
pub fn after_attempt(
    actions: &[JobAction],
    rows: &mut [ActionRecord],
    (action, attempt): (u32, u32),
    end: &AttemptEnd,
    now: DateTime<Utc>,
) -> Next {
    let index = action as usize;
    let (Some(job_action), Some(row)) = (actions.get(index), rows.get_mut(index)) else {
        return Next::End {
            result: JobResult::Fail,
        };
    };
    add_numbers(row, job_action, end);
    row.reclaim = reclaim_after(row.reclaim, &job_action.action, end, now);
    match class_of(end) {
        EndClass::Success => row.exit_status = Some(ExitStatus::Success),
        EndClass::Aborted => {
            row.exit_status = Some(ExitStatus::Fail);
            return Next::End {
                result: JobResult::Aborted,
            };
        }
        EndClass::Failed if attempt <= job_action.max_retries => {
            let wait = TimeDelta::from_std(job_action.retry_wait).unwrap_or(TimeDelta::MAX);
            return Next::Wait {
                action,
                attempt: attempt + 1,
                until: now
                    .checked_add_signed(wait)
                    .unwrap_or(DateTime::<Utc>::MAX_UTC),
            };
        }
        EndClass::Failed | EndClass::FailedForGood => row.exit_status = Some(ExitStatus::Fail),
    }
    next_action(actions, rows, index + 1)
}

/// What follows after somebody has aborted a run at this action: only mandatory actions, each of them once. `started` says
/// whether the action has begun.
pub fn after_abort(
    actions: &[JobAction],
    rows: &mut [ActionRecord],
    action: u32,
    started: bool,
) -> Next {
    let index = action as usize;
    let is_mandatory = actions.get(index).is_some_and(|action| action.mandatory);
    if (started || !is_mandatory)
        && let Some(row) = rows.get_mut(index)
    {
        row.exit_status.get_or_insert(ExitStatus::Fail);
    }
    let first = if started { index + 1 } else { index };
    let next = actions
        .iter()
        .enumerate()
        .skip(first)
        .find(|(_, action)| action.mandatory);
    match next {
        Some((index, _)) => Next::Attempt {
            action: index as u32,
            attempt: 1,
        },
        None => Next::End {
            result: JobResult::Aborted,
        },
    }
}

/// Adds the numbers of an attempt to its action.
fn add_numbers(row: &mut ActionRecord, action: &JobAction, end: &AttemptEnd) {
    row.partial = false;
    row.problems = 0;
    row.room = None;
    row.no_space = false;
    row.damaged = false;
    if let AttemptEnd::Reported { outcome } = end {
        row.partial = outcome.verdict == Verdict::Partial;
        row.problems = outcome.problems_total;
        row.alarm = outcome.summary.alarm;
        if let Some(alarms) = &outcome.summary.open_alarms {
            row.open_alarms = Some(alarms.clone());
        }
        row.drill = outcome.summary.drill;
        row.proved = outcome.summary.proved.clone();
        row.snapshot = outcome.summary.snapshot.clone();
        row.room = outcome.summary.room;
        row.no_space = outcome.no_space;
        row.damaged = outcome.damaged;
        // An attempt that failed may have added something, too.
        let added = outcome.summary.bytes_added.unwrap_or(0);
        row.bytes_added = row.bytes_added.saturating_add(added);
        let container = action.action.work.container();
        // A part with damage stays the next one, so that the damage is found in each run until it is repaired.
        let read = outcome.summary.data_read.filter(|read| !read.damaged);
        let read = read.zip(container);
        row.part_read = read.map(|(read, (container, _))| PartRead {
            container: container.location.clone(),
            part: read.part,
            parts: read.parts,
        });
    }
}

/// The first action to run, from `index` on. Once an action has failed, only mandatory ones run. The targets of one backup
/// do not depend on each other.
fn next_action(actions: &[JobAction], rows: &[ActionRecord], index: usize) -> Next {
    let failed = has_failed(rows);
    let next = actions
        .iter()
        .enumerate()
        .skip(index)
        .find(|(index, action)| {
            let others = index.saturating_sub(action.action.work.targets_before());
            action.mandatory || !has_failed(&rows[..others.min(rows.len())])
        });
    match next {
        Some((index, _)) => Next::Attempt {
            action: index as u32,
            attempt: 1,
        },
        None => Next::End {
            result: if failed {
                JobResult::Fail
            } else {
                JobResult::Success
            },
        },
    }
}

/// What the end of an attempt means for its action.
enum EndClass {
    Success,
    Failed,
    FailedForGood,
    Aborted,
}

fn class_of(end: &AttemptEnd) -> EndClass {
    match end {
        AttemptEnd::Reported { outcome } => match outcome.verdict {
            Verdict::Success => EndClass::Success,
            // A file that could not be read, or that changed meanwhile, may be readable the next time.
            Verdict::Partial | Verdict::Failed => EndClass::Failed,
            Verdict::FailedForGood => EndClass::FailedForGood,
        },
        AttemptEnd::Aborted | AttemptEnd::Interrupted => EndClass::Aborted,
        AttemptEnd::TimedOut | AttemptEnd::Stalled { .. } | AttemptEnd::Crashed { .. } => {
            EndClass::Failed
        }
    }
}

/// The result of the run so far, for the environment of a command: `success` or `fail`.
pub fn result_so_far(rows: &[ActionRecord]) -> &'static str {
    match has_failed(rows) {
        true => "fail",
        false => "success",
    }
}

fn has_failed(rows: &[ActionRecord]) -> bool {
    rows.iter()
        .any(|row| row.exit_status == Some(ExitStatus::Fail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{command, reported};

    fn action(mandatory: bool, max_retries: u32) -> JobAction {
        JobAction {
            mandatory,
            max_retries,
            ..command()
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000, 0).unwrap()
    }

    /// Runs through `actions`, each attempt ending as `ends` says, and lists what was started.
    fn walk(actions: &[JobAction], ends: &[AttemptEnd]) -> (Vec<(u32, u32)>, Option<JobResult>) {
        let mut rows = rows(actions);
        let mut started = Vec::new();
        let mut next = begin(actions, &rows);
        let mut ends = ends.iter();
        loop {
            let (action, attempt) = match next {
                Next::Attempt { action, attempt }
                | Next::Wait {
                    action, attempt, ..
                } => (action, attempt),
                Next::End { result } => return (started, Some(result)),
            };
            started.push((action, attempt));
            let Some(end) = ends.next() else {
                return (started, None);
            };
            next = after_attempt(actions, &mut rows, (action, attempt), end, now());
        }
    }

    #[test]
    fn actions_run_in_order_and_all_succeeding_is_success() {
        let actions = [action(false, 0), action(false, 0)];
        let ends = [reported(Verdict::Success), reported(Verdict::Success)];
        assert_eq!(
            walk(&actions, &ends),
            (vec![(0, 1), (1, 1)], Some(JobResult::Success))
        );
    }

    #[test]
    fn after_a_failure_only_mandatory_actions_still_run_and_the_result_is_fail() {
        let actions = [action(false, 0), action(false, 0), action(true, 0)];
        let ends = [reported(Verdict::Failed), reported(Verdict::Success)];
        assert_eq!(
            walk(&actions, &ends),
            (vec![(0, 1), (2, 1)], Some(JobResult::Fail))
        );
    }

    #[test]
    fn the_targets_of_a_backup_do_not_depend_on_each_other() {
        let text = r#"{"job_actions": [{"freezer_action": {"action": "exec", "command": "x"}},
            {"freezer_action": {"path_to_backup": "/s", "backup_name": "a", "container": "/c",
            "targets": [{"container": "/d"}, {"container": "/e"}]}},
            {"freezer_action": {"action": "exec", "command": "x"}}]}"#;
        let host = crate::samples::host(crate::schedule::zone::Zone::named("UTC").unwrap());
        let parsed = crate::job::parse(text.as_bytes(), "job.json", &host);
        let actions = parsed.job.unwrap().actions;
        let (good, bad) = (reported(Verdict::Success), reported(Verdict::Failed));
        let ends = [good.clone(), bad.clone(), good.clone(), good];
        assert_eq!(
            walk(&actions, &ends),
            (vec![(0, 1), (1, 1), (2, 1), (3, 1)], Some(JobResult::Fail))
        );
        // What is before the backup counts.
        let ended = walk(&actions, &[bad]);
        assert_eq!(ended, (vec![(0, 1)], Some(JobResult::Fail)));
    }

    #[test]
    fn a_partial_outcome_is_a_failure() {
        let ends = [reported(Verdict::Partial)];
        assert_eq!(
            walk(&[action(false, 0)], &ends),
            (vec![(0, 1)], Some(JobResult::Fail))
        );
    }

    #[test]
    fn a_job_without_actions_succeeds() {
        assert_eq!(walk(&[], &[]), (vec![], Some(JobResult::Success)));
    }

    #[test]
    fn attempts_are_max_retries_and_one() {
        let ends = vec![reported(Verdict::Failed); 3];
        assert_eq!(
            walk(&[action(false, 2)], &ends),
            (vec![(0, 1), (0, 2), (0, 3)], Some(JobResult::Fail))
        );
    }

    #[test]
    fn the_next_attempt_waits_for_max_retries_interval() {
        let actions = [action(false, 1)];
        let mut rows = rows(&actions);
        let next = after_attempt(
            &actions,
            &mut rows,
            (0, 1),
            &reported(Verdict::Failed),
            now(),
        );
        assert_eq!(
            next,
            Next::Wait {
                action: 0,
                attempt: 2,
                until: now() + TimeDelta::seconds(60)
            }
        );
        assert_eq!(rows[0].exit_status, None);
    }

    #[test]
    fn what_would_fail_again_just_so_is_not_tried_again() {
        let ends = [reported(Verdict::FailedForGood)];
        assert_eq!(
            walk(&[action(false, 5)], &ends),
            (vec![(0, 1)], Some(JobResult::Fail))
        );
    }

    #[test]
    fn an_aborted_attempt_is_not_tried_again() {
        let actions = [action(false, 3), action(true, 0)];
        assert_eq!(
            walk(&actions, &[AttemptEnd::Aborted]),
            (vec![(0, 1)], Some(JobResult::Aborted))
        );
    }

    #[test]
    fn after_an_abort_only_mandatory_actions_follow() {
        let actions = [
            action(true, 0),
            action(false, 3),
            action(false, 0),
            action(true, 2),
        ];
        let follows = |at, started| {
            let mut rows = rows(&actions);
            let next = after_abort(&actions, &mut rows, at, started);
            (next, result_so_far(&rows))
        };
        let attempt = |action| Next::Attempt { action, attempt: 1 };
        let end = Next::End {
            result: JobResult::Aborted,
        };
        assert_eq!(follows(0, true), (attempt(3), "fail"));
        assert_eq!(follows(0, false), (attempt(0), "success"));
        assert_eq!(follows(1, false), (attempt(3), "fail"));
        assert_eq!(follows(3, true), (end, "fail"));
    }

    #[test]
    fn a_timeout_and_a_crash_are_tried_again() {
        let ends = [
            AttemptEnd::TimedOut,
            AttemptEnd::Crashed {
                reason: "gone".into(),
            },
            reported(Verdict::Success),
        ];
        assert_eq!(
            walk(&[action(false, 2)], &ends),
            (vec![(0, 1), (0, 2), (0, 3)], Some(JobResult::Success))
        );
    }
}
