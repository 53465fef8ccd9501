//! One calendar field's expression: a comma list of values, ranges and steps, and in the day field some words more.

use std::ops::Range;

use super::days::{MonthDays, Set};
use super::fault::{Field, Flaw, shorten};
use super::refusal;
use super::vocabulary::{MONTHS, ORDINALS, WEEKDAYS, index_of, limits, read_number};
use super::years::Span;

/// More faults than this in one text are left for the next reading of it.
const MOST_FAULTS: usize = 16;

/// One item of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// Numbers; names of months and, in the day-of-week field, of weekdays among them.
    Span(Span),
    /// In the day field: every such weekday, from the first to the last.
    Weekdays { first: u32, last: u32 },
    /// In the day field: the month's last day.
    LastDay,
    /// In the day field: the month's first, second, … such weekday.
    Ordinal { ordinal: u32, weekday: u32 },
    /// In the day field: the month's last such weekday.
    LastWeekday { weekday: u32 },
}

/// Reads a field's text.
///
/// # Errors
///
/// A flaw for each item that is refused, the first few of them, with places in `text`.
pub(crate) fn parse(field: Field, text: &str) -> Result<Vec<Item>, Vec<Flaw>> {
    let mut items = Vec::new();
    let mut flaws = Vec::new();
    let mut start = 0;
    for part in text.split(',') {
        let item = part.trim();
        let at = start + (part.len() - part.trim_start().len());
        start += part.len() + 1;
        if item.is_empty() {
            // A caret needs something to stand under: the comma that leaves nothing beside it.
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

/// One item, which stands at byte `at` of its text and has no blanks around it.
fn parse_item(field: Field, item: &str, at: usize) -> Result<Item, Flaw> {
    let (base, step) = match item.split_once('/') {
        Some((base, step)) => (base, Some(step)),
        None => (item, None),
    };
    let Some(span) = read_span(field, base, step.is_some()) else {
        // Words take no step.
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

/// The span before a step: numbers, a star, or, without a step, names. Not yet checked.
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

/// The day field's words.
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

/// Refuses a range of weekdays that runs over the week's end.
fn check_order(item: Item, text: &str, at: usize) -> Result<Item, Flaw> {
    match item {
        Item::Weekdays { first, last } if first > last => {
            Err(backward(Field::DayOfWeek, first, last, text, at))
        }
        other => Ok(other),
    }
}

/// Refuses spans outside the field, backward ones, and steps that cannot be taken.
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
            // A single value is both ends of its span, and has one place.
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
        return Err(Flaw::new("zero-step", "a step of 0 never gets anywhere")
            .at(place)
            .label("at least 1")
            .help(format!(
                "write `{}` without a step, or a step of 1 or more",
                shorten(base)
            )));
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

/// The end of a span that has a value, as it was written.
fn base_part(base: &str, value: u32) -> String {
    base.split('-')
        .find(|part| read_number(part) == Some(value))
        .unwrap_or(base)
        .to_owned()
}

/// A range that runs backward, with the two ranges that it stands for.
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

/// A set of the values that a list of numbers names.
pub(crate) fn set(items: &[Item]) -> Set {
    spans(items)
        .flat_map(Span::values)
        .fold(0, |set, value| set | 1 << value)
}

/// The numbers of a list, as spans.
pub(crate) fn spans(items: &[Item]) -> impl Iterator<Item = Span> {
    items.iter().filter_map(|item| match item {
        Item::Span(span) => Some(*span),
        _ => None,
    })
}

/// The days that a day list names.
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
