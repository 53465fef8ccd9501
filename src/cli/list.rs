//! `freezerd list`: every job with its status, and the job files that are not loaded.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::last_drill::drill_words;
use super::ledger_view::{self, LedgerView};
use super::open_alarms;
use super::output;
use super::screen::describe;
use super::table::{Look, Table, Terminal};
use super::{history, logging, unread};
use crate::config::Settings;
use crate::control::progress::{self, ProgressFile};
use crate::job::{JobResult, Status};
use crate::protocol::OpenAlarm;
use crate::record::{FileVerdict, JobRecord, RunRecord};
use crate::schedule::zone::Zone;
use crate::units;

/// List the jobs with their status, last result and next run
///
/// The list ends with the job files that are invalid, belong to another host, or are not read yet.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd list --json")]
pub struct Args {
    /// Print the list as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd list`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    unread::settle(settings);
    let ledger = ledger_view::open(settings)?;
    let jobs = ledger.reader.jobs()?;
    let files = ledger.reader.files()?;
    let unread = unread::unread(settings, &ledger.reader)?;
    let open: BTreeMap<u64, RunRecord> = ledger
        .reader
        .open_runs()?
        .into_iter()
        .map(|run| (run.number, run))
        .collect();
    let now = Utc::now();
    if args.json {
        let jobs: Vec<Value> = jobs
            .iter()
            .map(|job| as_json(job, &ledger, &open, now))
            .collect();
        let unread = unread
            .iter()
            .map(|file| json!({"file": file, "state": "unread"}));
        let files: Vec<Value> = files.iter().filter_map(not_loaded).chain(unread).collect();
        output::json(
            &json!({"daemon": ledger.daemon, "notes": ledger.notes, "jobs": jobs, "files": files}),
        );
        return Ok(Exit::Success);
    }

    let zone = settings.zone();
    let terminal = Terminal::of_output().is_some();
    let short = |instant| match terminal {
        true => logging::short_moment(instant, now, &zone),
        false => logging::moment(instant, &zone),
    };
    let mut table = Table::of_jobs(&["JOB", "STATUS", "RESULT", "LAST RUN", "NEXT RUN", ""]);
    for job in &jobs {
        table.row_that_looks(
            look(job, now),
            vec![
                job.job_id.clone(),
                status_word(job.status()).to_owned(),
                job.result.map_or("–", result_word).to_owned(),
                short(job.started),
                short(job.next),
                remark(job, &ledger, &open, now, &zone),
            ],
        );
    }
    if table.is_empty() {
        println!("No jobs.");
    } else {
        table.print();
    }
    for file in &files {
        match &file.verdict {
            FileVerdict::Invalid { summary, .. } => println!("invalid  {}: {summary}", file.file),
            FileVerdict::Foreign { job_id, client_id } => {
                println!("foreign  {}: {job_id} is a job of {client_id}", file.file);
            }
            FileVerdict::Loaded { .. } => {}
        }
    }
    for file in &unread {
        println!("unread   {file}: {}", unread::why(&ledger));
    }
    if !ledger.daemon {
        eprintln!("No daemon is running. This is the state when the last one ended.");
    }
    Ok(Exit::Success)
}

/// Whether the last success of a job is older than its `max_age`.
fn too_old(job: &JobRecord, now: DateTime<Utc>) -> bool {
    job.too_old_at().is_some_and(|since| since <= now)
}

/// How much a job needs a look.
fn look(job: &JobRecord, now: DateTime<Utc>) -> Look {
    match job.result {
        _ if too_old(job, now) || job.past.alarms.iter().next().is_some() => Look::Alarm,
        Some(JobResult::Fail) => Look::Alarm,
        Some(JobResult::Aborted) => Look::Warning,
        Some(JobResult::Success) | None => Look::Plain,
    }
}

fn not_loaded(file: &crate::record::FileRecord) -> Option<Value> {
    match &file.verdict {
        FileVerdict::Loaded { .. } => None,
        FileVerdict::Foreign { job_id, client_id } => Some(
            json!({"file": file.file, "state": "foreign", "job_id": job_id, "client_id": client_id}),
        ),
        FileVerdict::Invalid {
            job_id,
            report,
            summary,
        } => Some(json!({
            "file": file.file, "state": "invalid", "job_id": job_id, "summary": summary, "report": report,
        })),
    }
}

/// One job in the format that `docs/commands.md` describes.
fn as_json(
    job: &JobRecord,
    ledger: &LedgerView,
    open: &BTreeMap<u64, RunRecord>,
    now: DateTime<Utc>,
) -> Value {
    let run = job.run.and_then(|run| open.get(&run.number));
    let mut object = json!({
        "job_id": job.job_id,
        "file": job.file,
        "status": job.status(),
        "event": job.pending,
        "result": job.result,
        "reason": job.reason,
        "time_created": job.created.timestamp(),
        "time_started": job.started.map_or(0, |at| at.timestamp()),
        "time_ended": job.ended.map_or(0, |at| at.timestamp()),
        "next": job.next,
        "max_age_seconds": job.max_age,
        "too_old_at": job.too_old_at(),
        "too_old": too_old(job, now),
        "run": run.map(history::as_json),
        "alarms": job.past.alarms.iter().collect::<Vec<_>>(),
        "progress": job.run.and_then(|run| live_progress(ledger, run.number)).map(|file| progress_json(&file)),
    });
    if let Some(drill) = &job.past.last_drill {
        object["last_drill"] = json!(drill);
    }
    object
}

/// The progress of a run; `None` if no daemon runs, since the file is then out of date.
pub fn live_progress(ledger: &LedgerView, run: u64) -> Option<ProgressFile> {
    ledger
        .daemon
        .then(|| progress::read(&ledger.layout, run))
        .flatten()
}

/// The progress of a run, with its rate and the estimated time left.
pub fn progress_json(file: &ProgressFile) -> Value {
    json!({
        "run": file.run,
        "action": file.action,
        "kind": file.kind,
        "attempt": file.attempt,
        "phase": file.progress.phase,
        "waiting": file.waiting,
        "files_done": file.progress.files_done,
        "files_total": file.progress.files_total,
        "bytes_done": file.progress.bytes_done,
        "bytes_total": file.progress.bytes_total,
        "bytes_per_second": file.rate(),
        "seconds_left": file.time_left().map(|left| left.as_secs()),
        "traffic": file.progress.traffic,
        "started": file.started,
        "updated": file.updated,
    })
}

fn remark(
    job: &JobRecord,
    ledger: &LedgerView,
    open: &BTreeMap<u64, RunRecord>,
    now: DateTime<Utc>,
    zone: &Zone,
) -> String {
    let alarms: Vec<OpenAlarm> = job.past.alarms.iter().cloned().collect();
    let alarms = open_alarms::short(&alarms);
    if let Some(run) = job.run {
        let run = of_run(run.number, ledger, open, zone);
        let remarks: Vec<String> = [run].into_iter().chain(alarms).collect();
        return remarks.join("; ");
    }
    let max_age = job.max_age.filter(|_| too_old(job, now)).map(|max_age| {
        let max_age = units::duration(Duration::from_secs(max_age));
        format!("no success within its max_age of {max_age}")
    });
    let reasons = job.reason.clone().into_iter().chain(max_age).chain(alarms);
    let mut reasons: Vec<String> = reasons.collect();
    if reasons.is_empty()
        && let Some(drill) = &job.past.last_drill
    {
        reasons.push(format!("last drill {}", drill_words(drill, zone)));
    }
    reasons.join("; ")
}

/// What the run of a job does now, or waits for.
fn of_run(run: u64, ledger: &LedgerView, open: &BTreeMap<u64, RunRecord>, zone: &Zone) -> String {
    if let Some(progress) = live_progress(ledger, run) {
        return format!("run {run}: {} {}", progress.kind, describe(&progress));
    }
    let row = open.get(&run);
    match row.and_then(|row| history::waits(row, zone)) {
        Some(waits) => format!("run {run}: {waits}"),
        None => format!("run {run}"),
    }
}

/// The status in the word that a job file uses.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Stop => "stop",
        Status::Scheduled => "scheduled",
        Status::Running => "running",
        Status::Aborting => "aborting",
        Status::Removed => "removed",
    }
}

/// The result in the word that a job file uses.
pub fn result_word(result: JobResult) -> &'static str {
    match result {
        JobResult::Success => "success",
        JobResult::Fail => "fail",
        JobResult::Aborted => "aborted",
    }
}
