//! Why an item of a calendar field is refused, and what to write instead.
//!
//! Nothing here decides what is accepted: an item gets here because it is not. Each habit that people bring from cron,
//! Quartz or APScheduler has its own answer.

use std::ops::Range;

use super::fault::{Field, Flaw, shorten};
use super::field::{MONTHS, ORDINALS, WEEKDAYS, limits, place, read_number};
use super::refused_names::nearest;

/// Longer items are not looked into.
const LONGEST: usize = 80;

/// What a field takes, for the place beside the caret.
fn expected(field: Field) -> String {
    let (lowest, highest) = limits(field);
    match field {
        Field::Month => "1 to 12, or jan to dec".to_owned(),
        Field::Day => "1 to 31, mon to sun, last, or as `2nd fri`".to_owned(),
        Field::DayOfWeek => "0 (Monday) to 6 (Sunday), or mon to sun".to_owned(),
        _ => format!("{lowest} to {highest}"),
    }
}

/// A number that its field does not have.
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
        (Field::Hour, Some(24)) => flaw.help("midnight is hour 0, of the day that it begins"),
        (Field::Minute | Field::Second, Some(60)) => flaw.help("write `0`: 60 is the next one's 0"),
        (Field::Day, Some(value)) if value > 31 => {
            flaw.help("the month's last day, whatever its number, is `last`")
        }
        (Field::Year, Some(value)) if value < 100 => flaw.help("write the year with four digits"),
        _ => flaw,
    }
}

/// One item as its words: what the questions below are asked about.
pub(super) struct Refused<'a> {
    pub(super) field: Field,
    /// In lower case.
    pub(super) item: &'a str,
    pub(super) at: usize,
}

/// Why `item`, which stands at byte `at` of the text, is refused.
pub(super) fn explain(field: Field, item: &str, at: usize) -> Flaw {
    if item.len() > LONGEST {
        return Flaw::new("not-understood", "the item is too long to be one")
            .at(at..at + item.len())
            .label(expected(field))
            .help("separate items with commas");
    }
    let lower = item.to_ascii_lowercase();
    let refused = Refused {
        field,
        item: &lower,
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

impl Flaw {
    fn label_if_none(mut self, label: String) -> Flaw {
        self.label.get_or_insert(label);
        self
    }
}

impl Refused<'_> {
    pub(super) fn flaw(&self, code: &'static str, message: impl Into<String>) -> Flaw {
        Flaw::new(code, message).at(self.at..self.at + self.item.len())
    }

    pub(super) fn shown(&self) -> String {
        shorten(self.item)
    }

    /// Characters that have no place here, whatever the rest.
    fn character(&self) -> Option<Flaw> {
        let (place, character) = self.item.char_indices().find(|(_, c)| !c.is_ascii())?;
        let at = self.at + place;
        let range = at..at + character.len_utf8();
        if character.is_numeric() {
            return Some(
                Flaw::new(
                    "non-ascii-digit",
                    format!("`{character}` is not one of the digits 0 to 9"),
                )
                .at(range)
                .help("type the number with the digits 0 to 9"),
            );
        }
        if matches!(character, '–' | '—' | '−' | '‑') {
            return Some(
                Flaw::new(
                    "foreign-dash",
                    format!("`{character}` is a dash that is not `-`"),
                )
                .at(range)
                .help("a range is written with a plain `-`"),
            );
        }
        None
    }

    /// The signs of other schedulers.
    fn foreign(&self) -> Option<Flaw> {
        let item = self.item;
        if item.starts_with('@') {
            return Some(
                self.flaw(
                    "cron-nickname",
                    format!("`{}` is a nickname that only cron knows", self.shown()),
                )
                .help("give each field its own value, as `schedule_hour` and `schedule_minute`"),
            );
        }
        if item.contains('?') {
            return Some(
                self.flaw("question-mark", "`?` means nothing here")
                    .help("leave the key out, or write `*`, for every value"),
            );
        }
        if let Some((day, number)) = item.split_once('#') {
            let flaw = self.flaw("hash-form", "`#` does not pick a weekday of the month here");
            let weekday = place(&WEEKDAYS, day).and_then(|day| WEEKDAYS.get(day as usize));
            let ordinal =
                read_number(number).and_then(|n| ORDINALS.get((n as usize).wrapping_sub(1)));
            return Some(match (weekday, ordinal) {
                (Some(weekday), Some(ordinal)) => {
                    flaw.help(format!("write `{ordinal} {weekday}` in schedule_day"))
                }
                _ => flaw
                    .help("write the weekday's place and its name in schedule_day, as `2nd fri`"),
            });
        }
        let before = |ending: &str| {
            item.strip_suffix(ending).filter(|rest| {
                rest.is_empty() || read_number(rest).is_some() || place(&WEEKDAYS, rest).is_some()
            })
        };
        if before("w").is_some() || item == "lw" {
            return Some(
                self.flaw(
                    "nearest-weekday",
                    "`W` does not pick the nearest working day here",
                )
                .help("there is no such form: choose days, as `15`, or weekdays, as `mon-fri`"),
            );
        }
        if before("l").is_some() || item.starts_with("l-") {
            return Some(
                self.flaw("letter-l", "`L` does not mean the last one here")
                    .help("in schedule_day, `last` is the month's last day and `last fri` its last Friday"),
            );
        }
        if let Some(place) = item.find([';', '|', '&']) {
            return Some(
                Flaw::new("wrong-separator", "items are separated by commas")
                    .at(self.at + place..self.at + place + 1)
                    .help(format!("write `{}`", item.replace([';', '|', '&'], ","))),
            );
        }
        None
    }

    /// Ranges and steps of which one side is missing, and blanks inside.
    fn half(&self) -> Option<Flaw> {
        let item = self.item;
        if item.contains(char::is_whitespace) {
            let joined: String = item.split_whitespace().collect();
            let flaw = self.flaw(
                "blank-in-item",
                format!("`{}` has a blank inside", self.shown()),
            );
            return Some(if item.contains(['-', '/']) {
                flaw.help(format!("write `{joined}`"))
            } else {
                flaw.help("separate items with commas")
            });
        }
        let several = |sign: char| item.matches(sign).count() > 1;
        if several('-') || several('/') {
            return Some(
                self.flaw(
                    "too-many-signs",
                    format!("`{}` has more than one range or step", self.shown()),
                )
                .help("an item is one range with one step at most, as `1-9/2`; separate items with commas"),
            );
        }
        if item.ends_with('/') {
            return Some(
                self.flaw("missing-step", "the step after `/` is missing")
                    .help("write a number after the `/`"),
            );
        }
        if let Some(step) = item.strip_prefix('/') {
            return Some(
                self.flaw("missing-range", "there is nothing before the `/`")
                    .help(format!("write `*/{step}`")),
            );
        }
        if item.ends_with('-') {
            return Some(
                self.flaw("open-range", "the range has no end")
                    .help("write the last value after the `-`, or leave the `-` out"),
            );
        }
        if let Some(number) = item.strip_prefix('-') {
            return Some(if read_number(number).is_some() {
                self.flaw("negative-number", "there are no negative values")
            } else {
                self.flaw("open-range", "the range has no beginning")
            });
        }
        None
    }

    /// Numbers that are not whole, and values that are no numbers at all.
    fn number(&self) -> Option<Flaw> {
        let item = self.item;
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

    /// Something complete, with more after it.
    fn tail(&self) -> Option<Flaw> {
        let item = self.item;
        let word = item.chars().take_while(|c| c.is_ascii_alphabetic()).count();
        let digits = item.chars().take_while(char::is_ascii_digit).count();
        let complete = if word > 0 {
            // `lastfoo` and `mon1`, also `monx`: a name, and something else that the name does not end before.
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

    /// Nothing that is known.
    fn unknown(&self) -> Flaw {
        let flaw = self.flaw(
            "not-understood",
            format!("`{}` is not understood", self.shown()),
        );
        let names: &[&str] = match self.field {
            Field::Month => &MONTHS,
            Field::Day | Field::DayOfWeek => &WEEKDAYS,
            _ => return flaw,
        };
        match nearest(self.item, names) {
            Some(name) => flaw.help(format!("did you mean `{name}`?")),
            None => flaw,
        }
    }
}
