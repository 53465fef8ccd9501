//! When a message is sent: not in quiet hours, with others in a digest, and again after a failure.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::audience::hears_every_run;
use crate::schedule::zone::Zone;
use crate::tell::message::{Kind, Message};
use crate::tell::receiver::Receiver;
use crate::tell::times::DigestTime;

/// A message that could not be sent for this long is given up.
pub const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(3);

/// The shortest wait before a message is sent again.
pub const AFTER_A_REFUSAL: TimeDelta = TimeDelta::minutes(1);

/// The longest one.
const LONGEST: TimeDelta = TimeDelta::hours(6);

/// When a message that was made at `now` is first sent.
pub fn first_try(receiver: &Receiver, zone: &Zone, now: DateTime<Utc>) -> DateTime<Utc> {
    let local = zone.to_local(now).naive_local();
    let at = match &receiver.digest {
        Some(digest) => zone.instant(next_digest(digest, local)).max(now),
        None => now,
    };
    after_quiet_hours(receiver, zone, at)
}

/// When a message is sent again after so many tries in vain, the last of them at `now`: after a minute, and each time after
/// twice as long, up to six hours. `at_least` is what the receiver asked for. The id spreads messages over a tenth of the
/// wait.
pub fn next_try(
    receiver: &Receiver,
    zone: &Zone,
    (id, tries): (u64, u32),
    at_least: Option<Duration>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let doublings = tries.saturating_sub(1).min(9);
    let wait = (AFTER_A_REFUSAL * (1 << doublings)).min(LONGEST);
    let asked = at_least.and_then(|wait| TimeDelta::from_std(wait).ok());
    let wait = wait.max(asked.unwrap_or_default().min(LONGEST));
    // Fibonacci hashing: the ids follow each other, and their thousandths do not.
    let thousandths = (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % 1000;
    let spread = wait / 10_000 * thousandths as i32;
    after_quiet_hours(receiver, zone, now + wait + spread)
}

/// The first local time after this one at which a digest is due.
fn next_digest(digest: &DigestTime, local: NaiveDateTime) -> NaiveDateTime {
    let mut days = (1..=7).map(|days| digest.last_before(local + TimeDelta::days(days)));
    days.find(|due| *due > local)
        .unwrap_or(local + TimeDelta::days(7))
}

/// The first instant from this one on that is not in the quiet hours. Where all hours are quiet, there are none.
fn after_quiet_hours(receiver: &Receiver, zone: &Zone, at: DateTime<Utc>) -> DateTime<Utc> {
    if receiver.quiet_hours.is_empty() {
        return at;
    }
    let quiet = |at: DateTime<Utc>| {
        let local = zone.to_local(at).naive_local();
        receiver.quiet_hours.iter().any(|it| it.hold_at(local))
    };
    if !quiet(at) {
        return at;
    }
    let begin = at.timestamp() - at.timestamp().rem_euclid(60);
    (1..=7 * 24 * 60)
        .filter_map(|minutes| DateTime::from_timestamp(begin + minutes * 60, 0))
        .find(|at| !quiet(*at))
        .unwrap_or(at)
}

/// Whether a message that was given up is worth sending after all. The start of a run is not: it was days ago. A check
/// that waits for pings knows only the last ping, so it has to be about the last run of its job, `last_run`.
pub fn is_still_news(message: &Message, receiver: &Receiver, last_run: Option<u64>) -> bool {
    let is_last = || {
        let run = message.run.as_ref().and_then(|run| run.parse().ok());
        run.is_some() && run == last_run
    };
    message.kind != Kind::Started && (!hears_every_run(receiver) || is_last())
}
