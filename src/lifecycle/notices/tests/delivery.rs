//! When a message is sent.

use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::record::OutboxState;
use crate::samples::outbox_row;
use crate::schedule::zone::Zone;

const MINUTE: TimeDelta = TimeDelta::minutes(1);

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

#[test]
fn quiet_hours_and_digests_delay_a_message_and_drop_none() {
    let zone = Zone::bundled("Europe/Berlin").expect("a zone");
    let first =
        |keys: &[(&str, Value)], now: &str| first_try(&receiver("x", keys), &zone, instant(now));
    let quiet = [("quiet_hours", text("22:00-07:00"))];
    // 23:30 in Berlin, in winter.
    assert_eq!(
        first(&quiet, "2026-11-27T22:30:10Z"),
        instant("2026-11-28T06:00:00Z")
    );
    assert_eq!(
        first(&quiet, "2026-11-27T12:30:10Z"),
        instant("2026-11-27T12:30:10Z")
    );
    let daily = [("digest", text("daily 08:00"))];
    assert_eq!(
        first(&daily, "2026-11-27T06:59:59Z"),
        instant("2026-11-27T07:00:00Z")
    );
    assert_eq!(
        first(&daily, "2026-11-27T07:00:00Z"),
        instant("2026-11-28T07:00:00Z")
    );
    let weekly = [("digest", text("weekly mon 08:00"))];
    assert_eq!(
        first(&weekly, "2026-11-27T06:00:00Z"),
        instant("2026-11-30T07:00:00Z")
    );
    let early = [
        ("digest", text("daily 05:00")),
        ("quiet_hours", text("22:00-07:00")),
    ];
    assert_eq!(
        first(&early, "2026-11-27T12:00:00Z"),
        instant("2026-11-28T06:00:00Z")
    );
}

#[test]
fn a_message_that_is_refused_is_sent_again_after_growing_waits() {
    let (receiver, zone) = (admins(), Zone::utc());
    let wait = |tries, at_least| {
        let next = next_try(&receiver, &zone, (17, tries), at_least, at(0));
        next - at(0)
    };
    let mut before = TimeDelta::zero();
    for tries in 1..=20 {
        let wait = wait(tries, None);
        assert!(wait >= before, "{tries}");
        before = wait;
    }
    assert!((MINUTE..MINUTE * 2).contains(&wait(1, None)));
    let most = TimeDelta::hours(6);
    assert!((most..most + MINUTE * 40).contains(&wait(99, None)));
    assert!(wait(1, Some(Duration::from_secs(600))) >= MINUTE * 10);
    assert_ne!(
        wait(9, None),
        next_try(&receiver, &zone, (18, 9), None, at(0)) - at(0),
        "two messages do not come at once"
    );
    assert_eq!(wait(9, None), wait(9, None));
}

#[test]
fn a_ping_that_was_given_up_is_worth_sending_only_if_no_run_has_followed() {
    let pings = pings();
    let mut message = outbox_row(5, "a", OutboxState::Sent { at: at(0) }).message;
    for (last, expected) in [(Some(5), true), (Some(6), false), (None, false)] {
        assert_eq!(is_still_news(&message, &pings, last), expected, "{last:?}");
        assert!(is_still_news(&message, &receiver("a", &[]), last));
    }
    message.kind = Kind::Started;
    assert!(!is_still_news(&message, &pings, Some(5)));
    assert!(!is_still_news(&message, &receiver("a", &[]), Some(5)));
}
