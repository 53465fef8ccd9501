//! Faults that meet, and texts of any kind.

use Field::*;
use freezerd::schedule::fault::Field;
use freezerd::schedule::interval::parse_duration;

use super::parse;

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
