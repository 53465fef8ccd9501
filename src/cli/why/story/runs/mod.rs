//! The sentences on a job's last runs.

use std::time::Duration;

use chrono::TimeDelta;

use super::Facts;
use crate::job::JobResult;
use crate::record::{RunRecord, RunState, Trigger};
use crate::units;

/// A later start is reported as late.
const PUNCTUAL: TimeDelta = TimeDelta::seconds(10);

/// One sentence on each of the last runs.
pub(super) fn runs(facts: &Facts<'_>) -> Vec<String> {
    if facts.runs.is_empty() {
        return match facts.record {
            Some(record) if record.started.is_none() => vec![format!(
                "It has not run yet: it was first seen on {}.",
                facts.at(record.created)
            )],
            _ => Vec::new(),
        };
    }
    let delay = facts
        .upcoming
        .and_then(|upcoming| TimeDelta::from_std(upcoming.jitter).ok())
        .unwrap_or_default();
    let mut sentences: Vec<String> = facts
        .runs
        .iter()
        .map(|run| sentence(facts, run, delay))
        .collect();
    if let (Some(newest), Some(first)) = (facts.runs.first(), sentences.first_mut()) {
        first.push_str(&log_of(facts, newest));
    }
    sentences
}

/// Where the log of the newest run is, if it did not succeed, and what its command wrote at its end.
fn log_of(facts: &Facts<'_>, run: &RunRecord) -> String {
    let has_failed = match run.state {
        RunState::Ended => run.result != Some(JobResult::Success),
        RunState::Interrupted | RunState::Waiting { .. } => true,
        _ => false,
    };
    if !has_failed || run.started.is_none() {
        return String::new();
    }
    let words = match facts.last_words {
        [] => String::new(),
        words => format!(" The command wrote at its end: {}.", words.join(" / ")),
    };
    format!("{words} `freezerd log {}` shows the log.", run.number)
}

/// What became of a run.
fn sentence(facts: &Facts<'_>, run: &RunRecord, delay: TimeDelta) -> String {
    let mut words = subject(facts, run);
    let waits = run
        .waits_for
        .as_ref()
        .map_or_else(|| "waiting for its turn".to_owned(), Clone::clone);
    let action = |index: u32| {
        run.actions
            .get(index as usize)
            .map_or("action", |action| action.kind.as_str())
    };
    match run.state {
        RunState::Skipped => {
            let why = run.reason.as_deref().unwrap_or("no reason was kept");
            words.push_str(&format!(" was not run: {why}."));
        }
        RunState::Queued { .. } if run.started.is_none() => {
            words.push_str(&format!(" has not started: it is {waits}."));
        }
        RunState::Queued { action: index, .. } => {
            words.push_str(&format!(
                "{}; its {} is {waits}.",
                started(facts, run, delay),
                action(index)
            ));
        }
        RunState::Running {
            action: index,
            attempt,
        } => {
            let nth = if attempt > 1 {
                format!(", attempt {attempt}")
            } else {
                String::new()
            };
            words.push_str(&format!(
                "{} and is running its {}{nth}.",
                started(facts, run, delay),
                action(index)
            ));
            let is_open = facts.open.is_some_and(|open| open.number == run.number);
            if let Some(reason) = facts.agent_waits.filter(|_| is_open) {
                words.push_str(&format!(" It is waiting: {reason}."));
            }
        }
        RunState::Waiting {
            action: index,
            attempt,
            until,
        } => {
            words.push_str(&format!(
                "{}; attempt {} of its {} failed, and attempt {attempt} starts at {}.",
                started(facts, run, delay),
                attempt.saturating_sub(1),
                action(index),
                facts.at(until)
            ));
        }
        RunState::Interrupted => {
            words.push_str(&format!(
                "{} and was interrupted{}{}.",
                started(facts, run, delay),
                run.ended
                    .map_or_else(String::new, |at| format!(" (noticed {})", facts.at(at))),
                reason(run)
            ));
            if let Some(other) = facts
                .runs
                .iter()
                .find(|other| other.makes_up_for == Some(run.number))
            {
                words.push_str(&format!(" Run {} makes up for it.", other.number));
            }
        }
        RunState::Ended => {
            let took = match (run.started, run.ended) {
                (Some(started), Some(ended)) => format!(
                    " after {}",
                    units::duration((ended - started).to_std().unwrap_or_default())
                ),
                _ => String::new(),
            };
            let how = match run.result {
                Some(JobResult::Success) => "succeeded",
                Some(JobResult::Aborted) => "was aborted",
                Some(JobResult::Fail) | None => "failed",
            };
            words.push_str(&format!(
                "{} and {how}{took}{}.",
                started(facts, run, delay),
                reason(run)
            ));
        }
    }
    words
}

/// The reason after a colon, or nothing.
fn reason(run: &RunRecord) -> String {
    run.reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"))
}

/// The subject of the sentence: which run, and what it stands for.
fn subject(facts: &Facts<'_>, run: &RunRecord) -> String {
    let number = run.number;
    if let Some(other) = run.makes_up_for {
        return format!(
            "Run {number}, which makes up for run {other} (due {}),",
            facts.at(run.due)
        );
    }
    if run.trigger == Trigger::Manual {
        let by = facts
            .events
            .iter()
            .find(|event| event.run == Some(number))
            .map_or_else(String::new, |event| format!(" by {}", event.by));
        return format!("Run {number}, requested{by} on {},", facts.at(run.due));
    }
    if run.covers > 1 {
        return format!(
            "Run {number}, for {} due times from {} to {},",
            run.covers,
            facts.at(run.first_due),
            facts.at(run.due)
        );
    }
    format!("Run {number}, due {},", facts.at(run.due))
}

/// When the run started, and whether that was on time.
fn started(facts: &Facts<'_>, run: &RunRecord, delay: TimeDelta) -> String {
    let Some(started) = run.started else {
        return " ended without an action".to_owned();
    };
    let late = started
        - run.due
        - if run.trigger == Trigger::Manual {
            TimeDelta::zero()
        } else {
            delay
        };
    let words = |span: TimeDelta| units::duration(span.to_std().unwrap_or(Duration::ZERO));
    match run.trigger {
        Trigger::CatchUp if run.makes_up_for.is_some() => format!(" started {}", facts.at(started)),
        Trigger::CatchUp => format!(
            " had been missed, was caught up on {} ({} late)",
            facts.at(started),
            words(late)
        ),
        _ if late > PUNCTUAL => format!(
            " started {} late, on {}, after waiting for its turn",
            words(late),
            facts.at(started)
        ),
        Trigger::Schedule => " started on time".to_owned(),
        Trigger::Manual => " started at once".to_owned(),
    }
}

#[cfg(test)]
mod tests;
