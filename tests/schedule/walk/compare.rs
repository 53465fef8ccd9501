//! The walk, and its comparison with the schedule.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use freezerd::schedule::Due;
use freezerd::schedule::fault::Field;
use freezerd::schedule::zone::Zone;

use super::{LIMITS, Random, Wanted, Wish};

/// Zones, and days around which something happens to their clocks.
const PLACES: [(&str, &[&str]); 17] = [
    (
        "Europe/Berlin",
        &["2026-03-29", "2026-10-25", "2037-10-25", "2147-03-26"],
    ),
    ("Europe/Dublin", &["2026-03-29", "2026-10-25"]),
    // By half an hour.
    ("Australia/Lord_Howe", &["2026-04-04", "2026-10-03"]),
    // At midnight, so that a day has no beginning, or two.
    (
        "America/Sao_Paulo",
        &["2017-10-15", "2018-02-18", "2018-11-04"],
    ),
    (
        "Africa/Cairo",
        &[
            "2014-05-15",
            "2014-06-26",
            "2014-09-25",
            "2026-04-24",
            "2026-10-29",
        ],
    ),
    ("Asia/Beirut", &["2026-03-29", "2026-10-24"]),
    ("America/Santiago", &["2026-04-05", "2026-09-06"]),
    // A whole day is left out.
    ("Pacific/Apia", &["2011-12-30", "2012-04-01", "2020-09-27"]),
    ("Pacific/Kwajalein", &["1993-08-21"]),
    // One minute past midnight.
    ("America/St_Johns", &["2010-03-14", "2010-11-07"]),
    // By two hours.
    ("Antarctica/Troll", &["2026-03-29", "2026-10-25"]),
    // Offsets of quarters of an hour.
    ("Pacific/Chatham", &["2026-04-04", "2026-09-26"]),
    ("Asia/Kathmandu", &["1985-12-31"]),
    // Rules that changed.
    ("America/Caracas", &["2007-12-09", "2016-05-01"]),
    ("Asia/Pyongyang", &["2015-08-14", "2018-05-04"]),
    (
        "Africa/Casablanca",
        &["2018-10-28", "2026-02-15", "2026-03-22"],
    ),
    ("UTC", &["2024-02-29"]),
];

/// One moment of a walk.
struct Moment {
    unix: i64,
    /// What the wall clock shows.
    wall: NaiveDateTime,
    /// It has shown that before.
    again: bool,
    /// What it would show, had it not jumped: a reading that was left out.
    lost: Option<NaiveDateTime>,
}

/// All moments from `from` to `until`, both Unix seconds.
fn walk(zone: &Zone, from: i64, until: i64, step: usize) -> Vec<Moment> {
    let offset = |unix: i64| {
        let instant = DateTime::from_timestamp(unix, 0).expect("an instant");
        i64::from(zone.offset_at(instant).local_minus_utc())
    };
    let wall = |reading: i64| {
        DateTime::from_timestamp(reading, 0)
            .expect("an instant")
            .naive_utc()
    };
    let stride = i64::try_from(step).expect("a small step");
    let mut shown = BTreeSet::new();
    let mut gap: Option<(i64, i64)> = None;
    let mut moments = Vec::new();
    // The walk begins two days early, to know what the clock has shown and where it has jumped.
    for unix in (from - 2 * 86_400..=until).step_by(step) {
        let (before, now) = (offset(unix - stride), offset(unix));
        if now > before {
            gap = Some((before, unix + now - before));
        }
        let lost = gap
            .filter(|(_, end)| unix < *end)
            .map(|(before, _)| wall(unix + before));
        let again = !shown.insert(unix + now);
        if unix > from {
            moments.push(Moment {
                unix,
                wall: wall(unix + now),
                again,
                lost,
            });
        }
    }
    moments
}

fn expected(wanted: &Wanted, moments: &[Moment]) -> Vec<i64> {
    let every_hour = wanted.every_hour();
    moments
        .iter()
        .filter(|moment| {
            let regular = (every_hour || !moment.again) && wanted.matches(moment.wall);
            regular || !every_hour && moment.lost.is_some_and(|lost| wanted.matches(lost))
        })
        .map(|moment| moment.unix)
        .collect()
}

fn instant(unix: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(unix, 0).expect("an instant")
}

/// Compares the firings in a stretch of time, the next one after random moments in it, and what came due between two.
fn compare(random: &mut Random, zone: &Zone, wanted: &Wanted, moments: &[Moment]) {
    let schedule = wanted.schedule();
    let expected = expected(wanted, moments);
    let from = moments[0].unix - 1;
    let until = moments[moments.len() - 1].unix;
    let anchor = instant(from);
    let found: Vec<i64> = schedule
        .occurrences(instant(from + 1), anchor, zone)
        .map(|firing| firing.timestamp())
        .take_while(|firing| *firing <= until)
        .collect();
    if found != expected {
        let place = found
            .iter()
            .zip(&expected)
            .take_while(|(a, b)| a == b)
            .count();
        let shown = |list: &[i64]| {
            list.get(place)
                .map(|unix| zone.to_local(instant(*unix)).to_rfc3339())
        };
        panic!(
            "{zone} {:?}: at number {place} found {:?}, expected {:?}",
            wanted.texts,
            shown(&found),
            shown(&expected)
        );
    }
    for _ in 0..4 {
        let span = u32::try_from(until - from).expect("a short stretch");
        let (a, b) = (
            from + i64::from(random.below(span)),
            from + i64::from(random.below(span)),
        );
        let (a, b) = (a.min(b), a.max(b));
        let inside: Vec<i64> = expected
            .iter()
            .copied()
            .filter(|unix| *unix > a && *unix <= b)
            .collect();
        let due = schedule.due_between(instant(a), instant(b), anchor, zone);
        let known = inside.first().zip(inside.last()).map(|(first, last)| Due {
            first: instant(*first),
            last: instant(*last),
            count: inside.len() as u64,
        });
        assert_eq!(due, known, "{zone} {:?} from {a} to {b}", wanted.texts);
        let next = schedule
            .next_after(instant(a), anchor, zone)
            .filter(|next| next.timestamp() <= until);
        let known = expected
            .iter()
            .find(|unix| **unix > a)
            .copied()
            .map(instant);
        assert_eq!(next, known, "{zone} {:?} after {a}", wanted.texts);
    }
}

fn midnight(date: &str) -> i64 {
    let date: NaiveDate = date.parse().expect("a date");
    date.and_hms_opt(0, 0, 0)
        .expect("midnight")
        .and_utc()
        .timestamp()
}

#[test]
fn a_walk_by_minutes_finds_what_the_schedule_finds() {
    let mut random = Random::new(1);
    for (name, days) in PLACES {
        let zone = Zone::bundled(name).expect("a zone");
        for day in days {
            let noon = midnight(day) + 43_200;
            let moments = walk(&zone, noon - 2 * 86_400, noon + 2 * 86_400, 60);
            for _ in 0..30 {
                let wanted = Wanted::random(&mut random, false);
                compare(&mut random, &zone, &wanted, &moments);
            }
        }
    }
}

#[test]
fn a_walk_by_seconds_finds_what_the_schedule_finds() {
    let mut random = Random::new(2);
    for (name, days) in [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("Australia/Lord_Howe", "2026-04-04"),
        ("America/Sao_Paulo", "2018-11-04"),
        ("Pacific/Apia", "2011-12-30"),
        // By forty-four minutes and a half.
        ("Africa/Monrovia", "1972-01-07"),
    ] {
        let zone = Zone::bundled(name).expect("a zone");
        let change = (midnight(days) - 86_400..midnight(days) + 2 * 86_400)
            .find(|unix| zone.offset_at(instant(unix - 1)) != zone.offset_at(instant(*unix)))
            .expect("a change of the clock");
        let moments = walk(&zone, change - 5000, change + 9000, 1);
        for _ in 0..12 {
            let wanted = Wanted::random(&mut random, true);
            compare(&mut random, &zone, &wanted, &moments);
        }
    }
}

#[test]
fn a_walk_by_days_finds_what_the_schedule_finds() {
    let mut random = Random::new(3);
    let zone = Zone::utc();
    for (from, days) in [
        ("1969-12-01", 4000),
        ("2096-01-01", 3000),
        ("2199-06-01", 800),
        ("9997-01-01", 1095),
    ] {
        let from = midnight(from);
        for _ in 0..60 {
            let mut wanted = Wanted::random(&mut random, false);
            // Midnight alone, whatever day it is.
            for place in 5..8 {
                wanted.wishes[place] = vec![Wish::Steps {
                    first: 0,
                    last: 0,
                    step: 1,
                }];
            }
            wanted
                .texts
                .retain(|(field, _)| !matches!(field, Field::Hour | Field::Minute));
            wanted.texts.push((Field::Hour, "0".to_owned()));
            // The defaults depend on the last field, which is now the hour.
            for (place, field) in Field::CALENDAR.into_iter().enumerate().take(5) {
                if wanted.texts.iter().all(|(given, _)| *given != field) {
                    let (first, last) = LIMITS[place];
                    wanted.wishes[place] = vec![Wish::Steps {
                        first,
                        last,
                        step: 1,
                    }];
                }
            }
            let expected: Vec<i64> = (0..days)
                .map(|day| from + day * 86_400)
                .filter(|unix| wanted.matches(instant(*unix).naive_utc()))
                .collect();
            let found: Vec<i64> = wanted
                .schedule()
                .occurrences(instant(from), instant(from), &zone)
                .map(|firing| firing.timestamp())
                .take_while(|unix| *unix < from + days * 86_400)
                .collect();
            assert_eq!(found, expected, "{:?} from {from}", wanted.texts);
        }
    }
}
