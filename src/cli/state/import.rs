//! `freezerd state import`: creates the ledger from lines of JSON.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::Utc;
use serde_json::json;

use super::document;
use crate::cli::exit::{Exit, Failure, io_failure};
use crate::cli::output;
use crate::config::Settings;
use crate::control::daemon_lock::DaemonLock;
use crate::control::layout::Layout;
use crate::kill_point::{self, Point};
use crate::ledger::{self, json_lines};

/// Create the ledger from an export
///
/// The command refuses to run while a daemon runs. It also refuses if there is a ledger, unless --replace is given. It
/// checks the whole export before it changes anything. Use an import to move a ledger. Do not use one ledger on two hosts.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd state import --replace /var/backups/freezerd.jsonl")]
pub struct Args {
    /// The file to import; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace the existing ledger, and keep it as ledger.redb.replaced-<time>
    #[arg(long)]
    replace: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd state import`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let text = read(&args.file)?;
    let refuse = |why: &str| {
        Failure::new(
            Exit::BadJobFile,
            format!("{} cannot be imported: {why}", args.file.display()),
        )
    };
    let state = document::read(&text).map_err(|why| refuse(&why))?;
    drop(text);

    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    layout.create()?;
    // Held until the end, so that no daemon starts in the meantime.
    let _lock = DaemonLock::claim(&layout)?;
    let ledger = layout.ledger();
    let there = fs::symlink_metadata(&ledger).is_ok();
    if there && !args.replace {
        return Err(Failure::new(
            Exit::CannotCreate,
            format!(
                "the ledger {} exists already; --replace replaces it and keeps the old one under another name",
                ledger.display()
            ),
        ));
    }

    let built = ledger.with_file_name("ledger.redb.import");
    let checked = json_lines::build(&built, &state.lines).and_then(|()| {
        let reader = ledger::open_read_only(&built)?;
        reader.check()
    });
    let findings = match checked {
        Ok(checkup) => checkup.findings,
        Err(error) => {
            let _ = fs::remove_file(&built);
            return Err(match error {
                ledger::LedgerError::Line { .. } => refuse(&error.to_string()),
                other => other.into(),
            });
        }
    };
    if let Some(first) = findings.first() {
        let _ = fs::remove_file(&built);
        return Err(refuse(&format!(
            "its records contradict each other ({}): {} {}: {}",
            crate::units::count(findings.len() as u64, "fault", "faults"),
            first.table,
            first.key,
            first.message
        )));
    }

    let stamp = Utc::now().format("%Y-%m-%dT%H%M%SZ").to_string();
    let fail = |path: &Path, error: &io::Error| io_failure("replace", path, error);
    let logs = keep_logs(&layout, &state.header.ledger, &stamp)?;
    kill_point::reached(Point::OldLogsKept);
    let kept = there.then(|| ledger::free_name(&ledger, &format!("replaced-{stamp}")));
    if let Some(kept) = &kept {
        keep(&ledger, kept).map_err(|error| fail(&ledger, &error))?;
        kill_point::reached(Point::OldLedgerKept);
    }
    fs::rename(&built, &ledger).map_err(|error| fail(&ledger, &error))?;
    File::open(layout.state())
        .and_then(|dir| dir.sync_all())
        .map_err(|error| fail(layout.state(), &error))?;
    kill_point::reached(Point::Imported);

    let records = state.lines.len() as u64;
    if args.json {
        output::json(
            &json!({"ledger": ledger, "records": records, "replaced": kept, "logs_replaced": logs}),
        );
        return Ok(Exit::Success);
    }
    println!(
        "Imported {} into {}.",
        crate::units::count(records, "record", "records"),
        ledger.display()
    );
    for kept in kept.iter().chain(&logs) {
        println!("The old one is kept as {}.", kept.display());
    }
    Ok(Exit::Success)
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().read_to_string(&mut text)
    } else {
        File::open(file).and_then(|mut file| file.read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Failure::new(
            Exit::BadJobFile,
            format!("{} cannot be imported: it is not text", file.display()),
        )),
        Err(error) => Err(io_failure("read", file, &error)),
    }
}

/// Keeps the old ledger under a second name, as a hard link. The rename of the new ledger then replaces the old one in one
/// step, and a crash leaves one of the two.
fn keep(ledger: &Path, kept: &Path) -> io::Result<()> {
    let regular = fs::symlink_metadata(ledger)?.is_file();
    if !regular || fs::hard_link(ledger, kept).is_err() {
        fs::rename(ledger, kept)?;
    }
    Ok(())
}

/// Renames the log directory if it belongs to another ledger. The name of a log is the number of its run. Without the
/// rename, the logs of the old ledger would appear as logs of runs of the new one.
fn keep_logs(layout: &Layout, id: &str, stamp: &str) -> Result<Option<PathBuf>, Failure> {
    let same = ledger::open_read_only(&layout.ledger())
        .and_then(|reader| reader.id())
        .is_ok_and(|known| known == id);
    let logs = layout.logs();
    if same || layout.logged_runs().is_empty() {
        return Ok(None);
    }
    let kept = ledger::free_name(&logs, &format!("replaced-{stamp}"));
    fs::rename(&logs, &kept).map_err(|error| io_failure("replace", &logs, &error))?;
    layout.create()?;
    Ok(Some(kept))
}
