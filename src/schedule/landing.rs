//! How a firing relates to what the wall clock was asked to show: for people who wonder about a change of the clock.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::calendar::{Calendar, REACH};
use super::moment::Moment;
use super::zone::Zone;
use super::{Rule, Schedule};

/// What a change of the wall clock did to a firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// Nothing: the clock shows what was asked for, and shows it once.
    AsAsked,
    /// The clock skips the time that was asked for; the firing is later by the length of the gap.
    Moved {
        /// The time that does not exist.
        asked: NaiveDateTime,
        /// The firing is due at this time on its own account too: two became one.
        merged: bool,
    },
    /// The clock shows this time twice, and this is the first pass.
    FirstOfTwo {
        /// There is a firing at the second pass too.
        both: bool,
    },
    /// The clock shows this time twice, and this is the second pass.
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
                    pass(due.timestamp(), zone)
                        .map_or(Landing::AsAsked, |_| Landing::FirstOfTwo { both: false })
                }
            }
            _ => Landing::AsAsked,
        }
    }
}

fn landing_of(calendar: &Calendar, due: i64, zone: &Zone) -> Landing {
    let every_hour = calendar.clock.every_hour();
    match pass(due, zone) {
        Some(Pass::First) => return Landing::FirstOfTwo { both: every_hour },
        Some(Pass::Second) => return Landing::SecondOfTwo,
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

enum Pass {
    First,
    Second,
}

/// Which of two passes an instant is in, if the clock shows its time twice.
fn pass(due: i64, zone: &Zone) -> Option<Pass> {
    let change = zone.change_between(due - REACH, due + REACH)?;
    let (before, after) = (i64::from(change.before), i64::from(change.after));
    let twice = change.at + after..change.at + before;
    if due < change.at {
        twice.contains(&(due + before)).then_some(Pass::First)
    } else {
        twice.contains(&(due + after)).then_some(Pass::Second)
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
    fn a_time_in_a_gap_has_moved_and_says_from_where() {
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
    fn two_firings_that_fall_together_are_one_and_it_says_so() {
        let found = landings(&[(Field::Hour, "2,3")], "2026-03-28T23:00:00Z", 2);
        let merged = Landing::Moved {
            asked: wall("2026-03-29T02:00:00"),
            merged: true,
        };
        assert_eq!(found[0], ("2026-03-29 03:00 +02:00".into(), merged));
        assert_eq!(found[1].0, "2026-03-30 02:00 +02:00");
    }

    #[test]
    fn a_time_that_comes_twice_tells_its_passes() {
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
    fn elapsed_time_lands_where_it_lands() {
        let found = landings(&[(Field::Interval, "1 hours")], "2026-03-28T23:30:00Z", 5);
        assert!(
            found
                .iter()
                .all(|(_, landing)| *landing == Landing::AsAsked)
        );
    }
}
