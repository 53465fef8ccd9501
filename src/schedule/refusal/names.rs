//! Refused items with names or ordinals: a long form, a wrong field, a wrong order.

use super::super::fault::{Field, Flaw, shorten};
use super::super::vocabulary::{MONTHS, ORDINALS, WEEKDAYS, index_of, read_number};
use super::item::RefusedItem;

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
/// Short forms with one or two letters too many, each with the right one.
const ODD_NAMES: [(&str, &str); 5] = [
    ("tues", "tue"),
    ("weds", "wed"),
    ("thur", "thu"),
    ("thurs", "thu"),
    ("sept", "sep"),
];
const ORDINAL_WORDS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

impl RefusedItem<'_> {
    /// Names that are written out. Only the forms of three letters are accepted.
    pub(super) fn long_name(&self) -> Option<Flaw> {
        let mut corrected = String::new();
        let mut first = None;
        let mut start = 0;
        for piece in self.text.split_inclusive(is_separator) {
            let word = piece.trim_end_matches(is_separator);
            let short = short_name(word);
            if let Some(short) = short {
                first.get_or_insert((start, word, short));
            }
            corrected.push_str(short.unwrap_or(word));
            corrected.push_str(&piece[word.len()..]);
            start += piece.len();
        }
        let (start, word, short) = first?;
        let takes = match self.field {
            Field::Month => is_one_of(&MONTHS, short),
            Field::Day | Field::DayOfWeek => is_one_of(&WEEKDAYS, short),
            _ => false,
        };
        let at = self.at + start;
        takes.then(|| {
            Flaw::new(
                "long-name",
                format!("names have three letters: `{short}`, not `{word}`"),
            )
            .at(at..at + word.len())
            .help(format!("write `{corrected}`"))
        })
    }

    /// Known names and ordinals in the wrong field or in the wrong order.
    pub(super) fn words(&self) -> Option<Flaw> {
        let item = self.text;
        let first_word = item.split(is_separator).find(|word| !word.is_empty())?;
        let is_name = |word: &str| is_one_of(&WEEKDAYS, word) || is_one_of(&MONTHS, word);
        let month = is_one_of(&MONTHS, first_word);
        let takes = match self.field {
            Field::Month => month,
            Field::Day | Field::DayOfWeek => !month,
            _ => false,
        };
        let ordinal = is_one_of(&ORDINALS, first_word)
            || is_one_of(&ORDINAL_WORDS, first_word)
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
        if ordinal && first_word == item && item != "last" {
            let number: String = item.chars().take_while(char::is_ascii_digit).collect();
            let flaw = self.flaw("lone-ordinal", format!("`{item}` has no weekday"));
            return Some(if number.is_empty() {
                flaw.help("add a weekday, as `1st mon`")
            } else {
                flaw.help(format!(
                    "write `{number}` for the day with this number, or add a weekday, as `1st mon`"
                ))
            });
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
                _ => flaw.help("write numbers instead of the names, or a list of names"),
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

    /// An ordinal without one weekday's name after it.
    fn ordinal(&self, word: &str, rest: &str) -> Flaw {
        if let Some(place) = index_of(&ORDINAL_WORDS, word)
            && let Some(short) = ORDINALS.get(place as usize)
        {
            return self
                .flaw("bad-ordinal", format!("`{word}` is written `{short}`"))
                .help(format!("write `{short} {rest}`"));
        }
        if is_bad_ordinal(word) {
            return self
                .flaw("bad-ordinal", format!("a month has no `{word}` weekday"))
                .help("choose `1st`, `2nd`, `3rd`, `4th`, `5th` or `last`");
        }
        let name = rest.split(['-', '/']).next().unwrap_or(rest);
        if is_one_of(&WEEKDAYS, name) && rest.len() > name.len() {
            return self
                .flaw(
                    "ordinal-range",
                    format!("`{word}` takes one weekday, not `{rest}`"),
                )
                .help(format!(
                    "write one item for each weekday, as `{word} mon, {word} tue`"
                ));
        }
        if word == "last" && rest == "day" {
            return self
                .flaw("unknown-name", "the last day is just `last`")
                .help("write `last`");
        }
        if read_number(rest).is_some() {
            return self
                .flaw(
                    "ordinal-number",
                    format!("`{word}` takes a weekday's name, not a number"),
                )
                .help(format!("write the name, as `{word} fri`"));
        }
        let shown = shorten(rest);
        self.flaw("unknown-name", format!("`{shown}` is not a weekday"))
            .help(nearest(rest, &WEEKDAYS).map_or_else(
                || format!("write a name of three letters, as `{word} fri`"),
                |name| format!("did you mean `{word} {name}`?"),
            ))
    }

    /// A range of names as a range of this field's numbers; `None` if the names do not ascend.
    fn numbers(&self, names: &str) -> Option<String> {
        let number = |name: &str| match self.field {
            Field::Month => index_of(&MONTHS, name).map(|place| place + 1),
            _ => index_of(&WEEKDAYS, name),
        };
        let (first, last) = names.split_once('-').unwrap_or((names, names));
        let (first, last) = (number(first)?, number(last)?);
        (first < last).then(|| format!("{first}-{last}"))
    }

    /// Where numbers of weekdays belong, if this field does not take them.
    fn home_of_numbers(&self) -> &'static str {
        if self.field == Field::Day {
            " in schedule_day_of_week"
        } else {
            ""
        }
    }
}

/// An item with the forms of three letters in place of longer names.
pub(super) fn short_names(item: &str) -> String {
    let pieces = item.split_inclusive(is_separator).map(|piece| {
        let word = piece.trim_end_matches(is_separator);
        let short = short_name(word).unwrap_or(word);
        format!("{short}{}", &piece[word.len()..])
    });
    pieces.collect()
}

fn is_separator(character: char) -> bool {
    !character.is_ascii_alphanumeric()
}

/// The three-letter form of a longer name.
fn short_name(word: &str) -> Option<&'static str> {
    if is_one_of(&MONTHS, word) {
        return None;
    }
    let long = |long: &[&str], short: &'static [&'static str]| {
        index_of(long, word).and_then(|place| short.get(place as usize).copied())
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

fn is_one_of(words: &[&str], word: &str) -> bool {
    index_of(words, word).is_some()
}

/// Whether a word is a number with the ending of an ordinal, but not an accepted ordinal: `6th`, `0th`, `2th`.
fn is_bad_ordinal(word: &str) -> bool {
    ["st", "nd", "rd", "th"]
        .iter()
        .filter_map(|ending| word.strip_suffix(ending))
        .any(|number| read_number(number).is_some())
        && !is_one_of(&ORDINALS, word)
}

/// The name that differs from `word` by one typing error.
pub(super) fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    if word.len() > 8 {
        return None;
    }
    names
        .iter()
        .copied()
        .find(|name| strsim::damerau_levenshtein(word, name) == 1)
}
