//! The wait for a wall clock that cannot be right.
//!
//! A host without a battery clock boots with a clock that is years behind, until the network sets it. The daemon
//! compares the clock with what it cannot be behind of. After a boot it waits for a clock in doubt: no job runs before.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::Mode;
use super::clock::Reading;
use super::service::{Manager, Signals, Wish};
use crate::lifecycle::clock_doubt::KnownPast;
use crate::os;
use crate::units;

/// How long after its boot a host may still have its clock set.
const JUST_BOOTED: TimeDelta = TimeDelta::minutes(10);

/// How long the daemon waits for a clock in doubt.
const WAIT_LIMIT: Duration = Duration::from_secs(120);

/// How often it checks the clock meanwhile.
const WAIT_PAUSE: Duration = Duration::from_secs(1);

/// Warns of a clock that cannot be right. Shortly after the host's boot, waits until it is set: until then it may jump
/// by years. Returns the wish that ended the wait, if one did.
pub(super) async fn wait_out_doubt(
    newest_row: Option<DateTime<Utc>>,
    mode: Mode,
    manager: &Manager,
    signals: &mut Signals,
) -> Option<Wish> {
    let past = KnownPast {
        newest_row,
        program_built: os::program_built().map(DateTime::from),
    };
    let why = past.doubt(Utc::now())?;
    if mode == Mode::Once || Reading::now().uptime() >= JUST_BOOTED {
        tracing::warn!("{why}");
        return None;
    }
    tracing::warn!(
        "{why}: waiting up to {} for it to be set; no job runs before",
        units::duration(WAIT_LIMIT)
    );
    manager.waiting(&why.to_string(), WAIT_LIMIT);
    let wait = wait_until_set(past, Utc::now, WAIT_PAUSE, WAIT_LIMIT);
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
    past: KnownPast,
    clock: impl Fn() -> DateTime<Utc>,
    pause: Duration,
    limit: Duration,
) -> bool {
    let begin = Instant::now();
    while past.doubt(clock()).is_some() {
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

    fn newest_row() -> KnownPast {
        KnownPast {
            newest_row: Some(at(1_000_000)),
            program_built: None,
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
