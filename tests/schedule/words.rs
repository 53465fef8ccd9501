//! Schedules in words, as lists of jobs show them.

use freezerd::schedule::Schedule;
use freezerd::schedule::fault::Field;
use freezerd::schedule::parse::RawSchedule;

fn words(texts: &[(Field, &str)]) -> String {
    let mut raw = RawSchedule::default();
    for (field, text) in texts {
        *raw.slot(*field) = Some(text);
    }
    Schedule::parse(&raw).expect("a schedule").describe()
}

#[test]
fn schedules_are_described_in_words() {
    use Field::*;
    let cases: &[(&[(Field, &str)], &str)] = &[
        (&[], "once, when it is first loaded"),
        (
            &[(Date, "2026-03-01T14:30")],
            "once, at 2026-03-01 14:30:00",
        ),
        (
            &[(Date, "2026-03-01T14:30:00Z")],
            "once, at 2026-03-01 14:30:00 +00:00",
        ),
        (
            &[(Interval, "continuous")],
            "again whenever a run has ended",
        ),
        (&[(Interval, "6 hours")], "every 6 hours"),
        (&[(Interval, "24 hours")], "every day"),
        (&[(Interval, "14 days")], "every 2 weeks"),
        (&[(Interval, "90 seconds")], "every 90 seconds"),
        (
            &[
                (Interval, "1 hour"),
                (StartDate, "2026-01-01"),
                (EndDate, "2026-02-01"),
            ],
            "every hour, from 2026-01-01 00:00:00, until 2026-02-01 00:00:00",
        ),
        (&[(Hour, "03"), (Minute, "25")], "every day at 03:25"),
        (
            &[(Hour, "3"), (Timezone, "Asia/Tokyo")],
            "every day at 03:00 (Asia/Tokyo)",
        ),
        (
            &[(Hour, "3,15"), (Minute, "25")],
            "every day at 03:25 and 15:25",
        ),
        (
            &[(Hour, "3"), (Minute, "25"), (Second, "7")],
            "every day at 03:25:07",
        ),
        (
            &[
                (Month, "1-6, 9-12"),
                (Day, "mon, wed, fri"),
                (Hour, "03"),
                (Minute, "25"),
            ],
            "on every Monday, Wednesday and Friday in January to June and September to December at 03:25",
        ),
        (
            &[(DayOfWeek, "mon-fri"), (Hour, "22")],
            "every Monday to Friday at 22:00",
        ),
        (
            &[(DayOfWeek, "fri"), (Day, "13"), (Hour, "0")],
            "on the 13th if it is a Friday at 00:00",
        ),
        (
            &[(Day, "last, 1st mon"), (Hour, "1")],
            "on the 1st Monday and the last day at 01:00",
        ),
        (&[(Day, "15, sun")], "on the 15th and every Sunday at 00:00"),
        (&[(Day, "last fri")], "on the last Friday at 00:00"),
        (&[(Week, "10")], "every day in week 10 at 00:00"),
        (&[(Month, "2")], "on the 1st in February at 00:00"),
        (&[(Year, "2030")], "on the 1st in January in 2030 at 00:00"),
        (&[(Hour, "*")], "every hour"),
        (&[(Hour, "*"), (Minute, "25")], "at minute 25 of every hour"),
        (&[(Minute, "*")], "every minute"),
        (&[(Minute, "*/15")], "every 15 minutes"),
        (&[(Second, "*")], "every second"),
        (&[(Second, "*/10")], "every 10 seconds"),
        (&[(Second, "30")], "at second 30 of every minute"),
        (&[(Hour, "*/2")], "every 2 hours"),
        (&[(Hour, "8-17")], "at the full hours 8 to 17"),
        (
            &[(Hour, "8-17"), (Minute, "*/15")],
            "every 15 minutes in hours 8 to 17",
        ),
        (
            &[(Hour, "8-17"), (Minute, "5")],
            "at minute 5 of hours 8 to 17",
        ),
        (
            &[(DayOfWeek, "0"), (Minute, "*/15")],
            "every Monday, every 15 minutes",
        ),
        (
            &[(DayOfWeek, "0"), (Hour, "4"), (Minute, "*/15")],
            "every Monday at 04:00, 04:15, 04:30 and 04:45",
        ),
    ];
    let mut wrong = Vec::new();
    for (texts, expected) in cases {
        let found = words(texts);
        if found != *expected {
            wrong.push(format!(
                "{texts:?}\n  expected: {expected}\n  found:    {found}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
