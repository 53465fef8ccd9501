//! The life of a job: (record, fact or event, now) → (record, effects).
//!
//! There is one file for each kind of input: the job's file, the clock (`due`), events, and the job's own run. `history`
//! keeps what a job remembers of its past runs.

use chrono::{DateTime, TimeDelta, Utc};

use crate::job::JobResult;
use crate::record::{JobRecord, Standing, Trigger};
use crate::schedule::zone::Zone;
use crate::schedule::{Due, Kind, Schedule};

mod due;
mod events;
mod file;
mod history;
mod run;
#[cfg(test)]
mod tests;

pub use due::{but_the_last, catch_up_refusal, dropped, tick, zone_changed};
pub use events::{Answer, ask, trigger};
pub use file::{Content, ContentChange, changed, file_gone, first_seen, hold_what_runs_once};
pub use history::{ending, row_made, row_over};
pub use run::{Interrupted, RunEnd, claimed, run_ended, run_started};

/// The smallest difference between two instants.
const TICK: TimeDelta = TimeDelta::milliseconds(1);

/// A job's schedule, with what is needed to compute its instants.
#[derive(Clone, Copy, Debug)]
pub struct Clockwork<'a> {
    pub schedule: &'a Schedule,
    /// The zone of schedules that name none.
    pub zone: &'a Zone,
    /// The job's jitter: every due instant fires this much later.
    pub delay: TimeDelta,
}

/// What has to follow a transition.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Make a row for this occurrence and run it.
    Claim(Occurrence),
    /// Make a row for this occurrence that says why it is not run.
    Skip {
        occurrence: Occurrence,
        /// Why it is not run.
        reason: String,
    },
    /// Close a row whose run has not started.
    Cancel {
        run: u64,
        /// `Some` when somebody aborted the run.
        result: Option<JobResult>,
        reason: String,
    },
    /// End the running attempt of a run.
    Abort { run: u64 },
    /// Remove the record: the job's file is gone and nothing runs.
    Forget,
    /// The clock was set back so far that the schedule goes on from now.
    Corrected {
        /// The last handled instant, by the clock before it was set back.
        handled: DateTime<Utc>,
    },
}

/// The due instants that one row stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    pub trigger: Trigger,
    pub due: Due,
    /// The interrupted run that this one makes up for, if any.
    pub makes_up_for: Option<u64>,
}

/// The result of a transition.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The job as it is now.
    pub record: JobRecord,
    /// What has to follow, in order.
    pub effects: Vec<Effect>,
}

impl Step {
    /// A change that needs nothing to follow.
    pub fn without_effects(record: JobRecord) -> Step {
        Step {
            record,
            effects: Vec::new(),
        }
    }
}

/// The pause before a continuous job runs again: one second, and twice as long after each further failure, up to an
/// hour.
fn back_off(failures: u32) -> TimeDelta {
    let doublings = failures.saturating_sub(1).min(12);
    TimeDelta::seconds((1_i64 << doublings).min(3600))
}

/// What a continuous schedule counts from after a run that ended at `now`. The next due instant is a second later.
fn anchor_after_run(failures: u32, now: DateTime<Utc>) -> DateTime<Utc> {
    now + back_off(failures) - TimeDelta::seconds(1)
}

/// Whether the schedule counts from the end of the last run. Only a continuous one does.
fn repeats_after_its_end(schedule: &Schedule) -> bool {
    schedule.kind() == Kind::Continuous
}

/// What the schedule counts from when a job begins it. An interval keeps the phase of the job's creation.
fn anchor(schedule: &Schedule, created: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    match schedule.kind() {
        Kind::None | Kind::Continuous => now,
        Kind::Date | Kind::Interval | Kind::Calendar => created,
    }
}

/// The one due instant of a schedule that is a date.
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

/// The job's next firing, with its jitter.
fn upcoming(record: &JobRecord, clockwork: Clockwork<'_>) -> Option<DateTime<Utc>> {
    if record.standing != Standing::OnSchedule
        || (record.run.is_some() && repeats_after_its_end(clockwork.schedule))
    {
        return None;
    }
    let anchor = if repeats_after_its_end(clockwork.schedule) {
        // Whatever became of the last firing, a continuous job has a next one.
        record.anchor.max(record.handled)
    } else {
        record.anchor
    };
    clockwork
        .schedule
        .next_after(record.handled, anchor, clockwork.zone)
        .and_then(|due| due.checked_add_signed(clockwork.delay))
}

/// The end of every transition. Brings `next` up to date, and finishes a job that has no firing left, no run, and no
/// run that is about to be claimed.
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
