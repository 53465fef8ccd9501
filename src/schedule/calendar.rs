//! Calendar schedules: days and times that are given by their fields, on the wall clock of a zone.

use chrono::{Datelike, NaiveDate};

use super::clock::{Clock, DAY};
use super::days::Days;
use super::zone::{SINGLE_CHANGE_SPAN, Zone};

/// How long a change of the clock can matter: no zone has ever moved by more than a day.
const REACH: i64 = DAY + 3600;

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

    /// How many firings there are from the firing `first` to the firing `last`, or `most` if there are more.
    pub fn count(&self, first: i64, last: i64, most: u64, zone: &Zone) -> u64 {
        let mut count = 1;
        let mut firing = first;
        while firing < last && count < most {
            match self.next_after(firing, zone) {
                Some(next) => firing = next,
                None => break,
            }
            count += 1;
        }
        count
    }

    /// The first firing from an instant on, as long as the offset stays what it is there.
    fn next_in_stretch(&self, from: i64, zone: &Zone) -> Option<i64> {
        let offset = i64::from(zone.offset_seconds(from));
        let mut reading = from + offset;
        let mut shifted = None;
        if !self.clock.every_hour()
            && let Some(change) = zone.change_between(from - REACH, from)
        {
            let (before, after) = (i64::from(change.before), i64::from(change.after));
            if before > after {
                reading = reading.max(change.at + before);
            } else {
                shifted = self
                    .next_reading(from + before)
                    .filter(|lost| *lost < change.at + after)
                    .map(|lost| lost - before);
            }
        }
        let regular = self.next_reading(reading).map(|reading| reading - offset);
        match (regular, shifted) {
            (Some(regular), Some(shifted)) => Some(regular.min(shifted)),
            (regular, shifted) => regular.or(shifted),
        }
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
}

/// The date of a day counted from 1970-01-01.
fn date_of(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(day.checked_add(EPOCH_DAY)?).ok()?)
}
