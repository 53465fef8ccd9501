//! Spans of time as other programs write them: `6h`, `1h30m`, `90 min`, `every 6 hours`.

use super::super::interval::UNITS;

/// The span in the words of `schedule_interval`. `None`: it is none, or it is 0.
pub(super) fn interval(text: &str) -> Option<String> {
    let text = text.trim();
    let (text, is_every) = match text.split_once(char::is_whitespace) {
        Some((word, rest)) if word.eq_ignore_ascii_case("every") => (rest.trim_start(), true),
        _ => (text, false),
    };
    let mut rest = text;
    let mut seconds: u64 = 0;
    if is_every && let Some(unit) = unit_of(text) {
        // `every hour`
        seconds = unit;
        rest = "";
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (name, after) = after.split_at(letters);
        let part = number.parse::<u64>().ok()?.checked_mul(unit_of(name)?)?;
        seconds = seconds.checked_add(part)?;
        rest = after.trim_start();
    }
    let (unit, length) = UNITS
        .iter()
        .find(|(_, length)| seconds > 0 && seconds.is_multiple_of(*length))?;
    let number = seconds / length;
    let plural = if number == 1 { "" } else { "s" };
    Some(format!("{number} {unit}{plural}"))
}

/// The seconds of a unit, in its long and its short forms.
fn unit_of(name: &str) -> Option<u64> {
    // `M` is a month where `m` is a minute.
    let lower = match name {
        "M" => return None,
        name => name.to_ascii_lowercase(),
    };
    let long = match lower.as_str() {
        "s" | "sec" | "secs" => "second",
        "m" | "min" | "mins" => "minute",
        "h" | "hr" | "hrs" => "hour",
        "d" => "day",
        "w" => "week",
        name => name.strip_suffix('s').unwrap_or(name),
    };
    let unit = UNITS.iter().find(|(unit, _)| *unit == long);
    unit.map(|(_, seconds)| *seconds)
}
