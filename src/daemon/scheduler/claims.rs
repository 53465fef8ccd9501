//! From an occurrence to its row: a run that is claimed, or a row that says why there is none.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Scheduler;
use super::active_run::ActiveRun;
use super::notice::Notice;
use super::runs::close_row;
use crate::job::Job;
use crate::ledger::Ledger;
use crate::lifecycle::job::{self as life, Effect, Occurrence, Step};
use crate::lifecycle::run::{self, Next};
use crate::record::{Claim, ClaimKind, RunRecord, RunState, Trigger};

/// How many earlier instants are tried in search of one that has no row.
const MOST_TRIES: u32 = 10_000;

impl<L: Ledger> Scheduler<L> {
    /// Makes the row of what came due ([`Effect::Claim`] or [`Effect::Skip`]).
    ///
    /// After a clock was set back, an instant may come a second time. Its row stays as it is, and a row is made only
    /// for the instants that have none.
    pub(super) fn make_row(&mut self, job_id: &str, effect: Effect, now: DateTime<Utc>) {
        let mut next = Some(effect);
        let mut tries = 0;
        while let Some(effect) = next.take() {
            let (Effect::Claim(occurrence) | Effect::Skip { occurrence, .. }) = &effect else {
                return;
            };
            let Some(run) = self.row_of(job_id, occurrence) else {
                return match effect {
                    Effect::Claim(occurrence) => self.claim(job_id, &occurrence, now),
                    Effect::Skip { occurrence, reason } => {
                        self.skip(job_id, &occurrence, reason, now)
                    }
                    _ => {}
                };
            };
            if tries == 0 {
                self.batch.notice(Notice::Warning(format!(
                    "{job_id}: {} was handled by run {run} already",
                    occurrence.due.last.format("%F %T UTC")
                )));
            }
            tries += 1;
            let of_schedule = occurrence.makes_up_for.is_none()
                && occurrence.trigger != Trigger::Manual
                && tries < MOST_TRIES;
            if of_schedule && let Some(loaded) = self.loaded(job_id) {
                next = life::but_the_last(loaded.record, loaded.clockwork, &occurrence.due, now);
            }
        }
        if self.jobs.open_run(job_id).is_none() {
            self.advance(job_id, now, |record, clockwork| {
                life::dropped(record, clockwork, now)
            });
        }
    }

    /// The run that has this occurrence already.
    fn row_of(&self, job_id: &str, occurrence: &Occurrence) -> Option<u64> {
        let claim = Claim {
            job_id: job_id.to_owned(),
            due: occurrence.due.last,
            kind: ClaimKind::of(occurrence.trigger, occurrence.makes_up_for.is_some()),
        };
        // A ledger that cannot be read cannot be written either: the commit returns the error.
        self.ledger.claimed(&claim).unwrap_or(None)
    }

    /// Makes the row of an occurrence that is to be run.
    fn claim(&mut self, job_id: &str, occurrence: &Occurrence, now: DateTime<Utc>) {
        let Some((record, job)) = self.new_row(job_id, occurrence, now) else {
            return;
        };
        let number = record.number;
        self.batch.claim(record.clone());
        self.advance(job_id, now, |job, clockwork| {
            let claimed = life::claimed(life::row_made(job, &record), number, clockwork, now);
            Step::without_effects(claimed)
        });
        let next = run::begin(&job.actions, &record.actions);
        self.runs.insert(number, ActiveRun::new(record, job));
        if let Next::End { result } = next {
            // A job without actions has nothing to wait for.
            self.finish(number, result, None, now);
        } else {
            self.enqueue(number);
        }
    }

    /// Makes the row of an occurrence that is not run.
    fn skip(&mut self, job_id: &str, occurrence: &Occurrence, reason: String, now: DateTime<Utc>) {
        let Some((mut record, _)) = self.new_row(job_id, occurrence, now) else {
            return;
        };
        close_row(
            &mut record,
            RunState::Skipped,
            None,
            Some(reason.clone()),
            now,
        );
        self.batch.notice(Notice::Skipped {
            job_id: job_id.to_owned(),
            run: record.number,
            due: record.due,
            reason,
        });
        self.update(job_id, |job| {
            life::row_over(life::row_made(job, &record), &record)
        });
        self.batch.claim(record);
    }

    /// A row with the next number, queued for its first attempt, and the job that it runs.
    fn new_row(
        &mut self,
        job_id: &str,
        occurrence: &Occurrence,
        now: DateTime<Utc>,
    ) -> Option<(RunRecord, Arc<Job>)> {
        let loaded = self.loaded(job_id)?;
        let job = Arc::clone(loaded.job);
        let digest = loaded.record.digest.clone();
        let actions = run::rows(&job.actions);
        let (action, attempt) = match run::begin(&job.actions, &actions) {
            Next::Attempt { action, attempt } => (action, attempt),
            Next::Wait { .. } | Next::End { .. } => (0, 1),
        };
        self.last_run += 1;
        let record = RunRecord {
            number: self.last_run,
            job_id: job_id.to_owned(),
            trigger: occurrence.trigger,
            due: occurrence.due.last,
            first_due: occurrence.due.first,
            covers: occurrence.due.count,
            state: RunState::Queued { action, attempt },
            claimed: now,
            started: None,
            ended: None,
            result: None,
            reason: None,
            waits_for: None,
            makes_up_for: occurrence.makes_up_for,
            digest,
            actions,
        };
        Some((record, job))
    }
}
