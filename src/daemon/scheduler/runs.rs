//! Runs: from the claim of an occurrence, through attempts, to the end.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::notice::Notice;
use super::{ActiveRun, Ending, Order, Scheduler};
use crate::job::{Job, JobResult};
use crate::ledger::Ledger;
use crate::lifecycle::job::{self as life, Effect, Interrupted, Occurrence, RunEnd};
use crate::lifecycle::run::{self, Next};
use crate::record::{AttemptEnd, Claim, ClaimKind, RunRecord, RunState, Trigger};
use crate::schedule::Due;

/// How many instants that have their rows are gone back over in search of one that has none.
const MOST_TRIES: u32 = 10_000;

impl<L: Ledger> Scheduler<L> {
    /// Makes the row of an occurrence that is to be run.
    fn claim(&mut self, job_id: &str, occurrence: &Occurrence, now: DateTime<Utc>) {
        let Some(entry) = self.jobs.get(job_id) else {
            return;
        };
        let Some(job) = entry.job.clone() else { return };
        let (delay, digest) = (entry.delay, entry.record.digest.clone());
        let record = self.row(job_id, occurrence, &job, digest, now);
        let number = record.number;
        self.batch.claim(record.clone());
        let claimed = life::claimed(
            life::row_made(self.jobs[job_id].record.clone(), &record),
            number,
            self.clockwork(&job, delay),
        );
        self.put(claimed);
        let next = run::begin(&job.actions, &record.actions);
        self.runs.insert(
            number,
            ActiveRun {
                record,
                job,
                attempt: None,
            },
        );
        if let Next::End { result } = next {
            // A job without actions: nothing to wait for.
            self.finish(number, result, None, now);
        } else {
            self.line_up(number);
        }
    }

    /// Makes the row of an occurrence that is not run.
    fn skip(&mut self, job_id: &str, occurrence: &Occurrence, reason: String, now: DateTime<Utc>) {
        let Some(entry) = self.jobs.get(job_id) else {
            return;
        };
        let Some(job) = entry.job.clone() else { return };
        let digest = entry.record.digest.clone();
        let mut record = self.row(job_id, occurrence, &job, digest, now);
        record.state = RunState::Skipped;
        record.ended = Some(now);
        record.reason = Some(reason.clone());
        self.tell(Notice::Skipped {
            job_id: job_id.to_owned(),
            run: record.number,
            due: record.due,
            reason,
        });
        let job = life::row_made(self.jobs[job_id].record.clone(), &record);
        self.put(life::row_over(job, &record));
        self.batch.claim(record);
    }

    /// Makes the row of what came due: to be run, or to say why not.
    ///
    /// A clock that was set back may bring an instant a second time. Its row stands, and a row is made only for the
    /// instants that have none.
    pub(super) fn take_on(&mut self, job_id: &str, effect: Effect, now: DateTime<Utc>) {
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
                self.tell(Notice::Warning(format!(
                    "{job_id}: {} was dealt with by run {run} already",
                    occurrence.due.last.format("%F %T UTC")
                )));
            }
            tries += 1;
            let of_schedule = occurrence.makes_up_for.is_none()
                && occurrence.trigger != Trigger::Manual
                && tries < MOST_TRIES;
            if let Some(entry) = self.jobs.get(job_id).filter(|_| of_schedule)
                && let Some(job) = &entry.job
            {
                let clockwork = self.clockwork(job, entry.delay);
                next = life::but_the_last(&entry.record, clockwork, &occurrence.due, now);
            }
        }
        let Some(entry) = self.jobs.get(job_id) else {
            return;
        };
        if let Some(job) = entry.job.clone()
            && entry.record.run.is_none()
        {
            let clockwork = self.clockwork(&job, entry.delay);
            let step = life::dropped(entry.record.clone(), clockwork, now);
            self.apply(step, now);
        }
    }

    /// The row that an occurrence has already.
    fn row_of(&self, job_id: &str, occurrence: &Occurrence) -> Option<u64> {
        let claim = Claim {
            job_id: job_id.to_owned(),
            due: occurrence.due.last,
            kind: ClaimKind::of(occurrence.trigger, occurrence.makes_up_for.is_some()),
        };
        // A ledger that cannot be read cannot be written either: the commit will tell.
        self.ledger.claimed(&claim).unwrap_or(None)
    }

    fn row(
        &mut self,
        job_id: &str,
        occurrence: &Occurrence,
        job: &Job,
        digest: String,
        now: DateTime<Utc>,
    ) -> RunRecord {
        self.last_run += 1;
        RunRecord {
            number: self.last_run,
            job_id: job_id.to_owned(),
            trigger: occurrence.trigger,
            due: occurrence.due.last,
            first_due: occurrence.due.first,
            covers: occurrence.due.count,
            state: match run::begin(&job.actions, &run::rows(&job.actions)) {
                Next::Attempt { action, attempt } => RunState::Queued { action, attempt },
                Next::Wait { .. } | Next::End { .. } => RunState::Queued {
                    action: 0,
                    attempt: 1,
                },
            },
            claimed: now,
            started: None,
            ended: None,
            result: None,
            reason: None,
            waits_for: None,
            makes_up_for: occurrence.makes_up_for,
            digest,
            actions: run::rows(&job.actions),
        }
    }

    /// An agent is gone.
    pub(super) fn attempt_ended(
        &mut self,
        number: u64,
        (action, attempt): (u32, u32),
        end: AttemptEnd,
        now: DateTime<Utc>,
    ) {
        let Some(active) = self.runs.get_mut(&number) else {
            return;
        };
        let Some(mut row) = active.attempt.take() else {
            return;
        };
        if (row.action, row.attempt) != (action, attempt) {
            active.attempt = Some(row);
            return;
        }
        self.queue.leave(number);
        row.ended = Some(now);
        row.end = Some(end.clone());
        let took = (now - row.started).to_std().unwrap_or(Duration::ZERO);
        self.batch.attempt(row);

        let job = Arc::clone(&active.job);
        let kind = job
            .actions
            .get(action as usize)
            .map_or("action", |action| action.action.work.name());
        let next = run::after_attempt(
            &job.actions,
            &mut active.record.actions,
            (action, attempt),
            &end,
            now,
        );
        let failure = end.failure(kind);
        let aborting = self
            .jobs
            .get(&active.record.job_id)
            .and_then(|entry| entry.record.run)
            .is_some_and(|run| run.number == number && run.aborting);
        let retry = match next {
            Next::Wait { until, .. } if !aborting => Some(until),
            _ => None,
        };
        if retry.is_none() && active.record.reason.is_none() {
            active.record.reason = failure;
        }
        let reason = active.record.reason.clone();
        let notice = Notice::AttemptEnded {
            job_id: active.record.job_id.clone(),
            run: number,
            kind: kind.to_owned(),
            end: end.clone(),
            took,
            retry,
        };
        self.tell(notice);
        if aborting {
            self.finish_aborted(number, now);
            return;
        }
        if matches!(end, AttemptEnd::Interrupted) {
            self.interrupt(number, "freezerd was stopped in the middle of it", now);
            return;
        }
        self.proceed(number, next, reason, now);
    }

    fn proceed(&mut self, number: u64, next: Next, reason: Option<String>, now: DateTime<Utc>) {
        let Some(active) = self.runs.get_mut(&number) else {
            return;
        };
        active.record.state = match next {
            Next::Attempt { action, attempt } => RunState::Queued { action, attempt },
            Next::Wait {
                action,
                attempt,
                until,
            } => RunState::Waiting {
                action,
                attempt,
                until,
            },
            Next::End { result } => {
                self.finish(number, result, reason, now);
                return;
            }
        };
        self.batch.run(active.record.clone());
        self.line_up(number);
    }

    /// A run is to end: what it does now is ended, what it waits for is not waited for.
    pub(super) fn abort(&mut self, number: u64, now: DateTime<Utc>) {
        let Some(active) = self.runs.get(&number) else {
            return;
        };
        if active.attempt.is_some() {
            self.orders.push(Order::End {
                run: number,
                why: Ending::Abort,
            });
        } else {
            self.finish_aborted(number, now);
        }
    }

    /// Somebody wanted the run's end, and it has ended.
    pub(super) fn finish_aborted(&mut self, number: u64, now: DateTime<Utc>) {
        let reason = Some("aborted by hand".to_owned());
        self.finish(number, JobResult::Aborted, reason, now);
    }

    /// Closes a row whose run never started.
    pub(super) fn cancel(
        &mut self,
        number: u64,
        result: Option<JobResult>,
        reason: String,
        now: DateTime<Utc>,
    ) {
        self.step_out(number);
        let Some(mut active) = self.runs.remove(&number) else {
            return;
        };
        active.record.state = RunState::Skipped;
        active.record.ended = Some(now);
        active.record.result = result;
        active.record.reason = Some(reason.clone());
        active.record.waits_for = None;
        self.tell(Notice::Skipped {
            job_id: active.record.job_id.clone(),
            run: number,
            due: active.record.due,
            reason,
        });
        self.note_over(&active.record);
        self.batch.run(active.record);
    }

    /// The job remembers how a row ended.
    pub(super) fn note_over(&mut self, row: &RunRecord) {
        if let Some(entry) = self.jobs.get(&row.job_id) {
            self.put(life::row_over(entry.record.clone(), row));
        }
    }

    fn finish(
        &mut self,
        number: u64,
        result: JobResult,
        reason: Option<String>,
        now: DateTime<Utc>,
    ) {
        self.close(number, RunState::Ended, result, reason, now);
    }

    /// Closes a run that was cut off; what it stood for is owed again.
    pub(super) fn interrupt(&mut self, number: u64, reason: &str, now: DateTime<Utc>) {
        self.close(
            number,
            RunState::Interrupted,
            JobResult::Fail,
            Some(reason.to_owned()),
            now,
        );
    }

    fn close(
        &mut self,
        number: u64,
        state: RunState,
        result: JobResult,
        reason: Option<String>,
        now: DateTime<Utc>,
    ) {
        self.step_out(number);
        let Some(active) = self.runs.remove(&number) else {
            return;
        };
        let mut record = active.record;
        record.state = state;
        record.ended = Some(now);
        record.result = Some(result);
        record.reason = reason.clone();
        record.waits_for = None;
        self.batch.run(record.clone());
        if self.policy.only_until.is_some() {
            self.served.insert(record.job_id.clone());
        }
        let interrupted = state == RunState::Interrupted;
        let end = RunEnd {
            result,
            interrupted: interrupted.then(|| Interrupted {
                run: number,
                due: Due {
                    first: record.first_due,
                    last: record.due,
                    count: record.covers,
                },
                made_up: record.makes_up_for.is_some(),
            }),
        };
        let step = self.jobs.get(&record.job_id).map(|entry| {
            let job = entry.job.clone().unwrap_or(active.job);
            let clockwork = self.clockwork(&job, entry.delay);
            let counted = life::row_over(entry.record.clone(), &record);
            life::run_ended(counted, &end, clockwork, now)
        });
        let next = step.as_ref().and_then(|step| step.record.next);
        self.tell(Notice::RunEnded {
            job_id: record.job_id.clone(),
            run: number,
            result,
            interrupted,
            reason,
            took: record
                .started
                .and_then(|started| (now - started).to_std().ok())
                .unwrap_or(Duration::ZERO),
            next,
        });
        if let Some(step) = step {
            self.apply(step, now);
        }
    }
}
