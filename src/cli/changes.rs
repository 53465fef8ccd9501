//! `freezerd changes`: what the backups of a run have found changed.

use serde_json::json;

use super::exit::{Exit, Failure, io_failure};
use super::ledger_view::{self, LedgerView};
use super::table::Table;
use super::{log, logging, output};
use crate::config::Settings;
use crate::control::changes_file::{self, AttemptChanges};
use crate::escape::shown;
use crate::protocol::{Amount, Changes, DirectoryChanges};
use crate::record::RunRecord;
use crate::schedule::zone::Zone;
use crate::units;

/// Show what changed in a backup
///
/// RUN is a number from `freezerd history`. If it is the id of a job, the command shows the newest run of the job that has
/// made a snapshot. The snapshot is compared with the one before it: what is new, changed and gone, by directory, and the
/// largest files. `freezerd diff` names every change.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd changes 42\nExample: freezerd changes nightly --json")]
pub struct Args {
    /// The number of a run, or the id of a job
    #[arg(value_name = "RUN")]
    run: String,
    /// Show only this action; the first action is 1
    #[arg(long, value_name = "N")]
    action: Option<u32>,
    /// Print the changes as JSON
    #[arg(long)]
    pub json: bool,
}

/// How many runs of a job are asked for the newest one with a report.
const RUNS: usize = 1000;

/// Runs `freezerd changes`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let ledger = ledger_view::open(settings)?;
    let (row, mut found) = find(&ledger, &args.run)?;
    if let Some(wanted) = args.action {
        found.retain(|it| it.action + 1 == wanted);
        if found.is_empty() {
            let message = format!("{} has no report of action {wanted}", named(&row));
            return Err(Failure::new(Exit::NotFound, message));
        }
    }
    if args.json {
        output::json(&json!({"run": row.number, "job_id": row.job_id, "changes": found}));
        return Ok(Exit::Success);
    }
    let zone = settings.zone();
    for (place, attempt) in found.iter().enumerate() {
        if place > 0 {
            println!();
        }
        print(&row, attempt, &zone);
    }
    Ok(Exit::Success)
}

fn named(row: &RunRecord) -> String {
    format!("run {} of {}", row.number, row.job_id)
}

/// The run with its reports. A job stands for its newest run that has some.
fn find(ledger: &LedgerView, name: &str) -> Result<(RunRecord, Vec<AttemptChanges>), Failure> {
    let row = log::find(ledger, name)?;
    let reports = |row: &RunRecord| {
        changes_file::read(&ledger.layout, row.number)
            .map_err(|error| io_failure("read", &ledger.layout.run_changes(row.number), &error))
    };
    let found = reports(&row)?;
    if !found.is_empty() {
        return Ok((row, found));
    }
    if row.job_id == name {
        for row in ledger.reader.history(Some(name), RUNS)? {
            let found = reports(&row)?;
            if !found.is_empty() {
                return Ok((row, found));
            }
        }
    }
    let yet = if row.state.is_over() { "" } else { " yet" };
    Err(Failure::new(
        Exit::NotFound,
        format!(
            "{} has no report of changes{yet}: only a backup that has read its source and made a snapshot has one; \
             `freezerd diff {}` compares snapshots",
            named(&row),
            row.job_id
        ),
    ))
}

fn print(row: &RunRecord, attempt: &AttemptChanges, zone: &Zone) {
    let changes = &attempt.changes;
    let since = match &changes.since {
        Some(since) => format!(
            "compared with {} of {}{}",
            short(&since.snapshot),
            logging::moment(Some(since.time), zone),
            if since.partial {
                ", which is partial"
            } else {
                ""
            }
        ),
        None => "the first one, so that everything is new".to_owned(),
    };
    println!(
        "Run {} of {}, action {}: snapshot {}, {since}",
        row.number,
        row.job_id,
        attempt.action + 1,
        short(&changes.snapshot)
    );
    for (name, amount) in [
        ("New:", &changes.new),
        ("Changed:", &changes.changed),
        ("Other type:", &changes.type_changed),
        ("Metadata:", &changes.metadata_changed),
        ("Gone:", &changes.gone),
        ("Not read:", &changes.unread),
    ] {
        // What happens seldom has no line where it did not happen.
        let is_rare = matches!(name, "Other type:" | "Not read:");
        if amount.entries() > 0 || !is_rare {
            println!("{name:<12} {}", words(amount));
        }
    }
    if let Some(drill) = &changes.last_drill {
        let before = match drill.at {
            Some(at) => format!(
                " (as of this backup; it ended at {})",
                logging::moment(Some(at), zone)
            ),
            None => String::new(),
        };
        println!("{:<12} {drill}{before}", "Last drill:");
    }
    if changes.unread_unnamed > 0 {
        println!(
            "Note: {} more could not be read; what is below them counts as gone.",
            units::count(changes.unread_unnamed, "path", "paths")
        );
    }
    if changes.not_compared > 0 {
        println!(
            "Note: {} could not be compared, because the container is damaged; `freezerd verify {}` says more.",
            units::count(changes.not_compared, "entry", "entries"),
            row.job_id
        );
    }
    if !changes.directories.is_empty() {
        println!();
        by_directory(&changes.directories);
    }
    lists(changes);
}

fn words(amount: &Amount) -> String {
    format!(
        "{}, {}, {}, {}",
        units::count(amount.files, "file", "files"),
        units::count(amount.directories, "directory", "directories"),
        units::count(amount.others, "other entry", "other entries"),
        units::bytes(amount.bytes)
    )
}

fn by_directory(rows: &[DirectoryChanges]) {
    let mut table = Table::new(&["NEW", "CHANGED", "METADATA", "GONE", "BYTES", "DIRECTORY"]);
    for row in rows {
        let bytes = row.bytes.saturating_add(row.bytes_gone);
        let counts = [row.new, row.changed, row.metadata_changed, row.gone];
        let mut cells: Vec<String> = counts.iter().map(u64::to_string).collect();
        cells.push(units::bytes(bytes));
        cells.push(shown(&row.path.bytes()));
        table.row(cells);
    }
    table.print();
}

fn lists(changes: &Changes) {
    if !changes.largest.is_empty() {
        println!();
        println!("The largest new and changed files:");
    }
    for file in &changes.largest {
        let (marker, before) = match file.size_before {
            Some(before) => ('M', format!(" (before: {})", units::bytes(before))),
            None => ('+', String::new()),
        };
        let size = units::bytes(file.size);
        println!("{marker} {size:>8}  {}{before}", shown(&file.path.bytes()));
    }
    if !changes.largest_gone.is_empty() {
        println!();
        println!("The largest that are gone:");
    }
    for entry in &changes.largest_gone {
        let count = match entry.entries {
            1 => String::new(),
            count => format!(" ({})", units::count(count, "entry", "entries")),
        };
        let slash = if entry.kind == "dir" { "/" } else { "" };
        let size = units::bytes(entry.bytes);
        println!("- {size:>8}  {}{slash}{count}", shown(&entry.path.bytes()));
    }
}

/// The beginning of a snapshot's id.
fn short(id: &str) -> String {
    id.chars().take(8).collect()
}
