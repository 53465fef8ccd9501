//! Where a job starts, and when its schedule is due next.

use chrono::TimeDelta;
use freezerd::job::{Event, InitialState, JobResult, Status};
use freezerd::lifecycle::job::{Effect, ask, claimed, run_started, tick};
use freezerd::schedule::parse::RawSchedule;

use super::{Bench, at};

#[test]
fn a_job_starts_from_what_its_file_says_when_it_is_first_seen() {
    let bench = Bench::hourly();
    let says = |status, event| {
        let initial = InitialState {
            status,
            event,
            ..InitialState::default()
        };
        bench.first(&initial).record.status()
    };
    assert_eq!(says(None, None), Status::Scheduled);
    assert_eq!(says(Some(Status::Scheduled), None), Status::Scheduled);
    assert_eq!(says(Some(Status::Running), None), Status::Scheduled);
    assert_eq!(says(Some(Status::Stop), None), Status::Stop);
    assert_eq!(says(Some(Status::Removed), None), Status::Removed);
    assert_eq!(
        says(Some(Status::Stop), Some(Event::Start)),
        Status::Scheduled
    );
    assert_eq!(
        says(Some(Status::Scheduled), Some(Event::Stop)),
        Status::Stop
    );
    assert_eq!(says(None, Some(Event::Remove)), Status::Removed);
}

#[test]
fn an_interval_keeps_the_phase_of_its_creation_over_stop_and_start() {
    let bench = Bench::new(&RawSchedule {
        interval: Some("1 hours"),
        ..RawSchedule::default()
    });
    let stopped = ask(bench.fresh(), Event::Stop, bench.clockwork(), at(0, 31));
    let back = ask(
        stopped.step.record,
        Event::Start,
        bench.clockwork(),
        at(5, 47),
    );
    assert_eq!(back.step.record.next, Some(at(6, 30)));
}

#[test]
fn a_continuous_job_that_keeps_failing_backs_off_up_to_an_hour() {
    let bench = Bench::new(&RawSchedule {
        interval: Some("continuous"),
        ..RawSchedule::default()
    });
    let mut record = bench.fresh();
    let mut pauses = Vec::new();
    for _ in 0..15 {
        record = bench
            .ended(
                run_started(claimed(record, 7, bench.clockwork(), at(0, 40)), at(0, 40)),
                JobResult::Fail,
            )
            .record;
        pauses.push((record.next.expect("it goes on") - at(0, 50)).num_seconds());
    }
    assert_eq!(&pauses[..5], [1, 2, 4, 8, 16]);
    assert_eq!(pauses.last(), Some(&3600));
    let well = bench
        .ended(
            run_started(claimed(record, 7, bench.clockwork(), at(0, 40)), at(0, 40)),
            JobResult::Success,
        )
        .record;
    assert_eq!(well.next, Some(at(0, 50) + TimeDelta::seconds(1)));
}

#[test]
fn a_date_long_past_when_first_seen_is_not_run_and_says_so() {
    let past = Bench::new(&RawSchedule {
        date: Some("2020-01-01T00:00:00"),
        ..RawSchedule::default()
    });
    let record = past.fresh();
    assert_eq!(record.status(), Status::Stop);
    assert!(record.reason.expect("a reason").contains("had passed"));
}

#[test]
fn start_says_so_when_nothing_is_left_to_fire() {
    let past = Bench::new(&RawSchedule {
        date: Some("2020-01-01T00:00:00"),
        ..RawSchedule::default()
    });
    let answer = ask(past.fresh(), Event::Start, past.clockwork(), at(1, 0));
    assert!(!answer.accepted);
    assert!(answer.text.contains("freezerd trigger"), "{}", answer.text);
}

#[test]
fn a_clock_set_back_by_more_than_three_hours_goes_on_from_now() {
    let bench = Bench::hourly();
    let late = tick(bench.fresh(), bench.clockwork(), at(9, 0)).record;
    let small = tick(late.clone(), bench.clockwork(), at(7, 30));
    assert_eq!(
        small.record.next,
        Some(at(10, 0)),
        "no occurrence comes twice"
    );
    let large = tick(late, bench.clockwork(), at(5, 30));
    assert_eq!(large.record.next, Some(at(6, 0)));
    assert!(matches!(&large.effects[..], [Effect::Corrected { .. }]));
}

#[test]
fn a_date_to_come_is_not_taken_for_dealt_with() {
    let bench = Bench::new(&RawSchedule {
        date: Some("2999-01-01T00:00:00"),
        ..RawSchedule::default()
    });
    let record = bench.fresh();
    assert!(record.handled <= at(0, 30));
    assert_eq!(record.status(), Status::Scheduled);
    assert_eq!(tick(record, bench.clockwork(), at(0, 31)).effects, []);
}
