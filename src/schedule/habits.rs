//! Times as other programs write them, in the words of a schedule: cron's five fields and nicknames, and times of day.
//! They are never accepted, because the same text can mean another time there. They are only translated for a message.

use super::Schedule;
use super::fault::Field;
use super::parse::RawSchedule;
use super::vocabulary::WEEKDAYS;

/// The fields that mean the same as the text, for example `schedule_hour` `3`. `None`: the text is not one of these forms,
/// or there is no calendar that means the same.
pub fn translated(text: &str) -> Option<Vec<(Field, String)>> {
    let text = text.trim();
    let fields = match text.strip_prefix('@') {
        Some(nickname) => nickname_fields(nickname)?,
        None => clock_fields(text).or_else(|| cron_fields(text))?,
    };
    let mut raw = RawSchedule::default();
    for (field, value) in &fields {
        *raw.slot(*field) = Some(value);
    }
    Schedule::parse(&raw).ok().map(|_| fields)
}

/// A list of weekdays by number, with names in place of the numbers. `None`: it has no number. Steps stay numbers.
pub fn named_weekdays(text: &str) -> Option<String> {
    renamed(text, |number| WEEKDAYS.get(number).copied())
}

/// The weekdays that cron means by the text, in names: there, 0 and 7 are Sunday. `None`: it has no number.
pub fn cron_weekdays(text: &str) -> Option<String> {
    let named = renamed(text, |number| {
        (number <= 7).then(|| WEEKDAYS[(number + 6) % 7])
    })?;
    // A week begins on Monday here, so a range that begins on Sunday becomes a list.
    let items = named.split(',').map(|item| match item.split_once('-') {
        Some(("sun", "sat")) => "*".to_owned(),
        Some(("sun", last)) if last != "sun" => format!("sun,mon-{last}"),
        _ => item.to_owned(),
    });
    Some(items.collect::<Vec<_>>().join(","))
}

fn renamed(text: &str, name: impl Fn(usize) -> Option<&'static str>) -> Option<String> {
    let mut found = false;
    let mut items = Vec::new();
    for item in text.split(',') {
        let (days, step) = match item.split_once('/') {
            Some((days, step)) => (days, Some(step)),
            None => (item, None),
        };
        let mut ends = Vec::new();
        for end in days.split('-') {
            let end = end.trim();
            ends.push(match end.parse::<usize>() {
                Ok(number) => {
                    found = true;
                    name(number)?.to_owned()
                }
                Err(_) => end.to_ascii_lowercase(),
            });
        }
        let days = ends.join("-");
        items.push(match step {
            Some(step) => format!("{days}/{step}"),
            None => days,
        });
    }
    found.then(|| items.join(","))
}

fn nickname_fields(nickname: &str) -> Option<Vec<(Field, String)>> {
    let fields: &[(Field, &str)] = match nickname.to_ascii_lowercase().as_str() {
        "hourly" => &[(Field::Minute, "0")],
        "daily" | "midnight" => &[(Field::Hour, "0")],
        "weekly" => &[(Field::DayOfWeek, "sun"), (Field::Hour, "0")],
        "monthly" => &[(Field::Day, "1"), (Field::Hour, "0")],
        "yearly" | "annually" => &[(Field::Month, "1"), (Field::Day, "1"), (Field::Hour, "0")],
        _ => return None,
    };
    let owned = fields
        .iter()
        .map(|(field, text)| (*field, (*text).to_owned()));
    Some(owned.collect())
}

/// A time of day: `3:25`, `03:25:00`, `3am`, `3:25 pm`, also after `*-*-*` as in a timer of systemd.
fn clock_fields(text: &str) -> Option<Vec<(Field, String)>> {
    let lower = text.to_ascii_lowercase();
    let time = lower.strip_prefix("*-*-*").unwrap_or(&lower).trim();
    let (time, half) = match (time.strip_suffix("am"), time.strip_suffix("pm")) {
        (Some(time), _) => (time.trim_end(), Some(0)),
        (_, Some(time)) => (time.trim_end(), Some(12)),
        (None, None) => (time, None),
    };
    let parts: Vec<u32> = time
        .split(':')
        .map(|part| {
            let digits =
                (1..=2).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        })
        .collect::<Option<_>>()?;
    let (hour, minute, second) = match (parts.as_slice(), half) {
        (&[hour], Some(_)) => (hour, 0, 0),
        (&[hour, minute], _) => (hour, minute, 0),
        (&[hour, minute, second], _) => (hour, minute, second),
        _ => return None,
    };
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(half) => hour % 12 + half,
        None => hour,
    };
    let mut fields = vec![
        (Field::Hour, hour.to_string()),
        (Field::Minute, minute.to_string()),
    ];
    if second > 0 {
        fields.push((Field::Second, second.to_string()));
    }
    Some(fields)
}

/// The five fields of cron. `None` also where a day of the month and a weekday are given: for cron, one of them is enough.
fn cron_fields(text: &str) -> Option<Vec<(Field, String)>> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = *parts.as_slice() else {
        return None;
    };
    if day != "*" && weekday != "*" {
        return None;
    }
    let weekday = cron_weekdays(weekday).unwrap_or_else(|| weekday.to_ascii_lowercase());
    let given = [
        (Field::Month, month.to_ascii_lowercase()),
        (Field::Day, day.to_owned()),
        (Field::DayOfWeek, weekday),
        (Field::Hour, hour.to_owned()),
    ];
    let mut fields: Vec<(Field, String)> =
        given.into_iter().filter(|(_, text)| text != "*").collect();
    fields.push((Field::Minute, minute.to_owned()));
    Some(fields)
}

/// The keys that mean the same as a time in the language of cron or of people, as members of a JSON object.
pub fn as_members(text: &str) -> Option<String> {
    let fields = translated(text)?;
    let fields: Vec<String> = fields
        .iter()
        .map(|(field, text)| format!("\"{}\": \"{text}\"", field.key()))
        .collect();
    Some(fields.join(", "))
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
            ("0 4 1 jan *", "month=jan day=1 hour=4 minute=0"),
            ("0 4 * * 0", "day_of_week=sun hour=4 minute=0"),
            (
                "0 4 * * 0-3,7",
                "day_of_week=sun,mon-wed,sun hour=4 minute=0",
            ),
            ("@daily", "hour=0"),
            ("@Weekly", "day_of_week=sun hour=0"),
            ("@hourly", "minute=0"),
            ("03:25", "hour=3 minute=25"),
            ("3:25:30", "hour=3 minute=25 second=30"),
            ("12am", "hour=0 minute=0"),
            ("3:25 pm", "hour=15 minute=25"),
            ("*-*-* 03:25:00", "hour=3 minute=25"),
            // Nothing means the same: for cron, a day of the month or a weekday is enough.
            ("0 4 1 * 1", ""),
            ("@reboot", ""),
            ("25:61", ""),
            ("13pm", ""),
            ("0 3 * *", ""),
            ("61 3 * * *", ""),
            ("3", ""),
            ("mon-fri", ""),
            ("", ""),
            (":", ""),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }

    #[test]
    fn weekdays_by_number_begin_on_monday_here_and_on_sunday_in_cron() {
        assert_eq!(named_weekdays("1-5").as_deref(), Some("tue-sat"));
        assert_eq!(cron_weekdays("1-5").as_deref(), Some("mon-fri"));
        assert_eq!(named_weekdays("0,6").as_deref(), Some("mon,sun"));
        assert_eq!(named_weekdays("0-4/2").as_deref(), Some("mon-fri/2"));
        assert_eq!(named_weekdays("mon-fri"), None);
        assert_eq!(named_weekdays("*/2"), None);
        assert_eq!(named_weekdays("9"), None);
    }
}
