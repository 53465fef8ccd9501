//! `freezerd start|stop|abort|remove|trigger`: sends an event file to the daemon and prints its answer.

use std::time::{Duration, Instant};

use serde_json::json;

use super::exit::{Exit, Failure, io_failure};
use super::ledger_view::{self, LedgerView};
use super::output;
use super::unread;
use crate::config::Settings;
use crate::control::event::{Command, EventFile};
use crate::control::layout::Layout;
use crate::lifecycle::job as life;
use crate::record::{Ending, EventRecord, RunRecord};

/// How long the command waits for the answer of the daemon.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause between two reads of the ledger.
const PAUSE: Duration = Duration::from_millis(20);

/// The pause between two looks at a run.
const RUN_PAUSE: Duration = Duration::from_millis(200);

/// The arguments of each of the five commands.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The id of the job
    job: String,
    /// Print the answer of the daemon as JSON
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `freezerd trigger`.
#[derive(Debug, clap::Args)]
pub struct TriggerArgs {
    #[command(flatten)]
    pub asked: Args,
    /// Wait until the run has ended; the exit code then says how
    #[arg(long)]
    wait: bool,
}

/// Runs `freezerd trigger`.
pub fn trigger(settings: &Settings, args: &TriggerArgs) -> Result<Exit, Failure> {
    ask(settings, Command::Trigger, &args.asked, args.wait)
}

/// Runs `freezerd start`, `stop`, `abort` and `remove`.
pub fn run(settings: &Settings, command: Command, args: &Args) -> Result<Exit, Failure> {
    ask(settings, command, args, false)
}

/// Asks the daemon and waits for its answer, and then maybe for the end of the run.
fn ask(settings: &Settings, command: Command, args: &Args, wait: bool) -> Result<Exit, Failure> {
    let mut ledger = with_daemon(settings)?;
    let asked = Instant::now();
    while ledger.reader.job(&args.job)?.is_none() {
        if asked.elapsed() > unread::SETTLING || !unread::has_just_changed(&settings.jobs_dir) {
            return Err(unread::no_such_job(settings, &ledger, &args.job));
        }
        std::thread::sleep(PAUSE);
        drop(ledger);
        ledger = ledger_view::open(settings)?;
    }
    let layout = ledger.layout.clone();
    drop(ledger);
    let answer = answer_to(settings, &layout, &EventFile::new(command, &args.job))?;
    let mut document = json!({
        "job_id": answer.job_id, "command": answer.command, "accepted": answer.accepted,
        "answer": answer.answer, "run": answer.run,
    });
    if wait && let Some(run) = answer.run {
        if !args.json {
            println!("{}: {} as run {run}", answer.job_id, answer.answer);
        }
        let row = end_of(settings, run)?;
        let ending = life::ending(&row);
        if args.json {
            document["result"] = json!(ending.name());
            output::json(&document);
        } else {
            let reason = row
                .reason
                .map_or_else(String::new, |reason| format!(": {reason}"));
            println!(
                "{}: the result of run {run} is {}{reason}; `freezerd log {run}` shows its log",
                answer.job_id,
                ending.name()
            );
        }
        return Ok(match ending {
            Ending::Success => Exit::Success,
            Ending::Partial => Exit::RunPartial,
            Ending::Fail | Ending::Aborted | Ending::Interrupted | Ending::Skipped => {
                Exit::RunFailed
            }
        });
    }
    if args.json {
        output::json(&document);
    } else if answer.accepted {
        match answer.run {
            Some(run) => println!(
                "{}: {} as run {run}; `freezerd log {run}` shows its log",
                answer.job_id, answer.answer
            ),
            None => println!("{}: {}", answer.job_id, answer.answer),
        }
    }
    if answer.accepted {
        Ok(Exit::Success)
    } else {
        let message = format!("{}: {}", answer.job_id, answer.answer);
        if args.json {
            eprintln!("freezerd: {message}");
            return Ok(Exit::TryAgain);
        }
        Err(Failure::new(Exit::TryAgain, message))
    }
}

/// The ledger of a daemon that runs.
pub fn with_daemon(settings: &Settings) -> Result<LedgerView, Failure> {
    let ledger = ledger_view::open(settings)?;
    match ledger.daemon {
        true => Ok(ledger),
        false => Err(Failure::new(
            Exit::NoDaemon,
            format!(
                "no daemon is running for {}; start it with `systemctl start freezerd` or `freezerd run`",
                settings.state_dir.display()
            ),
        )),
    }
}

/// Sends a request to the daemon, and waits for its answer.
pub fn answer_to(
    settings: &Settings,
    layout: &Layout,
    event: &EventFile,
) -> Result<EventRecord, Failure> {
    let path = event
        .send(layout)
        .map_err(|error| io_failure("write the event to", &layout.events(), &error))?;
    if let Some(answer) = wait_for(settings, &event.id)? {
        return Ok(answer);
    }
    // The daemon must not act on the event after this command has given up.
    let withdrawn = std::fs::remove_file(&path).is_ok();
    let command = event.command.name();
    Err(Failure::new(
        Exit::TryAgain,
        if withdrawn {
            "the daemon did not answer in time; the request was withdrawn, and nothing was changed"
                .to_owned()
        } else {
            format!(
                "the daemon read the request but has not answered yet; its log has a line that begins with `{command} by`"
            )
        },
    ))
}

/// Leaves word for the daemon. If one runs, this waits until it has read that; otherwise the next one does.
pub fn leave_word(settings: &Settings, event: &EventFile) -> Result<(), Failure> {
    let ledger = ledger_view::open(settings)?;
    let events = ledger.layout.events();
    event
        .send(&ledger.layout)
        .map_err(|error| io_failure("write the event to", &events, &error))?;
    if ledger.daemon {
        drop(ledger);
        // It stays there until it is read.
        wait_for(settings, &event.id)?;
    }
    Ok(())
}

fn wait_for(settings: &Settings, event: &str) -> Result<Option<EventRecord>, Failure> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(answer) = ledger_view::open(settings)?.reader.event(event)? {
            return Ok(Some(answer));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(None)
}

/// Waits until a run is over.
fn end_of(settings: &Settings, run: u64) -> Result<RunRecord, Failure> {
    loop {
        let ledger = ledger_view::open(settings)?;
        match ledger.reader.run(run)? {
            Some(row) if row.state.is_over() => return Ok(row),
            Some(_) if !ledger.daemon => {
                return Err(Failure::new(
                    Exit::NoDaemon,
                    format!("the daemon has ended, and run {run} has not"),
                ));
            }
            Some(_) => {}
            None => {
                return Err(Failure::new(
                    Exit::NotFound,
                    format!("the ledger does not know run {run} any more"),
                ));
            }
        }
        drop(ledger);
        std::thread::sleep(RUN_PAUSE);
    }
}
