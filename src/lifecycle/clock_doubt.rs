//! Whether the wall clock can be right: it cannot be behind what has happened already.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

/// A clock may be a little behind what was written by it, when it was adjusted in between.
const LEEWAY: TimeDelta = TimeDelta::minutes(1);

/// Instants that have passed for certain.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownPast {
    /// When the newest row of the ledger was written; `None` where there is no row.
    pub newest_row: Option<DateTime<Utc>>,
    /// When this program was built, as far as its file tells.
    pub program_built: Option<DateTime<Utc>>,
}

/// Why a clock cannot be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockDoubt {
    BehindLedger {
        shown: DateTime<Utc>,
        newest_row: DateTime<Utc>,
    },
    BehindProgram {
        shown: DateTime<Utc>,
        built: DateTime<Utc>,
    },
}

impl KnownPast {
    /// Why a clock that shows this instant cannot be right; `None` where it can.
    pub fn doubt(&self, shown: DateTime<Utc>) -> Option<ClockDoubt> {
        let is_behind = |instant: &DateTime<Utc>| shown < *instant - LEEWAY;
        if let Some(newest_row) = self.newest_row.filter(is_behind) {
            return Some(ClockDoubt::BehindLedger { shown, newest_row });
        }
        self.program_built
            .filter(is_behind)
            .map(|built| ClockDoubt::BehindProgram { shown, built })
    }
}

impl fmt::Display for ClockDoubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClockDoubt::BehindLedger { shown, newest_row } => write!(
                formatter,
                "the clock shows {}, and the ledger has a row from {}",
                shown.format("%F %T UTC"),
                newest_row.format("%F %T UTC")
            ),
            ClockDoubt::BehindProgram { shown, built } => write!(
                formatter,
                "the clock shows {}, and this program was built on {}",
                shown.format("%F %T UTC"),
                built.format("%F")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a small number")
    }

    #[test]
    fn a_clock_behind_the_ledger_or_the_program_is_in_doubt() {
        let past = KnownPast {
            newest_row: Some(at(1_000_000)),
            program_built: Some(at(900_000)),
        };
        assert_eq!(past.doubt(at(1_000_001)), None);
        assert_eq!(
            past.doubt(at(999_970)),
            None,
            "a clock is adjusted now and then"
        );
        let doubt = past.doubt(at(950_000)).expect("it is behind the ledger");
        assert_eq!(
            doubt.to_string(),
            "the clock shows 1970-01-11 23:53:20 UTC, and the ledger has a row from 1970-01-12 13:46:40 UTC"
        );
        let fresh = KnownPast {
            newest_row: None,
            ..past
        };
        assert_eq!(fresh.doubt(at(950_000)), None);
        let doubt = fresh.doubt(at(0)).expect("it is behind the program");
        assert_eq!(
            doubt.to_string(),
            "the clock shows 1970-01-01 00:00:00 UTC, and this program was built on 1970-01-11"
        );
        assert_eq!(KnownPast::default().doubt(at(0)), None);
    }
}
