//! `freezerd state check`: checks whether the ledger is consistent.

use serde_json::{Value, json};

use crate::cli::exit::{Exit, Failure};
use crate::cli::ledger_view::{self, LedgerView};
use crate::cli::output;
use crate::config::Settings;
use crate::control::daemon_lock;
use crate::control::layout::Layout;
use crate::ledger::check::{Checkup, Fault};
use crate::ledger::{self, LedgerError};
use crate::units;

/// Check whether the ledger is consistent
///
/// The command reads every record and compares the tables with each other. If no daemon runs, it also checks every page
/// of the file, on a copy in memory. It changes nothing. The exit code is 65 if there is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd state check --json")]
pub struct Args {
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// How much a finding matters. Only an error changes the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Error,
    Warning,
}

impl Severity {
    fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A finding: what is wrong in one record or file, and how to repair it.
struct Described {
    severity: Severity,
    table: &'static str,
    key: String,
    message: String,
    fix: String,
}

/// Runs `freezerd state check`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    if let Err(error @ LedgerError::NeedsRepair { .. }) = ledger::open_read_only(&layout.ledger())
        && !daemon_lock::is_running(&layout)
    {
        // Other commands repair the ledger when they open it; this one changes nothing.
        return Err(error.into());
    }
    let ledger = ledger_view::open(settings)?;
    let path = ledger.layout.ledger();
    let checkup = ledger.reader.check()?;
    let mut told: Vec<Described> = checkup.findings.iter().map(describe).collect();
    // A daemon may write while this command copies the file, and the copy would be inconsistent. The daemon checked the
    // pages when it started.
    if !ledger.daemon {
        match ledger::check_pages(&path) {
            Ok(()) => {}
            Err(LedgerError::Damaged { damage, .. }) => told.push(Described {
                severity: Severity::Error,
                table: "pages",
                key: path.display().to_string(),
                message: damage.to_string(),
                fix:
                    "start the daemon; if it cannot repair the file, it keeps it under another name and creates a new ledger"
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
                json!({"severity": told.severity.word(), "table": told.table, "key": told.key,
                       "message": told.message, "fix": told.fix})
            })
            .collect();
        output::json(
            &json!({"ledger": path, "id": id, "daemon": ledger.daemon, "pages_checked": !ledger.daemon,
                   "records": checkup.records, "findings": findings, "notes": ledger.notes}),
        );
    } else {
        print(&ledger, &checkup, &told);
    }
    if told.iter().any(|told| told.severity == Severity::Error) {
        Ok(Exit::BadJobFile)
    } else {
        Ok(Exit::Success)
    }
}

fn print(ledger: &LedgerView, checkup: &Checkup, told: &[Described]) {
    for told in told {
        println!(
            "{}: {} {}: {}",
            told.severity.word(),
            told.table,
            told.key,
            told.message
        );
        println!("  fix: {}", told.fix);
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
        "; the daemon checked the pages when it started"
    } else {
        ", all pages"
    };
    println!(
        "Checked {}: {counts}{pages}.",
        ledger.layout.ledger().display()
    );
    if told.is_empty() {
        println!("The ledger is consistent.");
    }
}

fn describe(finding: &ledger::check::Finding) -> Described {
    let fix = match finding.fault {
        Fault::Unreadable => {
            "restart the daemon; it moves the value to a separate file and continues without it"
        }
        Fault::Derived => {
            "stop the daemon, then run `freezerd state export -o FILE` and `freezerd state import --replace FILE`; the \
             import builds the derived tables again"
        }
        Fault::Settled => {
            "restart the daemon; it closes an open run and makes up for it, and frees a job whose run is over"
        }
        Fault::Contradiction => {
            "stop the daemon, then run `freezerd state import --replace FILE` with an earlier export"
        }
    };
    Described {
        severity: Severity::Error,
        table: finding.table,
        key: finding.key.clone(),
        message: finding.message.clone(),
        fix: fix.to_owned(),
    }
}

/// Finds logs without a run: a crash left them behind, or they belong to a damaged ledger that was replaced.
fn logs_without_rows(ledger: &LedgerView) -> Result<Vec<Described>, Failure> {
    let aside = !ledger::set_asides(&ledger.layout.ledger()).is_empty();
    let last = ledger.reader.last_run()?;
    let mut told = Vec::new();
    for run in ledger.layout.logged_runs() {
        if ledger.reader.has_run(run)? {
            continue;
        }
        told.push(Described {
            severity: Severity::Warning,
            table: "logs",
            key: format!("{run}.log"),
            message: format!("run {run} has no row"),
            fix: if aside {
                "none needed; the log belongs to a damaged ledger, and the daemon removes it after that ledger is deleted"
                    .to_owned()
            } else if run > last {
                "none needed; delete the log if you do not need it".to_owned()
            } else {
                "none needed; the daemon removes the log within an hour".to_owned()
            },
        });
    }
    Ok(told)
}
