//! What an agent has said so far.

use std::io;
use std::process::ExitStatus;

use super::{AgentLoss, ListEnd, ListError, Outcome, Report, Verdict};
use crate::limits::OutOfMemory;
use crate::location::Location;

/// What an agent has said of its own end so far.
#[derive(Debug, Default)]
pub struct Heard {
    outcome: Option<Outcome>,
    list_end: Option<ListEnd>,
    /// The message of a panic.
    panic: Option<String>,
}

impl Heard {
    /// Reads one line of the agent's standard output and keeps what its end depends on.
    ///
    /// # Errors
    /// When the line is not a report.
    pub fn line(&mut self, line: &str) -> serde_json::Result<Report> {
        let report = serde_json::from_str(line)?;
        match &report {
            Report::Progress(_)
            | Report::Waiting { .. }
            | Report::Retrying { .. }
            | Report::SlotReturned
            | Report::SlotWanted
            | Report::Changes(_)
            | Report::Snapshot(_)
            | Report::UnreadableSnapshot(_) => {}
            Report::Panicked { message } => self.panic = Some(message.clone()),
            Report::Outcome(outcome) => self.outcome = Some(outcome.clone()),
            Report::ListEnd(end) => self.list_end = Some(end.clone()),
        }
        Ok(report)
    }

    /// Whether the agent has said how its work ended.
    pub fn has_outcome(&self) -> bool {
        self.outcome.is_some()
    }

    /// How the agent ended, from what it said, how its process ended, and whether the kernel killed a process of it for
    /// memory. Only an agent that said so itself has an outcome.
    pub fn end(
        self,
        status: io::Result<ExitStatus>,
        out_of_memory: Option<OutOfMemory>,
    ) -> Result<Outcome, AgentLoss> {
        match (self.outcome, out_of_memory) {
            // The kernel killed the command alone, and the agent saw no more than the signal.
            (Some(outcome), Some(whose)) if outcome.verdict == Verdict::Failed => {
                Err(AgentLoss::OutOfMemory(whose))
            }
            (Some(outcome), _) => Ok(outcome),
            (None, Some(whose)) => Err(AgentLoss::OutOfMemory(whose)),
            (None, None) => Err(loss(self.panic, status)),
        }
    }

    /// How the list of the container at this place ended.
    pub fn end_of_list(
        self,
        status: io::Result<ExitStatus>,
        place: Location,
    ) -> Result<(), ListError> {
        match self.list_end {
            Some(ListEnd::Complete) => Ok(()),
            Some(ListEnd::Failed { fault, message }) => {
                Err(ListError::Container { fault, message })
            }
            None => Err(ListError::Agent {
                place,
                loss: loss(self.panic, status),
            }),
        }
    }
}

fn loss(panic: Option<String>, status: io::Result<ExitStatus>) -> AgentLoss {
    match panic {
        Some(message) => AgentLoss::Panicked { message },
        None => status.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn end(
        verdict: Option<Verdict>,
        out_of_memory: Option<OutOfMemory>,
        wait_status: i32,
    ) -> Result<Verdict, String> {
        let mut heard = Heard::default();
        if let Some(verdict) = verdict {
            let outcome = Report::Outcome(crate::samples::outcome(verdict));
            let line = serde_json::to_string(&outcome).unwrap();
            assert_eq!(heard.line(&line).unwrap(), outcome);
        }
        heard
            .end(Ok(ExitStatus::from_raw(wait_status)), out_of_memory)
            .map(|outcome| outcome.verdict)
            .map_err(|loss| loss.to_string())
    }

    #[test]
    fn only_an_agent_that_said_so_has_an_outcome() {
        for wait_status in [0, 9, 256] {
            for killed in [None, Some(OutOfMemory::Host)] {
                assert_eq!(
                    end(Some(Verdict::Success), killed, wait_status),
                    Ok(Verdict::Success)
                );
                assert!(end(None, killed, wait_status).is_err());
            }
        }
    }

    #[test]
    fn a_kill_for_memory_is_the_reason() {
        let killed = Some(OutOfMemory::Host);
        let reason = Err("killed: the host ran out of memory".to_owned());
        assert_eq!(end(None, killed, 9), reason);
        assert_eq!(end(Some(Verdict::Failed), killed, 0), reason);
        assert_eq!(end(Some(Verdict::Failed), None, 0), Ok(Verdict::Failed));
    }

    #[test]
    fn the_reason_of_a_loss_names_the_code_or_the_signal() {
        let loss = |wait_status| end(None, None, wait_status).unwrap_err();
        assert_eq!(
            loss(2 << 8),
            "the agent ended with exit code 2 and without a result"
        );
        assert_eq!(
            loss(9),
            "the agent was killed (signal 9), perhaps because memory ran out; see the kernel's log"
        );
        assert_eq!(loss(15), "the agent was ended by signal 15");
    }

    #[test]
    fn a_panic_is_the_reason() {
        let mut heard = Heard::default();
        assert!(heard.line("not a report").is_err());
        heard
            .line(r#"{"report":"panicked","message":"the engine broke"}"#)
            .unwrap();
        let loss = heard.end(Ok(ExitStatus::from_raw(0)), None).unwrap_err();
        assert_eq!(loss.to_string(), "the engine broke");
    }
}
