//! What an event means for a job: start, stop, abort, remove, trigger.

use chrono::{DateTime, Utc};

use super::due::handled_at_restart;
use super::{Clockwork, Effect, Occurrence, Step, anchor, settle, upcoming};
use crate::job::{Event, JobResult};
use crate::record::{JobRecord, OpenRun, Standing, Trigger};
use crate::schedule::Due;

/// The answer to an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub step: Step,
    /// Whether the event was carried out, or will be once a run has ended.
    pub accepted: bool,
    /// What the event did, or why it did nothing, in one sentence without the job's name.
    pub text: String,
}

/// Somebody asked for an event.
pub fn ask(
    mut record: JobRecord,
    event: Event,
    clockwork: Clockwork<'_>,
    now: DateTime<Utc>,
) -> Answer {
    let mut effects = Vec::new();
    let (accepted, text) = match event {
        Event::Start => start(&mut record, clockwork, now),
        Event::Stop | Event::Remove => leave(&mut record, event, &mut effects),
        Event::Abort => abort(&mut record, &mut effects, now),
    };
    Answer {
        step: settle(record, effects, clockwork),
        accepted,
        text,
    }
}

fn start(record: &mut JobRecord, clockwork: Clockwork<'_>, now: DateTime<Utc>) -> (bool, String) {
    if let Some(run) = record.run {
        if run.aborting {
            record.pending = Some(Event::Start);
            return (
                true,
                format!(
                    "goes back on its schedule once run {} has ended",
                    run.number
                ),
            );
        }
        record.pending = None;
    }
    if record.standing == Standing::OnSchedule {
        return (true, "is on its schedule".to_owned());
    }
    let mut revived = record.clone();
    revived.standing = Standing::OnSchedule;
    revived.handled = handled_at_restart(revived.handled, clockwork, now);
    revived.anchor = anchor(clockwork.schedule, record.created, now);
    revived.failures = 0;
    revived.past.owed_since = None;
    revived.reason = None;
    if upcoming(&revived, clockwork).is_none() && revived.run.is_none() {
        return (
            false,
            "its schedule has no more firings; `freezerd trigger` runs it now".to_owned(),
        );
    }
    *record = revived;
    (true, "is back on its schedule".to_owned())
}

/// `stop` and `remove`. A run that has started ends first.
fn leave(record: &mut JobRecord, event: Event, effects: &mut Vec<Effect>) -> (bool, String) {
    let (standing, done) = if event == Event::Remove {
        (Standing::Removed, "removed")
    } else {
        (Standing::Stopped, "stopped")
    };
    match record.run {
        Some(run) if run.started => {
            if record.pending != Some(Event::Abort) || event == Event::Remove {
                record.pending = Some(event);
            }
            return (
                true,
                format!("will be {done} once run {} has ended", run.number),
            );
        }
        Some(run) => {
            record.run = None;
            effects.push(Effect::Cancel {
                run: run.number,
                result: None,
                reason: format!("the job was {done} before it started"),
            });
        }
        None => {}
    }
    if record.standing == standing {
        return (true, format!("was {done} already"));
    }
    if record.standing == Standing::Removed {
        return (false, "is removed; `freezerd start` revives it".to_owned());
    }
    record.standing = standing;
    record.reason = Some(format!("{done} by hand"));
    (true, format!("is {done}"))
}

fn abort(record: &mut JobRecord, effects: &mut Vec<Effect>, now: DateTime<Utc>) -> (bool, String) {
    let Some(run) = record.run else {
        let then = match record.standing {
            Standing::OnSchedule => "`freezerd stop` takes it off its schedule",
            Standing::Finished => "no run is to come",
            Standing::Stopped => "it is stopped already",
            Standing::Removed => "it is removed already",
        };
        return (false, format!("has no run to abort; {then}"));
    };
    if !run.started {
        record.run = None;
        record.standing = Standing::Stopped;
        record.result = Some(JobResult::Aborted);
        record.ended = Some(now);
        record.reason = Some("aborted by hand".to_owned());
        effects.push(Effect::Cancel {
            run: run.number,
            result: Some(JobResult::Aborted),
            reason: "aborted before it started".to_owned(),
        });
        return (
            true,
            format!(
                "run {} was aborted before it started; the job is off its schedule until `freezerd start {}`",
                run.number, record.job_id
            ),
        );
    }
    // The second time, it ends the mandatory actions, too.
    effects.push(Effect::Abort { run: run.number });
    record.run = Some(OpenRun {
        aborting: true,
        ..run
    });
    if record.pending != Some(Event::Remove) {
        record.pending = Some(Event::Abort);
    }
    let text = match run.aborting {
        false => format!(
            "run {} is being ended, mandatory actions still follow; afterwards the job is off its schedule until \
             `freezerd start {}`",
            run.number, record.job_id
        ),
        true => format!("run {} is being ended, mandatory actions too", run.number),
    };
    (true, text)
}

/// Somebody asked for one run now, whatever the schedule says.
pub fn trigger(record: JobRecord, now: DateTime<Utc>) -> Answer {
    let refusal = match (record.run, record.standing) {
        (Some(run), _) => Some(format!(
            "run {} is going on; a job has one run at a time",
            run.number
        )),
        (None, Standing::Removed) => Some("is removed; `freezerd start` revives it".to_owned()),
        (None, _) => None,
    };
    let mut effects = Vec::new();
    if refusal.is_none() {
        effects.push(Effect::Claim(Occurrence {
            trigger: Trigger::Manual,
            due: Due {
                first: now,
                last: now,
                count: 1,
            },
            makes_up_for: None,
        }));
    }
    Answer {
        step: Step { record, effects },
        accepted: refusal.is_none(),
        text: refusal.unwrap_or_else(|| "runs now".to_owned()),
    }
}
