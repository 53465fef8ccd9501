//! One window of a limit: on some days, at some times, a rate.

use std::fmt;
use std::num::NonZeroU64;

use super::days::{self, Days};
use super::fault::RateFault;
use super::rate;
use super::times::{Times, shown};

/// A rate, and when it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    days: Days,
    /// `None`: the whole day.
    times: Option<Times>,
    /// Bytes a second; `None`: no limit.
    pub(super) rate: Option<NonZeroU64>,
}

impl Window {
    /// A window that always holds.
    pub(super) fn always(rate: Option<NonZeroU64>) -> Window {
        Window {
            days: Days::ALL,
            times: None,
            rate,
        }
    }

    /// A window that always holds, from a number of bytes a second; `None`: it is not one.
    ///
    /// # Errors
    /// When there is no number, or it is too low.
    pub fn of_number(bytes: Option<u64>) -> Result<Window, RateFault> {
        rate::limit(bytes).map(Window::always)
    }

    /// Reads `mon-fri 08:00-18:00 2M`. The days, the times or both may be absent.
    ///
    /// # Errors
    /// When it is no such text, or the rate is too low.
    pub fn parse(text: &str) -> Result<Window, RateFault> {
        let text = text.trim();
        let (days, rest) = match split_days(text) {
            Some((days, rest)) => (Some(Days::parse(days)?), rest),
            None => (None, text),
        };
        let (times, rest) = match split_times(rest) {
            Some((times, rest)) => (Some(Times::parse(times)?), rest),
            None => (None, rest),
        };
        if rest.is_empty() && (days.is_some() || times.is_some()) {
            return Err(RateFault::NoRate);
        }
        Ok(Window {
            days: days.unwrap_or(Days::ALL),
            times,
            rate: rate::parse(rest)?,
        })
    }

    /// Whether it holds at a minute of a weekday; Monday is 0. A night belongs to the day on which it begins.
    pub(super) fn holds(&self, weekday: u32, minute: u32) -> bool {
        match self.times {
            None => self.days.has(weekday),
            Some(times) => times.holds(self.days, weekday, minute),
        }
    }

    /// Whether the days and the times are all that there are.
    pub(super) fn is_always(&self) -> bool {
        self.days == Days::ALL && self.times.is_none()
    }

    /// When it holds, for a reader: ` on mon-fri from 08:00 to 18:00`; empty: always.
    pub(super) fn when(&self) -> String {
        let mut when = String::new();
        if self.days != Days::ALL {
            when.push_str(&format!(" on {}", self.days));
        }
        if let Some(times) = self.times {
            let (from, until) = (shown(times.from), shown(times.until));
            when.push_str(&format!(" from {from} to {until}"));
        }
        when
    }
}

/// The days at the beginning of a window and the rest; `None`: it does not begin with days.
fn split_days(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    // A comma may have blanks around it.
    let end = blanks(text).find(|at| {
        let (before, behind) = text.split_at(*at);
        !before.trim_end().ends_with(',') && !behind.trim_start().starts_with(',')
    });
    match end {
        Some(end) => Some((&text[..end], text[end..].trim_start())),
        // A single word is a rate, even a wrong one, unless it is all days.
        None => text
            .split(',')
            .all(|item| days::is_item(item.trim()))
            .then_some((text, "")),
    }
}

/// The times at the beginning of what follows the days and the rest; `None`: it does not begin with times.
fn split_times(text: &str) -> Option<(&str, &str)> {
    let end = blanks(text).find(|at| {
        let (before, behind) = text.split_at(*at);
        let is_open = before.trim_end().ends_with('-')
            || !before.contains('-') && behind.trim_start().starts_with('-');
        !is_open
    });
    let (times, rest) = text.split_at(end.unwrap_or(text.len()));
    let is_times = times.starts_with(|first: char| first.is_ascii_digit())
        && (times.contains(':') || times.contains('-'));
    is_times.then(|| (times, rest.trim_start()))
}

/// Where the blanks of a text are.
fn blanks(text: &str) -> impl Iterator<Item = usize> {
    text.char_indices()
        .filter(|(_, character)| character.is_whitespace())
        .map(|(at, _)| at)
}

/// As [`Window::parse`] reads it.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != Days::ALL {
            write!(f, "{} ", self.days)?;
        }
        if let Some(times) = self.times {
            write!(f, "{times} ")?;
        }
        f.write_str(&rate::text(self.rate))
    }
}
