//! When a request is tried again. Pure: it gets the times, and returns how long to wait.

use std::time::Duration;

/// A server that cannot be reached is tried this often, so that an action begins soon after the network is there.
const NETWORK: Duration = Duration::from_secs(10);

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

/// What a request stands for, as far as patience goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It removes a lock file.
    Unlocking,
    /// The storage has not answered once.
    Opening,
    /// The same, and there is no way to the server. It is waited for so long.
    NoNetwork(Duration),
    /// The storage has answered before.
    Answering,
}

impl Policy {
    /// For how long failures in a row are borne.
    pub(super) fn patience(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Unlocking => self.unlocking,
            Stage::Opening => self.opening,
            Stage::NoNetwork(limit) => limit,
            Stage::Answering => self.patience,
        }
    }

    /// The wait before the next try; `None`: no more tries. `tries` have failed, and `elapsed` is the time since the
    /// first of them began. There is always a second try, because a single one may have used up all the time; but not where
    /// the server has not answered once. A wait is as long as the server wants, if that is within the time and not longer
    /// than the longest wait.
    pub(super) fn wait(
        &self,
        tries: u32,
        elapsed: Duration,
        stage: Stage,
        wanted: Option<Duration>,
    ) -> Option<Duration> {
        let left = self.patience(stage).saturating_sub(elapsed);
        let ends_here = tries > 1 || stage == Stage::Opening;
        if left.is_zero() && ends_here {
            return None;
        }
        let longest = match stage {
            Stage::NoNetwork(_) => self.longest_wait.min(NETWORK),
            Stage::Unlocking | Stage::Opening | Stage::Answering => self.longest_wait,
        };
        let factor = 1_u32
            .checked_shl(tries.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let wait = self.first_wait.saturating_mul(factor).min(longest);
        let wanted = wanted.unwrap_or_default().min(self.longest_wait);
        // The last try is at the end of the time.
        Some(match left.is_zero() {
            true => wait,
            false => wait.max(wanted).min(left),
        })
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
            .filter_map(|tries| policy.wait(tries, seconds(0), Stage::Answering, None))
            .map(|wait| wait.as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(
            policy.wait(u32::MAX, seconds(0), Stage::Unlocking, None),
            Some(policy.unlocking)
        );
    }

    #[test]
    fn the_time_decides_when_it_is_enough_and_there_is_a_second_try_after_an_answer() {
        let policy = Policy::default();
        for (stage, patience) in [
            (Stage::Unlocking, 5),
            (Stage::Opening, 10),
            (Stage::NoNetwork(seconds(600)), 600),
            (Stage::Answering, 900),
        ] {
            let wait = |tries, elapsed| policy.wait(tries, seconds(elapsed), stage, None);
            let second = (stage != Stage::Opening).then_some(seconds(1));
            assert_eq!(wait(1, 4000), second, "{stage:?}");
            assert_eq!(wait(2, patience - 2), Some(seconds(2)), "{stage:?}");
            assert_eq!(wait(2, patience - 1), Some(seconds(1)), "{stage:?}");
            assert_eq!(wait(2, patience), None, "{stage:?}");
        }
    }

    #[test]
    fn a_server_that_cannot_be_reached_is_tried_often() {
        let stage = Stage::NoNetwork(seconds(600));
        let waits: Vec<u64> = (1..=6)
            .filter_map(|tries| Policy::default().wait(tries, seconds(0), stage, None))
            .map(|wait| wait.as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
    }

    #[test]
    fn the_server_is_left_alone_as_it_wants_but_not_for_longer_than_there_is_time() {
        let policy = Policy {
            patience: seconds(20),
            ..Policy::default()
        };
        let wait = |elapsed, wanted| {
            policy.wait(2, seconds(elapsed), Stage::Answering, Some(seconds(wanted)))
        };
        assert_eq!(wait(0, 10), Some(seconds(10)));
        assert_eq!(wait(0, 0), Some(seconds(2)));
        assert_eq!(wait(0, 3600), Some(seconds(20)));
        assert_eq!(wait(15, 3600), Some(seconds(5)));
        assert_eq!(wait(20, 3600), None);
        let patient = Policy::default().wait(2, seconds(0), Stage::Answering, Some(seconds(3600)));
        assert_eq!(patient, Some(seconds(60)));
    }
}
