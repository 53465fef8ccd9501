//! Kills the daemon or its agent at each point that a scenario passes.

use std::collections::BTreeSet;

use freezerd::job::JobResult;
use freezerd::kill_point::Point;
use freezerd::record::RunState;

use super::{Case, cases, exhaust, judge, launch, passed, rehearse, run, runs_of, settle, stage};
use crate::scenarios::*;
use crate::telling::TELLING;

fn kill_everywhere(scenario: &Scenario) -> BTreeSet<String> {
    let passed = rehearse(scenario);
    let cases = cases(scenario, &passed);
    exhaust(scenario, &cases, |case| run(scenario, case))
}

#[test]
fn after_a_kill_at_any_point_each_occurrence_has_one_row_with_the_true_result() {
    let mut reached = BTreeSet::new();
    for scenario in [
        &BACKUP,
        &RESTORE,
        &COMMAND,
        &EVENTS,
        &CHANGES,
        &TELLING,
        &FORGETTING,
        &DAMAGE,
        &MENDING,
    ] {
        reached.extend(kill_everywhere(scenario));
    }
    if std::env::var_os("FREEZERD_KILL_ONLY").is_some() {
        return;
    }
    // The points of the command line have their own test.
    let elsewhere = [
        Point::EventWritten,
        Point::EventSent,
        Point::OldLogsKept,
        Point::OldLedgerKept,
        Point::Imported,
    ];
    let never: Vec<String> = Point::OTHERS
        .iter()
        .filter(|point| !elsewhere.contains(point))
        .map(|point| point.name())
        .filter(|point| !reached.contains(point))
        .collect();
    assert!(never.is_empty(), "nobody was killed at {never:?}");
}

#[test]
fn a_daemon_that_is_killed_again_during_its_recovery_loses_nothing() {
    let first = Case {
        point: Point::RequestSent.name(),
        count: 1,
        whom: "both",
    };
    let recover = |second: Option<&Case>| {
        let host = stage(&BACKUP);
        let mut daemon = launch(&host, "trace", Some(&first));
        assert!(!settle(&BACKUP, &host, &mut daemon), "it was to be killed");
        let mut daemon = launch(&host, "trace-of-the-second", second);
        if settle(&BACKUP, &host, &mut daemon) {
            daemon.stop();
        }
        let mut daemon = launch(&host, "trace-of-the-third", None);
        assert!(settle(&BACKUP, &host, &mut daemon), "{}", daemon.log());
        daemon.stop();
        host
    };
    let host = recover(None);
    judge(&BACKUP, &host);
    let cases = cases(&BACKUP, &passed(&host, "trace-of-the-second"));
    exhaust(&BACKUP, &cases, |case| {
        let host = recover(Some(case));
        let reader = host.ledger();
        let runs = runs_of(&reader, "job");
        // The run, and the one that makes up for it. A third run is not owed.
        assert_eq!(runs.len(), 2, "{runs:#?}");
        assert!(runs.iter().all(|run| run.state.is_over()), "{runs:#?}");
        assert_eq!(runs[0].state, RunState::Interrupted, "{runs:#?}");
        assert_eq!(runs[1].makes_up_for, Some(runs[0].number), "{runs:#?}");
        if runs[1].result == Some(JobResult::Success) {
            judge(&BACKUP, &host);
        }
        true
    });
}
