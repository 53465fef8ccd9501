//! What happened since the start of the daemon: the summary that `freezerd run --once` prints at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::scheduler::notice::Notice;
use crate::job::JobResult;
use crate::protocol::Verdict;
use crate::record::AttemptEnd;

/// How one run ended, as `run --once --json` prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    pub job_id: String,
    pub run: u64,
    pub result: JobResult,
    /// It failed only because something is missing in a backup or a restore.
    pub partial: bool,
    /// It was cut off.
    pub interrupted: bool,
    /// Why the result is not a success.
    pub reason: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The job's next firing.
    pub next: Option<DateTime<Utc>>,
}

/// Everything that happened, as `run --once --json` prints it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SessionSummary {
    /// The runs, in the order of their ends.
    pub runs: Vec<RunSummary>,
    /// Files that are not valid jobs.
    pub invalid: BTreeSet<String>,
    /// Occurrences that were not run: the job and the reason.
    pub skipped: Vec<(String, String)>,
    /// How many jobs are known.
    pub jobs: usize,
    /// The next firing of all jobs.
    pub next: Option<DateTime<Utc>>,
    /// The worst verdict of each run that is not over.
    #[serde(skip)]
    worst: BTreeMap<u64, Verdict>,
}

impl SessionSummary {
    /// Adds what a notice says.
    pub fn add(&mut self, notice: &Notice) {
        match notice {
            Notice::FileInvalid { file, .. } => {
                self.invalid.insert(file.clone());
            }
            Notice::Skipped { job_id, reason, .. } => {
                self.skipped.push((job_id.clone(), reason.clone()))
            }
            Notice::AttemptEnded {
                run,
                end,
                retry: None,
                ..
            } => {
                let verdict = match end {
                    AttemptEnd::Reported { outcome } => outcome.verdict,
                    _ => Verdict::Failed,
                };
                let worst = self.worst.entry(*run).or_insert(Verdict::Success);
                if verdict != Verdict::Success
                    && (*worst == Verdict::Success || verdict != Verdict::Partial)
                {
                    *worst = verdict;
                }
            }
            Notice::RunEnded {
                job_id,
                run,
                result,
                interrupted,
                reason,
                took,
                next,
            } => {
                let worst = self.worst.remove(run);
                self.runs.push(RunSummary {
                    job_id: job_id.clone(),
                    run: *run,
                    result: *result,
                    partial: worst == Some(Verdict::Partial),
                    interrupted: *interrupted,
                    reason: reason.clone(),
                    seconds: Duration::as_secs_f64(took),
                    next: *next,
                });
            }
            _ => {}
        }
    }
}
