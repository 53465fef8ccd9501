//! When a receiver is left alone, and when it gets a summary. Both are local times.

use std::fmt;

use chrono::{Datelike, Days as Span, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::job::rate_limit::days::Days;
use crate::job::rate_limit::times::{DAY, Times, shown, time};
use crate::schedule::vocabulary::{WEEKDAYS, index_of};

/// The forms that quiet hours may have, for messages.
pub const QUIET_EXPECTED: &str =
    "times such as \"22:00-07:00\", or \"mon-fri 22:00-07:00\", or a list of these";

/// The forms that the time of a digest may have, for messages.
pub const DIGEST_EXPECTED: &str = "a time such as \"daily 08:00\" or \"weekly mon 08:00\"";

/// Times of the day on some days, at which a receiver is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    days: Days,
    times: Times,
}

impl QuietHours {
    /// Reads `22:00-07:00` or `mon-fri 22:00-07:00`; `None`: it is neither.
    pub fn parse(text: &str) -> Option<QuietHours> {
        let text = text.trim();
        let (days, times) = match text.rsplit_once(char::is_whitespace) {
            Some((days, times)) => (Days::parse(days.trim()).ok()?, times),
            None => (Days::ALL, text),
        };
        let times = Times::parse(times).ok()?;
        Some(QuietHours { days, times })
    }

    /// Whether they hold at a local time. A night belongs to the day on which it begins.
    pub fn hold_at(&self, local: NaiveDateTime) -> bool {
        let weekday = local.weekday().num_days_from_monday();
        let minute = local.hour() * 60 + local.minute();
        self.times.holds(self.days, weekday, minute)
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.days == Days::ALL {
            true => write!(f, "{}", self.times),
            false => write!(f, "{} {}", self.days, self.times),
        }
    }
}

/// When a receiver gets one message for all that happened since the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestTime {
    /// Monday is 0; `None`: every day.
    weekday: Option<u32>,
    /// Since midnight.
    minute: u32,
}

impl DigestTime {
    /// Reads `daily 08:00` or `weekly mon 08:00`; `None`: it is neither.
    pub fn parse(text: &str) -> Option<DigestTime> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (weekday, written) = match words.as_slice() {
            ["daily", written] => (None, written),
            ["weekly", day, written] => (Some(index_of(&WEEKDAYS, day)?), written),
            _ => return None,
        };
        let minute = time(written).filter(|minute| *minute < DAY)?;
        Some(DigestTime { weekday, minute })
    }

    /// The last local time that is not after this one at which a digest is due.
    pub fn last_before(&self, local: NaiveDateTime) -> NaiveDateTime {
        let mut day = local.date();
        // A week back, there is one.
        for _ in 0..=7 {
            let due = self.on(day);
            let is_day = self
                .weekday
                .is_none_or(|weekday| day.weekday().num_days_from_monday() == weekday);
            if is_day && due <= local {
                return due;
            }
            day = day.checked_sub_days(Span::new(1)).unwrap_or(day);
        }
        self.on(day)
    }

    fn on(&self, day: NaiveDate) -> NaiveDateTime {
        let time = NaiveTime::from_num_seconds_from_midnight_opt(self.minute * 60, 0);
        day.and_time(time.unwrap_or_default())
    }
}

impl fmt::Display for DigestTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = shown(self.minute);
        match self.weekday.and_then(|day| WEEKDAYS.get(day as usize)) {
            Some(day) => write!(f, "weekly {day} {time}"),
            None => write!(f, "daily {time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-27 is a Friday.
    fn at(day: u32, hour: u32, minute: u32) -> NaiveDateTime {
        let day = NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        day.and_hms_opt(hour, minute, 0).unwrap()
    }

    #[test]
    fn quiet_hours_over_midnight_belong_to_the_day_on_which_they_begin() {
        let every = QuietHours::parse("22:00-07:00").unwrap();
        assert!(every.hold_at(at(27, 23, 0)) && every.hold_at(at(28, 6, 59)));
        assert!(!every.hold_at(at(27, 7, 0)) && !every.hold_at(at(27, 21, 59)));
        let week = QuietHours::parse("mon-fri 22:00-07:00").unwrap();
        assert!(week.hold_at(at(28, 6, 0)), "the night after Friday");
        assert!(!week.hold_at(at(28, 23, 0)) && !week.hold_at(at(29, 6, 0)));
        assert_eq!(week.to_string(), "mon-fri 22:00-07:00");
    }

    #[test]
    fn a_digest_is_due_at_its_time() {
        let daily = DigestTime::parse("daily 08:00").unwrap();
        assert_eq!(daily.last_before(at(27, 8, 0)), at(27, 8, 0));
        assert_eq!(daily.last_before(at(27, 7, 59)), at(26, 8, 0));
        let weekly = DigestTime::parse("weekly mon 08:30").unwrap();
        assert_eq!(weekly.last_before(at(27, 0, 0)), at(23, 8, 30));
        assert_eq!(weekly.last_before(at(23, 8, 29)), at(16, 8, 30));
        assert_eq!(weekly.to_string(), "weekly mon 08:30");
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in ["", "22:00", "22:00-22:00", "25:00-07:00", "xyz 22:00-07:00"] {
            assert_eq!(QuietHours::parse(text), None, "{text}");
        }
        for text in [
            "",
            "08:00",
            "daily",
            "daily 24:00",
            "weekly 08:00",
            "weekly xyz 08:00",
        ] {
            assert_eq!(DigestTime::parse(text), None, "{text}");
        }
    }
}
