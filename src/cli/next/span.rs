//! Spans of time on the command line: `7d`, `36h`, `2w`, or as in a job file.

use std::time::Duration;

use crate::schedule::interval::parse_duration;

/// Reads a span: a number followed by `w`, `d`, `h`, `m`, `min` or `s`, or `N unit` as in a job file.
///
/// # Errors
///
/// What is wrong with the text, as half a sentence.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim() {
        "w" => "weeks",
        "d" => "days",
        "h" => "hours",
        "m" | "min" => "minutes",
        "s" | "sec" => "seconds",
        other => other,
    };
    match parse_duration(&format!("{number} {unit}")) {
        Ok(span) if span.is_zero() => Err("the span is zero".to_owned()),
        Ok(span) => Ok(span),
        Err(_) if digits == 0 || unit.is_empty() => {
            Err("expected a number and a unit, as 7d, 36h, 2w or \"10 days\"".to_owned())
        }
        Err(flaw) => Err(flaw.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_forms_mean_the_same() {
        for (text, seconds) in [
            ("7d", 604_800),
            ("36h", 129_600),
            ("2w", 1_209_600),
            ("90m", 5_400),
            ("90min", 5_400),
            ("30s", 30),
            ("10 days", 864_000),
            ("1 week", 604_800),
            ("5 hours", 18_000),
            (" 7d ", 604_800),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_a_hint() {
        for text in [
            "",
            "7",
            "d",
            "0d",
            "-7d",
            "7x",
            "1.5d",
            "99999999999999999999d",
            "９d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("7").is_err_and(|why| why.contains("7d, 36h")));
    }
}
