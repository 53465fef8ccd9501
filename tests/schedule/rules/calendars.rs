//! Calendars: fields, names of days, and days on which the clock changes.

use freezerd::schedule::fault::Field::{self, *};
use freezerd::schedule::zone::Zone;

use super::{at, firings, schedule, zone};

#[test]
fn fields_before_the_last_given_take_all_values_and_those_after_it_their_first() {
    let at_new_year = |texts: &[(Field, &str)]| firings(texts, "2026-01-01T00:00:00Z", "UTC", 2);
    assert_eq!(
        at_new_year(&[(Month, "2-3")]),
        ["2026-02-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00"]
    );
    assert_eq!(
        at_new_year(&[(Week, "10")]),
        ["2026-03-02T00:00:00+00:00", "2026-03-03T00:00:00+00:00"]
    );
    assert_eq!(
        at_new_year(&[(Year, "2030-2031")]),
        ["2030-01-01T00:00:00+00:00", "2031-01-01T00:00:00+00:00"]
    );
    assert_eq!(
        at_new_year(&[(Second, "30")]),
        ["2026-01-01T00:00:30+00:00", "2026-01-01T00:01:30+00:00"]
    );
    assert_eq!(
        at_new_year(&[(Hour, "5")]),
        ["2026-01-01T05:00:00+00:00", "2026-01-02T05:00:00+00:00"]
    );
}

#[test]
fn weekday_names_in_the_day_field_add_to_its_list() {
    let example = [
        (Month, "1-6, 9-12"),
        (Day, "mon, wed, fri"),
        (Hour, "03"),
        (Minute, "25"),
    ];
    let found = firings(&example, "2026-06-29T00:00:00Z", "UTC", 3);
    assert_eq!(
        found,
        [
            "2026-06-29T03:25:00+00:00",
            "2026-09-02T03:25:00+00:00",
            "2026-09-04T03:25:00+00:00"
        ]
    );
    let either = firings(
        &[(Day, "15, mon"), (Hour, "0")],
        "2026-04-07T00:00:00Z",
        "UTC",
        3,
    );
    assert_eq!(
        either,
        [
            "2026-04-13T00:00:00+00:00",
            "2026-04-15T00:00:00+00:00",
            "2026-04-20T00:00:00+00:00"
        ]
    );
}

#[test]
fn days_and_weekdays_and_weeks_must_all_hold() {
    let found = firings(
        &[(Day, "13"), (DayOfWeek, "fri"), (Hour, "0")],
        "2026-01-01T00:00:00Z",
        "UTC",
        3,
    );
    assert_eq!(
        found,
        [
            "2026-02-13T00:00:00+00:00",
            "2026-03-13T00:00:00+00:00",
            "2026-11-13T00:00:00+00:00"
        ]
    );
    let week = firings(
        &[(Week, "53"), (DayOfWeek, "0"), (Hour, "0")],
        "2021-01-01T00:00:00Z",
        "UTC",
        2,
    );
    assert_eq!(
        week,
        ["2026-12-28T00:00:00+00:00", "2032-12-27T00:00:00+00:00"]
    );
}

#[test]
fn with_certain_hours_a_run_in_a_gap_is_shifted_and_in_a_fold_it_is_the_first() {
    let daily = [(Hour, "2"), (Minute, "30")];
    assert_eq!(
        firings(&daily, "2026-03-28T12:00:00Z", "Europe/Berlin", 2),
        ["2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"]
    );
    assert_eq!(
        firings(&daily, "2026-10-24T12:00:00Z", "Europe/Berlin", 2),
        ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    );
    // A gap at midnight, and a month that begins in one.
    assert_eq!(
        firings(
            &[(Hour, "0")],
            "2018-11-03T12:00:00Z",
            "America/Sao_Paulo",
            2
        ),
        ["2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"]
    );
    // A whole day that was left out: its run falls on the next day's.
    assert_eq!(
        firings(&[(Hour, "3")], "2011-12-29T12:00:00Z", "Pacific/Apia", 3),
        [
            "2011-12-29T03:00:00-10:00",
            "2011-12-31T03:00:00+14:00",
            "2012-01-01T03:00:00+14:00"
        ]
    );
}

#[test]
fn with_every_hour_time_passes_evenly() {
    assert_eq!(
        firings(
            &[(Hour, "*"), (Minute, "30")],
            "2026-03-29T00:00:00Z",
            "Europe/Berlin",
            3
        ),
        [
            "2026-03-29T01:30:00+01:00",
            "2026-03-29T03:30:00+02:00",
            "2026-03-29T04:30:00+02:00"
        ]
    );
    assert_eq!(
        firings(
            &[(Hour, "*"), (Minute, "30")],
            "2026-10-25T00:00:00Z",
            "Europe/Berlin",
            3
        ),
        [
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T03:30:00+01:00"
        ]
    );
}

#[test]
fn the_schedules_own_zone_counts_and_not_the_hosts() {
    let texts = [(Hour, "3"), (Timezone, "Asia/Tokyo")];
    let schedule = schedule(&texts);
    assert_eq!(schedule.zone().map(Zone::name), Some("Asia/Tokyo"));
    let now = at("2026-01-01T00:00:00Z");
    let host = zone("America/New_York");
    assert_eq!(
        schedule.next_after(now, now, &host),
        Some(at("2026-01-01T18:00:00Z"))
    );
    assert_eq!(schedule.zone_or(&host).name(), "Asia/Tokyo");
}
