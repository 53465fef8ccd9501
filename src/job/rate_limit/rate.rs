//! One rate in bytes a second: how it is read and written.

use std::num::NonZeroU64;

use super::LEAST;
use super::fault::RateFault;
use crate::units;

/// The word for a rate without limit.
const OFF: &str = "off";

/// Reads a text: `10M`, `500 KiB/s`, `1048576`. `None`: no limit, which `off`, 0 and Freezer's -1 mean.
pub(super) fn parse(text: &str) -> Result<Option<NonZeroU64>, RateFault> {
    let text = text.trim();
    match text {
        "-1" => Ok(None),
        _ if text.eq_ignore_ascii_case(OFF) => Ok(None),
        _ => limit(units::parse_bytes(text.strip_suffix("/s").unwrap_or(text))),
    }
}

/// The rate of so many bytes a second; `None`: no limit.
pub(super) fn limit(bytes: Option<u64>) -> Result<Option<NonZeroU64>, RateFault> {
    match bytes {
        Some(rate @ (0 | LEAST..)) => Ok(NonZeroU64::new(rate)),
        Some(rate) => Err(RateFault::TooLow(rate)),
        None => Err(RateFault::NotARate),
    }
}

/// The shortest text that [`parse`] reads as exactly this rate.
pub(super) fn text(rate: Option<NonZeroU64>) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    let Some(rate) = rate else {
        return OFF.to_owned();
    };
    let rate = rate.get();
    match UNITS.iter().find(|(size, _)| rate.is_multiple_of(*size)) {
        Some((size, unit)) => format!("{}{unit}", rate / size),
        None => rate.to_string(),
    }
}

/// The rate for a reader: `2 MiB/s`, or that there is none.
pub(super) fn words(rate: Option<NonZeroU64>) -> String {
    rate.map_or_else(
        || "no limit".to_owned(),
        |rate| format!("{}/s", units::memory(rate.get())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_or_a_text_with_a_unit() {
        for (text, expected) in [
            ("10M", Ok(NonZeroU64::new(10 << 20))),
            ("500 KiB/s", Ok(NonZeroU64::new(500 << 10))),
            (" 1024 ", Ok(NonZeroU64::new(1024))),
            ("0", Ok(None)),
            ("-1", Ok(None)),
            ("off", Ok(None)),
            ("10", Err(RateFault::TooLow(10))),
            ("-2", Err(RateFault::NotARate)),
            ("10 Mbit/s", Err(RateFault::NotARate)),
            ("", Err(RateFault::NotARate)),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn the_text_of_a_rate_is_exactly_this_rate() {
        for (rate, expected) in [
            (1024, "1K"),
            (1025, "1025"),
            (10_000_000, "10000000"),
            (10 << 20, "10M"),
            (1536 << 10, "1536K"),
            (3 << 40, "3072G"),
            (0, "off"),
        ] {
            let rate = NonZeroU64::new(rate);
            assert_eq!(text(rate), expected);
            assert_eq!(parse(expected), Ok(rate));
        }
    }
}
