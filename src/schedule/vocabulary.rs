//! The words and numbers that calendar fields know, and how they are read.

use super::fault::Field;
use super::years::{FIRST_YEAR, LAST_YEAR};

/// The weekdays, Monday first. A weekday's number is its index.
pub(crate) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// The months. A month's number is its index plus one.
pub(crate) const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
/// The words that pick one weekday of a month, as in `2nd fri`. A word's number is its index plus one.
pub(crate) const ORDINALS: [&str; 5] = ["1st", "2nd", "3rd", "4th", "5th"];

/// The smallest and the largest value of a calendar field.
pub(crate) const fn limits(field: Field) -> (u32, u32) {
    match field {
        Field::Year => (FIRST_YEAR, LAST_YEAR),
        Field::Month => (1, 12),
        Field::Day => (1, 31),
        Field::Week => (1, 53),
        Field::DayOfWeek => (0, 6),
        Field::Hour => (0, 23),
        // Minutes and seconds. The fields that are not calendar fields have no limits.
        _ => (0, 59),
    }
}

/// The index of a word in a list. Case is ignored.
pub(crate) fn index_of(words: &[&str], word: &str) -> Option<u32> {
    (0..)
        .zip(words)
        .find(|(_, known)| known.eq_ignore_ascii_case(word))
        .map(|(index, _)| index)
}

/// A number of ASCII digits. A number that does not fit is `u32::MAX`, which is too large for every field.
pub(crate) fn read_number(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u32::MAX))
}
