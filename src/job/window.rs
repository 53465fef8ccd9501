//! Hours of the day in which something begins.

use std::fmt;

use chrono::{NaiveTime, Timelike};
use serde::{Deserialize, Serialize};

/// The hours in which something begins, in minutes. They may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Since midnight.
    pub start: u32,
    /// More than none, a day at most.
    pub length: u32,
}

const DAY: u32 = 24 * 60;

impl Window {
    /// Reads `01:00-05:00`.
    pub fn parse(text: &str) -> Option<Window> {
        let (from, to) = text.split_once('-')?;
        let (start, end) = (minutes(from)?, minutes(to)?);
        let length = match (end + DAY - start) % DAY {
            0 => DAY,
            length => length,
        };
        Some(Window {
            start: start % DAY,
            length,
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
        let end = self.start.saturating_add(self.length) % DAY;
        let (start_hour, start_minute) = (self.start / 60, self.start % 60);
        write!(
            f,
            "{start_hour:02}:{start_minute:02}-{:02}:{:02}",
            end / 60,
            end % 60
        )
    }
}

/// Minutes since midnight; `24:00` is the end of the day.
fn minutes(text: &str) -> Option<u32> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| match text.len() == 2 && text.bytes().all(|it| it.is_ascii_digit()) {
        true => text.parse::<u32>().ok(),
        false => None,
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_go_over_midnight_and_what_is_none_is_refused() {
        let window = |start, length| Some(Window { start, length });
        for (text, expected) in [
            ("01:00-05:00", window(60, 240)),
            ("22:30 - 06:00", window(1350, 450)),
            ("00:00-24:00", window(0, 1440)),
            ("03:00-03:00", window(180, 1440)),
            ("1:00-05:00", None),
            ("01:00-25:00", None),
            ("01:60-05:00", None),
            ("01:00", None),
            ("", None),
        ] {
            assert_eq!(Window::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn the_beginning_of_a_window_is_in_it_and_its_end_is_not() {
        for (window, inside, outside) in [
            ("01:00-05:00", ["01:00", "04:59"], ["00:59", "05:00"]),
            ("22:30-06:00", ["22:30", "05:59"], ["22:29", "06:00"]),
        ] {
            let window = Window::parse(window).unwrap();
            assert_eq!(Window::parse(&window.to_string()), Some(window));
            let has = |time: &str| window.has(NaiveTime::parse_from_str(time, "%H:%M").unwrap());
            assert_eq!(inside.map(has), [true, true], "{window}");
            assert_eq!(outside.map(has), [false, false], "{window}");
        }
        assert!(Window::parse("03:00-03:00").unwrap().has(NaiveTime::MIN));
    }
}
