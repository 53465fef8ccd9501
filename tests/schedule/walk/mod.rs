//! Calendars beside a walk through time: every minute (or second) around the changes of many zones is asked whether it
//! is wanted, and the list of those that are must be what the schedule says.
//!
//! The walk knows nothing of how the schedule searches. Random numbers come from a fixed seed, which is printed and
//! can be given as `FREEZERD_TEST_SEED`.

mod compare;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use freezerd::schedule::Schedule;
use freezerd::schedule::fault::Field;
use freezerd::schedule::parse::RawSchedule;

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
