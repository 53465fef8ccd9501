//! `freezerd verify`: checks a container by hand.

use serde_json::{Value, json};

use super::container::output::say;
use super::container::rate::DownloadLimit;
use super::container::session::{self, Ended, print, print_json};
use super::container::steps::Steps;
use super::container::{ContainerArgs, losses};
use super::exit::{Exit, Failure};
use crate::agent::inspect::{Lock, Session, SessionError};
use crate::agent::{repair_command, share_of};
use crate::config::Settings;
use crate::escape::harmless;
use crate::job::share::ReadData;
use crate::repository::check::check;
use crate::repository::check::report::Report;
use crate::units;

/// The most findings that are lines of text.
const MOST_LINES: usize = 1000;

/// Check a container: all that its snapshots need is there
///
/// Name a job, or a container with --container. The command checks the structure: the index, the snapshots, every directory,
/// and that each pack of data has its size. With --read-data it also reads data and compares it with its checksums. It
/// changes nothing, says what is damaged, and what is lost in which snapshot. `freezerd check` checks job files, not
/// containers.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd verify nightly\n\
                        Example: freezerd verify --container /srv/backup --read-data 2/10")]
pub struct Args {
    #[command(flatten)]
    place: ContainerArgs,
    /// Read data, too: all of it; or a share of the packs, chosen at random: 5%, 20GB; or the second of ten parts: 2/10
    #[arg(long, value_name = "SHARE", num_args = 0..=1, default_missing_value = "all", require_equals = false)]
    read_data: Option<String>,
    #[command(flatten)]
    limit: DownloadLimit,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd verify`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let read_data = match &args.read_data {
        None => ReadData::All(false),
        Some(text) => ReadData::parse(text).ok_or_else(|| {
            let expected = "`all`, or a share such as 5%, 2/10 or 20GB";
            Failure::new(
                Exit::Usage,
                format!("--read-data {text}: expected {expected}"),
            )
        })?,
    };
    let container = args.place.find_container(settings)?;
    // What the server has is checked, so nothing comes from the cache.
    session::run_within(
        &container,
        &args.limit.reach(settings),
        Lock::Shared,
        |session| verify(args, session, read_data),
    )
}

fn verify(args: &Args, session: &Session, read_data: ReadData) -> Result<Exit, Ended> {
    let steps = Steps::new();
    let report = check(&session.repository, share_of(read_data, None), &steps);
    drop(steps);
    let report = report.map_err(SessionError::from)?;
    if args.json {
        print_json(&to_json(&report, read_data))?;
    } else {
        for line in text(&report) {
            print(&line)?;
        }
    }
    match report.is_clean() {
        true => Ok(Exit::Success),
        false => {
            let repair = repair_command(&report);
            let place = args.place.as_typed();
            say(&format!(
                "the container is damaged; `{repair} {place}` repairs what can be repaired, `{repair} {place} --dry-run` says \
                 what that is"
            ));
            Ok(Exit::RunFailed)
        }
    }
}

fn text(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for note in report.notes.iter().take(MOST_LINES) {
        lines.push(harmless(&format!("note: {note}")));
    }
    for damage in report.damage.iter().take(MOST_LINES) {
        lines.push(harmless(&format!("damaged: {damage}")));
    }
    let shown = report.notes.len().min(MOST_LINES) + report.damage.len().min(MOST_LINES);
    let found = (report.notes.len() + report.damage.len()) as u64 + report.left_out;
    if found > shown as u64 {
        let more = found - shown as u64;
        lines.push(units::count(more, "more finding", "more findings"));
    }
    lines.extend(losses::lines(&report.losses));
    lines.push(format!(
        "{}: {} and {} in {}; read {} of {}",
        match report.is_clean() {
            true => "No damage found",
            false => "Damaged",
        },
        units::count(report.snapshots, "snapshot", "snapshots"),
        units::count(report.trees, "directory", "directories"),
        units::count(report.packs, "pack", "packs"),
        units::bytes(report.bytes_read),
        units::count(report.packs_read, "pack", "packs"),
    ));
    lines
}

fn to_json(report: &Report, read_data: ReadData) -> Value {
    let texts = |list: Vec<String>| -> Value { list.into() };
    json!({
        "clean": report.is_clean(),
        "read_data": read_data.to_string(),
        "snapshots": report.snapshots,
        "trees": report.trees,
        "packs": report.packs,
        "packs_read": report.packs_read,
        "bytes_read": report.bytes_read,
        "damage": texts(report.damage.iter().map(ToString::to_string).collect()),
        "damaged_packs": report.damaged_packs(),
        "notes": texts(report.notes.iter().map(ToString::to_string).collect()),
        "findings_left_out": report.left_out,
        "losses": losses::json(&report.losses),
    })
}
