//! What is told of the alarms of guards.

use super::*;
use crate::location::Location;
use crate::protocol::OpenAlarm;
use crate::schedule::zone::Zone;

/// A row, seven, that has seen these alarms of these runs, each of a snapshot of its own.
fn seen(mut row: RunRecord, runs: &[u64]) -> RunRecord {
    let alarm = |run: &u64| OpenAlarm {
        container: Location::Local("/c".into()),
        snapshot: format!("snapshot {run}"),
        run: Some(*run),
        alarm: Alarm::Shrink,
    };
    row.actions[0].open_alarms = Some(runs.iter().map(alarm).collect());
    if runs.contains(&row.number) {
        row.actions[0].alarm = Some(Alarm::Shrink);
    }
    row
}

/// The kinds of what a receiver is told after each of these rows.
fn told_after(rows: &[RunRecord]) -> (Vec<Vec<Kind>>, Told) {
    let receivers = [receiver("a", &[])];
    let audience = Audience::new(&receivers, &Notify::All);
    let (mut told, mut alarms) = (Told::default(), PastAlarms::default());
    let mut all = Vec::new();
    for (minute, row) in (0..).zip(rows) {
        alarms.note(row);
        let at_end = AtEnd {
            now: at(minute),
            alarms: &alarms,
            unsent: &BTreeSet::new(),
        };
        let turn = turn(row, false).expect("it says something");
        all.push(kinds(&after_run(&mut told, turn, audience, at_end)));
    }
    (all, told)
}

#[test]
fn an_alarm_is_told_though_the_run_is_partial_and_is_not_over_before_it_is_accepted() {
    let partial = failed(|action| action.partial = true);
    let later = RunRecord {
        number: 8,
        ..succeeded()
    };
    let (kinds, told) = told_after(&[
        seen(partial.clone(), &[]),
        seen(partial, &[7]),
        seen(later.clone(), &[7]),
        seen(later.clone(), &[7]),
        seen(later, &[]),
    ]);
    let expected = [
        vec![Kind::Partial],
        vec![Kind::Guard],
        vec![],
        vec![],
        vec![Kind::Recovered],
    ];
    assert_eq!(kinds, expected);
    assert!(told.is_well());
}

#[test]
fn each_alarm_is_told() {
    let second = RunRecord {
        number: 8,
        ..succeeded()
    };
    let (kinds, _) = told_after(&[seen(succeeded(), &[7]), seen(second, &[7, 8])]);
    assert_eq!(kinds, [vec![Kind::Guard], vec![Kind::Guard]]);
}

#[test]
fn a_failure_hides_no_alarm_and_its_end_is_not_that_of_the_alarm() {
    let mut both = seen(succeeded(), &[7]);
    both.actions.push(action(ExitStatus::Fail));
    both.result = Some(JobResult::Fail);
    let later = RunRecord {
        number: 8,
        ..succeeded()
    };
    let (kinds, _) = told_after(&[both, seen(later.clone(), &[7]), seen(later, &[])]);
    let expected = [
        vec![Kind::Failed, Kind::Guard],
        vec![],
        vec![Kind::Recovered],
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn an_alarm_of_a_run_that_was_cut_off_is_told_by_the_run_that_makes_up_for_it() {
    let again = RunRecord {
        number: 8,
        ..succeeded()
    };
    let (kinds, _) = told_after(&[seen(again.clone(), &[7]), seen(again.clone(), &[7])]);
    assert_eq!(kinds, [vec![Kind::Guard], vec![]], "and once");
    let partial = RunRecord {
        number: 8,
        ..failed(|action| action.partial = true)
    };
    let (kinds, _) = told_after(&[seen(partial, &[7]), seen(again.clone(), &[7])]);
    assert_eq!(kinds, [vec![Kind::Guard], vec![]]);

    let zone = Zone::utc();
    let facts = Facts {
        host: "web1",
        zone: &zone,
        now: at(70),
    };
    let (_, text) = of_run(Kind::Guard, &seen(again.clone(), &[7]), facts);
    assert!(text.contains("`freezerd accept 7` says so"), "{text}");
    let (_, text) = of_run(Kind::Guard, &seen(again.clone(), &[7, 5]), facts);
    let both = "`freezerd accept 5` and `freezerd accept 7` say so";
    assert!(text.contains(both), "{text}");
    let mut record = job(|_| {});
    record.past.alarms.note(&seen(succeeded(), &[7]));
    record = crate::lifecycle::job::row_over(record, &seen(again, &[7]));
    let (_, text) = of_job(&telling_again(Kind::Guard, "admins")[0], &record, facts);
    assert!(text.contains("`freezerd log 8`"), "{text}");
    assert!(text.contains("`freezerd accept 7` says so"), "{text}");
}
