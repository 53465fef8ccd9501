//! Calendars beside a walk through time: every minute (or second) around the changes of many zones is asked whether it
//! is wanted, and the list of those that are must be what the schedule says.
//!
//! The walk knows nothing of how the schedule searches. Random numbers come from a fixed seed, which is printed and
//! can be given as `FREEZERD_TEST_SEED`.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};
use freezerd::schedule::fault::Field;
use freezerd::schedule::parse::RawSchedule;
use freezerd::schedule::zone::Zone;
use freezerd::schedule::{Due, Schedule};

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

/// A small generator of random numbers (xorshift).
struct Random(u64);

impl Random {
    fn new(test: u64) -> Random {
        let seed: u64 = std::env::var("FREEZERD_TEST_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or(20_260_329);
        println!("seed {seed}");
        Random(
            seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .wrapping_add(test * 2)
                | 1,
        )
    }

    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 16) % u64::from(end)).expect("less than a u32")
    }

    fn between(&mut self, lowest: u32, highest: u32) -> u32 {
        lowest + self.below(highest - lowest + 1)
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.below(chances) == 0
    }
}

/// What one item of a list asks of a value, in the plainest way to say it.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Steps { first: u32, last: u32, step: u32 },
    Weekday(u32),
    Ordinal(u32, u32),
    LastDay,
    LastWeekday(u32),
}

const NAMES: [&str; 7] = ["mon", "tue", "WED", "thu", "fri", "Sat", "sun"];
const ORDINALS: [&str; 5] = ["1st", "2nd", "3rd", "4th", "5th"];

/// A random list for a field, as text and as wishes.
fn list(random: &mut Random, field: Field, lowest: u32, highest: u32) -> (String, Vec<Wish>) {
    let count = if random.one_in(2) {
        1
    } else {
        random.between(2, 4)
    };
    let mut texts = Vec::new();
    let mut wishes = Vec::new();
    for _ in 0..count {
        let weekday = random.below(7);
        let name = NAMES[weekday as usize];
        let (text, wish) = match random.below(if field == Field::Day { 12 } else { 8 }) {
            0 => (
                "*".to_owned(),
                Wish::Steps {
                    first: lowest,
                    last: highest,
                    step: 1,
                },
            ),
            1 => {
                let step = random.between(1, highest - lowest);
                (
                    format!("*/{step}"),
                    Wish::Steps {
                        first: lowest,
                        last: highest,
                        step,
                    },
                )
            }
            2 => {
                let first = random.between(lowest, highest - 1);
                let step = random.between(1, highest - first);
                (
                    format!("{first}/{step}"),
                    Wish::Steps {
                        first,
                        last: highest,
                        step,
                    },
                )
            }
            3 => {
                let first = random.between(lowest, highest - 1);
                let last = random.between(first + 1, highest);
                let step = random.between(1, last - first);
                (
                    format!("{first}-{last}/{step}"),
                    Wish::Steps { first, last, step },
                )
            }
            4 => {
                let first = random.between(lowest, highest);
                let last = random.between(first, highest);
                (
                    format!("{first}-{last}"),
                    Wish::Steps {
                        first,
                        last,
                        step: 1,
                    },
                )
            }
            8 => ("last".to_owned(), Wish::LastDay),
            9 => (name.to_owned(), Wish::Weekday(weekday)),
            10 => (format!("last {name}"), Wish::LastWeekday(weekday)),
            11 => {
                let ordinal = random.below(5);
                (
                    format!("{} {name}", ORDINALS[ordinal as usize]),
                    Wish::Ordinal(ordinal + 1, weekday),
                )
            }
            _ => {
                let value = random.between(lowest, highest);
                (
                    format!("{value:02}"),
                    Wish::Steps {
                        first: value,
                        last: value,
                        step: 1,
                    },
                )
            }
        };
        texts.push(text);
        wishes.push(wish);
    }
    (
        texts.join([",", ", ", " , "][random.below(3) as usize]),
        wishes,
    )
}

/// A random calendar: its texts, and what is wished of each field in [`Field::CALENDAR`]'s order.
struct Wanted {
    texts: Vec<(Field, String)>,
    wishes: [Vec<Wish>; 8],
}

const LIMITS: [(u32, u32); 8] = [
    (1970, 9999),
    (1, 12),
    (1, 31),
    (1, 53),
    (0, 6),
    (0, 23),
    (0, 59),
    (0, 59),
];

impl Wanted {
    fn random(random: &mut Random, seconds: bool) -> Wanted {
        let chances = [40, 6, 3, 12, 4, 2, 2, 2];
        let mut texts = Vec::new();
        let mut given: [Option<Vec<Wish>>; 8] = Default::default();
        for (place, field) in Field::CALENDAR.into_iter().enumerate() {
            let wanted = match field {
                Field::Year => false,
                Field::Second => seconds,
                Field::Minute if seconds => true,
                _ => random.one_in(chances[place]),
            };
            if wanted {
                let (lowest, highest) = LIMITS[place];
                let (text, wishes) = list(random, field, lowest, highest);
                texts.push((field, text));
                given[place] = Some(wishes);
            }
        }
        if texts.is_empty() {
            texts.push((Field::Hour, "*".to_owned()));
            given[5] = Some(vec![Wish::Steps {
                first: 0,
                last: 23,
                step: 1,
            }]);
        }
        let last = given.iter().rposition(Option::is_some).expect("a field");
        let mut place = 0;
        let wishes = given.map(|wishes| {
            let (lowest, highest) = LIMITS[place];
            let narrows_days_only = matches!(place, 0 | 3 | 4);
            let default = if place > last && !narrows_days_only {
                Wish::Steps {
                    first: lowest,
                    last: lowest,
                    step: 1,
                }
            } else {
                Wish::Steps {
                    first: lowest,
                    last: highest,
                    step: 1,
                }
            };
            place += 1;
            wishes.unwrap_or_else(|| vec![default])
        });
        Wanted { texts, wishes }
    }

    fn schedule(&self) -> Schedule {
        let mut raw = RawSchedule::default();
        for (field, text) in &self.texts {
            *raw.slot(*field) = Some(text);
        }
        Schedule::parse(&raw).unwrap_or_else(|faults| panic!("{:?}: {faults:?}", self.texts))
    }

    /// Whether the wall clock's reading is wanted.
    fn matches(&self, wall: NaiveDateTime) -> bool {
        let date = wall.date();
        let values = [
            u32::try_from(wall.year()).expect("a year"),
            wall.month(),
            wall.day(),
            date.iso_week().week(),
            date.weekday().num_days_from_monday(),
            wall.hour(),
            wall.minute(),
            wall.second(),
        ];
        // The small units first: they decide most often.
        (0..8).rev().all(|place| {
            self.wishes[place]
                .iter()
                .any(|wish| wish.holds(values[place], date))
        })
    }

    fn every_hour(&self) -> bool {
        let date = NaiveDate::MIN;
        (0..24).all(|hour| self.wishes[5].iter().any(|wish| wish.holds(hour, date)))
    }
}

impl Wish {
    fn holds(self, value: u32, date: NaiveDate) -> bool {
        let is = |weekday: u32| date.weekday().num_days_from_monday() == weekday;
        let in_days = |days: i64| (date + TimeDelta::days(days)).month();
        match self {
            Wish::Steps { first, last, step } => {
                (first..=last).contains(&value) && (value - first).is_multiple_of(step)
            }
            Wish::Weekday(weekday) => is(weekday),
            Wish::Ordinal(ordinal, weekday) => is(weekday) && (value - 1) / 7 + 1 == ordinal,
            Wish::LastDay => in_days(1) != date.month(),
            Wish::LastWeekday(weekday) => is(weekday) && in_days(7) != date.month(),
        }
    }
}

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
