//! What a job's file means for the job: first seen, changed, gone.

use chrono::{DateTime, Utc};

use super::due::{handled_at_restart, just_before_now};
use super::events::ask;
use super::{Clockwork, Effect, Step, TICK, anchor, date_of, settle};
use crate::job::{Event, InitialState, Status};
use crate::record::{JobRecord, Past, Standing, Told};
use crate::schedule::Kind;

/// A new job.
pub fn first_seen(
    job_id: &str,
    content: Content<'_>,
    initial: &InitialState,
    clockwork: Clockwork<'_>,
    now: DateTime<Utc>,
) -> Step {
    let created = instant(initial.time_created).unwrap_or(now);
    let mut record = JobRecord {
        job_id: job_id.to_owned(),
        file: Some(content.file.to_owned()),
        digest: content.digest.to_owned(),
        document: content.document.to_owned(),
        standing: Standing::OnSchedule,
        run: None,
        pending: None,
        result: initial.result,
        created,
        started: instant(initial.time_started),
        ended: instant(initial.time_ended),
        anchor: anchor(clockwork.schedule, created, now),
        // An instant that the jitter still delays is to come: the job fires as if it had always been there.
        handled: just_before_now(clockwork, now),
        next: None,
        failures: 0,
        reason: None,
        said: initial.clone(),
        max_age: content.max_age,
        first_seen: Some(now),
        told: Told::default(),
        past: Past::default(),
    };
    let standing = match (initial.event, initial.status) {
        (Some(Event::Start), _) => Standing::OnSchedule,
        (Some(Event::Remove), _) | (None, Some(Status::Removed)) => Standing::Removed,
        (Some(Event::Stop | Event::Abort), _) | (None, Some(Status::Stop)) => Standing::Stopped,
        (None, _) => Standing::OnSchedule,
    };
    record.standing = standing;
    if standing != Standing::OnSchedule {
        record.reason = Some("its file says so".to_owned());
    }
    owe_recent_date(&mut record, clockwork, now);
    settle(record, Vec::new(), clockwork)
}

/// The job seems to be new, but only because what was known of it is lost. A job that runs once may have run, and does
/// not run again before somebody triggers it.
pub fn hold_what_runs_once(step: Step, clockwork: Clockwork<'_>, now: DateTime<Utc>) -> Step {
    let mut record = step.record;
    let owed_once = match clockwork.schedule.kind() {
        Kind::None => true,
        Kind::Date => date_of(&record, clockwork).is_some_and(|date| date <= now),
        Kind::Interval | Kind::Continuous | Kind::Calendar => false,
    };
    if record.standing == Standing::OnSchedule && owed_once {
        record.standing = Standing::Stopped;
        record.reason = Some(format!(
            "the ledger was damaged, so it is not known whether the job has run; `freezerd trigger {}` runs it",
            record.job_id
        ));
    }
    settle(record, step.effects, clockwork)
}

/// The content of a job's file.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The file's name, without its directory.
    pub file: &'a str,
    pub digest: &'a str,
    /// The text.
    pub document: &'a str,
    /// Its `max_age` in seconds.
    pub max_age: Option<u64>,
}

/// What changed between two contents of a job.
#[derive(Clone, Copy, Debug)]
pub struct ContentChange<'a> {
    /// The state that the new content asks for.
    pub is: &'a InitialState,
    /// Whether the schedule is another one.
    pub schedule_changed: bool,
}

/// The job's file has new content, or another name.
pub fn changed(
    mut record: JobRecord,
    content: Content<'_>,
    change: ContentChange<'_>,
    clockwork: Clockwork<'_>,
    now: DateTime<Utc>,
) -> Step {
    record.file = Some(content.file.to_owned());
    record.digest = content.digest.to_owned();
    record.document = content.document.to_owned();
    if record.max_age != content.max_age {
        // Receivers are told when the job is overdue by the new limit.
        record.told.overdue = false;
    }
    record.max_age = content.max_age;
    if change.schedule_changed {
        // The new schedule does not owe what the old one owed.
        record.handled = handled_at_restart(record.handled, clockwork, now);
        if record.standing == Standing::Finished && clockwork.schedule.kind() != Kind::None {
            record.standing = Standing::OnSchedule;
            record.reason = None;
        }
        if record.standing == Standing::OnSchedule {
            record.anchor = anchor(clockwork.schedule, record.created, now);
        }
        owe_recent_date(&mut record, clockwork, now);
    }
    let asked = asked_by_file(&record.said, change.is);
    record.said = change.is.clone();
    match asked {
        Some(event) => ask(record, event, clockwork, now).step,
        None => settle(record, Vec::new(), clockwork),
    }
}

/// The event that a changed file asks for: its `event`, else its `status`, where they differ from before.
fn asked_by_file(was: &InitialState, is: &InitialState) -> Option<Event> {
    if is.event != was.event && is.event.is_some() {
        return is.event;
    }
    if is.status == was.status {
        return None;
    }
    match is.status? {
        Status::Stop => Some(Event::Stop),
        Status::Scheduled => Some(Event::Start),
        Status::Removed => Some(Event::Remove),
        Status::Running | Status::Aborting => None,
    }
}

/// The job's file is gone.
pub fn file_gone(mut record: JobRecord) -> Step {
    record.file = None;
    let mut effects = Vec::new();
    match record.run {
        Some(run) if run.started => {}
        Some(run) => {
            record.run = None;
            effects.push(Effect::Cancel {
                run: run.number,
                result: None,
                reason: "its file was deleted before it started".to_owned(),
            });
            effects.push(Effect::Forget);
        }
        None => effects.push(Effect::Forget),
    }
    Step { record, effects }
}

/// A date that has just passed when the job is first seen is still run. An older one is not, and the reason says so.
fn owe_recent_date(record: &mut JobRecord, clockwork: Clockwork<'_>, now: DateTime<Utc>) {
    if record.standing != Standing::OnSchedule {
        return;
    }
    let Some(date) = date_of(record, clockwork).filter(|date| *date <= now) else {
        return;
    };
    if clockwork.schedule.is_too_late(now, clockwork.zone) {
        record.standing = Standing::Finished;
        record.reason = Some(format!(
            "its date {} had passed by more than an hour when it was first seen",
            clockwork.zone.to_local(date).to_rfc3339()
        ));
    } else {
        record.handled = date - TICK;
    }
}

fn instant(seconds: Option<i64>) -> Option<DateTime<Utc>> {
    seconds
        .filter(|seconds| *seconds != 0)
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
}
