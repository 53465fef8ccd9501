//! The days of a calendar: the rule over years, months, days of the month, ISO weeks and weekdays.

use chrono::{Datelike, NaiveDate};

use super::years::Years;

/// Weekdays are numbers from 0, Monday, to 6, Sunday.
pub(crate) const DAYS_IN_WEEK: u32 = 7;

/// After this many years the calendar repeats: the same dates are on the same weekdays and in the same ISO weeks.
const CYCLE: usize = 400;

/// A set of numbers below 64: bit n is number n.
pub(crate) type Set = u64;

/// The days of a month that the day field names. A day counts if any of the parts names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MonthDays {
    /// Days by number: bit 1 to bit 31.
    pub numbers: Set,
    /// Whether the last day of the month counts.
    pub last: bool,
    /// Weekdays in every week: bit 0, Monday, to bit 6.
    pub weekdays: Set,
    /// For each weekday, which of the month's: bit 1, the first, to bit 5.
    pub ordinals: [u8; 7],
    /// The last of each of these weekdays: bit 0, Monday, to bit 6.
    pub last_weekdays: Set,
}

/// The rule for days. A day counts if all parts agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Days {
    pub years: Years,
    /// Bit 1 to bit 12.
    pub months: Set,
    pub month_days: MonthDays,
    /// Bit 1 to bit 53.
    pub weeks: Set,
    /// Bit 0, Monday, to bit 6.
    pub weekdays: Set,
}

/// The weeks 1 to 53.
pub(crate) const ALL_WEEKS: Set = ((1 << 54) - 1) & !1;
/// Monday to Sunday.
pub(crate) const ALL_WEEKDAYS: Set = (1 << DAYS_IN_WEEK) - 1;

impl Days {
    /// Whether a day counts.
    pub fn contains(&self, date: NaiveDate) -> bool {
        let Ok(year) = u32::try_from(date.year()) else {
            return false;
        };
        self.years.contains(year)
            && self.months & 1 << date.month() != 0
            && self.in_month(date.year(), date.month()) & 1 << date.day() != 0
    }

    /// The first day that counts, from `from` on. The search ends after one cycle of the calendar if no day counts.
    pub fn next_from(&self, from: NaiveDate) -> Option<NaiveDate> {
        let first_year = u32::try_from(from.year()).unwrap_or(0);
        let mut empty = [false; CYCLE];
        let mut year = self.years.next_from(first_year)?;
        loop {
            let here = year == first_year;
            let class = year as usize % CYCLE;
            if !empty[class] {
                let (month, day) = if here {
                    (from.month(), from.day())
                } else {
                    (1, 1)
                };
                if let Some(date) = self.next_in_year(i32::try_from(year).ok()?, month, day) {
                    return Some(date);
                }
                // Only a part of the first year was searched.
                empty[class] = !here;
            }
            year = self.years.next_from(year + 1)?;
        }
    }

    /// How many days count, from `from` to the day before `end`.
    pub fn count(&self, from: NaiveDate, end: NaiveDate) -> u64 {
        let mut count = 0;
        let mut date = from;
        while date < end {
            let (year, month) = (date.year(), date.month());
            let is_last = (year, month) == (end.year(), end.month());
            if u32::try_from(year).is_ok_and(|year| self.years.contains(year))
                && self.months & 1 << month != 0
            {
                let stop = if is_last { end.day() } else { 32 };
                let days = self.in_month(year, month) & between(date.day(), stop);
                count += u64::from(days.count_ones());
            }
            let next = NaiveDate::from_ymd_opt(year + i32::from(month == 12), month % 12 + 1, 1);
            match next {
                Some(next) => date = next,
                None => break,
            }
        }
        count
    }

    /// The first day of a year that counts, from a month and day on.
    fn next_in_year(&self, year: i32, month: u32, day: u32) -> Option<NaiveDate> {
        let mut not_before = day;
        for month in month..=12 {
            if self.months & 1 << month != 0 {
                let found = self.in_month(year, month) >> not_before << not_before;
                if found != 0 {
                    return NaiveDate::from_ymd_opt(year, month, found.trailing_zeros());
                }
            }
            not_before = 1;
        }
        None
    }

    /// The days of a month that count, bit 1 to bit 31. The rule for years and months is not applied.
    fn in_month(&self, year: i32, month: u32) -> Set {
        let Some(first) = NaiveDate::from_ymd_opt(year, month, 1) else {
            return 0;
        };
        let length = days_in_month(year, month);
        let first_weekday = first.weekday().num_days_from_monday();
        let mut found = self.month_days.in_month(first_weekday, length);
        if self.weekdays != ALL_WEEKDAYS {
            found &= on_weekdays(self.weekdays, first_weekday);
        }
        if self.weeks != ALL_WEEKS {
            found &= self.weeks_in_month(first, length);
        }
        found
    }

    /// The days of a month that are in one of the rule's ISO weeks.
    fn weeks_in_month(&self, first: NaiveDate, length: u32) -> Set {
        let mut found = 0;
        let mut start = 1;
        while start <= length {
            let Some(date) = first.with_day(start) else {
                break;
            };
            let next_monday = start + DAYS_IN_WEEK - date.weekday().num_days_from_monday();
            if self.weeks & 1 << date.iso_week().week() != 0 {
                found |= between(start, next_monday.min(length + 1));
            }
            start = next_monday;
        }
        found
    }
}

impl MonthDays {
    /// All days of a month.
    pub fn every() -> MonthDays {
        MonthDays {
            numbers: between(1, 32),
            ..MonthDays::default()
        }
    }

    /// Only the first day of a month.
    pub fn first() -> MonthDays {
        MonthDays {
            numbers: between(1, 2),
            ..MonthDays::default()
        }
    }

    /// The days that count in a month with this first weekday and this number of days.
    fn in_month(&self, first_weekday: u32, length: u32) -> Set {
        let mut found = self.numbers;
        if self.last {
            found |= 1 << length;
        }
        if self.weekdays != 0 {
            found |= on_weekdays(self.weekdays, first_weekday);
        }
        for (weekday, ordinals) in (0..).zip(self.ordinals) {
            if ordinals != 0 {
                let first = first_on(weekday, first_weekday);
                for ordinal in (1..=5).filter(|ordinal| ordinals & 1 << ordinal != 0) {
                    found |= 1 << (first + DAYS_IN_WEEK * (ordinal - 1));
                }
            }
        }
        for weekday in (0..DAYS_IN_WEEK).filter(|weekday| self.last_weekdays & 1 << weekday != 0) {
            let first = first_on(weekday, first_weekday);
            found |= 1 << (first + (length - first) / DAYS_IN_WEEK * DAYS_IN_WEEK);
        }
        found & between(1, length + 1)
    }
}

/// The first day of a month that is on `weekday`. `first_weekday` is the weekday of day 1.
fn first_on(weekday: u32, first_weekday: u32) -> u32 {
    1 + (weekday + DAYS_IN_WEEK - first_weekday) % DAYS_IN_WEEK
}

/// The days of a month that are on one of the weekdays. Days after the month's end may be among them.
fn on_weekdays(weekdays: Set, first_weekday: u32) -> Set {
    const EVERY_SEVENTH: Set = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28;
    (0..DAYS_IN_WEEK)
        .filter(|weekday| weekdays & 1 << weekday != 0)
        .map(|weekday| EVERY_SEVENTH << first_on(weekday, first_weekday))
        .fold(0, |all, days| all | days)
}

/// The numbers from `first` to the one before `end`. `end` must be less than 64.
fn between(first: u32, end: u32) -> Set {
    ((1 << end) - 1) & !((1 << first) - 1)
}

/// How many days a month has. `month` is 1 to 12.
pub(crate) fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}
