//! What happened, in plain words.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tracing::Level;

use super::scheduler::notice::Notice;
use crate::control::mark::Mark;
use crate::job::JobResult;
use crate::job::action::{Age, Command, Work};
use crate::protocol::{Outcome, Summary, Verdict};
use crate::record::AttemptEnd;
use crate::schedule::zone::Zone;
use crate::units;

/// A line for people: how much it matters, whom it is about, and what to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The job it is about.
    pub job_id: Option<String>,
    /// The run it is about.
    pub run: Option<u64>,
    /// What to say.
    pub text: String,
}

/// What an action works on.
pub fn about(work: &Work) -> String {
    match work {
        Work::Backup(backup) => format!("{} → {}", backup.path.display(), backup.container.name),
        Work::Restore(restore) => {
            format!("{} → {}", restore.container.name, restore.target.display())
        }
        Work::Admin(admin) => match admin.remove {
            Age::Days(days) => format!(
                "snapshots of {} older than {days} days in {}",
                admin.lineage.backup_name, admin.container.name
            ),
            Age::Before(instant) => format!(
                "snapshots of {} from before {} in {}",
                admin.lineage.backup_name,
                DateTime::<Utc>::from_timestamp(instant, 0)
                    .map_or_else(|| instant.to_string(), |at| at.to_rfc3339()),
                admin.container.name
            ),
        },
        Work::Info(info) => info.container.name.clone(),
        // A command may carry a secret: its program is enough.
        Work::Exec(exec) => match &exec.command {
            Command::Shell(text) => program(text).unwrap_or("a shell command").to_owned(),
            Command::Words(words) => words.first().cloned().unwrap_or_default(),
        },
        Work::Check(check) => check.container.name.clone(),
    }
}

/// The program that a shell command begins with, if it does begin with one: `PGPASSWORD=… pg_dump` does not.
fn program(command: &str) -> Option<&str> {
    let plain = |it: char| it.is_ascii_alphanumeric() || "/._+-".contains(it);
    command
        .split_whitespace()
        .next()
        .filter(|word| word.chars().all(plain))
}

/// Why an attempt was no success; `None` when it was.
pub fn failure(kind: &str, end: &AttemptEnd) -> Option<String> {
    match end {
        AttemptEnd::Reported { outcome } if outcome.verdict == Verdict::Success => None,
        AttemptEnd::Reported { outcome } => Some(format!(
            "{kind}: {}",
            outcome
                .reason
                .as_deref()
                .unwrap_or("it failed without a reason")
        )),
        AttemptEnd::Aborted => Some(format!("{kind}: aborted")),
        AttemptEnd::TimedOut => Some(format!("{kind}: took longer than its timeout")),
        AttemptEnd::Stalled { seconds } => Some(format!(
            "{kind}: no progress for {}, its stall_timeout",
            units::duration(Duration::try_from_secs_f64(*seconds).unwrap_or_default())
        )),
        AttemptEnd::Interrupted => Some(format!("{kind}: interrupted")),
        AttemptEnd::Crashed { reason } => Some(format!("{kind}: {reason}")),
    }
}

/// What an action did, in numbers.
pub fn achievement(summary: &Summary) -> String {
    let mut parts = Vec::new();
    if let Some(files) = summary.files {
        let mut part = units::count(files, "file", "files");
        if let Some(bytes) = summary.bytes {
            let _ = write!(part, ", {}", units::bytes(bytes));
        }
        parts.push(part);
    }
    if let (Some(new), Some(changed)) = (summary.files_new, summary.files_changed) {
        parts.push(format!("{new} new, {changed} changed"));
    }
    if let Some(added) = summary.bytes_added {
        parts.push(format!("{} added", units::bytes(added)));
    }
    if let Some(removed) = summary.snapshots_removed {
        parts.push(format!(
            "{} removed",
            units::count(removed, "snapshot", "snapshots")
        ));
    }
    if let Some(there) = summary.snapshots {
        parts.push(format!(
            "{} there",
            units::count(there, "snapshot", "snapshots")
        ));
    }
    if let Some(id) = &summary.snapshot {
        let mut part = format!("snapshot {}", id.chars().take(8).collect::<String>());
        if let Some(level) = summary.level {
            let _ = write!(part, " (level {level})");
        }
        parts.push(part);
    }
    if let Some(code) = summary.exit_code {
        parts.push(format!("exit code {code}"));
    }
    parts.join("; ")
}

/// A notice as a line.
pub fn line(notice: &Notice, zone: &Zone) -> Line {
    let at = |instant: DateTime<Utc>| moment(instant, zone);
    let next = |instant: Option<DateTime<Utc>>| {
        instant.map_or_else(String::new, |instant| format!("; next at {}", at(instant)))
    };
    let say = |level, job_id: &str, run: Option<u64>, text: String| Line {
        level,
        job_id: Some(job_id.to_owned()),
        run,
        text,
    };
    match notice {
        Notice::JobLoaded {
            job_id,
            file,
            schedule,
            next,
            reason,
            changed,
            warnings,
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
            say(
                Level::INFO,
                job_id,
                None,
                format!("{verb} from {file}: {schedule}; {then}{warnings}"),
            )
        }
        Notice::FileInvalid {
            file,
            report,
            keeps,
        } => Line {
            level: Level::ERROR,
            job_id: keeps.clone(),
            run: None,
            text: format!(
                "{file} is not a valid job{}\n{report}",
                match keeps {
                    Some(job_id) => format!("; {job_id} goes on with its last good content"),
                    None => String::new(),
                }
            ),
        },
        Notice::FileForeign {
            file,
            job_id,
            client_id,
        } => say(
            Level::INFO,
            job_id,
            None,
            format!("{file} is a job of {client_id}: not run here"),
        ),
        Notice::JobGone { job_id } => say(
            Level::INFO,
            job_id,
            None,
            "gone: its file was deleted".to_owned(),
        ),
        Notice::RunStarted {
            job_id,
            run,
            trigger,
            due,
            covers,
        } => {
            let mut text = format!(
                "run {run} started ({}, due {}",
                trigger.describe(),
                at(*due)
            );
            if *covers > 1 {
                let _ = write!(text, ", for {covers} due times");
            }
            text.push(')');
            say(Level::INFO, job_id, Some(*run), text)
        }
        Notice::RunWaits {
            job_id,
            run,
            reason,
        } => say(
            Level::INFO,
            job_id,
            Some(*run),
            format!("run {run} is {reason}"),
        ),
        Notice::MoreWait { runs } => Line {
            level: Level::INFO,
            job_id: None,
            run: None,
            text: format!(
                "{} too; `freezerd list` says for what",
                if *runs == 1 {
                    "1 more run waits".to_owned()
                } else {
                    format!("{runs} more runs wait")
                }
            ),
        },
        Notice::AttemptStarted {
            job_id,
            run,
            kind,
            about,
            attempt,
            attempts,
            ..
        } => {
            let nth = if *attempt > 1 {
                format!(" (attempt {attempt} of {attempts})")
            } else {
                String::new()
            };
            say(
                Level::INFO,
                job_id,
                Some(*run),
                format!("{kind} {about}{nth}"),
            )
        }
        Notice::AttemptEnded {
            job_id,
            run,
            kind,
            end,
            took,
            retry,
        } => {
            let took = units::duration(*took);
            let (level, mut text) = match end {
                AttemptEnd::Reported { outcome } => outcome_line(kind, outcome, &took),
                other => (
                    if *other == AttemptEnd::Aborted {
                        Level::WARN
                    } else {
                        Level::ERROR
                    },
                    format!(
                        "{} (after {took})",
                        failure(kind, other).unwrap_or_default()
                    ),
                ),
            };
            if let Some(retry) = retry {
                let _ = write!(text, "; tried again at {}", at(*retry));
            }
            say(level, job_id, Some(*run), text)
        }
        Notice::RunEnded {
            job_id,
            run,
            result,
            interrupted,
            reason,
            took,
            next: then,
        } => {
            let (level, word) = match result {
                _ if *interrupted => (Level::WARN, "was interrupted"),
                JobResult::Success => (Level::INFO, "succeeded"),
                JobResult::Fail => (Level::ERROR, "failed"),
                JobResult::Aborted => (Level::WARN, "was aborted"),
            };
            let why = reason
                .as_ref()
                .map_or_else(String::new, |reason| format!(": {reason}"));
            say(
                level,
                job_id,
                Some(*run),
                format!(
                    "run {run} {word} after {}{why}{}",
                    units::duration(*took),
                    next(*then)
                ),
            )
        }
        Notice::Skipped {
            job_id,
            run,
            due,
            reason,
        } => say(
            Level::WARN,
            job_id,
            Some(*run),
            format!("the run due {} is skipped: {reason}", at(*due)),
        ),
        Notice::Asked {
            job_id,
            command,
            by,
            answer,
            accepted,
        } => say(
            if *accepted { Level::INFO } else { Level::WARN },
            job_id,
            None,
            format!("{command} by {by}: {job_id} {answer}"),
        ),
        Notice::Warning(text) => Line {
            level: Level::WARN,
            job_id: None,
            run: None,
            text: text.clone(),
        },
    }
}

/// What the run's own log says instead of the line: where an attempt begins must be found in it.
pub fn in_run_log(notice: &Notice) -> Option<String> {
    let Notice::AttemptStarted {
        kind,
        about,
        action,
        actions,
        attempt,
        attempts,
        ..
    } = notice
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

fn outcome_line(kind: &str, outcome: &Outcome, took: &str) -> (Level, String) {
    let done = achievement(&outcome.summary);
    let (level, mut text) = match outcome.verdict {
        Verdict::Success => (Level::INFO, format!("{kind} done in {took}")),
        Verdict::Partial => (Level::ERROR, format!("{kind} is incomplete after {took}")),
        Verdict::Failed | Verdict::FailedForGood => {
            (Level::ERROR, format!("{kind} failed after {took}"))
        }
    };
    if let Some(reason) = &outcome.reason {
        let _ = write!(text, ": {reason}");
    }
    // A command's exit code is all that its reason says.
    let said = outcome.reason.as_ref();
    if !done.is_empty() && !said.is_some_and(|reason| reason.contains(&done)) {
        let _ = write!(
            text,
            "{} {done}",
            if outcome.reason.is_some() {
                " —"
            } else {
                ":"
            }
        );
    }
    (level, text)
}

/// An instant as people of the zone read it.
pub fn moment(instant: DateTime<Utc>, zone: &Zone) -> String {
    zone.to_local(instant).format("%F %T").to_string()
}

/// Gives a line to the log.
pub fn log(line: &Line) {
    let job = line.job_id.as_deref();
    let run = line.run;
    let text = &line.text;
    match line.level {
        Level::ERROR => tracing::error!(job, run, "{text}"),
        Level::WARN => tracing::warn!(job, run, "{text}"),
        _ => tracing::info!(job, run, "{text}"),
    }
}
