//! What follows from each end of an attempt.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use freezerd::job::JobResult;
use freezerd::job::action::JobAction;
use freezerd::lifecycle::run::{self, Next};
use freezerd::protocol::Verdict;
use freezerd::record::{AttemptEnd, ExitStatus};

use super::{at, cells};
use crate::samples::{command, reported};

/// Every way in which an attempt can end. A new one has no arm in `name`, so that it is not forgotten here.
fn ends() -> Vec<AttemptEnd> {
    let verdicts = [
        Verdict::Success,
        Verdict::Partial,
        Verdict::Failed,
        Verdict::FailedForGood,
    ];
    let mut ends: Vec<AttemptEnd> = verdicts.into_iter().map(reported).collect();
    ends.extend([
        AttemptEnd::TimedOut,
        AttemptEnd::Stalled { seconds: 600.0 },
        AttemptEnd::Crashed {
            reason: "gone".into(),
        },
        AttemptEnd::Aborted,
        AttemptEnd::Interrupted,
    ]);
    ends
}

/// What the table calls it.
fn name(end: &AttemptEnd) -> &'static str {
    match end {
        AttemptEnd::Reported { outcome } => match outcome.verdict {
            Verdict::Success => "success",
            Verdict::Partial => "partial",
            Verdict::Failed => "failed",
            Verdict::FailedForGood => "failed for good",
        },
        AttemptEnd::TimedOut => "timed out",
        AttemptEnd::Stalled { .. } => "stalled",
        AttemptEnd::Crashed { .. } => "crashed",
        AttemptEnd::Aborted => "aborted",
        AttemptEnd::Interrupted => "interrupted",
    }
}

#[test]
fn every_end_of_an_attempt_has_the_consequence_that_the_table_names() {
    let cells = cells("What the end of an attempt means");
    let known: BTreeSet<&str> = cells.keys().map(|(end, _)| end.as_str()).collect();
    assert_eq!(known, ends().iter().map(name).collect());
    let command = |mandatory| JobAction {
        mandatory,
        max_retries: 1,
        retry_wait: Duration::from_secs(90),
        ..command()
    };
    // Of those that follow, the first is skipped after a failure.
    let actions = [command(false), command(false), command(true)];
    for end in ends() {
        for (attempt, situation) in [(1, "with attempts left"), (2, "at the last one")] {
            println!("{} × {situation}", name(&end));
            let mut rows = run::rows(&actions);
            let next = run::after_attempt(&actions, &mut rows, (0, attempt), &end, at(1, 0));
            let word = match (next, rows[0].exit_status) {
                (
                    Next::Attempt {
                        action: 1,
                        attempt: 1,
                    },
                    Some(ExitStatus::Success),
                ) => "the action has succeeded",
                (
                    Next::Attempt {
                        action: 2,
                        attempt: 1,
                    },
                    Some(ExitStatus::Fail),
                ) => "the action has failed",
                (
                    Next::Wait {
                        action: 0,
                        attempt: 2,
                        until,
                    },
                    None,
                ) => {
                    assert_eq!(until, at(1, 0) + TimeDelta::seconds(90));
                    "waits for `max_retries_interval`"
                }
                (
                    Next::End {
                        result: JobResult::Aborted,
                    },
                    Some(ExitStatus::Fail),
                ) => "the run is over",
                other => panic!("{other:?}"),
            };
            let cell = &cells[&(name(&end).to_owned(), situation.to_owned())];
            assert!(
                cell.contains(word),
                "it does this: {word:?}; the table: {cell:?}"
            );
        }
    }
}
