//! A limit in bytes a second, as job files and commands write it.

use std::fmt;
use std::num::NonZeroU64;

use crate::units;

/// The forms that a limit may have, for messages.
pub const EXPECTED: &str = "a number of bytes a second, or a text such as `500K` or `10M`";

/// The lowest limit in bytes a second. With less, no backup ends: a small number is rather a mistake in the unit.
pub const LEAST: u64 = 1024;

/// Why something is not a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateFault {
    /// It has none of the forms.
    NotARate,
    /// So many bytes a second are too few.
    TooLow(u64),
}

/// Reads a text: `10M`, `500 KiB/s`, `1048576`. `None`: no limit, which 0 and Freezer's -1 mean.
///
/// # Errors
/// When it is no such text, or the limit is too low.
pub fn parse(text: &str) -> Result<Option<NonZeroU64>, RateFault> {
    let text = text.trim();
    match text {
        "-1" => Ok(None),
        _ => limit(units::parse_bytes(text.strip_suffix("/s").unwrap_or(text))),
    }
}

/// The limit of so many bytes a second; `None`: no limit.
///
/// # Errors
/// When there is no number, or it is too low.
pub fn limit(bytes: Option<u64>) -> Result<Option<NonZeroU64>, RateFault> {
    match bytes {
        Some(rate @ (0 | LEAST..)) => Ok(NonZeroU64::new(rate)),
        Some(rate) => Err(RateFault::TooLow(rate)),
        None => Err(RateFault::NotARate),
    }
}

impl RateFault {
    /// How to correct it.
    pub fn help(self) -> &'static str {
        match self {
            RateFault::NotARate => {
                "`M` and `MiB` are powers of 1024, `MB` is a power of 1000; bits are not supported"
            }
            RateFault::TooLow(_) => {
                "write the unit, for example `10M`; 0 means that there is no limit"
            }
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_a_text_with_a_unit() {
        for (text, expected) in [
            ("10M", Ok(NonZeroU64::new(10 << 20))),
            ("500 KiB/s", Ok(NonZeroU64::new(500 << 10))),
            (" 1024 ", Ok(NonZeroU64::new(1024))),
            ("0", Ok(None)),
            ("-1", Ok(None)),
            ("10", Err(RateFault::TooLow(10))),
            ("-2", Err(RateFault::NotARate)),
            ("10 Mbit/s", Err(RateFault::NotARate)),
            ("", Err(RateFault::NotARate)),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
