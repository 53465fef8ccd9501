//! What receivers are told.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::*;
use crate::job::storage::Value;
use crate::job::{JobResult, Notify};
use crate::keep::guard::Alarm;
use crate::record::{ActionRecord, ExitStatus, JobRecord, PastAlarms, RunRecord, RunState, Told};
use crate::samples::{action_record, job_record, minute as at, receiver, run_record};
use crate::tell::message::Kind;
use crate::tell::receiver::Receiver;

mod alarms;
mod delivery;
mod room;
mod time;
mod words;

/// The job is well.
const WELL: Turn = Turn {
    failure: None,
    is_alarmed: false,
    little_room: false,
};

/// A run that failed like this.
fn trouble(kind: Kind) -> Turn {
    Turn {
        failure: Some(kind),
        ..WELL
    }
}

/// A run ends at this minute. No message waits.
fn end(told: &mut Told, turn: Turn, audience: Audience<'_>, minute: i64) -> Vec<Telling> {
    let at_end = AtEnd {
        now: at(minute),
        alarms: &PastAlarms::default(),
        unsent: &BTreeSet::new(),
    };
    after_run(told, turn, audience, at_end)
}

fn kinds(tellings: &[Telling]) -> Vec<Kind> {
    tellings.iter().map(|telling| telling.kind).collect()
}

fn job(change: impl Fn(&mut JobRecord)) -> JobRecord {
    let mut record = job_record("job", at(0));
    change(&mut record);
    record
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn words(values: &[&str]) -> Value {
    Value::Words(values.iter().map(|it| (*it).to_owned()).collect())
}

fn admins() -> Receiver {
    receiver("admins", &[])
}

/// A check that waits for pings.
fn pings() -> Receiver {
    let keys = [("type", text("ping")), ("url", text("http://localhost/x"))];
    let keys = keys.map(|(key, value)| (key.to_owned(), value));
    Receiver::read("pings", keys.into()).expect("a receiver")
}

fn row(state: RunState, result: Option<JobResult>, actions: Vec<ActionRecord>) -> RunRecord {
    RunRecord {
        state,
        result,
        actions,
        ..run_record(7, "job", at(60))
    }
}

fn action(exit_status: ExitStatus) -> ActionRecord {
    ActionRecord {
        exit_status: Some(exit_status),
        ..action_record()
    }
}

fn succeeded() -> RunRecord {
    let actions = vec![action(ExitStatus::Success)];
    row(RunState::Ended, Some(JobResult::Success), actions)
}

fn failed(change: impl Fn(&mut ActionRecord)) -> RunRecord {
    let mut failed = action(ExitStatus::Fail);
    change(&mut failed);
    row(RunState::Ended, Some(JobResult::Fail), vec![failed])
}

/// What the receivers are told after these turns, one minute apart.
fn told(receivers: &[Receiver], turns: &[Option<Turn>]) -> Vec<Vec<Telling>> {
    let mut told = Told::default();
    let audience = Audience::new(receivers, &Notify::All);
    let turns = turns.iter().enumerate();
    let mut told_of = |(minute, turn): (usize, &Option<Turn>)| {
        let turn = turn.as_ref();
        turn.map(|turn| end(&mut told, *turn, audience, minute as i64))
    };
    turns.map(|it| told_of(it).unwrap_or_default()).collect()
}

fn telling(kind: Kind, to: &str) -> Vec<Telling> {
    vec![Telling {
        kind,
        again: false,
        to: vec![to.to_owned()],
    }]
}

/// A receiver is told what it knows already.
fn telling_again(kind: Kind, to: &str) -> Vec<Telling> {
    let again = true;
    let tellings = telling(kind, to).into_iter();
    tellings.map(|it| Telling { again, ..it }).collect()
}

#[test]
fn each_ending_of_a_run_has_its_meaning() {
    let partial = failed(|action| action.partial = true);
    let check = failed(|action| action.kind = "check".to_owned());
    let drill = failed(|action| action.kind = "drill".to_owned());
    let full = failed(|action| action.no_space = true);
    let mut alarm = succeeded();
    alarm.actions[0].alarm = Some(Alarm::Shrink);
    let mut dry = succeeded();
    dry.actions[0].dry_run = true;
    let cut = row(RunState::Interrupted, Some(JobResult::Fail), Vec::new());
    let mut both = check.clone();
    both.actions.push(action(ExitStatus::Fail));
    let alarmed = Turn {
        is_alarmed: true,
        ..WELL
    };
    let aborted = row(RunState::Ended, Some(JobResult::Aborted), Vec::new());
    let skipped = row(RunState::Skipped, None, Vec::new());
    for (row, made_up, expected) in [
        (succeeded(), false, Some(WELL)),
        (dry, false, None),
        (alarm, false, Some(alarmed)),
        (partial, false, Some(trouble(Kind::Partial))),
        (failed(|_| {}), false, Some(trouble(Kind::Failed))),
        (check, false, Some(trouble(Kind::Check))),
        (drill, false, Some(trouble(Kind::Drill))),
        (full, false, Some(trouble(Kind::Space))),
        (both, false, Some(trouble(Kind::Failed))),
        (cut.clone(), true, None),
        (cut, false, Some(trouble(Kind::Failed))),
        (aborted, false, None),
        (skipped, false, None),
    ] {
        assert_eq!(turn(&row, made_up), expected, "{row:?}");
    }
}

#[test]
fn a_receiver_is_told_of_changes_and_not_of_every_run() {
    let [well, nothing] = [Some(WELL), None];
    let [failed, partial] = [Kind::Failed, Kind::Partial].map(|kind| Some(trouble(kind)));
    let turns = [
        well, failed, failed, nothing, failed, partial, partial, well, well, failed,
    ];
    let expected = [
        vec![],
        telling(Kind::Failed, "admins"),
        vec![],
        vec![],
        vec![],
        telling(Kind::Partial, "admins"),
        vec![],
        telling(Kind::Recovered, "admins"),
        vec![],
        telling(Kind::Failed, "admins"),
    ];
    assert_eq!(told(&[admins()], &turns), expected);
}

#[test]
fn a_receiver_gets_only_the_events_that_it_names_and_hears_of_the_end_of_what_it_was_told() {
    let only = |name: &str, events: &[&str]| receiver(name, &[("events", words(events))]);
    let receivers = [
        only("partial", &["partial", "recovered"]),
        only("success", &["succeeded"]),
        only("failed", &["failed", "recovered", "succeeded"]),
    ];
    let turns = [WELL, trouble(Kind::Failed), WELL].map(Some);
    let [first, second, third] = &told(&receivers, &turns)[..] else {
        panic!("three turns");
    };
    let both = vec!["success".to_owned(), "failed".to_owned()];
    assert_eq!(
        first,
        &[Telling {
            kind: Kind::Succeeded,
            again: false,
            to: both
        }]
    );
    assert_eq!(second, &telling(Kind::Failed, "failed"));
    let mut expected = telling(Kind::Recovered, "failed");
    expected.extend(telling(Kind::Succeeded, "success"));
    assert_eq!(third, &expected, "nobody is told twice");
}

#[test]
fn who_asks_for_failures_is_told_of_every_kind_of_them_and_others_of_one() {
    let only = |name: &str, events: &[&str]| receiver(name, &[("events", words(events))]);
    let receivers = [only("failed", &["failed"]), only("space", &["space"])];
    let both = vec!["failed", "space"];
    for (kind, names) in [(Kind::Drill, vec!["failed"]), (Kind::Space, both)] {
        let told = told(&receivers, &[Some(trouble(kind))]).concat();
        let to: Vec<_> = told.iter().flat_map(|it| &it.to).collect();
        assert_eq!(to, names, "{kind:?}");
    }
}

#[test]
fn a_job_tells_only_those_that_it_names() {
    let receivers = [admins(), receiver("others", &[])];
    let to = |notify: &Notify| {
        let audience = Audience::new(&receivers, notify);
        let tellings = end(&mut Told::default(), trouble(Kind::Failed), audience, 0);
        let names = tellings.into_iter().flat_map(|telling| telling.to);
        names.collect::<Vec<_>>()
    };
    assert_eq!(to(&Notify::All), ["admins", "others"]);
    assert_eq!(to(&Notify::Only(vec!["others".to_owned()])), ["others"]);
    assert!(to(&Notify::Only(vec!["nobody".to_owned()])).is_empty());
    assert!(to(&Notify::Only(Vec::new())).is_empty());
}

#[test]
fn a_check_that_waits_for_pings_hears_of_every_run() {
    let receivers = [admins(), pings()];
    let audience = Audience::new(&receivers, &Notify::All);
    let cut = row(RunState::Interrupted, Some(JobResult::Fail), Vec::new());
    let told = |ended: Option<&RunRecord>| Vec::from_iter(every_run(ended, audience));
    assert_eq!(told(None), telling(Kind::Started, "pings"));
    for (row, kind) in [
        (succeeded(), Kind::Succeeded),
        (failed(|_| {}), Kind::Failed),
        (failed(|action| action.partial = true), Kind::Partial),
        (cut, Kind::Failed),
    ] {
        assert_eq!(told(Some(&row)), telling(kind, "pings"));
    }
    let skipped = row(RunState::Skipped, None, Vec::new());
    assert!(told(Some(&skipped)).is_empty());
    let changes = end(&mut Told::default(), trouble(Kind::Failed), audience, 0);
    assert_eq!(changes, telling(Kind::Failed, "admins"));
}
