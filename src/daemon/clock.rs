//! The clocks of the host: sleep by the wall clock, notice when it is set, and wait for it after a boot.
//!
//! No timer decides that a job is due. The loop sleeps for half a minute at most and then reads the wall clock again. A
//! timer of the kernel wakes it at once when somebody sets the clock.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rustix::io::Errno;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::sync::mpsc;

use crate::lifecycle::clock_doubt::KnownPast;
use crate::units;

/// The longest sleep. Timers count elapsed time and not the time of day, so after this long at most the loop notices that
/// the clock was set past a due instant or that the host was suspended.
const LONGEST: Duration = Duration::from_secs(30);

/// A smaller difference is an ordinary adjustment and not a clock that was set.
const NOTABLE: TimeDelta = TimeDelta::seconds(2);

/// Sleeps until the wall clock may have reached `until`, or returns earlier. The caller reads the clock again: a run
/// fires because its instant has come, never because a timer ended.
pub async fn sleep(until: Option<DateTime<Utc>>) {
    tokio::time::sleep(nap(until, Utc::now())).await;
}

fn nap(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    match until {
        None => LONGEST,
        Some(until) => (until - now)
            .to_std()
            .unwrap_or(Duration::ZERO)
            .min(LONGEST),
    }
}

/// Hints from the kernel that somebody set the wall clock. Without them, the short sleeps notice it.
pub struct Steps {
    hints: mpsc::UnboundedReceiver<()>,
}

impl Steps {
    /// Starts the thread that listens.
    pub fn listen() -> Steps {
        let (hint, hints) = mpsc::unbounded_channel();
        let listening = armed_timer().and_then(|timer| {
            // This thread sleeps in the kernel until the clock is set. It ends with the process.
            std::thread::Builder::new()
                .name("clock".into())
                .spawn(move || tell_steps(&timer, &hint))
        });
        if let Err(error) = listening {
            tracing::debug!("the kernel gives no hint when the clock is set: {error}");
        }
        Steps { hints }
    }

    /// Waits until the clock is set.
    pub async fn next(&mut self) {
        if self.hints.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

fn tell_steps(timer: &OwnedFd, hint: &mpsc::UnboundedSender<()>) {
    let mut expirations = [0_u8; 8];
    loop {
        match rustix::io::read(timer, &mut expirations) {
            Err(Errno::CANCELED) => {
                if hint.send(()).is_err() {
                    return;
                }
            }
            Err(Errno::INTR) => {}
            // Any other answer would come again and again.
            _ => return,
        }
    }
}

/// A timer for the far future, which the kernel cancels whenever the clock is set.
fn armed_timer() -> io::Result<OwnedFd> {
    let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC)?;
    let never = Itimerspec {
        it_interval: Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        },
        it_value: Timespec {
            // The year 2500.
            tv_sec: 16_725_225_600,
            tv_nsec: 0,
        },
    };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    timerfd_settime(&timer, flags, &never)?;
    Ok(timer)
}

/// All clocks at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    wall: DateTime<Utc>,
    /// The time since the host was booted.
    up: TimeDelta,
    /// The part of `up` in which the host was not suspended.
    awake: TimeDelta,
}

impl Reading {
    /// What the clocks show now.
    pub fn now() -> Reading {
        let span = |clock| {
            let time = clock_gettime(clock);
            TimeDelta::new(time.tv_sec, u32::try_from(time.tv_nsec).unwrap_or(0))
                .unwrap_or(TimeDelta::zero())
        };
        Reading {
            wall: Utc::now(),
            up: span(ClockId::Boottime),
            awake: span(ClockId::Monotonic),
        }
    }

    /// What happened since an earlier reading, other than that time passed, for people.
    pub fn jumps_since(&self, earlier: &Reading) -> Vec<String> {
        let passed = self.up - earlier.up;
        let suspended = passed - (self.awake - earlier.awake);
        let set = (self.wall - earlier.wall) - passed;
        let words = |span: TimeDelta| units::duration(span.abs().to_std().unwrap_or_default());
        let mut jumps = Vec::new();
        if suspended > NOTABLE {
            jumps.push(format!("the host was suspended for {}", words(suspended)));
        }
        if set.abs() > NOTABLE {
            jumps.push(format!(
                "the clock was set {} by {}, to {}",
                if set > TimeDelta::zero() {
                    "forward"
                } else {
                    "back"
                },
                words(set),
                self.wall.format("%F %T UTC")
            ));
        }
        jumps
    }
}

/// In so short a time after a boot, the network may still set the clock.
const JUST_BOOTED: TimeDelta = TimeDelta::minutes(10);

/// How long the daemon waits for a clock in doubt.
pub const DOUBT_LIMIT: Duration = Duration::from_secs(120);

/// The pause between two looks at a clock in doubt.
const DOUBT_PAUSE: Duration = Duration::from_secs(1);

/// Whether the host was booted so recently that the network may still set its clock.
pub fn just_booted() -> bool {
    Reading::now().up < JUST_BOOTED
}

/// Waits until the clock is beyond doubt, for [`DOUBT_LIMIT`] at most. Returns whether it is beyond doubt.
pub async fn wait_until_set(past: KnownPast) -> bool {
    wait(past, Utc::now, DOUBT_PAUSE, DOUBT_LIMIT).await
}

async fn wait(
    past: KnownPast,
    clock: impl Fn() -> DateTime<Utc>,
    pause: Duration,
    limit: Duration,
) -> bool {
    let begin = std::time::Instant::now();
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

    fn reading(wall: i64, up: i64, awake: i64) -> Reading {
        Reading {
            wall: at(wall),
            up: TimeDelta::seconds(up),
            awake: TimeDelta::seconds(awake),
        }
    }

    #[test]
    fn a_nap_never_outlasts_the_due_time_nor_half_a_minute() {
        let now = at(1_000);
        assert_eq!(nap(Some(at(1_005)), now), Duration::from_secs(5));
        assert_eq!(nap(Some(at(9_999)), now), LONGEST);
        assert_eq!(nap(Some(at(900)), now), Duration::ZERO);
        assert_eq!(nap(None, now), LONGEST);
    }

    #[test]
    fn passing_time_is_not_a_jump() {
        let earlier = reading(1_000, 10, 10);
        assert_eq!(
            reading(1_031, 40, 40).jumps_since(&earlier),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_suspended_host_and_a_set_clock_are_told_apart() {
        let earlier = reading(1_000, 10, 10);
        assert_eq!(
            reading(8_230, 7_240, 40).jumps_since(&earlier),
            ["the host was suspended for 2 h"]
        );
        assert_eq!(
            reading(8_230, 40, 40).jumps_since(&earlier),
            ["the clock was set forward by 2 h, to 1970-01-01 02:17:10 UTC"]
        );
        assert_eq!(
            reading(430, 40, 40).jumps_since(&earlier),
            ["the clock was set back by 10 min, to 1970-01-01 00:07:10 UTC"]
        );
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    }

    #[test]
    fn the_wait_for_a_clock_in_doubt_ends_when_it_is_set() {
        let past = KnownPast {
            newest_row: Some(at(1_000_000)),
            program_built: None,
        };
        let looks = Cell::new(0);
        let clock = || {
            looks.set(looks.get() + 1);
            at(if looks.get() < 5 { 0 } else { 2_000_000 })
        };
        let far = Duration::from_secs(60);
        let set = runtime().block_on(wait(past, clock, Duration::from_millis(1), far));
        assert!(set);
        assert_eq!(looks.get(), 5);
    }

    #[test]
    fn the_wait_for_a_clock_that_is_never_set_has_an_end() {
        let past = KnownPast {
            newest_row: Some(at(1_000_000)),
            program_built: None,
        };
        let pause = Duration::from_millis(1);
        let set = runtime().block_on(wait(past, || at(0), pause, Duration::from_millis(5)));
        assert!(!set);
    }

    #[test]
    fn without_a_set_clock_there_is_no_hint() {
        runtime().block_on(async {
            let mut steps = Steps::listen();
            let heard = tokio::time::timeout(Duration::from_millis(20), steps.next()).await;
            assert!(heard.is_err());
        });
    }
}
