//! Spans of time: how they are read, and the grid of instants of an interval.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::fault::{Flaw, shorten};

/// The units in the singular, with their seconds.
pub(super) const UNITS: [(&str, u64); 5] = [
    ("week", 604_800),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
    ("second", 1),
];

/// A thousand years of 365.2425 days. A longer span is a typing error.
const LONGEST: u64 = 31_556_952_000;

/// Reads a span of time: a whole number, blanks, and a unit from seconds to weeks, singular or plural, as `6 hours`.
/// A week has 7 days and a day 24 hours. The span may be 0.
///
/// # Errors
///
/// A [`Flaw`] with its place in `text`.
pub fn parse_duration(text: &str) -> Result<Duration, Flaw> {
    read(text).map(Duration::from_secs)
}

/// Reads a span of time that is not 0, in seconds.
///
/// # Errors
///
/// A [`Flaw`] with its place in `text`.
pub(super) fn parse_step(text: &str) -> Result<u64, Flaw> {
    match read(text)? {
        0 => Err(
            Flaw::new("zero-interval", "an interval of 0 has no next run")
                .at(0..text.len())
                .label("at least 1")
                .help("write `continuous` to start again as soon as a run has ended"),
        ),
        step => Ok(step),
    }
}

fn read(text: &str) -> Result<u64, Flaw> {
    let whole = 0..text.len();
    let shape = |code, message: String| {
        Flaw::new(code, message)
            .at(whole.clone())
            .label("a number and a unit, as `6 hours`")
    };
    if text.trim() != text {
        return Err(shape(
            "outer-blank",
            "there are blanks around the value".to_owned(),
        )
        .help(format!("write `{}`", shorten(text.trim()))));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let name = rest.trim_start_matches([' ', '\t']);
    let unit = |name: &str| {
        UNITS
            .iter()
            .find(|(unit, _)| name.strip_suffix('s').unwrap_or(name) == *unit)
    };
    if number.is_empty() || name.is_empty() || name.starts_with(|c: char| !c.is_alphabetic()) {
        return Err(no_number(text, shape));
    }
    let Some((_, seconds)) = unit(name) else {
        return Err(no_unit(
            text,
            number,
            name,
            unit(&name.to_ascii_lowercase()).map(|(unit, _)| *unit),
        ));
    };
    if name.len() == rest.len() {
        return Err(shape(
            "missing-blank",
            format!("there is no blank between {number} and `{name}`"),
        )
        .help(format!("write `{} {name}`", shorten(number))));
    }
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(*seconds))
        .filter(|seconds| *seconds <= LONGEST)
        .ok_or_else(|| {
            Flaw::new("too-long", "that is more than a thousand years")
                .at(0..digits)
                .label("too large")
        })
}

/// The flaw of a text that does not begin with a whole number and a word.
fn no_number(text: &str, shape: impl Fn(&'static str, String) -> Flaw) -> Flaw {
    let number_of = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    if let Some(rest) = text.strip_prefix('-')
        && number_of(rest) > 0
    {
        return shape(
            "negative-number",
            "a span of time cannot be negative".to_owned(),
        );
    }
    if let Some(rest) = text.strip_prefix('+')
        && number_of(rest) > 0
    {
        return shape("plus-sign", "the number has a plus sign".to_owned())
            .help(format!("write `{}`", shorten(rest)));
    }
    if let Some((place, odd)) = text
        .char_indices()
        .find(|(_, c)| c.is_numeric() && !c.is_ascii())
    {
        return shape(
            "non-ascii-digit",
            format!("`{odd}` is not one of the digits 0 to 9"),
        )
        .at(place..place + odd.len_utf8())
        .help("type the number with the digits 0 to 9");
    }
    let digits = number_of(text);
    if digits == text.len() && digits > 0 {
        return shape("missing-unit", format!("{} has no unit", shorten(text))).help(format!(
            "write the unit, as `{} minute{}`",
            shorten(text),
            if text == "1" { "" } else { "s" }
        ));
    }
    if digits > 0 && text[digits..].starts_with(['.', ',']) {
        return shape("not-whole", "the number is not whole".to_owned())
            .help("use a smaller unit, as `36 hours` for one and a half days");
    }
    let word = text.to_ascii_lowercase();
    let help = match word.as_str() {
        "hourly" => Some("write `1 hour`".to_owned()),
        "daily" | "@daily" | "midnight" => {
            Some("write `1 day`, or give schedule_hour for a time of day".to_owned())
        }
        "weekly" => Some("write `1 week`, or give schedule_day_of_week".to_owned()),
        "monthly" => Some("give schedule_day instead: a month has no fixed length".to_owned()),
        "continuous" | "continously" | "continuously" | "continous" => {
            Some("write `continuous`".to_owned())
        }
        _ if UNITS
            .iter()
            .any(|(unit, _)| word.strip_suffix('s').unwrap_or(&word) == *unit) =>
        {
            Some(format!("write the number, as `2 {word}`"))
        }
        _ => None,
    };
    let flaw = shape(
        "not-a-span",
        format!("`{}` is not a span of time", shorten(text)),
    );
    match help {
        Some(help) => flaw.help(help),
        None => flaw,
    }
}

/// The flaw of a number with a word that is not a unit. `meant` is the unit that the word is in lower case.
fn no_unit(text: &str, number: &str, name: &str, meant: Option<&str>) -> Flaw {
    let flaw = Flaw::new(
        "unknown-unit",
        format!("`{}` is not a unit of time", shorten(name)),
    )
    .at(text.len() - name.len()..text.len())
    .label("weeks, days, hours, minutes or seconds");
    let number = shorten(number);
    let written = |unit: &str| {
        format!(
            "write `{number} {unit}{}`",
            if number == "1" { "" } else { "s" }
        )
    };
    if let Some(unit) = meant {
        return flaw.help(written(unit));
    }
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "s" | "sec" | "secs" => flaw.help(written("second")),
        "m" | "min" | "mins" => flaw.help(written("minute")),
        "h" | "hr" | "hrs" => flaw.help(written("hour")),
        "d" => flaw.help(written("day")),
        "w" => flaw.help(written("week")),
        "month" | "months" => {
            flaw.help("months differ in length: give schedule_day (and schedule_month) instead")
        }
        "year" | "years" => {
            flaw.help("years differ in length: give schedule_month and schedule_day, or count days")
        }
        "fortnight" | "fortnights" => flaw.help("count weeks"),
        _ if lower.contains(|c: char| c.is_ascii_digit()) => {
            flaw.help("give one number and one unit, in the smaller unit of the two")
        }
        // A longer word is not a typing error.
        _ if lower.len() > 10 => flaw,
        _ => {
            let singular = lower.strip_suffix('s').unwrap_or(&lower);
            let near = UNITS
                .iter()
                .find(|(unit, _)| strsim::damerau_levenshtein(unit, singular) == 1);
            match near {
                Some((unit, _)) => flaw.help(written(unit)),
                None => flaw,
            }
        }
    }
}

/// Instants at equal distances, numbered from 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// The first instant, nanoseconds of Unix time.
    first: i128,
    /// The distance, nanoseconds, more than 0.
    step: i128,
}

impl Grid {
    /// Instants from `first` on, every `step` seconds (0 counts as 1).
    pub fn new(first: i128, step: u64) -> Grid {
        Grid {
            first,
            step: i128::from(step.max(1)) * NANOSECONDS,
        }
    }

    /// The number of the first instant after `after`.
    pub fn index_after(self, after: i128) -> i128 {
        (after - self.first).div_euclid(self.step).max(-1) + 1
    }

    /// The instant with a number, in nanoseconds of Unix time.
    pub fn at(self, index: i128) -> i128 {
        self.first + index * self.step
    }
}

pub(super) const NANOSECONDS: i128 = 1_000_000_000;

/// An instant as nanoseconds of Unix time.
pub(super) fn nanoseconds(instant: DateTime<Utc>) -> i128 {
    i128::from(instant.timestamp()) * NANOSECONDS + i128::from(instant.timestamp_subsec_nanos())
}

/// Nanoseconds of Unix time as an instant. `None`: the instant cannot be represented.
pub(super) fn instant(nanoseconds: i128) -> Option<DateTime<Utc>> {
    let seconds = i64::try_from(nanoseconds.div_euclid(NANOSECONDS)).ok()?;
    let rest = u32::try_from(nanoseconds.rem_euclid(NANOSECONDS)).ok()?;
    DateTime::from_timestamp(seconds, rest)
}
