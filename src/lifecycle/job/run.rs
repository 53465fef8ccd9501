//! What a job's own run means for the job: claimed, started, ended.

use chrono::{DateTime, Utc};

use super::due::catch_up_refusal;
use super::{
    Clockwork, Effect, Occurrence, Step, anchor_after_run, repeats_after_its_end, settle, upcoming,
};
use crate::job::{Event, JobResult};
use crate::record::{JobRecord, OpenRun, Standing, Trigger};
use crate::schedule::Due;

/// A row was claimed for the job at `now`: it has a run now.
pub fn claimed(
    mut record: JobRecord,
    run: u64,
    clockwork: Clockwork<'_>,
    now: DateTime<Utc>,
) -> JobRecord {
    record.run = Some(OpenRun {
        number: run,
        started: false,
        aborting: false,
        since: Some(now),
    });
    record.next = upcoming(&record, clockwork);
    record
}

/// The first attempt of the job's run starts.
pub fn run_started(mut record: JobRecord, now: DateTime<Utc>) -> JobRecord {
    if let Some(run) = &mut record.run {
        run.started = true;
    }
    record.started = Some(now);
    record.ended = None;
    record
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    pub result: JobResult,
    /// `Some` when the run was cut off by the end of the daemon.
    pub interrupted: Option<Interrupted>,
}

/// A run that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    pub run: u64,
    /// The due instants that the run stood for.
    pub due: Due,
    /// The run itself made up for an interrupted run: there is no third try.
    pub made_up: bool,
}

/// The job's run ended.
pub fn run_ended(
    mut record: JobRecord,
    end: &RunEnd,
    clockwork: Clockwork<'_>,
    now: DateTime<Utc>,
) -> Step {
    let mut effects = Vec::new();
    record.run = None;
    record.result = Some(end.result);
    record.ended = Some(now);
    record.failures = match end.result {
        JobResult::Success => 0,
        JobResult::Fail | JobResult::Aborted => record.failures.saturating_add(1),
    };
    let pending = record.pending.take();
    match pending {
        Some(Event::Remove) => {
            record.standing = Standing::Removed;
            record.reason = Some("removed by hand".to_owned());
        }
        Some(Event::Stop) => {
            record.standing = Standing::Stopped;
            record.reason = Some("stopped by hand".to_owned());
        }
        Some(Event::Abort) => {
            record.standing = Standing::Stopped;
            record.reason = Some("aborted by hand".to_owned());
        }
        Some(Event::Start) | None => {}
    }
    if repeats_after_its_end(clockwork.schedule) {
        record.anchor = anchor_after_run(record.failures, now);
        // The clock may have been set back during the run, and the next firing has to lie ahead.
        record.handled = record.handled.min(record.anchor);
    }
    if record.file.is_none() {
        effects.push(Effect::Forget);
        return Step { record, effects };
    }
    if let Some(cut) = &end.interrupted
        && pending.is_none()
        && let Some(due) = still_owed(cut, &record, clockwork)
        && catch_up_refusal(clockwork.schedule, now - clockwork.delay - due.last).is_none()
    {
        effects.push(Effect::Claim(Occurrence {
            trigger: Trigger::CatchUp,
            due,
            makes_up_for: Some(cut.run),
        }));
    }
    settle(record, effects, clockwork)
}

/// What an interrupted run leaves owed: the instants that it stood for. When it was the second try for them, only what
/// came due since then, and was skipped because of the two.
fn still_owed(cut: &Interrupted, record: &JobRecord, clockwork: Clockwork<'_>) -> Option<Due> {
    if !cut.made_up {
        return Some(cut.due.clone());
    }
    let (schedule, zone) = (clockwork.schedule, clockwork.zone);
    schedule.due_between(cut.due.last, record.handled, record.anchor, zone)
}
