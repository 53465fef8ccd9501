//! Counts what goes over the line to containers away from this host, and how fast it went lately.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::protocol::Traffic;
use crate::storage::limit::Direction;

/// The rate is that of about this time.
const LATELY: Duration = Duration::from_secs(10);

/// Counts bytes. The threads of an action share it.
#[derive(Default)]
pub struct Counter {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Counter {
    /// These bytes went over the line.
    pub fn count(&self, direction: Direction, bytes: u64) {
        let counter = match direction {
            Direction::Up => &self.sent,
            Direction::Down => &self.received,
        };
        counter.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What went so far: to the servers and from them.
    pub fn so_far(&self) -> (u64, u64) {
        let so_far = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (so_far(&self.sent), so_far(&self.received))
    }
}

/// Derives the rate from counts at several times.
#[derive(Default)]
pub struct Meter {
    /// When, and what went over the line until then. The oldest is about as old as the rate goes back.
    samples: VecDeque<(Instant, (u64, u64))>,
}

impl Meter {
    /// Takes the counts of this instant. `None` until something has gone over the line.
    pub fn at(&mut self, now: Instant, so_far: (u64, u64)) -> Option<Traffic> {
        self.samples.push_back((now, so_far));
        while let Some((second, _)) = self.samples.get(1)
            && now.duration_since(*second) >= LATELY
        {
            self.samples.pop_front();
        }
        let (sent, received) = so_far;
        if sent == 0 && received == 0 {
            return None;
        }
        let (since, before) = self.samples.front()?;
        let seconds = now.duration_since(*since).as_secs_f64();
        let rate = |count: u64, before: u64| match seconds > 0.0 {
            true => (count.saturating_sub(before) as f64 / seconds) as u64,
            false => 0,
        };
        Some(Traffic {
            sent,
            received,
            sent_per_second: rate(sent, before.0),
            received_per_second: rate(received, before.1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_ten_seconds() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut meter = Meter::default();
        assert_eq!(meter.at(at(0), (0, 0)), None);
        let traffic = meter.at(at(5), (500, 50)).unwrap();
        assert_eq!((traffic.sent, traffic.received), (500, 50));
        assert_eq!(
            (traffic.sent_per_second, traffic.received_per_second),
            (100, 10)
        );
        meter.at(at(10), (500, 50));
        let traffic = meter.at(at(20), (520, 50)).unwrap();
        assert_eq!(
            (traffic.sent_per_second, traffic.received_per_second),
            (2, 0)
        );
        assert!(meter.samples.len() < 4, "what is older is forgotten");
    }
}
