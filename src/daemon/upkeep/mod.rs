//! Keeps the ledger small: removes what is old, a little at a time, between the things that matter.
//!
//! A sweep goes through the rows job by job, then through the answers to events, the messages to receivers, and the logs
//! without a row.
//! The first sweep, and one a day, also goes through the occurrences without a row, and the first one through every
//! value. A step reads a few hundred of them, and is one transaction at most. A log is deleted only after its row, so a
//! crash leaves at most a log too many, and the next sweep finds it.

use std::fs;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::ledger_care;
use super::scheduler::Scheduler;
use crate::control::layout::Layout;
use crate::kill_point::{self, Point};
use crate::ledger::unreadable::Key;
use crate::ledger::{LedgerError, Reader, RedbLedger, Write, set_asides};
use crate::lifecycle::retention::{self, HistoryLimits};
use crate::record::{Claim, OutboxRow};

mod clock_guard;
mod rows;

use clock_guard::ClockGuard;
use rows::old_rows_of;

/// The pause between two sweeps.
pub const BETWEEN_SWEEPS: Duration = Duration::from_secs(3600);

/// The first of so many sweeps goes through the occurrences, too.
const SWEEPS_A_DAY: u64 = 24;

/// The pause between two steps of a sweep.
pub const BETWEEN_STEPS: Duration = Duration::from_millis(20);

/// How long a step goes on from job to job.
const STEP_TIME: Duration = Duration::from_millis(3);

/// How many rows, occurrences, answers or logs one step reads.
const FEW: usize = 256;

/// Compacting stops the loop for a moment, so it is done only when nothing is due for this long.
const QUIET: TimeDelta = TimeDelta::minutes(10);

/// What the next step of a sweep reads.
#[derive(Debug)]
enum Stage {
    /// The rows of the jobs after this one.
    Rows(String),
    /// The answers after this event.
    Answers(String),
    /// The messages to receivers after this one.
    Messages((u64, String)),
    /// The logs of these runs; `None`: the directory is not listed yet.
    Logs(Option<Vec<u64>>),
    /// The occurrences without a row, from this one on. There are as many occurrences as rows, so only one sweep a day
    /// goes through them.
    Claims(Option<Claim>),
    /// The values that cannot be read, from this row on: once in a daemon's life.
    Values(u64),
}

/// Removes what is old, step by step.
pub struct Upkeep {
    limits: HistoryLimits,
    layout: Layout,
    stage: Stage,
    /// How many sweeps are over.
    sweeps: u64,
    clock: ClockGuard,
    /// Every value was read once.
    values_read: bool,
}

impl Upkeep {
    /// Before the first sweep. `newest` is the newest instant in the ledger.
    pub fn new(
        limits: HistoryLimits,
        layout: &Layout,
        newest: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Upkeep {
        Upkeep {
            limits,
            layout: layout.clone(),
            stage: Stage::Rows(String::new()),
            sweeps: 0,
            clock: ClockGuard::new(newest, now),
            values_read: false,
        }
    }

    /// Takes the next step of a sweep. False when it was the last.
    pub fn step(
        &mut self,
        scheduler: &mut Scheduler<RedbLedger>,
        now: DateTime<Utc>,
    ) -> Result<bool, LedgerError> {
        self.clock.note(now);
        let reader = scheduler.ledger().reader()?;
        let stage = std::mem::replace(&mut self.stage, Stage::Rows(String::new()));
        let (old, next) = match stage {
            Stage::Rows(after) => self.old_rows(&reader, after, now)?,
            Stage::Claims(from) => self.bare_claims(&reader, from.as_ref(), now)?,
            Stage::Answers(after) => self.old_answers(&reader, &after, now)?,
            Stage::Messages(after) => self.old_messages(&reader, after, now)?,
            Stage::Logs(runs) => {
                let runs = runs.map_or_else(|| self.logs(&reader), Ok)?;
                (Vec::new(), self.remove_orphaned_logs(&reader, runs)?)
            }
            Stage::Values(from) => self.unreadable(&reader, from)?,
        };
        // An open reader would keep redb from using freed pages again.
        drop(reader);
        if !old.is_empty() {
            if !scheduler.forget_old(&old)? {
                // Other changes wait for the disk, so this can wait, too.
                return Ok(false);
            }
            kill_point::reached(Point::Forgotten);
            self.remove_logs(&old);
            kill_point::reached(Point::LogsRemoved);
        }
        if let Some(next) = next {
            self.stage = next;
            return Ok(true);
        }
        self.end_sweep(scheduler, now)?;
        Ok(false)
    }

    /// Whether the clock shows a later time than it can be, so that nothing may be removed by its age.
    pub fn is_clock_in_doubt(&mut self, now: DateTime<Utc>) -> bool {
        self.clock.note(now);
        self.clock.is_in_doubt()
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
            ledger_care::compact(scheduler.ledger_to_compact())?;
        }
        Ok(())
    }

    /// The limits, as far as the clock can be trusted.
    fn limits(&self) -> HistoryLimits {
        if self.clock.is_in_doubt() {
            HistoryLimits {
                age: TimeDelta::MAX,
                ..self.limits
            }
        } else {
            self.limits
        }
    }

    /// The removal of old rows, and the next stage.
    fn old_rows(
        &self,
        reader: &Reader,
        mut after: String,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Write>, Option<Stage>), LedgerError> {
        let mut old = Vec::new();
        let began = Instant::now();
        while began.elapsed() < STEP_TIME {
            let Some(job_id) = reader.job_with_rows_after(&after)? else {
                return Ok((old, Some(Stage::Answers(String::new()))));
            };
            let rows = old_rows_of(reader, &job_id, self.limits(), FEW, now)?;
            if !rows.is_empty() {
                old.extend(rows);
                if old.len() >= FEW {
                    // The same job comes once more: it may have more of them.
                    return Ok((old, Some(Stage::Rows(after))));
                }
            }
            after = job_id;
        }
        Ok((old, Some(Stage::Rows(after))))
    }

    /// The removal of old occurrences that have no row, and the next stage.
    fn bare_claims(
        &self,
        reader: &Reader,
        from: Option<&Claim>,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Write>, Option<Stage>), LedgerError> {
        let due_before = now - retention::CLAIMED;
        let bare = reader.bare_claims(from, due_before, 4 * FEW)?;
        let old = bare.claims.into_iter().map(Write::ForgetClaim).collect();
        let next = match bare.next {
            Some(next) => Stage::Claims(Some(next)),
            None if self.values_read => return Ok((old, None)),
            None => Stage::Values(0),
        };
        Ok((old, Some(next)))
    }

    /// The removal of old answers, and the next stage.
    fn old_answers(
        &self,
        reader: &Reader,
        after: &str,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Write>, Option<Stage>), LedgerError> {
        let mut surplus = reader.count_events()?.saturating_sub(retention::ANSWERS);
        let events = reader.events_after(after, FEW)?;
        let next = match events.last() {
            Some(last) if events.len() == FEW => Stage::Answers(last.id.clone()),
            _ => Stage::Messages((0, String::new())),
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

    /// The removal of old messages to receivers, and the next stage.
    fn old_messages(
        &self,
        reader: &Reader,
        (id, receiver): (u64, String),
        now: DateTime<Utc>,
    ) -> Result<(Vec<Write>, Option<Stage>), LedgerError> {
        let rows = reader.outbox_after((id, &receiver), FEW)?;
        let next = match rows.last() {
            Some(last) if rows.len() == FEW => {
                Stage::Messages((last.message.id, last.receiver.clone()))
            }
            _ => Stage::Logs(None),
        };
        let forget = |row: &OutboxRow| retention::forget_message(row.over(), now);
        let old = rows.into_iter().filter(forget);
        let old = old.map(|row| Write::ForgetOutbox {
            id: row.message.id,
            receiver: row.receiver,
        });
        Ok((old.collect(), Some(next)))
    }

    /// The runs that have a log. None while a damaged ledger is kept: its logs stay for people who inspect it.
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

    /// Deletes the logs that have no row.
    fn remove_orphaned_logs(
        &self,
        reader: &Reader,
        mut runs: Vec<u64>,
    ) -> Result<Option<Stage>, LedgerError> {
        for run in runs.split_off(runs.len().saturating_sub(4 * FEW)) {
            if !reader.has_run(run)? {
                self.remove_log(run);
            }
        }
        if !runs.is_empty() {
            return Ok(Some(Stage::Logs(Some(runs))));
        }
        let daily = self.sweeps.is_multiple_of(SWEEPS_A_DAY);
        Ok(daily.then_some(Stage::Claims(None)))
    }

    /// Keeps the values that cannot be read in a file of their own, and takes them out of the ledger.
    fn unreadable(
        &mut self,
        reader: &Reader,
        from: u64,
    ) -> Result<(Vec<Write>, Option<Stage>), LedgerError> {
        let (mut values, next) = reader.unreadable_runs(from, FEW)?;
        if next.is_none() {
            values.extend(reader.unreadable_events()?);
            self.values_read = true;
        }
        // The start of the daemon has dealt with the open runs.
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
        ledger_care::keep_values(&self.layout.ledger(), &values)?;
        let old = values
            .into_iter()
            .map(|value| Write::Discard(value.key))
            .collect();
        Ok((old, next.map(Stage::Values)))
    }

    fn remove_logs(&self, forgotten: &[Write]) {
        for write in forgotten {
            if let Write::ForgetRun { number, .. } = write {
                self.remove_log(*number);
            }
        }
    }

    fn remove_log(&self, run: u64) {
        for path in [self.layout.run_log(run), self.layout.run_changes(run)] {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!("cannot remove {}: {error}", path.display());
            }
        }
    }
}
