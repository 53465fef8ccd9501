//! Refused items that are nearly right: fractions, truth values, a value with more text after it, a typing error.

use super::super::fault::{Field, Flaw, shorten};
use super::super::vocabulary::{MONTHS, WEEKDAYS, read_number};
use super::item::RefusedItem;
use super::names::nearest;

impl RefusedItem<'_> {
    /// Numbers that are not whole, and truth values.
    pub(super) fn number(&self) -> Option<Flaw> {
        let item = self.text;
        if let Some((whole, fraction)) = item.split_once('.')
            && read_number(whole).is_some()
            && read_number(fraction).is_some()
        {
            let flaw = self.flaw(
                "not-whole",
                format!("{} is not a whole number", self.shown()),
            );
            return Some(if fraction.bytes().all(|byte| byte == b'0') {
                flaw.help(format!("write `{whole}`"))
            } else {
                flaw
            });
        }
        matches!(item, "true" | "false" | "yes" | "no" | "on" | "off").then(|| {
            self.flaw(
                "not-a-number",
                format!("`{item}` is not a value of this field"),
            )
        })
    }

    /// A complete value with more text after it.
    pub(super) fn tail(&self) -> Option<Flaw> {
        let item = self.text;
        let word = item.chars().take_while(|c| c.is_ascii_alphabetic()).count();
        let digits = item.chars().take_while(char::is_ascii_digit).count();
        let complete = if word > 0 {
            // A name that goes on: `lastfoo`, `mon1`, `monx`.
            let names: &[&str] = match self.field {
                Field::Month => &MONTHS,
                Field::DayOfWeek => &WEEKDAYS,
                Field::Day => &["last", "mon", "tue", "wed", "thu", "fri", "sat", "sun"],
                _ => &[],
            };
            names
                .iter()
                .find(|name| item.starts_with(*name))
                .map(|name| name.len())?
        } else if digits > 0 && !item.starts_with("0x") {
            digits
        } else {
            return None;
        };
        let extra = &item[complete..];
        let shown = shorten(extra);
        Some(
            Flaw::new(
                "trailing-text",
                format!("`{shown}` after `{}` means nothing", &item[..complete]),
            )
            .at(self.at + complete..self.at + item.len())
            .label("unexpected")
            .help(match nearest(item, &WEEKDAYS).filter(|_| digits == 0) {
                Some(name) if self.field == Field::DayOfWeek => format!("did you mean `{name}`?"),
                _ => format!(
                    "write `{}`, or separate items with commas",
                    &item[..complete]
                ),
            }),
        )
    }

    /// The last answer: nothing about the item is known.
    pub(super) fn unknown(&self) -> Flaw {
        let flaw = self.flaw(
            "not-understood",
            format!("`{}` is not understood", self.shown()),
        );
        let names: &[&str] = match self.field {
            Field::Month => &MONTHS,
            Field::Day | Field::DayOfWeek => &WEEKDAYS,
            _ => return flaw,
        };
        match nearest(self.text, names) {
            Some(name) => flaw.help(format!("did you mean `{name}`?")),
            None => flaw,
        }
    }
}
