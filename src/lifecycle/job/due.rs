//! What is due, and what a change of the clock means for that.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Clockwork, Effect, Occurrence, Step, TICK, anchor_after_run, date_of, repeats_after_its_end,
    settle,
};
use crate::record::{JobRecord, Standing, Trigger};
use crate::schedule::zone::Zone;
use crate::schedule::{CatchUp, Due, Kind, Schedule};

/// How late a run may start and still count as on time. This is longer than the loop ever sleeps.
const ON_TIME: TimeDelta = TimeDelta::seconds(60);

/// A clock that is set back by more than this was wrong before, and is right now. A smaller step is an
/// adjustment.
const CORRECTED_CLOCK: TimeDelta = TimeDelta::hours(3);

/// Time has passed: claims or skips what is due now.
pub fn tick(mut record: JobRecord, clockwork: Clockwork<'_>, now: DateTime<Utc>) -> Step {
    let mut effects = Vec::new();
    let nominal_now = now - clockwork.delay;
    if record.standing != Standing::OnSchedule {
        return settle(record, effects, clockwork);
    }
    if record.handled > nominal_now + CORRECTED_CLOCK {
        effects.push(Effect::Corrected {
            handled: record.handled,
        });
        record.handled = nominal_now - TICK;
        record.anchor = record.anchor.min(now);
    }
    let repeats = repeats_after_its_end(clockwork.schedule);
    if repeats && record.run.is_none() {
        // A clock that was set back does not make the pause after the last run longer.
        record.anchor = record.anchor.min(anchor_after_run(record.failures, now));
        record.handled = record.handled.min(record.anchor);
    }
    let due = (!repeats || record.run.is_none())
        .then(|| {
            clockwork.schedule.due_between(
                record.handled,
                nominal_now,
                record.anchor,
                clockwork.zone,
            )
        })
        .flatten();
    if let Some(due) = due {
        record.handled = due.last;
        let effect = claim_or_skip(&record, clockwork, due, nominal_now);
        if repeats && matches!(effect, Effect::Skip { .. }) {
            // No run follows from which the next pause could count.
            record.anchor = now;
        }
        effects.push(effect);
    }
    settle(record, effects, clockwork)
}

/// The host has another time zone now. What was due in the old zone is handled. Times of day in the new zone count from
/// now on, not from the last run.
///
/// A date that has not fired is owed even where the new wall clock has passed it, since it has no other firing. A date
/// that was handled does not fire again.
pub fn zone_changed(
    mut record: JobRecord,
    old_zone: &Zone,
    clockwork: Clockwork<'_>,
    now: DateTime<Utc>,
) -> Step {
    let by_the_old_clock = Clockwork {
        zone: old_zone,
        ..clockwork
    };
    match clockwork.schedule.kind() {
        Kind::Calendar | Kind::Interval if clockwork.schedule.zone().is_none() => {
            record.handled = handled_at_restart(record.handled, clockwork, now);
        }
        Kind::Date if record.standing == Standing::OnSchedule => {
            if let (Some(was), Some(is)) = (
                date_of(&record, by_the_old_clock),
                date_of(&record, clockwork),
            ) {
                record.handled = if was <= record.handled {
                    record.handled.max(is)
                } else {
                    record.handled.min(is - TICK)
                };
            }
        }
        _ => {}
    }
    settle(record, Vec::new(), clockwork)
}

/// What to do about the other instants of `due`, if any, when the last one has a row already, from before the clock was
/// set back.
pub fn but_the_last(
    record: &JobRecord,
    clockwork: Clockwork<'_>,
    due: &Due,
    now: DateTime<Utc>,
) -> Option<Effect> {
    let others = clockwork.schedule.due_between(
        due.first - TICK,
        due.last - TICK,
        record.anchor,
        clockwork.zone,
    )?;
    Some(claim_or_skip(
        record,
        clockwork,
        others,
        now - clockwork.delay,
    ))
}

/// The job has no run after all: its claimed row is too late to start, or the claim found a row that existed already.
/// The job goes on to its next firing.
pub fn dropped(mut record: JobRecord, clockwork: Clockwork<'_>, now: DateTime<Utc>) -> Step {
    record.run = None;
    if repeats_after_its_end(clockwork.schedule) {
        record.anchor = now;
    }
    settle(record, Vec::new(), clockwork)
}

/// The `handled` instant of a job that begins its schedule anew at `now`. What was due before is not owed, and what was
/// handled does not fire again, unless it lies in a future that a corrected clock took away.
pub(super) fn handled_at_restart(
    handled: DateTime<Utc>,
    clockwork: Clockwork<'_>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let begin = just_before_now(clockwork, now);
    if handled > begin + CORRECTED_CLOCK {
        begin
    } else {
        handled.max(begin)
    }
}

/// The last due instant that cannot fire at `now` or later.
pub(super) fn just_before_now(clockwork: Clockwork<'_>, now: DateTime<Utc>) -> DateTime<Utc> {
    now - clockwork.delay - TICK
}

/// Claims what is due, or skips it with a reason.
fn claim_or_skip(
    record: &JobRecord,
    clockwork: Clockwork<'_>,
    due: Due,
    nominal_now: DateTime<Utc>,
) -> Effect {
    let late = nominal_now - due.last;
    let occurrence = Occurrence {
        trigger: if late > ON_TIME {
            Trigger::CatchUp
        } else {
            Trigger::Schedule
        },
        due,
        makes_up_for: None,
    };
    if let Some(run) = record.run {
        return Effect::Skip {
            occurrence,
            reason: if run.started {
                format!("run {} was still going on", run.number)
            } else {
                format!("run {} had not started yet", run.number)
            },
        };
    }
    match catch_up_refusal(clockwork.schedule, late) {
        Some(reason) => Effect::Skip { occurrence, reason },
        None => Effect::Claim(occurrence),
    }
}

/// Why an occurrence that is this late is not run any more; `None`: it is run.
pub fn catch_up_refusal(schedule: &Schedule, late: TimeDelta) -> Option<String> {
    if late <= ON_TIME {
        return None;
    }
    match schedule.catch_up() {
        CatchUp::Once => None,
        CatchUp::Skip => Some("it was missed, and schedule_catch_up is skip".to_owned()),
        CatchUp::Within(limit) if late.to_std().is_ok_and(|late| late <= limit) => None,
        CatchUp::Within(limit) => Some(format!(
            "it was missed by more than schedule_catch_up allows ({} s)",
            limit.as_secs()
        )),
    }
}
