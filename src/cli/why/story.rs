//! What the ledger knows of a job, as sentences. Pure: facts in, text out.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::cli::next::coming::Coming;
use crate::job::{Event, JobResult, Status};
use crate::record::{
    EventRecord, FileRecord, FileVerdict, JobRecord, RunRecord, RunState, Standing, Trigger,
};
use crate::schedule::zone::Zone;
use crate::units;

/// All that a story is made of.
pub struct Facts<'a> {
    pub job_id: &'a str,
    /// Who this host is.
    pub client_id: &'a str,
    pub now: DateTime<Utc>,
    pub zone: &'a Zone,
    /// A daemon is at work.
    pub daemon: bool,
    /// `None`: no such job runs here (any more).
    pub record: Option<&'a JobRecord>,
    /// `None`: its content cannot be read with these settings.
    pub coming: Option<&'a Coming>,
    pub file: Option<&'a FileRecord>,
    /// The run that it is busy with.
    pub open: Option<&'a RunRecord>,
    /// The newest first.
    pub runs: &'a [RunRecord],
    /// The newest first.
    pub events: &'a [EventRecord],
}

/// Three paragraphs.
#[derive(Debug, Default, PartialEq)]
pub struct Story {
    /// How it stands.
    pub state: Vec<String>,
    /// What became of its last runs, the newest first.
    pub lately: Vec<String>,
    /// What is to come.
    pub next: Vec<String>,
}

/// A start that is later than this is worth a word.
const PUNCTUAL: TimeDelta = TimeDelta::seconds(10);

/// Tells the story.
pub fn tell(facts: &Facts<'_>) -> Story {
    Story {
        state: state(facts),
        lately: lately(facts),
        next: next(facts),
    }
}

impl Facts<'_> {
    fn at(&self, instant: DateTime<Utc>) -> String {
        self.zone.to_local(instant).format("%a %F %T").to_string()
    }
}

fn state(facts: &Facts<'_>) -> Vec<String> {
    let name = facts.job_id;
    let mut told = Vec::new();
    let Some(record) = facts.record else {
        told.push(match facts.file.map(|file| (&file.file, &file.verdict)) {
            Some((file, FileVerdict::Foreign { client_id, .. })) => format!(
                "{name} is not run here: {file} says that it is a job of {client_id}, and this host is {}.",
                facts.client_id
            ),
            Some((file, FileVerdict::Invalid { summary, .. })) => format!(
                "{name} never ran from {file}, which is invalid: {summary}. `freezerd check` shows all faults."
            ),
            _ => format!("{name} is no job any more: its file was deleted."),
        });
        return told;
    };
    let schedule = facts.coming.map_or_else(String::new, |coming| {
        format!(" ({}, {})", coming.schedule, coming.zone.name())
    });
    told.push(match record.status() {
        Status::Running => format!("{name} is running{schedule}."),
        Status::Aborting => format!("{name} is being aborted{schedule}."),
        Status::Scheduled if facts.open.is_some() => {
            format!("{name} is on its schedule{schedule}, and a run is due.")
        }
        Status::Scheduled => format!("{name} is on its schedule{schedule}."),
        Status::Stop if record.standing == Standing::Finished => {
            format!("{name} is finished{}.", because(record))
        }
        Status::Stop => format!("{name} is stopped{}.", because(record)),
        Status::Removed => format!("{name} is removed{}.", because(record)),
    });
    if record.standing != Standing::OnSchedule
        && let Some(event) = facts.events.iter().find(|event| {
            event.accepted && ["stop", "abort", "remove"].contains(&event.command.as_str())
        })
    {
        told.push(format!(
            "{} asked for that ({}) on {}; `freezerd start {name}` puts it back on its schedule.",
            event.by,
            event.command,
            facts.at(event.handled)
        ));
    }
    if let (Some(pending), Some(run)) = (record.pending, record.run) {
        let what = match pending {
            Event::Start => "goes back on its schedule",
            Event::Stop | Event::Abort => "is stopped",
            Event::Remove => "is removed",
        };
        told.push(format!("It {what} once run {} has ended.", run.number));
    }
    if let Some(FileRecord {
        file,
        verdict: FileVerdict::Invalid { summary, .. },
        seen,
    }) = facts.file
    {
        told.push(format!(
            "{file} is invalid since {}: {summary}. The job goes on with the last good content.",
            facts.at(*seen)
        ));
    }
    if record.file.is_none() {
        told.push("Its file was deleted: it goes with the end of its run.".to_owned());
    }
    if record.failures > 1 {
        told.push(format!("Its last {} runs failed.", record.failures));
    }
    if let Some(event) = facts.events.first().filter(|event| !event.accepted) {
        told.push(format!(
            "{} asked for {} on {}, which was refused: {name} {}.",
            event.by,
            event.command,
            facts.at(event.handled),
            event.answer
        ));
    }
    told
}

fn because(record: &JobRecord) -> String {
    record
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"))
}

fn lately(facts: &Facts<'_>) -> Vec<String> {
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
        .coming
        .and_then(|coming| TimeDelta::from_std(coming.jitter).ok())
        .unwrap_or_default();
    facts
        .runs
        .iter()
        .map(|run| sentence(facts, run, delay))
        .collect()
}

/// What became of a row.
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
                "{} and is at its {}{nth}.",
                started(facts, run, delay),
                action(index)
            ));
        }
        RunState::Waiting {
            action: index,
            attempt,
            until,
        } => {
            words.push_str(&format!(
                "{}; attempt {} of its {} failed, and attempt {attempt} comes at {}.",
                started(facts, run, delay),
                attempt.saturating_sub(1),
                action(index),
                facts.at(until)
            ));
        }
        RunState::Interrupted => {
            words.push_str(&format!(
                "{} and was cut off{}{}.",
                started(facts, run, delay),
                run.ended
                    .map_or_else(String::new, |at| format!(" (found out {})", facts.at(at))),
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

fn reason(run: &RunRecord) -> String {
    run.reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"))
}

/// Which run, and what it stands for.
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
        return format!("Run {number}, asked for{by} on {},", facts.at(run.due));
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

/// When it started, and whether that was its time.
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

fn next(facts: &Facts<'_>) -> Vec<String> {
    let Some(record) = facts.record else {
        return Vec::new();
    };
    let mut told = Vec::new();
    if let Some(coming) = facts.coming {
        if let Some(owed) = &coming.owed {
            let due = if owed.due.count == 1 {
                format!("The run due {}", facts.at(owed.due.last))
            } else {
                format!(
                    "{} due times from {} to {}",
                    owed.due.count,
                    facts.at(owed.due.first),
                    facts.at(owed.due.last)
                )
            };
            let passed = if owed.due.count == 1 {
                "has passed"
            } else {
                "have passed"
            };
            told.push(match &owed.refusal {
                None => format!(
                    "{due} {passed} and one run is owed for it, as soon as freezerd gets to it."
                ),
                Some(why) => format!("{due} {passed} and will not be run: {why}."),
            });
        }
        if let Some(firing) = coming.firings.first() {
            let notes = coming.notes(firing);
            let notes = if notes.is_empty() {
                String::new()
            } else {
                format!(" ({})", notes.join("; "))
            };
            let ahead = (firing.at - facts.now).to_std().unwrap_or(Duration::ZERO);
            told.push(format!(
                "It is due next on {}, in {}{notes}.",
                facts.at(firing.at),
                units::duration(ahead)
            ));
        } else if let Some(off) = &coming.off {
            told.push(format!("Nothing is to come: {off}."));
        } else if coming.continuous && record.run.is_some() {
            told.push(
                "It runs again a second after this run has ended, later if it fails.".to_owned(),
            );
        } else if coming.owed.is_none() && facts.open.is_none() {
            told.push("It is not due any more.".to_owned());
        }
    } else {
        told.push(
            "When it is due cannot be told with these settings: run the command with the daemon's."
                .to_owned(),
        );
    }
    if !facts.daemon {
        told.push("No freezerd is running now: nothing starts until one is.".to_owned());
    }
    told
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
