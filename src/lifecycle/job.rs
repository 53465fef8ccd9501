//! The life of a job: (record, fact or event, now) → (record, effects).

use chrono::{DateTime, TimeDelta, Utc};

use crate::job::{Event, InitialState, JobResult, Status};
use crate::schedule::zone::Zone;
use crate::schedule::{CatchUp, Due, Kind, Schedule};
use crate::store::record::{JobRecord, OpenRun, Standing, Trigger};

/// How late a run may start and still count as on time. Longer than the loop ever sleeps.
const ON_TIME: TimeDelta = TimeDelta::seconds(60);

/// A step back of the clock by more than this is a corrected clock, not a jump in the middle of the night.
const CORRECTED_CLOCK: TimeDelta = TimeDelta::hours(3);

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

/// What came of something that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The job as it is now, and what is to follow.
    pub step: Step,
    /// Whether it was carried out (or will be, once a run has ended).
    pub accepted: bool,
    /// What it did, or why not, in one sentence.
    pub text: String,
}

/// A job whose content was never seen before.
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
        // What the jitter still delays is to come: the job fires as if it had always been there.
        handled: just_before_now(clockwork, now),
        next: None,
        failures: 0,
        reason: None,
        said: initial.clone(),
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

/// Where a job's content stands.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The file's name.
    pub file: &'a str,
    /// The content's digest.
    pub digest: &'a str,
    /// The content.
    pub document: &'a str,
}

/// What changed between two contents of a job.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// What the new content says of the state.
    pub is: &'a InitialState,
    /// The schedule is another.
    pub schedule_changed: bool,
}

/// A job whose file has new content, or another name.
pub fn changed(
    mut record: JobRecord,
    content: Content<'_>,
    change: Change<'_>,
    clockwork: Clockwork<'_>,
    now: DateTime<Utc>,
) -> Step {
    record.file = Some(content.file.to_owned());
    record.digest = content.digest.to_owned();
    record.document = content.document.to_owned();
    if change.schedule_changed {
        // What the old schedule owed is not owed by the new one.
        record.handled = dealt_with(record.handled, clockwork, now);
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

/// The event that a changed file stands for: its `event`, else its `status`, where they changed.
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
fn dealt_with(
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
fn just_before_now(clockwork: Clockwork<'_>, now: DateTime<Utc>) -> DateTime<Utc> {
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
            reason: format!("run {} was still going on", run.number),
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

/// Somebody asked for something.
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
    revived.handled = dealt_with(revived.handled, clockwork, now);
    revived.anchor = anchor(clockwork.schedule, record.created, now);
    revived.failures = 0;
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

/// `stop` and `remove`: a run that has started ends first.
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
        return (
            false,
            "has no run to abort; `freezerd stop` takes it off its schedule".to_owned(),
        );
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
            format!("run {} was aborted before it started", run.number),
        );
    }
    if !run.aborting {
        effects.push(Effect::Abort { run: run.number });
    }
    record.run = Some(OpenRun {
        aborting: true,
        ..run
    });
    if record.pending != Some(Event::Remove) {
        record.pending = Some(Event::Abort);
    }
    (true, format!("run {} is being ended", run.number))
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

/// A row was made for this job: it has a run.
pub fn claimed(mut record: JobRecord, run: u64, clockwork: Clockwork<'_>) -> JobRecord {
    record.run = Some(OpenRun {
        number: run,
        started: false,
        aborting: false,
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
    /// The result.
    pub result: JobResult,
    /// The run, when it was cut off by the daemon's end and not by its own: what it stood for is still owed, unless
    /// it made up for such a run itself.
    pub interrupted: Option<Interrupted>,
}

/// A run that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// The run.
    pub run: u64,
    /// What it stood for.
    pub due: Due,
    /// It made up for an interrupted run itself: one try is enough.
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
        // The clock may have been set back during the run; the next firing must still lie ahead.
        record.handled = record.handled.min(record.anchor);
    }
    if record.file.is_none() {
        effects.push(Effect::Forget);
        return Step { record, effects };
    }
    if let Some(cut) = &end.interrupted
        && !cut.made_up
        && pending.is_none()
        && catch_up_refusal(clockwork.schedule, now - clockwork.delay - cut.due.last).is_none()
    {
        effects.push(Effect::Claim(Occurrence {
            trigger: Trigger::CatchUp,
            due: cut.due.clone(),
            makes_up_for: Some(cut.run),
        }));
    }
    settle(record, effects, clockwork)
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

/// A date that has just passed when the job is first seen is still run; an older one is not, and says so.
fn owe_recent_date(record: &mut JobRecord, clockwork: Clockwork<'_>, now: DateTime<Utc>) {
    if record.standing != Standing::OnSchedule {
        return;
    }
    let Some(date) = date_of(record, clockwork) else {
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

fn instant(seconds: Option<i64>) -> Option<DateTime<Utc>> {
    seconds
        .filter(|seconds| *seconds != 0)
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
}

#[cfg(test)]
mod tests;
