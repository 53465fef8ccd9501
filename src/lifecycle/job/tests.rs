use super::*;
use crate::job::{Event, InitialState};
use crate::schedule::parse::RawSchedule;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn schedule(fields: &[(&str, &str)]) -> Schedule {
    use crate::schedule::fault::Field;
    let mut raw = RawSchedule::default();
    for (key, text) in fields {
        let field = Field::ALL
            .into_iter()
            .find(|field| field.key() == *key)
            .expect("a field of schedules");
        *raw.slot(field) = Some(text);
    }
    Schedule::parse(&raw).expect("a valid schedule")
}

fn clockwork<'a>(schedule: &'a Schedule, zone: &'a Zone, delay: TimeDelta) -> Clockwork<'a> {
    Clockwork {
        schedule,
        zone,
        delay,
    }
}

fn seen(clockwork: Clockwork<'_>, now: DateTime<Utc>) -> JobRecord {
    let content = Content {
        file: "job.json",
        digest: "",
        document: "",
        max_age: None,
    };
    first_seen("job", content, &InitialState::default(), clockwork, now).record
}

fn ended(result: JobResult) -> RunEnd {
    RunEnd {
        result,
        interrupted: None,
    }
}

/// Claims what a tick at `now` wants to run, as run `number`.
fn run_at(
    record: JobRecord,
    clockwork: Clockwork<'_>,
    now: DateTime<Utc>,
    number: u64,
) -> (JobRecord, Occurrence) {
    let step = tick(record, clockwork, now);
    let [Effect::Claim(occurrence)] = &step.effects[..] else {
        panic!("one run, and nothing else: {:?}", step.effects);
    };
    let record = claimed(step.record, number, clockwork, now);
    (run_started(record, now), occurrence.clone())
}

const NO_DELAY: TimeDelta = TimeDelta::zero();
const HOUR: TimeDelta = TimeDelta::hours(1);

#[test]
fn a_small_step_back_repeats_nothing_and_the_next_firing_follows_the_last_one_handled() {
    let (schedule, zone) = (schedule(&[("schedule_interval", "1 hour")]), Zone::utc());
    let clockwork = clockwork(&schedule, &zone, NO_DELAY);
    let record = seen(clockwork, at("2026-01-01T12:00:00Z"));
    let (record, occurrence) = run_at(record, clockwork, at("2026-01-01T13:00:00Z"), 1);
    assert_eq!(occurrence.due.last, at("2026-01-01T13:00:00Z"));
    let record = run_ended(
        record,
        &ended(JobResult::Success),
        clockwork,
        at("2026-01-01T13:01:00Z"),
    )
    .record;
    let step = tick(record, clockwork, at("2026-01-01T10:30:00Z"));
    assert_eq!(step.effects, []);
    assert_eq!(step.record.next, Some(at("2026-01-01T14:00:00Z")));
}

#[test]
fn a_clock_set_back_by_more_than_three_hours_is_a_corrected_one_and_the_schedule_goes_on_from_now()
{
    let (schedule, zone) = (schedule(&[("schedule_hour", "*")]), Zone::utc());
    let clockwork = clockwork(&schedule, &zone, NO_DELAY);
    let record = seen(clockwork, at("2027-01-01T12:30:00Z"));
    let (record, _) = run_at(record, clockwork, at("2027-01-01T13:00:00Z"), 1);
    let record = run_ended(
        record,
        &ended(JobResult::Success),
        clockwork,
        at("2027-01-01T13:01:00Z"),
    )
    .record;
    let step = tick(record, clockwork, at("2026-01-01T12:00:00Z"));
    assert_eq!(
        step.effects[0],
        Effect::Corrected {
            handled: at("2027-01-01T13:00:00Z")
        }
    );
    // Noon itself is now, and the instant it goes on from.
    assert!(
        matches!(&step.effects[1], Effect::Claim(occurrence) if occurrence.due.last == at("2026-01-01T12:00:00Z"))
    );
}

#[test]
fn a_long_jitter_is_no_corrected_clock() {
    let (schedule, zone) = (
        schedule(&[("schedule_hour", "*"), ("schedule_jitter", "12 hours")]),
        Zone::utc(),
    );
    let clockwork = clockwork(&schedule, &zone, HOUR * 5);
    let now = at("2026-01-01T12:30:00Z");
    assert_eq!(tick(seen(clockwork, now), clockwork, now).effects, []);
}

#[test]
fn a_job_first_seen_between_a_due_instant_and_its_delayed_firing_fires_today() {
    let zone = Zone::utc();
    for schedule in [
        schedule(&[("schedule_hour", "3"), ("schedule_jitter", "30 minutes")]),
        schedule(&[
            ("schedule_date", "2026-01-01T03:00:00"),
            ("schedule_jitter", "30 minutes"),
        ]),
    ] {
        let clockwork = clockwork(&schedule, &zone, TimeDelta::minutes(20));
        let record = seen(clockwork, at("2026-01-01T03:10:00Z"));
        assert_eq!(record.next, Some(at("2026-01-01T03:20:00Z")));
        assert_eq!(record.standing, Standing::OnSchedule);
    }
}

#[test]
fn a_stopped_job_is_started_again_after_the_clock_was_corrected_and_fires_soon() {
    let (schedule, zone) = (schedule(&[("schedule_hour", "*")]), Zone::utc());
    let clockwork = clockwork(&schedule, &zone, NO_DELAY);
    let record = seen(clockwork, at("2027-01-01T12:30:00Z"));
    let stopped = ask(record, Event::Stop, clockwork, at("2027-01-01T12:31:00Z"))
        .step
        .record;
    let answer = ask(stopped, Event::Start, clockwork, at("2026-01-01T12:31:00Z"));
    assert!(answer.accepted);
    assert_eq!(answer.step.record.next, Some(at("2026-01-01T13:00:00Z")));
}

fn continuous() -> Schedule {
    schedule(&[("schedule_interval", "continuous")])
}

#[test]
fn a_continuous_job_runs_again_a_second_after_its_end() {
    let (schedule, zone) = (continuous(), Zone::utc());
    let clockwork = clockwork(&schedule, &zone, NO_DELAY);
    let record = seen(clockwork, at("2026-01-01T12:00:00Z"));
    assert_eq!(record.next, Some(at("2026-01-01T12:00:01Z")));
    let (record, _) = run_at(record, clockwork, at("2026-01-01T12:00:01Z"), 1);
    assert_eq!(record.next, None);
    let step = run_ended(
        record,
        &ended(JobResult::Success),
        clockwork,
        at("2026-01-01T12:30:00Z"),
    );
    assert_eq!(step.record.next, Some(at("2026-01-01T12:30:01Z")));
}

#[test]
fn a_continuous_job_that_fails_backs_off_up_to_an_hour_and_a_success_ends_that() {
    let (schedule, zone) = (continuous(), Zone::utc());
    let clockwork = clockwork(&schedule, &zone, NO_DELAY);
    let mut record = seen(clockwork, at("2026-01-01T12:00:00Z"));
    let mut waits = Vec::new();
    for number in 1..=15 {
        let now = record.next.expect("there is always a next run");
        let (running, _) = run_at(record, clockwork, now, number);
        record = run_ended(running, &ended(JobResult::Fail), clockwork, now).record;
        waits.push((record.next.expect("a next run") - now).num_seconds());
    }
    assert_eq!(
        waits,
        [
            1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600, 3600
        ]
    );
    let now = record.next.expect("a next run");
    let (running, _) = run_at(record, clockwork, now, 16);
    let record = run_ended(running, &ended(JobResult::Success), clockwork, now).record;
    assert_eq!(record.next, Some(now + TimeDelta::seconds(1)));
}

#[test]
fn a_continuous_job_goes_on_when_the_clock_is_set_back_during_its_run() {
    let (schedule, zone) = (continuous(), Zone::utc());
    let clockwork = clockwork(&schedule, &zone, NO_DELAY);
    let record = seen(clockwork, at("2026-01-01T12:00:00Z"));
    let (record, _) = run_at(record, clockwork, at("2026-01-01T12:00:01Z"), 1);
    let now = at("2026-01-01T10:00:00Z");
    let step = run_ended(record, &ended(JobResult::Success), clockwork, now);
    assert_eq!(step.record.standing, Standing::OnSchedule);
    assert_eq!(step.record.next, Some(now + TimeDelta::seconds(1)));
}

#[test]
fn a_clock_set_back_between_two_runs_does_not_make_a_continuous_job_wait() {
    let (schedule, zone) = (continuous(), Zone::utc());
    let clockwork = clockwork(&schedule, &zone, NO_DELAY);
    let record = seen(clockwork, at("2026-01-01T12:00:00Z"));
    let (record, _) = run_at(record, clockwork, at("2026-01-01T12:00:01Z"), 1);
    let record = run_ended(
        record,
        &ended(JobResult::Success),
        clockwork,
        at("2026-01-01T12:10:00Z"),
    )
    .record;
    let now = at("2026-01-01T10:00:00Z");
    let step = tick(record, clockwork, now);
    assert_eq!(step.effects, []);
    assert_eq!(step.record.next, Some(now + TimeDelta::seconds(1)));
}

#[test]
fn a_continuous_job_goes_on_after_a_firing_that_is_not_caught_up() {
    let schedule = schedule(&[
        ("schedule_interval", "continuous"),
        ("schedule_catch_up", "skip"),
    ]);
    let zone = Zone::utc();
    let clockwork = clockwork(&schedule, &zone, NO_DELAY);
    let record = seen(clockwork, at("2026-01-01T12:00:00Z"));
    let now = at("2026-01-01T15:00:00Z");
    let step = tick(record, clockwork, now);
    assert!(matches!(&step.effects[..], [Effect::Skip { .. }]));
    assert_eq!(step.record.standing, Standing::OnSchedule);
    assert_eq!(step.record.next, Some(now + TimeDelta::seconds(1)));
}

#[test]
fn a_continuous_job_goes_on_after_a_claimed_run_is_dropped() {
    let (schedule, zone) = (continuous(), Zone::utc());
    let clockwork = clockwork(&schedule, &zone, NO_DELAY);
    let record = seen(clockwork, at("2026-01-01T12:00:00Z"));
    let step = tick(record, clockwork, at("2026-01-01T12:00:01Z"));
    let now = at("2026-01-01T12:05:00Z");
    let step = dropped(claimed(step.record, 1, clockwork, now), clockwork, now);
    assert_eq!(step.record.standing, Standing::OnSchedule);
    assert_eq!(step.record.next, Some(now + TimeDelta::seconds(1)));
}

#[test]
fn another_zone_owes_no_run_for_a_time_of_day_that_has_passed_in_it() {
    let schedule = schedule(&[("schedule_hour", "3")]);
    let berlin = Zone::bundled("Europe/Berlin").expect("a zone");
    let new_york = Zone::bundled("America/New_York").expect("a zone");
    let here = clockwork(&schedule, &berlin, NO_DELAY);
    let there = clockwork(&schedule, &new_york, NO_DELAY);
    let record = seen(here, at("2026-01-01T00:00:00Z"));
    let (record, _) = run_at(record, here, at("2026-01-01T02:00:00Z"), 1);
    let record = run_ended(
        record,
        &ended(JobResult::Success),
        here,
        at("2026-01-01T02:01:00Z"),
    )
    .record;
    // 03:00 in New York was at 08:00 UTC.
    let record = zone_changed(record, &berlin, there, at("2026-01-01T12:00:00Z")).record;
    assert_eq!(record.next, Some(at("2026-01-02T08:00:00Z")));
}

#[test]
fn a_date_that_has_passed_by_the_clock_of_another_zone_is_still_run() {
    let schedule = schedule(&[("schedule_date", "2026-01-01T15:00:00")]);
    let berlin = Zone::bundled("Europe/Berlin").expect("a zone");
    let tokyo = Zone::bundled("Asia/Tokyo").expect("a zone");
    let record = seen(
        clockwork(&schedule, &berlin, NO_DELAY),
        at("2026-01-01T09:00:00Z"),
    );
    let there = clockwork(&schedule, &tokyo, NO_DELAY);
    let now = at("2026-01-01T12:00:00Z");
    let record = zone_changed(record, &berlin, there, now).record;
    let (_, occurrence) = run_at(record, there, now, 1);
    assert_eq!(occurrence.trigger, Trigger::CatchUp);
}

#[test]
fn many_missed_firings_are_one_run_that_says_how_many() {
    let (schedule, zone) = (schedule(&[("schedule_minute", "*/10")]), Zone::utc());
    let clockwork = clockwork(&schedule, &zone, NO_DELAY);
    let record = seen(clockwork, at("2026-01-01T12:05:00Z"));
    let (_, occurrence) = run_at(record, clockwork, at("2026-01-02T12:05:00Z"), 1);
    assert_eq!(occurrence.trigger, Trigger::CatchUp);
    assert_eq!(occurrence.due.count, 144);
}

#[test]
fn a_date_that_is_being_run_does_not_come_again_by_the_clock_of_another_zone() {
    let schedule = schedule(&[("schedule_date", "2026-01-01T15:00:00")]);
    let berlin = Zone::bundled("Europe/Berlin").expect("a zone");
    let new_york = Zone::bundled("America/New_York").expect("a zone");
    let here = clockwork(&schedule, &berlin, NO_DELAY);
    let there = clockwork(&schedule, &new_york, NO_DELAY);
    let record = seen(here, at("2026-01-01T09:00:00Z"));
    let (record, _) = run_at(record, here, at("2026-01-01T14:00:00Z"), 1);
    let record = zone_changed(record, &berlin, there, at("2026-01-01T14:05:00Z")).record;
    assert_eq!(record.next, None);
    let step = run_ended(
        record,
        &ended(JobResult::Success),
        there,
        at("2026-01-01T14:10:00Z"),
    );
    assert_eq!(step.record.standing, Standing::Finished);
}

#[test]
fn what_runs_once_is_held_when_what_was_known_of_it_is_lost() {
    let zone = Zone::utc();
    let now = at("2026-01-01T12:00:00Z");
    let held = |fields: &[(&str, &str)]| {
        let schedule = schedule(fields);
        let clockwork = clockwork(&schedule, &zone, NO_DELAY);
        let record = seen(clockwork, now);
        assert_eq!(record.standing, Standing::OnSchedule);
        let step = Step {
            record,
            effects: Vec::new(),
        };
        let record = hold_what_runs_once(step, clockwork, now).record;
        if record.standing == Standing::Stopped {
            assert_eq!(record.next, None);
            let reason = record.reason.expect("a reason");
            assert!(reason.contains("freezerd trigger job"), "{reason}");
        } else {
            assert!(record.next.is_some());
        }
        record.standing == Standing::Stopped
    };
    assert!(held(&[]));
    assert!(held(&[("schedule_date", "2026-01-01T11:30:00")]));
    assert!(!held(&[("schedule_date", "2026-01-01T12:30:00")]));
    assert!(!held(&[("schedule_interval", "1 hours")]));
    assert!(!held(&[("schedule_interval", "continuous")]));
    assert!(!held(&[("schedule_hour", "3")]));
}

#[test]
fn with_another_max_age_receivers_are_told_again_that_the_job_is_overdue() {
    let (schedule, zone) = (schedule(&[("schedule_hour", "*")]), Zone::utc());
    let clockwork = clockwork(&schedule, &zone, NO_DELAY);
    let now = at("2026-01-01T12:00:00Z");
    let mut record = seen(clockwork, now);
    record.told.overdue = true;
    let initial = InitialState::default();
    let with = |record: JobRecord, max_age| {
        let content = Content {
            file: "job.json",
            digest: "",
            document: "",
            max_age,
        };
        let change = ContentChange {
            is: &initial,
            schedule_changed: false,
        };
        changed(record, content, change, clockwork, now).record
    };
    let same = with(record, None);
    assert!(same.told.overdue);
    let other = with(same, Some(3600));
    assert_eq!((other.max_age, other.told.overdue), (Some(3600), false));
}
