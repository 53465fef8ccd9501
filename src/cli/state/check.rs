//! `freezerd state check`: whether the ledger holds together.

use serde_json::{Value, json};

use crate::cli::exit::{Exit, Failure};
use crate::cli::installation::{self, Installation};
use crate::cli::table::printable;
use crate::config::Settings;
use crate::control::layout::Layout;
use crate::control::presence;
use crate::ledger::check::{Checkup, Fault};
use crate::ledger::{self, LedgerError};
use crate::units;

/// Check whether the ledger holds together
///
/// Every record is read, and what the tables say of each other is compared. Where no daemon runs, every page of the
/// file is checked too, on a copy in memory. Nothing is changed. Exit code 65 where something does not hold.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd state check --json")]
pub struct Args {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// One thing that is wrong, and what to do about it.
struct Told {
    severity: &'static str,
    table: &'static str,
    key: String,
    message: String,
    mend: String,
}

pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    if let Err(error @ LedgerError::NeedsRepair { .. }) = ledger::open_read_only(&layout.ledger())
        && !presence::is_running(&layout)
    {
        // Other commands mend it; this one changes nothing.
        return Err(error.into());
    }
    let ledger = installation::open(settings)?;
    let path = ledger.layout.ledger();
    let checkup = ledger.reader.check()?;
    let mut told: Vec<Told> = checkup.findings.iter().map(tell).collect();
    // A daemon that writes while the file is copied would make a copy of two halves; and it checked at its start.
    if !ledger.daemon {
        match ledger::check_pages(&path) {
            Ok(()) => {}
            Err(LedgerError::Damaged { damage, .. }) => told.push(Told {
                severity: "error",
                table: "pages",
                key: path.display().to_string(),
                message: damage.to_string(),
                mend:
                    "start the daemon: what it cannot mend it keeps aside, and begins a new ledger"
                        .to_owned(),
            }),
            Err(other) => return Err(other.into()),
        }
    }
    told.extend(logs_without_rows(&ledger)?);
    let id = ledger.reader.id()?;
    if args.json {
        let findings: Vec<Value> = told
            .iter()
            .map(|told| {
                json!({"severity": told.severity, "table": told.table, "key": told.key,
                       "message": told.message, "mend": told.mend})
            })
            .collect();
        println!(
            "{:#}",
            json!({"ledger": path, "id": id, "daemon": ledger.daemon, "pages_checked": !ledger.daemon,
                   "records": checkup.records, "findings": findings, "notes": ledger.notes})
        );
    } else {
        print(&ledger, &checkup, &told);
    }
    if told.iter().any(|told| told.severity == "error") {
        Ok(Exit::BadJobFile)
    } else {
        Ok(Exit::Success)
    }
}

fn print(ledger: &Installation, checkup: &Checkup, told: &[Told]) {
    for told in told {
        println!(
            "{}: {} {}: {}\n  mend: {}",
            told.severity,
            told.table,
            printable(&told.key),
            printable(&told.message),
            told.mend
        );
    }
    let counts: Vec<String> = checkup
        .records
        .iter()
        .map(|(table, count)| units::count(*count, table.trim_end_matches('s'), table))
        .collect();
    let counts = if counts.is_empty() {
        "no records".to_owned()
    } else {
        counts.join(", ")
    };
    let pages = if ledger.daemon {
        "; its pages were checked when the daemon started"
    } else {
        ", and all of its pages"
    };
    println!(
        "Checked {}: {counts}{pages}.",
        ledger.layout.ledger().display()
    );
    if told.is_empty() {
        println!("Everything holds together.");
    }
}

fn tell(finding: &ledger::check::Finding) -> Told {
    let mend = match finding.fault {
        Fault::Unreadable => {
            "restart the daemon: it keeps such a value aside in a file of its own, and goes on without it"
        }
        Fault::Derived => {
            "stop the daemon, then `freezerd state export -o FILE` and `freezerd state import --replace FILE`: what is \
             derived from the rows is built anew"
        }
        Fault::Settled => {
            "restart the daemon: a run that is going on is closed and made up for, and a job whose run is over is let go"
        }
        Fault::Contradiction => {
            "stop the daemon, then `freezerd state import --replace FILE` with an export from before"
        }
    };
    Told {
        severity: "error",
        table: finding.table,
        key: finding.key.clone(),
        message: finding.message.clone(),
        mend: mend.to_owned(),
    }
}

/// Logs that a crash left behind, or that belong to a ledger that was put aside.
fn logs_without_rows(ledger: &Installation) -> Result<Vec<Told>, Failure> {
    let aside = !ledger::set_asides(&ledger.layout.ledger()).is_empty();
    let last = ledger.reader.last_run()?;
    let mut told = Vec::new();
    for run in ledger.layout.logged_runs() {
        if ledger.reader.has_run(run)? {
            continue;
        }
        told.push(Told {
            severity: "warning",
            table: "logs",
            key: format!("{run}.log"),
            message: format!("run {run} has no row"),
            mend: if aside {
                "none needed: it is of the ledger that was put aside, and goes after that"
                    .to_owned()
            } else if run > last {
                "none needed; delete it if it is nobody's".to_owned()
            } else {
                "none needed: the daemon removes it with its next sweep".to_owned()
            },
        });
    }
    Ok(told)
}
