//! The expression of one calendar field: values, ranges and steps, separated by commas. The day field also has words.

use std::ops::Range;

use super::days::{MonthDays, Set};
use super::fault::{Field, Flaw, shorten};
use super::refusal;
use super::vocabulary::{MONTHS, ORDINALS, WEEKDAYS, index_of, limits, read_number};
use super::years::Span;

/// The most faults that are reported of one text.
const MOST_FAULTS: usize = 16;

/// One item of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// Numbers, or names of months, or names of weekdays in the day-of-week field.
    Span(Span),
    /// Day field: every one of these weekdays.
    Weekdays { first: u32, last: u32 },
    /// Day field: the month's last day.
    LastDay,
    /// Day field: the month's first, second, … such weekday.
    Ordinal { ordinal: u32, weekday: u32 },
    /// Day field: the month's last such weekday.
    LastWeekday { weekday: u32 },
}

/// Reads a field's text.
///
/// # Errors
///
/// A flaw for each refused item, at most [`MOST_FAULTS`], with places in `text`.
pub(crate) fn parse(field: Field, text: &str) -> Result<Vec<Item>, Vec<Flaw>> {
    let mut items = Vec::new();
    let mut flaws = Vec::new();
    let mut start = 0;
    for part in text.split(',') {
        let item = part.trim();
        let at = start + (part.len() - part.trim_start().len());
        start += part.len() + 1;
        if item.is_empty() {
            // An empty item has no place of its own, so the place is its comma.
            let comma = at.min(text.len().saturating_sub(1));
            flaws.push(
                Flaw::new("empty-item", "an item of the list is empty")
                    .at(comma..text.len().min(comma + 1))
                    .help("remove the extra comma"),
            );
        } else {
            match parse_item(field, item, at) {
                Ok(item) => items.push(item),
                Err(flaw) => flaws.push(flaw),
            }
        }
        if flaws.len() == MOST_FAULTS {
            break;
        }
    }
    if flaws.is_empty() {
        Ok(items)
    } else {
        Err(flaws)
    }
}

/// Reads one item without blanks around it. It begins at byte `at` of the field's text.
fn parse_item(field: Field, item: &str, at: usize) -> Result<Item, Flaw> {
    let (base, step) = match item.split_once('/') {
        Some((base, step)) => (base, Some(step)),
        None => (item, None),
    };
    let Some(span) = read_span(field, base, step.is_some()) else {
        // A word cannot have a step.
        return match (step, read_words(field, item)) {
            (None, Some(words)) => check_order(words, item, at),
            _ => Err(refusal::explain(field, item, at)),
        };
    };
    let step = match step {
        Some(digits) => match read_number(digits) {
            Some(step) => Some((step, at + base.len() + 1..at + item.len())),
            None => return Err(refusal::explain(field, item, at)),
        },
        None => None,
    };
    check_span(field, span, step, base, at)
}

/// The span of an item: numbers or a star; names too if there is no step. The limits are not checked yet.
fn read_span(field: Field, base: &str, stepped: bool) -> Option<Span> {
    let (lowest, highest) = limits(field);
    if base == "*" {
        return Some(Span {
            first: lowest,
            last: highest,
            step: 1,
        });
    }
    let (first, last) = match base.split_once('-') {
        Some((first, last)) => (first, Some(last)),
        None => (base, None),
    };
    if let Some(first) = read_number(first) {
        let last = match last {
            Some(last) => read_number(last)?,
            None if stepped => highest,
            None => first,
        };
        return Some(Span {
            first,
            last,
            step: 1,
        });
    }
    if stepped {
        return None;
    }
    let number = |name: &str| match field {
        Field::Month => index_of(&MONTHS, name).map(|place| place + 1),
        Field::DayOfWeek => index_of(&WEEKDAYS, name),
        _ => None,
    };
    let first = number(first)?;
    let last = last.map_or(Some(first), number)?;
    Some(Span {
        first,
        last,
        step: 1,
    })
}

/// An item of the day field in words. `None` for other fields and other items.
fn read_words(field: Field, item: &str) -> Option<Item> {
    if field != Field::Day {
        return None;
    }
    if item.eq_ignore_ascii_case("last") {
        return Some(Item::LastDay);
    }
    if let Some((word, name)) = item.split_once(' ') {
        let weekday = index_of(&WEEKDAYS, name.trim_start_matches(' '))?;
        if word.eq_ignore_ascii_case("last") {
            return Some(Item::LastWeekday { weekday });
        }
        let ordinal = index_of(&ORDINALS, word)? + 1;
        return Some(Item::Ordinal { ordinal, weekday });
    }
    let (first, last) = item.split_once('-').unwrap_or((item, item));
    Some(Item::Weekdays {
        first: index_of(&WEEKDAYS, first)?,
        last: index_of(&WEEKDAYS, last)?,
    })
}

/// Refuses a range of weekdays over the end of the week.
fn check_order(item: Item, text: &str, at: usize) -> Result<Item, Flaw> {
    match item {
        Item::Weekdays { first, last } if first > last => {
            Err(backward(Field::DayOfWeek, first, last, text, at))
        }
        other => Ok(other),
    }
}

/// Refuses spans outside the field's limits, backward spans, and steps that are 0 or too wide.
fn check_span(
    field: Field,
    span: Span,
    step: Option<(u32, Range<usize>)>,
    base: &str,
    at: usize,
) -> Result<Item, Flaw> {
    let (lowest, highest) = limits(field);
    let first_length = base.find('-').unwrap_or(base.len());
    for (value, place) in [
        (span.first, at..at + first_length),
        (
            span.last,
            at + (first_length + 1).min(base.len())..at + base.len(),
        ),
    ] {
        if value < lowest || value > highest {
            // A single value is the first and the last of its span, but has only one place.
            let place = if place.is_empty() {
                at..at + base.len()
            } else {
                place
            };
            return Err(refusal::out_of_range(field, place, &base_part(base, value)));
        }
    }
    if span.first > span.last {
        return Err(backward(field, span.first, span.last, base, at));
    }
    let Some((step, place)) = step else {
        return Ok(Item::Span(span));
    };
    let width = span.last - span.first;
    if step == 0 {
        return Err(
            Flaw::new("zero-step", "a step of 0 never reaches another value")
                .at(place)
                .label("at least 1")
                .help(format!(
                    "write `{}` without a step, or a step of 1 or more",
                    shorten(base)
                )),
        );
    }
    if step > width {
        return Err(Flaw::new(
            "wide-step",
            format!(
                "a step of {step} is wider than the range from {} to {}",
                span.first, span.last
            ),
        )
        .at(place)
        .label(if width == 0 {
            "no step fits".to_owned()
        } else {
            format!("at most {width}")
        })
        .help(format!(
            "only {} would ever match: write `{}`",
            span.first, span.first
        )));
    }
    Ok(Item::Span(Span { step, ..span }))
}

/// The part of a span that is `value`, as it is written.
fn base_part(base: &str, value: u32) -> String {
    base.split('-')
        .find(|part| read_number(part) == Some(value))
        .unwrap_or(base)
        .to_owned()
}

/// The flaw of a range that runs backward, with the two ranges that are probably meant.
fn backward(field: Field, first: u32, last: u32, text: &str, at: usize) -> Flaw {
    let (lowest, highest) = limits(field);
    let name = |value: u32| {
        let named = text.bytes().any(|byte| byte.is_ascii_alphabetic());
        match field {
            Field::Month if named => MONTHS[value as usize - 1].to_owned(),
            Field::DayOfWeek if named => WEEKDAYS[value as usize].to_owned(),
            _ => value.to_string(),
        }
    };
    let range = |first: u32, last: u32| {
        if first == last {
            name(first)
        } else {
            format!("{}-{}", name(first), name(last))
        }
    };
    Flaw::new(
        "backward-range",
        format!(
            "the range runs backward: {} comes after {}",
            name(first),
            name(last)
        ),
    )
    .at(at..at + text.len())
    .label("the smaller value comes first")
    .help(if field == Field::Year {
        format!("write `{}`", range(last, first))
    } else {
        format!("write `{},{}`", range(first, highest), range(lowest, last))
    })
}

/// The set of all values in a list of numbers.
pub(crate) fn set(items: &[Item]) -> Set {
    spans(items)
        .flat_map(Span::values)
        .fold(0, |set, value| set | 1 << value)
}

/// The items of a list that are numbers.
pub(crate) fn spans(items: &[Item]) -> impl Iterator<Item = Span> {
    items.iter().filter_map(|item| match item {
        Item::Span(span) => Some(*span),
        _ => None,
    })
}

/// The days of a month that a list of the day field names.
pub(crate) fn month_days(items: &[Item]) -> MonthDays {
    let mut days = MonthDays {
        numbers: set(items),
        ..MonthDays::default()
    };
    for item in items {
        match *item {
            Item::Span(_) => {}
            Item::Weekdays { first, last } => {
                days.weekdays |= (first..=last).fold(0, |set, weekday| set | 1 << weekday);
            }
            Item::LastDay => days.last = true,
            Item::Ordinal { ordinal, weekday } => {
                days.ordinals[weekday as usize] |= 1 << ordinal;
            }
            Item::LastWeekday { weekday } => days.last_weekdays |= 1 << weekday,
        }
    }
    days
}
