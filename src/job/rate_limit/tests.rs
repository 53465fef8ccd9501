use super::*;

fn limit(texts: &[&str]) -> RateLimit {
    RateLimit::of_texts(texts.iter().copied()).unwrap()
}

fn berlin() -> Zone {
    Zone::bundled("Europe/Berlin").unwrap()
}

/// The rate at an instant in KiB a second; 0: no limit.
fn kib(limit: &RateLimit, instant: &str) -> u64 {
    let instant: DateTime<Utc> = instant.parse().unwrap();
    let rate = limit.at(instant, &berlin());
    rate.map_or(0, |rate| rate.get() / 1024)
}

#[track_caller]
fn fault(text: &str) -> RateFault {
    RateLimit::parse(text).unwrap_err().fault
}

#[test]
fn the_first_window_that_holds_decides_and_behind_all_there_is_no_limit() {
    let office = limit(&["mon-fri 08:00-18:00 2K", "sat 9K"]);
    // 27 November 2026 is a Friday; Berlin is an hour ahead of UTC.
    for (instant, expected) in [
        ("2026-11-27T06:59:59Z", 0),
        ("2026-11-27T07:00:00Z", 2),
        ("2026-11-27T16:59:59Z", 2),
        ("2026-11-27T17:00:00Z", 0),
        ("2026-11-27T22:59:59Z", 0),
        ("2026-11-27T23:00:00Z", 9),
        ("2026-11-28T12:00:00Z", 9),
        ("2026-11-29T12:00:00Z", 0),
        ("2026-11-30T12:00:00Z", 2),
    ] {
        assert_eq!(kib(&office, instant), expected, "{instant}");
    }
    let overlapping = limit(&["fri 12:00-13:00 1K", "mon-fri 2K", "off"]);
    assert_eq!(kib(&overlapping, "2026-11-27T11:30:00Z"), 1);
    assert_eq!(kib(&overlapping, "2026-11-27T12:00:00Z"), 2);
    assert_eq!(kib(&overlapping, "2026-11-28T12:00:00Z"), 0);
}

#[test]
fn a_night_belongs_to_the_day_on_which_it_begins() {
    let night = limit(&["fri 22:00-06:00 2K", "8K"]);
    for (instant, expected) in [
        ("2026-11-26T23:30:00Z", 8),
        ("2026-11-27T20:59:59Z", 8),
        ("2026-11-27T21:00:00Z", 2),
        ("2026-11-28T04:59:59Z", 2),
        ("2026-11-28T05:00:00Z", 8),
        ("2026-11-28T21:00:00Z", 8),
    ] {
        assert_eq!(kib(&night, instant), expected, "{instant}");
    }
    // The night of Sunday ends on Monday.
    let night = limit(&["sun 22:00-06:00 2K", "8K"]);
    assert_eq!(kib(&night, "2026-11-30T04:00:00Z"), 2);
}

#[test]
fn midnight_is_the_end_of_a_day_and_the_beginning_of_the_next() {
    for text in ["fri 22:00-24:00 2K", "fri 22:00-00:00 2K"] {
        let evening = limit(&[text]);
        assert_eq!(kib(&evening, "2026-11-27T22:59:59Z"), 2, "{text}");
        assert_eq!(kib(&evening, "2026-11-27T23:00:00Z"), 0, "{text}");
    }
    let day = limit(&["00:00-24:00 2K"]);
    assert_eq!(kib(&day, "2026-11-27T22:59:59Z"), 2);
    assert_eq!(kib(&day, "2026-11-27T23:00:00Z"), 2);
}

#[test]
fn an_hour_that_the_clock_skips_is_in_no_window_and_one_that_it_repeats_is_in_its_window_twice() {
    // On 29 March 2026 at 01:00 UTC, the clock goes from 02:00 to 03:00.
    let spring = limit(&["sun 02:00-03:00 2K", "sun 01:30-03:30 4K"]);
    assert_eq!(kib(&spring, "2026-03-29T00:59:59Z"), 4);
    assert_eq!(kib(&spring, "2026-03-29T01:00:00Z"), 4);
    assert_eq!(kib(&spring, "2026-03-29T01:29:59Z"), 4);
    assert_eq!(kib(&spring, "2026-03-29T01:30:00Z"), 0);
    // On 25 October 2026 at 01:00 UTC, it goes from 03:00 to 02:00.
    let autumn = limit(&["sun 02:00-03:00 2K"]);
    for (instant, expected) in [
        ("2026-10-24T23:59:59Z", 0),
        ("2026-10-25T00:00:00Z", 2),
        ("2026-10-25T00:59:59Z", 2),
        ("2026-10-25T01:00:00Z", 2),
        ("2026-10-25T01:59:59Z", 2),
        ("2026-10-25T02:00:00Z", 0),
    ] {
        assert_eq!(kib(&autumn, instant), expected, "{instant}");
    }
}

#[test]
fn days_go_on_behind_a_comma() {
    for text in [
        "mon-fri 08:00-18:00 2M,sat,sun 4M,20M",
        " Mon-Fri  08:00 - 18:00  2 MiB/s , sat , SUN 4M , 20M ",
    ] {
        let limit = RateLimit::parse(text).unwrap();
        assert_eq!(
            limit.to_string(),
            "mon-fri 08:00-18:00 2M, sat,sun 4M, 20M",
            "{text}"
        );
        assert_eq!(RateLimit::parse(&limit.to_string()), Ok(limit));
    }
    assert_eq!(
        limit(&["sat,  sun 2M"]),
        RateLimit::parse("sat,sun 2M").unwrap()
    );
}

#[test]
fn a_limit_reads_well() {
    for (text, words) in [
        ("10M", "10 MiB/s"),
        ("off", "no limit"),
        (
            "mon-fri 08:00-18:00 2M, 20M",
            "2 MiB/s on mon-fri from 08:00 to 18:00, else 20 MiB/s",
        ),
        (
            "22:00-06:00 off, sat,sun 1M",
            "no limit from 22:00 to 06:00, 1 MiB/s on sat,sun, else no limit",
        ),
    ] {
        assert_eq!(RateLimit::parse(text).unwrap().in_words(), words);
    }
}

#[test]
fn a_window_that_is_never_used_is_refused() {
    for (text, index) in [
        ("10M, mon 2M", 1),
        ("10M, 20M", 1),
        ("00:00-24:00 10M, off", 1),
        ("mon-fri 2M, sat,sun 3M, 4M", 2),
        ("08:00-18:00 2M, 18:00-08:00 3M, wed 4M", 2),
        ("22:00-06:00 2M, tue 01:00-02:00 3M", 1),
        ("mon 2M, mon 08:00-09:00 3M, 4M", 1),
    ] {
        let wrong = RateLimit::parse(text).unwrap_err();
        assert_eq!(
            (wrong.fault, wrong.index),
            (RateFault::NeverUsed, index),
            "{text}"
        );
    }
    // The night of Monday reaches into Tuesday, and that of Sunday into Monday.
    RateLimit::parse("mon 22:00-06:00 2M, mon 01:00-02:00 3M").unwrap();
}

#[test]
fn what_is_wrong_with_a_window_is_named() {
    let word = |text: &str| text.to_owned();
    for (text, expected) in [
        ("", RateFault::NotARate),
        ("fast", RateFault::NotARate),
        ("1.5.5M", RateFault::NotARate),
        ("1,5M", RateFault::TooLow(1)),
        ("mon-fri 10", RateFault::TooLow(10)),
        ("mon-fri 10 Mbit/s", RateFault::NotARate),
        ("weekdays 2M", RateFault::NotADay(word("weekdays"))),
        ("mon,tues 2M", RateFault::NotADay(word("tues"))),
        ("mon-tue-wed 2M", RateFault::NotADay(word("mon-tue-wed"))),
        ("off 2M", RateFault::NotADay(word("off"))),
        ("8-18 2M", RateFault::NotTimes(word("8-18"))),
        ("18:00 2M", RateFault::NotTimes(word("18:00"))),
        ("08:00-25:00 2M", RateFault::NotTimes(word("08:00-25:00"))),
        ("08:00-24:01 2M", RateFault::NotTimes(word("08:00-24:01"))),
        ("24:00-06:00 2M", RateFault::NotTimes(word("24:00-06:00"))),
        ("08:60-18:00 2M", RateFault::NotTimes(word("08:60-18:00"))),
        ("8:0-18:00 2M", RateFault::NotTimes(word("8:0-18:00"))),
        ("mon 08:00-08:00 2M", RateFault::Empty(word("08:00"))),
        ("mon-fri", RateFault::NoRate),
        ("mon-fri 08:00-18:00", RateFault::NoRate),
        ("08:00-18:00", RateFault::NoRate),
        (
            "fri-mon 2M",
            RateFault::BackwardDays {
                written: word("fri-mon"),
                instead: word("fri-sun,mon"),
            },
        ),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
    assert_eq!(
        RateLimit::of(vec![]).unwrap_err().fault,
        RateFault::NoWindows
    );
    let many: Vec<String> = (0..=MOST_WINDOWS)
        .map(|number| format!("mon 0{}:{:02}-24:00 2M", number / 60, number % 60))
        .rev()
        .collect();
    let many = RateLimit::of_texts(many.iter().map(String::as_str));
    assert_eq!(many.unwrap_err().fault, RateFault::TooManyWindows);
    let named = RateLimit::parse("20:00-21:00 2M, mon-fry 1M").unwrap_err();
    assert_eq!(
        named.to_string(),
        "does not know the day `mon-fry` (in `mon-fry 1M`)"
    );
}

#[test]
fn no_text_is_a_panic() {
    let mut random = fastrand::Rng::with_seed(7);
    let parts = [
        "mon", "fri", "-", ",", " ", ":", "08", "24", "00", "2M", "off", "é", "\u{2003}", "0", "-1",
    ];
    for _ in 0..20_000 {
        let count = random.usize(..10);
        let text: String = (0..count)
            .map(|_| parts[random.usize(..parts.len())])
            .collect();
        if let Ok(limit) = RateLimit::parse(&text) {
            assert_eq!(RateLimit::parse(&limit.to_string()), Ok(limit), "{text}");
        }
    }
}

#[test]
fn a_request_has_a_list_of_texts_and_an_older_one_a_number() {
    let windows = limit(&["mon-fri 08:00-18:00 2M", "20M"]);
    let json = serde_json::to_string(&windows).unwrap();
    assert_eq!(json, r#"["mon-fri 08:00-18:00 2M","20M"]"#);
    assert_eq!(serde_json::from_str::<RateLimit>(&json).unwrap(), windows);
    let older: RateLimit = serde_json::from_str("1048576").unwrap();
    assert_eq!(older, RateLimit::always(NonZeroU64::new(1 << 20)));
    let off = serde_json::to_string(&RateLimit::always(None)).unwrap();
    assert_eq!(off, r#"["off"]"#);
    for wrong in ["[]", "5", r#"["mon"]"#, r#"["2M", "3M"]"#] {
        assert!(serde_json::from_str::<RateLimit>(wrong).is_err(), "{wrong}");
    }
}
