//! A limit on one way, whose rate may change while bytes pass.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::bucket::Bucket;

/// How long an answer about the rate is used.
const FRESH: Duration = Duration::from_secs(1);

/// A clock that never goes back. Tests have one of their own.
pub(super) trait Clock: Send + Sync {
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

/// Bytes a second on one way. Clones share the limit: what passes one of them counts for all.
#[derive(Clone)]
pub struct Throttle(Arc<Shared>);

struct Shared {
    /// `None`: no limit at present.
    rate: Box<dyn Fn() -> Option<NonZeroU64> + Send + Sync>,
    state: Mutex<State>,
    clock: Box<dyn Clock>,
}

#[derive(Default)]
struct State {
    /// `None`: there is no limit at present.
    bucket: Option<Bucket>,
    /// When the rate was asked for; `None`: never.
    asked: Option<Duration>,
}

impl Throttle {
    /// A limit whose rate is asked for when bytes pass, at most once a second. `None` is no limit.
    pub fn new(rate: impl Fn() -> Option<NonZeroU64> + Send + Sync + 'static) -> Throttle {
        Throttle::with_clock(Box::new(rate), Box::new(Monotonic(Instant::now())))
    }

    /// A limit that stays the same.
    pub fn fixed(rate: NonZeroU64) -> Throttle {
        Throttle::new(move || Some(rate))
    }

    pub(super) fn with_clock(
        rate: Box<dyn Fn() -> Option<NonZeroU64> + Send + Sync>,
        clock: Box<dyn Clock>,
    ) -> Throttle {
        Throttle(Arc::new(Shared {
            rate,
            state: Mutex::default(),
            clock,
        }))
    }

    /// Lets so many bytes through, and calls `moved` with how many have passed. Waits until they may go, unless they are
    /// urgent: these count, and do not wait.
    pub(super) fn pass(&self, bytes: u64, is_urgent: bool, moved: &dyn Fn(u64)) {
        let mut left = bytes;
        while left > 0 {
            let (piece, wait) = self.next_piece(left, is_urgent);
            if !is_urgent && !wait.is_zero() {
                self.0.clock.sleep(wait);
            }
            left -= piece;
            moved(piece);
        }
    }

    /// How many of the bytes go next, and how long they have to wait.
    fn next_piece(&self, left: u64, is_urgent: bool) -> (u64, Duration) {
        let now = self.0.clock.now();
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |asked: Duration| now.saturating_sub(asked) < FRESH;
        if !state.asked.is_some_and(is_fresh) {
            state.asked = Some(now);
            let rate = (self.0.rate)();
            state.bucket = rate.map(|rate| match state.bucket {
                // What was let through before has to be waited for still.
                Some(bucket) => bucket.at(rate),
                None => Bucket::new(rate),
            });
        }
        let Some(bucket) = &mut state.bucket else {
            return (left, Duration::ZERO);
        };
        let piece = match is_urgent {
            true => left,
            false => left.min(bucket.piece()),
        };
        (piece, bucket.pass(piece, now))
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Throttle")
            .field("bucket", &state.bucket)
            .finish_non_exhaustive()
    }
}
