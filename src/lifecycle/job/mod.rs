//! The life of a job: (record, fact or event, now) → (record, effects).
//!
//! One file a kind of input: the job's file, what comes due, what people ask, the job's own run.

use chrono::{DateTime, TimeDelta, Utc};

use crate::job::JobResult;
use crate::record::{JobRecord, Standing, Trigger};
use crate::schedule::zone::Zone;
use crate::schedule::{Due, Kind, Schedule};

mod asked;
mod due;
mod file;
mod past;
mod run;
#[cfg(test)]
mod tests;

pub use asked::{Answer, ask, trigger};
pub use due::{but_the_last, catch_up_refusal, dropped, tick, zone_changed};
pub use file::{Content, ContentChange, changed, file_gone, first_seen, hold_what_runs_once};
pub use past::{row_made, row_over};
pub use run::{Interrupted, RunEnd, claimed, run_ended, run_started};

/// The least difference between two instants.
const TICK: TimeDelta = TimeDelta::milliseconds(1);

/// A job's schedule with what it takes to read it.
#[derive(Clone, Copy, Debug)]
pub struct Clockwork<'a> {
    /// The schedule.
    pub schedule: &'a Schedule,
    /// The zone of schedules that name none.
    pub zone: &'a Zone,
    /// The job's jitter: every due instant fires this much later.
    pub delay: TimeDelta,
}

/// What is to follow.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Make a row for this occurrence and run it.
    Claim(Occurrence),
    /// Make a row for this occurrence that says why it is not run.
    Skip {
        /// The occurrence.
        occurrence: Occurrence,
        /// Why.
        reason: String,
    },
    /// Close a row that waits for its first slot.
    Cancel {
        /// The run.
        run: u64,
        /// Its result, where it has one.
        result: Option<JobResult>,
        /// Why.
        reason: String,
    },
    /// End what the run is doing now.
    Abort {
        /// The run.
        run: u64,
    },
    /// The job's file is gone and nothing runs: the record goes too.
    Forget,
    /// The clock was set back so far that the schedule goes on from now.
    Corrected {
        /// The last due instant that had been dealt with by the clock as it was.
        handled: DateTime<Utc>,
    },
}

/// Due instants that one row stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// Why it is run.
    pub trigger: Trigger,
    /// The instants.
    pub due: Due,
    /// The interrupted run that it makes up for.
    pub makes_up_for: Option<u64>,
}

/// What came of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The job as it is now.
    pub record: JobRecord,
    /// What is to follow, in order.
    pub effects: Vec<Effect>,
}

impl Step {
    /// A job that changed, and nothing follows.
    pub fn without_effects(record: JobRecord) -> Step {
        Step {
            record,
            effects: Vec::new(),
        }
    }
}

/// The pause before a continuous job runs again: a second, longer after each further failure.
fn back_off(failures: u32) -> TimeDelta {
    let doublings = failures.saturating_sub(1).min(12);
    TimeDelta::seconds((1_i64 << doublings).min(3600))
}

/// What a continuous schedule counts from when a run ended at `now`: its next due instant is a second later.
fn anchor_after_run(failures: u32, now: DateTime<Utc>) -> DateTime<Utc> {
    now + back_off(failures) - TimeDelta::seconds(1)
}

/// Only a continuous schedule counts from the end of the last run.
fn repeats_after_its_end(schedule: &Schedule) -> bool {
    schedule.kind() == Kind::Continuous
}

/// What the schedule counts from when a job goes on it: an interval keeps the phase of the job's creation.
fn anchor(schedule: &Schedule, created: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    match schedule.kind() {
        Kind::None | Kind::Continuous => now,
        Kind::Date | Kind::Interval | Kind::Calendar => created,
    }
}

/// The one instant of a schedule that is a date.
fn date_of(record: &JobRecord, clockwork: Clockwork<'_>) -> Option<DateTime<Utc>> {
    let long_ago = DateTime::<Utc>::MIN_UTC;
    let next = || {
        clockwork
            .schedule
            .next_after(long_ago, record.anchor, clockwork.zone)
    };
    (clockwork.schedule.kind() == Kind::Date)
        .then(next)
        .flatten()
}

/// When the job fires next, jitter included.
fn upcoming(record: &JobRecord, clockwork: Clockwork<'_>) -> Option<DateTime<Utc>> {
    if record.standing != Standing::OnSchedule
        || (record.run.is_some() && repeats_after_its_end(clockwork.schedule))
    {
        return None;
    }
    let anchor = if repeats_after_its_end(clockwork.schedule) {
        // It has a next firing whatever became of the last one.
        record.anchor.max(record.handled)
    } else {
        record.anchor
    };
    clockwork
        .schedule
        .next_after(record.handled, anchor, clockwork.zone)
        .and_then(|due| due.checked_add_signed(clockwork.delay))
}

/// The end of every transition: `next` is brought up to date, and a job that has no firing left, no run and none
/// about to be claimed is finished.
fn settle(mut record: JobRecord, effects: Vec<Effect>, clockwork: Clockwork<'_>) -> Step {
    record.next = upcoming(&record, clockwork);
    let busy = record.run.is_some()
        || effects
            .iter()
            .any(|effect| matches!(effect, Effect::Claim(_)));
    if record.standing == Standing::OnSchedule && record.next.is_none() && !busy {
        record.standing = Standing::Finished;
        if record.ended.is_none() {
            record.reason = Some("its schedule never fires (again)".to_owned());
        }
    }
    Step { record, effects }
}
