//! What is wrong with a limit, and how to correct it.

use std::fmt;

use super::{EXPECTED, LEAST, MOST_WINDOWS};
use crate::job::diagnostic::quoted;

/// What is wrong with a window of a limit, or with the limit as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateFault {
    /// It has none of the forms.
    NotARate,
    /// So many bytes a second are too few.
    TooLow(u64),
    /// This word stands where a day is expected.
    NotADay(String),
    /// A range of days ends before it begins. `instead`: the same days in order.
    BackwardDays { written: String, instead: String },
    /// This word stands where the times are expected.
    NotTimes(String),
    /// The window begins and ends at this time.
    Empty(String),
    /// Behind the days and the times, there is no rate.
    NoRate,
    /// The windows before it hold at all of its times.
    NeverUsed,
    /// The list is empty.
    NoWindows,
    /// There are more than [`MOST_WINDOWS`].
    TooManyWindows,
}

/// A fault and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitFault {
    pub fault: RateFault,
    /// The number of the window, from 0. Of a fault of the whole limit: 0.
    pub index: usize,
    /// The window as it is written; `None` where the limit has no other.
    pub window: Option<String>,
}

/// The fault of a limit that is one window.
impl From<RateFault> for LimitFault {
    fn from(fault: RateFault) -> LimitFault {
        LimitFault {
            fault,
            index: 0,
            window: None,
        }
    }
}

impl RateFault {
    /// How to correct it.
    pub fn help(&self) -> String {
        match self {
            RateFault::NotARate => {
                "`M` and `MiB` are powers of 1024, `MB` is a power of 1000; bits are not supported"
                    .to_owned()
            }
            RateFault::TooLow(_) => {
                "write the unit, for example `10M`; 0 means that there is no limit".to_owned()
            }
            RateFault::NotADay(_) => {
                "the days are mon, tue, wed, thu, fri, sat and sun; write `mon-fri` or `sat,sun`"
                    .to_owned()
            }
            RateFault::BackwardDays { instead, .. } => format!("write `{instead}`"),
            RateFault::NotTimes(_) => {
                "write `08:00-18:00`, or `22:00-06:00` for a night; `24:00` is the end of the day"
                    .to_owned()
            }
            RateFault::Empty(_) => "leave the times out for the whole day".to_owned(),
            RateFault::NoRate => {
                "write the rate behind the days and the times, for example `mon-fri 08:00-18:00 2M`; `off` is no limit"
                    .to_owned()
            }
            RateFault::NeverUsed => {
                "the first window that holds decides: move this one to the front, or remove it"
                    .to_owned()
            }
            RateFault::NoWindows => "write a rate such as `10M`, or 0 for no limit".to_owned(),
            RateFault::TooManyWindows => "join windows that have the same rate".to_owned(),
        }
    }
}

/// The end of a sentence that begins with the name of the key or option.
impl fmt::Display for RateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RateFault::NotARate => write!(f, "takes {EXPECTED}"),
            RateFault::TooLow(rate) => {
                write!(
                    f,
                    "takes at least {LEAST} bytes a second, and this is {rate}"
                )
            }
            RateFault::NotADay(word) => write!(f, "does not know the day {}", quoted(word)),
            RateFault::BackwardDays { written, .. } => {
                write!(
                    f,
                    "has days that run over the end of the week: {}",
                    quoted(written)
                )
            }
            RateFault::NotTimes(word) => write!(f, "does not know the times {}", quoted(word)),
            RateFault::Empty(time) => {
                write!(f, "has a window that begins and ends at {}", quoted(time))
            }
            RateFault::NoRate => f.write_str("has a window without a rate"),
            RateFault::NeverUsed => f.write_str(
                "has a window that is never used: those before it hold at all of its times",
            ),
            RateFault::NoWindows => f.write_str("has no window"),
            RateFault::TooManyWindows => write!(f, "has more than {MOST_WINDOWS} windows"),
        }
    }
}

/// As of the fault itself, with the window where there are several.
impl fmt::Display for LimitFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)?;
        match &self.window {
            Some(window) => write!(f, " (in {})", quoted(window)),
            None => Ok(()),
        }
    }
}
