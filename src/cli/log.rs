//! `freezerd log`: what a run wrote.

use std::io::{self, Write};

use serde_json::json;

use super::exit::{Exit, Failure, io_failure};
use super::ledger::{self, Ledger};
use crate::config::Settings;
use crate::store::record::RunRecord;

/// Show the log of a run
///
/// RUN is a number from `freezerd history`, or a job: then its newest run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd log 42\nExample: freezerd log nightly")]
pub struct Args {
    /// A run's number, or a job for its newest run
    #[arg(value_name = "RUN")]
    run: String,
    /// As JSON: the run's number and its lines
    #[arg(long)]
    pub json: bool,
}

pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let ledger = ledger::open(settings)?;
    let row = find(&ledger, &args.run)?;
    let path = ledger.layout.run_log(row.number);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        // A row that was skipped never wrote anything.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(io_failure("read", &path, &error)),
    };
    if args.json {
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        println!(
            "{:#}",
            json!({"run": row.number, "job_id": row.job_id, "lines": lines})
        );
    } else {
        io::stdout().write_all(&bytes).map_err(|error| {
            io_failure("write", std::path::Path::new("standard output"), &error)
        })?;
        if bytes.is_empty() {
            eprintln!("Run {} of {} has no log.", row.number, row.job_id);
        }
    }
    Ok(Exit::Success)
}

/// The run of that number, or the newest one of the job of that name. A job's name may be a number, too.
fn find(ledger: &Ledger, name: &str) -> Result<RunRecord, Failure> {
    let number = name.parse::<u64>().ok();
    if let Some(number) = number
        && let Some(row) = ledger.reader.run(number)?
    {
        return Ok(row);
    }
    if let Some(row) = ledger.reader.history(Some(name), 1)?.pop() {
        return Ok(row);
    }
    if ledger.reader.job(name)?.is_some() {
        return Err(Failure::new(
            Exit::NotFound,
            format!("{name} has not run yet"),
        ));
    }
    Err(match number {
        Some(number) => Failure::new(
            Exit::NotFound,
            format!("there is no run {number}; `freezerd history` lists them"),
        ),
        None => ledger.no_such_job(name),
    })
}
