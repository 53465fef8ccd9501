//! The times of a window: `08:00-18:00`.

use std::fmt;

use super::days::Days;
use super::fault::RateFault;

/// The minutes of a day.
pub const DAY: u32 = 24 * 60;

/// From one time of the day to another, in minutes since midnight. A window that does not end later than it begins ends
/// on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Times {
    /// Less than [`DAY`].
    pub from: u32,
    /// From 1 to [`DAY`]; never equal to `from`.
    pub until: u32,
}

impl Times {
    /// Reads `08:00-18:00`.
    ///
    /// # Errors
    /// When the text is not of this form, or both times are the same.
    pub fn parse(text: &str) -> Result<Times, RateFault> {
        let wrong = || RateFault::NotTimes(text.to_owned());
        let (from, until) = text.split_once('-').ok_or_else(wrong)?;
        let (from, until) = (from.trim(), until.trim());
        let begin = time(from).filter(|it| *it < DAY).ok_or_else(wrong)?;
        let end = time(until).ok_or_else(wrong)?;
        if begin == end {
            return Err(RateFault::Empty(from.to_owned()));
        }
        Ok(Times {
            from: begin,
            until: if end == 0 { DAY } else { end },
        })
    }

    /// Whether it ends on the next day.
    pub fn is_over_midnight(self) -> bool {
        self.until < self.from
    }

    /// Whether a minute of a weekday is in it, on these days; Monday is 0. A night belongs to the day on which it begins.
    pub fn holds(self, days: Days, weekday: u32, minute: u32) -> bool {
        if !self.is_over_midnight() {
            return days.has(weekday) && (self.from..self.until).contains(&minute);
        }
        let day_before = (weekday + 6) % 7;
        (minute >= self.from && days.has(weekday)) || (minute < self.until && days.has(day_before))
    }
}

/// The minutes since midnight of `HH:MM`, from 0 to [`DAY`].
pub fn time(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=2).contains(&hour.len()) || minute.len() != 2 || !is_number(hour) || !is_number(minute)
    {
        return None;
    }
    let minutes =
        hour.parse::<u32>().ok()? * 60 + minute.parse::<u32>().ok().filter(|it| *it < 60)?;
    (minutes <= DAY).then_some(minutes)
}

/// A time as `08:00`.
pub fn shown(minutes: u32) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// As [`Times::parse`] reads it.
impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", shown(self.from), shown(self.until))
    }
}
