//! The rules of schedules, one test for each sentence that a user relies on.

mod calendars;
mod due;
mod kinds;

use chrono::{DateTime, Utc};
use freezerd::schedule::Schedule;
use freezerd::schedule::fault::Field::{self};
use freezerd::schedule::parse::RawSchedule;
use freezerd::schedule::zone::Zone;

fn schedule(texts: &[(Field, &str)]) -> Schedule {
    let mut raw = RawSchedule::default();
    for (field, text) in texts {
        *raw.slot(*field) = Some(text);
    }
    Schedule::parse(&raw).unwrap_or_else(|faults| panic!("{texts:?}: {faults:?}"))
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn zone(name: &str) -> Zone {
    Zone::bundled(name).expect("a zone")
}

/// The first firings from an instant on, of a job that is created then, as the wall clock shows them.
fn firings(texts: &[(Field, &str)], now: &str, name: &str, count: usize) -> Vec<String> {
    let zone = zone(name);
    schedule(texts)
        .occurrences(at(now), at(now), &zone)
        .take(count)
        .map(|firing| zone.to_local(firing).to_rfc3339())
        .collect()
}
