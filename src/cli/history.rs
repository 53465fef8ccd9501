//! `freezerd history`: the runs in the ledger.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::output;
use super::table::Table;
use super::{ledger_view, logging};
use crate::config::Settings;
use crate::job::JobResult;
use crate::record::{RunRecord, RunState};
use crate::schedule::zone::Zone;
use crate::units;

/// Show past runs, newest first
///
/// The list also has runs that are not over, and due times that were skipped, with the reason. One row may stand for
/// several due times that were missed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd history nightly --limit 5")]
pub struct Args {
    /// Show only the runs of this job
    job: Option<String>,
    /// The maximum number of runs to show
    #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
    limit: usize,
    /// Print the runs as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd history`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let ledger = ledger_view::open(settings)?;
    let runs = ledger.reader.history(args.job.as_deref(), args.limit)?;
    if let Some(job) = &args.job
        && runs.is_empty()
        && ledger.reader.job(job)?.is_none()
    {
        return Err(ledger.no_such_job(job));
    }
    if args.json {
        let runs: Vec<Value> = runs.iter().map(as_json).collect();
        output::json(&json!({"runs": runs, "notes": ledger.notes}));
        return Ok(Exit::Success);
    }
    let zone = settings.zone();
    let mut table = Table::new(&["RUN", "JOB", "DUE", "WHY", "STARTED", "TOOK", "RESULT", ""]);
    for run in &runs {
        table.row(vec![
            run.number.to_string(),
            run.job_id.clone(),
            logging::moment(Some(run.due), &zone),
            run.trigger.describe().to_owned(),
            logging::moment(run.started, &zone),
            took(run),
            word(run).to_owned(),
            remark(run, &zone),
        ]);
    }
    if table.is_empty() {
        println!("No runs yet.");
    } else {
        table.print();
    }
    Ok(Exit::Success)
}

/// One run in the format that `docs/commands.md` describes.
pub fn as_json(run: &RunRecord) -> Value {
    json!({
        "run": run.number,
        "job_id": run.job_id,
        "trigger": run.trigger,
        "due": run.due,
        "first_due": run.first_due,
        "covers": run.covers,
        "state": state(run),
        "claimed": run.claimed,
        "started": run.started,
        "ended": run.ended,
        "result": run.result,
        "reason": run.reason,
        "waits_for": run.waits_for,
        "next_attempt": next_attempt(run),
        "makes_up_for": run.makes_up_for,
        "actions": run.actions,
    })
}

/// The state of a run in one word, as in the JSON output.
pub fn state(run: &RunRecord) -> &'static str {
    match run.state {
        RunState::Queued { .. } => "queued",
        RunState::Running { .. } => "running",
        RunState::Waiting { .. } => "waiting",
        RunState::Ended => "ended",
        RunState::Skipped => "skipped",
        RunState::Interrupted => "interrupted",
    }
}

/// The result of a run in one word. A run without a result has its state instead.
pub fn word(run: &RunRecord) -> &'static str {
    match (run.state, run.result) {
        (RunState::Ended, Some(JobResult::Success)) => "success",
        (RunState::Ended, Some(JobResult::Fail)) => "fail",
        (RunState::Ended, Some(JobResult::Aborted)) => "aborted",
        _ => state(run),
    }
}

fn took(run: &RunRecord) -> String {
    match (run.started, run.ended) {
        (Some(started), Some(ended)) => (ended - started)
            .to_std()
            .map_or_else(|_| "–".to_owned(), units::duration),
        _ => "–".to_owned(),
    }
}

/// When the next attempt of a run is due; `None` if the run does not wait for a retry.
fn next_attempt(run: &RunRecord) -> Option<DateTime<Utc>> {
    match run.state {
        RunState::Waiting { until, .. } => Some(until),
        _ => None,
    }
}

/// What a run waits for, in words; `None` if it does not wait.
pub fn waits(run: &RunRecord, zone: &Zone) -> Option<String> {
    let retry = next_attempt(run).map(|at| {
        let at = logging::moment(Some(at), zone);
        format!("the next attempt is due at {at}")
    });
    retry.or_else(|| run.waits_for.clone())
}

fn remark(run: &RunRecord, zone: &Zone) -> String {
    let mut parts = Vec::new();
    if run.covers > 1 {
        parts.push(format!("for {} due times", run.covers));
    }
    if let Some(other) = run.makes_up_for {
        parts.push(format!("makes up for run {other}"));
    }
    parts.extend(waits(run, zone));
    parts.extend(run.reason.clone());
    parts.join("; ")
}
