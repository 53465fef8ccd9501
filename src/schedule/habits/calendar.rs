//! Times of day, and the calendar events of systemd.

use super::super::fault::Field;
use super::weekdays::{self, EVERY_DAY};
use super::when::When;

/// A time of day: `3:25`, `03:25:00`, `3am`, `3:25 pm`.
pub(super) fn clock_fields(text: &str) -> Option<Vec<(Field, String)>> {
    let when = time_of_day(&text.to_ascii_lowercase())?;
    Some(when.fields())
}

fn time_of_day(lower: &str) -> Option<When> {
    let (time, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(time), _) => (time.trim_end(), Some(0)),
        (_, Some(time)) => (time.trim_end(), Some(12)),
        (None, None) => (lower, None),
    };
    let parts: Vec<u32> = time
        .split(':')
        .map(|part| {
            let digits =
                (1..=2).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        })
        .collect::<Option<_>>()?;
    let (hour, minute, second) = match (parts.as_slice(), half) {
        (&[hour], Some(_)) => (hour, 0, 0),
        (&[hour, minute], _) => (hour, minute, 0),
        (&[hour, minute, second], _) => (hour, minute, second),
        _ => return None,
    };
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(half) => hour % 12 + half,
        None => hour,
    };
    Some(When {
        hour: Some(hour.to_string()),
        minute: Some(minute.to_string()),
        second: Some(second.to_string()),
        ..When::default()
    })
}

/// A calendar event of systemd: weekdays, a date and a time, of which one may be absent: `Mon..Fri *-*-* 05:00`. `None`
/// also for weekdays alone, because outside of systemd nobody means midnight by them.
pub(super) fn systemd_fields(text: &str) -> Option<Vec<(Field, String)>> {
    let lower = text.to_ascii_lowercase();
    let mut rest: &str = lower.trim();
    let mut weekday = None;
    if rest.starts_with(|it: char| it.is_ascii_alphabetic()) {
        let (word, after) = rest.split_once(char::is_whitespace)?;
        weekday = Some(weekdays::of_systemd(word)?);
        rest = after.trim_start();
    }
    let (date, time) = match rest.split_once(char::is_whitespace) {
        Some((date, time)) if date.contains('-') => (Some(date), Some(time.trim())),
        _ if rest.contains('-') => (Some(rest), None),
        _ => (None, Some(rest)),
    };
    let mut when = match time {
        Some(time) => match time_of_day(time) {
            Some(when) => when,
            None => systemd_time(time)?,
        },
        None => time_of_day("0:00")?,
    };
    if let Some(date) = date {
        let parts: Vec<&str> = date.split('-').collect();
        let (year, month, day) = match *parts.as_slice() {
            [month, day] => ("*", month, day),
            [year, month, day] => (year, month, day),
            _ => return None,
        };
        when.year = list(year)?;
        when.month = list(month)?;
        when.day = list(day)?;
    }
    when.weekday = weekday
        .filter(|set| *set != EVERY_DAY)
        .map(weekdays::written);
    Some(when.fields())
}

fn systemd_time(text: &str) -> Option<When> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hour, minute, second) = match *parts.as_slice() {
        [hour, minute] => (hour, minute, "0"),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    Some(When {
        hour: list(hour)?,
        minute: list(minute)?,
        second: list(second)?,
        ..When::default()
    })
}

/// A list of numbers, ranges and steps in the syntax of this program. The inner `None` is every value.
fn list(text: &str) -> Option<Option<String>> {
    if text == "*" {
        return Some(None);
    }
    let number = |text: &str| -> Option<String> {
        let is_number = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        is_number
            .then(|| text.parse().ok())
            .flatten()
            .map(|it: u32| it.to_string())
    };
    let item = |item: &str| -> Option<String> {
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => (base, format!("/{}", number(step)?)),
            None => (item, String::new()),
        };
        Some(match base.split_once("..") {
            Some((first, last)) => format!("{}-{}{step}", number(first)?, number(last)?),
            None => format!("{}{step}", number(base)?),
        })
    };
    let items: Vec<String> = text.split(',').map(item).collect::<Option<_>>()?;
    Some(Some(items.join(",")))
}
