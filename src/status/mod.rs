//! The state of the whole installation in numbers: the ledger's rows → a [`Status`] → JSON or Prometheus text.
//!
//! `freezerd status` and the daemon's `metrics_dir` show the same document. It is made from committed rows, from which
//! daemon runs, and from the time, and from nothing else.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::control::daemon_lock::Holder;
use crate::escape::harmless_json;
use crate::job::Status as Word;
use crate::ledger::{LedgerError, Reader};
use crate::protocol::OpenAlarm;
use crate::record::{
    DataCheck, Ending, FileRecord, FileVerdict, JobRecord, OutboxRow, OutboxState, PastDrill, Rows,
    RunRecord, RunState, Standing,
};

mod prometheus;
mod prunes;

pub use prometheus::render as prometheus;
pub use prunes::PruneStatus;

/// What a status is made from: one view of the ledger.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The ledger's id.
    pub ledger: String,
    /// When the daemon last wrote to the ledger.
    pub last_commit: Option<DateTime<Utc>>,
    pub jobs: Vec<JobRecord>,
    pub files: Vec<FileRecord>,
    /// The runs that are not over.
    pub open_runs: Vec<RunRecord>,
    /// The messages to receivers.
    pub outbox: Vec<OutboxRow>,
}

impl Facts {
    /// Reads the facts. The reader is not needed afterwards.
    pub fn read(reader: &Reader) -> Result<Facts, LedgerError> {
        Ok(Facts {
            ledger: reader.id()?,
            last_commit: reader.last_commit()?,
            jobs: reader.jobs()?,
            files: reader.files()?,
            open_runs: reader.open_runs()?,
            outbox: reader.outbox()?,
        })
    }
}

/// The state of the installation: `status.json`, as `docs/monitoring.md` documents it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The version of the freezerd that made this.
    pub version: &'static str,
    /// When this status was made.
    pub at: DateTime<Utc>,
    /// The daemon that works on the state directory, if one does.
    pub daemon: Option<Holder>,
    pub ledger: LedgerStatus,
    pub summary: Totals,
    /// Every job, in the order of the ids.
    pub jobs: Vec<JobStatus>,
    /// The files in the jobs directory that are not jobs of this host.
    pub files: Vec<FileStatus>,
}

/// The part of the status about the ledger.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LedgerStatus {
    pub id: String,
    /// When the daemon last wrote to the ledger.
    pub last_commit: Option<DateTime<Utc>>,
}

/// The whole installation in a few numbers. In the document it is called `summary`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    pub jobs: JobCounts,
    /// Jobs whose last run was not a success.
    pub failing: u64,
    /// Jobs that owe a success.
    pub overdue: u64,
    /// Jobs that have not succeeded for longer than their `max_age`.
    pub too_old: u64,
    /// Jobs with an alarm of a guard that nobody has accepted.
    pub alarmed: u64,
    /// Files that are not valid jobs.
    pub invalid_files: u64,
    /// Files with jobs of other hosts.
    pub foreign_files: u64,
    /// Runs with an action that is running.
    pub runs_running: u64,
    /// Runs that wait for a slot or a container.
    pub runs_queued: u64,
    /// Runs that wait for a retry.
    pub runs_waiting: u64,
    /// Messages that wait to be sent to their receiver.
    pub messages_waiting: u64,
    /// Messages that were given up, because their receiver did not accept them.
    pub messages_given_up: u64,
    /// The earliest next run of all jobs.
    pub next: Option<DateTime<Utc>>,
}

/// How many jobs have each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct JobCounts {
    /// On their schedule, and not running.
    pub scheduled: u64,
    pub running: u64,
    /// Running, and being aborted.
    pub aborting: u64,
    /// Off their schedule.
    pub stop: u64,
    /// Off their schedule for good.
    pub removed: u64,
}

impl JobCounts {
    /// Each status, in the word of the job files, with its count.
    pub fn each(&self) -> [(&'static str, u64); 5] {
        [
            ("scheduled", self.scheduled),
            ("running", self.running),
            ("aborting", self.aborting),
            ("stop", self.stop),
            ("removed", self.removed),
        ]
    }
}

/// The state of one job.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobStatus {
    pub job_id: String,
    /// The status, in the word of the job files.
    pub status: Word,
    /// Why the job is not on its schedule.
    pub reason: Option<String>,
    /// The job's file is invalid now. The job goes on with the last good content.
    pub invalid: bool,
    /// The run that is not over, if there is one.
    pub run: Option<u64>,
    /// The next firing.
    pub next: Option<DateTime<Utc>>,
    /// The end of the last successful run.
    pub last_success: Option<DateTime<Utc>>,
    /// The earliest due instant that no success has followed.
    pub owed_since: Option<DateTime<Utc>>,
    /// The seconds since then; 0 when nothing is owed.
    pub overdue_seconds: f64,
    /// The `max_age` of the job.
    pub max_age_seconds: Option<u64>,
    /// When the last success becomes, or became, older than `max_age`.
    pub too_old_at: Option<DateTime<Utc>>,
    /// Whether that instant has come.
    pub too_old: bool,
    /// How many runs in a row have failed.
    pub failures: u32,
    pub last_run: Option<LastRun>,
    /// The alarms of its guards that nobody has accepted.
    pub alarms: Vec<OpenAlarm>,
    /// How much of the data of its containers the job's checks have read.
    pub data_checks: Vec<DataCheckStatus>,
    /// What the job knows of the prunes of the containers from which it removes snapshots.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prunes: Vec<PruneStatus>,
    /// The newest drill of the job; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_drill: Option<PastDrill>,
    /// The closed rows since the job was first seen, by how they ended.
    pub runs_total: Rows,
}

/// How much of a container's data the checks of a job have read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataCheckStatus {
    pub container: String,
    /// The name of its storage in `freezerd.toml`; absent if it is not in one, or if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// Into how many parts the data is divided; 1: it is read as a whole.
    pub parts: u32,
    /// How many of them were read at least once.
    pub parts_read: u32,
    /// All data was read at this instant or later; `null` until every part was read once.
    pub all_read_since: Option<DateTime<Utc>>,
}

/// The last run of a job that was started and is over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LastRun {
    pub run: u64,
    pub result: Ending,
    pub started: DateTime<Utc>,
    pub ended: DateTime<Utc>,
    /// How long the run took.
    pub seconds: f64,
    /// How many bytes the run added to its containers.
    pub bytes_added: u64,
    /// How many paths were not backed up, or not restored.
    pub files_failed: u64,
}

/// A file that is not a job of this host.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileStatus {
    pub file: String,
    /// `invalid` or `foreign`.
    pub state: &'static str,
    /// The id of its job, as far as the file says.
    pub job_id: Option<String>,
    /// The first error in one line, of an invalid file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The host of a foreign job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

impl Status {
    /// The state of everything at `at`.
    pub fn of(facts: &Facts, daemon: Option<Holder>, at: DateTime<Utc>) -> Status {
        let files: Vec<FileStatus> = facts.files.iter().filter_map(file_status).collect();
        let mut invalid: Vec<&str> = facts
            .files
            .iter()
            .filter(|file| matches!(file.verdict, FileVerdict::Invalid { .. }))
            .map(|file| file.file.as_str())
            .collect();
        invalid.sort_unstable();
        let jobs: Vec<JobStatus> = facts
            .jobs
            .iter()
            .map(|record| {
                let file = record.file.as_deref().unwrap_or_default();
                job_status(record, invalid.binary_search(&file).is_ok(), at)
            })
            .collect();
        let mut summary = Totals {
            invalid_files: invalid.len() as u64,
            foreign_files: (files.len() - invalid.len()) as u64,
            next: jobs.iter().filter_map(|job| job.next).min(),
            ..Totals::default()
        };
        for job in &jobs {
            *match job.status {
                Word::Scheduled => &mut summary.jobs.scheduled,
                Word::Running => &mut summary.jobs.running,
                Word::Aborting => &mut summary.jobs.aborting,
                Word::Stop => &mut summary.jobs.stop,
                Word::Removed => &mut summary.jobs.removed,
            } += 1;
            let failing = |run: &LastRun| run.result != Ending::Success;
            summary.failing += u64::from(job.last_run.as_ref().is_some_and(failing));
            summary.overdue += u64::from(job.owed_since.is_some());
            summary.too_old += u64::from(job.too_old);
            summary.alarmed += u64::from(!job.alarms.is_empty());
        }
        for row in &facts.outbox {
            match row.state {
                OutboxState::Waiting { .. } => summary.messages_waiting += 1,
                OutboxState::GivenUp { .. } => summary.messages_given_up += 1,
                OutboxState::Sent { .. } => {}
            }
        }
        for run in &facts.open_runs {
            match run.state {
                RunState::Running { .. } => summary.runs_running += 1,
                RunState::Queued { .. } => summary.runs_queued += 1,
                RunState::Waiting { .. } => summary.runs_waiting += 1,
                RunState::Ended | RunState::Skipped | RunState::Interrupted => {}
            }
        }
        Status {
            version: env!("CARGO_PKG_VERSION"),
            at,
            daemon,
            ledger: LedgerStatus {
                id: facts.ledger.clone(),
                last_commit: facts.last_commit,
            },
            summary,
            jobs,
            files,
        }
    }

    /// The document as indented JSON.
    pub fn to_json(&self) -> String {
        // Strings, numbers and options of them: this cannot fail.
        harmless_json(&(serde_json::to_string_pretty(self).unwrap_or_default() + "\n")).into_owned()
    }
}

impl JobStatus {
    /// For how many seconds the job has been overdue: since its due instant, or since its last success became too old.
    /// `None`: it is not overdue.
    pub fn late_seconds(&self, at: DateTime<Utc>) -> Option<f64> {
        let too_old = self.too_old_at.filter(|_| self.too_old);
        let since = [self.owed_since, too_old].into_iter().flatten().min()?;
        Some(seconds_between(since, at))
    }

    /// Whether the job is off its schedule because somebody aborted its last run.
    pub fn stands_since_abort(&self) -> bool {
        let aborted = |run: &LastRun| run.result == Ending::Aborted;
        self.status == Word::Stop && self.last_run.as_ref().is_some_and(aborted)
    }
}

fn job_status(record: &JobRecord, invalid: bool, at: DateTime<Utc>) -> JobStatus {
    let owed_since = owed_since(record, at);
    JobStatus {
        job_id: record.job_id.clone(),
        status: record.status(),
        reason: record.reason.clone(),
        invalid,
        run: record.run.map(|run| run.number),
        next: record.next,
        last_success: record.past.last_success,
        owed_since,
        overdue_seconds: owed_since.map_or(0.0, |since| seconds_between(since, at)),
        max_age_seconds: record.max_age,
        too_old_at: record.too_old_at(),
        too_old: record.too_old_at().is_some_and(|since| since <= at),
        failures: record.failures,
        last_run: record.past.last_run.as_ref().map(|run| LastRun {
            run: run.number,
            result: run.ending,
            started: run.started,
            ended: run.ended,
            seconds: seconds_between(run.started, run.ended),
            bytes_added: run.bytes_added,
            files_failed: run.problems,
        }),
        alarms: record.past.alarms.iter().cloned().collect(),
        data_checks: record.past.data_checks.iter().map(data_check).collect(),
        prunes: record.past.waste.iter().map(PruneStatus::of).collect(),
        last_drill: record.past.last_drill.clone(),
        runs_total: record.past.rows,
    }
}

fn data_check(check: &DataCheck) -> DataCheckStatus {
    DataCheckStatus {
        container: check.container.to_string(),
        storage: check.storage.clone(),
        parts: check.parts(),
        parts_read: check.parts_read(),
        all_read_since: check.all_read_since(),
    }
}

/// Since when a success is owed. A job that somebody stopped or removed owes nothing. A job that should have fired by
/// now owes a success even before it has a row: perhaps no daemon runs.
fn owed_since(record: &JobRecord, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let by_hand = matches!(record.standing, Standing::Stopped | Standing::Removed);
    if by_hand && record.run.is_none() {
        return None;
    }
    let missed = record.next.filter(|next| *next <= at);
    [record.past.owed_since, missed].into_iter().flatten().min()
}

fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    // Never negative, even when the clock was set back in between.
    (to - from).as_seconds_f64().max(0.0)
}

fn file_status(record: &FileRecord) -> Option<FileStatus> {
    let (state, job_id, summary, client_id) = match &record.verdict {
        FileVerdict::Loaded { .. } => return None,
        FileVerdict::Invalid {
            job_id, summary, ..
        } => ("invalid", job_id.clone(), Some(summary.clone()), None),
        FileVerdict::Foreign { job_id, client_id } => (
            "foreign",
            Some(job_id.clone()),
            None,
            Some(client_id.clone()),
        ),
    };
    Some(FileStatus {
        file: record.file.clone(),
        state,
        job_id,
        summary,
        client_id,
    })
}

#[cfg(test)]
mod tests;
