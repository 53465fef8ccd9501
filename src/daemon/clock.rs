//! The clocks of the host: sleeping by the wall clock, and noticing when somebody sets it.
//!
//! No timer decides when a run fires. The loop sleeps half a minute at most, and then reads the wall clock again. A
//! kernel timer only makes it wake at once when somebody sets the clock.

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

use crate::units;

/// The longest sleep. Timers count elapsed time and not the time of day, so a clock that is set forward over a due
/// instant, or a host that was suspended, is noticed only after a sleep.
const LONGEST: Duration = Duration::from_secs(30);

/// Clocks that differ by less than this were adjusted, not set.
const NOTABLE: TimeDelta = TimeDelta::seconds(2);

/// Sleeps until the wall clock may have reached `until`, and may return earlier. The caller reads the clock again: a
/// run fires because its instant has come, never because a timer ended.
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

/// Hints of the kernel that somebody set the wall clock. Where the kernel gives none, the short sleeps notice it.
pub struct ClockSteps {
    hints: mpsc::UnboundedReceiver<()>,
}

impl ClockSteps {
    /// Begins to listen.
    pub fn listen() -> ClockSteps {
        let (hint, hints) = mpsc::unbounded_channel();
        let listening = armed_timer().and_then(|timer| {
            // This thread sleeps in the kernel until the clock is set, and ends with the process.
            std::thread::Builder::new()
                .name("clock".into())
                .spawn(move || send_steps(&timer, &hint))
        });
        if let Err(error) = listening {
            tracing::debug!("the kernel does not tell when the clock is set: {error}");
        }
        ClockSteps { hints }
    }

    /// Waits until the clock is set.
    pub async fn next(&mut self) {
        if self.hints.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

/// Sends a hint each time that the clock is set, until nobody listens any more.
fn send_steps(timer: &OwnedFd, hint: &mpsc::UnboundedSender<()>) {
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

/// All clocks of the host at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    wall: DateTime<Utc>,
    /// The time since the host was booted.
    up: TimeDelta,
    /// The part of it in which the host was not suspended.
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

    /// How long the host has been up.
    pub fn uptime(&self) -> TimeDelta {
        self.up
    }

    /// The suspends and the steps of the clock between an earlier reading and this one, in words.
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

#[cfg(test)]
mod tests {
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

    #[tokio::test]
    async fn while_nobody_sets_the_clock_there_is_no_hint() {
        let mut steps = ClockSteps::listen();
        let hint = tokio::time::timeout(Duration::from_millis(20), steps.next()).await;
        assert!(hint.is_err());
    }
}
