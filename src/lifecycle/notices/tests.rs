use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::job::storage::Value;
use crate::job::{JobResult, Notify};
use crate::lifecycle::job::{row_made, row_over};
use crate::record::{
    ActionRecord, ExitStatus, JobRecord, OpenRun, RunRecord, RunState, Standing, Told,
};
use crate::samples::{action_record, job_record, minute as at, receiver, run_record};
use crate::schedule::zone::Zone;
use crate::tell::message::Kind;
use crate::tell::receiver::Receiver;

const MINUTE: TimeDelta = TimeDelta::minutes(1);

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
fn told(receivers: &[Receiver], turns: &[Turn]) -> Vec<Vec<Telling>> {
    let mut told = Told::default();
    let audience = Audience::new(receivers, &Notify::All);
    let turns = turns.iter().enumerate();
    turns
        .map(|(minute, turn)| after_run(&mut told, *turn, false, audience, at(minute as i64)))
        .collect()
}

fn telling(kind: Kind, to: &str) -> Vec<Telling> {
    let to = vec![to.to_owned()];
    vec![Telling { kind, to }]
}

#[test]
fn each_ending_of_a_run_has_its_meaning() {
    let partial = failed(|action| action.partial = true);
    let check = failed(|action| action.kind = "check".to_owned());
    let drill = failed(|action| action.kind = "drill".to_owned());
    let full = failed(|action| action.no_space = true);
    let mut alarm = succeeded();
    alarm.actions[0].alarm = serde_json::from_str("\"shrink\"").expect("an alarm");
    let mut dry = succeeded();
    dry.actions[0].dry_run = true;
    let cut = row(RunState::Interrupted, Some(JobResult::Fail), Vec::new());
    let mut both = check.clone();
    both.actions.push(action(ExitStatus::Fail));
    for (row, made_up, expected) in [
        (succeeded(), false, Turn::Well),
        (dry, false, Turn::Nothing),
        (alarm, false, Turn::Trouble(Kind::Guard)),
        (partial, false, Turn::Trouble(Kind::Partial)),
        (failed(|_| {}), false, Turn::Trouble(Kind::Failed)),
        (check, false, Turn::Trouble(Kind::Check)),
        (drill, false, Turn::Trouble(Kind::Drill)),
        (full, false, Turn::Trouble(Kind::Space)),
        (both, false, Turn::Trouble(Kind::Failed)),
        (cut.clone(), true, Turn::Nothing),
        (cut, false, Turn::Trouble(Kind::Failed)),
        (
            row(RunState::Ended, Some(JobResult::Aborted), Vec::new()),
            false,
            Turn::Nothing,
        ),
        (
            row(RunState::Skipped, None, Vec::new()),
            false,
            Turn::Nothing,
        ),
    ] {
        assert_eq!(turn(&row, made_up), expected, "{row:?}");
    }
}

#[test]
fn a_receiver_is_told_of_changes_and_not_of_every_run() {
    use Turn::{Nothing, Trouble, Well};
    let (failed, partial) = (Trouble(Kind::Failed), Trouble(Kind::Partial));
    let turns = [
        Well, failed, failed, Nothing, failed, partial, partial, Well, Well, failed,
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
    let turns = [Turn::Well, Turn::Trouble(Kind::Failed), Turn::Well];
    let [first, second, third] = &told(&receivers, &turns)[..] else {
        panic!("three turns");
    };
    let both = vec!["success".to_owned(), "failed".to_owned()];
    assert_eq!(
        first,
        &[Telling {
            kind: Kind::Succeeded,
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
        let told = told(&receivers, &[Turn::Trouble(kind)]).concat();
        let to: Vec<_> = told.iter().flat_map(|it| &it.to).collect();
        assert_eq!(to, names, "{kind:?}");
    }
}

#[test]
fn a_job_tells_only_those_that_it_names() {
    let receivers = [admins(), receiver("others", &[])];
    let to = |notify: &Notify| {
        let audience = Audience::new(&receivers, notify);
        let trouble = Turn::Trouble(Kind::Failed);
        let tellings = after_run(&mut Told::default(), trouble, false, audience, at(0));
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
    assert_eq!(every_run(None, audience), telling(Kind::Started, "pings"));
    for (row, kind) in [
        (succeeded(), Kind::Succeeded),
        (failed(|_| {}), Kind::Failed),
        (failed(|action| action.partial = true), Kind::Partial),
        (cut, Kind::Failed),
    ] {
        assert_eq!(every_run(Some(&row), audience), telling(kind, "pings"));
    }
    let skipped = row(RunState::Skipped, None, Vec::new());
    assert!(every_run(Some(&skipped), audience).is_empty());
    let mut told = Told::default();
    let trouble = Turn::Trouble(Kind::Failed);
    let changes = after_run(&mut told, trouble, false, audience, at(0));
    assert_eq!(changes, telling(Kind::Failed, "admins"));
}

fn job(change: impl Fn(&mut JobRecord)) -> JobRecord {
    let mut record = job_record("job", at(0));
    change(&mut record);
    record
}

#[test]
fn a_job_is_overdue_by_its_max_age_or_when_it_was_due_and_has_not_run() {
    let old = job(|record| {
        record.max_age = Some(3600);
        record.past.last_success = Some(at(30));
    });
    assert_eq!(overdue_at(&old), Some(at(90)));
    // Due instants that were only skipped.
    let skipped = RunRecord {
        state: RunState::Skipped,
        started: None,
        ended: Some(at(60)),
        result: None,
        ..run_record(7, "job", at(60))
    };
    let record = row_over(row_made(job(|_| {}), &skipped), &skipped);
    assert_eq!(overdue_at(&record), Some(at(120)));
    let waits = JobRecord {
        run: Some(OpenRun {
            number: 8,
            started: false,
            aborting: false,
        }),
        ..record.clone()
    };
    assert_eq!(overdue_at(&waits), None, "its run waits in the queue");
    let stopped = JobRecord {
        standing: Standing::Stopped,
        ..record
    };
    assert_eq!(overdue_at(&stopped), None);
    // It ran, and failed: that is told as such.
    let failed = failed(|_| {});
    let record = row_over(row_made(job(|_| {}), &failed), &failed);
    assert_eq!(record.past.owed_since, Some(at(60)));
    assert_eq!(overdue_at(&record), None);
}

#[test]
fn a_job_that_becomes_overdue_is_told_of_once_and_its_success_too() {
    let receivers = [admins()];
    let audience = Audience::new(&receivers, &Notify::All);
    let mut record = job(|record| record.max_age = Some(3600));
    assert_eq!(next_look(&record, audience), Some(at(60)));
    let (told, tellings) = look(&record, audience, at(59));
    assert!(told.is_well() && tellings.is_empty());
    let (told, tellings) = look(&record, audience, at(60));
    assert_eq!(tellings, telling(Kind::Overdue, "admins"));
    record.told = told;
    assert_eq!(next_look(&record, audience), None);
    assert!(look(&record, audience, at(900)).1.is_empty());
    let well = after_run(&mut record.told, Turn::Well, false, audience, at(901));
    assert_eq!(well, telling(Kind::Recovered, "admins"));
    let nobody = Audience::new(&[], &Notify::All);
    assert_eq!(next_look(&record, nobody), None);
}

#[test]
fn a_receiver_that_wants_it_is_told_again_while_the_trouble_lasts() {
    let receivers = [admins(), receiver("again", &[("repeat", text("2 hours"))])];
    let audience = Audience::new(&receivers, &Notify::All);
    let mut record = job(|_| {});
    let trouble = Turn::Trouble(Kind::Failed);
    after_run(&mut record.told, trouble, false, audience, at(0));
    assert_eq!(next_look(&record, audience), Some(at(120)));
    let before = after_run(&mut record.told, trouble, false, audience, at(119));
    assert!(before.is_empty());
    let (told, tellings) = look(&record, audience, at(120));
    assert_eq!(tellings, telling(Kind::Failed, "again"));
    record.told = told;
    assert_eq!(next_look(&record, audience), Some(at(240)));
    let by_run = after_run(&mut record.told, trouble, false, audience, at(240));
    assert_eq!(by_run, telling(Kind::Failed, "again"));
    after_run(&mut record.told, Turn::Well, false, audience, at(241));
    assert_eq!(next_look(&record, audience), None);
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

#[test]
fn quiet_hours_and_digests_delay_a_message_and_drop_none() {
    let zone = Zone::bundled("Europe/Berlin").expect("a zone");
    let first =
        |keys: &[(&str, Value)], now: &str| first_try(&receiver("x", keys), &zone, instant(now));
    let quiet = [("quiet_hours", text("22:00-07:00"))];
    // 23:30 in Berlin, in winter.
    assert_eq!(
        first(&quiet, "2026-11-27T22:30:10Z"),
        instant("2026-11-28T06:00:00Z")
    );
    assert_eq!(
        first(&quiet, "2026-11-27T12:30:10Z"),
        instant("2026-11-27T12:30:10Z")
    );
    let daily = [("digest", text("daily 08:00"))];
    assert_eq!(
        first(&daily, "2026-11-27T06:59:59Z"),
        instant("2026-11-27T07:00:00Z")
    );
    assert_eq!(
        first(&daily, "2026-11-27T07:00:00Z"),
        instant("2026-11-28T07:00:00Z")
    );
    let weekly = [("digest", text("weekly mon 08:00"))];
    assert_eq!(
        first(&weekly, "2026-11-27T06:00:00Z"),
        instant("2026-11-30T07:00:00Z")
    );
    let early = [
        ("digest", text("daily 05:00")),
        ("quiet_hours", text("22:00-07:00")),
    ];
    assert_eq!(
        first(&early, "2026-11-27T12:00:00Z"),
        instant("2026-11-28T06:00:00Z")
    );
}

#[test]
fn a_message_that_is_refused_is_sent_again_after_growing_waits() {
    let (receiver, zone) = (admins(), Zone::utc());
    let wait = |tries, at_least| {
        let next = next_try(&receiver, &zone, (17, tries), at_least, at(0));
        next - at(0)
    };
    let mut before = TimeDelta::zero();
    for tries in 1..=20 {
        let wait = wait(tries, None);
        assert!(wait >= before, "{tries}");
        before = wait;
    }
    assert!((MINUTE..MINUTE * 2).contains(&wait(1, None)));
    let most = TimeDelta::hours(6);
    assert!((most..most + MINUTE * 40).contains(&wait(99, None)));
    assert!(wait(1, Some(Duration::from_secs(600))) >= MINUTE * 10);
    assert_ne!(
        wait(9, None),
        next_try(&receiver, &zone, (18, 9), None, at(0)) - at(0),
        "two messages do not come at once"
    );
    assert_eq!(wait(9, None), wait(9, None));
}

#[test]
fn a_message_names_the_job_the_host_what_failed_why_and_what_to_do() {
    let zone = Zone::utc();
    let facts = Facts {
        host: "web1",
        zone: &zone,
        now: at(70),
    };
    let mut row = failed(|action| action.problems = 2);
    row.reason = Some("backup: the disk is full\u{1b}[31m".to_owned());
    let (subject, text) = of_run(Kind::Failed, &row, facts);
    assert_eq!(subject, "job failed on web1");
    for part in [
        "The job job on web1 has failed.",
        "Run 7 was due at 2026-01-01 01:00:00",
        "backup: the disk is full\\x1b",
        "2 paths were not backed up or restored",
        "`freezerd log 7` shows its log; `freezerd why job` explains it.",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let record = job(|record| record.max_age = Some(3600));
    let (subject, text) = of_job(Kind::Overdue, &record, facts);
    assert_eq!(subject, "job is overdue on web1");
    assert!(text.contains("within its max_age of 1 h"), "{text}");
    assert!(text.contains("It has never succeeded."), "{text}");
    let (subject, text) = of_job(Kind::Failed, &record, facts);
    assert_eq!(subject, "job failed on web1 (still)");
    assert!(text.starts_with("Nothing has changed"), "{text}");
    assert!(!text.ends_with('\n'));
}
