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
