//! `freezerd complete`: names for the completion of a shell. The completion files of the package start it.

use std::fmt::Write;

use super::exit::{Exit, Failure};
use super::history::word;
use super::list::status_word;
use super::output;
use crate::config::Settings;
use crate::control::layout::Layout;
use crate::job::codes;
use crate::ledger::{self, LedgerError, Reader};

/// How many past runs are offered, the newest.
const RUNS: usize = 100;

/// Print names for the completion of a shell
///
/// Each line has a name, a tab, and what it is. Without a ledger, or if it cannot be read, nothing is printed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the names are of
    #[arg(value_enum)]
    of: Names,
}

/// What has names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Names {
    Jobs,
    /// The numbers of runs, and jobs, each of which stands for its newest run.
    Runs,
    Codes,
    Receivers,
}

/// Runs `freezerd complete`. Nobody wants to read an error in the middle of a command line.
pub fn run(settings: Result<Settings, Failure>, args: &Args) -> Exit {
    let text = match args.of {
        Names::Codes => Some(of_codes()),
        Names::Receivers => settings.ok().map(|it| of_receivers(&it)),
        Names::Jobs => settings.ok().and_then(|it| of_jobs(&it).ok()),
        Names::Runs => settings.ok().and_then(|it| of_runs(&it).ok()),
    };
    for line in text.unwrap_or_default().lines() {
        output::log_line(line);
    }
    Exit::Success
}

fn of_codes() -> String {
    codes::all().fold(String::new(), |mut text, code| {
        let _ = writeln!(text, "{}\t{}", code.name, code.title);
        text
    })
}

fn of_receivers(settings: &Settings) -> String {
    let receivers = settings.receivers.iter();
    receivers.fold(String::new(), |mut text, (receiver, _)| {
        let _ = writeln!(
            text,
            "{}\t{}",
            receiver.name,
            receiver.channel.kind().word()
        );
        text
    })
}

/// The ledger as it is: a completion repairs nothing.
fn open(settings: &Settings) -> Result<Reader, LedgerError> {
    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    ledger::open_read_only(&layout.ledger())
}

fn of_jobs(settings: &Settings) -> Result<String, LedgerError> {
    let jobs = open(settings)?.jobs()?;
    Ok(jobs.iter().fold(String::new(), |mut text, job| {
        let _ = writeln!(text, "{}\t{}", job.job_id, status_word(job.status()));
        text
    }))
}

fn of_runs(settings: &Settings) -> Result<String, LedgerError> {
    let reader = open(settings)?;
    let mut text = String::new();
    for run in reader.history(None, RUNS)? {
        let _ = writeln!(text, "{}\t{} {}", run.number, run.job_id, word(&run));
    }
    for job in reader.jobs()? {
        let _ = writeln!(text, "{}\tits newest run", job.job_id);
    }
    Ok(text)
}
