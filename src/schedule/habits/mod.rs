//! Times as other programs write them, in the words of a schedule: cron's fields and nicknames, calendar events of systemd,
//! spans, times of day. They are never accepted, because the same text can mean another time there. They are only
//! translated for a message.

use super::Schedule;
use super::fault::{Field, shorten};
use super::moment::Moment;
use super::parse::RawSchedule;

mod calendar;
mod cron;
mod span;
mod weekdays;
mod when;

/// What to write for a time that cannot be translated.
pub const EXAMPLE: &str = "`\"schedule_hour\": \"3\", \"schedule_minute\": \"25\"` for 03:25 every day, or \
                           `\"schedule_interval\": \"6 hours\"`";

/// The fields that mean the same as the text, for example `schedule_hour` `3`. `None`: the text is not one of these forms,
/// or there is no schedule that means the same.
pub fn translated(text: &str) -> Option<Vec<(Field, String)>> {
    let text = text.trim();
    let fields = match text.strip_prefix('@') {
        Some(nickname) => nickname_fields(nickname)?,
        None => systemd_word(text)
            .or_else(|| one_field(Field::Interval, span::interval(text)))
            .or_else(|| one_field(Field::Date, date(text)))
            .or_else(|| calendar::clock_fields(text))
            .or_else(|| calendar::systemd_fields(text))
            .or_else(|| cron::fields(text))?,
    };
    let mut raw = RawSchedule::default();
    for (field, value) in &fields {
        *raw.slot(*field) = Some(value);
    }
    Schedule::parse(&raw).ok().map(|_| fields)
}

/// Why a time of another program has no translation, where that is known; a clause.
fn untranslatable(text: &str) -> Option<&'static str> {
    let lower = text.trim().to_ascii_lowercase();
    if matches!(lower.as_str(), "@reboot" | "reboot" | "@boot" | "onboot") {
        return Some("no schedule runs a job when the host starts");
    }
    let is_hash = |field: &str| field == "h" || field.starts_with("h/") || field.starts_with("h(");
    lower
        .split_whitespace()
        .any(is_hash)
        .then_some("`H` of Jenkins has no counterpart; `schedule_jitter` spreads jobs")
}

/// The two meanings of weekdays by number: here, and for cron where it has one. In names. `None`: both are the same.
pub fn numbered_weekdays(text: &str) -> Option<(String, Option<String>)> {
    let here = weekdays::here(text)?;
    let cron = weekdays::of_cron(text);
    (cron != Some(here)).then(|| (weekdays::written(here), cron.map(weekdays::written)))
}

fn one_field(field: Field, value: Option<String>) -> Option<Vec<(Field, String)>> {
    Some(vec![(field, value?)])
}

/// A moment, as `2026-11-01 05:00`.
fn date(text: &str) -> Option<String> {
    let text = text.replacen(' ', "T", 1);
    Moment::parse(&text).ok().map(|_| text)
}

/// `@daily` of cron, and `@every 6h` of programs that are written in Go.
fn nickname_fields(nickname: &str) -> Option<Vec<(Field, String)>> {
    let lower = nickname.to_ascii_lowercase();
    let weekly = [(Field::DayOfWeek, "sun"), (Field::Hour, "0")];
    match lower.as_str() {
        // Cron's week begins on Sunday, and that of systemd on Monday.
        "weekly" => Some(owned(&weekly)),
        "hourly" | "daily" | "midnight" | "monthly" | "yearly" | "annually" => systemd_word(&lower),
        _ if lower.starts_with("every ") => one_field(Field::Interval, span::interval(nickname)),
        _ => None,
    }
}

/// The words that systemd has for calendar events.
fn systemd_word(word: &str) -> Option<Vec<(Field, String)>> {
    let day = |month: &'static str| [(Field::Month, month), (Field::Day, "1"), (Field::Hour, "0")];
    Some(match word.to_ascii_lowercase().as_str() {
        "minutely" => owned(&[(Field::Second, "0")]),
        "hourly" => owned(&[(Field::Minute, "0")]),
        "daily" | "midnight" => owned(&[(Field::Hour, "0")]),
        "weekly" => owned(&[(Field::DayOfWeek, "mon"), (Field::Hour, "0")]),
        "monthly" => owned(&[(Field::Day, "1"), (Field::Hour, "0")]),
        "quarterly" => owned(&day("1,4,7,10")),
        "semiannually" => owned(&day("1,7")),
        "yearly" | "annually" => owned(&day("1")),
        _ => return None,
    })
}

fn owned(fields: &[(Field, &str)]) -> Vec<(Field, String)> {
    let fields = fields.iter();
    fields
        .map(|(field, text)| (*field, (*text).to_owned()))
        .collect()
}

/// The keys that mean the same as a time in the language of another program, as members of a JSON object.
pub fn as_members(text: &str) -> Option<String> {
    let fields = translated(text)?;
    let fields: Vec<String> = fields
        .iter()
        .map(|(field, text)| format!("\"{}\": \"{text}\"", field.key()))
        .collect();
    Some(fields.join(", "))
}

/// How to write a time of another program in the keys of a schedule; a clause.
pub fn in_keys(text: &str) -> String {
    if let Some(fields) = as_members(text) {
        return format!("write `{fields}`");
    }
    let why = match untranslatable(text) {
        Some(why) => why.to_owned(),
        None => format!("nothing is known that means `{}`", shorten(text)),
    };
    format!("{why}; write the time, for example {EXAMPLE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let fields = translated(text).unwrap_or_default();
        let fields = fields
            .iter()
            .map(|(field, text)| format!("{}={text}", field.key().trim_start_matches("schedule_")));
        fields.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn times_as_cron_and_people_write_them_are_translated() {
        for (text, expected) in [
            ("0 3 * * *", "hour=3 minute=0"),
            ("25 3 * * 1-5", "day_of_week=mon-fri hour=3 minute=25"),
            ("*/15 * * * *", "minute=*/15"),
            ("* 3 * * *", "hour=3 minute=*"),
            ("0 4 1 jan *", "month=jan day=1 hour=4 minute=0"),
            ("0 4 * * 0", "day_of_week=sun hour=4 minute=0"),
            ("0 4 * * 0-7", "hour=4 minute=0"),
            ("0 4 * * 1-7", "hour=4 minute=0"),
            ("0 4 * * */2", "day_of_week=tue,thu,sat,sun hour=4 minute=0"),
            ("0 4 * * 1-5/2", "day_of_week=mon,wed,fri hour=4 minute=0"),
            ("0 4 * * sun-tue", "day_of_week=mon,tue,sun hour=4 minute=0"),
            ("0 4 ? * 0-3,7", "day_of_week=mon-wed,sun hour=4 minute=0"),
            // For cron, a day of the month or a weekday is enough, unless one of them begins with a star.
            ("30 2 13 * 5", "day=13,fri hour=2 minute=30"),
            ("30 2 */2 * 5", "day=*/2 day_of_week=fri hour=2 minute=30"),
            ("30 2 13 * 0-7", "hour=2 minute=30"),
            ("0 0 4 * * *", "hour=4 minute=0"),
            (
                "30 0 4 ? * mon-fri",
                "day_of_week=mon-fri hour=4 minute=0 second=30",
            ),
            ("@daily", "hour=0"),
            ("@Weekly", "day_of_week=sun hour=0"),
            ("@hourly", "minute=0"),
            ("@every 6h", "interval=6 hours"),
            ("daily", "hour=0"),
            ("weekly", "day_of_week=mon hour=0"),
            ("quarterly", "month=1,4,7,10 day=1 hour=0"),
            ("6h", "interval=6 hours"),
            ("1h30m", "interval=90 minutes"),
            ("every day", "interval=1 day"),
            ("03:25", "hour=3 minute=25"),
            ("3:25:30", "hour=3 minute=25 second=30"),
            ("12am", "hour=0 minute=0"),
            ("3:25 pm", "hour=15 minute=25"),
            ("*-*-* 03:25:00", "hour=3 minute=25"),
            ("Mon..Fri 05:00", "day_of_week=mon-fri hour=5 minute=0"),
            (
                "Mon,Thursday *-*-* 05:00:10",
                "day_of_week=mon,thu hour=5 minute=0 second=10",
            ),
            ("*-*-01..07 4:00", "day=1-7 hour=4 minute=0"),
            ("*-01,07-01", "month=1,7 day=1 hour=0 minute=0"),
            ("*:0/15", "minute=0/15"),
            ("*-*-* *:*:00", "minute=*"),
            ("2026-11-01 05:00", "date=2026-11-01T05:00"),
            // Programs do not agree, or nothing means the same.
            ("0 0 4 * * 1", ""),
            ("0/15 * * * *", ""),
            ("0 4 * * 5/2", ""),
            ("H 4 * * *", ""),
            ("0 4 L * *", ""),
            ("0 4 * * root", ""),
            ("@reboot", ""),
            ("@every", ""),
            ("1M", ""),
            ("0h", ""),
            ("25:61", ""),
            ("13pm", ""),
            ("0 3 * *", ""),
            ("61 3 * * *", ""),
            ("*-*~03 4:00", ""),
            ("Mon 05:00 Europe/Berlin", ""),
            ("3", ""),
            ("mon-fri", ""),
            ("", ""),
            (":", ""),
            ("-", ""),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }

    #[test]
    fn weekdays_by_number_have_two_meanings_unless_both_are_the_same() {
        let both = |here: &str, cron: &str| Some((here.to_owned(), Some(cron.to_owned())));
        assert_eq!(numbered_weekdays("1-5"), both("tue-sat", "mon-fri"));
        assert_eq!(numbered_weekdays("0,6"), both("mon,sun", "sat,sun"));
        assert_eq!(
            numbered_weekdays("0-4/2"),
            both("mon,wed,fri", "tue,thu,sun")
        );
        assert_eq!(
            numbered_weekdays("*/2"),
            both("mon,wed,fri,sun", "tue,thu,sat,sun")
        );
        assert_eq!(numbered_weekdays("4/2"), Some(("fri,sun".to_owned(), None)));
        for same in ["mon-fri", "0-6", "*", "sat-sun", "9"] {
            assert_eq!(numbered_weekdays(same), None, "{same}");
        }
    }
}
