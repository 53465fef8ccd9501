//! `freezerd run`: runs the daemon in the foreground, until it is stopped or until nothing is due (`--once`).

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::exit::{Exit, Failure};
use super::logging;
use super::output;
use super::screen::Screen;
use super::table::Table;
use crate::config::Settings;
use crate::daemon::session_summary::{RunSummary, SessionSummary};
use crate::daemon::{self, Critical, End, Mode};
use crate::job::JobResult;
use crate::units;

/// Watch the jobs directory and run what is due
///
/// The daemon stays in the foreground. SIGTERM and SIGINT (Ctrl-C) stop it: no new action starts, and running actions
/// have the time in the setting stop_grace to end. A second signal kills the actions. SIGHUP makes the daemon read the
/// jobs directory at once.
///
/// SIGUSR1 prepares for a newer version. The daemon continues until no action runs and then exits with code 79, so that
/// the service manager starts it again. After one hour, or after a second SIGUSR1, it starts no new action until then.
///
/// With --once, the command runs what is due now, including missed runs. It waits until the runs are done, prints a
/// summary and exits. Use this with cron or a systemd timer.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd run --once --jobs-dir ./jobs.d --state-dir ./state")]
pub struct Args {
    /// Run what is due now, wait until it is done, and exit; the exit code is that of the worst result
    #[arg(long)]
    once: bool,
    /// Print the summary of --once as JSON
    #[arg(long, requires = "once")]
    pub json: bool,
}

/// Runs `freezerd run`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let screen = Arc::new(Screen::new());
    logging::start(settings, &screen);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(
                Exit::Internal,
                format!("cannot start the event loop: {error}"),
            )
        })?;
    let mode = if args.once { Mode::Once } else { Mode::Forever };
    tracing::info!(
        "freezerd {}: jobs in {}, state in {}",
        env!("CARGO_PKG_VERSION"),
        settings.jobs_dir.display(),
        settings.state_dir.display()
    );
    let ended = runtime.block_on(daemon::run(settings, mode, screen));
    // A message that a receiver has not accepted yet is sent again after the next start.
    runtime.shutdown_timeout(Duration::from_millis(200));
    let summary = match ended? {
        End::Done(summary) => summary,
        End::Renew => return Ok(Exit::Renew),
    };
    if !args.once {
        tracing::info!("stopped");
        return Ok(Exit::Success);
    }
    if args.json {
        output::json(&json!(summary));
    } else {
        print(&summary, settings);
    }
    Ok(worst(&summary))
}

impl From<Critical> for Failure {
    fn from(error: Critical) -> Failure {
        let exit = match error {
            Critical::Create(error) => return error.into(),
            Critical::DaemonLock(error) => return error.into(),
            Critical::Ledger(error) => return error.into(),
            Critical::NoJobsDir { .. } => Exit::NotFound,
            Critical::JobsDir { .. } => Exit::NotPermitted,
            Critical::System { .. } | Critical::StateLost(_) => Exit::Internal,
        };
        Failure::new(exit, error.to_string())
    }
}

/// The exit code of the worst result: a failed run, then an incomplete run, then an invalid file.
fn worst(summary: &SessionSummary) -> Exit {
    let failed = |run: &RunSummary| run.result != JobResult::Success && !run.partial;
    if summary.runs.iter().any(failed) {
        Exit::RunFailed
    } else if summary.runs.iter().any(|run| run.partial) {
        Exit::RunPartial
    } else if !summary.invalid.is_empty() {
        Exit::BadJobFile
    } else {
        Exit::Success
    }
}

fn print(summary: &SessionSummary, settings: &Settings) {
    let zone = settings.zone();
    if summary.runs.is_empty() {
        println!(
            "Nothing was due: {}, the next run {}.",
            units::count(summary.jobs as u64, "job", "jobs"),
            summary.next.map_or_else(
                || "is not scheduled".to_owned(),
                |next| format!("is due at {}", logging::moment(Some(next), &zone))
            )
        );
    } else {
        let mut table = Table::new(&["JOB", "RUN", "RESULT", "TOOK", "NEXT", ""]);
        for run in &summary.runs {
            table.row(vec![
                run.job_id.clone(),
                run.run.to_string(),
                word(run).to_owned(),
                units::duration(std::time::Duration::from_secs_f64(run.seconds)),
                logging::moment(run.next, &zone),
                run.reason.clone().unwrap_or_default(),
            ]);
        }
        table.print();
    }
    for (job_id, reason) in &summary.skipped {
        println!("Skipped: {job_id}: {reason}");
    }
    for file in &summary.invalid {
        println!("Invalid: {file} (`freezerd check` says why)");
    }
}

fn word(run: &RunSummary) -> &'static str {
    match run.result {
        _ if run.interrupted => "interrupted",
        _ if run.partial => "partial",
        JobResult::Success => "success",
        JobResult::Fail => "fail",
        JobResult::Aborted => "aborted",
    }
}
