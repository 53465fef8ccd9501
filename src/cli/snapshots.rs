//! `freezerd snapshots`: the snapshots in a container.

use std::path::{Path, PathBuf};

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::container::output::say;
use super::container::{ChosenContainer, ContainerArgs};
use super::exit::{Exit, Failure};
use super::logging;
use super::output;
use super::table::Table;
use crate::agent::snapshot::{PINNED_TAG, Snapshot as Tagged};
use crate::config::Settings;
use crate::protocol::{
    AgentLoss, ContainerFault, ListError, ListRequest, ListedSnapshot, UnreadableSnapshot,
    agent_process,
};
use crate::units;

/// List the snapshots in a container
///
/// Name a job, or a container with --container. A job stands for all its backups; ACTION is the action that makes the
/// snapshot, if there are several. The command takes no lock and waits for no run. Snapshot files that are damaged are
/// named. FILES counts all entries that are not directories. Containers are restic repositories: `restic snapshots` reads
/// them, too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd snapshots nightly\n\
                        Example: freezerd snapshots --container /srv/backup --encrypt-pass-file /etc/freezerd/pass")]
pub struct Args {
    #[command(flatten)]
    place: ContainerArgs,
    /// Print the snapshots as JSON
    #[arg(long)]
    pub json: bool,
}

/// A snapshot of a list.
struct Row {
    snapshot: ListedSnapshot,
    /// The action of the job that made it, counted from 1. `None`: no action of the job backs up one of its paths.
    action: Option<usize>,
    container: String,
}

/// What the containers have.
struct Found {
    rows: Vec<Row>,
    /// A target of a backup does not answer.
    lacks_target: bool,
    damaged: Vec<UnreadableSnapshot>,
}

/// Runs `freezerd snapshots`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let places = args.place.find_all(settings)?;
    let Found {
        mut rows,
        damaged,
        lacks_target,
    } = list(settings, &places)?;
    for damaged in &damaged {
        say(&format!("warning: {}", damaged.message));
    }
    let exit = match damaged.is_empty() {
        true if lacks_target => Exit::RunPartial,
        true => Exit::Success,
        false => {
            say(
                "the list may be incomplete; `freezerd repair` shows what can be done about the damage",
            );
            Exit::RunPartial
        }
    };
    if args.place.narrows() {
        rows.retain(|row| is_of(&places, &row.snapshot));
    }
    if args.json {
        let snapshots: Vec<Value> = rows.iter().map(document).collect();
        let damaged: Vec<Value> = damaged
            .iter()
            .map(|it| json!({"id": it.id, "message": it.message}))
            .collect();
        output::json(&json!({"snapshots": snapshots, "damaged": damaged}));
    } else {
        print(settings, &places, &rows);
    }
    Ok(exit)
}

/// The snapshots of all the places. Each container is listed once for a name.
fn list(settings: &Settings, places: &[ChosenContainer]) -> Result<Found, Failure> {
    let mut rows = Vec::new();
    let mut lacks_target = false;
    let mut damaged: Vec<UnreadableSnapshot> = Vec::new();
    let key = |place: &ChosenContainer| {
        let ChosenContainer {
            container,
            host,
            backup_name,
            ..
        } = place.clone();
        (container, host, backup_name)
    };
    let mut listed = Vec::new();
    for place in places {
        let this = key(place);
        if listed.contains(&this) {
            continue;
        }
        let listing = agent_process::list(ListRequest {
            container: this.0.clone(),
            host: this.1.clone(),
            backup_name: this.2.clone(),
            cache: settings.cache(),
            open: true,
        })
        .map_err(|error| Failure::new(exit_code(&error), error.to_string()));
        let listing = match listing {
            Ok(listing) => listing,
            // The other targets of the backup are listed.
            Err(failure) if has_other_targets(places, place) => {
                say(&format!("warning: {}", failure.message));
                lacks_target = true;
                listed.push(this);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let of_name: Vec<&ChosenContainer> =
            places.iter().filter(|place| key(place) == this).collect();
        // A damaged file does not say whose snapshot it is: each list of a container has it.
        let more = listing.unreadable.into_iter();
        damaged.extend(
            more.filter(|new| !damaged.iter().any(|old| old.id == new.id))
                .collect::<Vec<_>>(),
        );
        for snapshot in listing.snapshots {
            rows.push(Row {
                action: action_of(&of_name, &snapshot),
                container: place.container.location.to_string(),
                snapshot,
            });
        }
        listed.push(this);
    }
    Ok(Found {
        rows,
        damaged,
        lacks_target,
    })
}

/// The action that made a snapshot: one with the same paths, or else with one of them.
fn action_of(places: &[&ChosenContainer], snapshot: &ListedSnapshot) -> Option<usize> {
    let has = |path: &PathBuf| snapshot.paths.iter().any(|own| Path::new(own) == path);
    let exact = places
        .iter()
        .find(|place| place.paths.len() == snapshot.paths.len() && place.paths.iter().all(has));
    let place = exact.or_else(|| places.iter().find(|place| place.paths.iter().any(has)));
    place
        .and_then(|place| place.action)
        .map(|(number, _)| number)
}

/// Whether a snapshot has a path that is asked for.
fn is_of(places: &[ChosenContainer], snapshot: &ListedSnapshot) -> bool {
    let has = |path: &PathBuf| snapshot.paths.iter().any(|own| Path::new(own) == path);
    places
        .iter()
        .any(|place| place.paths.is_empty() || place.paths.iter().any(has))
}

fn document(row: &Row) -> Value {
    let snapshot = &row.snapshot;
    json!({
        "id": snapshot.id,
        "time": snapshot.time.to_rfc3339_opts(SecondsFormat::Secs, true),
        "container": row.container,
        "action": row.action,
        "host": snapshot.host,
        "backup_name": snapshot.backup_name,
        "level": snapshot.level,
        "paths": snapshot.paths,
        "tags": snapshot.tags,
        "partial": snapshot.partial,
        "pinned": snapshot.tags.iter().any(|tag| tag == PINNED_TAG),
        "files": snapshot.files,
        "bytes": snapshot.bytes,
        "bytes_added": snapshot.bytes_added,
    })
}

fn print(settings: &Settings, places: &[ChosenContainer], rows: &[Row]) {
    let zone = settings.zone();
    let several_actions = places.len() > 1;
    let several_containers = rows.iter().any(|row| row.container != rows[0].container);
    let mut titles = vec!["SNAPSHOT", "TIME", "HOST", "BACKUP"];
    if several_actions {
        titles.push("ACTION");
    }
    if several_containers {
        titles.push("CONTAINER");
    }
    titles.extend(["LEVEL", "FILES", "SIZE", "ADDED", "", "PATHS"]);
    let mut table = Table::new(&titles);
    for row in rows {
        let snapshot = &row.snapshot;
        let number =
            |value: Option<u64>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
        let size = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), units::bytes);
        let mut cells = vec![
            snapshot.id.chars().take(8).collect(),
            logging::moment(Some(snapshot.time), &zone),
            snapshot.host.clone(),
            snapshot.backup_name.clone(),
        ];
        if several_actions {
            cells.push(number(row.action.map(|number| number as u64)));
        }
        if several_containers {
            cells.push(row.container.clone());
        }
        cells.extend([
            number(snapshot.level.map(u64::from)),
            number(snapshot.files),
            size(snapshot.bytes),
            size(snapshot.bytes_added),
            marks(snapshot),
            snapshot.paths.join(", "),
        ]);
        table.row(cells);
    }
    if table.is_empty() {
        println!("No snapshots.");
    } else {
        table.print();
    }
}

/// What is special about a snapshot.
fn marks(snapshot: &ListedSnapshot) -> String {
    let has = |matches: fn(&str) -> bool| snapshot.tags.iter().any(|tag| matches(tag));
    let marks = [
        (snapshot.partial, "partial"),
        (has(|tag| Tagged::alarm_of_tag(tag).is_some()), "alarm"),
        (has(|tag| tag == PINNED_TAG), "pinned"),
    ];
    let marks = marks
        .into_iter()
        .filter_map(|(is, mark)| is.then_some(mark));
    marks.collect::<Vec<_>>().join(", ")
}

/// Whether the backup to this container has other targets, too.
fn has_other_targets(places: &[ChosenContainer], place: &ChosenContainer) -> bool {
    let mut groups = places.chunk_by(|_, next| next.is_further_target);
    groups.any(|targets| targets.len() > 1 && targets.iter().any(|it| std::ptr::eq(it, place)))
}

/// The exit code of a command that cannot list a container.
pub fn exit_code(error: &ListError) -> Exit {
    match error {
        ListError::Container { fault, .. } => match fault {
            ContainerFault::WrongPassword | ContainerFault::Denied => Exit::NotPermitted,
            ContainerFault::NoRepository { .. }
            | ContainerFault::NotARepository
            | ContainerFault::Unusable => Exit::NotFound,
            ContainerFault::UnknownFormat => Exit::BadConfiguration,
            ContainerFault::Damaged => Exit::RunFailed,
            ContainerFault::Temporary => Exit::TryAgain,
        },
        ListError::Agent { loss, .. } => match loss {
            AgentLoss::Silent(_) | AgentLoss::Signal(_) => Exit::TryAgain,
            _ => Exit::Internal,
        },
    }
}
