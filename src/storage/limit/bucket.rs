//! Decides when bytes may pass. Pure: it gets the time, and returns how long to wait.

use std::num::NonZeroU64;
use std::time::Duration;

/// What was not used during this time may be used at once.
pub(super) const BURST: Duration = Duration::from_millis(100);

/// A token bucket: a number of bytes a second, and what was let through so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    rate: NonZeroU64,
    /// Until then, everything that was let through takes at this rate.
    busy_until: Duration,
}

impl Bucket {
    /// A bucket for so many bytes a second, which has let nothing through yet.
    pub(super) fn new(rate: NonZeroU64) -> Bucket {
        Bucket {
            rate,
            busy_until: Duration::ZERO,
        }
    }

    /// The same bucket at another rate.
    pub(super) fn at(self, rate: NonZeroU64) -> Bucket {
        Bucket { rate, ..self }
    }

    /// Lets so many bytes through. Returns how long they have to wait. `now` is the time since any fixed instant.
    pub(super) fn pass(&mut self, bytes: u64, now: Duration) -> Duration {
        let start = self.busy_until.max(now.saturating_sub(BURST));
        self.busy_until = start.saturating_add(self.time_for(bytes));
        self.busy_until.saturating_sub(now)
    }

    /// The most bytes that should wait together. Larger amounts pass in pieces, so that threads take turns.
    pub(super) fn piece(&self) -> u64 {
        (self.rate.get() / 4).max(1)
    }

    fn time_for(&self, bytes: u64) -> Duration {
        let rate = u128::from(self.rate.get());
        let nanoseconds = (u128::from(bytes) * 1_000_000_000).div_ceil(rate);
        let seconds = u64::try_from(nanoseconds / 1_000_000_000).unwrap_or(u64::MAX);
        Duration::new(seconds, (nanoseconds % 1_000_000_000) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn bucket(rate: u64) -> Bucket {
        Bucket::new(NonZeroU64::new(rate).unwrap())
    }

    #[test]
    fn bytes_wait_until_all_before_them_have_passed() {
        let mut bucket = bucket(1000);
        assert_eq!(bucket.pass(500, Duration::ZERO), SECOND / 2);
        // Another thread asks at the same time.
        assert_eq!(bucket.pass(500, Duration::ZERO), SECOND);
        assert_eq!(bucket.pass(1000, SECOND), SECOND);
        assert_eq!(bucket.pass(0, 2 * SECOND), Duration::ZERO);
    }

    #[test]
    fn an_idle_time_is_not_saved_up() {
        let mut bucket = bucket(1000);
        bucket.pass(1, Duration::ZERO);
        let wait = bucket.pass(1000, 3600 * SECOND);
        assert_eq!(wait, SECOND - BURST);
    }

    #[test]
    fn at_no_moment_have_more_bytes_passed_than_the_rate_allows() {
        let mut random = fastrand::Rng::with_seed(1);
        for rate in [1, 7, 1000, 1 << 20, u64::MAX] {
            let mut bucket = bucket(rate);
            let mut now = Duration::ZERO;
            let mut passed = 0_u128;
            for _ in 0..1000 {
                let bytes = random.u64(..rate.min(1 << 40) * 2);
                now += bucket.pass(bytes, now);
                passed += u128::from(bytes);
                let allowed = u128::from(rate) * (now + BURST).as_nanos() / 1_000_000_000;
                assert!(passed <= allowed + 1, "{rate}: {passed} > {allowed}");
                now += Duration::from_micros(random.u64(..300_000));
            }
        }
    }

    #[test]
    fn any_number_of_bytes_is_a_time() {
        assert!(bucket(1).pass(u64::MAX, SECOND) > SECOND);
        assert_eq!(bucket(1).pass(1, Duration::MAX), Duration::ZERO);
        assert_eq!(bucket(u64::MAX).pass(1, Duration::ZERO).as_nanos(), 1);
    }
}
