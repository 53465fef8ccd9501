//! Calendar schedules: days and times that are given by their fields, on the wall clock of a zone.

use chrono::{Datelike, NaiveDate};

use super::clock::{Clock, DAY};
use super::days::Days;
use super::zone::{SINGLE_CHANGE_SPAN, Zone};

/// How long a change of the clock can matter: no zone has ever moved by more than a day.
pub(super) const REACH: i64 = DAY + 3600;

/// How far apart an instant and the wall clock's reading of it, counted as if it were UTC, may drift when the offset
/// is not yet known: twice the largest offset, and more than [`REACH`].
const DRIFT: i64 = 2 * DAY + DAY / 2;

/// Beyond these a search starts at the first year or ends at the last. In Unix seconds, some days outside the years
/// 1970 and 9999.
const FIRST_SECOND: i64 = -3 * DAY;
const LAST_SECOND: i64 = 253_402_300_799 + 3 * DAY;

/// The day number, counted from 1 January of the year 1, of 1970-01-01.
const EPOCH_DAY: i64 = 719_163;

/// A calendar's rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Calendar {
    pub days: Days,
    pub clock: Clock,
    /// The fields as they were given, in the order of [`super::fault::Field::CALENDAR`].
    pub texts: [Option<String>; 8],
}

/// A time with one offset: what fires in it.
struct Stretch {
    /// Seconds east of UTC.
    offset: i64,
    /// From this reading on, wanted ones fire when the clock shows them.
    first_reading: i64,
    /// Readings that were jumped over, and fire all the same.
    lost: Option<Lost>,
}

/// Readings from `from` up to but not including `end`, which fire at the instants they would have had, had the offset
/// stayed what it was.
struct Lost {
    from: i64,
    end: i64,
    /// Seconds east of UTC.
    offset: i64,
}

impl Calendar {
    /// The first firing after an instant, both in Unix seconds.
    ///
    /// A zone's time line is a row of stretches with one offset each. Within a stretch a firing is the wall clock
    /// reaching a wanted reading. Where a stretch begins, readings were jumped over or come a second time:
    ///
    /// - With every hour wanted nothing special is done, so that what was jumped over is lost, what repeats fires
    ///   again, and the runs stay evenly spaced.
    /// - With certain hours wanted each reading fires once: what was jumped over follows later by the length of the
    ///   gap, and what repeats is passed over.
    pub fn next_after(&self, after: i64, zone: &Zone) -> Option<i64> {
        let mut from = after.max(FIRST_SECOND).saturating_add(1);
        while from <= LAST_SECOND {
            let found = self.next_in_stretch(from, zone);
            let target = found.unwrap_or(i64::MAX);
            if target.saturating_sub(from) <= SINGLE_CHANGE_SPAN {
                match zone.change_between(from, target) {
                    None => return found,
                    // The firing was found with an offset that no longer holds there.
                    Some(change) => from = change.at,
                }
            } else if let Some(change) = zone.change_between(from, from + DRIFT) {
                // Readings just passed may come again after it.
                from = change.at;
            } else if found.is_none() {
                return None;
            } else {
                // No wanted reading for days: go near the next one, and look from there.
                from = target - DRIFT;
            }
        }
        None
    }

    /// The last firing that is not after `until`, given one that is not. All in Unix seconds.
    pub fn last_until(&self, known: i64, until: i64, zone: &Zone) -> i64 {
        let mut last = known;
        // Nothing fires after this and until `until`.
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

    /// How many firings there are from `first` to `last`, both Unix seconds and both included.
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
                    // One that falls on a regular firing is not another one.
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

    /// The first firing from an instant on, as long as the offset stays what it is there.
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

    /// What fires from an instant on, as long as the offset stays what it is there.
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

    /// Whether a reading of the wall clock, in seconds as if it were UTC, is wanted.
    pub fn wants(&self, reading: i64) -> bool {
        self.next_reading(reading) == Some(reading)
    }

    /// The first wanted reading of the wall clock that is at least `from`, in seconds as if it were UTC.
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

    /// How many wanted readings there are from `from` up to but not including `end`.
    fn count_readings(&self, from: i64, end: i64) -> u64 {
        let (Some(first), Some(last)) =
            (date_of(from.div_euclid(DAY)), date_of(end.div_euclid(DAY)))
        else {
            return 0;
        };
        if from >= end {
            return 0;
        }
        // Whole days from the first on, less the first's beginning, and what is wanted of the last.
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

/// The first second after `from` that has another offset, or that comes after `last`.
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

/// The date of a day counted from 1970-01-01.
fn date_of(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(day.checked_add(EPOCH_DAY)?).ok()?)
}
