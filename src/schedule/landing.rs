//! What a change of the wall clock did to a firing, so that `freezerd next` can explain it.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::calendar::{Calendar, REACH};
use super::moment::Moment;
use super::zone::Zone;
use super::{Rule, Schedule};

/// What a change of the wall clock did to a firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// Nothing: the clock shows the scheduled time, and shows it once.
    AsAsked,
    /// The clock skips the scheduled time. The firing is later by the length of the gap.
    Moved {
        /// The time that does not exist.
        asked: NaiveDateTime,
        /// Another firing is scheduled for this time. The two are one.
        merged: bool,
    },
    /// The clock shows this time twice, and this is the first time.
    FirstOfTwo {
        /// The schedule fires at the second time too.
        both: bool,
    },
    /// The clock shows this time twice, and this is the second time.
    SecondOfTwo,
}

impl Schedule {
    /// What a change of the wall clock did to the firing at `due`, which must be one of this schedule's.
    pub fn landing(&self, due: DateTime<Utc>, host_zone: &Zone) -> Landing {
        let zone = self.zone_or(host_zone);
        match &self.rule {
            Rule::Calendar(calendar) => landing_of(calendar, due.timestamp(), zone),
            Rule::Date(Moment::Wall(asked)) => {
                if zone.to_local(due).naive_local() != *asked {
                    Landing::Moved {
                        asked: *asked,
                        merged: false,
                    }
                } else {
                    repetition(due.timestamp(), zone)
                        .map_or(Landing::AsAsked, |_| Landing::FirstOfTwo { both: false })
                }
            }
            _ => Landing::AsAsked,
        }
    }
}

fn landing_of(calendar: &Calendar, due: i64, zone: &Zone) -> Landing {
    let every_hour = calendar.clock.every_hour();
    match repetition(due, zone) {
        Some(Repetition::First) => return Landing::FirstOfTwo { both: every_hour },
        Some(Repetition::Second) => return Landing::SecondOfTwo,
        None => {}
    }
    let Some(change) = zone
        .change_between(due - REACH, due)
        .filter(|_| !every_hour)
    else {
        return Landing::AsAsked;
    };
    let (before, after) = (i64::from(change.before), i64::from(change.after));
    let reading = due + before;
    let lost = change.at + before..change.at + after;
    match DateTime::from_timestamp(reading, 0) {
        Some(asked) if lost.contains(&reading) && calendar.wants(reading) => Landing::Moved {
            asked: asked.naive_utc(),
            merged: calendar.wants(due + after),
        },
        _ => Landing::AsAsked,
    }
}

/// Which of the two times that the clock shows.
enum Repetition {
    First,
    Second,
}

/// Whether an instant is the first or the second of its time. `None`: the clock shows this time once.
fn repetition(due: i64, zone: &Zone) -> Option<Repetition> {
    let change = zone.change_between(due - REACH, due + REACH)?;
    let (before, after) = (i64::from(change.before), i64::from(change.after));
    let twice = change.at + after..change.at + before;
    if due < change.at {
        twice.contains(&(due + before)).then_some(Repetition::First)
    } else {
        twice.contains(&(due + after)).then_some(Repetition::Second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::fault::Field;
    use crate::schedule::parse::RawSchedule;

    fn landings(fields: &[(Field, &str)], from: &str, count: usize) -> Vec<(String, Landing)> {
        let mut raw = RawSchedule::default();
        for (field, text) in fields {
            *raw.slot(*field) = Some(text);
        }
        let schedule = Schedule::parse(&raw).expect("a valid schedule");
        let zone = Zone::bundled("Europe/Berlin").expect("a zone");
        let from = from.parse().expect("an instant");
        schedule
            .occurrences(from, from, &zone)
            .take(count)
            .map(|due| {
                let local = zone.to_local(due).format("%F %H:%M %:z").to_string();
                (local, schedule.landing(due, &zone))
            })
            .collect()
    }

    fn wall(text: &str) -> NaiveDateTime {
        text.parse().expect("a wall time")
    }

    #[test]
    fn a_time_in_a_gap_is_moved_and_keeps_the_scheduled_time() {
        let asked = wall("2026-03-29T02:30:00");
        let daily = [(Field::Hour, "2"), (Field::Minute, "30")];
        let found = landings(&daily, "2026-03-28T00:00:00Z", 3);
        assert_eq!(found[0].1, Landing::AsAsked);
        let moved = Landing::Moved {
            asked,
            merged: false,
        };
        assert_eq!(found[1], ("2026-03-29 03:30 +02:00".into(), moved));
        assert_eq!(found[2].1, Landing::AsAsked);
        let date = landings(
            &[(Field::Date, "2026-03-29T02:30:00")],
            "2026-03-28T00:00:00Z",
            1,
        );
        assert_eq!(date[0].1, moved);
    }

    #[test]
    fn two_firings_at_the_same_instant_are_merged() {
        let found = landings(&[(Field::Hour, "2,3")], "2026-03-28T23:00:00Z", 2);
        let merged = Landing::Moved {
            asked: wall("2026-03-29T02:00:00"),
            merged: true,
        };
        assert_eq!(found[0], ("2026-03-29 03:00 +02:00".into(), merged));
        assert_eq!(found[1].0, "2026-03-30 02:00 +02:00");
    }

    #[test]
    fn a_time_that_comes_twice_is_the_first_or_the_second() {
        let daily = [(Field::Hour, "2"), (Field::Minute, "30")];
        let found = landings(&daily, "2026-10-24T22:00:00Z", 1);
        let once = Landing::FirstOfTwo { both: false };
        assert_eq!(found[0], ("2026-10-25 02:30 +02:00".into(), once));
        let hourly = landings(&[(Field::Minute, "30")], "2026-10-24T23:59:00Z", 4);
        let passes: Vec<Landing> = hourly.iter().map(|(_, landing)| *landing).collect();
        assert_eq!(
            passes,
            [
                Landing::FirstOfTwo { both: true },
                Landing::SecondOfTwo,
                Landing::AsAsked,
                Landing::AsAsked
            ]
        );
    }

    #[test]
    fn an_interval_is_never_moved() {
        let found = landings(&[(Field::Interval, "1 hours")], "2026-03-28T23:30:00Z", 5);
        assert!(
            found
                .iter()
                .all(|(_, landing)| *landing == Landing::AsAsked)
        );
    }
}
