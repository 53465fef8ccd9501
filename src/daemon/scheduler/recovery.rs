//! After a restart: what an earlier daemon left in the ledger, and what becomes of its open runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::Scheduler;
use super::active_run::ActiveRun;
use super::jobs::Entry;
use super::notice::Notice;
use super::runs::{close_row, time_taken};
use crate::job::JobResult;
use crate::ledger::Ledger;
use crate::lifecycle::{job as life, run};
use crate::record::{
    AttemptEnd, AttemptRecord, FileRecord, JobRecord, OutboxRow, RunRecord, RunState,
};

/// What an earlier daemon left in the ledger.
#[derive(Clone, Debug, Default)]
pub struct StoredState {
    pub jobs: Vec<JobRecord>,
    pub files: Vec<FileRecord>,
    /// The runs that are not over.
    pub open_runs: Vec<RunRecord>,
    /// The attempts of those runs.
    pub attempts: Vec<AttemptRecord>,
    /// The messages to receivers.
    pub outbox: Vec<OutboxRow>,
    /// The number of the newest message.
    pub last_message: u64,
    /// The number of the newest run.
    pub last_run: u64,
    /// The ledger replaces a damaged one: a job that seems new may have run.
    pub begun_anew: bool,
    /// Jobs that are in the ledger, but whose record cannot be read.
    pub lost_jobs: BTreeSet<String>,
}

/// What matters only until the jobs directory has been read for the first time.
pub(super) struct FirstScan {
    /// A job that seems new may have run.
    begun_anew: bool,
    /// Jobs whose record cannot be read.
    pub lost_jobs: BTreeSet<String>,
    /// The files that the directory has, as far as it has been read.
    pub seen_files: BTreeSet<String>,
    /// Runs that are not over.
    open_runs: Vec<RunRecord>,
    /// The attempts of those runs.
    attempts: Vec<AttemptRecord>,
}

impl FirstScan {
    /// Whether a job that the ledger does not know may have run all the same.
    pub(super) fn may_have_run(&self, job_id: &str) -> bool {
        self.begun_anew || self.lost_jobs.contains(job_id)
    }
}

impl<L: Ledger> Scheduler<L> {
    /// Takes over what the ledger remembers. What the jobs mean follows with their files.
    pub(super) fn remember(&mut self, remembered: StoredState) {
        for file in remembered.files {
            self.files.insert(file.file.clone(), file);
        }
        for record in remembered.jobs {
            self.jobs
                .insert(Entry::new(record, None, TimeDelta::zero()));
        }
        self.last_run = remembered.last_run;
        self.outbox
            .remember(remembered.outbox, remembered.last_message);
        self.first_scan = Some(FirstScan {
            begun_anew: remembered.begun_anew,
            lost_jobs: remembered.lost_jobs,
            seen_files: BTreeSet::new(),
            open_runs: remembered.open_runs,
            attempts: remembered.attempts,
        });
    }

    /// Once the files are known: each open run goes on, or is closed and caught up.
    pub(super) fn resume_open_runs(&mut self, first_scan: FirstScan, now: DateTime<Utc>) {
        self.give_up_for_others(now);
        for record in first_scan.open_runs {
            self.close_attempts(&first_scan.attempts, record.number, now);
            self.resume(record, now);
        }
    }

    /// Puts one open run where it belongs.
    fn resume(&mut self, record: RunRecord, now: DateTime<Utc>) {
        let number = record.number;
        let Some(loaded) = self.loaded(&record.job_id) else {
            return self.close_with_its_job(record, now);
        };
        let job = Arc::clone(loaded.job);
        let same_content = loaded.record.digest == record.digest;
        let late = now - loaded.clockwork.delay - record.due;
        let was_running = matches!(record.state, RunState::Running { .. });
        let aborting = self.jobs.is_aborting(&record.job_id, number);
        let never_started = record.started.is_none();
        let refusal = life::catch_up_refusal(&job.schedule, late).filter(|_| never_started);
        self.runs.insert(number, ActiveRun::new(record, job));
        if aborting {
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
            self.enqueue(number);
        }
    }

    /// Closes a run whose job is gone, or cannot be read.
    fn close_with_its_job(&mut self, mut record: RunRecord, now: DateTime<Utc>) {
        let reason = "freezerd went down, and the job was gone when it came back";
        close_row(
            &mut record,
            RunState::Interrupted,
            Some(JobResult::Fail),
            Some(reason.to_owned()),
            now,
        );
        self.update(&record.job_id, |mut job| {
            job.run = None;
            life::row_over(job, &record)
        });
        self.batch.notice(Notice::RunEnded {
            job_id: record.job_id.clone(),
            run: record.number,
            result: JobResult::Fail,
            interrupted: true,
            reason: record.reason.clone(),
            took: time_taken(&record, now),
            next: None,
        });
        self.batch.run(record);
    }

    /// Closes the attempts of a run whose end no daemon saw: they were interrupted.
    fn close_attempts(&mut self, attempts: &[AttemptRecord], number: u64, now: DateTime<Utc>) {
        for attempt in attempts {
            if attempt.run == number && attempt.end.is_none() {
                let mut attempt = attempt.clone();
                attempt.ended = Some(now);
                attempt.end = Some(AttemptEnd::Interrupted);
                self.batch.attempt(attempt);
            }
        }
    }

    /// Closes a run that was claimed, never started, and is too late by now.
    fn drop_late(&mut self, number: u64, reason: String, now: DateTime<Utc>) {
        if let Some(active) = self.runs.get(&number) {
            let job_id = active.record.job_id.clone();
            self.cancel(number, None, reason, now);
            // The job has no run any more, and goes on to its next firing.
            self.advance(&job_id, now, |record, clockwork| {
                life::dropped(record, clockwork, now)
            });
            self.tick_job(&job_id, now);
        }
    }

    /// Queues a run that was claimed and never started, with the job's present content.
    fn requeue_with_new_content(&mut self, number: u64) {
        let Some(active) = self.runs.get_mut(&number) else {
            return;
        };
        let digest = self
            .jobs
            .get(&active.record.job_id)
            .map(|entry| entry.record.digest.clone());
        active.record.actions = run::rows(&active.job.actions);
        active.record.digest = digest.unwrap_or_default();
        active.record.state = RunState::Queued {
            action: 0,
            attempt: 1,
        };
        self.batch.run(active.record.clone());
        self.enqueue(number);
    }
}
