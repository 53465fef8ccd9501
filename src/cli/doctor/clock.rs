//! The clock and the zone: what every schedule goes by.

use chrono::{DateTime, Utc};

use super::finding::{Finding, Level};
use crate::daemon::clock_doubt::{ClockEvidence, program_built};
use crate::os;
use crate::schedule::zone::Zone;

/// What is known of the clock.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The kernel holds it for synchronised; an error where it does not say.
    pub synchronised: Result<bool, String>,
    /// Why it cannot be right.
    pub doubt: Option<String>,
    pub zone: String,
    pub zone_source: String,
    pub zone_assumed: bool,
}

pub fn look(newest_row: Option<DateTime<Utc>>, zone: &Zone) -> Clock {
    let evidence = ClockEvidence {
        newest_row,
        built: program_built(),
    };
    Clock {
        synchronised: os::clock_is_synchronised().map_err(|error| os::reason(&error)),
        doubt: evidence.doubt(Utc::now()),
        zone: zone.name().to_owned(),
        zone_source: zone.source().to_owned(),
        zone_assumed: zone.is_assumed(),
    }
}

pub fn judge(clock: &Clock) -> Vec<Finding> {
    let finding =
        |level, message: String| Finding::new("clock", level, "the host's clock", message);
    let mend = "set it, and keep it right: `timedatectl set-ntp true`, or another time service";
    let first = match (&clock.doubt, &clock.synchronised) {
        (Some(doubt), _) => finding(Level::Error, doubt.clone()).help(mend),
        (None, Ok(true)) => finding(Level::Ok, "it is synchronised".to_owned()),
        (None, Ok(false)) => finding(
            Level::Warning,
            "nothing keeps it right: it is not synchronised".to_owned(),
        )
        .help(mend),
        (None, Err(reason)) => finding(
            Level::Info,
            format!("the kernel does not say whether it is synchronised: {reason}"),
        ),
    };
    let zone = if clock.zone_assumed {
        Finding::new(
            "zone",
            Level::Warning,
            &clock.zone,
            format!(
                "the host's time zone cannot be told ({}): schedules are read in {}",
                clock.zone_source, clock.zone
            ),
        )
        .help("`timedatectl set-timezone Europe/Berlin`, or set `timezone` in freezerd.toml")
    } else {
        Finding::new(
            "zone",
            Level::Ok,
            &clock.zone,
            format!(
                "schedules are read in {} ({})",
                clock.zone, clock.zone_source
            ),
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
            doubt: doubt.then(|| "it shows 1970".to_owned()),
            zone: "UTC".to_owned(),
            zone_source: "somewhere".to_owned(),
            zone_assumed: assumed,
        };
        let findings = judge(&clock);
        [findings[0].level, findings[1].level]
    }

    #[test]
    fn a_clock_that_cannot_be_right_is_worse_than_one_that_nobody_keeps() {
        assert_eq!(levels(Ok(true), false, false), [Level::Ok, Level::Ok]);
        assert_eq!(levels(Ok(false), false, false)[0], Level::Warning);
        assert_eq!(levels(Err("no".to_owned()), false, false)[0], Level::Info);
        assert_eq!(levels(Ok(true), true, false)[0], Level::Error);
        assert_eq!(levels(Ok(true), false, true)[1], Level::Warning);
    }
}
