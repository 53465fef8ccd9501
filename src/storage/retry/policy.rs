//! When a request is tried again. Pure: it gets the times, and returns how long to wait.

use std::time::Duration;

/// How patient the tries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The wait before the second try. Each further one is twice as long.
    pub first_wait: Duration,
    /// No wait is longer.
    pub longest_wait: Duration,
    /// For how long failures in a row are borne before the storage has answered once: a wrong address shows early.
    pub opening: Duration,
    /// For how long failures in a row are borne after that.
    pub patience: Duration,
    /// The same for the removal of a lock file. It often happens while the process ends, which must not take long.
    pub unlocking: Duration,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            opening: Duration::from_secs(10),
            patience: Duration::from_secs(15 * 60),
            unlocking: Duration::from_secs(5),
        }
    }
}

impl Policy {
    /// The wait before the next try; `None`: no more tries. `tries` have failed, and `elapsed` is the time since the
    /// first of them began. There is always a second try: a single one may have used up all the time.
    pub(super) fn wait(
        &self,
        tries: u32,
        elapsed: Duration,
        patience: Duration,
    ) -> Option<Duration> {
        if tries > 1 && elapsed >= patience {
            return None;
        }
        let factor = 1_u32
            .checked_shl(tries.saturating_sub(1))
            .unwrap_or(u32::MAX);
        Some(
            self.first_wait
                .saturating_mul(factor)
                .min(self.longest_wait),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn each_wait_is_twice_as_long_up_to_the_longest() {
        let policy = Policy::default();
        let waits: Vec<u64> = (1..=9)
            .filter_map(|tries| policy.wait(tries, seconds(0), policy.patience))
            .map(|wait| wait.as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(
            policy.wait(u32::MAX, seconds(0), seconds(1)),
            Some(seconds(60))
        );
    }

    #[test]
    fn the_time_decides_when_it_is_enough_and_there_is_always_a_second_try() {
        let policy = Policy::default();
        assert_eq!(
            policy.wait(1, seconds(4000), seconds(900)),
            Some(seconds(1))
        );
        assert_eq!(policy.wait(2, seconds(899), seconds(900)), Some(seconds(2)));
        assert_eq!(policy.wait(2, seconds(900), seconds(900)), None);
    }
}
