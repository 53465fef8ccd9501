//! Limits on the bytes a second that go to and come from a storage.
//!
//! A [`Pace`] is shared by all threads of an action. A storage far away asks it for every piece of a body that it sends
//! or receives. [`Limited`] does the same for a storage that moves whole files.

use std::fmt;

use super::FileKind;

mod bucket;
mod limited;
mod throttle;

pub use limited::Limited;
pub use throttle::Throttle;

/// The limits on the way to a storage and on the way from it.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// `None`: no limit.
    pub upload: Option<Throttle>,
    /// `None`: no limit.
    pub download: Option<Throttle>,
}

/// The way that bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the storage.
    Up,
    /// From the storage.
    Down,
}

/// Keeps the limits of an action. The threads of the action share it.
pub struct Pace {
    limits: Limits,
    moved: Box<dyn Fn(Direction, u64) + Send + Sync>,
}

impl Pace {
    /// `moved` is called each time that some bytes have passed: where to, and how many. So a slow transfer is not taken for
    /// a stall.
    pub fn new(limits: Limits, moved: impl Fn(Direction, u64) + Send + Sync + 'static) -> Pace {
        Pace {
            limits,
            moved: Box::new(moved),
        }
    }

    /// Waits until so many bytes may go. Lock files count, and never wait: a lock that is refreshed too late is lost,
    /// and one that is removed too late keeps others waiting.
    pub fn pass(&self, direction: Direction, kind: FileKind, bytes: usize) {
        let moved = |bytes| (self.moved)(direction, bytes);
        match self.throttle(direction) {
            Some(throttle) => throttle.pass(bytes as u64, kind == FileKind::Lock, &moved),
            None => moved(bytes as u64),
        }
    }

    /// Whether there is a limit on this way. If so, the bytes should pass in small pieces.
    pub fn limits(&self, direction: Direction) -> bool {
        self.throttle(direction).is_some()
    }

    fn throttle(&self, direction: Direction) -> Option<&Throttle> {
        match direction {
            Direction::Up => self.limits.upload.as_ref(),
            Direction::Down => self.limits.download.as_ref(),
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::throttle::Clock;
    use super::*;
    use crate::storage::id::Id;
    use crate::storage::memory::{Memory, Request};
    use crate::storage::{FileName, Storage};

    /// A clock that only sleeping moves.
    #[derive(Clone, Default)]
    struct Slept(Arc<Mutex<Duration>>);

    impl Clock for Slept {
        fn now(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        fn sleep(&self, time: Duration) {
            *self.0.lock().unwrap() += time;
        }
    }

    fn limited(upload: u64, download: u64) -> (Limited, Memory, Slept, Arc<AtomicUsize>) {
        let clock = Slept::default();
        let moved = Arc::new(AtomicUsize::new(0));
        let throttle = |rate| {
            let rate = NonZeroU64::new(rate)?;
            let clock = Box::new(clock.clone());
            Some(Throttle::with_clock(Box::new(move || Some(rate)), clock))
        };
        let limits = Limits {
            upload: throttle(upload),
            download: throttle(download),
        };
        let counter = Arc::clone(&moved);
        let pace = Pace::new(limits, move |_, _| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let memory = Memory::new();
        let limited = Limited::new(Arc::new(memory.clone()), Arc::new(pace));
        (limited, memory, clock, moved)
    }

    fn named(kind: FileKind, content: &[u8]) -> FileName {
        FileName::new(kind, Id::of(content))
    }

    #[test]
    fn what_is_written_and_read_takes_the_time_that_its_limit_says() {
        let (storage, _, clock, moved) = limited(1000, 500);
        let content = vec![7; 3000];
        let pack = named(FileKind::Pack, &content);
        storage.write(pack, &content).unwrap();
        assert_eq!(clock.now(), Duration::from_secs(3));
        assert!(moved.load(Ordering::Relaxed) >= 12, "it says that it moves");
        storage.read(pack, 9999).unwrap();
        let after_read = clock.now();
        assert!(after_read >= Duration::from_secs(8), "{after_read:?}");
        storage.read_range(pack, 10, &mut [0; 250]).unwrap();
        assert_eq!(clock.now(), after_read + Duration::from_millis(500));
    }

    #[test]
    fn lock_files_never_wait_and_still_count() {
        let (storage, memory, clock, _) = limited(1, 1);
        let lock = named(FileKind::Lock, b"0123456789");
        storage.write(lock, b"0123456789").unwrap();
        storage.read(lock, 100).unwrap();
        storage.remove(lock).unwrap();
        assert_eq!(clock.now(), Duration::ZERO);
        assert_eq!(memory.count(Request::Write), 1);
        storage.write(named(FileKind::Pack, b"x"), b"x").unwrap();
        assert_eq!(clock.now(), Duration::from_secs(11));
    }

    #[test]
    fn what_has_no_limit_does_not_wait_and_is_counted() {
        let (storage, _, clock, moved) = limited(0, 1);
        let content = vec![7; 3000];
        storage
            .write(named(FileKind::Pack, &content), &content)
            .unwrap();
        assert_eq!(clock.now(), Duration::ZERO);
        assert_eq!(moved.load(Ordering::Relaxed), 1);
    }

    /// A throttle whose rate depends on the clock, and how often it was asked for.
    fn changing(
        clock: &Slept,
        rate: impl Fn(Duration) -> u64 + Send + Sync + 'static,
    ) -> (Throttle, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let (counter, time) = (Arc::clone(&asked), clock.clone());
        let rate = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            NonZeroU64::new(rate(time.now()))
        };
        let throttle = Throttle::with_clock(Box::new(rate), Box::new(clock.clone()));
        (throttle, asked)
    }

    #[test]
    fn a_rate_that_changes_in_the_middle_of_a_transfer_holds_from_then_on() {
        let clock = Slept::default();
        let second = Duration::from_secs(1);
        let (throttle, asked) = changing(
            &clock,
            move |now| if now < 10 * second { 1000 } else { 100 },
        );
        // Ten seconds at the first rate, then ten at the second.
        throttle.pass(11_000, false, &|_| ());
        assert_eq!(clock.now(), 20 * second);
        let asked = asked.load(Ordering::Relaxed);
        assert!(asked <= 21, "it was asked for {asked} times in 20 seconds");
    }

    #[test]
    fn a_limit_that_ends_lets_everything_go_and_one_that_begins_holds_it_up() {
        let clock = Slept::default();
        let second = Duration::from_secs(1);
        let (throttle, _) = changing(&clock, move |now| {
            if now >= 2 * second && now < 4 * second {
                0
            } else {
                1000
            }
        });
        throttle.pass(2000, false, &|_| ());
        assert_eq!(clock.now(), 2 * second);
        throttle.pass(1_000_000, false, &|_| ());
        assert_eq!(clock.now(), 2 * second);
        clock.sleep(2 * second);
        throttle.pass(1100, false, &|_| ());
        assert_eq!(
            clock.now(),
            5 * second,
            "a tenth of a second may be used at once"
        );
    }

    #[test]
    fn what_is_urgent_never_waits_at_any_rate() {
        let clock = Slept::default();
        let (throttle, _) = changing(&clock, |_| 1);
        throttle.pass(1000, true, &|_| ());
        assert_eq!(clock.now(), Duration::ZERO);
    }
}
