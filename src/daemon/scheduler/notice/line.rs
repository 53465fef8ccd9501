//! A notice as a line of the log.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tracing::Level;

use super::Notice;
use crate::control::mark::Mark;
use crate::job::JobResult;
use crate::protocol::{Outcome, Verdict};
use crate::record::AttemptEnd;
use crate::schedule::zone::Zone;
use crate::units;

/// A line of the log, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    /// The job that the line is about; `None` where it is about no single job.
    pub job_id: Option<String>,
    /// The run that the line is about. The line then goes to the log of that run too.
    pub run: Option<u64>,
    pub text: String,
    /// Lines that follow it in the daemon's log: the errors of a job file.
    pub details: Option<String>,
}

impl Line {
    /// Writes the line to the daemon's log.
    pub fn log(&self) {
        let job = self.job_id.as_deref();
        let run = self.run;
        let text = &self.text;
        let details = self.details.as_deref();
        match self.level {
            Level::ERROR => tracing::error!(job, run, details, "{text}"),
            Level::WARN => tracing::warn!(job, run, details, "{text}"),
            _ => tracing::info!(job, run, details, "{text}"),
        }
    }
}

/// An instant as people in the zone read it.
pub fn moment(instant: DateTime<Utc>, zone: &Zone) -> String {
    zone.to_local(instant).format("%F %T").to_string()
}

impl Notice {
    /// The notice as a line, with instants in this zone.
    pub fn line(&self, zone: &Zone) -> Line {
        let (level, text) = self.sentence(zone);
        Line {
            level,
            job_id: self.job_id().map(str::to_owned),
            run: self.run(),
            text,
            details: self.details().map(str::to_owned),
        }
    }

    /// The text for the run's own log, where it differs from that of the line. An attempt begins there with a mark, by
    /// which `freezerd log --attempt` finds it.
    pub fn in_run_log(&self) -> Option<String> {
        let Notice::AttemptStarted {
            kind,
            about,
            action,
            actions,
            attempt,
            attempts,
            ..
        } = self
        else {
            return None;
        };
        let mark = Mark {
            action: *action,
            actions: *actions,
            attempt: *attempt,
            attempts: *attempts,
        };
        Some(format!("{mark}: {kind} {about}"))
    }

    fn details(&self) -> Option<&str> {
        match self {
            Notice::FileInvalid { report, .. } => Some(report),
            _ => None,
        }
    }

    fn job_id(&self) -> Option<&str> {
        match self {
            Notice::JobLoaded { job_id, .. }
            | Notice::FileForeign { job_id, .. }
            | Notice::JobGone { job_id }
            | Notice::RunStarted { job_id, .. }
            | Notice::RunWaits { job_id, .. }
            | Notice::AttemptStarted { job_id, .. }
            | Notice::AttemptEnded { job_id, .. }
            | Notice::RunEnded { job_id, .. }
            | Notice::Skipped { job_id, .. } => Some(job_id),
            Notice::Asked { job_id, .. } => Some(job_id.as_str()).filter(|id| !id.is_empty()),
            Notice::FileInvalid { keeps, .. } => keeps.as_deref(),
            Notice::MoreWait { .. } | Notice::Warning(_) => None,
        }
    }

    fn run(&self) -> Option<u64> {
        match self {
            Notice::RunStarted { run, .. }
            | Notice::RunWaits { run, .. }
            | Notice::AttemptStarted { run, .. }
            | Notice::AttemptEnded { run, .. }
            | Notice::RunEnded { run, .. }
            | Notice::Skipped { run, .. } => Some(*run),
            Notice::JobLoaded { .. }
            | Notice::FileInvalid { .. }
            | Notice::FileForeign { .. }
            | Notice::JobGone { .. }
            | Notice::MoreWait { .. }
            | Notice::Asked { .. }
            | Notice::Warning(_) => None,
        }
    }

    fn sentence(&self, zone: &Zone) -> (Level, String) {
        let at = |instant: DateTime<Utc>| moment(instant, zone);
        match self {
            Notice::JobLoaded {
                file,
                schedule,
                next,
                reason,
                changed,
                warnings,
                ..
            } => {
                let verb = if *changed { "changed" } else { "loaded" };
                let then = match (next, reason) {
                    (Some(next), _) => format!("next run at {}", at(*next)),
                    (None, Some(reason)) => format!("not scheduled: {reason}"),
                    (None, None) => "not scheduled".to_owned(),
                };
                let warnings = match warnings {
                    0 => String::new(),
                    more => format!(
                        " ({}: `freezerd check` has them)",
                        units::count(*more as u64, "warning", "warnings")
                    ),
                };
                (
                    Level::INFO,
                    format!("{verb} from {file}: {schedule}; {then}{warnings}"),
                )
            }
            Notice::FileInvalid { file, keeps, .. } => {
                let keeps = keeps.as_ref().map_or_else(String::new, |job_id| {
                    format!("; {job_id} goes on with its last good content")
                });
                (Level::ERROR, format!("{file} is not a valid job{keeps}"))
            }
            Notice::FileForeign {
                file, client_id, ..
            } => (
                Level::INFO,
                format!("{file} is a job of {client_id}: not run here"),
            ),
            Notice::JobGone { .. } => (Level::INFO, "gone: its file was deleted".to_owned()),
            Notice::RunStarted {
                run,
                trigger,
                due,
                covers,
                ..
            } => {
                let several = match covers {
                    0 | 1 => String::new(),
                    covers => format!(", for {covers} due times"),
                };
                (
                    Level::INFO,
                    format!(
                        "run {run} started ({}, due {}{several})",
                        trigger.describe(),
                        at(*due)
                    ),
                )
            }
            Notice::RunWaits { run, reason, .. } => (Level::INFO, format!("run {run} is {reason}")),
            Notice::MoreWait { runs } => {
                let waiting = match runs {
                    1 => "1 more run waits".to_owned(),
                    runs => format!("{runs} more runs wait"),
                };
                (
                    Level::INFO,
                    format!("{waiting} too; `freezerd list` says for what"),
                )
            }
            Notice::AttemptStarted {
                kind,
                about,
                attempt,
                attempts,
                ..
            } => {
                let nth = match attempt {
                    0 | 1 => String::new(),
                    attempt => format!(" (attempt {attempt} of {attempts})"),
                };
                (Level::INFO, format!("{kind} {about}{nth}"))
            }
            Notice::AttemptEnded {
                kind,
                end,
                took,
                retry,
                ..
            } => {
                let (level, text) = attempt_ended(kind, end, *took);
                let retry = retry.map_or_else(String::new, |retry| {
                    format!("; tried again at {}", at(retry))
                });
                (level, text + &retry)
            }
            Notice::RunEnded {
                run,
                result,
                interrupted,
                reason,
                took,
                next,
                ..
            } => {
                let (level, word) = match result {
                    _ if *interrupted => (Level::WARN, "was interrupted"),
                    JobResult::Success => (Level::INFO, "succeeded"),
                    JobResult::Fail => (Level::ERROR, "failed"),
                    JobResult::Aborted => (Level::WARN, "was aborted"),
                };
                let took = units::duration(*took);
                let why = reason
                    .as_ref()
                    .map_or_else(String::new, |reason| format!(": {reason}"));
                let next = next.map_or_else(String::new, |next| format!("; next at {}", at(next)));
                (level, format!("run {run} {word} after {took}{why}{next}"))
            }
            Notice::Skipped { due, reason, .. } => (
                Level::WARN,
                format!("the run due {} is skipped: {reason}", at(*due)),
            ),
            Notice::Asked {
                job_id,
                command,
                by,
                answer,
                accepted,
            } => (
                if *accepted { Level::INFO } else { Level::WARN },
                match job_id.as_str() {
                    "" => format!("{command} by {by}: {answer}"),
                    job => format!("{command} by {by}: {job} {answer}"),
                },
            ),
            Notice::Warning(text) => (Level::WARN, text.clone()),
        }
    }
}

fn attempt_ended(kind: &str, end: &AttemptEnd, took: Duration) -> (Level, String) {
    let took = units::duration(took);
    if let AttemptEnd::Reported { outcome } = end {
        return outcome_line(kind, outcome, &took);
    }
    let level = match end {
        AttemptEnd::Aborted => Level::WARN,
        _ => Level::ERROR,
    };
    let failure = end.failure(kind).unwrap_or_default();
    (level, format!("{failure} (after {took})"))
}

fn outcome_line(kind: &str, outcome: &Outcome, took: &str) -> (Level, String) {
    let (level, text) = match outcome.verdict {
        Verdict::Success => (Level::INFO, format!("{kind} done in {took}")),
        Verdict::Partial => (Level::ERROR, format!("{kind} is incomplete after {took}")),
        Verdict::Failed | Verdict::FailedForGood => {
            (Level::ERROR, format!("{kind} failed after {took}"))
        }
    };
    let mut done = outcome.summary.clone();
    if outcome.reason.is_some() {
        // The reason of a failed command names its exit code already.
        done.exit_code = None;
    }
    let text = match (&outcome.reason, done.to_string()) {
        (None, done) if done.is_empty() => text,
        (None, done) => format!("{text}: {done}"),
        (Some(reason), done) if done.is_empty() => format!("{text}: {reason}"),
        (Some(reason), done) => format!("{text}: {reason} — {done}"),
    };
    (level, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Summary;

    fn text(reason: Option<&str>, summary: Summary) -> String {
        let verdict = match reason {
            Some(_) => Verdict::Failed,
            None => Verdict::Success,
        };
        let outcome = Outcome {
            reason: reason.map(str::to_owned),
            summary: Box::new(summary),
            ..crate::samples::outcome(verdict)
        };
        outcome_line("exec", &outcome, "2 s").1
    }

    #[test]
    fn an_exit_code_is_told_once() {
        let exit = |code| Summary {
            exit_code: Some(code),
            ..Summary::default()
        };
        assert_eq!(text(None, exit(0)), "exec done in 2 s: exit code 0");
        let reason = "the command ended with exit code 3";
        assert_eq!(
            text(Some(reason), exit(3)),
            format!("exec failed after 2 s: {reason}")
        );
        let removed = Summary {
            snapshots_removed: Some(1),
            ..Summary::default()
        };
        assert_eq!(
            text(Some("no space"), removed),
            "exec failed after 2 s: no space — 1 snapshot removed"
        );
        assert_eq!(text(None, Summary::default()), "exec done in 2 s");
    }
}
