//! Whether the wall clock can be right at all.
//!
//! A host without a battery clock boots with a clock that is years behind, until the network sets it. The daemon
//! compares the clock with what it cannot be behind of. After a boot it waits for a clock in doubt: no job runs before.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::Mode;
use super::clock::Reading;
use super::service::{Manager, Signals, Wish};
use crate::units;

/// How long after its boot a host may still have its clock set.
const JUST_BOOTED: TimeDelta = TimeDelta::minutes(10);

/// How long the daemon waits for a clock in doubt.
const WAIT_LIMIT: Duration = Duration::from_secs(120);

/// How often it checks the clock meanwhile.
const WAIT_PAUSE: Duration = Duration::from_secs(1);

/// A clock may be this far behind what was written by it, because it was adjusted in between.
const LEEWAY: TimeDelta = TimeDelta::minutes(1);

/// What a clock that is right cannot be behind of.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClockEvidence {
    /// The newest instant in the ledger.
    pub newest_row: Option<DateTime<Utc>>,
    /// When this program was built, as far as its file says.
    pub built: Option<DateTime<Utc>>,
}

impl ClockEvidence {
    /// Why a clock that shows `now` cannot be right; `None`: it can.
    pub fn doubt(&self, now: DateTime<Utc>) -> Option<String> {
        let behind = |instant: &DateTime<Utc>| now < *instant - LEEWAY;
        if let Some(row) = self.newest_row.filter(behind) {
            return Some(format!(
                "the clock shows {}, and the ledger has a row from {}",
                now.format("%F %T UTC"),
                row.format("%F %T UTC")
            ));
        }
        self.built.filter(behind).map(|built| {
            format!(
                "the clock shows {}, and this program was built on {}",
                now.format("%F %T UTC"),
                built.format("%F")
            )
        })
    }
}

/// When this program was built: the modification time of its file.
pub fn program_built() -> Option<DateTime<Utc>> {
    let file = std::fs::metadata("/proc/self/exe").ok()?;
    file.modified().ok().map(DateTime::from)
}

/// Warns of a clock that cannot be right. Shortly after the host's boot, waits until it is set: until then it may jump
/// by years. Returns the wish that ended the wait, if one did.
pub(super) async fn wait_out_doubt(
    newest_row: Option<DateTime<Utc>>,
    mode: Mode,
    manager: &Manager,
    signals: &mut Signals,
) -> Option<Wish> {
    let evidence = ClockEvidence {
        newest_row,
        built: program_built(),
    };
    let why = evidence.doubt(Utc::now())?;
    if mode == Mode::Once || Reading::now().uptime() >= JUST_BOOTED {
        tracing::warn!("{why}");
        return None;
    }
    tracing::warn!(
        "{why}: waiting up to {} for it to be set; no job runs before",
        units::duration(WAIT_LIMIT)
    );
    manager.waiting(&why, WAIT_LIMIT);
    let wait = wait_until_set(evidence, Utc::now, WAIT_PAUSE, WAIT_LIMIT);
    let mut wait = std::pin::pin!(wait);
    loop {
        tokio::select! {
            set = &mut wait => {
                if set {
                    tracing::info!("the clock is set");
                } else {
                    tracing::warn!("nobody set the clock: going on with what it shows");
                }
                return None;
            }
            wish = signals.next() => {
                if wish != Wish::Rescan {
                    return Some(wish);
                }
            }
        }
    }
}

/// Waits until the clock is beyond doubt, for `limit` at most. True when it is.
async fn wait_until_set(
    evidence: ClockEvidence,
    clock: impl Fn() -> DateTime<Utc>,
    pause: Duration,
    limit: Duration,
) -> bool {
    let begin = Instant::now();
    while evidence.doubt(clock()).is_some() {
        if begin.elapsed() >= limit {
            return false;
        }
        tokio::time::sleep(pause).await;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a small number")
    }

    #[test]
    fn a_clock_behind_the_ledger_or_the_program_is_in_doubt() {
        let evidence = ClockEvidence {
            newest_row: Some(at(1_000_000)),
            built: Some(at(900_000)),
        };
        assert_eq!(evidence.doubt(at(1_000_001)), None);
        assert_eq!(
            evidence.doubt(at(999_970)),
            None,
            "a clock is adjusted now and then"
        );
        assert!(
            evidence
                .doubt(at(950_000))
                .is_some_and(|why| why.contains("the ledger has a row from"))
        );
        let fresh = ClockEvidence {
            newest_row: None,
            ..evidence
        };
        assert_eq!(fresh.doubt(at(950_000)), None);
        assert!(
            fresh
                .doubt(at(0))
                .is_some_and(|why| why.contains("this program was built on"))
        );
        assert_eq!(ClockEvidence::default().doubt(at(0)), None);
    }

    fn newest_row() -> ClockEvidence {
        ClockEvidence {
            newest_row: Some(at(1_000_000)),
            built: None,
        }
    }

    #[tokio::test]
    async fn the_wait_for_a_clock_in_doubt_ends_when_it_is_set() {
        let readings = Cell::new(0);
        let clock = || {
            readings.set(readings.get() + 1);
            at(if readings.get() < 5 { 0 } else { 2_000_000 })
        };
        let far = Duration::from_secs(60);
        assert!(wait_until_set(newest_row(), clock, Duration::from_millis(1), far).await);
        assert_eq!(readings.get(), 5);
    }

    #[tokio::test]
    async fn the_wait_for_a_clock_that_nobody_sets_ends_too() {
        let pause = Duration::from_millis(1);
        let limit = Duration::from_millis(5);
        assert!(!wait_until_set(newest_row(), || at(0), pause, limit).await);
    }
}
