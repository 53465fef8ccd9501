//! Describing a schedule in words, as `every day at 03:25`.

use std::fmt::Write;

use super::calendar::Calendar;
use super::clock::Clock;
use super::days::{ALL_WEEKDAYS, ALL_WEEKS, Days, MonthDays, Set};
use super::fault::Field;
use super::interval::UNITS;
use super::{Rule, Schedule};

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const ORDINALS: [&str; 5] = ["1st", "2nd", "3rd", "4th", "5th"];

/// The most times of day that are listed. More of them become a pattern.
const MOST_TIMES: u64 = 6;

/// See [`Schedule::describe`].
pub(super) fn describe(schedule: &Schedule) -> String {
    let mut words = match &schedule.rule {
        Rule::None => "once, when it is first loaded".to_owned(),
        Rule::Date(date) => format!("once, at {date}"),
        Rule::Interval { step } => every(*step),
        Rule::Continuous => "again whenever a run has ended".to_owned(),
        Rule::Calendar(calendar) => self::calendar(calendar),
    };
    if !schedule.is_one_shot() {
        for (word, bound) in [("from", schedule.start), ("until", schedule.end)] {
            if let Some(bound) = bound {
                // Writing to a text cannot fail.
                let _ = write!(words, ", {word} {bound}");
            }
        }
    }
    if let Some(zone) = &schedule.zone {
        let _ = write!(words, " ({zone})");
    }
    words
}

/// An interval in its largest unit that gives a whole number.
fn every(step: u64) -> String {
    let unit = UNITS
        .iter()
        .find(|(_, seconds)| step.is_multiple_of(*seconds));
    match unit {
        Some((name, seconds)) if step == *seconds => format!("every {name}"),
        Some((name, seconds)) => format!("every {} {name}s", step / seconds),
        None => format!("every {step} seconds"),
    }
}

fn calendar(calendar: &Calendar) -> String {
    let days = days(&calendar.days, calendar);
    match (days, times(&calendar.clock)) {
        (days, Times::At(times)) => {
            format!("{} at {times}", days.as_deref().unwrap_or("every day"))
        }
        (Some(days), Times::Repeatedly(times)) => format!("{days}, {times}"),
        (None, Times::Repeatedly(times)) => times,
    }
}

/// Times of a day: a few that can be listed, or a pattern.
enum Times {
    At(String),
    Repeatedly(String),
}

fn times(clock: &Clock) -> Times {
    let no_seconds = clock.seconds == 1;
    if clock.count() <= MOST_TIMES {
        let mut times = Vec::new();
        for hour in members(clock.hours) {
            for minute in members(clock.minutes) {
                for second in members(clock.seconds) {
                    times.push(if no_seconds {
                        format!("{hour:02}:{minute:02}")
                    } else {
                        format!("{hour:02}:{minute:02}:{second:02}")
                    });
                }
            }
        }
        return Times::At(join(&times));
    }
    let on_the_hour = no_seconds && clock.minutes == 1;
    let units = [
        (clock.seconds, 60, "second"),
        (clock.minutes, 60, "minute"),
        (clock.hours, 24, "hour"),
    ];
    let said_by_the_larger = usize::from(no_seconds) + usize::from(on_the_hour);
    let mut words = String::new();
    let (mut even, mut begins_even) = (false, false);
    for (set, size, unit) in units.into_iter().skip(said_by_the_larger) {
        // "Every 15 minutes" means the same as "every 15 minutes of every hour".
        if even && set.count_ones() == size {
            continue;
        }
        let step = even_step(set, size);
        if words.is_empty() {
            begins_even = step.is_some();
        } else {
            words.push_str(if even { " in " } else { " of " });
        }
        even = step.is_some();
        words.push_str(&match step {
            Some(1) => format!("every {unit}"),
            Some(step) => format!("every {step} {unit}s"),
            None => members_in_words(set, unit),
        });
    }
    if !begins_even {
        words.insert_str(0, if on_the_hour { "at the full " } else { "at " });
    }
    Times::Repeatedly(words)
}

/// The step of a set that has every member below `size`, or from zero on every second, third, …
fn even_step(set: Set, size: u32) -> Option<u32> {
    let count = set.count_ones();
    let step = size / count.max(1);
    let even = count > 1
        && size.is_multiple_of(count)
        && members(set).eq((0..size).step_by(step as usize));
    even.then_some(step)
}

/// The members of a set: `minute 5`, `hours 8 to 17`.
fn members_in_words(set: Set, unit: &str) -> String {
    let plural = if set.count_ones() == 1 { "" } else { "s" };
    format!("{unit}{plural} {}", listed(set, |value| value.to_string()))
}

/// The days in words; `None` for every day.
fn days(days: &Days, calendar: &Calendar) -> Option<String> {
    let mut words = Vec::new();
    let weekdays = (days.weekdays != ALL_WEEKDAYS).then(|| listed(days.weekdays, weekday));
    let month_days = (days.month_days != MonthDays::every()).then(|| month_days(&days.month_days));
    match (month_days, weekdays) {
        (Some(month_days), Some(weekdays)) => {
            words.push(format!(
                "on {month_days} if it is a {}",
                weekdays.replace(" and ", " or ")
            ));
        }
        (Some(month_days), None) => words.push(format!("on {month_days}")),
        (None, Some(weekdays)) => words.push(format!("every {weekdays}")),
        (None, None) => {}
    }
    let names_days = !words.is_empty();
    if days.weeks != ALL_WEEKS {
        let plural = if days.weeks.count_ones() == 1 {
            ""
        } else {
            "s"
        };
        let weeks = listed(days.weeks, |week| week.to_string());
        words.push(format!("in week{plural} {weeks}"));
    }
    if days.months.count_ones() < 12 {
        words.push(format!("in {}", listed(days.months, month)));
    }
    let place = Field::CALENDAR
        .iter()
        .position(|field| *field == Field::Year);
    let year = place.and_then(|place| calendar.texts[place].as_deref());
    if let Some(year) = year.filter(|year| *year != "*") {
        words.push(format!("in {year}"));
    }
    if words.is_empty() {
        return None;
    }
    if !names_days {
        words.insert(0, "every day".to_owned());
    }
    Some(words.join(" "))
}

/// The items of a day list.
fn month_days(days: &MonthDays) -> String {
    let mut words: Vec<String> = Vec::new();
    if days.numbers != 0 {
        words.push(format!("the {}", listed(days.numbers, ordinal)));
    }
    for (weekday, ordinals) in WEEKDAYS.iter().zip(days.ordinals) {
        for place in members(u64::from(ordinals)) {
            let ordinal = ORDINALS
                .get((place as usize).wrapping_sub(1))
                .unwrap_or(&"");
            words.push(format!("the {ordinal} {weekday}"));
        }
    }
    if days.last {
        words.push("the last day".to_owned());
    }
    for place in members(days.last_weekdays) {
        words.push(format!("the last {}", weekday(place)));
    }
    if days.weekdays != 0 {
        words.push(format!("every {}", listed(days.weekdays, weekday)));
    }
    // Commas separate days of the same kind, so the kinds need another separator.
    words.join(" and ")
}

fn weekday(weekday: u32) -> String {
    WEEKDAYS
        .get(weekday as usize)
        .copied()
        .unwrap_or_default()
        .to_owned()
}

fn month(month: u32) -> String {
    let name = MONTHS.get((month as usize).wrapping_sub(1));
    name.copied().unwrap_or_default().to_owned()
}

fn ordinal(day: u32) -> String {
    let ending = match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    format!("{day}{ending}")
}

/// A set in words. Three or more values in a row become a range.
fn listed(set: Set, name: impl Fn(u32) -> String) -> String {
    let mut words = Vec::new();
    let mut first = None;
    for value in members(set) {
        let start = *first.get_or_insert(value);
        if set & 1 << (value + 1) != 0 {
            continue;
        }
        match value - start {
            0 => words.push(name(value)),
            1 => words.extend([name(start), name(value)]),
            _ => words.push(format!("{} to {}", name(start), name(value))),
        }
        first = None;
    }
    join(&words)
}

fn members(set: Set) -> impl Iterator<Item = u32> {
    (0..Set::BITS - 1).filter(move |value| set & 1 << value != 0)
}

/// `a`, `a and b`, `a, b and c`.
fn join(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
