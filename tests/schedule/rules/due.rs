//! What is due, what was missed, and what never fires.

use std::time::{Duration, Instant};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use freezerd::schedule::fault::Field::{self, *};
use freezerd::schedule::zone::{UnknownZone, Zone};
use freezerd::schedule::{CatchUp, Due, Outlook};

use super::{at, firings, schedule, zone};

#[test]
fn several_missed_firings_are_told_as_one_due() {
    let zone = Zone::utc();
    let created = at("2026-01-01T00:00:00Z");
    let due = |texts: &[(Field, &str)], after, until| {
        schedule(texts).due_between(at(after), at(until), created, &zone)
    };
    let expected = Due {
        first: at("2026-01-02T03:00:00Z"),
        last: at("2026-01-05T03:00:00Z"),
        count: 4,
    };
    assert_eq!(
        due(
            &[(Hour, "3")],
            "2026-01-01T03:00:00Z",
            "2026-01-05T03:00:00Z"
        ),
        Some(expected.clone())
    );
    let interval = [(Interval, "1 day"), (StartDate, "2025-01-01T03:00:00")];
    assert_eq!(
        due(&interval, "2026-01-01T03:00:00Z", "2026-01-06T02:59:59Z"),
        Some(expected)
    );
    assert_eq!(
        due(
            &[(Hour, "3")],
            "2026-01-01T03:00:00Z",
            "2026-01-02T02:59:59.9Z"
        ),
        None
    );
    assert_eq!(
        due(
            &[(Hour, "3")],
            "2026-01-05T03:00:00Z",
            "2026-01-01T03:00:00Z"
        ),
        None
    );
    let once = Due {
        first: created + TimeDelta::seconds(2),
        last: created + TimeDelta::seconds(2),
        count: 1,
    };
    assert_eq!(
        due(&[], "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        Some(once)
    );
    // Not past the end date.
    let bounded = due(
        &[(Hour, "3"), (EndDate, "2026-01-03")],
        "2026-01-01T03:00:00Z",
        "2026-02-01T00:00:00Z",
    );
    assert_eq!(
        bounded.map(|due| (due.last, due.count)),
        Some((at("2026-01-02T03:00:00Z"), 1))
    );
}

#[test]
fn what_came_due_in_a_year_is_counted_exactly_and_at_once() {
    let zone = zone("Europe/Berlin");
    let (from, until) = (at("2025-12-31T23:00:00Z"), at("2026-12-31T22:59:59Z"));
    let count = |texts: &[(Field, &str)]| {
        let due = schedule(texts)
            .due_between(from, until, from, &zone)
            .expect("firings");
        (due.count, due.last)
    };
    let start = Instant::now();
    assert_eq!(count(&[(Second, "*")]), (365 * 86_400 - 1, until));
    // Hours that are not all of them: one in the fold fires in its first pass alone, and the gap's follow.
    assert_eq!(count(&[(Hour, "0-22"), (Minute, "0")]).0, 365 * 23 - 1 - 1);
    assert_eq!(
        count(&[(Hour, "0-22"), (Second, "0")]).0,
        365 * 23 * 60 - 1 - 60
    );
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
    // As many as there are when they are counted one by one.
    for texts in [
        &[(Hour, "1-5"), (Minute, "*/7")][..],
        &[(Minute, "17")],
        &[(Day, "last, mon"), (Hour, "2")],
    ] {
        let schedule = schedule(texts);
        let one_by_one = schedule.occurrences(from + TimeDelta::nanoseconds(1), from, &zone);
        let counted = one_by_one.take_while(|firing| *firing <= until).count() as u64;
        assert_eq!(count(texts).0, counted, "{texts:?}");
    }
}

#[test]
fn what_never_fires_is_told_at_once() {
    let zone = zone("Europe/Berlin");
    let now = at("2026-01-01T00:00:00Z");
    let outlook = |texts: &[(Field, &str)]| schedule(texts).outlook(now, now, &zone);
    let start = Instant::now();
    let never: [&[(Field, &str)]; 7] = [
        &[(Month, "2"), (Day, "30")],
        &[(Month, "6"), (Week, "1")],
        &[(Month, "2"), (Day, "29"), (Week, "53"), (DayOfWeek, "mon")],
        &[(Year, "1971/2"), (Month, "2"), (Day, "29")],
        &[(Year, "9001-9999"), (Month, "6"), (Week, "53")],
        &[(Month, "2"), (Day, "5th mon"), (Year, "2026")],
        &[
            (Month, "2"),
            (StartDate, "2026-03-01"),
            (EndDate, "2026-04-01"),
        ],
    ];
    for texts in never {
        assert_eq!(outlook(texts), Outlook::Never, "{texts:?}");
    }
    let over: [&[(Field, &str)]; 3] = [
        &[(Year, "2025"), (Hour, "3")],
        &[
            (Interval, "1 day"),
            (StartDate, "2025-01-01"),
            (EndDate, "2025-12-01"),
        ],
        &[(Date, "2025-01-01")],
    ];
    for texts in over {
        assert_eq!(outlook(texts), Outlook::Over, "{texts:?}");
    }
    assert_eq!(
        outlook(&[(Hour, "3")]),
        Outlook::Next(at("2026-01-01T02:00:00Z"))
    );
    // Rare is not never.
    let rare = [(Month, "2"), (Day, "29"), (DayOfWeek, "mon")];
    assert_eq!(outlook(&rare), Outlook::Next(at("2044-02-28T23:00:00Z")));
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn the_years_after_2099_are_years_like_any_other() {
    let found = firings(
        &[(Month, "2"), (Day, "29"), (Hour, "2")],
        "2097-01-01T00:00:00Z",
        "Europe/Berlin",
        2,
    );
    // 2100 is no leap year.
    assert_eq!(
        found,
        ["2104-02-29T02:00:00+01:00", "2108-02-29T02:00:00+01:00"]
    );
    let summer = firings(
        &[(Year, "2150"), (Month, "7"), (Day, "1"), (Hour, "12")],
        "2026-01-01T00:00:00Z",
        "Europe/Berlin",
        2,
    );
    assert_eq!(summer, ["2150-07-01T12:00:00+02:00"]);
    let last = firings(
        &[(Year, "9999"), (Month, "12"), (Day, "31")],
        "2026-01-01T00:00:00Z",
        "Pacific/Apia",
        2,
    );
    assert_eq!(last, ["9999-12-31T00:00:00+13:00"]);
}

#[test]
fn rare_days_are_found_across_the_turn_of_a_century() {
    let zone = Zone::utc();
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    for start_year in [1990, 2073, 2097, 2190, 2390] {
        let now = at(&format!("{start_year}-03-01T00:00:00Z"));
        for (number, name) in (0..).zip(names) {
            let leap_day = |year: i32| NaiveDate::from_ymd_opt(year, 2, 29);
            let expected: Vec<NaiveDate> = (start_year + 1..)
                .filter_map(leap_day)
                .filter(|date| date.weekday().num_days_from_monday() == number)
                .take(3)
                .collect();
            let schedule = schedule(&[(Month, "2"), (Day, "29"), (DayOfWeek, name), (Hour, "0")]);
            let firings = schedule.occurrences(now, now, &zone).take(3);
            let found: Vec<NaiveDate> = firings.map(|firing| firing.date_naive()).collect();
            assert_eq!(found, expected, "{name} from {start_year}");
        }
    }
}

#[test]
fn no_instant_whatever_makes_a_schedule_panic() {
    let instants = [
        DateTime::<Utc>::MIN_UTC,
        at("-9999-01-01T00:00:00Z"),
        at("1969-12-31T23:59:59.9Z"),
        at("1970-01-01T00:00:00Z"),
        at("2026-03-29T00:59:59.999999999Z"),
        at("9999-12-30T22:00:00Z"),
        at("9999-12-31T23:59:59Z"),
        at("+10000-01-01T00:00:00Z"),
        DateTime::<Utc>::MAX_UTC,
    ];
    let schedules = [
        schedule(&[]),
        schedule(&[(Date, "0000-01-01T00:00:00+23:59")]),
        schedule(&[(Date, "9999-12-31T23:59:59-23:59")]),
        schedule(&[(Interval, "1 second")]),
        schedule(&[
            (Interval, "52000 weeks"),
            (StartDate, "0000-01-01"),
            (EndDate, "9999-12-31T23:59:59-12:00"),
        ]),
        schedule(&[(Interval, "continuous"), (EndDate, "9999-12-31")]),
        schedule(&[(Second, "*")]),
        schedule(&[(Hour, "0-22"), (Second, "59"), (StartDate, "0000-01-01")]),
        schedule(&[(Month, "2"), (Day, "30")]),
    ];
    for name in ["UTC", "Pacific/Apia", "Pacific/Niue", "Europe/Berlin"] {
        let zone = zone(name);
        for schedule in &schedules {
            for a in instants {
                zone.to_local(a);
                for b in instants {
                    let next = schedule.next_after(a, b, &zone);
                    assert!(next.is_none_or(|next| next > a), "{schedule:?} {a} {b}");
                    // Thousands of years with changes of the clock take a while to count.
                    let until = if name == "UTC" {
                        b
                    } else {
                        b.min(at("2100-01-01T00:00:00Z"))
                    };
                    schedule.due_between(a, until, a, &zone);
                    schedule.outlook(a, b, &zone);
                    schedule.is_too_late(a, &zone);
                }
                assert!(schedule.occurrences(a, a, &zone).take(3).count() <= 3);
            }
        }
    }
}

#[test]
fn policies_for_missed_runs_are_read() {
    let policy = |text| schedule(&[(Hour, "3"), (CatchUp, text)]).catch_up();
    assert_eq!(schedule(&[(Hour, "3")]).catch_up(), CatchUp::Once);
    assert_eq!(policy("once"), CatchUp::Once);
    assert_eq!(policy("skip"), CatchUp::Skip);
    assert_eq!(
        policy("6 hours"),
        CatchUp::Within(Duration::from_secs(21_600))
    );
}

#[test]
fn the_jitter_is_fixed_for_each_host_and_job() {
    let schedule = schedule(&[(Hour, "3"), (Jitter, "30 minutes")]);
    assert_eq!(schedule.jitter(), Duration::from_secs(1800));
    let delay = |host: &str, job: &str| schedule.jitter_delay(host, job).as_secs();
    // These numbers must never change: runs would move at an update.
    assert_eq!(
        (
            delay("alpha", "nightly"),
            delay("beta", "nightly"),
            delay("alpha", "weekly")
        ),
        (1539, 1482, 1487)
    );
    assert_ne!(delay("ab", "c"), delay("a", "bc"));
    let delays: Vec<u64> = (0..2000)
        .map(|number| delay("alpha", &number.to_string()))
        .collect();
    assert!(delays.iter().all(|delay| *delay <= 1800));
    let early = delays.iter().filter(|delay| **delay < 900).count();
    assert!((800..1200).contains(&early), "{early}");
    assert_eq!(
        self::schedule(&[(Hour, "3")]).jitter_delay("alpha", "nightly"),
        Duration::ZERO
    );
}

#[test]
fn a_zone_is_found_by_its_exact_name() {
    assert_eq!(
        Zone::named("Europe/Berlin").map(|zone| zone.name().to_owned()),
        Ok("Europe/Berlin".to_owned())
    );
    for (name, suggestion) in [
        ("europe/berlin", Some("Europe/Berlin")),
        ("Berlin", Some("Europe/Berlin")),
        ("Europe/Belrin", Some("Europe/Berlin")),
        ("Mars/Olympus_Mons", None),
    ] {
        let unknown = UnknownZone {
            name: name.to_owned(),
            suggestion: suggestion.map(str::to_owned),
        };
        assert_eq!(Zone::named(name), Err(unknown.clone()));
        assert_eq!(Zone::bundled(name), Err(unknown));
    }
}

#[test]
fn the_clock_and_the_instant_agree() {
    let berlin = zone("Europe/Berlin");
    let wall = |text: &str| text.parse().expect("a wall clock's reading");
    for (reading, instant) in [
        ("2026-07-01T12:00:00", "2026-07-01T10:00:00Z"),
        ("2026-03-29T01:59:59", "2026-03-29T00:59:59Z"),
        ("2026-03-29T02:00:00", "2026-03-29T01:00:00Z"),
        ("2026-03-29T02:59:59", "2026-03-29T01:59:59Z"),
        ("2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
        ("2026-10-25T01:59:59", "2026-10-24T23:59:59Z"),
        ("2026-10-25T02:00:00", "2026-10-25T00:00:00Z"),
        ("2026-10-25T02:59:59.5", "2026-10-25T00:59:59.5Z"),
        ("2026-10-25T03:00:00", "2026-10-25T02:00:00Z"),
    ] {
        assert_eq!(berlin.instant(wall(reading)), at(instant), "{reading}");
    }
    assert_eq!(
        berlin.to_local(at("2026-07-01T10:00:00Z")).to_rfc3339(),
        "2026-07-01T12:00:00+02:00"
    );
}
