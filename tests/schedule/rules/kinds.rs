//! Schedules without an entry, dates, intervals, bounds, continuous jobs.

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::schedule::fault::Field::*;
use freezerd::schedule::parse::RawSchedule;
use freezerd::schedule::zone::Zone;
use freezerd::schedule::{Kind, Outlook, Schedule};

use super::{at, firings, schedule, zone};

#[test]
fn a_job_without_a_schedule_runs_once_two_seconds_after_it_was_created() {
    let schedule = schedule(&[]);
    let (created, zone) = (at("2026-01-01T00:00:00Z"), Zone::utc());
    assert_eq!(
        (schedule.kind(), schedule.is_one_shot()),
        (Kind::None, true)
    );
    let due = at("2026-01-01T00:00:02Z");
    assert_eq!(schedule.next_after(created, created, &zone), Some(due));
    assert_eq!(schedule.next_after(due, created, &zone), None);
    assert_eq!(
        schedule,
        Schedule::parse(&RawSchedule::default()).expect("a schedule")
    );
}

#[test]
fn a_date_runs_once_at_that_moment() {
    let zone = zone("Europe/Berlin");
    let (created, due) = (at("2026-01-01T00:00:00Z"), at("2026-07-01T08:00:00Z"));
    for text in [
        "2026-07-01T10:00:00",
        "2026-07-01T10:00",
        "2026-07-01 10:00",
        "2026-07-01T08:00:00Z",
        "2026-07-01T13:45:00+05:45",
    ] {
        let schedule = schedule(&[(Date, text)]);
        assert_eq!(
            schedule.next_after(created, created, &zone),
            Some(due),
            "{text}"
        );
        assert_eq!(schedule.next_after(due, created, &zone), None, "{text}");
    }
    let fraction = schedule(&[(Date, "2026-07-01T10:00:00.25")]);
    assert_eq!(
        fraction.next_after(created, created, &zone),
        Some(due + TimeDelta::milliseconds(250))
    );
}

#[test]
fn a_date_that_exists_twice_is_the_first_and_one_that_does_not_is_shifted() {
    let now = "2026-01-01T00:00:00Z";
    let date = |text| firings(&[(Date, text)], now, "Europe/Berlin", 2);
    assert_eq!(date("2026-10-25T02:30:00"), ["2026-10-25T02:30:00+02:00"]);
    assert_eq!(date("2026-03-29T02:30:00"), ["2026-03-29T03:30:00+02:00"]);
}

#[test]
fn a_date_past_by_more_than_an_hour_when_first_seen_does_not_run() {
    let zone = Zone::utc();
    let schedule = schedule(&[(Date, "2026-01-01T10:00:00")]);
    let due = at("2026-01-01T10:00:00Z");
    for (now, runs) in [
        ("2026-01-01T09:00:00Z", true),
        ("2026-01-01T11:00:00Z", true),
        ("2026-01-01T11:00:01Z", false),
    ] {
        let now = at(now);
        assert_eq!(schedule.is_too_late(now, &zone), !runs);
        let expected = runs.then_some(due);
        assert_eq!(schedule.occurrences(now, now, &zone).next(), expected);
    }
}

#[test]
fn an_interval_without_a_start_counts_from_the_jobs_creation() {
    let zone = Zone::utc();
    let schedule = schedule(&[(Interval, "6 hours")]);
    let created = at("2026-01-01T01:00:00.5Z");
    let first = at("2026-01-01T07:00:00.5Z");
    assert_eq!(schedule.next_after(created, created, &zone), Some(first));
    assert_eq!(
        schedule.next_after(first, created, &zone),
        Some(at("2026-01-01T13:00:00.5Z"))
    );
    // The phase stays, however much later it is asked.
    assert_eq!(
        schedule.next_after(at("2027-05-05T02:00:00Z"), created, &zone),
        Some(at("2027-05-05T07:00:00.5Z"))
    );
    // Nothing before the first step, however much earlier.
    assert_eq!(
        schedule.next_after(DateTime::<Utc>::MIN_UTC, created, &zone),
        Some(first)
    );
}

#[test]
fn an_interval_keeps_the_phase_of_its_start_date_even_when_that_is_past() {
    let texts = [(Interval, "1 days"), (StartDate, "2025-06-07T23:31:41")];
    let found = firings(&texts, "2026-10-24T12:00:00Z", "Europe/Berlin", 3);
    // A day is 24 hours, so that the wall clock's reading moves with the clock.
    let expected = [
        "2026-10-24T23:31:41+02:00",
        "2026-10-25T22:31:41+01:00",
        "2026-10-26T22:31:41+01:00",
    ];
    assert_eq!(found, expected);
    let ahead = [(Interval, "1 hour"), (StartDate, "2026-12-01")];
    assert_eq!(
        firings(&ahead, "2026-10-24T12:00:00Z", "UTC", 1),
        ["2026-12-01T00:00:00+00:00"]
    );
}

#[test]
fn start_and_end_are_inclusive() {
    let bounds = [
        (StartDate, "2026-01-01T02:00:00"),
        (EndDate, "2026-01-01T04:00:00"),
    ];
    let expected = [
        "2026-01-01T02:00:00+00:00",
        "2026-01-01T03:00:00+00:00",
        "2026-01-01T04:00:00+00:00",
    ];
    for rule in [(Interval, "1 hour"), (Hour, "*")] {
        let texts = [rule, bounds[0], bounds[1]];
        assert_eq!(
            firings(&texts, "2025-12-31T00:00:00Z", "UTC", 9),
            expected,
            "{rule:?}"
        );
    }
}

#[test]
fn bounds_of_a_single_run_mean_nothing_and_are_told() {
    let bounds = [(StartDate, "2030-01-01"), (EndDate, "2031-01-01")];
    let none = schedule(&bounds);
    assert_eq!(none.idle_fields(), [StartDate, EndDate]);
    let now = at("2026-01-01T00:00:00Z");
    assert_eq!(
        none.next_after(now, now, &Zone::utc()),
        Some(now + TimeDelta::seconds(2))
    );
    assert_eq!(
        schedule(&[(Date, "2026-01-01"), bounds[1]]).idle_fields(),
        [EndDate]
    );
    assert_eq!(schedule(&[(Hour, "3"), bounds[1]]).idle_fields(), []);
}

#[test]
fn a_continuous_job_is_due_one_second_after_its_last_run_ended() {
    let zone = Zone::utc();
    let free = schedule(&[(Interval, "continuous")]);
    let ended = at("2026-01-01T00:00:07.25Z");
    assert_eq!(
        free.next_after(ended, ended, &zone),
        Some(at("2026-01-01T00:00:08.25Z"))
    );
    let bound = schedule(&[
        (Interval, "continuous"),
        (StartDate, "2026-01-01T06:00"),
        (EndDate, "2026-01-01T07:00"),
    ]);
    assert_eq!(
        bound.next_after(ended, ended, &zone),
        Some(at("2026-01-01T06:00:00Z"))
    );
    let late = at("2026-01-01T06:59:59.5Z");
    assert_eq!(bound.next_after(late, late, &zone), None);
    assert_eq!(bound.outlook(late, late, &zone), Outlook::Over);
    let listed = firings(
        &[(Interval, "continuous")],
        "2026-01-01T00:00:00Z",
        "UTC",
        2,
    );
    assert_eq!(
        listed,
        ["2026-01-01T00:00:01+00:00", "2026-01-01T00:00:02+00:00"]
    );
}
