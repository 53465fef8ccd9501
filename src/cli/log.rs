//! `freezerd log`: the log of a run.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::exit::{Exit, Failure, io_failure};
use super::ledger_view::{self, LedgerView};
use super::output;
use crate::config::Settings;
use crate::control::mark::Mark;
use crate::record::{AttemptEnd, AttemptRecord, RunRecord};

/// Show the log of a run
///
/// RUN is a number from `freezerd history`. If it is the id of a job, the command shows the job's newest run. Each attempt
/// at an action begins with a line that names the action and the attempt. --action and --attempt select attempts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: freezerd log 42\nExample: freezerd log nightly --attempt 2\nExample: freezerd log nightly -f"
)]
pub struct Args {
    /// The number of a run, or the id of a job
    #[arg(value_name = "RUN")]
    run: String,
    /// Show only the lines of this action; the first action is 1
    #[arg(long, value_name = "N")]
    action: Option<u32>,
    /// Show only the lines of this attempt; the first attempt is 1
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
    /// Print also what is added, until the run has ended
    #[arg(long, short, conflicts_with_all = ["action", "attempt", "json"])]
    follow: bool,
    /// Print the number of the run, its attempts and its lines as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd log`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let ledger = ledger_view::open(settings)?;
    let row = find(&ledger, &args.run)?;
    let path = ledger.layout.run_log(row.number);
    if args.follow {
        drop(ledger);
        return follow(settings, row.number, &path);
    }
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        // A skipped run has no log.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(io_failure("read", &path, &error)),
    };
    let attempts = ledger.reader.attempts(row.number)?;
    let whole = args.action.is_none() && args.attempt.is_none();
    if !whole && !attempts.iter().any(|attempt| args.wants(attempt)) {
        return Err(no_such_attempt(&row, args, &attempts));
    }
    let text = String::from_utf8_lossy(&bytes);
    let part = (!whole).then(|| args.part(&text));
    if args.json {
        let lines = part.unwrap_or_else(|| text.lines().collect());
        let attempts: Vec<Value> = attempts
            .iter()
            .filter(|attempt| args.wants(attempt))
            .map(|attempt| attempt_json(&row, attempt))
            .collect();
        output::json(
            &json!({"run": row.number, "job_id": row.job_id, "attempts": attempts, "lines": lines}),
        );
    } else {
        let lines = part.unwrap_or_else(|| text.lines().collect());
        lines.iter().for_each(|line| output::log_line(line));
        if lines.is_empty() && whole {
            eprintln!("Run {} of {} has no log.", row.number, row.job_id);
        } else if lines.is_empty() {
            eprintln!(
                "The log of run {} of {} has nothing of this attempt: of a log that is too long, the middle is left out.",
                row.number, row.job_id
            );
        }
    }
    Ok(Exit::Success)
}

/// The pause between two looks at a log that is followed.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Prints the log of a run, and what is added, until the run has ended or no daemon runs.
fn follow(settings: &Settings, run: u64, path: &Path) -> Result<Exit, Failure> {
    let mut printed = 0;
    loop {
        // Asked first: what the run writes before it ends is then in the file.
        let ledger = ledger_view::open(settings)?;
        let row = ledger.reader.run(run)?;
        let over = !ledger.daemon || row.is_none_or(|row| row.state.is_over());
        drop(ledger);
        printed += print_from(path, printed, over)?;
        if over {
            return Ok(Exit::Success);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Prints the lines of a log from this byte on; one without its end only if that is the last. Returns the number of bytes.
/// A file that does not exist yet has none.
fn print_from(path: &Path, begin: u64, over: bool) -> Result<u64, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(begin))?;
        file.read_to_end(&mut bytes)
    });
    match read {
        Ok(_) => {
            if !over {
                let last = bytes.iter().rposition(|byte| *byte == b'\n');
                bytes.truncate(last.map_or(0, |last| last + 1));
            }
            let text = String::from_utf8_lossy(&bytes);
            text.lines().for_each(output::log_line);
            output::flush();
            Ok(bytes.len() as u64)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(io_failure("show", path, &error)),
    }
}

impl Args {
    fn wants(&self, attempt: &AttemptRecord) -> bool {
        self.wants_place(attempt.action + 1, attempt.attempt)
    }

    fn wants_place(&self, action: u32, attempt: u32) -> bool {
        self.action.is_none_or(|wanted| wanted == action)
            && self.attempt.is_none_or(|wanted| wanted == attempt)
    }

    /// The lines of the selected attempts. The lines of an attempt begin with its mark and end before the next mark.
    fn part<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut wanted = false;
        text.lines()
            .filter(|line| {
                if let Some(mark) = Mark::read(line) {
                    wanted = self.wants_place(mark.action, mark.attempt);
                }
                wanted
            })
            .collect()
    }
}

fn no_such_attempt(row: &RunRecord, args: &Args, attempts: &[AttemptRecord]) -> Failure {
    let mut what = String::new();
    if let Some(attempt) = args.attempt {
        what.push_str(&format!(" attempt {attempt}"));
    }
    if let Some(action) = args.action {
        what.push_str(if what.is_empty() {
            " attempt at"
        } else {
            " at"
        });
        what.push_str(&format!(" action {action}"));
    }
    let there: Vec<String> = attempts
        .iter()
        .map(|attempt| format!("{}.{}", attempt.action + 1, attempt.attempt))
        .collect();
    let there = match there.len() {
        0 => "no attempt was started".to_owned(),
        _ => format!("its attempts (action.attempt) are {}", there.join(", ")),
    };
    Failure::new(
        Exit::NotFound,
        format!("run {} has no{what}: {there}", row.number),
    )
}

/// One attempt in the format that `docs/commands.md` describes.
fn attempt_json(row: &RunRecord, attempt: &AttemptRecord) -> Value {
    let kind = row
        .actions
        .get(attempt.action as usize)
        .map_or("action", |action| action.kind.as_str());
    let end = attempt.end.as_ref();
    let verdict = match end {
        Some(AttemptEnd::Reported { outcome }) => Some(outcome.verdict),
        _ => None,
    };
    json!({
        "action": attempt.action,
        "kind": kind,
        "attempt": attempt.attempt,
        "started": attempt.started,
        "ended": attempt.ended,
        "how": end.map(|end| json!(end)["how"].clone()),
        "verdict": verdict,
        "reason": end.and_then(|end| end.failure(kind)),
    })
}

/// Finds the run with this number, or else the newest run of the job with this id. The id of a job may be a number, too.
pub fn find(ledger: &LedgerView, name: &str) -> Result<RunRecord, Failure> {
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
