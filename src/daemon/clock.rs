//! The clocks of the host: sleeping by the wall clock, noticing when it was set, and doubting it at boot.
//!
//! No timer is trusted with a due time. The loop sleeps half a minute at most and then reads the wall clock again; a
//! timer of the kernel's only makes it wake at once when somebody sets the clock.

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

/// The longest sleep. A clock that is set forward over a due time, or a host that was suspended, is noticed after
/// this long at most, since timers count elapsed time and not the time of day.
const LONGEST: Duration = Duration::from_secs(30);

/// Clocks that drift apart by less than this were not set: adjusting them is daily business.
const NOTABLE: TimeDelta = TimeDelta::seconds(2);

/// Sleeps until the wall clock may have reached `until`; comes back earlier now and then. The caller looks at the
/// clock again: a run fires because its time has come, never because a timer ended.
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

/// The kernel's word that somebody set the wall clock. Where it gives none, the short sleeps have to do.
pub struct Steps {
    hints: mpsc::UnboundedReceiver<()>,
}

impl Steps {
    /// Begins to listen.
    pub fn listen() -> Steps {
        let (hint, hints) = mpsc::unbounded_channel();
        let listening = armed_timer().and_then(|timer| {
            // A thread of its own that sleeps in the kernel until the clock is set, and ends with the process.
            std::thread::Builder::new()
                .name("clock".into())
                .spawn(move || tell_steps(&timer, &hint))
        });
        if let Err(error) = listening {
            tracing::debug!("a set clock is noticed by looking only: {error}");
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
            // Whatever else it says, it would say again and again.
            _ => return,
        }
    }
}

/// A timer for the far future that is cancelled whenever the clock is set.
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

/// All clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    wall: DateTime<Utc>,
    /// Since the host was booted.
    up: TimeDelta,
    /// Of that, while it was not suspended.
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

    /// What happened between an earlier reading and this one, beside time passing, in words.
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

/// How long a host has been up while its clock may still be about to be set.
const JUST_BOOTED: TimeDelta = TimeDelta::minutes(10);

/// How long a clock in doubt is waited for.
pub const DOUBT_LIMIT: Duration = Duration::from_secs(120);

/// How often it is looked at meanwhile.
const DOUBT_PAUSE: Duration = Duration::from_secs(1);

/// A clock may lag a little behind what was written by it, when it was adjusted in between.
const LEEWAY: TimeDelta = TimeDelta::minutes(1);

/// What the wall clock cannot be behind of, if it is right.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// The newest row in the ledger.
    pub newest_row: Option<DateTime<Utc>>,
    /// When this program was built, as far as its file tells.
    pub built: Option<DateTime<Utc>>,
}

impl Known {
    /// Why a clock that shows this cannot be right; `None`: it can.
    pub fn doubt(&self, now: DateTime<Utc>) -> Option<String> {
        let behind = |instant: &DateTime<Utc>| now < *instant - LEEWAY;
        if let Some(row) = self.newest_row.filter(behind) {
            return Some(format!(
                "the clock shows {}, and the ledger has a row from {}",
                now.format("%F %T UTC"),
                row.format("%F %T UTC")
            ));
        }
        self.built.filter(behind).map(|built| {
            format!(
                "the clock shows {}, and this program was built on {}",
                now.format("%F %T UTC"),
                built.format("%F")
            )
        })
    }
}

/// The age of the program's file.
pub fn built() -> Option<DateTime<Utc>> {
    let file = std::fs::metadata("/proc/self/exe").ok()?;
    file.modified().ok().map(DateTime::from)
}

/// Whether the host was booted so recently that its clock may be about to be set from the network.
pub fn just_booted() -> bool {
    Reading::now().up < JUST_BOOTED
}

/// Waits until the clock is beyond doubt, as long as the limit allows; true: it is.
pub async fn wait_until_set(known: Known) -> bool {
    wait(known, Utc::now, DOUBT_PAUSE, DOUBT_LIMIT).await
}

async fn wait(
    known: Known,
    clock: impl Fn() -> DateTime<Utc>,
    pause: Duration,
    limit: Duration,
) -> bool {
    let begin = std::time::Instant::now();
    while known.doubt(clock()).is_some() {
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
    fn time_that_passes_is_no_jump() {
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

    #[test]
    fn a_clock_behind_the_ledger_or_the_program_is_in_doubt() {
        let known = Known {
            newest_row: Some(at(1_000_000)),
            built: Some(at(900_000)),
        };
        assert_eq!(known.doubt(at(1_000_001)), None);
        assert_eq!(
            known.doubt(at(999_970)),
            None,
            "a clock is adjusted now and then"
        );
        assert!(
            known
                .doubt(at(950_000))
                .is_some_and(|why| why.contains("the ledger has a row from"))
        );
        let fresh = Known {
            newest_row: None,
            ..known
        };
        assert_eq!(fresh.doubt(at(950_000)), None);
        assert!(
            fresh
                .doubt(at(0))
                .is_some_and(|why| why.contains("this program was built on"))
        );
        assert_eq!(Known::default().doubt(at(0)), None);
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    }

    #[test]
    fn a_clock_in_doubt_is_waited_for_until_it_is_set() {
        let known = Known {
            newest_row: Some(at(1_000_000)),
            built: None,
        };
        let looks = Cell::new(0);
        let clock = || {
            looks.set(looks.get() + 1);
            at(if looks.get() < 5 { 0 } else { 2_000_000 })
        };
        let far = Duration::from_secs(60);
        let set = runtime().block_on(wait(known, clock, Duration::from_millis(1), far));
        assert!(set);
        assert_eq!(looks.get(), 5);
    }

    #[test]
    fn a_clock_that_is_never_set_is_not_waited_for_without_end() {
        let known = Known {
            newest_row: Some(at(1_000_000)),
            built: None,
        };
        let pause = Duration::from_millis(1);
        let set = runtime().block_on(wait(known, || at(0), pause, Duration::from_millis(5)));
        assert!(!set);
    }

    #[test]
    fn nobody_sets_the_clock_and_nothing_is_heard() {
        runtime().block_on(async {
            let mut steps = Steps::listen();
            let heard = tokio::time::timeout(Duration::from_millis(20), steps.next()).await;
            assert!(heard.is_err());
        });
    }
}
