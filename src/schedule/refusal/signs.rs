//! Refused items with signs: signs of other schedulers, odd characters, incomplete ranges and steps.

use super::super::fault::Flaw;
use super::super::vocabulary::{ORDINALS, WEEKDAYS, index_of, read_number};
use super::item::RefusedItem;
use super::names::short_names;

impl RefusedItem<'_> {
    /// Characters that no item may have: digits and dashes outside ASCII.
    pub(super) fn character(&self) -> Option<Flaw> {
        let (place, character) = self.text.char_indices().find(|(_, c)| !c.is_ascii())?;
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

    /// Forms that only other schedulers know.
    pub(super) fn foreign(&self) -> Option<Flaw> {
        let item = self.text;
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
        if let Some(place) = item.find("..") {
            let range = short_names(&item.replace("..", "-"));
            return Some(
                Flaw::new("foreign-dash", "`..` is not the sign of a range here")
                    .at(self.at + place..self.at + place + 2)
                    .help(format!("write `{range}`")),
            );
        }
        if let Some((day, number)) = item.split_once('#') {
            let flaw = self.flaw("hash-form", "`#` does not pick a weekday of the month here");
            let weekday = index_of(&WEEKDAYS, day).and_then(|day| WEEKDAYS.get(day as usize));
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
                rest.is_empty()
                    || read_number(rest).is_some()
                    || index_of(&WEEKDAYS, rest).is_some()
            })
        };
        if before("w").is_some() || item == "lw" {
            return Some(
                self.flaw(
                    "nearest-weekday",
                    "`W` does not pick the nearest working day here",
                )
                .help(
                    "there is no such form here: choose days, as `15`, or weekdays, as `mon-fri`",
                ),
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

    /// Ranges and steps with one side missing, and blanks inside the item.
    pub(super) fn half(&self) -> Option<Flaw> {
        let item = self.text;
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
}
