//! Runs: through their attempts to their end.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::notice::Notice;
use super::{EndCause, Order, Scheduler};
use crate::job::JobResult;
use crate::ledger::Ledger;
use crate::lifecycle::job::{self as life, Effect, Interrupted, RunEnd};
use crate::lifecycle::run::{self, Next};
use crate::record::{AttemptEnd, RunRecord, RunState};
use crate::schedule::Due;

impl<L: Ledger> Scheduler<L> {
    /// The agent of an attempt is gone: keeps how the attempt ended, and decides what the run does next.
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
            .map_or("action", |action| action.action.work.kind().word());
        let next = run::after_attempt(
            &job.actions,
            &mut active.record.actions,
            (action, attempt),
            &end,
            now,
        );
        let failure = end.failure(kind);
        let aborting = self.jobs.is_aborting(&active.record.job_id, number);
        let retry = match next {
            Next::Wait { until, .. } if !aborting => Some(until),
            _ => None,
        };
        if retry.is_none() && active.record.reason.is_none() {
            active.record.reason = failure;
        }
        let reason = active.record.reason.clone();
        self.batch.notice(Notice::AttemptEnded {
            job_id: active.record.job_id.clone(),
            run: number,
            kind: kind.to_owned(),
            end: end.clone(),
            took,
            retry,
        });
        let interrupted = matches!(end, AttemptEnd::Interrupted);
        if aborting && !interrupted {
            self.go_on_after_abort(number, action, true, now);
            return;
        }
        if aborting {
            self.finish_aborted(number, now);
            return;
        }
        if interrupted {
            self.interrupt(number, "freezerd was stopped in the middle of it", now);
            return;
        }
        self.proceed(number, next, reason, now);
    }

    /// Goes on with the next attempt, or ends the run.
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
        self.enqueue(number);
    }

    /// Ends a run by hand: its agent if it has one, else the run itself.
    pub(super) fn abort(&mut self, number: u64, now: DateTime<Utc>) {
        let Some(active) = self.runs.get_mut(&number) else {
            return;
        };
        active.aborts = active.aborts.saturating_add(1);
        if active.attempt.is_some() {
            self.batch.order(Order::End {
                run: number,
                why: EndCause::Abort,
            });
            return;
        }
        match active.record.state {
            RunState::Queued { action, attempt } => {
                self.go_on_after_abort(number, action, attempt > 1, now);
            }
            RunState::Waiting { action, .. } => self.go_on_after_abort(number, action, true, now),
            RunState::Running { .. }
            | RunState::Ended
            | RunState::Skipped
            | RunState::Interrupted => self.finish_aborted(number, now),
        }
    }

    /// Goes on with the mandatory actions of a run that somebody aborted at this action, or ends the run.
    fn go_on_after_abort(&mut self, number: u64, action: u32, started: bool, now: DateTime<Utc>) {
        let Some(active) = self.runs.get_mut(&number) else {
            return;
        };
        let job = Arc::clone(&active.job);
        let next = run::after_abort(&job.actions, &mut active.record.actions, action, started);
        if active.aborts > 1 || matches!(next, Next::End { .. }) {
            self.finish_aborted(number, now);
            return;
        }
        self.dequeue(number);
        self.proceed(number, next, None, now);
    }

    /// Closes a run that somebody aborted.
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
        self.dequeue(number);
        let Some(mut active) = self.runs.remove(&number) else {
            return;
        };
        close_row(
            &mut active.record,
            RunState::Skipped,
            result,
            Some(reason.clone()),
            now,
        );
        self.batch.notice(Notice::Skipped {
            job_id: active.record.job_id.clone(),
            run: number,
            due: active.record.due,
            reason,
        });
        self.update(&active.record.job_id, |job| {
            life::row_over(job, &active.record)
        });
        self.batch.run(active.record);
    }

    pub(super) fn finish(
        &mut self,
        number: u64,
        result: JobResult,
        reason: Option<String>,
        now: DateTime<Utc>,
    ) {
        self.close(number, RunState::Ended, result, reason, now);
    }

    /// Closes a run that was cut off. What it stood for is owed again.
    pub(super) fn interrupt(&mut self, number: u64, reason: &str, now: DateTime<Utc>) {
        self.close(
            number,
            RunState::Interrupted,
            JobResult::Fail,
            Some(reason.to_owned()),
            now,
        );
    }

    /// Closes the run's row, and moves its job on.
    fn close(
        &mut self,
        number: u64,
        state: RunState,
        result: JobResult,
        reason: Option<String>,
        now: DateTime<Utc>,
    ) {
        self.dequeue(number);
        let Some(active) = self.runs.remove(&number) else {
            return;
        };
        let mut record = active.record;
        close_row(&mut record, state, Some(result), reason.clone(), now);
        self.batch.run(record.clone());
        if self.policy.only_until.is_some() {
            self.jobs.mark_served(&record.job_id);
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
        let mut step = self.jobs.get(&record.job_id).map(|entry| {
            let job = entry.job.clone().unwrap_or(active.job);
            let clockwork = self.clockwork(&job, entry.delay);
            let counted = life::row_over(entry.record.clone(), &record);
            let step = life::run_ended(counted, &end, clockwork, now);
            (step, job)
        });
        if let Some((step, job)) = &mut step {
            let mut effects = step.effects.iter();
            let made_up = effects.any(|effect| matches!(effect, Effect::Claim(_)));
            self.tell_of_end(&mut step.record, &record, &job.notify, made_up, now);
        }
        let step = step.map(|(step, _)| step);
        let next = step.as_ref().and_then(|step| step.record.next);
        self.batch.notice(Notice::RunEnded {
            job_id: record.job_id.clone(),
            run: number,
            result,
            interrupted,
            reason,
            took: time_taken(&record, now),
            next,
        });
        if let Some(step) = step {
            self.apply(step, now);
        }
    }
}

/// Marks a row as over, with its end and its result.
pub(super) fn close_row(
    record: &mut RunRecord,
    state: RunState,
    result: Option<JobResult>,
    reason: Option<String>,
    now: DateTime<Utc>,
) {
    record.state = state;
    record.ended = Some(now);
    record.result = result;
    record.reason = reason;
    record.waits_for = None;
}

/// How long a run took from its first attempt until now; zero when the clock was set back.
pub(super) fn time_taken(record: &RunRecord, now: DateTime<Utc>) -> Duration {
    record
        .started
        .and_then(|started| (now - started).to_std().ok())
        .unwrap_or(Duration::ZERO)
}
