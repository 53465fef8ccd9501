//! Weekdays as cron and systemd write them, as sets, and how a set is written here.

use super::super::fault::Field;
use super::super::field;
use super::super::vocabulary::{WEEKDAYS, index_of, read_number};

/// A set of weekdays. Bit 0 is Monday.
pub(super) type Weekdays = u8;

pub(super) const EVERY_DAY: Weekdays = 0b111_1111;

/// What `schedule_day_of_week` means by a text. `None`: it refuses the text.
pub(super) fn here(text: &str) -> Option<Weekdays> {
    let items = field::parse(Field::DayOfWeek, text).ok()?;
    u8::try_from(field::set(&items)).ok()
}

/// What cron means by a text: 0 and 7 are Sunday, and a `*` begins there. `None`: programs with the syntax of cron do not
/// agree on it, or refuse it.
pub(super) fn of_cron(text: &str) -> Option<Weekdays> {
    let mut set = 0;
    for item in text.split(',') {
        let item = item.trim();
        let (days, step) = match item.split_once('/') {
            Some((days, step)) => (days, read_number(step).filter(|step| *step > 0)?),
            None => (item, 1),
        };
        let (first, last) = match (days, days.split_once('-')) {
            ("*", _) => (0, 7),
            (_, Some((first, last))) => (cron_number(first)?, cron_number(last)?),
            // `5/2` is one day for some, and all from there for others.
            _ if step > 1 => return None,
            _ => (cron_number(days)?, cron_number(days)?),
        };
        // A range that ends before it begins goes on in the next week: `fri-mon`, `sat-sun`.
        let last = if last < first { last + 7 } else { last };
        for day in (first..=last).step_by(step as usize) {
            set |= 1 << ((day + 6) % 7);
        }
    }
    Some(set)
}

/// 0 to 7, with 0 and 7 for Sunday.
fn cron_number(day: &str) -> Option<u32> {
    read_number(day)
        .or_else(|| index_of(&WEEKDAYS, day).map(|place| (place + 1) % 7))
        .filter(|number| *number <= 7)
}

/// What systemd means by a text: `mon`, `Mon..Fri`, `Monday,Thu`. `None`: these are not weekdays.
pub(super) fn of_systemd(text: &str) -> Option<Weekdays> {
    let mut set = 0;
    for item in text.trim_end_matches(',').split(',') {
        let ends = item.split_once("..").or_else(|| item.split_once('-'));
        let (first, last) = ends.unwrap_or((item, item));
        let (first, last) = (named(first)?, named(last)?);
        let last = if last < first { last + 7 } else { last };
        for day in first..=last {
            set |= 1 << (day % 7);
        }
    }
    Some(set)
}

/// The number of a weekday whose name is written out or has three letters.
fn named(name: &str) -> Option<u32> {
    const ENDINGS: [&str; 7] = ["day", "sday", "nesday", "rsday", "day", "urday", "day"];
    let lower = name.to_ascii_lowercase();
    (0..)
        .zip(WEEKDAYS.iter().zip(ENDINGS))
        .find(|(_, (short, ending))| {
            let rest = lower.strip_prefix(**short);
            rest.is_some_and(|rest| rest.is_empty() || rest == *ending)
        })
        .map(|(number, _)| number)
}

/// A set in the words of `schedule_day_of_week` and `schedule_day`: `mon-fri`, `tue,sat`. Every day is `*`.
pub(super) fn written(set: Weekdays) -> String {
    if set == EVERY_DAY {
        return "*".to_owned();
    }
    let has = |day: usize| day < WEEKDAYS.len() && set & 1 << day != 0;
    let mut items: Vec<String> = Vec::new();
    let mut day = 0;
    while day < WEEKDAYS.len() {
        let first = day;
        while has(day) {
            day += 1;
        }
        match &WEEKDAYS[first..day] {
            [] => day += 1,
            [first, _, .., last] => items.push(format!("{first}-{last}")),
            single => items.extend(single.iter().map(|name| (*name).to_owned())),
        }
    }
    items.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_of_cron_begin_on_sunday() {
        for (text, names) in [
            ("1-5", "mon-fri"),
            ("0", "sun"),
            ("7", "sun"),
            ("0-7", "*"),
            ("1-7", "*"),
            ("0-6", "*"),
            ("*/2", "tue,thu,sat,sun"),
            ("1-5/2", "mon,wed,fri"),
            ("0-3,7", "mon-wed,sun"),
            ("sun-tue", "mon,tue,sun"),
            ("Fri-Sun", "fri-sun"),
            ("6-7", "sat,sun"),
            ("*", "*"),
        ] {
            assert_eq!(of_cron(text).map(written).as_deref(), Some(names), "{text}");
        }
        for text in ["5/2", "8", "mond", "", "1-", "*/0", "mon#2", "5L"] {
            assert_eq!(of_cron(text), None, "{text}");
        }
    }

    #[test]
    fn weekdays_of_systemd_have_names() {
        for (text, names) in [
            ("Mon..Fri", "mon-fri"),
            ("mon-fri", "mon-fri"),
            ("Monday..Thursday,Sat", "mon-thu,sat"),
            ("Sat,Sun", "sat,sun"),
            ("wednesday", "wed"),
        ] {
            assert_eq!(
                of_systemd(text).map(written).as_deref(),
                Some(names),
                "{text}"
            );
        }
        for text in ["1..5", "", "monrsday", "mon/2"] {
            assert_eq!(of_systemd(text), None, "{text}");
        }
    }
}
