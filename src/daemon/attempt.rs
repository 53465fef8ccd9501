//! The life of one attempt: what was heard and how much time has passed → what to do with its agent, and at last how the
//! attempt ended. A state machine without processes and without a clock of its own.
//!
//! All times count from the start of the attempt, on a clock that stands still while the host is suspended.

use std::time::Duration;

use super::scheduler::EndCause;
use crate::protocol::{AgentLoss, Outcome, Report, Verdict};
use crate::record::AttemptEnd;

/// A daemon that notices a stall so late was not listening itself, because of a disk that did not answer or a debugger.
/// It then gives the agent its full time again.
const INATTENTION: Duration = Duration::from_secs(1);

/// The time for an agent's own clean-up, beyond the grace that its command has.
const KILL_MARGIN: Duration = Duration::from_secs(2);

/// How long an attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// For the whole attempt; `None`: without limit.
    pub timeout: Option<Duration>,
    /// Without progress; `None`: without limit.
    pub stall_timeout: Option<Duration>,
    /// For the end, once it is asked for.
    pub grace: Duration,
}

/// What is to be done with the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    AskToEnd,
    Kill,
}

/// The state of an attempt whose agent has not ended.
#[derive(Clone, Debug)]
pub struct AttemptLife {
    limits: TimeLimits,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Working {
        /// When the agent last showed progress.
        progress_at: Duration,
        /// The agent waits for its container, which is not a stall.
        waits: bool,
    },
    Ending {
        /// The end of the attempt, unless the agent reports that its work was done.
        cause: Cause,
        /// `None`: it was killed.
        kill_at: Option<Duration>,
    },
}

/// Why an agent is ended before its work is done.
#[derive(Clone, Copy, Debug)]
enum Cause {
    Abort,
    Shutdown,
    Timeout,
    Stall {
        /// The `stall_timeout`.
        limit: Duration,
    },
}

impl From<Cause> for AttemptEnd {
    fn from(cause: Cause) -> AttemptEnd {
        match cause {
            Cause::Abort => AttemptEnd::Aborted,
            Cause::Shutdown => AttemptEnd::Interrupted,
            Cause::Timeout => AttemptEnd::TimedOut,
            Cause::Stall { limit } => AttemptEnd::Stalled {
                seconds: limit.as_secs_f64(),
            },
        }
    }
}

impl AttemptLife {
    /// An attempt that begins now.
    pub fn new(limits: TimeLimits) -> AttemptLife {
        AttemptLife {
            limits,
            state: State::Working {
                progress_at: Duration::ZERO,
                waits: false,
            },
        }
    }

    /// The agent sent a line: a report, or something else. It reports when its work has moved, and at no other time.
    pub fn heard(&mut self, report: Option<&Report>, now: Duration) {
        if let State::Working { progress_at, waits } = &mut self.state {
            *progress_at = now;
            match report {
                Some(Report::Waiting { .. }) => *waits = true,
                Some(Report::Progress(_)) => *waits = false,
                Some(
                    Report::Retrying { .. }
                    | Report::SlotReturned
                    | Report::SlotWanted
                    | Report::Changes(_)
                    | Report::Panicked { .. }
                    | Report::Outcome(_)
                    | Report::Snapshot(_)
                    | Report::UnreadableSnapshot(_)
                    | Report::ListEnd(_),
                )
                | None => {}
            }
        }
    }

    /// The agent or its command wrote to the log. The output of a command is its progress.
    pub fn wrote(&mut self, now: Duration) {
        if let State::Working { progress_at, .. } = &mut self.state {
            *progress_at = now;
        }
    }

    /// Somebody wants the attempt to end. The first cause counts.
    pub fn end(&mut self, why: EndCause, now: Duration) -> Deed {
        let cause = match why {
            EndCause::Abort => Cause::Abort,
            EndCause::Shutdown => Cause::Shutdown,
        };
        self.begin_to_end(cause, now)
    }

    /// When [`Self::tick`] is to be called, unless something is heard before; `None`: never.
    pub fn wake_at(&self) -> Option<Duration> {
        match &self.state {
            State::Ending { kill_at, .. } => *kill_at,
            State::Working { .. } => [self.limits.timeout, self.stalled_at()]
                .into_iter()
                .flatten()
                .min(),
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Duration) -> Option<Deed> {
        if let State::Ending { kill_at, .. } = &mut self.state {
            return kill_at
                .take_if(|kill_at| *kill_at <= now)
                .map(|_| Deed::Kill);
        }
        if self.limits.timeout.is_some_and(|timeout| timeout <= now) {
            return Some(self.begin_to_end(Cause::Timeout, now));
        }
        let stalled_at = self.stalled_at().filter(|stalled_at| *stalled_at <= now)?;
        if now - stalled_at > INATTENTION {
            self.wrote(now);
            return None;
        }
        let limit = self.limits.stall_timeout?;
        Some(self.begin_to_end(Cause::Stall { limit }, now))
    }

    /// Whether the agent is being ended before its work was done. What it started is then killed after it.
    pub fn is_ending(&self) -> bool {
        matches!(self.state, State::Ending { .. })
    }

    /// How the attempt ended, now that its agent has.
    pub fn conclude(self, agent: Result<Outcome, AgentLoss>) -> AttemptEnd {
        match (agent, self.state) {
            // A service manager may end all processes at once. That the command failed is then not its own fault.
            (Ok(outcome), State::Ending { cause, .. }) if outcome.verdict == Verdict::Failed => {
                cause.into()
            }
            (Ok(outcome), _) => AttemptEnd::Reported {
                outcome: Box::new(outcome),
            },
            (Err(_), State::Ending { cause, .. }) => cause.into(),
            (Err(loss), State::Working { .. }) => AttemptEnd::Crashed {
                reason: loss.to_string(),
            },
        }
    }

    fn begin_to_end(&mut self, cause: Cause, now: Duration) -> Deed {
        let latest = now
            .saturating_add(self.limits.grace)
            .saturating_add(KILL_MARGIN);
        match &mut self.state {
            State::Ending { kill_at, .. } => {
                *kill_at = Some(kill_at.map_or(latest, |kill_at| kill_at.min(latest)));
            }
            State::Working { .. } => {
                self.state = State::Ending {
                    cause,
                    kill_at: Some(latest),
                };
            }
        }
        Deed::AskToEnd
    }

    /// When the attempt counts as stalled, unless it shows progress before.
    fn stalled_at(&self) -> Option<Duration> {
        match self.state {
            State::Working {
                progress_at,
                waits: false,
            } => progress_at.checked_add(self.limits.stall_timeout?),
            State::Working { waits: true, .. } | State::Ending { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Progress;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn life(timeout: Option<u64>, stall: Option<u64>) -> AttemptLife {
        AttemptLife::new(TimeLimits {
            timeout: timeout.map(at),
            stall_timeout: stall.map(at),
            grace: at(10),
        })
    }

    fn reported(verdict: Verdict) -> Result<Outcome, AgentLoss> {
        Ok(crate::samples::outcome(verdict))
    }

    fn lost() -> Result<Outcome, AgentLoss> {
        Err(AgentLoss::Signal(15))
    }

    fn waiting() -> Report {
        Report::Waiting {
            reason: "somebody else has it".to_owned(),
        }
    }

    #[test]
    fn without_limits_an_attempt_goes_on_for_ever() {
        let mut life = life(None, None);
        assert_eq!(life.wake_at(), None);
        assert_eq!(life.tick(at(1_000_000)), None);
        assert!(!life.is_ending());
    }

    #[test]
    fn an_attempt_that_takes_too_long_is_asked_to_end_and_then_killed() {
        let mut life = life(Some(60), None);
        assert_eq!(life.wake_at(), Some(at(60)));
        assert_eq!(life.tick(at(59)), None);
        assert_eq!(life.tick(at(60)), Some(Deed::AskToEnd));
        assert_eq!(
            life.wake_at(),
            Some(at(72)),
            "the grace, and time for the agent itself"
        );
        assert_eq!(life.tick(at(71)), None);
        assert_eq!(life.tick(at(72)), Some(Deed::Kill));
        assert_eq!(life.wake_at(), None, "it is killed once");
        assert_eq!(life.tick(at(90)), None);
        assert_eq!(life.conclude(lost()), AttemptEnd::TimedOut);
    }

    #[test]
    fn a_timeout_counts_progress_or_not() {
        let mut life = life(Some(60), Some(50));
        life.heard(Some(&Report::Progress(Progress::default())), at(55));
        assert_eq!(life.wake_at(), Some(at(60)));
        assert_eq!(life.tick(at(60)), Some(Deed::AskToEnd));
        assert_eq!(life.conclude(lost()), AttemptEnd::TimedOut);
    }

    #[test]
    fn a_stall_begins_anew_with_each_report_and_each_output() {
        let mut life = life(None, Some(30));
        assert_eq!(life.wake_at(), Some(at(30)));
        life.heard(None, at(20));
        assert_eq!(life.wake_at(), Some(at(50)));
        life.wrote(at(40));
        assert_eq!(life.wake_at(), Some(at(70)));
        assert_eq!(life.tick(at(69)), None);
        assert_eq!(life.tick(at(70)), Some(Deed::AskToEnd));
        assert_eq!(life.conclude(lost()), AttemptEnd::Stalled { seconds: 30.0 });
    }

    #[test]
    fn an_agent_that_waits_for_its_container_does_not_stall() {
        let mut life = life(None, Some(30));
        life.heard(Some(&waiting()), at(5));
        assert_eq!(life.wake_at(), None);
        assert_eq!(life.tick(at(500)), None);
        life.heard(Some(&Report::Progress(Progress::default())), at(501));
        assert_eq!(life.wake_at(), Some(at(531)));
    }

    #[test]
    fn a_daemon_that_did_not_listen_itself_sees_no_stall() {
        let mut life = life(None, Some(30));
        assert_eq!(life.tick(at(40)), None);
        assert_eq!(life.wake_at(), Some(at(70)));
        assert_eq!(
            life.tick(at(71)),
            Some(Deed::AskToEnd),
            "a second late is on time"
        );
    }

    #[test]
    fn the_first_cause_counts_and_the_first_date_of_the_kill() {
        let mut life = life(Some(100), None);
        assert_eq!(life.end(EndCause::Abort, at(50)), Deed::AskToEnd);
        assert_eq!(life.end(EndCause::Shutdown, at(55)), Deed::AskToEnd);
        assert_eq!(life.wake_at(), Some(at(62)));
        assert_eq!(life.tick(at(62)), Some(Deed::Kill));
        assert_eq!(life.end(EndCause::Shutdown, at(63)), Deed::AskToEnd);
        assert_eq!(life.wake_at(), Some(at(75)), "it may survive a kill");
        assert_eq!(life.tick(at(200)), Some(Deed::Kill));
        assert_eq!(life.conclude(lost()), AttemptEnd::Aborted);
    }

    #[test]
    fn reports_of_an_agent_that_is_being_ended_change_nothing() {
        let mut life = life(None, Some(30));
        life.end(EndCause::Shutdown, at(10));
        life.heard(Some(&waiting()), at(11));
        life.wrote(at(12));
        assert_eq!(life.wake_at(), Some(at(22)));
        assert_eq!(life.conclude(lost()), AttemptEnd::Interrupted);
    }

    #[test]
    fn a_grace_beyond_all_bounds_is_no_panic() {
        let mut life = AttemptLife::new(TimeLimits {
            timeout: Some(Duration::MAX),
            stall_timeout: Some(Duration::MAX),
            grace: Duration::MAX,
        });
        life.wrote(at(1));
        assert_eq!(life.wake_at(), Some(Duration::MAX));
        life.end(EndCause::Abort, at(2));
        assert_eq!(life.wake_at(), Some(Duration::MAX));
    }

    #[test]
    fn work_that_was_done_is_done_whatever_came_then() {
        for why in [None, Some(EndCause::Abort), Some(EndCause::Shutdown)] {
            let mut life = life(None, None);
            if let Some(why) = why {
                life.end(why, at(5));
            }
            let end = life.conclude(reported(Verdict::Success));
            assert!(
                matches!(&end, AttemptEnd::Reported { outcome } if outcome.verdict == Verdict::Success),
                "{why:?}: {end:?}"
            );
        }
    }

    #[test]
    fn an_agent_that_is_ended_does_not_fail_by_itself() {
        let mut ended = life(None, None);
        ended.end(EndCause::Abort, at(5));
        assert_eq!(
            ended.clone().conclude(reported(Verdict::Failed)),
            AttemptEnd::Aborted
        );
        assert!(matches!(
            ended.conclude(reported(Verdict::FailedForGood)),
            AttemptEnd::Reported { .. }
        ));
        assert!(matches!(
            life(None, None).conclude(reported(Verdict::Failed)),
            AttemptEnd::Reported { .. }
        ));
    }

    #[test]
    fn an_agent_that_is_lost_while_it_works_has_crashed() {
        assert_eq!(
            life(None, None).conclude(lost()),
            AttemptEnd::Crashed {
                reason: "the agent was ended by signal 15".to_owned()
            }
        );
    }
}
