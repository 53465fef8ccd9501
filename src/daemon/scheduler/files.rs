//! What a change of the jobs directory means for the jobs.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::Scheduler;
use super::jobs::Entry;
use super::notice::Notice;
use super::recovery::FirstScan;
use crate::intake::FileChange;
use crate::job::Job;
use crate::job::diagnostic::Diagnostic;
use crate::job::render::{Look, render_all};
use crate::job::secret_text;
use crate::ledger::Ledger;
use crate::lifecycle::job::{self as life, Clockwork, Content, ContentChange};
use crate::record::{FileRecord, FileVerdict, JobRecord};

impl<L: Ledger> Scheduler<L> {
    /// Applies the changes, in order. After the first scan, also takes up what an earlier daemon left open.
    pub(super) fn files_changed(&mut self, changes: Vec<FileChange>, now: DateTime<Utc>) {
        // At start an invalid file comes twice: as invalid, and then with its last good content.
        let mut invalid = BTreeSet::new();
        for change in changes {
            match change {
                FileChange::Loaded {
                    file,
                    job,
                    digest,
                    bytes,
                    warnings,
                } => {
                    if !invalid.contains(&file) {
                        let job_id = job.id.clone();
                        self.note_file(&file, FileVerdict::Loaded { job_id }, now);
                    }
                    let text = String::from_utf8_lossy(&bytes);
                    let content = Content {
                        file: &file,
                        digest: &digest.to_string(),
                        // The secrets that a job file holds stay in it.
                        document: &secret_text::masked(&text),
                        max_age: job.max_age.map(|age| age.as_secs()),
                    };
                    self.job_loaded(job, content, warnings.len(), now);
                }
                FileChange::Foreign {
                    file,
                    job_id,
                    client_id,
                    ..
                } => {
                    let verdict = FileVerdict::Foreign {
                        job_id: job_id.clone(),
                        client_id: client_id.clone(),
                    };
                    if self.note_file(&file, verdict, now) {
                        self.batch.notice(Notice::FileForeign {
                            file,
                            job_id,
                            client_id,
                        });
                    }
                }
                FileChange::Invalid {
                    file,
                    job_id,
                    kept,
                    diagnostics,
                    bytes,
                } => {
                    invalid.insert(file.clone());
                    // `freezerd check` shows the warnings. Here they would hide the errors.
                    let errors: Vec<Diagnostic> = diagnostics
                        .into_iter()
                        .filter(Diagnostic::is_error)
                        .collect();
                    let report = render_all(&errors, &file, &bytes, Look::PLAIN);
                    let verdict = FileVerdict::Invalid {
                        job_id,
                        report: report.clone(),
                        summary: summary(&errors),
                    };
                    self.note_file(&file, verdict, now);
                    self.batch.notice(Notice::FileInvalid {
                        file,
                        report,
                        keeps: kept,
                    });
                }
                FileChange::FileGone { file } => {
                    self.files.remove(&file);
                    self.batch.forget_file(file);
                }
                FileChange::Gone { job_id, .. } => self.job_gone(&job_id, now),
            }
        }
        if let Some(first_scan) = self.first_scan.take() {
            self.forget_missing(&first_scan, now);
            self.resume_open_runs(first_scan, now);
            // The clock may be behind what an earlier daemon saw of it.
            self.recheck_every_job(now);
        }
    }

    fn job_gone(&mut self, job_id: &str, now: DateTime<Utc>) {
        if let Some(entry) = self.jobs.get(job_id) {
            let step = life::file_gone(entry.record.clone());
            self.apply(step, now);
        }
    }

    /// After the first scan, removes the jobs and files that are in the ledger and not in the jobs directory.
    fn forget_missing(&mut self, first_scan: &FirstScan, now: DateTime<Utc>) {
        // Files come first: an invalid file that is gone keeps no job.
        let files: Vec<String> = self
            .files
            .keys()
            .filter(|file| !first_scan.seen_files.contains(*file))
            .cloned()
            .collect();
        for file in files {
            self.files.remove(&file);
            self.batch.forget_file(file);
        }
        for job_id in &first_scan.lost_jobs {
            if self.jobs.get(job_id).is_none() {
                self.batch.forget_job(job_id);
            }
        }
        let jobs: Vec<String> = self
            .jobs
            .iter()
            .filter(|(_, entry)| {
                entry.job.is_none() && !self.is_invalid(entry.record.file.as_deref())
            })
            .map(|(job_id, _)| job_id.clone())
            .collect();
        for job_id in jobs {
            // An open run of the job is closed later, by `resume_open_runs`.
            if let Some(entry) = self.jobs.get_mut(&job_id) {
                entry.record.run = None;
            }
            self.job_gone(&job_id, now);
        }
    }

    fn is_invalid(&self, file: Option<&str>) -> bool {
        file.and_then(|file| self.files.get(file))
            .is_some_and(|record| matches!(record.verdict, FileVerdict::Invalid { .. }))
    }

    /// Keeps what a file is; false when that was known.
    fn note_file(&mut self, file: &str, verdict: FileVerdict, now: DateTime<Utc>) -> bool {
        if let Some(first_scan) = &mut self.first_scan {
            first_scan.seen_files.insert(file.to_owned());
        }
        if self
            .files
            .get(file)
            .is_some_and(|known| known.verdict == verdict)
        {
            return false;
        }
        let record = FileRecord {
            file: file.to_owned(),
            verdict,
            seen: now,
        };
        self.files.insert(file.to_owned(), record.clone());
        self.batch.file(record);
        true
    }

    fn job_loaded(
        &mut self,
        job: Arc<Job>,
        content: Content<'_>,
        warnings: usize,
        now: DateTime<Utc>,
    ) {
        let job_id = job.id.clone();
        let known = self.jobs.get(&job_id).map(|entry| entry.record.clone());
        let new_delay = jitter_delay(&job, &self.policy.client_id);
        let clockwork = Clockwork {
            schedule: &job.schedule,
            zone: &self.policy.zone,
            delay: new_delay,
        };
        let (step, changed) = match &known {
            None => {
                let step = life::first_seen(&job_id, content, &job.initial, clockwork, now);
                let may_have_run = self
                    .first_scan
                    .as_ref()
                    .is_some_and(|first_scan| first_scan.may_have_run(&job_id));
                let step = if may_have_run {
                    life::hold_what_runs_once(step, clockwork, now)
                } else {
                    step
                };
                (step, false)
            }
            Some(record) => {
                let changed = record.digest != content.digest;
                let change = ContentChange {
                    is: &job.initial,
                    schedule_changed: changed && !same_schedule(&record.document, &job),
                };
                (
                    life::changed(record.clone(), content, change, clockwork, now),
                    changed,
                )
            }
        };
        let schedule = job.schedule.describe();
        let nobody = self.unknown_receivers(&job);
        match self.jobs.get_mut(&job_id) {
            Some(entry) => {
                entry.job = Some(job);
                entry.delay = new_delay;
            }
            None => self.insert(job, &step.record, new_delay),
        }
        if known.is_none() || changed {
            self.batch.notice(Notice::JobLoaded {
                job_id: job_id.clone(),
                file: content.file.to_owned(),
                schedule,
                next: step.record.next,
                reason: step.record.reason.clone(),
                changed,
                warnings,
            });
            if !nobody.is_empty() {
                self.batch.notice(Notice::Warning(format!(
                    "{job_id}: `notify` names {}, and freezerd.toml has no such receiver",
                    nobody.join(", ")
                )));
            }
        }
        self.apply(step, now);
    }

    /// Adds a job that was not known. The transition that follows writes its record.
    fn insert(&mut self, job: Arc<Job>, record: &JobRecord, delay: TimeDelta) {
        let mut blank = record.clone();
        // The record has to differ from the one that follows, which is written only then.
        blank.digest.clear();
        self.jobs.insert(Entry::new(blank, Some(job), delay));
    }
}

/// The job's jitter on this host.
fn jitter_delay(job: &Job, client_id: &str) -> TimeDelta {
    TimeDelta::from_std(job.schedule.jitter_delay(client_id, &job.id)).unwrap_or_default()
}

/// Whether the remembered content has the same schedule as the job has now.
fn same_schedule(document: &str, job: &Job) -> bool {
    fn schedule_of(document: &Value) -> Vec<(&String, &Value)> {
        let document = document.get("job").unwrap_or(document);
        let Some(schedule) = document.get("job_schedule").and_then(Value::as_object) else {
            return Vec::new();
        };
        let mut keys: Vec<_> = schedule
            .iter()
            .filter(|(key, _)| key.starts_with("schedule"))
            .collect();
        keys.sort_by_key(|(key, _)| *key);
        keys
    }
    serde_json::from_str::<Value>(document)
        .is_ok_and(|remembered| schedule_of(&remembered) == schedule_of(&job.document))
}

/// The first error in one line.
fn summary(errors: &[Diagnostic]) -> String {
    let first = errors
        .first()
        .map_or("it cannot be used", |fault| fault.message.as_str());
    match errors.len() {
        0 | 1 => first.to_owned(),
        more => format!("{first} (and {} more)", more - 1),
    }
}
