//! Keeps a clock that is set wrong from taking the history and old snapshots with it.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// A clock that is later by this much was set wrong, or the host was off for long.
const DOUBTFUL: TimeDelta = TimeDelta::days(30);

/// How long nothing is removed by its age after that.
const PAUSE: Duration = Duration::from_secs(24 * 3600);

/// Notices when the clock is much later than it can be.
pub(super) struct ClockGuard {
    /// The last reading, and when it was taken.
    last: (DateTime<Utc>, Instant),
    /// Until then the clock is in doubt.
    doubt: Option<Instant>,
}

impl ClockGuard {
    /// `newest` is the newest instant in the ledger.
    pub(super) fn new(newest: Option<DateTime<Utc>>, now: DateTime<Utc>) -> ClockGuard {
        let mut guard = ClockGuard {
            last: (now, Instant::now()),
            doubt: None,
        };
        if newest.is_some_and(|newest| now - newest > DOUBTFUL) {
            guard.begin_doubt();
        }
        guard
    }

    /// Takes a reading. A clock that went on much further than time did is in doubt.
    pub(super) fn note(&mut self, now: DateTime<Utc>) {
        let (then, instant) = std::mem::replace(&mut self.last, (now, Instant::now()));
        let passed = TimeDelta::from_std(instant.elapsed()).unwrap_or(TimeDelta::MAX);
        if (now - then).checked_sub(&passed) > Some(DOUBTFUL) {
            self.begin_doubt();
        }
        if self.doubt.is_some_and(|until| Instant::now() >= until) {
            self.doubt = None;
        }
    }

    /// Whether nothing may be removed by its age now.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    fn begin_doubt(&mut self) {
        tracing::info!(
            "the clock is more than {} days later than before: for a day, no past run is forgotten and no snapshot is \
             removed by its age",
            DOUBTFUL.num_days()
        );
        self.doubt = Some(Instant::now() + PAUSE);
    }
}
