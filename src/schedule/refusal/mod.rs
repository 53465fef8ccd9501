//! Why an item of a calendar field is refused, and what to write instead.
//!
//! Nothing here decides what is accepted: only refused items come here. Each habit that people bring from cron,
//! Quartz or APScheduler has its own answer.

use std::ops::Range;

use super::fault::{Field, Flaw, shorten};
use super::vocabulary::{limits, read_number};

mod item;
mod names;
mod numbers;
mod signs;

use item::RefusedItem;

/// Longer items, in bytes, are refused without a closer look.
const LONGEST: usize = 80;

/// What a field accepts, as the label beside the caret says it.
fn expected(field: Field) -> String {
    let (lowest, highest) = limits(field);
    match field {
        Field::Month => "1 to 12, or jan to dec".to_owned(),
        Field::Day => "1 to 31, mon to sun, last, or as `2nd fri`".to_owned(),
        Field::DayOfWeek => "0 (Monday) to 6 (Sunday), or mon to sun".to_owned(),
        _ => format!("{lowest} to {highest}"),
    }
}

/// The flaw of a number outside its field's limits.
pub(super) fn out_of_range(field: Field, place: Range<usize>, written: &str) -> Flaw {
    let (lowest, highest) = limits(field);
    let shown = shorten(written);
    let flaw = Flaw::new(
        "out-of-range",
        format!("{shown} is not between {lowest} and {highest}"),
    )
    .at(place)
    .label(expected(field));
    match (field, read_number(written)) {
        (Field::DayOfWeek, Some(7)) => {
            flaw.help("days of the week count from 0, Monday: Sunday is `6` or `sun`")
        }
        (Field::Hour, Some(24)) => flaw.help("midnight is hour 0 of the next day"),
        (Field::Minute | Field::Second, Some(60)) => {
            flaw.help("write `0`: 60 is the 0 of the next one")
        }
        (Field::Day, Some(value)) if value > 31 => {
            flaw.help("for the month's last day, write `last`")
        }
        (Field::Year, Some(value)) if value < 100 => flaw.help("write the year with four digits"),
        _ => flaw,
    }
}

/// Explains why `item` is refused. It begins at byte `at` of the field's text.
pub(super) fn explain(field: Field, item: &str, at: usize) -> Flaw {
    if item.len() > LONGEST {
        return Flaw::new("not-understood", "the item is too long")
            .at(at..at + item.len())
            .label(expected(field))
            .help("separate items with commas");
    }
    let lower = item.to_ascii_lowercase();
    let refused = RefusedItem {
        field,
        text: &lower,
        at,
    };
    let flaw = refused
        .character()
        .or_else(|| refused.foreign())
        .or_else(|| refused.long_name())
        .or_else(|| refused.words())
        .or_else(|| refused.half())
        .or_else(|| refused.number())
        .or_else(|| refused.tail())
        .unwrap_or_else(|| refused.unknown());
    flaw.label_if_none(expected(field))
}
