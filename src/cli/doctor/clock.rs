//! The clock and the zone, which decide when a job is due.

use chrono::{DateTime, Utc};

use super::finding::{Finding, Level};
use crate::lifecycle::clock_doubt::{ClockDoubt, KnownPast};
use crate::os;
use crate::schedule::zone::{Zone, inverted};

/// The state of the clock and the zone.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Whether the kernel considers the clock synchronized. The error is the reason why the kernel cannot be asked.
    pub synchronised: Result<bool, String>,
    /// Why the clock is wrong for certain; `None` if it may be right.
    pub doubt: Option<ClockDoubt>,
    pub zone: String,
    pub zone_source: String,
    pub zone_assumed: bool,
}

/// Reads the clock, and compares it with what the ledger and the program know.
pub fn inspect(newest_row: Option<DateTime<Utc>>, zone: &Zone) -> Clock {
    let past = KnownPast {
        newest_row,
        program_built: os::program_built().map(DateTime::from),
    };
    Clock {
        synchronised: os::clock_is_synchronised().map_err(|error| os::reason(&error)),
        doubt: past.doubt(Utc::now()),
        zone: zone.name().to_owned(),
        zone_source: zone.source().to_owned(),
        zone_assumed: zone.is_assumed(),
    }
}

/// What the clock and the zone mean for schedules.
pub fn clock_findings(clock: &Clock) -> Vec<Finding> {
    let finding =
        |level, message: String| Finding::new("clock", level, "the host's clock", message);
    let advice =
        "set the clock and synchronize it: `timedatectl set-ntp true`, or another time service";
    let first = match (&clock.doubt, &clock.synchronised) {
        (Some(doubt), _) => finding(Level::Error, doubt.to_string()).help(advice),
        (None, Ok(true)) => finding(Level::Ok, "it is synchronized".to_owned()),
        (None, Ok(false)) => finding(
            Level::Warning,
            "it is not synchronized, so it may drift".to_owned(),
        )
        .help(advice),
        (None, Err(reason)) => finding(
            Level::Info,
            format!("the kernel does not report whether it is synchronized: {reason}"),
        ),
    };
    let zone = if clock.zone_assumed {
        Finding::new(
            "zone",
            Level::Warning,
            &clock.zone,
            format!(
                "the host's time zone is unknown ({}); schedules use {}",
                clock.zone_source, clock.zone
            ),
        )
        .help("set the zone of the host (`timedatectl set-timezone Europe/Berlin`), or `timezone` in freezerd.toml")
    } else if let Some((what, other)) = inverted(&clock.zone) {
        let message = format!(
            "schedules use {}, which is {what} Greenwich: its sign is the other way round",
            clock.zone
        );
        Finding::new("zone", Level::Info, &clock.zone, message).help(format!(
            "if you mean the other direction, write `{other}`; a city, as `Europe/Berlin`, follows its clocks in summer, too"
        ))
    } else {
        Finding::new(
            "zone",
            Level::Ok,
            &clock.zone,
            format!("schedules use {} ({})", clock.zone, clock.zone_source),
        )
    };
    vec![first, zone]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(synchronised: Result<bool, String>, doubt: bool, assumed: bool) -> [Level; 2] {
        let clock = Clock {
            synchronised,
            doubt: doubt.then_some(ClockDoubt::BehindLedger {
                shown: DateTime::UNIX_EPOCH,
                newest_row: DateTime::UNIX_EPOCH,
            }),
            zone: "UTC".to_owned(),
            zone_source: "somewhere".to_owned(),
            zone_assumed: assumed,
        };
        let findings = clock_findings(&clock);
        [findings[0].level, findings[1].level]
    }

    #[test]
    fn a_clock_that_cannot_be_right_is_worse_than_one_without_synchronisation() {
        assert_eq!(levels(Ok(true), false, false), [Level::Ok, Level::Ok]);
        assert_eq!(levels(Ok(false), false, false)[0], Level::Warning);
        assert_eq!(levels(Err("no".to_owned()), false, false)[0], Level::Info);
        assert_eq!(levels(Ok(true), true, false)[0], Level::Error);
        assert_eq!(levels(Ok(true), false, true)[1], Level::Warning);
    }
}
