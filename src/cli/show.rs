//! `freezerd show`: one job with its schedule, its status and its last run.

use serde_json::{Map, Value, json};

use super::exit::{Exit, Failure};
use super::last_drill::drill_words;
use super::ledger_view::{self, LedgerView};
use super::list::{live_progress, progress_json, result_word, status_word};
use super::output;
use super::screen::describe;
use super::table::Table;
use super::{history, job_files, logging, unread};
use crate::config::Settings;
use crate::job::{EffectiveValue, Job, ValueOrigin, effective_values};
use crate::record::{AttemptEnd, ExitStatus, FileVerdict, JobRecord, RunRecord};
use crate::units;

/// Show a job: its schedule, its status and its last run
///
/// With --json, the command prints the job in the format of a job file. job_schedule contains the current status, event,
/// result and times, and each action has its exit_status of the last run. The key x-freezerd has what freezerd adds.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: freezerd show nightly --json\nExample: freezerd show nightly --effective"
)]
pub struct Args {
    /// The id of the job
    job: String,
    /// Show every value in effect, after aliases and defaults, and its origin
    #[arg(long)]
    effective: bool,
    /// Print the job as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd show`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    unread::settle(settings);
    let ledger = ledger_view::open(settings)?;
    let Some(record) = ledger.reader.job(&args.job)? else {
        return Err(unread::no_such_job(settings, &ledger, &args.job));
    };
    if args.effective {
        return show_effective(settings, &record, args.json);
    }
    let job = job_files::remembered(settings, &record)?;
    let last = match record.run {
        Some(run) => ledger.reader.run(run.number)?,
        None => ledger.reader.history(Some(&args.job), 1)?.pop(),
    };
    if args.json {
        output::json(&document(&job, &record, last.as_ref(), &ledger)?);
    } else {
        print(settings, &job, &record, last.as_ref(), &ledger)?;
    }
    Ok(Exit::Success)
}

/// Prints every value of the job, after aliases and defaults, with its origin.
fn show_effective(settings: &Settings, record: &JobRecord, as_data: bool) -> Result<Exit, Failure> {
    let file = record.file.as_deref().unwrap_or(&record.job_id);
    let values = effective_values(record.document.as_bytes(), file, &settings.job_host())
        .ok_or_else(|| job_files::not_valid_here(record))?;
    if as_data {
        output::json(&json!({"file": file, "values": values}));
        return Ok(Exit::Success);
    }
    let mut table = Table::new(&["KEY", "VALUE", "FROM"]);
    for value in values {
        let written = match &value.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        table.row(vec![
            value.path.clone(),
            match &value.resolved {
                Some(resolved) => format!("{written} = {resolved}"),
                None => written,
            },
            origin(&value, file),
        ]);
    }
    table.print();
    Ok(Exit::Success)
}

fn origin(value: &EffectiveValue, file: &str) -> String {
    let place = |what: &str, alias: &Option<String>| {
        let line = value
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        let alias = alias
            .as_ref()
            .map_or_else(String::new, |alias| format!(" as {alias}"));
        format!("{file}{line}{what}{alias}")
    };
    match &value.origin {
        ValueOrigin::File { alias } => place("", alias),
        ValueOrigin::ActionDefaults { alias } => place(" (action_defaults)", alias),
        ValueOrigin::FileName => "the name of the file".to_owned(),
        ValueOrigin::Host => "this host".to_owned(),
        ValueOrigin::Default => "default".to_owned(),
    }
}

/// The job in the format of a job file, with its current status.
fn document(
    job: &Job,
    record: &JobRecord,
    last: Option<&RunRecord>,
    ledger: &LedgerView,
) -> Result<Value, Failure> {
    let mut document = job.document.as_object().cloned().unwrap_or_default();
    document
        .entry("job_id")
        .or_insert_with(|| json!(record.job_id));
    let schedule = document
        .entry("job_schedule")
        .or_insert_with(|| Value::Object(Map::new()));
    if !schedule.is_object() {
        *schedule = Value::Object(Map::new());
    }
    if let Some(schedule) = schedule.as_object_mut() {
        schedule.insert("time_created".into(), json!(record.created.timestamp()));
        schedule.insert(
            "time_started".into(),
            json!(record.started.map_or(0, |at| at.timestamp())),
        );
        schedule.insert(
            "time_ended".into(),
            json!(record.ended.map_or(0, |at| at.timestamp())),
        );
        schedule.insert("status".into(), json!(record.status()));
        schedule.insert(
            "event".into(),
            record.pending.map_or(json!(""), |event| json!(event)),
        );
        schedule.insert(
            "result".into(),
            record.result.map_or(json!(""), |result| json!(result)),
        );
    }
    if let (Some(actions), Some(run)) = (
        document
            .get_mut("job_actions")
            .and_then(Value::as_array_mut),
        last,
    ) {
        // A backup with several targets is one entry of the file, and several actions of the run.
        let mut rows = run.actions.iter();
        let entries = job
            .actions
            .chunk_by(|_, next| next.action.work.targets_before() > 0);
        for (action, targets) in actions.iter_mut().zip(entries) {
            let of_entry: Vec<Option<ExitStatus>> = rows
                .by_ref()
                .take(targets.len())
                .map(|row| row.exit_status)
                .collect();
            let failed = of_entry
                .iter()
                .flatten()
                .find(|it| **it != ExitStatus::Success);
            let status = failed.or(of_entry.iter().flatten().next());
            if let (Some(action), Some(status)) = (action.as_object_mut(), status) {
                action.insert("exit_status".into(), json!(status));
            }
        }
    }
    document.insert(
        "x-freezerd".into(),
        json!({
            "file": record.file,
            "invalid": invalid_report(ledger, record)?,
            "next": record.next,
            "reason": record.reason,
            "schedule": job.schedule.describe(),
            "last_run": last.map(history::as_json),
            "progress": record.run.and_then(|run| live_progress(ledger, run.number)).map(|file| progress_json(&file)),
            "daemon": ledger.daemon,
            "notes": ledger.notes,
        }),
    );
    if let (Some(drill), Some(own)) = (&record.past.last_drill, document.get_mut("x-freezerd")) {
        own["last_drill"] = json!(drill);
    }
    Ok(Value::Object(document))
}

/// The errors of the job's file, if the job runs with its last valid content; otherwise `None`.
fn invalid_report(ledger: &LedgerView, record: &JobRecord) -> Result<Option<String>, Failure> {
    let files = ledger.reader.files()?;
    Ok(files
        .into_iter()
        .find(|file| Some(&file.file) == record.file.as_ref())
        .and_then(|file| match file.verdict {
            FileVerdict::Invalid { report, .. } => Some(report),
            _ => None,
        }))
}

fn print(
    settings: &Settings,
    job: &Job,
    record: &JobRecord,
    last: Option<&RunRecord>,
    ledger: &LedgerView,
) -> Result<(), Failure> {
    let zone = settings.zone();
    let line = |name: &str, value: &str| println!("{name:<12} {value}");
    line("Job", &record.job_id);
    if !job.description.is_empty() {
        line("Description", &job.description);
    }
    line("File", record.file.as_deref().unwrap_or("(deleted)"));
    line("Schedule", &job.schedule.describe());
    line(
        "Status",
        &match &record.reason {
            Some(reason) => format!("{} ({reason})", status_word(record.status())),
            None => status_word(record.status()).to_owned(),
        },
    );
    line("Next run", &logging::moment(record.next, &zone));
    line("Result", record.result.map_or("–", result_word));
    line("Started", &logging::moment(record.started, &zone));
    line("Ended", &logging::moment(record.ended, &zone));
    if let Some(drill) = &record.past.last_drill {
        line("Last drill", &drill_words(drill, &zone));
    }
    if let Some(progress) = record.run.and_then(|run| live_progress(ledger, run.number)) {
        line(
            "Progress",
            &format!("{} {}", progress.kind, describe(&progress)),
        );
    }
    if let Some(run) = last {
        println!();
        line(
            "Last run",
            &format!(
                "{} ({}, {})",
                run.number,
                run.trigger.describe(),
                history::word(run)
            ),
        );
        if let Some(waits) = history::waits(run, &zone) {
            line("Waits", &waits);
        }
        if let Some(reason) = &run.reason {
            line("Reason", reason);
        }
        for attempt in ledger.reader.attempts(run.number)? {
            let kind = run
                .actions
                .get(attempt.action as usize)
                .map_or("action", |action| action.kind.as_str());
            let took = attempt
                .ended
                .and_then(|ended| (ended - attempt.started).to_std().ok())
                .map_or_else(|| "running".to_owned(), units::duration);
            let end = attempt.end.as_ref().map_or_else(String::new, |end| {
                match (end.failure(kind), end) {
                    (Some(failure), _) => failure,
                    (None, AttemptEnd::Reported { outcome }) => outcome.summary.to_string(),
                    (None, _) => String::new(),
                }
            });
            let place = place_of(run, attempt.action);
            println!("  {}. {kind}{place} ({took}) {end}", attempt.action + 1);
            if let Some(AttemptEnd::Reported { outcome }) = &attempt.end {
                for problem in outcome.problems.iter().take(10) {
                    println!("       {}: {}", problem.path, problem.reason);
                }
                if outcome.problems_total > 10 {
                    println!(
                        "       … and {} more; `freezerd log {}` shows them",
                        outcome.problems_total - 10,
                        run.number
                    );
                }
            }
        }
    }
    if let Some(report) = invalid_report(ledger, record)? {
        println!();
        println!("The file is invalid. The job runs with its last valid content.");
        print!("{}\n", report.trim_end_matches('\n'));
    }
    Ok(())
}

/// The container of an action, ` in PLACE`, where not all actions of the run have the same.
fn place_of(run: &RunRecord, action: u32) -> String {
    let mut used = run.actions.iter().filter_map(|row| row.container.as_ref());
    let first = used.next();
    let own = run.actions.get(action as usize);
    match own.and_then(|row| row.container.as_ref()) {
        Some(own) if used.any(|other| Some(other) != first) => format!(" in {own}"),
        _ => String::new(),
    }
}
