//! Runs: from the claim of an occurrence, through attempts, to the end.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::notice::Notice;
use super::queue::{self, Contender, Verdict};
use super::{ActiveRun, Ending, Order, Scheduler, Spawn};
use crate::daemon::words;
use crate::job::action::JobAction;
use crate::job::{Job, JobResult};
use crate::lifecycle::job::{self as life, Interrupted, Occurrence, RunEnd};
use crate::lifecycle::run::{self, Next};
use crate::protocol::Request;
use crate::schedule::Due;
use crate::store::record::{AttemptEnd, AttemptRecord, Claim, ClaimKind, RunRecord, RunState};
use crate::store::{Ledger, Write};

impl ActiveRun {
    pub(super) fn waits_until(&self) -> Option<DateTime<Utc>> {
        match self.record.state {
            RunState::Waiting { until, .. } => Some(until),
            _ => None,
        }
    }

    fn queued(&self) -> Option<(u32, u32)> {
        match self.record.state {
            RunState::Queued { action, attempt } => Some((action, attempt)),
            _ => None,
        }
    }

    fn contender(&self, action: u32) -> Contender<'_> {
        let container = self
            .job
            .actions
            .get(action as usize)
            .and_then(|action| action.action.work.container())
            .map(|(container, access)| (container.name.as_str(), container.path.as_path(), access));
        Contender {
            run: self.record.number,
            container,
        }
    }
}

impl<L: Ledger> Scheduler<L> {
    /// Makes the row of an occurrence that is to be run.
    pub(super) fn claim(&mut self, job_id: &str, occurrence: &Occurrence, now: DateTime<Utc>) {
        let Some(entry) = self.jobs.get(job_id) else {
            return;
        };
        let Some(job) = entry.job.clone() else { return };
        let (delay, digest) = (entry.delay, entry.record.digest.clone());
        if self.is_claimed(job_id, occurrence) {
            let settled = life::not_claimed(
                self.jobs[job_id].record.clone(),
                self.clockwork(&job, delay),
            );
            self.put(settled);
            return;
        }
        let record = self.row(job_id, occurrence, &job, digest, now);
        let number = record.number;
        self.writes.push(Write::Claim(record.clone()));
        let claimed = life::claimed(
            self.jobs[job_id].record.clone(),
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
                waits_for: None,
            },
        );
        if let Next::End { result } = next {
            // A job without actions: nothing to wait for.
            self.finish(number, result, None, now);
        }
    }

    /// Makes the row of an occurrence that is not run.
    pub(super) fn skip(
        &mut self,
        job_id: &str,
        occurrence: &Occurrence,
        reason: String,
        now: DateTime<Utc>,
    ) {
        let Some(entry) = self.jobs.get(job_id) else {
            return;
        };
        let Some(job) = entry.job.clone() else { return };
        let digest = entry.record.digest.clone();
        if self.is_claimed(job_id, occurrence) {
            return;
        }
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
        self.writes.push(Write::Claim(record));
    }

    /// A clock that was set back may bring an instant a second time; its row stands.
    fn is_claimed(&mut self, job_id: &str, occurrence: &Occurrence) -> bool {
        let claim = Claim {
            job_id: job_id.to_owned(),
            due: occurrence.due.last,
            kind: ClaimKind::of(occurrence.trigger, occurrence.makes_up_for.is_some()),
        };
        match self.ledger.claimed(&claim) {
            Ok(Some(run)) => {
                self.tell(Notice::Warning(format!(
                    "{job_id}: {} was dealt with by run {run} already",
                    occurrence.due.last.format("%F %T UTC")
                )));
                true
            }
            // A ledger that cannot be read cannot be written either: the commit will tell.
            Ok(None) | Err(_) => false,
        }
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

    /// Retries whose time has come join the queue.
    pub(super) fn wake_retries(&mut self, now: DateTime<Utc>) {
        for active in self.runs.values_mut() {
            if let RunState::Waiting {
                action,
                attempt,
                until,
            } = active.record.state
                && until <= now
            {
                active.record.state = RunState::Queued { action, attempt };
                self.writes.push(Write::Run(active.record.clone()));
            }
        }
    }

    /// Starts what may start.
    pub(super) fn dispatch(&mut self, now: DateTime<Utc>) {
        if self.stopping {
            return;
        }
        let mut order: Vec<&ActiveRun> = self
            .runs
            .values()
            .filter(|run| run.queued().is_some())
            .collect();
        if order.is_empty() {
            return;
        }
        order.sort_by_key(|run| (run.record.due, run.record.number));
        let waiting: Vec<Contender<'_>> = order
            .iter()
            .filter_map(|run| run.queued().map(|(action, _)| run.contender(action)))
            .collect();
        let running: Vec<Contender<'_>> = self
            .runs
            .values()
            .filter_map(|run| {
                run.attempt
                    .as_ref()
                    .map(|attempt| run.contender(attempt.action))
            })
            .collect();
        for (number, verdict) in queue::judge(&waiting, &running, self.policy.slots) {
            match verdict {
                Verdict::Start => self.start_attempt(number, now),
                Verdict::Wait(reason) => self.say_waiting(number, reason),
            }
        }
    }

    fn say_waiting(&mut self, number: u64, reason: String) {
        let Some(active) = self.runs.get_mut(&number) else {
            return;
        };
        if active.waits_for.as_ref() == Some(&reason) {
            return;
        }
        active.waits_for = Some(reason.clone());
        active.record.waits_for = Some(reason.clone());
        self.writes.push(Write::Run(active.record.clone()));
        let notice = Notice::RunWaits {
            job_id: active.record.job_id.clone(),
            run: number,
            reason,
        };
        self.tell(notice);
    }

    fn start_attempt(&mut self, number: u64, now: DateTime<Utc>) {
        let Some(active) = self.runs.get_mut(&number) else {
            return;
        };
        let Some((action, attempt)) = active.queued() else {
            return;
        };
        let Some(job_action) = active.job.actions.get(action as usize).cloned() else {
            return;
        };
        let first = active.record.started.is_none();
        active.record.state = RunState::Running { action, attempt };
        active.record.waits_for = None;
        active.waits_for = None;
        active.record.started.get_or_insert(now);
        if let Some(row) = active.record.actions.get_mut(action as usize) {
            row.attempts = attempt;
        }
        let row = AttemptRecord {
            run: number,
            action,
            attempt,
            started: now,
            ended: None,
            end: None,
        };
        active.attempt = Some(row.clone());
        let record = active.record.clone();
        self.writes.push(Write::Run(record.clone()));
        self.writes.push(Write::Attempt(row));
        let job_id = record.job_id.clone();
        if first {
            if let Some(entry) = self.jobs.get(&job_id) {
                let started = life::run_started(entry.record.clone(), now);
                self.put(started);
            }
            self.tell(Notice::RunStarted {
                job_id: job_id.clone(),
                run: number,
                trigger: record.trigger,
                due: record.due,
                covers: record.covers,
            });
        }
        self.tell(Notice::AttemptStarted {
            job_id,
            run: number,
            kind: job_action.action.work.name().to_owned(),
            about: words::about(&job_action.action.work),
            attempt,
            attempts: job_action.max_retries.saturating_add(1),
        });
        let request = self.request(&record, &job_action, (action, attempt));
        self.orders.push(Order::Spawn(Box::new(Spawn {
            request,
            timeout: job_action.timeout,
        })));
    }

    fn request(
        &self,
        record: &RunRecord,
        action: &JobAction,
        (index, attempt): (u32, u32),
    ) -> Request {
        let tag = |run: u64| format!("{}-{run}", self.policy.ledger_id);
        Request {
            job_id: record.job_id.clone(),
            run: record.number,
            run_tag: tag(record.number),
            makes_up_for: record.makes_up_for.map(tag),
            action_index: index,
            attempt,
            action: action.action.clone(),
            result_so_far: run::result_so_far(&record.actions).to_owned(),
            grace: self.policy.grace,
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
        row.ended = Some(now);
        row.end = Some(end.clone());
        let took = (now - row.started).to_std().unwrap_or(Duration::ZERO);
        self.writes.push(Write::Attempt(row));

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
        let failure = words::failure(kind, &end);
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
        if matches!(end, AttemptEnd::Interrupted) {
            self.interrupt(number, "freezerd was stopped in the middle of it", now);
            return;
        }
        if aborting {
            self.finish(
                number,
                JobResult::Aborted,
                Some("aborted by hand".to_owned()),
                now,
            );
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
        self.writes.push(Write::Run(active.record.clone()));
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
            self.finish(
                number,
                JobResult::Aborted,
                Some("aborted by hand".to_owned()),
                now,
            );
        }
    }

    /// Closes a row whose run never started.
    pub(super) fn cancel(
        &mut self,
        number: u64,
        result: Option<JobResult>,
        reason: String,
        now: DateTime<Utc>,
    ) {
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
        self.writes.push(Write::Run(active.record));
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
        let Some(active) = self.runs.remove(&number) else {
            return;
        };
        let mut record = active.record;
        record.state = state;
        record.ended = Some(now);
        record.result = Some(result);
        record.reason = reason.clone();
        record.waits_for = None;
        self.writes.push(Write::Run(record.clone()));
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
            life::run_ended(entry.record.clone(), &end, clockwork, now)
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
