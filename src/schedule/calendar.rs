//! Calendar schedules: the days and times of the calendar fields on the wall clock of a zone.

use chrono::{Datelike, NaiveDate};

use super::clock::{Clock, DAY};
use super::days::Days;
use super::zone::{SINGLE_CHANGE_SPAN, Zone};

/// Seconds after a change of the clock in which it can matter. No zone ever changed by more than a day.
pub(super) const REACH: i64 = DAY + 3600;

/// The most seconds between an instant and the wall clock's reading of it, counted as UTC, while the offset is not yet
/// known: twice the largest offset. It must be more than [`REACH`].
const DRIFT: i64 = 2 * DAY + DAY / 2;

/// The limits of a search in Unix seconds: some days before 1970 and some days after 9999.
const FIRST_SECOND: i64 = -3 * DAY;
const LAST_SECOND: i64 = 253_402_300_799 + 3 * DAY;

/// The number of the day 1970-01-01, counted from 1 January of the year 1.
const EPOCH_DAY: i64 = 719_163;

/// The rule of a calendar schedule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Calendar {
    pub days: Days,
    pub clock: Clock,
    /// The texts of the fields, in the order of [`super::fault::Field::CALENDAR`].
    pub texts: [Option<String>; 8],
}

/// What fires while the offset stays the same.
struct Stretch {
    /// Seconds east of UTC.
    offset: i64,
    /// From this reading on, a reading of the rule fires when the clock shows it.
    first_reading: i64,
    /// Readings that the clock skipped, and that fire nevertheless.
    lost: Option<Lost>,
}

/// Skipped readings from `from` to the one before `end`. They fire at the instants that they would have with the old
/// offset.
struct Lost {
    from: i64,
    end: i64,
    /// Seconds east of UTC.
    offset: i64,
}

impl Calendar {
    /// The first firing after an instant, both in Unix seconds.
    ///
    /// The time line of a zone is a series of stretches with one offset each. Within a stretch, the calendar fires when
    /// the wall clock shows a reading of the rule. At the start of a stretch, readings were skipped or come again:
    ///
    /// - If the rule has every hour, skipped readings do not fire and repeated readings fire again. The runs stay evenly
    ///   spaced.
    /// - If the rule has only some hours, each reading fires once. A skipped reading fires later by the length of the
    ///   gap, and a repeated one does not fire again.
    pub fn next_after(&self, after: i64, zone: &Zone) -> Option<i64> {
        let mut from = after.max(FIRST_SECOND).saturating_add(1);
        while from <= LAST_SECOND {
            let found = self.next_in_stretch(from, zone);
            let target = found.unwrap_or(i64::MAX);
            if target.saturating_sub(from) <= SINGLE_CHANGE_SPAN {
                match zone.change_between(from, target) {
                    None => return found,
                    // The firing was found with an offset that has changed before it.
                    Some(change) => from = change.at,
                }
            } else if let Some(change) = zone.change_between(from, from + DRIFT) {
                // Readings of the recent past may come again after the change.
                from = change.at;
            } else if found.is_none() {
                return None;
            } else {
                // The next reading is days away: continue the search shortly before it.
                from = target - DRIFT;
            }
        }
        None
    }

    /// The last firing that is not after `until`. `known` is a firing that is not after `until`. All in Unix seconds.
    pub fn last_until(&self, known: i64, until: i64, zone: &Zone) -> i64 {
        let mut last = known;
        // No firing is after this instant and not after `until`.
        let mut quiet_from = until;
        while last < quiet_from {
            let middle = last + (quiet_from - last) / 2;
            match self.next_after(middle, zone) {
                Some(found) if found <= until => last = found,
                _ => quiet_from = middle,
            }
        }
        last
    }

    /// The number of firings from `first` to `last`, both included. Both in Unix seconds.
    pub fn count(&self, first: i64, last: i64, zone: &Zone) -> u64 {
        let mut count = 0;
        let mut from = first;
        while from <= last {
            let end = end_of_stretch(from, last, zone);
            let stretch = self.stretch(from, zone);
            count += self.count_readings(stretch.first_reading, end + stretch.offset);
            if let Some(lost) = stretch.lost {
                let mut next = self.next_reading(lost.from);
                while let Some(reading) = next.filter(|reading| *reading < lost.end) {
                    let shifted = reading - lost.offset;
                    // At the instant of a regular firing it is not a second one.
                    let regular = self.next_reading(shifted + stretch.offset)
                        == Some(shifted + stretch.offset);
                    count += u64::from(shifted < end && !regular);
                    next = self.next_reading(reading + 1);
                }
            }
            from = end;
        }
        count
    }

    /// The first firing from an instant on, if the offset stays the same as there.
    fn next_in_stretch(&self, from: i64, zone: &Zone) -> Option<i64> {
        let stretch = self.stretch(from, zone);
        let regular = self
            .next_reading(stretch.first_reading)
            .map(|reading| reading - stretch.offset);
        let shifted = stretch.lost.and_then(|lost| {
            self.next_reading(lost.from)
                .filter(|reading| *reading < lost.end)
                .map(|reading| reading - lost.offset)
        });
        match (regular, shifted) {
            (Some(regular), Some(shifted)) => Some(regular.min(shifted)),
            (regular, shifted) => regular.or(shifted),
        }
    }

    /// What fires from an instant on, while the offset stays the same as there.
    fn stretch(&self, from: i64, zone: &Zone) -> Stretch {
        let offset = i64::from(zone.offset_seconds(from));
        let mut stretch = Stretch {
            offset,
            first_reading: from + offset,
            lost: None,
        };
        if !self.clock.every_hour()
            && let Some(change) = zone.change_between(from - REACH, from)
        {
            let (before, after) = (i64::from(change.before), i64::from(change.after));
            if before > after {
                stretch.first_reading = stretch.first_reading.max(change.at + before);
            } else if from + before < change.at + after {
                stretch.lost = Some(Lost {
                    from: from + before,
                    end: change.at + after,
                    offset: before,
                });
            }
        }
        stretch
    }

    /// Whether the rule has a reading of the wall clock. The reading is in seconds as if it were UTC.
    pub fn wants(&self, reading: i64) -> bool {
        self.next_reading(reading) == Some(reading)
    }

    /// The first reading of the rule that is at least `from`. Both in seconds as if they were UTC.
    fn next_reading(&self, from: i64) -> Option<i64> {
        let from = from.max(FIRST_SECOND);
        let today = from.div_euclid(DAY);
        let date = date_of(today)?;
        if self.days.contains(date)
            && let Some(time) = self.clock.next_from(from.rem_euclid(DAY))
        {
            return Some(today * DAY + time);
        }
        let date = self.days.next_from(date.succ_opt()?)?;
        Some((i64::from(date.num_days_from_ce()) - EPOCH_DAY) * DAY + self.clock.first())
    }

    /// The number of readings of the rule from `from` to the one before `end`.
    fn count_readings(&self, from: i64, end: i64) -> u64 {
        let (Some(first), Some(last)) =
            (date_of(from.div_euclid(DAY)), date_of(end.div_euclid(DAY)))
        else {
            return 0;
        };
        if from >= end {
            return 0;
        }
        // All of the first day and of the days between, plus the part of the last, minus the part of the first.
        let part = |date: NaiveDate, time: i64| {
            let wanted = self.days.contains(date);
            if wanted {
                self.clock.count_before(time)
            } else {
                0
            }
        };
        self.days.count(first, last) * self.clock.count() + part(last, end.rem_euclid(DAY))
            - part(first, from.rem_euclid(DAY))
    }
}

/// The first second after `from` with another offset, but at most the second after `last`.
fn end_of_stretch(from: i64, last: i64, zone: &Zone) -> i64 {
    let mut same_until = from;
    while same_until < last {
        let until = last.min(same_until + SINGLE_CHANGE_SPAN);
        if let Some(change) = zone.change_between(same_until, until) {
            return change.at;
        }
        same_until = until;
    }
    last + 1
}

/// The date of a day. Day 0 is 1970-01-01.
fn date_of(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(day.checked_add(EPOCH_DAY)?).ok()?)
}
