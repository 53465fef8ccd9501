//! What the end of an attempt is called.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::protocol::{Outcome, Verdict};
use crate::record::AttemptEnd;

/// What the agent said so far.
#[derive(Default)]
pub struct Heard {
    /// Its outcome.
    pub outcome: Option<Outcome>,
    /// What broke in it.
    pub panic: Option<String>,
}

/// What the attempt's end is called, from what the agent said, why it was ended (if it was), how it died, and why the
/// kernel killed it (if it did). Only an agent that said so itself has succeeded.
pub fn conclude(
    heard: Heard,
    cause: Option<AttemptEnd>,
    status: std::io::Result<ExitStatus>,
    out_of_memory: Option<String>,
) -> AttemptEnd {
    match (heard.outcome, cause) {
        // Where the kernel killed the command alone, its agent only saw it go.
        (Some(outcome), None) if outcome.verdict == Verdict::Failed && out_of_memory.is_some() => {}
        // Whoever ends everything at once, as a service manager may, ends the command too: that is no failure of
        // its own.
        (Some(outcome), Some(cause)) if outcome.verdict == Verdict::Failed => return cause,
        (Some(outcome), _) => return AttemptEnd::Reported { outcome },
        (None, Some(cause)) => return cause,
        (None, None) => {}
    }
    let reason = match (out_of_memory.or(heard.panic), status) {
        (Some(message), _) => message,
        (None, Ok(status)) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("the agent ended with exit code {code} and without a result"),
            (None, Some(9)) => {
                "the agent was killed (signal 9), perhaps because memory ran out; see the kernel's log".to_owned()
            }
            (None, Some(signal)) => format!("the agent was ended by signal {signal}"),
            (None, None) => "the agent ended without a result".to_owned(),
        },
        (None, Err(error)) => format!("the agent was lost: {error}"),
    };
    AttemptEnd::Crashed { reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Summary;

    fn heard(verdict: Option<Verdict>) -> Heard {
        Heard {
            outcome: verdict.map(|verdict| Outcome {
                verdict,
                reason: None,
                summary: Summary::default(),
                problems: Vec::new(),
                problems_total: 0,
            }),
            panic: None,
        }
    }

    fn end(verdict: Option<Verdict>, cause: Option<AttemptEnd>, killed: bool) -> AttemptEnd {
        let killed = killed.then(|| "killed: used more".to_owned());
        conclude(heard(verdict), cause, Ok(ExitStatus::from_raw(9)), killed)
    }

    fn crashed(reason: &str) -> AttemptEnd {
        AttemptEnd::Crashed {
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn only_what_an_agent_said_itself_is_a_success() {
        let stalled = || Some(AttemptEnd::Stalled { seconds: 1.0 });
        for cause in [None, stalled(), Some(AttemptEnd::Aborted)] {
            for killed in [false, true] {
                let AttemptEnd::Reported { outcome } =
                    end(Some(Verdict::Success), cause.clone(), killed)
                else {
                    panic!("it was done before {cause:?}")
                };
                assert_eq!(outcome.verdict, Verdict::Success);
                assert!(!matches!(
                    end(None, cause.clone(), killed),
                    AttemptEnd::Reported { .. }
                ));
            }
        }
    }

    #[test]
    fn why_the_daemon_ended_it_comes_before_how_it_died() {
        let cause = || Some(AttemptEnd::TimedOut);
        assert_eq!(end(None, cause(), true), AttemptEnd::TimedOut);
        assert_eq!(
            end(Some(Verdict::Failed), cause(), false),
            AttemptEnd::TimedOut
        );
    }

    #[test]
    fn who_was_killed_for_memory_has_that_for_a_reason() {
        assert_eq!(end(None, None, true), crashed("killed: used more"));
        assert_eq!(
            end(Some(Verdict::Failed), None, true),
            crashed("killed: used more"),
            "of its command the agent saw no more than the signal"
        );
        assert!(matches!(
            end(Some(Verdict::Failed), None, false),
            AttemptEnd::Reported { .. }
        ));
        let AttemptEnd::Crashed { reason } = end(None, None, false) else {
            panic!("a crash")
        };
        assert!(
            reason.contains("perhaps because memory ran out"),
            "{reason}"
        );
    }
}
