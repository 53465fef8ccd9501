//! What came due, and what the clock's own changes mean for that.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Clockwork, Effect, Occurrence, Step, TICK, anchor_after_run, date_of, repeats_after_its_end,
    settle,
};
use crate::record::{JobRecord, Standing, Trigger};
use crate::schedule::zone::Zone;
use crate::schedule::{CatchUp, Due, Kind, Schedule};

/// How late a run may start and still count as on time. Longer than the loop ever sleeps.
const ON_TIME: TimeDelta = TimeDelta::seconds(60);

/// A step back of the clock by more than this is a corrected clock, not a jump in the middle of the night.
const CORRECTED_CLOCK: TimeDelta = TimeDelta::hours(3);

/// The clock moved on: what is due now?
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
        // A clock that was set back must not make the pause after the last run longer.
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
        let effect = judge_due(&record, clockwork, due, nominal_now);
        if repeats && matches!(effect, Effect::Skip { .. }) {
            // No run will end that the next one could follow.
            record.anchor = now;
        }
        effects.push(effect);
    }
    settle(record, effects, clockwork)
}

/// The host's zone is another now. What was due by the old one has been dealt with; the wall clock's times in the new
/// one count from now on, not from the last run. A date that is still to come is owed even where the new wall clock
/// has passed it, since it has no other firing; one that was dealt with does not come again.
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
            record.handled = dealt_with(record.handled, clockwork, now);
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

/// The newest of the instants that came due has its row already, from before the clock was set back: what is to be
/// done about the others, if there are any. A row for them was made, or not, when the clock first came by.
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
    Some(judge_due(record, clockwork, others, now - clockwork.delay))
}

/// A row that was claimed and never started is not run after all, or the claim found a row that stood already: the
/// job goes on to its next firing.
pub fn dropped(mut record: JobRecord, clockwork: Clockwork<'_>, now: DateTime<Utc>) -> Step {
    record.run = None;
    if repeats_after_its_end(clockwork.schedule) {
        record.anchor = now;
    }
    settle(record, Vec::new(), clockwork)
}

/// Up to where a job that begins anew counts as dealt with: what was is not owed, and what was dealt with is not
/// dealt with again, unless it lies in a future that a corrected clock took away.
pub(super) fn dealt_with(
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

fn judge_due(
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

/// Why a run that is this late is not run any more, if so.
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
