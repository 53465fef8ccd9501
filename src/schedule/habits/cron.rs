//! The fields of cron, and those of programs that have taken them over.

use super::super::fault::Field;
use super::weekdays::{self, EVERY_DAY};
use super::when::When;

/// The five fields of cron, or six that begin with the seconds. `None` where programs do not agree on the meaning.
pub(super) fn fields(text: &str) -> Option<Vec<(Field, String)>> {
    let lower = text.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split_whitespace().collect();
    let (second, minute, hour, day, month, weekday) = match *parts.as_slice() {
        [minute, hour, day, month, weekday] => ("0", minute, hour, day, month, weekday),
        [second, minute, hour, day, month, weekday] => {
            // Quartz counts the weekdays from 1, Sunday, and others from 0.
            if weekday.contains(|it: char| it.is_ascii_digit()) {
                return None;
            }
            (second, minute, hour, day, month, weekday)
        }
        _ => return None,
    };
    let of_five = parts.len() == 5;
    for part in [second, minute, hour, day, month] {
        // `0/15` is one value for cron, and all from there for Quartz.
        let is_open = |item: &str| {
            let base = item.split_once('/').map(|(base, _)| base);
            base.is_some_and(|base| base != "*" && !base.contains('-'))
        };
        if of_five && part.split(',').any(is_open) {
            return None;
        }
    }
    let every = |part: &str| (!matches!(part, "*" | "?")).then(|| part.to_owned());
    let weekdays = match weekday {
        "?" => EVERY_DAY,
        weekday => weekdays::of_cron(weekday)?,
    };
    // Where both are restricted, cron runs on a day that one of them names, and so does `schedule_day` with both. A field
    // that begins with a star restricts nothing in this sense: then both must fit, as here.
    let one_is_enough = !day.starts_with(['*', '?']) && !weekday.starts_with(['*', '?']);
    let (day, weekday) = match (every(day), (weekdays != EVERY_DAY).then_some(weekdays)) {
        (Some(_), None) if one_is_enough => (None, None),
        (Some(day), Some(set)) if one_is_enough => {
            (Some(format!("{day},{}", weekdays::written(set))), None)
        }
        (day, set) => (day, set.map(weekdays::written)),
    };
    Some(
        When {
            year: None,
            month: every(month),
            day,
            weekday,
            hour: every(hour),
            minute: every(minute),
            second: every(second),
        }
        .fields(),
    )
}
