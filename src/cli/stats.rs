//! `freezerd stats`: how much is in snapshots, and how much room it takes.

use std::ffi::OsString;

use serde_json::{Value, json};

use super::container::ContainerOptions;
use super::container::kept::Kept;
use super::container::output::{Output, problem, say};
use super::container::session::{self, Ended, damaged, ok, print, print_json, unless_damaged};
use super::container::snapshot::{self, Wanted};
use super::exit::{Exit, Failure};
use super::table::Table;
use crate::agent::inspect::{Lock, Session, SessionError};
use crate::config::Settings;
use crate::escape::shown;
use crate::inspect::choice::{self, Chosen, Filter};
use crate::inspect::stats::{Collector, Contents, Data, NotCounted, Uncounted};
use crate::units;

/// Show how much snapshots contain, and how much room they take
///
/// Name a job, or a container with --container. The command counts all snapshots of the job, oldest first, or those that
/// --snapshot names. SIZE is what a restore would write. NEW is the room in the container that the data takes which no
/// snapshot in the list before it needs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd stats nightly\n\
                        Example: freezerd stats --container /srv/backup --snapshot latest")]
pub struct Args {
    /// Use the container, the host and the backup name of this job
    #[arg(required_unless_present = "container", conflicts_with = "container")]
    job: Option<OsString>,
    #[command(flatten)]
    container: ContainerOptions,
    /// Count only the snapshot whose id is ID or begins with ID; `latest` is the newest one
    #[arg(long, value_name = "ID")]
    snapshot: Vec<String>,
    /// Take no lock, and wait for no other process
    #[arg(long)]
    no_lock: bool,
    /// Print the figures as JSON
    #[arg(long)]
    pub json: bool,
}

/// A snapshot, what it contains, and what no earlier one needs.
struct Row {
    chosen: Chosen,
    contents: Contents,
    new: Data,
}

/// Runs `freezerd stats`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let (job, _) = args.container.split(args.job.as_ref(), &[]);
    let place = args.container.find(settings, job.as_deref())?;
    let filter = snapshot::filter(&place);
    let lock = if args.no_lock {
        Lock::None
    } else {
        Lock::Shared
    };
    session::run(settings, &place.container, lock, |session| {
        let (snapshots, unreadable) = snapshots(args, session, &filter)?;
        let repository = session.index(&say)?;
        let mut collector = Collector::new(&repository);
        let mut rows = Vec::new();
        let mut problems = Vec::new();
        for chosen in snapshots {
            let before = collector.data();
            let contents = collector.snapshot(chosen.snapshot.tree);
            let new = collector.data().since(before);
            for uncounted in collector.take_uncounted() {
                let told = tell(&chosen, &uncounted, args.json);
                problems.extend(told);
            }
            rows.push(Row {
                chosen,
                contents,
                new,
            });
        }
        let data = collector.data();
        let newest = rows.iter().map(|row| &row.chosen);
        let newest =
            newest.max_by_key(|it| (it.snapshot.time.seconds, it.snapshot.time.nanoseconds));
        let kept = Kept::ask(session, newest.map(|it| it.id));
        if args.json {
            let mut document = to_json(session, &rows, data, unreadable, problems);
            document["kept"] = json!(kept.map(|kept| kept.json()));
            print_json(&document)?;
        } else {
            show(settings, &rows, data)?;
            if let Some(kept) = kept {
                print(&kept.line(&settings.zone()))?;
            }
        }
        incomplete(session, &rows, data)
    })
}

fn snapshots(
    args: &Args,
    session: &Session,
    filter: &Filter,
) -> Result<(Vec<Chosen>, usize), SessionError> {
    if args.snapshot.is_empty() {
        let choice = choice::all(&session.repository, filter)?;
        snapshot::tell_unreadable(session, &choice.unreadable);
        return Ok((choice.snapshots, choice.unreadable.len()));
    }
    let mut chosen: Vec<Chosen> = Vec::new();
    for word in &args.snapshot {
        let found = Wanted::named(word).find(session, filter)?;
        if chosen.iter().all(|known| known.id != found.id) {
            chosen.push(found);
        }
    }
    Ok((chosen, 0))
}

/// Names something that is not counted: on standard error, or as JSON.
fn tell(chosen: &Chosen, uncounted: &Uncounted, as_json: bool) -> Option<Value> {
    let (kind, why) = match &uncounted.why {
        NotCounted::Unreadable(error) => ("unreadable", error.to_string()),
        NotCounted::Unusable(problem) => ("unusable", problem.to_string()),
    };
    let message = format!("in snapshot {}: {why}", chosen.short_id());
    if as_json {
        return Some(problem(&uncounted.path, kind, &message));
    }
    say(&format!("{}: {message}", shown(&uncounted.path)));
    None
}

/// Says what is missing from the figures.
fn incomplete(session: &Session, rows: &[Row], data: Data) -> Result<Exit, Ended> {
    let sum = |of: fn(&Contents) -> u64| {
        let numbers = rows.iter().map(|row| of(&row.contents));
        numbers.fold(0_u64, u64::saturating_add)
    };
    let directories = sum(|it| it.unreadable);
    let entries = sum(|it| it.unusable);
    if directories > 0 {
        let count = units::count(directories, "directory", "directories");
        say(&format!(
            "{count} cannot be read: what they contain is not counted"
        ));
    }
    if entries > 0 {
        let count = units::count(entries, "entry", "entries");
        say(&format!(
            "not counted, because they cannot be used: {count}"
        ));
    }
    if data.missing > 0 {
        let count = units::count(data.missing, "blob is", "blobs are");
        say(&format!("{count} missing from the index"));
    }
    match directories == 0 && entries == 0 && data.missing == 0 {
        true => Ok(unless_damaged(session)),
        false => Ok(Exit::RunPartial),
    }
}

fn show(settings: &Settings, rows: &[Row], data: Data) -> Result<(), Ended> {
    if rows.is_empty() {
        return print("No snapshots.");
    }
    let zone = settings.zone();
    let mut table = Table::new(&[
        "SNAPSHOT", "TIME", "HOST", "BACKUP", "FILES", "DIRS", "SIZE", "NEW",
    ]);
    for row in rows {
        table.row(vec![
            row.chosen.short_id(),
            snapshot::moment(&row.chosen, &zone),
            row.chosen.snapshot.hostname.clone(),
            row.chosen.backup_name().to_owned(),
            row.contents
                .files
                .saturating_add(row.contents.others)
                .to_string(),
            row.contents.directories.to_string(),
            units::bytes(row.contents.restore_size),
            units::bytes(row.new.stored_size),
        ]);
    }
    let mut output = Output::new(false);
    for line in table.lines() {
        ok(output.text(&line))?;
    }
    ok(output.text(""))?;
    let total = rows
        .iter()
        .map(|row| row.contents.restore_size)
        .fold(0_u64, u64::saturating_add);
    let ratio = match data.compression_ratio() {
        Some(ratio) => format!(", compression {ratio:.2}"),
        None => String::new(),
    };
    ok(output.text(&format!(
        "{}: {} to restore, {} without duplicates, {} stored in {}{ratio}",
        units::count(rows.len() as u64, "snapshot", "snapshots"),
        units::bytes(total),
        units::bytes(data.content_size),
        units::bytes(data.stored_size),
        units::count(data.data_blobs + data.tree_blobs, "blob", "blobs"),
    )))?;
    ok(output.flush())
}

/// Blobs and their sizes as JSON.
pub fn data_json(data: Data) -> Value {
    json!({
        "data_blobs": data.data_blobs,
        "tree_blobs": data.tree_blobs,
        "content_size": data.content_size,
        "stored_size": data.stored_size,
        "compression_ratio": data.compression_ratio(),
        "missing_blobs": data.missing,
    })
}

fn to_json(
    session: &Session,
    rows: &[Row],
    data: Data,
    unreadable: usize,
    problems: Vec<Value>,
) -> Value {
    let snapshots: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.chosen.id,
                "time": row.chosen.snapshot.time,
                "host": row.chosen.snapshot.hostname,
                "backup_name": row.chosen.backup_name(),
                "files": row.contents.files,
                "directories": row.contents.directories,
                "others": row.contents.others,
                "restore_size": row.contents.restore_size,
                "unreadable_directories": row.contents.unreadable,
                "unusable_entries": row.contents.unusable,
                "new": data_json(row.new),
            })
        })
        .collect();
    json!({
        "snapshots": snapshots,
        "unreadable_snapshots": unreadable,
        "damaged": damaged(session),
        "problems": problems,
        "data": data_json(data),
    })
}
