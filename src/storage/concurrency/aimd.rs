//! How many requests at a time a server gets. Pure: it gets the times of what happened.
//!
//! The number is halved when the server wants fewer, and one is added after a time without that: additive increase,
//! multiplicative decrease, as the senders of TCP do it.

use std::time::Duration;

/// What has become of the number. Only what is worth telling: the first of several steps down, and that all of it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The server wants fewer requests at a time than all. It gets this many for now.
    Fewer { now: usize, most: usize },
    /// The server takes all requests again.
    AllAgain { most: usize },
}

/// The number of requests at a time. All times count from one fixed instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aimd {
    most: usize,
    allowed: usize,
    /// When the number last changed, or the server last wanted fewer.
    since: Duration,
    /// For how long the server must take what it gets before it gets one more.
    step: Duration,
    /// It was told that the server gets fewer, and not that it gets all again.
    is_told: bool,
}

impl Aimd {
    /// At first, the server gets the most. That is at least one.
    pub fn new(most: usize, step: Duration) -> Aimd {
        let most = most.max(1);
        Aimd {
            most,
            allowed: most,
            since: Duration::ZERO,
            step,
            is_told: false,
        }
    }

    /// The number that is never exceeded.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many requests may be under way now.
    pub fn allowed(&self) -> usize {
        self.allowed
    }

    /// The server wanted fewer, in answer to a request that was sent at `sent`.
    pub fn overloaded(&mut self, sent: Duration, now: Duration) -> Option<Change> {
        // Requests that were under way together are refused together. They count once.
        let counts = self.allowed == self.most || sent >= self.since;
        let to = match counts {
            true => self.allowed / 2,
            false => self.allowed,
        };
        self.lower(to, now)
    }

    /// The server has this many connections, and refused one more.
    #[cfg(any(test, feature = "ftp", feature = "sftp"))]
    pub fn refused_above(&mut self, open: usize, now: Duration) -> Option<Change> {
        self.lower(self.allowed.min(open), now)
    }

    /// The server did what a request wanted that was sent at `sent`.
    pub fn succeeded(&mut self, sent: Duration, now: Duration) -> Option<Change> {
        let is_quiet = sent >= self.since && now.saturating_sub(self.since) >= self.step;
        if !self.is_told || !is_quiet {
            return None;
        }
        self.since = now;
        if self.allowed < self.most {
            self.allowed += 1;
            return None;
        }
        // It has taken all of them for a while. One that refuses the last connection each time is not told each time.
        self.is_told = false;
        Some(Change::AllAgain { most: self.most })
    }

    fn lower(&mut self, to: usize, now: Duration) -> Option<Change> {
        self.allowed = to.max(1);
        self.since = now;
        if self.is_told || self.allowed == self.most {
            return None;
        }
        self.is_told = true;
        Some(Change::Fewer {
            now: self.allowed,
            most: self.most,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_secs(30);

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_server_that_wants_fewer_gets_half_and_never_less_than_one() {
        let mut aimd = Aimd::new(5, STEP);
        let fewer = Change::Fewer { now: 2, most: 5 };
        assert_eq!(aimd.overloaded(at(1), at(2)), Some(fewer));
        assert_eq!(aimd.overloaded(at(3), at(4)), None, "it is told once");
        assert_eq!(aimd.allowed(), 1);
        assert_eq!(aimd.overloaded(at(5), at(6)), None);
        assert_eq!(aimd.allowed(), 1);
    }

    #[test]
    fn requests_that_were_under_way_together_count_once() {
        let mut aimd = Aimd::new(8, STEP);
        assert!(aimd.overloaded(at(1), at(3)).is_some());
        for _ in 1..8 {
            assert_eq!(aimd.overloaded(at(2), at(4)), None);
        }
        assert_eq!(aimd.allowed(), 4);
    }

    #[test]
    fn one_more_is_tried_after_each_quiet_time_and_all_again_is_told_once() {
        let mut aimd = Aimd::new(4, STEP);
        aimd.overloaded(at(0), at(10));
        assert_eq!(aimd.succeeded(at(11), at(39)), None);
        assert_eq!(aimd.allowed(), 2);
        assert_eq!(aimd.succeeded(at(39), at(40)), None);
        assert_eq!(aimd.allowed(), 3);
        assert_eq!(aimd.succeeded(at(40), at(41)), None, "only one more");
        assert_eq!(aimd.allowed(), 3);
        assert_eq!(aimd.succeeded(at(69), at(70)), None);
        assert_eq!(aimd.allowed(), 4);
        let all = Change::AllAgain { most: 4 };
        assert_eq!(aimd.succeeded(at(99), at(100)), Some(all));
        assert_eq!(aimd.succeeded(at(200), at(201)), None);
        assert_eq!(aimd.allowed(), 4, "never above the most");
    }

    #[test]
    fn a_time_in_which_the_server_wants_fewer_again_is_not_quiet() {
        let mut aimd = Aimd::new(4, STEP);
        aimd.overloaded(at(0), at(0));
        aimd.overloaded(at(20), at(25));
        assert_eq!(aimd.succeeded(at(26), at(54)), None);
        assert_eq!(aimd.allowed(), 1);
        // It was sent before the server wanted fewer, and says nothing of the time since.
        assert_eq!(aimd.succeeded(at(24), at(60)), None);
        assert_eq!(aimd.allowed(), 1);
        aimd.succeeded(at(50), at(60));
        assert_eq!(aimd.allowed(), 2);
    }

    #[test]
    fn a_server_that_refuses_one_more_connection_gets_as_many_as_it_has() {
        let mut aimd = Aimd::new(5, STEP);
        let fewer = Change::Fewer { now: 3, most: 5 };
        assert_eq!(aimd.refused_above(3, at(1)), Some(fewer));
        assert_eq!(aimd.refused_above(4, at(2)), None);
        assert_eq!(aimd.allowed(), 3);
        assert_eq!(aimd.refused_above(0, at(2)), None);
        assert_eq!(aimd.allowed(), 1);
    }

    #[test]
    fn a_server_that_refuses_the_last_connection_again_and_again_is_told_once() {
        let mut aimd = Aimd::new(5, STEP);
        assert!(aimd.refused_above(4, at(0)).is_some());
        for minute in 1..60 {
            let now = at(minute * 60);
            assert_eq!(aimd.succeeded(now, now), None);
            assert_eq!(aimd.allowed(), 5);
            assert_eq!(aimd.refused_above(4, now), None);
            assert_eq!(aimd.allowed(), 4);
        }
    }

    #[test]
    fn a_single_request_at_a_time_stays_and_nothing_is_told() {
        let mut aimd = Aimd::new(0, STEP);
        assert_eq!(aimd.overloaded(at(1), at(1)), None);
        assert_eq!(aimd.succeeded(at(90), at(91)), None);
        assert_eq!((aimd.allowed(), aimd.most()), (1, 1));
    }
}
