//! After a restart: the rows say where everything was.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::notice::Notice;
use super::{ActiveRun, Entry, Remembered, Scheduler};
use crate::job::JobResult;
use crate::ledger::Ledger;
use crate::lifecycle::job as life;
use crate::record::{AttemptEnd, RunRecord, RunState};

impl<L: Ledger> Scheduler<L> {
    /// Takes over what the ledger says; the jobs' meaning follows with their files.
    pub(super) fn remember(&mut self, remembered: Remembered) {
        for file in remembered.files {
            self.files.insert(file.file.clone(), file);
        }
        for record in remembered.jobs {
            self.jobs.insert(
                record.job_id.clone(),
                Entry {
                    record,
                    job: None,
                    delay: TimeDelta::zero(),
                    indexed: None,
                },
            );
        }
        self.left_open = remembered.open_runs;
        self.left_attempts = remembered.attempts;
    }

    /// Once the files are known: every run that was open goes on, or is closed and caught up.
    pub(super) fn resolve_remembered(&mut self, now: DateTime<Utc>) {
        for record in std::mem::take(&mut self.left_open) {
            self.resume(record, now);
        }
        self.left_attempts.clear();
    }

    fn resume(&mut self, record: RunRecord, now: DateTime<Utc>) {
        let number = record.number;
        self.close_attempts(number, now);
        let known = self.jobs.get(&record.job_id).and_then(|entry| {
            let job = entry.job.clone()?;
            Some((job, entry.record.digest == record.digest, entry.delay))
        });
        let Some((job, same_content, delay)) = known else {
            return self.close_with_its_job(record, now);
        };
        let was_running = matches!(record.state, RunState::Running { .. });
        let aborting = self
            .jobs
            .get(&record.job_id)
            .and_then(|entry| entry.record.run)
            .is_some_and(|run| run.number == number && run.aborting);
        let never_started = record.started.is_none();
        let late = now - delay - record.due;
        let refusal = life::catch_up_refusal(&job.schedule, late).filter(|_| never_started);
        self.runs.insert(
            number,
            ActiveRun {
                record,
                job: Arc::clone(&job),
                attempt: None,
            },
        );
        if aborting {
            // Somebody wanted its end, and that it has.
            self.finish_aborted(number, now);
        } else if was_running {
            self.interrupt(
                number,
                "freezerd or the host went down in the middle of it",
                now,
            );
        } else if let Some(reason) = refusal {
            self.drop_late(number, reason, now);
        } else if !same_content && !never_started {
            self.interrupt(number, "its job changed while freezerd was down", now);
        } else if !same_content {
            self.requeue_with_new_content(number);
        } else {
            self.line_up(number);
        }
    }

    /// The job is gone, and its run with it.
    fn close_with_its_job(&mut self, mut record: RunRecord, now: DateTime<Utc>) {
        let reason = "freezerd went down, and the job was gone when it came back";
        record.state = RunState::Interrupted;
        record.ended = Some(now);
        record.result = Some(JobResult::Fail);
        record.reason = Some(reason.to_owned());
        record.waits_for = None;
        if let Some(entry) = self.jobs.get(&record.job_id) {
            let mut job = entry.record.clone();
            job.run = None;
            self.put(job);
        }
        self.note_over(&record);
        self.tell(Notice::RunEnded {
            job_id: record.job_id.clone(),
            run: record.number,
            result: JobResult::Fail,
            interrupted: true,
            reason: record.reason.clone(),
            took: record
                .started
                .and_then(|started| (now - started).to_std().ok())
                .unwrap_or_default(),
            next: None,
        });
        self.batch.run(record);
    }

    /// Attempts that nobody saw the end of were cut off.
    fn close_attempts(&mut self, number: u64, now: DateTime<Utc>) {
        for attempt in &self.left_attempts {
            if attempt.run == number && attempt.end.is_none() {
                let mut attempt = attempt.clone();
                attempt.ended = Some(now);
                attempt.end = Some(AttemptEnd::Interrupted);
                self.batch.attempt(attempt);
            }
        }
    }

    /// A run that was claimed and never started, and is too late by now.
    fn drop_late(&mut self, number: u64, reason: String, now: DateTime<Utc>) {
        if let Some(active) = self.runs.get(&number) {
            let job_id = active.record.job_id.clone();
            self.cancel(number, None, reason, now);
            self.release(&job_id, now);
        }
    }

    /// The job has no run any more; it goes on to its next firing.
    fn release(&mut self, job_id: &str, now: DateTime<Utc>) {
        let Some(entry) = self.jobs.get(job_id) else {
            return;
        };
        let mut record = entry.record.clone();
        let Some(job) = entry.job.clone() else {
            record.run = None;
            return self.put(record);
        };
        let step = life::dropped(record, self.clockwork(&job, entry.delay), now);
        self.apply(step, now);
        self.tick_job(job_id, now);
    }

    /// A run that was claimed and never started runs what the job says now.
    fn requeue_with_new_content(&mut self, number: u64) {
        let Some(active) = self.runs.get_mut(&number) else {
            return;
        };
        let digest = self
            .jobs
            .get(&active.record.job_id)
            .map(|entry| entry.record.digest.clone());
        active.record.actions = crate::lifecycle::run::rows(&active.job.actions);
        active.record.digest = digest.unwrap_or_default();
        active.record.state = RunState::Queued {
            action: 0,
            attempt: 1,
        };
        self.batch.run(active.record.clone());
        self.line_up(number);
    }
}
