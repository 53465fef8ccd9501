//! Hours of the day in which something begins.

use std::fmt;

use chrono::{NaiveTime, Timelike};
use serde::{Deserialize, Serialize};

use super::rate_limit::RateFault;
use super::rate_limit::times::{DAY, Times, shown};

/// The hours in which something begins, in minutes. They may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Since midnight.
    pub start: u32,
    /// More than none, a day at most.
    pub length: u32,
}

impl Window {
    /// Reads `01:00-05:00`. The whole day is `00:00-24:00`.
    ///
    /// # Errors
    /// When the text is not of this form, or both times are the same.
    pub fn parse(text: &str) -> Result<Window, RateFault> {
        let Times { from, until } = Times::parse(text)?;
        Ok(Window {
            start: from,
            length: until.checked_sub(from).unwrap_or(until + DAY - from),
        })
    }

    /// Whether a time of the day is in it. Its end is not.
    pub fn has(&self, time: NaiveTime) -> bool {
        let minute = time.hour() * 60 + time.minute();
        (minute + DAY - self.start % DAY) % DAY < self.length
    }
}

/// As [`Window::parse`] reads it.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.start.saturating_add(self.length);
        let end = if end > DAY { end % DAY } else { end };
        write!(f, "{}-{}", shown(self.start), shown(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_go_over_midnight_and_what_is_none_is_refused() {
        let window = |start, length| Ok(Window { start, length });
        let wrong = |text: &str| Err(RateFault::NotTimes(text.to_owned()));
        let empty = |time: &str| Err(RateFault::Empty(time.to_owned()));
        for (text, expected) in [
            ("01:00-05:00", window(60, 240)),
            ("1:00-05:00", window(60, 240)),
            ("22:30 - 06:00", window(1350, 450)),
            ("22:00-00:00", window(1320, 120)),
            ("00:00-24:00", window(0, 1440)),
            ("03:00-03:00", empty("03:00")),
            ("00:00-00:00", empty("00:00")),
            ("01:00-25:00", wrong("01:00-25:00")),
            ("01:60-05:00", wrong("01:60-05:00")),
            ("01:00", wrong("01:00")),
            ("", wrong("")),
        ] {
            assert_eq!(Window::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn the_beginning_of_a_window_is_in_it_and_its_end_is_not() {
        for (text, inside, outside) in [
            ("01:00-05:00", ["01:00", "04:59"], ["00:59", "05:00"]),
            ("22:30-06:00", ["22:30", "05:59"], ["22:29", "06:00"]),
            ("22:00-24:00", ["22:00", "23:59"], ["21:59", "00:00"]),
        ] {
            let window = Window::parse(text).unwrap();
            assert_eq!(window.to_string(), text);
            let has = |time: &str| window.has(NaiveTime::parse_from_str(time, "%H:%M").unwrap());
            assert_eq!(inside.map(has), [true, true], "{window}");
            assert_eq!(outside.map(has), [false, false], "{window}");
        }
        let day = Window::parse("00:00-24:00").unwrap();
        assert!(day.has(NaiveTime::MIN));
        assert_eq!(day.to_string(), "00:00-24:00");
    }
}
