//! A limit in bytes a second, as job files, settings and commands write it: one rate, or windows by the time of day.
//!
//! A window is a text such as `mon-fri 08:00-18:00 2M`. The first window that holds at an instant decides. If none
//! holds, there is no limit.

use std::fmt;
use std::num::NonZeroU64;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Deserialize, Serialize};

use crate::schedule::zone::Zone;

pub mod days;
mod fault;
mod rate;
pub mod times;
mod window;
mod written;

pub use fault::{LimitFault, RateFault};
pub use window::Window;

use written::Written;

/// The forms that a limit may have, for messages.
pub const EXPECTED: &str =
    "a number of bytes a second, or a text such as `500K`, `10M` or `mon-fri 08:00-18:00 2M`";

/// The lowest limit in bytes a second. With less, no backup ends: a small number is rather a mistake in the unit.
pub const LEAST: u64 = 1024;

/// The most windows of a limit.
pub const MOST_WINDOWS: usize = 100;

/// A limit: windows, of which the first one that holds decides. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct RateLimit {
    windows: Vec<Window>,
}

impl RateLimit {
    /// The same rate at all times; `None`: no limit.
    pub fn always(rate: Option<NonZeroU64>) -> RateLimit {
        RateLimit {
            windows: vec![Window::always(rate)],
        }
    }

    /// A limit of these windows.
    ///
    /// # Errors
    /// When there is no window, when there are too many, and when one can never be used.
    pub fn of(windows: Vec<Window>) -> Result<RateLimit, LimitFault> {
        if windows.is_empty() {
            return Err(RateFault::NoWindows.into());
        }
        if windows.len() > MOST_WINDOWS {
            return Err(RateFault::TooManyWindows.into());
        }
        match first_unused(&windows) {
            None => Ok(RateLimit { windows }),
            Some(index) => Err(LimitFault {
                fault: RateFault::NeverUsed,
                index,
                window: windows.get(index).map(ToString::to_string),
            }),
        }
    }

    /// Reads windows, each a text of its own.
    ///
    /// # Errors
    /// When one of them is wrong, or all together.
    pub fn of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<RateLimit, LimitFault> {
        let texts: Vec<&str> = texts.into_iter().collect();
        let mut windows = Vec::new();
        for (index, text) in texts.iter().enumerate().take(MOST_WINDOWS + 1) {
            windows.push(Window::parse(text).map_err(|fault| LimitFault {
                fault,
                index,
                window: (texts.len() > 1).then(|| text.trim().to_owned()),
            })?);
        }
        RateLimit::of(windows)
    }

    /// Reads windows that are separated by commas. Days such as `sat,sun` go on behind a comma.
    ///
    /// # Errors
    /// As of [`RateLimit::of_texts`].
    pub fn parse(text: &str) -> Result<RateLimit, LimitFault> {
        let mut texts = Vec::new();
        let mut from = 0;
        for (at, piece) in pieces(text) {
            if days::is_item(piece.trim()) && at + piece.len() < text.len() {
                continue;
            }
            texts.push(&text[from..at + piece.len()]);
            from = at + piece.len() + 1;
        }
        RateLimit::of_texts(texts)
    }

    /// The bytes a second at an instant; `None`: no limit.
    pub fn at(&self, instant: DateTime<Utc>, zone: &Zone) -> Option<NonZeroU64> {
        if let [only] = self.windows.as_slice()
            && only.is_always()
        {
            return only.rate;
        }
        let local = zone.to_local(instant);
        let weekday = local.weekday().num_days_from_monday();
        let minute = local.hour() * 60 + local.minute();
        let mut windows = self.windows.iter();
        windows.find(|it| it.holds(weekday, minute))?.rate
    }

    /// Whether nothing is limited at any time.
    pub fn is_unlimited(&self) -> bool {
        self.windows.iter().all(|window| window.rate.is_none())
    }

    /// Whether the rate depends on the time.
    pub fn has_times(&self) -> bool {
        !self.windows.iter().all(Window::is_always)
    }

    /// The limit for a reader: `2 MiB/s on mon-fri from 08:00 to 18:00, else 20 MiB/s`.
    pub fn in_words(&self) -> String {
        let mut words = Vec::new();
        for window in &self.windows {
            let rate = rate::words(window.rate);
            words.push(match window.is_always() && !words.is_empty() {
                true => format!("else {rate}"),
                false => format!("{rate}{}", window.when()),
            });
        }
        if !self.windows.iter().any(Window::is_always) {
            words.push(format!("else {}", rate::words(None)));
        }
        words.join(", ")
    }
}

/// The pieces between commas, and where they begin.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut begin = 0;
    text.split(',').map(move |piece| {
        let at = begin;
        begin += piece.len() + 1;
        (at, piece)
    })
}

/// The first window at none of whose minutes it decides.
fn first_unused(windows: &[Window]) -> Option<usize> {
    let mut decided = vec![false; 7 * times::DAY as usize];
    windows.iter().position(|window| {
        let mut is_used = false;
        let minutes = (0..7).flat_map(|day| (0..times::DAY).map(move |minute| (day, minute)));
        for ((day, minute), decided) in minutes.zip(&mut decided) {
            if !*decided && window.holds(day, minute) {
                *decided = true;
                is_used = true;
            }
        }
        !is_used
    })
}

/// As [`RateLimit::parse`] reads it.
impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let windows: Vec<String> = self.windows.iter().map(ToString::to_string).collect();
        f.write_str(&windows.join(", "))
    }
}

#[cfg(test)]
mod tests;
