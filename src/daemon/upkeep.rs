//! Keeping the ledger small: what is old is forgotten, a little at a time, between the things that matter.
//!
//! A sweep goes through the rows job by job, then the answers to events and the logs without a row; the first, and one a
//! day, also through the occurrences without a row, and the first through every value. Each step looks at a few hundred of them and is one transaction at most; a log is deleted only once
//! its row is gone, so that a crash leaves at most a log too many, which the next sweep finds.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::boot;
use super::scheduler::Scheduler;
use crate::control::layout::Layout;
use crate::job::JobResult;
use crate::kill_point::{self, Point};
use crate::ledger::unreadable::Key;
use crate::ledger::{LedgerError, Reader, RedbLedger, Write, set_asides};
use crate::lifecycle::retention::{self, Limits, Row};
use crate::record::{Claim, ClaimKind, RunRecord};

/// The pause between two sweeps.
pub const BETWEEN_SWEEPS: Duration = Duration::from_secs(3600);

/// The first of so many looks at the occurrences too.
const SWEEPS_A_DAY: u64 = 24;

/// The pause between two steps of one.
pub const BETWEEN_STEPS: Duration = Duration::from_millis(20);

/// How long a step goes from job to job.
const ENOUGH: Duration = Duration::from_millis(3);

/// How many rows, occurrences, answers or logs one step looks at.
const FEW: usize = 256;

/// A clock that is so much later than everything that is known was set wrong, or the host was off for long.
const DOUBTFUL: TimeDelta = TimeDelta::days(30);

/// How long nothing goes by its age then.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Compacting stops the loop for a moment: only when nothing is due for longer than this.
const QUIET: TimeDelta = TimeDelta::minutes(10);

/// Where a sweep is.
#[derive(Debug)]
enum Place {
    /// Behind the rows of this job.
    Rows(String),
    /// Behind this event.
    Answers(String),
    /// At the logs of these runs, which the directory had.
    Logs(Option<Vec<u64>>),
    /// At this occurrence: there are as many as rows, and few of them are old and have none.
    Claims(Option<Claim>),
    /// At this row, in looking for values that cannot be read: once in a daemon's life.
    Values(u64),
}

/// The daemon's hand that forgets.
pub struct Upkeep {
    limits: Limits,
    layout: Layout,
    place: Place,
    /// The sweeps so far.
    sweeps: u64,
    /// The clock at the last step, by itself and by the time that has passed.
    clock: (DateTime<Utc>, Instant),
    /// Until then nothing goes by its age.
    doubt: Option<Instant>,
    /// Every value was read once.
    values_read: bool,
}

impl Upkeep {
    /// Before the first sweep. `newest` is the newest instant that the ledger knows.
    pub fn new(
        limits: Limits,
        layout: &Layout,
        newest: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Upkeep {
        let mut upkeep = Upkeep {
            limits,
            layout: layout.clone(),
            place: Place::Rows(String::new()),
            sweeps: 0,
            clock: (now, Instant::now()),
            doubt: None,
            values_read: false,
        };
        if newest.is_some_and(|newest| now - newest > DOUBTFUL) {
            upkeep.doubt_the_clock();
        }
        upkeep
    }

    /// The next step of a sweep; false when it was the last.
    pub fn step(
        &mut self,
        scheduler: &mut Scheduler<RedbLedger>,
        now: DateTime<Utc>,
    ) -> Result<bool, LedgerError> {
        self.watch_the_clock(now);
        let reader = scheduler.ledger().reader()?;
        let place = std::mem::replace(&mut self.place, Place::Rows(String::new()));
        let (old, next) = match place {
            Place::Rows(after) => self.old_rows(&reader, after, now)?,
            Place::Claims(from) => self.bare_claims(&reader, from.as_ref(), now)?,
            Place::Answers(after) => self.old_answers(&reader, &after, now)?,
            Place::Logs(runs) => {
                let runs = runs.map_or_else(|| self.logs(&reader), Ok)?;
                (Vec::new(), self.orphaned_logs(&reader, runs)?)
            }
            Place::Values(from) => self.unreadable(&reader, from)?,
        };
        // Nobody who reads keeps pages from being used again.
        drop(reader);
        if !old.is_empty() {
            if !scheduler.forget_old(&old)? {
                // Other changes wait for the disk: this can wait, too.
                return Ok(false);
            }
            kill_point::reached(Point::Forgotten);
            self.remove_logs(&old);
            kill_point::reached(Point::LogsRemoved);
        }
        if let Some(next) = next {
            self.place = next;
            return Ok(true);
        }
        self.end_sweep(scheduler, now)?;
        Ok(false)
    }

    fn end_sweep(
        &mut self,
        scheduler: &mut Scheduler<RedbLedger>,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        self.sweeps += 1;
        let quiet =
            scheduler.running() == 0 && scheduler.next_wake().is_none_or(|next| next - now > QUIET);
        if quiet {
            boot::compact(scheduler.ledger_to_compact())?;
        }
        Ok(())
    }

    fn watch_the_clock(&mut self, now: DateTime<Utc>) {
        let (then, instant) = std::mem::replace(&mut self.clock, (now, Instant::now()));
        let passed = TimeDelta::from_std(instant.elapsed()).unwrap_or(TimeDelta::MAX);
        if (now - then).checked_sub(&passed) > Some(DOUBTFUL) {
            self.doubt_the_clock();
        }
        if self.doubt.is_some_and(|until| Instant::now() >= until) {
            self.doubt = None;
        }
    }

    fn doubt_the_clock(&mut self) {
        tracing::info!(
            "the clock is more than {} days later than before: no past run is forgotten by its age for a day",
            DOUBTFUL.num_days()
        );
        self.doubt = Some(Instant::now() + PATIENCE);
    }

    /// The limits, as far as the clock can be trusted.
    fn limits(&self) -> Limits {
        match self.doubt {
            None => self.limits,
            Some(_) => Limits {
                age: TimeDelta::MAX,
                ..self.limits
            },
        }
    }

    fn old_rows(
        &self,
        reader: &Reader,
        mut after: String,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Write>, Option<Place>), LedgerError> {
        let mut old = Vec::new();
        let began = Instant::now();
        while began.elapsed() < ENOUGH {
            let Some(job_id) = reader.job_with_rows_after(&after)? else {
                return Ok((old, Some(Place::Answers(String::new()))));
            };
            let rows = self.old_rows_of(reader, &job_id, now)?;
            if !rows.is_empty() {
                old.extend(rows);
                if old.len() >= FEW {
                    // The same job once more: it may have more of them.
                    return Ok((old, Some(Place::Rows(after))));
                }
            }
            after = job_id;
        }
        Ok((old, Some(Place::Rows(after))))
    }

    fn old_rows_of(
        &self,
        reader: &Reader,
        job_id: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Write>, LedgerError> {
        let limits = self.limits();
        let Some((first, newest)) = reader.first_and_last_run(job_id)? else {
            return Ok(Vec::new());
        };
        // Numbers count up over all jobs, so there are no more rows than numbers between the two.
        let surplus = if newest - first < limits.runs {
            0
        } else {
            let most = limits.runs.saturating_add(FEW as u64);
            reader.count_runs(job_id, most)?.saturating_sub(limits.runs)
        };
        let is_surplus = |place: usize| (place as u64) < surplus;
        // A row that has not outlived its time has younger ones behind it.
        let candidates = reader.oldest_runs(job_id, FEW, |place, run| {
            limits.outlived(at(run), is_surplus(place), now)
        })?;
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let of_known_job = reader.knows_job(job_id)?;
        let mut going = BTreeSet::new();
        let mut newer_success = false;
        // The newest first: whether a row goes may hang on a newer one.
        for (place, run) in candidates.iter().enumerate().rev() {
            let succeeded = run.result == Some(JobResult::Success);
            if succeeded && !newer_success {
                let success = |run: &RunRecord| run.result == Some(JobResult::Success);
                newer_success = reader.any_run_after(job_id, run.number, success)?;
            }
            let make_up = reader.claimed_by(&Claim {
                kind: ClaimKind::MakeUp,
                ..run.claim()
            })?;
            let row = Row {
                at: at(run),
                over: run.state.is_over(),
                surplus: is_surplus(place),
                made_up_for: match make_up.filter(|other| *other != run.number) {
                    Some(other) => !going.contains(&other) && reader.has_run(other)?,
                    None => false,
                },
                of_known_job,
                newest: run.number == newest,
                last_success: succeeded && !newer_success,
            };
            newer_success |= succeeded;
            if limits.forget(&row, now) {
                going.insert(run.number);
            }
        }
        let mut old = Vec::new();
        for run in candidates {
            if going.contains(&run.number) {
                old.extend(forget(&run, now));
            }
        }
        Ok(old)
    }

    fn bare_claims(
        &self,
        reader: &Reader,
        from: Option<&Claim>,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Write>, Option<Place>), LedgerError> {
        let due_before = now - retention::CLAIMED;
        let bare = reader.bare_claims(from, due_before, 4 * FEW)?;
        let old = bare.claims.into_iter().map(Write::ForgetClaim).collect();
        let next = match bare.next {
            Some(next) => Place::Claims(Some(next)),
            None if self.values_read => return Ok((old, None)),
            None => Place::Values(0),
        };
        Ok((old, Some(next)))
    }

    fn old_answers(
        &self,
        reader: &Reader,
        after: &str,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Write>, Option<Place>), LedgerError> {
        let mut surplus = reader.count_events()?.saturating_sub(retention::ANSWERS);
        let events = reader.events_after(after, FEW)?;
        let next = match events.last() {
            Some(last) if events.len() == FEW => Place::Answers(last.id.clone()),
            _ => Place::Logs(None),
        };
        let mut old = Vec::new();
        for event in events {
            let file = self.layout.events().join(format!("{}.json", event.id));
            let waits = fs::symlink_metadata(file).is_ok();
            if retention::forget_answer(event.handled, surplus > 0, waits, now) {
                surplus = surplus.saturating_sub(1);
                old.push(Write::ForgetEvent(event.id));
            }
        }
        Ok((old, Some(next)))
    }

    /// The runs that have a log. While a damaged ledger lies beside, its rows' logs stay for whoever looks into it.
    fn logs(&self, reader: &Reader) -> Result<Vec<u64>, LedgerError> {
        if !set_asides(&self.layout.ledger()).is_empty() {
            return Ok(Vec::new());
        }
        let last = reader.last_run()?;
        Ok(self
            .layout
            .logged_runs()
            .into_iter()
            .filter(|run| *run <= last)
            .collect())
    }

    fn orphaned_logs(
        &self,
        reader: &Reader,
        mut runs: Vec<u64>,
    ) -> Result<Option<Place>, LedgerError> {
        for run in runs.split_off(runs.len().saturating_sub(4 * FEW)) {
            if !reader.has_run(run)? {
                self.remove_log(run);
            }
        }
        if !runs.is_empty() {
            return Ok(Some(Place::Logs(Some(runs))));
        }
        let daily = self.sweeps.is_multiple_of(SWEEPS_A_DAY);
        Ok(daily.then_some(Place::Claims(None)))
    }

    /// What cannot be read is kept in a file of its own.
    fn unreadable(
        &mut self,
        reader: &Reader,
        from: u64,
    ) -> Result<(Vec<Write>, Option<Place>), LedgerError> {
        let (mut values, next) = reader.unreadable_runs(from, FEW)?;
        if next.is_none() {
            values.extend(reader.unreadable_events()?);
            self.values_read = true;
        }
        // What goes on is settled when the daemon starts.
        let mut open = Ok(false);
        values.retain(|value| match value.key {
            Key::Run(number) | Key::Attempt((number, ..)) => match reader.is_open(number) {
                Ok(is_open) => !is_open,
                Err(error) => {
                    open = Err(error);
                    false
                }
            },
            _ => true,
        });
        open?;
        boot::keep_values(&self.layout.ledger(), &values)?;
        let old = values
            .into_iter()
            .map(|value| Write::Discard(value.key))
            .collect();
        Ok((old, next.map(Place::Values)))
    }

    fn remove_logs(&self, forgotten: &[Write]) {
        for write in forgotten {
            if let Write::ForgetRun { number, .. } = write {
                self.remove_log(*number);
            }
        }
    }

    fn remove_log(&self, run: u64) {
        let path = self.layout.run_log(run);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("cannot remove {}: {error}", path.display());
        }
    }
}

/// The row goes, and what it stood for with it, where that is long past.
fn forget(run: &RunRecord, now: DateTime<Utc>) -> impl Iterator<Item = Write> + use<> {
    let claim = run.claim();
    let claim = retention::forget_claim(claim.due, now).then_some(Write::ForgetClaim(claim));
    let row = Write::ForgetRun {
        job_id: run.job_id.clone(),
        number: run.number,
    };
    std::iter::once(row).chain(claim)
}

fn at(run: &RunRecord) -> DateTime<Utc> {
    run.ended.unwrap_or(run.claimed)
}
