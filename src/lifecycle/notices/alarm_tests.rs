//! What is told of the alarms of guards.

use super::*;
use crate::job::{JobResult, Notify};
use crate::keep::guard::Alarm;
use crate::record::{ActionRecord, ExitStatus, RunRecord, Told};
use crate::samples::{action_record, minute as at, receiver, run_record};
use crate::tell::message::Kind;

#[test]
fn an_alarm_is_told_though_the_run_is_partial_and_is_not_over_before_it_is_accepted() {
    let action = |alarm: Option<Alarm>, partial: bool| ActionRecord {
        exit_status: Some(match partial {
            true => ExitStatus::Fail,
            false => ExitStatus::Success,
        }),
        partial,
        alarm,
        ..action_record()
    };
    let row = |alarm, partial| RunRecord {
        actions: vec![action(alarm, partial)],
        result: Some(match partial {
            true => JobResult::Fail,
            false => JobResult::Success,
        }),
        ..run_record(7, "job", at(60))
    };
    let receivers = [receiver("a", &[])];
    let audience = Audience::new(&receivers, &Notify::All);
    let mut told = Told::default();
    for (row, is_alarmed, expected) in [
        (row(None, true), false, Some(Kind::Partial)),
        (row(Some(Alarm::Shrink), true), true, Some(Kind::Guard)),
        (row(None, false), true, None),
        (row(None, false), true, None),
        (row(None, false), false, Some(Kind::Recovered)),
    ] {
        let turn = turn(&row, false);
        let tellings = after_run(&mut told, turn, is_alarmed, audience, at(1));
        let kinds: Vec<Kind> = tellings.iter().map(|it| it.kind).collect();
        assert_eq!(kinds, Vec::from_iter(expected), "{turn:?}");
    }
    assert!(told.is_well());
}

#[test]
fn a_failure_hides_no_alarm_and_its_end_is_not_that_of_the_alarm() {
    let receivers = [receiver("a", &[])];
    let audience = Audience::new(&receivers, &Notify::All);
    let failed = ActionRecord {
        exit_status: Some(ExitStatus::Fail),
        ..action_record()
    };
    let alarmed = ActionRecord {
        exit_status: Some(ExitStatus::Success),
        alarm: Some(Alarm::Shrink),
        ..action_record()
    };
    let row = RunRecord {
        actions: vec![alarmed, failed],
        result: Some(JobResult::Fail),
        ..run_record(7, "job", at(60))
    };
    let kinds = |tellings: Vec<Telling>| tellings.iter().map(|it| it.kind).collect::<Vec<_>>();
    let mut told = Told::default();
    let trouble = turn(&row, false);
    let first = after_run(&mut told, trouble, true, audience, at(1));
    assert_eq!(kinds(first), [Kind::Failed]);
    assert_eq!(
        kinds(alarm_of_failed(&row, trouble, audience)),
        [Kind::Guard]
    );
    let well = after_run(&mut told, Turn::Well, true, audience, at(2));
    assert_eq!(kinds(well), []);
    let well = after_run(&mut told, Turn::Well, false, audience, at(3));
    assert_eq!(kinds(well), [Kind::Recovered]);
}
