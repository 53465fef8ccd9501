//! The times of day of a calendar. The `cron` crate does the search.
//!
//! The crate searches on one fixed day in UTC, on which every time exists exactly once. It never gets a date, a zone or
//! a change of the clock: at such changes it would lose and double runs, and its years end at 2100.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Timelike, Utc};

use super::days::Set;

/// Seconds of a day on the wall clock.
pub(crate) const DAY: i64 = 86_400;

const ALL_HOURS: Set = (1 << 24) - 1;
const ALL_SIXTY: Set = (1 << 60) - 1;

/// A set of times of day.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clock {
    /// Bit 0 to bit 23.
    pub hours: Set,
    /// Bit 0 to bit 59.
    pub minutes: Set,
    /// Bit 0 to bit 59.
    pub seconds: Set,
    first: i64,
    last: i64,
    search: cron::Schedule,
}

impl Clock {
    /// All times with an hour, a minute and a second of the three sets.
    ///
    /// # Errors
    ///
    /// The error of the crate if a set is empty.
    pub fn new(hours: Set, minutes: Set, seconds: Set) -> Result<Clock, cron::error::Error> {
        let expression = format!(
            "{} {} {} * * *",
            numbers(seconds, ALL_SIXTY),
            numbers(minutes, ALL_SIXTY),
            numbers(hours, ALL_HOURS)
        );
        let time = |hour: u32, minute: u32, second: u32| {
            i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)
        };
        Ok(Clock {
            search: cron::Schedule::from_str(&expression)?,
            // The crate has refused empty sets.
            first: time(
                hours.trailing_zeros(),
                minutes.trailing_zeros(),
                seconds.trailing_zeros(),
            ),
            last: time(highest(hours), highest(minutes), highest(seconds)),
            hours,
            minutes,
            seconds,
        })
    }

    /// Whether every hour counts. Then changes of the clock are ignored.
    pub fn every_hour(&self) -> bool {
        self.hours == ALL_HOURS
    }

    /// The first time of a day, in seconds since midnight.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// The first time that is at least `from`, both in seconds since midnight. `None`: there is none on this day.
    pub fn next_from(&self, from: i64) -> Option<i64> {
        if from > self.last {
            return None;
        }
        if from <= self.first {
            return Some(self.first);
        }
        // The day is 1970-01-01, so Unix time is the time of day. The crate searches strictly after an instant.
        let before = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(from - 1);
        let found = self.search.after(&before).next()?;
        Some(i64::from(found.num_seconds_from_midnight()))
    }

    /// How many times the set has.
    pub fn count(&self) -> u64 {
        u64::from(self.hours.count_ones())
            * u64::from(self.minutes.count_ones())
            * u64::from(self.seconds.count_ones())
    }

    /// How many times of the set are before `time`, in seconds since midnight.
    pub fn count_before(&self, time: i64) -> u64 {
        let below = |set: Set, value: i64| u64::from((set & ((1 << value) - 1)).count_ones());
        let has = |set: Set, value: i64| set & 1 << value != 0;
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        let (minutes, seconds) = (
            u64::from(self.minutes.count_ones()),
            u64::from(self.seconds.count_ones()),
        );
        let mut count = below(self.hours, hour) * minutes * seconds;
        if has(self.hours, hour) {
            count += below(self.minutes, minute) * seconds;
            if has(self.minutes, minute) {
                count += below(self.seconds, second);
            }
        }
        count
    }
}

/// The highest member of a set that is not empty.
fn highest(set: Set) -> u32 {
    Set::BITS - 1 - set.leading_zeros()
}

/// A set in the crate's notation: a list of numbers, or a star.
fn numbers(set: Set, all: Set) -> String {
    if set == all {
        return "*".to_owned();
    }
    let numbers: Vec<String> = (0..Set::BITS)
        .filter(|number| set & 1 << number != 0)
        .map(|number| number.to_string())
        .collect();
    numbers.join(",")
}
