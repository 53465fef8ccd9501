//! Why an item of a calendar field is refused, and what to write instead.
//!
//! Nothing here decides what is accepted: an item gets here because it is not. Each habit that people bring from cron,
//! Quartz or APScheduler has its own answer.

use std::ops::Range;

use super::fault::{Field, Flaw};
use super::field::{MONTHS, ORDINALS, WEEKDAYS, limits, place, read_number};

const LONG_WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
const LONG_MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Short forms that are one or two letters too long.
const ODD_NAMES: [(&str, &str); 5] = [
    ("tues", "tue"),
    ("weds", "wed"),
    ("thur", "thu"),
    ("thurs", "thu"),
    ("sept", "sep"),
];
const ORDINAL_WORDS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// Longer items are not looked into.
const LONGEST: usize = 80;

/// What a field takes, for the place beside the caret.
fn expected(field: Field) -> String {
    let (lowest, highest) = limits(field);
    match field {
        Field::Month => "1 to 12, or jan to dec".to_owned(),
        Field::Day => {
            "1 to 31, last, a weekday (mon to sun), or 1st to 5th or last before one".to_owned()
        }
        Field::DayOfWeek => "0 (Monday) to 6 (Sunday), or mon to sun".to_owned(),
        _ => format!("{lowest} to {highest}"),
    }
}

/// A number that its field does not have.
pub(super) fn out_of_range(field: Field, place: Range<usize>, written: &str) -> Flaw {
    let (lowest, highest) = limits(field);
    let shown: String = written.chars().take(20).collect();
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
struct Refused<'a> {
    field: Field,
    /// In lower case.
    item: &'a str,
    at: usize,
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
    fn flaw(&self, code: &'static str, message: impl Into<String>) -> Flaw {
        Flaw::new(code, message).at(self.at..self.at + self.item.len())
    }

    fn shown(&self) -> String {
        let mut shown: String = self.item.chars().take(40).collect();
        if shown.len() < self.item.len() {
            shown.push('…');
        }
        shown
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

    /// Names written out, where the short form would do.
    fn long_name(&self) -> Option<Flaw> {
        let mut mended = String::new();
        let mut first = None;
        let mut start = 0;
        for piece in self.item.split_inclusive(is_no_word) {
            let word = piece.trim_end_matches(is_no_word);
            let short = short_name(word);
            if let Some(short) = short {
                first.get_or_insert((start, word, short));
            }
            mended.push_str(short.unwrap_or(word));
            mended.push_str(&piece[word.len()..]);
            start += piece.len();
        }
        let (start, word, short) = first?;
        let takes = match self.field {
            Field::Month => place_of(&MONTHS, short),
            Field::Day | Field::DayOfWeek => place_of(&WEEKDAYS, short),
            _ => false,
        };
        let at = self.at + start;
        takes.then(|| {
            Flaw::new(
                "long-name",
                format!("names have three letters: `{short}`, not `{word}`"),
            )
            .at(at..at + word.len())
            .help(format!("write `{mended}`"))
        })
    }

    /// Names and ordinals that are known, in a place or an order that is not.
    fn words(&self) -> Option<Flaw> {
        let item = self.item;
        let first_word = item.split(is_no_word).find(|word| !word.is_empty())?;
        let is_name = |word: &str| place_of(&WEEKDAYS, word) || place_of(&MONTHS, word);
        let month = place_of(&MONTHS, first_word);
        let takes = match self.field {
            Field::Month => month,
            Field::Day | Field::DayOfWeek => !month,
            _ => false,
        };
        let ordinal = place_of(&ORDINALS, first_word)
            || place_of(&ORDINAL_WORDS, first_word)
            || is_bad_ordinal(first_word)
            || first_word == "last";
        if is_name(first_word) && !takes {
            let (what, home) = if month {
                ("a month", "schedule_month")
            } else {
                ("a weekday", "schedule_day_of_week (or schedule_day)")
            };
            return Some(
                self.flaw(
                    "misplaced-name",
                    format!(
                        "`{first_word}` is {what}, which {} does not take",
                        self.field
                    ),
                )
                .help(format!("names of this kind belong in {home}")),
            );
        }
        if ordinal && self.field != Field::Day {
            if first_word.chars().all(|c| c.is_ascii_alphanumeric())
                && item.len() > first_word.len()
                || first_word == "last"
            {
                return Some(
                    self.flaw(
                        "misplaced-ordinal",
                        format!("{} does not take `{}`", self.field, self.shown()),
                    )
                    .help("a place in the month, as `2nd fri` or `last`, belongs in schedule_day"),
                );
            }
            return None;
        }
        if ordinal && let Some((word, rest)) = item.split_once(' ') {
            return Some(self.ordinal(word, rest.trim()));
        }
        if !is_name(first_word) {
            return None;
        }
        if let Some((names, step)) = item.split_once('/') {
            let flaw = self.flaw("named-step", "names take no step");
            return Some(match (self.numbers(names), read_number(step)) {
                (Some(numbers), Some(step)) => flaw.help(format!(
                    "write `{numbers}/{step}`{}",
                    self.home_of_numbers()
                )),
                _ => flaw.help("write numbers for the names, or a list of names"),
            });
        }
        let (first, last) = item.split_once('-')?;
        if !is_name(first) || last.is_empty() {
            return None;
        }
        if read_number(last).is_some() {
            return Some(
                self.flaw(
                    "mixed-range",
                    "a range has two names or two numbers, not one of each",
                )
                .help("write both ends in the same way"),
            );
        }
        None
    }

    /// An ordinal that is not followed by one weekday's name.
    fn ordinal(&self, word: &str, rest: &str) -> Flaw {
        if let Some(place) = place(&ORDINAL_WORDS, word)
            && let Some(short) = ORDINALS.get(place as usize)
        {
            return self
                .flaw("bad-ordinal", format!("`{word}` is written `{short}`"))
                .help(format!("write `{short} {rest}`"));
        }
        if is_bad_ordinal(word) {
            return self
                .flaw(
                    "bad-ordinal",
                    format!("a month has no `{word}` weekday to pick"),
                )
                .help("choose `1st`, `2nd`, `3rd`, `4th`, `5th` or `last`");
        }
        let name = rest.split(['-', '/']).next().unwrap_or(rest);
        if place_of(&WEEKDAYS, name) && rest.len() > name.len() {
            return self
                .flaw(
                    "ordinal-range",
                    format!("`{word}` takes one weekday, not `{rest}`"),
                )
                .help(format!(
                    "write one item for each weekday, as `{word} mon, {word} tue`"
                ));
        }
        if read_number(rest).is_some() {
            return self
                .flaw(
                    "ordinal-number",
                    format!("`{word}` takes a weekday's name, not a number"),
                )
                .help(format!("write the name, as `{word} fri`"));
        }
        let shown: String = rest.chars().take(20).collect();
        self.flaw("unknown-name", format!("`{shown}` is not a weekday"))
            .help(nearest(rest, &WEEKDAYS).map_or_else(
                || format!("write a name of three letters, as `{word} fri`"),
                |name| format!("did you mean `{word} {name}`?"),
            ))
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
        let shown: String = extra.chars().take(20).collect();
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

    /// A name or a range of names as numbers of this field's.
    fn numbers(&self, names: &str) -> Option<String> {
        let number = |name: &str| match self.field {
            Field::Month => place(&MONTHS, name).map(|place| place + 1),
            _ => place(&WEEKDAYS, name),
        };
        let (first, last) = names.split_once('-').unwrap_or((names, names));
        let (first, last) = (number(first)?, number(last)?);
        (first < last).then(|| format!("{first}-{last}"))
    }

    /// Where numbers of weekdays go, if not here.
    fn home_of_numbers(&self) -> &'static str {
        if self.field == Field::Day {
            " in schedule_day_of_week"
        } else {
            ""
        }
    }
}

fn is_no_word(character: char) -> bool {
    !character.is_ascii_alphanumeric()
}

/// The short form of a name that is too long.
fn short_name(word: &str) -> Option<&'static str> {
    if place_of(&MONTHS, word) {
        return None;
    }
    let long = |long: &[&str], short: &'static [&'static str]| {
        place(long, word).and_then(|place| short.get(place as usize).copied())
    };
    long(&LONG_WEEKDAYS, &WEEKDAYS)
        .or_else(|| long(&LONG_MONTHS, &MONTHS))
        .or_else(|| {
            ODD_NAMES
                .iter()
                .find(|(odd, _)| *odd == word)
                .map(|(_, short)| *short)
        })
}

fn place_of(words: &[&str], word: &str) -> bool {
    place(words, word).is_some()
}

/// Whether a word is a number with an ordinal's ending that is not one of ours: `6th`, `0th`, `2th`.
fn is_bad_ordinal(word: &str) -> bool {
    ["st", "nd", "rd", "th"]
        .iter()
        .filter_map(|ending| word.strip_suffix(ending))
        .any(|number| read_number(number).is_some())
        && !place_of(&ORDINALS, word)
}

/// The name that is one slip away.
fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    if word.len() > 8 {
        return None;
    }
    names
        .iter()
        .copied()
        .find(|name| strsim::damerau_levenshtein(word, name) == 1)
}
