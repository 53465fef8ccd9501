//! What a job remembers of its past runs: the last success, what is owed, and counts. It changes when a row is made and
//! when a row is closed.

use crate::job::JobResult;
use crate::job::kind::WorkKind;
use crate::record::{
    ActionRecord, ContainerWaste, DataCheck, Ending, ExitStatus, Growth, JobRecord, Newest,
    PartRead, Past, PastDrill, PastRun, Proof, RunRecord, RunState, Trigger,
};

/// A row was made. From its earliest due instant on a success is owed, if none was owed before. Nothing is owed for a run
/// that somebody triggered, nor for a run that makes up for another.
pub fn row_made(mut record: JobRecord, row: &RunRecord) -> JobRecord {
    if row.trigger != Trigger::Manual && row.makes_up_for.is_none() {
        let since = record.past.owed_since.map_or(row.first_due, |since| {
            // A new row is earlier only after the clock was set back.
            since.min(row.first_due)
        });
        record.past.owed_since = Some(since);
    }
    record
}

/// A row was closed: the run came to its end, was cut off, or never started.
pub fn row_over(mut record: JobRecord, row: &RunRecord) -> JobRecord {
    let past = &mut record.past;
    // Containers that the job does not use any more go. A row without actions was rebuilt and says nothing of them.
    if !row.actions.is_empty() {
        past.containers.retain(|known| {
            let mut written = row.actions.iter().filter(|action| adds_snapshots(action));
            written.any(|action| action.container.as_ref() == Some(known))
        });
    }
    let kept = row.actions.iter().filter(|action| kept_a_snapshot(action));
    past.containers
        .extend(kept.filter_map(|action| action.container.clone()));
    note_parts_read(past, row);
    past.last_drill = PastDrill::after(past.last_drill.take(), row);
    Newest::note(&mut past.newest, row);
    Proof::note(&mut past.proofs, row);
    past.alarms.note(row);
    Growth::note(&mut past.growth, row);
    ContainerWaste::note(&mut past.waste, row);
    let ending = ending(row);
    let count = past.rows.of(ending);
    *count = count.saturating_add(1);
    // A dry run has backed up nothing.
    let done = !row.actions.iter().any(|action| action.dry_run);
    if ending == Ending::Success && done {
        past.last_success = row.ended;
        past.owed_since = None;
    }
    if let (Some(started), Some(ended)) = (row.started, row.ended) {
        past.last_run = Some(PastRun {
            number: row.number,
            ending,
            started,
            ended,
            bytes_added: sum(row, |action| action.bytes_added),
            problems: sum(row, ActionRecord::paths_missing),
        });
    }
    record
}

/// Notes which parts of which containers the run's checks have read. A container that the run did not check any more goes.
fn note_parts_read(past: &mut Past, row: &RunRecord) {
    let Some(ended) = row.ended else {
        return;
    };
    let read: Vec<(&PartRead, &Option<String>)> = row
        .actions
        .iter()
        .filter_map(|it| Some((it.part_read.as_ref()?, &it.storage)))
        .collect();
    // A check that failed, or found damage, says nothing of its container.
    let checks = row
        .actions
        .iter()
        .filter(|it| it.kind == WorkKind::Check.word());
    if checks.clone().count() == read.len() && !read.is_empty() {
        past.data_checks
            .retain(|known| read.iter().any(|(it, _)| it.container == known.container));
    }
    for (read, storage) in read {
        let checks = &mut past.data_checks;
        let place = checks.iter().position(|it| it.container == read.container);
        let place = place.unwrap_or_else(|| {
            checks.push(DataCheck::new(read.container.clone()));
            checks.len() - 1
        });
        checks[place].note(read.part, read.parts, ended);
        checks[place].storage.clone_from(storage);
    }
}

/// How a closed row ended. Only a run that came to its own end with every action done is a success.
pub fn ending(row: &RunRecord) -> Ending {
    match (row.state, row.result) {
        (_, Some(JobResult::Aborted)) => Ending::Aborted,
        (RunState::Interrupted, _) => Ending::Interrupted,
        (RunState::Ended, Some(JobResult::Success)) => Ending::Success,
        (RunState::Ended, _) if is_partial(row) => Ending::Partial,
        (RunState::Ended, _) => Ending::Fail,
        _ => Ending::Skipped,
    }
}

/// Whether every action that failed was partial: something is missing, and nothing else went wrong.
fn is_partial(row: &RunRecord) -> bool {
    let mut failed = row
        .actions
        .iter()
        .filter(|action| action.exit_status == Some(ExitStatus::Fail))
        .peekable();
    failed.peek().is_some() && failed.all(|action| action.partial)
}

fn kept_a_snapshot(action: &ActionRecord) -> bool {
    adds_snapshots(action)
        && !action.dry_run
        && (action.exit_status == Some(ExitStatus::Success) || action.partial)
}

fn adds_snapshots(action: &ActionRecord) -> bool {
    [WorkKind::Backup, WorkKind::Copy]
        .iter()
        .any(|kind| kind.word() == action.kind)
}

fn sum(row: &RunRecord, number: impl Fn(&ActionRecord) -> u64) -> u64 {
    row.actions.iter().map(number).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::Location;
    use crate::record::Rows;
    use crate::samples::{action_record, job_record, minute as at, run_record};

    fn job() -> JobRecord {
        job_record("job", at(0))
    }

    fn action(exit_status: Option<ExitStatus>, partial: bool) -> ActionRecord {
        ActionRecord {
            exit_status,
            partial,
            bytes_added: 10,
            problems: u64::from(partial),
            ..action_record()
        }
    }

    /// A run on schedule that was due at one minute and is over at another.
    fn row(due: i64, ended: i64, state: RunState, result: Option<JobResult>) -> RunRecord {
        RunRecord {
            state,
            started: (state != RunState::Skipped).then(|| at(due)),
            ended: Some(at(ended)),
            result,
            actions: vec![action(Some(ExitStatus::Success), false)],
            ..run_record(7, "job", at(due))
        }
    }

    fn through(record: JobRecord, row: &RunRecord) -> JobRecord {
        row_over(row_made(record, row), row)
    }

    fn succeeded(due: i64, ended: i64) -> RunRecord {
        row(due, ended, RunState::Ended, Some(JobResult::Success))
    }

    fn failed(due: i64, ended: i64) -> RunRecord {
        RunRecord {
            actions: vec![action(Some(ExitStatus::Fail), false)],
            ..row(due, ended, RunState::Ended, Some(JobResult::Fail))
        }
    }

    #[test]
    fn from_the_first_due_instant_until_a_success_a_success_is_owed() {
        let due = row_made(job(), &succeeded(60, 65));
        assert_eq!(due.past.owed_since, Some(at(60)), "while it runs too");
        let record = through(due, &failed(60, 65));
        assert_eq!(record.past.owed_since, Some(at(60)));
        let record = through(record, &failed(120, 125));
        assert_eq!(
            record.past.owed_since,
            Some(at(60)),
            "the earliest, not the last"
        );
        assert_eq!(record.past.last_success, None);
        let record = through(record, &succeeded(180, 185));
        assert_eq!(record.past.owed_since, None);
        assert_eq!(record.past.last_success, Some(at(185)));
    }

    #[test]
    fn nothing_but_a_success_pays_what_is_owed() {
        let partial = RunRecord {
            actions: vec![action(Some(ExitStatus::Fail), true)],
            ..failed(60, 65)
        };
        for (row, ending) in [
            (failed(60, 65), Ending::Fail),
            (partial, Ending::Partial),
            (
                row(60, 65, RunState::Ended, Some(JobResult::Aborted)),
                Ending::Aborted,
            ),
            (
                row(60, 65, RunState::Interrupted, Some(JobResult::Fail)),
                Ending::Interrupted,
            ),
            (row(60, 65, RunState::Skipped, None), Ending::Skipped),
            (
                row(60, 65, RunState::Skipped, Some(JobResult::Aborted)),
                Ending::Aborted,
            ),
        ] {
            let record = through(job(), &row);
            assert_eq!(record.past.owed_since, Some(at(60)), "{ending:?}");
            assert_eq!(record.past.last_success, None, "{ending:?}");
            let mut rows = Rows::default();
            *rows.of(ending) = 1;
            assert_eq!(record.past.rows, rows);
            let begun = row.started.is_some();
            assert_eq!(
                record.past.last_run.map(|run| run.ending),
                begun.then_some(ending)
            );
        }
    }

    #[test]
    fn a_run_that_failed_in_another_way_too_is_no_partial_one() {
        let mut row = failed(60, 65);
        row.actions = vec![
            action(Some(ExitStatus::Fail), true),
            action(Some(ExitStatus::Fail), false),
        ];
        assert_eq!(ending(&row), Ending::Fail);
        row.actions.pop();
        row.actions.push(action(None, false));
        assert_eq!(ending(&row), Ending::Partial, "the second did not run");
        row.actions.clear();
        assert_eq!(ending(&row), Ending::Fail);
    }

    #[test]
    fn a_run_that_is_made_up_for_is_owed_until_the_second_one_succeeds() {
        let cut = row(60, 65, RunState::Interrupted, Some(JobResult::Fail));
        let record = through(job(), &cut);
        let again = RunRecord {
            number: 8,
            trigger: Trigger::CatchUp,
            makes_up_for: Some(7),
            ..succeeded(60, 75)
        };
        let record = row_made(record, &again);
        assert_eq!(record.past.owed_since, Some(at(60)));
        let record = row_over(record, &again);
        assert_eq!(record.past.owed_since, None);
        assert_eq!(record.past.last_run.map(|run| run.number), Some(8));
    }

    #[test]
    fn an_extra_run_that_fails_owes_nothing_and_one_that_succeeds_pays() {
        let by_hand = |row: RunRecord| RunRecord {
            trigger: Trigger::Manual,
            ..row
        };
        let record = through(job(), &by_hand(failed(30, 35)));
        assert_eq!(record.past.owed_since, None);
        let made_up = RunRecord {
            trigger: Trigger::CatchUp,
            makes_up_for: Some(7),
            ..failed(30, 40)
        };
        let record = through(record, &made_up);
        assert_eq!(record.past.owed_since, None);
        let record = through(record, &failed(60, 65));
        let record = through(record, &by_hand(succeeded(70, 75)));
        assert_eq!(record.past.owed_since, None);
    }

    #[test]
    fn a_skipped_row_leaves_the_last_run_alone() {
        let record = through(job(), &succeeded(60, 65));
        let record = through(record, &row(120, 120, RunState::Skipped, None));
        assert_eq!(record.past.last_run.map(|run| run.ended), Some(at(65)));
        assert_eq!(record.past.last_success, Some(at(65)));
        assert_eq!(record.past.owed_since, Some(at(120)));
    }

    #[test]
    fn a_dry_run_pays_nothing() {
        let mut row = succeeded(60, 65);
        row.actions[0].dry_run = true;
        let record = through(job(), &row);
        assert_eq!(record.past.rows.success, 1, "as the ledger says");
        assert_eq!(record.past.last_success, None);
        assert_eq!(record.past.owed_since, Some(at(60)));
    }

    #[test]
    fn the_containers_that_hold_its_snapshots_are_known_until_the_job_moves_to_others() {
        let local = |path: &str| Location::Local(path.into());
        let known = |record: &JobRecord| Vec::from_iter(record.past.containers.clone());
        let to = |container: &str, mut row: RunRecord| {
            row.actions[0].container = Some(local(container));
            row
        };
        let dry_run = |mut row: RunRecord| {
            row.actions[0].dry_run = true;
            row
        };
        let record = through(job(), &to("/a", failed(60, 65)));
        let record = through(record, &to("/a", dry_run(succeeded(70, 75))));
        assert_eq!(known(&record), [], "nothing was kept there");
        let record = through(record, &to("/a", succeeded(80, 85)));
        let record = through(record, &to("/a", failed(90, 95)));
        assert_eq!(known(&record), [local("/a")]);
        let unreadable = RunRecord {
            actions: Vec::new(),
            ..failed(98, 99)
        };
        let record = through(record, &unreadable);
        assert_eq!(
            known(&record),
            [local("/a")],
            "nothing is known of that one"
        );
        let mut partial = to("/b", failed(100, 105));
        partial.actions[0].partial = true;
        assert_eq!(known(&through(record, &partial)), [local("/b")]);
    }

    #[test]
    fn after_the_clock_was_set_back_the_earlier_instant_counts() {
        let record = through(job(), &failed(500_000, 500_001));
        let record = through(record, &failed(60, 65));
        assert_eq!(record.past.owed_since, Some(at(60)));
    }

    #[test]
    fn a_run_has_the_numbers_of_all_its_actions() {
        let mut row = failed(60, 65);
        row.actions = vec![
            action(Some(ExitStatus::Fail), true),
            action(Some(ExitStatus::Success), false),
        ];
        let run = row_over(job(), &row).past.last_run.unwrap();
        assert_eq!((run.bytes_added, run.problems), (20, 1));
    }
}
