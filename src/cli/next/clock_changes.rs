//! The changes of a zone's clock, in words.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::schedule::zone::{SINGLE_CHANGE_SPAN, Zone};
use crate::units;

/// A time of day, with seconds only if they are not zero.
pub fn time_of_day(wall: NaiveDateTime) -> String {
    let format = if wall.format("%S%.f").to_string() == "00" {
        "%H:%M"
    } else {
        "%H:%M:%S"
    };
    wall.format(format).to_string()
}

/// The changes of a zone's offset between two instants: when, and in words. Empty if the instants are more than three
/// years apart.
pub fn clock_changes(
    zone: &Zone,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, String)> {
    const FARTHEST: i64 = 3 * 366 * 86_400;
    let (mut at, end) = (from.timestamp(), until.timestamp());
    let mut found = Vec::new();
    if end.saturating_sub(at) > FARTHEST {
        return found;
    }
    while at < end {
        let step = end.min(at.saturating_add(SINGLE_CHANGE_SPAN));
        if let Some(change) = zone.change_between(at, step)
            && let Some(instant) = DateTime::from_timestamp(change.at, 0)
        {
            let by = i64::from(change.after) - i64::from(change.before);
            let offset = |seconds: i32| {
                chrono::FixedOffset::east_opt(seconds).map_or_else(String::new, |it| it.to_string())
            };
            let wall = DateTime::from_timestamp(change.at + i64::from(change.before), 0)
                .map_or_else(String::new, |wall| time_of_day(wall.naive_utc()));
            let words = format!(
                "clocks go {} by {} at {wall} ({} → {})",
                if by > 0 { "forward" } else { "back" },
                units::duration(Duration::from_secs(by.unsigned_abs())),
                offset(change.before),
                offset(change.after)
            );
            found.push((instant, words));
        }
        at = step;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_the_clock_are_described_in_words() {
        let changes = clock_changes(
            &Zone::bundled("Europe/Berlin").expect("a zone"),
            "2026-01-01T00:00:00Z".parse().expect("an instant"),
            "2027-01-01T00:00:00Z".parse().expect("an instant"),
        );
        let words: Vec<&str> = changes.iter().map(|(_, words)| words.as_str()).collect();
        assert_eq!(
            words,
            [
                "clocks go forward by 1 h at 02:00 (+01:00 → +02:00)",
                "clocks go back by 1 h at 03:00 (+02:00 → +01:00)"
            ]
        );
    }
}
