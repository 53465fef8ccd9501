//! Limits on the bytes a second that go to and come from a storage.
//!
//! A [`Pace`] is shared by all threads of an action. A storage far away asks it for every piece of a body that it sends
//! or receives. [`Limited`] does the same for a storage that moves whole files.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::FileKind;
use bucket::Bucket;

mod bucket;
mod limited;

pub use limited::Limited;

/// The limits of one action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes a second to the storage; `None`: no limit.
    pub upload: Option<NonZeroU64>,
    /// Bytes a second from the storage; `None`: no limit.
    pub download: Option<NonZeroU64>,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        self.upload.is_none() && self.download.is_none()
    }
}

/// The way that bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the storage.
    Up,
    /// From the storage.
    Down,
}

/// A clock that never goes back. Tests have one of their own.
trait Clock: Send + Sync {
    /// The time since a fixed instant.
    fn now(&self) -> Duration;
    fn sleep(&self, time: Duration);
}

struct Monotonic(Instant);

impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Keeps the limits of an action. The threads of the action share it.
pub struct Pace {
    up: Option<Mutex<Bucket>>,
    down: Option<Mutex<Bucket>>,
    clock: Box<dyn Clock>,
    moved: Box<dyn Fn() + Send + Sync>,
}

impl Pace {
    /// `moved` is called each time that some bytes have passed, so that a slow transfer is not taken for a stall.
    pub fn new(limits: Limits, moved: impl Fn() + Send + Sync + 'static) -> Pace {
        Pace::with_clock(limits, Box::new(Monotonic(Instant::now())), Box::new(moved))
    }

    fn with_clock(
        limits: Limits,
        clock: Box<dyn Clock>,
        moved: Box<dyn Fn() + Send + Sync>,
    ) -> Pace {
        Pace {
            up: limits.upload.map(|rate| Mutex::new(Bucket::new(rate))),
            down: limits.download.map(|rate| Mutex::new(Bucket::new(rate))),
            clock,
            moved,
        }
    }

    /// Waits until so many bytes may go. Lock files count, and never wait: a lock that is refreshed too late is lost,
    /// and one that is removed too late keeps others waiting.
    pub fn pass(&self, direction: Direction, kind: FileKind, bytes: usize) {
        let bucket = match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        };
        let Some(bucket) = bucket else { return };
        let mut left = bytes as u64;
        while left > 0 {
            let (piece, wait) = {
                let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
                let piece = match kind {
                    FileKind::Lock => left,
                    _ => left.min(bucket.piece()),
                };
                (piece, bucket.pass(piece, self.clock.now()))
            };
            if kind != FileKind::Lock && !wait.is_zero() {
                self.clock.sleep(wait);
            }
            left -= piece;
            (self.moved)();
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace")
            .field("up", &self.up)
            .field("down", &self.down)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

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
        let limits = Limits {
            upload: NonZeroU64::new(upload),
            download: NonZeroU64::new(download),
        };
        let counter = Arc::clone(&moved);
        let pace = Pace::with_clock(
            limits,
            Box::new(clock.clone()),
            Box::new(move || {
                counter.fetch_add(1, Ordering::Relaxed);
            }),
        );
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
    fn what_has_no_limit_does_not_wait() {
        let (storage, _, clock, moved) = limited(0, 1);
        let content = vec![7; 3000];
        storage
            .write(named(FileKind::Pack, &content), &content)
            .unwrap();
        assert_eq!(clock.now(), Duration::ZERO);
        assert_eq!(moved.load(Ordering::Relaxed), 0);
    }
}
