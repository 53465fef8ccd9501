//! The ledger, and the state of the jobs in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::finding::{Finding, Level};
use crate::cli::ledger_view;
use crate::control::layout::Layout;
use crate::ledger::{self, LedgerError};
use crate::record::{AttemptRecord, Ending};
use crate::status::{Facts, JobStatus, Status};
use crate::units;

/// A job that is overdue for at least this many seconds is a warning.
const LATE: f64 = 3600.0;
/// A job that is overdue for at least this many seconds is an error.
const FAR_TOO_LATE: f64 = 2.0 * 86_400.0;

/// The state of the ledger file.
#[derive(Debug)]
pub struct LedgerState {
    pub path: PathBuf,
    /// The size of the file in bytes; 0 if it does not exist.
    pub size: u64,
    pub rows: Result<Rows, LedgerError>,
    /// One sentence for each file that keeps data of an earlier damage.
    pub notes: Vec<String>,
}

/// What doctor needs from the ledger.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub facts: Facts,
    /// The attempts of the last run of each job that has read data of a container, the oldest first.
    pub attempts: Vec<AttemptRecord>,
    /// The latest instant of the newest row.
    pub newest: Option<DateTime<Utc>>,
    /// The number of the newest run.
    pub last_run: u64,
}

/// Reads the ledger. It changes nothing and repairs nothing.
pub fn inspect(layout: &Layout) -> LedgerState {
    let path = layout.ledger();
    LedgerState {
        size: std::fs::metadata(&path).map_or(0, |metadata| metadata.len()),
        // A damaged file may make the database panic. That becomes an error here.
        rows: ledger::quietly(&path, || read(&path)),
        notes: ledger_view::notes(&path),
        path,
    }
}

fn read(path: &Path) -> Result<Rows, LedgerError> {
    let reader = ledger::open_read_only(path)?;
    let newest = reader.history(None, 1)?.pop();
    let facts = Facts::read(&reader)?;
    let mut attempts = Vec::new();
    let checks = facts
        .jobs
        .iter()
        .filter(|job| !job.past.data_checks.is_empty());
    for run in checks.filter_map(|job| job.past.last_run.as_ref()) {
        attempts.extend(reader.attempts(run.number)?);
    }
    Ok(Rows {
        facts,
        attempts,
        newest: newest.and_then(|run| run.ended.max(run.started).max(Some(run.claimed))),
        last_run: reader.last_run()?,
    })
}

/// Judges the ledger itself. `daemon` says whether one runs.
pub fn ledger_finding(ledger: &LedgerState, daemon: bool) -> Finding {
    let finding =
        |level, message: String| Finding::new("ledger", level, ledger.path.display(), message);
    let beyond_repair = "stop the daemon and restore the file from a backup of the state directory; otherwise the next \
                         start of the daemon keeps the file under another name and creates a new ledger; jobs with a \
                         schedule then continue, and jobs that run once are stopped";
    match &ledger.rows {
        Ok(rows) => finding(
            Level::Ok,
            format!(
                "readable, {}, {} so far",
                units::bytes(ledger.size),
                units::count(rows.last_run, "run", "runs")
            ),
        ),
        Err(LedgerError::Missing { .. }) => finding(
            if daemon { Level::Error } else { Level::Info },
            if daemon {
                "the ledger is gone while a daemon is running".to_owned()
            } else {
                "it does not exist yet; the first start of the daemon creates it".to_owned()
            },
        )
        .help_if(daemon, "restart the daemon; it starts with an empty ledger"),
        Err(error @ LedgerError::NeedsRepair { .. }) => {
            finding(Level::Warning, error.to_string()).help("start the daemon")
        }
        Err(error @ LedgerError::InUse { .. }) => finding(Level::Warning, error.to_string())
            .help("another command may be repairing it; try again"),
        Err(error @ LedgerError::Denied { .. }) => finding(Level::Warning, error.to_string())
            .help("run `freezerd doctor` as the daemon's user or as root"),
        Err(error @ LedgerError::Format { .. }) => finding(Level::Error, error.to_string())
            .help("use the version of freezerd that wrote it, or a newer one"),
        Err(error @ LedgerError::Older { .. }) => {
            finding(Level::Info, error.to_string()).help("start the daemon")
        }
        Err(error @ LedgerError::Damaged { .. }) => {
            finding(Level::Error, error.to_string()).help(beyond_repair)
        }
        Err(error) => finding(Level::Error, error.to_string()).help(
            "fix this error; `journalctl -u freezerd` shows what the daemon reports about it",
        ),
    }
}

/// One warning for each file that keeps data of an earlier damage.
pub fn note_findings(ledger: &LedgerState) -> Vec<Finding> {
    let warn = |note: &String| {
        Finding::new(
            "ledger",
            Level::Warning,
            ledger.path.display(),
            note.clone(),
        )
        .help("`freezerd list` shows which jobs are stopped; run `freezerd start JOB` for those that you need")
    };
    ledger.notes.iter().map(warn).collect()
}

impl Finding {
    fn help_if(self, wanted: bool, help: &str) -> Finding {
        if wanted { self.help(help) } else { self }
    }
}

/// Judges the jobs by their runs. All jobs without a finding are one finding together.
pub fn job_findings(status: &Status) -> Vec<Finding> {
    let mut findings: Vec<Finding> = status.jobs.iter().filter_map(job_finding).collect();
    let total = status.jobs.len() as u64;
    let bad = findings.len() as u64;
    let off = status.summary.jobs.stop + status.summary.jobs.removed;
    if total == 0 {
        findings.push(
            Finding::new(
                "job",
                Level::Warning,
                "",
                "the ledger has no job, so nothing is backed up",
            )
            .help("put a job file into the jobs directory; freezerd(8) and the README have an example"),
        );
    } else if bad < total {
        let mut message = format!(
            "{} without a finding",
            units::count(total - bad, "job", "jobs")
        );
        if off > 0 {
            message.push_str(&format!(" ({off} of all jobs are not on their schedule)"));
        }
        findings.push(Finding::new("job", Level::Ok, "", message));
    }
    findings
}

fn job_finding(job: &JobStatus) -> Option<Finding> {
    let finding = |level, message| {
        Finding::new("job", level, &job.job_id, message)
            .help(format!("`freezerd why {}` explains it", job.job_id))
    };
    let last = match job.last_success {
        Some(last) => format!("the last success was at {}", last.format("%F %T UTC")),
        None => "it has never succeeded".to_owned(),
    };
    if let (true, Some(max_age)) = (job.too_old, job.max_age_seconds) {
        let max_age = units::duration(Duration::from_secs(max_age));
        let message = format!("no success within its max_age of {max_age}; {last}");
        return Some(finding(Level::Error, message));
    }
    let overdue = job.overdue_seconds;
    if overdue >= LATE && (job.run.is_none() || overdue >= FAR_TOO_LATE) {
        let level = if overdue >= FAR_TOO_LATE {
            Level::Error
        } else {
            Level::Warning
        };
        let since = units::duration(Duration::from_secs_f64(overdue));
        return Some(finding(
            level,
            format!("due {since} ago, and no run has succeeded since; {last}"),
        ));
    }
    let last = job.last_run.as_ref()?;
    if job.stands_since_abort() {
        return Some(
            Finding::new(
                "job",
                Level::Warning,
                &job.job_id,
                "somebody aborted its last run, and it has been off its schedule since",
            )
            .help(format!("`freezerd start {}` puts it back", job.job_id)),
        );
    }
    // A run that was aborted by hand is not a finding if the job goes on: the user knows about it.
    let failed = matches!(last.result, Ending::Fail | Ending::Partial);
    (job.failures > 0 && (failed || job.owed_since.is_some())).then(|| {
        finding(
            Level::Warning,
            format!(
                "the result of its last run is {} ({} in a row without success)",
                last.result.name(),
                job.failures
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::ledger::Damage;
    use crate::record::{Ending, Rows as Counts};
    use crate::status::LastRun;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600, 0).unwrap()
    }

    fn job(overdue: TimeDelta, failures: u32) -> JobStatus {
        let owed = (overdue > TimeDelta::zero()).then(|| now() - overdue);
        JobStatus {
            job_id: "www".to_owned(),
            status: crate::job::Status::Scheduled,
            reason: None,
            invalid: false,
            run: None,
            next: None,
            last_success: None,
            owed_since: owed,
            overdue_seconds: overdue.as_seconds_f64(),
            max_age_seconds: None,
            too_old_at: None,
            too_old: false,
            failures,
            last_run: (failures > 0).then(|| LastRun {
                run: 1,
                result: Ending::Fail,
                started: now(),
                ended: now(),
                seconds: 0.0,
                bytes_added: 0,
                files_failed: 0,
            }),
            alarms: Vec::new(),
            data_checks: Vec::new(),
            prunes: Vec::new(),
            last_drill: None,
            runs_total: Counts::default(),
        }
    }

    fn level(job: &JobStatus) -> Option<Level> {
        job_finding(job).map(|finding| finding.level)
    }

    #[test]
    fn a_job_is_judged_by_how_long_it_is_overdue_and_then_by_its_last_run() {
        assert_eq!(level(&job(TimeDelta::zero(), 0)), None);
        assert_eq!(level(&job(TimeDelta::minutes(30), 0)), None);
        assert_eq!(level(&job(TimeDelta::minutes(30), 2)), Some(Level::Warning));
        assert_eq!(level(&job(TimeDelta::hours(2), 0)), Some(Level::Warning));
        assert_eq!(level(&job(TimeDelta::days(3), 1)), Some(Level::Error));
        let running = |overdue| JobStatus {
            run: Some(2),
            ..job(overdue, 0)
        };
        assert_eq!(
            level(&running(TimeDelta::hours(2))),
            None,
            "a run is going on"
        );
        assert_eq!(level(&running(TimeDelta::days(3))), Some(Level::Error));
    }

    #[test]
    fn a_job_without_a_success_within_its_max_age_is_an_error() {
        let too_old = JobStatus {
            max_age_seconds: Some(3600),
            too_old_at: Some(now()),
            too_old: true,
            ..job(TimeDelta::zero(), 0)
        };
        let finding = job_finding(&too_old).expect("a finding");
        assert_eq!(finding.level, Level::Error);
        assert!(finding.message.contains("max_age of 1 h"), "{finding:?}");
    }

    #[test]
    fn no_job_at_all_is_a_warning() {
        let none = Status::of(&Facts::default(), None, now());
        let findings = job_findings(&none);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].level, Level::Warning);
    }

    #[test]
    fn each_fault_of_the_ledger_has_a_word_and_a_fix() {
        let path = || PathBuf::from("/state/ledger.redb");
        let finding_of = |rows, daemon| {
            let ledger = LedgerState {
                path: path(),
                size: 5,
                rows,
                notes: Vec::new(),
            };
            ledger_finding(&ledger, daemon)
        };
        let store = Err;
        assert_eq!(finding_of(Ok(Rows::default()), true).level, Level::Ok);
        let missing = || store(LedgerError::Missing { path: path() });
        assert_eq!(finding_of(missing(), false).level, Level::Info);
        for (rows, level) in [
            (missing(), Level::Error),
            (
                store(LedgerError::NeedsRepair { path: path() }),
                Level::Warning,
            ),
            (store(LedgerError::InUse { path: path() }), Level::Warning),
            (store(LedgerError::Denied { path: path() }), Level::Warning),
            (
                store(LedgerError::Open {
                    path: path(),
                    source: "noise".into(),
                }),
                Level::Error,
            ),
            (
                store(LedgerError::Damaged {
                    path: path(),
                    damage: Damage::TooShort,
                }),
                Level::Error,
            ),
        ] {
            let finding = finding_of(rows, true);
            assert_eq!(finding.level, level, "{finding:?}");
            assert!(finding.help.is_some(), "{finding:?}");
        }
    }
}
