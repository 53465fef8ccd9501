//! Numbers: counts, durations, ages and moments.

use std::time::Duration;

use super::ValueReader;
use crate::job::codes;
use crate::job::decode::Field;
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::json::Value;
use crate::job::keys::Bounds;

impl ValueReader<'_> {
    /// A number within the bounds of its key.
    pub fn number(&mut self, field: Option<Field<'_>>) -> Option<f64> {
        let field = field?;
        let Bounds {
            least,
            most,
            whole,
            unit,
        } = field.key.shape.bounds()?;
        let written = match &field.node.value {
            _ if field.node.is_unset() => return None,
            Value::Number(number) => number.as_str(),
            Value::Text(text) => text.content.trim(),
            _ => {
                self.wrong_type(&field, &format!("a number of {unit}"), "");
                return None;
            }
        };
        let Some(number) = plain_number(written) else {
            let help = match (unit, duration_words(written)) {
                ("seconds", Some(seconds)) => {
                    format!("it is a number of seconds: write `{seconds}`")
                }
                ("days", Some(seconds)) => format!(
                    "it is a number of days: write `{}`",
                    seconds as f64 / 86_400.0
                ),
                _ => String::new(),
            };
            self.wrong_type(&field, &format!("a number of {unit}"), help);
            return None;
        };
        let fault = if whole && number.fract() != 0.0 {
            Some((format!("takes a whole number of {unit}"), String::new()))
        } else if number < least {
            let help = if least > 0.0 {
                "to have none, write `null` or remove the key"
            } else {
                ""
            };
            let unit = match least == 1.0 {
                true => unit.strip_suffix('s').unwrap_or(unit),
                false => unit,
            };
            Some((format!("takes at least {least} {unit}"), help.to_owned()))
        } else if number > most {
            Some((format!("takes at most {most} {unit}"), String::new()))
        } else {
            None
        };
        if let Some((wants, help)) = fault {
            let mut fault = Diagnostic::error(
                codes::OUT_OF_RANGE,
                format!("{} {wants}", quoted(field.written)),
            )
            .at(field.node.span.clone())
            .label(format!("{number} is out of range"));
            if !help.is_empty() {
                fault = fault.help(help);
            }
            self.report(fault);
            return None;
        }
        Some(number)
    }

    /// A number of a key that takes whole numbers.
    pub fn count(&mut self, field: Option<Field<'_>>) -> Option<u32> {
        // The bounds of each such key are whole, not negative, and fit.
        self.number(field).map(|number| number as u32)
    }

    /// A number of seconds.
    pub fn seconds(&mut self, field: Option<Field<'_>>) -> Option<Duration> {
        self.number(field)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    /// A moment in Unix seconds. 0 and less mean that there is none.
    pub fn timestamp(&mut self, field: Option<Field<'_>>) -> Option<i64> {
        let field = field?;
        let number = match &field.node.value {
            _ if field.node.is_unset() => return None,
            Value::Number(number) => plain_number(number),
            Value::Text(text) => plain_number(text.content.trim()),
            _ => None,
        };
        match number {
            Some(number) if number <= 0.0 => None,
            // The end of the year 9999. The cast is exact below it.
            Some(number) if number < 253_402_300_800.0 => Some(number as i64),
            _ => {
                self.wrong_type(&field, "a number of seconds since 1970", "");
                None
            }
        }
    }

    /// A number of days, more than 0. With 0 all snapshots but the newest would go, and a user who writes 0 often means
    /// "off".
    pub fn age_in_days(&mut self, field: Option<Field<'_>>) -> Option<f64> {
        let days = self.number(field)?;
        if days > 0.0 {
            return Some(days);
        }
        let field = field?;
        self.report(
            Diagnostic::error(
                codes::OUT_OF_RANGE,
                format!("{} takes more than 0 days", quoted(field.written)),
            )
            .at(field.node.span.clone())
            .label("would remove every snapshot but the newest")
            .help(
                "to keep all, write `null` or remove the key; fractions are allowed: 0.5 is half a day",
            ),
        );
        None
    }
}

/// A decimal number. `inf` and `nan` are not numbers here.
fn plain_number(written: &str) -> Option<f64> {
    let decimal =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
    let number: f64 = if written.bytes().all(decimal) {
        written.parse().ok()?
    } else {
        return None;
    };
    number.is_finite().then_some(number)
}

/// The seconds in a text like `5 minutes` or `2h`, for a hint.
fn duration_words(written: &str) -> Option<u64> {
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = written.get(..digits)?.parse().ok()?;
    let unit = match written.get(digits..)?.trim().to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        _ => return None,
    };
    number.checked_mul(unit)
}
