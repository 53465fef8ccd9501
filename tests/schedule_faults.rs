//! What is refused in a schedule, and what each refusal says: one form, one message, and a mend where there is one.

use freezerd::schedule::Schedule;
use freezerd::schedule::fault::{Fault, Field};
use freezerd::schedule::interval::parse_duration;
use freezerd::schedule::parse::RawSchedule;

use Field::*;

fn parse(texts: &[(Field, &str)]) -> Result<Schedule, Vec<Fault>> {
    let mut raw = RawSchedule::default();
    for (field, text) in texts {
        *raw.slot(*field) = Some(text);
    }
    Schedule::parse(&raw)
}

/// Field, text, and the one fault's code, place, message and help.
type Refusal = (
    Field,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const REFUSALS: &[Refusal] = &[
    (Hour, "24", "out-of-range", "24", "24 is not between 0 and 23", "midnight is hour 0 of the next day"),
    (Hour, "22-3", "backward-range", "22-3", "the range runs backward: 22 comes after 3", "write `22-23,0-3`"),
    (Hour, "*/24", "wide-step", "24", "a step of 24 is wider than the range from 0 to 23", "only 0 would ever match: write `0`"),
    (Hour, "*/0", "zero-step", "0", "a step of 0 never reaches another value", "write `*` without a step, or a step of 1 or more"),
    (Hour, "5-9/5", "wide-step", "5", "a step of 5 is wider than the range from 5 to 9", "only 5 would ever match: write `5`"),
    (Hour, "5/19", "wide-step", "19", "a step of 19 is wider than the range from 5 to 23", "only 5 would ever match: write `5`"),
    (Hour, "1 - 5", "blank-in-item", "1 - 5", "`1 - 5` has a blank inside", "write `1-5`"),
    (Hour, "1,", "empty-item", ",", "an item of the list is empty", "remove the extra comma"),
    (Hour, ",1", "empty-item", ",", "an item of the list is empty", "remove the extra comma"),
    (Hour, "1,,2", "empty-item", ",", "an item of the list is empty", "remove the extra comma"),
    (Hour, "-1", "negative-number", "-1", "there are no negative values", ""),
    (Hour, "3.0", "not-whole", "3.0", "3.0 is not a whole number", "write `3`"),
    (Hour, "3.5", "not-whole", "3.5", "3.5 is not a whole number", ""),
    (Hour, "true", "not-a-number", "true", "`true` is not a value of this field", ""),
    (Hour, "?", "question-mark", "?", "`?` means nothing here", "leave the key out, or write `*`, for every value"),
    (Hour, "noon", "not-understood", "noon", "`noon` is not understood", ""),
    (Hour, "0x3", "not-understood", "0x3", "`0x3` is not understood", ""),
    (Hour, "mon", "misplaced-name", "mon", "`mon` is a weekday, which schedule_hour does not take", "names of this kind belong in schedule_day_of_week (or schedule_day)"),
    (Hour, "1 2", "blank-in-item", "1 2", "`1 2` has a blank inside", "separate items with commas"),
    (Hour, "23/1", "wide-step", "1", "a step of 1 is wider than the range from 23 to 23", "only 23 would ever match: write `23`"),
    (Hour, "３", "non-ascii-digit", "３", "`３` is not one of the digits 0 to 9", "type the number with the digits 0 to 9"),
    (Hour, "1–5", "foreign-dash", "–", "`–` is a dash that is not `-`", "a range is written with a plain `-`"),
    (Hour, "99999999999999999999", "out-of-range", "99999999999999999999", "99999999999999999999 is not between 0 and 23", ""),
    (Hour, "5-", "open-range", "5-", "the range has no end", "write the last value after the `-`, or leave the `-` out"),
    (Hour, "@daily", "cron-nickname", "@daily", "`@daily` is a nickname that only cron knows", "give each field its own value, as `schedule_hour` and `schedule_minute`"),
    (Hour, "jan", "misplaced-name", "jan", "`jan` is a month, which schedule_hour does not take", "names of this kind belong in schedule_month"),
    (Hour, "1-2-3", "too-many-signs", "1-2-3", "`1-2-3` has more than one range or step", "an item is one range with one step at most, as `1-9/2`; separate items with commas"),
    (Hour, "1/2/3", "too-many-signs", "1/2/3", "`1/2/3` has more than one range or step", "an item is one range with one step at most, as `1-9/2`; separate items with commas"),
    (Hour, "5x", "trailing-text", "x", "`x` after `5` means nothing", "write `5`, or separate items with commas"),
    (Hour, "3h", "trailing-text", "h", "`h` after `3` means nothing", "write `3`, or separate items with commas"),
    (Hour, "*5", "not-understood", "*5", "`*5` is not understood", ""),
    (Hour, "**", "not-understood", "**", "`**` is not understood", ""),
    (Hour, "-", "open-range", "-", "the range has no end", "write the last value after the `-`, or leave the `-` out"),
    (Hour, "/", "missing-step", "/", "the step after `/` is missing", "write a number after the `/`"),
    (Minute, "60", "out-of-range", "60", "60 is not between 0 and 59", "write `0`: 60 is the 0 of the next one"),
    (Minute, "*/60", "wide-step", "60", "a step of 60 is wider than the range from 0 to 59", "only 0 would ever match: write `0`"),
    (Minute, "5-", "open-range", "5-", "the range has no end", "write the last value after the `-`, or leave the `-` out"),
    (Minute, "*/", "missing-step", "*/", "the step after `/` is missing", "write a number after the `/`"),
    (Minute, "/5", "missing-range", "/5", "there is nothing before the `/`", "write `*/5`"),
    (Minute, "5;10", "wrong-separator", ";", "items are separated by commas", "write `5,10`"),
    (Second, "60", "out-of-range", "60", "60 is not between 0 and 59", "write `0`: 60 is the 0 of the next one"),
    (Second, "1-61", "out-of-range", "61", "61 is not between 0 and 59", ""),
    (Week, "0", "out-of-range", "0", "0 is not between 1 and 53", ""),
    (Week, "54", "out-of-range", "54", "54 is not between 1 and 53", ""),
    (Week, "mon", "misplaced-name", "mon", "`mon` is a weekday, which schedule_week does not take", "names of this kind belong in schedule_day_of_week (or schedule_day)"),
    (Year, "1969", "out-of-range", "1969", "1969 is not between 1970 and 9999", ""),
    (Year, "26", "out-of-range", "26", "26 is not between 1970 and 9999", "write the year with four digits"),
    (Year, "99999", "out-of-range", "99999", "99999 is not between 1970 and 9999", ""),
    (Year, "2030-2020", "backward-range", "2030-2020", "the range runs backward: 2030 comes after 2020", "write `2020-2030`"),
    (Month, "0", "out-of-range", "0", "0 is not between 1 and 12", ""),
    (Month, "13", "out-of-range", "13", "13 is not between 1 and 12", ""),
    (Month, "january", "long-name", "january", "names have three letters: `jan`, not `january`", "write `jan`"),
    (Month, "january-march", "long-name", "january", "names have three letters: `jan`, not `january`", "write `jan-mar`"),
    (Month, "foo", "not-understood", "foo", "`foo` is not understood", ""),
    (Month, "dec-jan", "backward-range", "dec-jan", "the range runs backward: dec comes after jan", "write `dec,jan`"),
    (Month, "nov-feb", "backward-range", "nov-feb", "the range runs backward: nov comes after feb", "write `nov-dec,jan-feb`"),
    (Month, "*/12", "wide-step", "12", "a step of 12 is wider than the range from 1 to 12", "only 1 would ever match: write `1`"),
    (Month, "jan-mar/2", "named-step", "jan-mar/2", "names take no step", "write `1-3/2`"),
    (Month, "feb!", "trailing-text", "!", "`!` after `feb` means nothing", "write `feb`, or separate items with commas"),
    (Month, "jan-3", "mixed-range", "jan-3", "a range has two names or two numbers, not one of each", "write both ends in the same way"),
    (Month, "mon", "misplaced-name", "mon", "`mon` is a weekday, which schedule_month does not take", "names of this kind belong in schedule_day_of_week (or schedule_day)"),
    (Month, "sept", "long-name", "sept", "names have three letters: `sep`, not `sept`", "write `sep`"),
    (Month, "jna", "not-understood", "jna", "`jna` is not understood", "did you mean `jan`?"),
    (Day, "0", "out-of-range", "0", "0 is not between 1 and 31", ""),
    (Day, "32", "out-of-range", "32", "32 is not between 1 and 31", "for the month's last day, write `last`"),
    (Day, "L", "letter-l", "L", "`L` does not mean the last one here", "in schedule_day, `last` is the month's last day and `last fri` its last Friday"),
    (Day, "L-3", "letter-l", "L-3", "`L` does not mean the last one here", "in schedule_day, `last` is the month's last day and `last fri` its last Friday"),
    (Day, "LW", "nearest-weekday", "LW", "`W` does not pick the nearest working day here", "there is no such form here: choose days, as `15`, or weekdays, as `mon-fri`"),
    (Day, "15W", "nearest-weekday", "15W", "`W` does not pick the nearest working day here", "there is no such form here: choose days, as `15`, or weekdays, as `mon-fri`"),
    (Day, "6th mon", "bad-ordinal", "6th mon", "a month has no `6th` weekday", "choose `1st`, `2nd`, `3rd`, `4th`, `5th` or `last`"),
    (Day, "0th mon", "bad-ordinal", "0th mon", "a month has no `0th` weekday", "choose `1st`, `2nd`, `3rd`, `4th`, `5th` or `last`"),
    (Day, "1st monday", "long-name", "monday", "names have three letters: `mon`, not `monday`", "write `1st mon`"),
    (Day, "last friday", "long-name", "friday", "names have three letters: `fri`, not `friday`", "write `last fri`"),
    (Day, "2nd 4", "ordinal-number", "2nd 4", "`2nd` takes a weekday's name, not a number", "write the name, as `2nd fri`"),
    (Day, "*/31", "wide-step", "31", "a step of 31 is wider than the range from 1 to 31", "only 1 would ever match: write `1`"),
    (Day, "first mon", "bad-ordinal", "first mon", "`first` is written `1st`", "write `1st mon`"),
    (Day, "lastfoo", "trailing-text", "foo", "`foo` after `last` means nothing", "write `last`, or separate items with commas"),
    (Day, "last.", "trailing-text", ".", "`.` after `last` means nothing", "write `last`, or separate items with commas"),
    (Day, "last 1", "ordinal-number", "last 1", "`last` takes a weekday's name, not a number", "write the name, as `last fri`"),
    (Day, "1st mon-fri", "ordinal-range", "1st mon-fri", "`1st` takes one weekday, not `mon-fri`", "write one item for each weekday, as `1st mon, 1st tue`"),
    (Day, "2nd", "lone-ordinal", "2nd", "`2nd` has no weekday", "write `2` for the day with this number, or add a weekday, as `1st mon`"),
    (Day, "2nd fry", "unknown-name", "2nd fry", "`fry` is not a weekday", "did you mean `2nd fri`?"),
    (Day, "fri-mon", "backward-range", "fri-mon", "the range runs backward: fri comes after mon", "write `fri-sun,mon`"),
    (Day, "mon/2", "named-step", "mon/2", "names take no step", "write numbers instead of the names, or a list of names"),
    (Day, "jan", "misplaced-name", "jan", "`jan` is a month, which schedule_day does not take", "names of this kind belong in schedule_month"),
    (Day, "mon-fri/2", "named-step", "mon-fri/2", "names take no step", "write `0-4/2` in schedule_day_of_week"),
    (Day, "last day", "unknown-name", "last day", "the last day is just `last`", "write `last`"),
    (Day, "15th", "lone-ordinal", "15th", "`15th` has no weekday", "write `15` for the day with this number, or add a weekday, as `1st mon`"),
    (Day, "21st", "lone-ordinal", "21st", "`21st` has no weekday", "write `21` for the day with this number, or add a weekday, as `1st mon`"),
    (Day, "last-1", "trailing-text", "-1", "`-1` after `last` means nothing", "write `last`, or separate items with commas"),
    (DayOfWeek, "7", "out-of-range", "7", "7 is not between 0 and 6", "days of the week count from 0, Monday: Sunday is `6` or `sun`"),
    (DayOfWeek, "1-7", "out-of-range", "7", "7 is not between 0 and 6", "days of the week count from 0, Monday: Sunday is `6` or `sun`"),
    (DayOfWeek, "sun-mon", "backward-range", "sun-mon", "the range runs backward: sun comes after mon", "write `sun,mon`"),
    (DayOfWeek, "fri-mon", "backward-range", "fri-mon", "the range runs backward: fri comes after mon", "write `fri-sun,mon`"),
    (DayOfWeek, "monday", "long-name", "monday", "names have three letters: `mon`, not `monday`", "write `mon`"),
    (DayOfWeek, "monx", "trailing-text", "x", "`x` after `mon` means nothing", "did you mean `mon`?"),
    (DayOfWeek, "5L", "letter-l", "5L", "`L` does not mean the last one here", "in schedule_day, `last` is the month's last day and `last fri` its last Friday"),
    (DayOfWeek, "friL", "letter-l", "friL", "`L` does not mean the last one here", "in schedule_day, `last` is the month's last day and `last fri` its last Friday"),
    (DayOfWeek, "*/7", "wide-step", "7", "a step of 7 is wider than the range from 0 to 6", "only 0 would ever match: write `0`"),
    (DayOfWeek, "0-6/7", "wide-step", "7", "a step of 7 is wider than the range from 0 to 6", "only 0 would ever match: write `0`"),
    (DayOfWeek, "fri#2", "hash-form", "fri#2", "`#` does not pick a weekday of the month here", "write `2nd fri` in schedule_day"),
    (DayOfWeek, "5#2", "hash-form", "5#2", "`#` does not pick a weekday of the month here", "write the weekday's place and its name in schedule_day, as `2nd fri`"),
    (DayOfWeek, "mon1", "trailing-text", "1", "`1` after `mon` means nothing", "did you mean `mon`?"),
    (DayOfWeek, "mon-fri/2", "named-step", "mon-fri/2", "names take no step", "write `0-4/2`"),
    (DayOfWeek, "mon-", "open-range", "mon-", "the range has no end", "write the last value after the `-`, or leave the `-` out"),
    (DayOfWeek, "mno", "not-understood", "mno", "`mno` is not understood", "did you mean `mon`?"),
    (DayOfWeek, "last fri", "misplaced-ordinal", "last fri", "schedule_day_of_week does not take `last fri`", "a place in the month, as `2nd fri` or `last`, belongs in schedule_day"),
    (DayOfWeek, "2nd fri", "misplaced-ordinal", "2nd fri", "schedule_day_of_week does not take `2nd fri`", "a place in the month, as `2nd fri` or `last`, belongs in schedule_day"),
    (DayOfWeek, "mon|tue", "wrong-separator", "|", "items are separated by commas", "write `mon,tue`"),
    (DayOfWeek, "tues", "long-name", "tues", "names have three letters: `tue`, not `tues`", "write `tue`"),
    (Interval, "hourly", "not-a-span", "hourly", "`hourly` is not a span of time", "write `1 hour`"),
    (Interval, "5", "missing-unit", "5", "5 has no unit", "write the unit, as `5 minutes`"),
    (Interval, "days", "not-a-span", "days", "`days` is not a span of time", "write the number, as `2 days`"),
    (Interval, "1.5 days", "not-whole", "1.5 days", "the number is not whole", "use a smaller unit, as `36 hours` for one and a half days"),
    (Interval, "5days", "missing-blank", "5days", "there is no blank between 5 and `days`", "write `5 days`"),
    (Interval, "five days", "not-a-span", "five days", "`five days` is not a span of time", ""),
    (Interval, "5 fortnights", "unknown-unit", "fortnights", "`fortnights` is not a unit of time", "count weeks"),
    (Interval, "5 months", "unknown-unit", "months", "`months` is not a unit of time", "months differ in length: give schedule_day (and schedule_month) instead"),
    (Interval, "1 year", "unknown-unit", "year", "`year` is not a unit of time", "years differ in length: give schedule_month and schedule_day, or count days"),
    (Interval, " 5 days", "outer-blank", " 5 days", "there are blanks around the value", "write `5 days`"),
    (Interval, "5 days ", "outer-blank", "5 days ", "there are blanks around the value", "write `5 days`"),
    (Interval, "Continuous", "not-a-span", "Continuous", "`Continuous` is not a span of time", "write `continuous`"),
    (Interval, "5 Days", "unknown-unit", "Days", "`Days` is not a unit of time", "write `5 days`"),
    (Interval, "1e3 seconds", "unknown-unit", "e3 seconds", "`e3 seconds` is not a unit of time", "give one number and one unit, in the smaller unit of the two"),
    (Interval, "1 hours 30 minutes", "unknown-unit", "hours 30 minutes", "`hours 30 minutes` is not a unit of time", "give one number and one unit, in the smaller unit of the two"),
    (Interval, "0 days", "zero-interval", "0 days", "an interval of 0 has no next run", "write `continuous` to start again as soon as a run has ended"),
    (Interval, "-5 days", "negative-number", "-5 days", "a span of time cannot be negative", ""),
    (Interval, "+5 minutes", "plus-sign", "+5 minutes", "the number has a plus sign", "write `5 minutes`"),
    (Interval, "1_0 minutes", "not-a-span", "1_0 minutes", "`1_0 minutes` is not a span of time", ""),
    (Interval, "5 jitter", "unknown-unit", "jitter", "`jitter` is not a unit of time", ""),
    (Interval, "99999999999999999999 days", "too-long", "99999999999999999999", "that is more than a thousand years", ""),
    (Interval, "60000 weeks", "too-long", "60000", "that is more than a thousand years", ""),
    (Interval, "5 m", "unknown-unit", "m", "`m` is not a unit of time", "write `5 minutes`"),
    (Interval, "1h", "unknown-unit", "h", "`h` is not a unit of time", "write `1 hour`"),
    (Interval, "5 minuts", "unknown-unit", "minuts", "`minuts` is not a unit of time", "write `5 minutes`"),
    (Interval, "５ days", "non-ascii-digit", "５", "`５` is not one of the digits 0 to 9", "type the number with the digits 0 to 9"),
    (Interval, "6 hours,", "unknown-unit", "hours,", "`hours,` is not a unit of time", ""),
    (Interval, "PT5M", "not-a-span", "PT5M", "`PT5M` is not a span of time", ""),
    (Date, "tomorrow", "not-a-date", "tomorrow", "`tomorrow` is not an ISO 8601 date", ""),
    (Date, "2026-02-30T00:00:00", "no-such-day", "30", "February 2026 has 28 days", ""),
    (Date, "2026-13-01T00:00:00", "out-of-range", "13", "13 is not between 1 and 12", ""),
    (Date, "2026-01-01T24:00:00", "out-of-range", "24", "24 is not between 0 and 23", "write 00:00 of the next day"),
    (Date, "2026-01-01T00:60:00", "out-of-range", "60", "60 is not between 0 and 59", ""),
    (Date, "01/02/2026", "not-a-date", "01/02/2026", "`01/02/2026` is not an ISO 8601 date", ""),
    (Date, "2026-01-01T10:00:00+0200", "bad-offset", "+0200", "an offset has hours and minutes with a colon between", "write `+02:00`"),
    (Date, "2026-01-01T10:00:00+02", "bad-offset", "+02", "an offset has hours and minutes with a colon between", "write `+02:00`"),
    (Date, "1767225600", "not-a-date", "1767225600", "`1767225600` is not an ISO 8601 date", "Unix time is not accepted here: write the date and the time"),
    (Date, "2026-1-1", "not-a-date", "1", "`2026-1-1` is not an ISO 8601 date", "write year, month and day with 4, 2 and 2 digits and `-` between, then `T` and the time"),
    (Date, "2026-01-01T10", "not-a-date", "0", "`2026-01-01T10` is not an ISO 8601 date", "write hour, minute and second with two digits each and `:` between"),
    (Date, "2026-01-01T10:00:00 UTC", "trailing-text", " UTC", "`UTC` after the date means nothing", "write `Z` right after the time for UTC"),
    (Date, "2026-01-01T10:00:00.1234567890", "not-a-date", "1234567890", "a fraction of a second has 1 to 9 digits", ""),
    (Date, "2026-01-01T10:00:00Zürich", "trailing-text", "ürich", "`ürich` after the date means nothing", "a zone belongs in schedule_timezone; an offset has the form `+02:00`"),
    (Date, "ü2026", "not-a-date", "ü2026", "`ü2026` is not an ISO 8601 date", ""),
    (Date, "2026-01-01T1é", "not-a-date", "1", "`2026-01-01T1é` is not an ISO 8601 date", "write hour, minute and second with two digits each and `:` between"),
    (Timezone, "Europe/Berln", "unknown-zone", "", "there is no time zone `Europe/Berln`", "did you mean `Europe/Berlin`?"),
    (Timezone, "europe/berlin", "unknown-zone", "", "there is no time zone `europe/berlin`", "did you mean `Europe/Berlin`?"),
    (Timezone, "Berlin", "unknown-zone", "", "there is no time zone `Berlin`", "did you mean `Europe/Berlin`?"),
    (Timezone, "New York", "unknown-zone", "", "there is no time zone `New York`", "did you mean `America/New_York`?"),
    (Timezone, "PST", "unknown-zone", "", "there is no time zone `PST`", ""),
    (Timezone, "../etc/passwd", "unknown-zone", "", "there is no time zone `../etc/passwd`", ""),
    (Timezone, "CEST", "unknown-zone", "", "there is no time zone `CEST`", ""),
    (Jitter, "30", "missing-unit", "30", "30 has no unit", "write the unit, as `30 minutes`"),
    (CatchUp, "sometimes", "unknown-policy", "", "this is not a catch-up policy", ""),
    (CatchUp, "0 hours", "zero-span", "", "a missed run is always later than 0", "write `skip`"),
    (CatchUp, "6 parsecs", "unknown-unit", "parsecs", "`parsecs` is not a unit of time", ""),
    (CatchUp, "Once", "unknown-policy", "", "this is not a catch-up policy", "write `once`"),
];

#[test]
fn each_refused_form_has_its_own_message() {
    let mut wrong = Vec::new();
    for (field, text, code, place, message, help) in REFUSALS {
        let found = match parse(&[(*field, text)]) {
            Ok(schedule) => {
                wrong.push(format!(
                    "{field} = {text:?} is taken as {}",
                    schedule.describe()
                ));
                continue;
            }
            Err(faults) => faults,
        };
        let [fault] = &found[..] else {
            wrong.push(format!(
                "{field} = {text:?} has {} faults: {found:?}",
                found.len()
            ));
            continue;
        };
        let shown = fault.range.clone().map_or("", |range| &text[range]);
        let found = (
            fault.field,
            fault.code,
            shown,
            fault.message.as_str(),
            fault.help.as_deref().unwrap_or(""),
        );
        if found != (*field, *code, *place, *message, *help) {
            wrong.push(format!("{field} = {text:?} says {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_faults_are_told_at_once() {
    let faults = parse(&[
        (Hour, "24, ?, 5-9/5, 22-3"),
        (Minute, "60"),
        (Timezone, "Europe/Berln"),
        (StartDate, "tomorrow"),
        (Jitter, "5"),
        (CatchUp, "sometimes"),
    ])
    .expect_err("faults");
    let found: Vec<(Field, &str)> = faults
        .iter()
        .map(|fault| (fault.field, fault.code))
        .collect();
    let expected = [
        (StartDate, "not-a-date"),
        (Hour, "out-of-range"),
        (Hour, "question-mark"),
        (Hour, "wide-step"),
        (Hour, "backward-range"),
        (Minute, "out-of-range"),
        (Timezone, "unknown-zone"),
        (Jitter, "missing-unit"),
        (CatchUp, "unknown-policy"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn two_kinds_of_schedule_are_refused_by_name() {
    let only = |texts: &[(Field, &str)]| {
        let faults = parse(texts).expect_err("a fault");
        assert_eq!(faults.len(), 1, "{faults:?}");
        let fault = faults.into_iter().next().expect("one fault");
        assert_eq!(fault.code, "several-kinds");
        (fault.field, fault.message)
    };
    assert_eq!(
        only(&[(Date, "2026-01-01"), (Interval, "1 day")]),
        (
            Interval,
            "schedule_date and schedule_interval make two kinds of schedule, and a job has one"
                .to_owned()
        )
    );
    assert_eq!(
        only(&[(Interval, "1 day"), (Hour, "3"), (Minute, "4")]),
        (
            Hour,
            "schedule_interval and schedule_hour make two kinds of schedule, and a job has one"
                .to_owned()
        )
    );
    assert_eq!(
        only(&[(Date, "2026-01-01"), (Interval, "1 day"), (Second, "3")]),
        (
            Second,
            "schedule_date, schedule_interval and schedule_second make three kinds of schedule, and a job has one"
                .to_owned()
        )
    );
}

#[test]
fn the_end_must_not_come_before_the_start() {
    let codes = |start, end, zone: Option<&str>| {
        let mut texts = vec![(Interval, "1 hour"), (StartDate, start), (EndDate, end)];
        texts.extend(zone.map(|zone| (Timezone, zone)));
        match parse(&texts) {
            Ok(_) => Vec::new(),
            Err(faults) => faults
                .iter()
                .map(|fault| (fault.field, fault.code))
                .collect(),
        }
    };
    let refused = vec![(EndDate, "end-before-start")];
    assert_eq!(codes("2026-01-02", "2026-01-01", None), refused);
    assert_eq!(
        codes("2026-01-01T10:00:00Z", "2026-01-01T11:00:00+02:00", None),
        refused
    );
    // Bounds are inclusive, so that one instant is a stretch of time too.
    assert_eq!(codes("2026-01-01", "2026-01-01", None), vec![]);
    // Which comes first depends on the zone.
    assert_eq!(
        codes("2026-01-01T10:00:00Z", "2026-01-01T11:00:00", None),
        vec![]
    );
    assert_eq!(
        codes(
            "2026-01-01T10:00:00Z",
            "2026-01-01T11:00:00",
            Some("Europe/Berlin")
        ),
        vec![]
    );
    assert_eq!(
        codes(
            "2026-01-01T10:00:00Z",
            "2026-01-01T10:59:59",
            Some("Europe/Berlin")
        ),
        refused
    );
    // Here it does not: no clock is as far from UTC.
    assert_eq!(
        codes("2026-01-03T10:00:00Z", "2026-01-01T10:00:00", None),
        refused
    );
}

#[test]
fn what_is_taken_is_taken_in_every_spelling() {
    let same: &[(Field, &[&str])] = &[
        (Hour, &["3", "03", " 3 ", "3,3", "3-3"]),
        (Hour, &["*", "*/1", "0-23", "0-11 , 12-23", "0/1"]),
        (
            Month,
            &["jan-mar", "JAN-Mar", "1-3", "1, 2 ,3", "feb,1,mar"],
        ),
        (DayOfWeek, &["mon-fri", "0-4", "MON,tue,Wed,thu,fri"]),
        (Day, &["last", "LAST"]),
        (Day, &["2nd fri", "2ND   Fri"]),
        (Day, &["mon-wed", "mon,tue,wed", "Mon, tue , WED"]),
    ];
    let now = "2026-01-01T00:00:00Z".parse().expect("an instant");
    let zone = freezerd::schedule::zone::Zone::utc();
    for (field, spellings) in same {
        let firings = |text: &str| -> Vec<_> {
            let schedule =
                parse(&[(*field, text)]).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
            schedule.occurrences(now, now, &zone).take(40).collect()
        };
        let first = firings(spellings[0]);
        assert_eq!(first.len(), 40);
        for spelling in &spellings[1..] {
            assert_eq!(firings(spelling), first, "{field} = {spelling:?}");
        }
    }
    for text in ["6 hours", "6 hour", "6   hours", "6\thours", "06 hours"] {
        let duration = parse_duration(text).map(|duration| duration.as_secs());
        assert_eq!(duration, Ok(21_600), "{text}");
    }
    assert_eq!(
        parse_duration("0 seconds").map(|duration| duration.as_secs()),
        Ok(0)
    );
}

#[test]
fn blank_values_count_as_absent() {
    let blank = parse(&[(Date, ""), (Interval, " "), (Hour, "5"), (Minute, "\t")]);
    assert_eq!(
        blank.map(|schedule| schedule.describe()),
        Ok("every day at 05:00".to_owned())
    );
}

#[test]
fn no_text_whatever_makes_the_reader_panic() {
    let words = [
        "*",
        "/",
        "-",
        ",",
        " ",
        "0",
        "1",
        "7",
        "31",
        "59",
        "99999999999999999999",
        "mon",
        "jan",
        "last",
        "1st",
        "fri",
        "?",
        "#",
        "L",
        "W",
        "é",
        "３",
        "–",
        "T",
        "Z",
        ":",
        ".",
        "+",
        "2026",
        "02",
        "30",
        "days",
        "hour",
        "\u{0}",
        "\t",
        "\u{feff}",
        "💾",
        "monday",
        "Europe",
        "continuous",
        "2026-03-01",
        "T10:00",
    ];
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) as usize % end
    };
    for _ in 0..1200 {
        let text: String = (0..random(7)).map(|_| words[random(words.len())]).collect();
        for field in Field::ALL {
            if let Err(faults) = parse(&[(field, &text)]) {
                for fault in faults {
                    let range = fault.range.unwrap_or_default();
                    assert!(
                        text.get(range.clone()).is_some(),
                        "{field} = {text:?}: {range:?}"
                    );
                    assert!(
                        !fault.message.is_empty() && fault.message.len() < 300,
                        "{fault:?}",
                        fault = fault.message
                    );
                }
            }
        }
    }
}

#[test]
fn a_huge_text_is_refused_with_few_words_and_in_no_time() {
    let start = std::time::Instant::now();
    for part in ["x", ",", "1,", "monday ", "9", "é", "-", "1st ", "a.b"] {
        let text = part.repeat(200_000 / part.len());
        for field in Field::ALL {
            if let Err(faults) = parse(&[(field, &text)]) {
                assert!(faults.len() <= 20, "{field}: {} faults", faults.len());
                for fault in faults {
                    let words = fault.message.len() + fault.help.map_or(0, |help| help.len());
                    assert!(words < 1000, "{field} {part:?}: {} bytes of message", words);
                }
            }
        }
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
