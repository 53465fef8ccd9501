//! `freezerd snapshots`: the snapshots in a container.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::container::ContainerArgs;
use super::container::output::say;
use super::exit::{Exit, Failure};
use super::logging;
use super::table::Table;
use crate::config::Settings;
use crate::protocol::{AgentLoss, ContainerFault, ListError, ListRequest, agent_process};
use crate::units;

/// List the snapshots in a container
///
/// Name a job, or a container with --container. The command takes no lock and waits for no run. Snapshot files that are
/// damaged are named. Containers are restic repositories: `restic snapshots` reads them, too.
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

/// Runs `freezerd snapshots`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let place = args.place.find(settings)?;
    let listing = agent_process::list(ListRequest {
        container: place.container,
        host: place.host,
        backup_name: place.backup_name,
        open: true,
    })
    .map_err(|error| Failure::new(exit_code(&error), error.to_string()))?;
    for damaged in &listing.unreadable {
        say(&format!("warning: {}", damaged.message));
    }
    let exit = match listing.unreadable.is_empty() {
        true => Exit::Success,
        false => {
            say(
                "the list may be incomplete; `freezerd repair` shows what can be done about the damage",
            );
            Exit::RunPartial
        }
    };
    if args.json {
        let snapshots: Vec<Value> = listing
            .snapshots
            .iter()
            .map(|snapshot| {
                json!({
                    "id": snapshot.id,
                    "time": snapshot.time.to_rfc3339_opts(SecondsFormat::Secs, true),
                    "host": snapshot.host,
                    "backup_name": snapshot.backup_name,
                    "level": snapshot.level,
                    "paths": snapshot.paths,
                    "tags": snapshot.tags,
                    "partial": snapshot.partial,
                    "files": snapshot.files,
                    "bytes": snapshot.bytes,
                    "bytes_added": snapshot.bytes_added,
                })
            })
            .collect();
        let damaged: Vec<Value> = listing
            .unreadable
            .iter()
            .map(|it| json!({"id": it.id, "message": it.message}))
            .collect();
        println!("{:#}", json!({"snapshots": snapshots, "damaged": damaged}));
        return Ok(exit);
    }
    let zone = settings.zone();
    let mut table = Table::new(&[
        "SNAPSHOT", "TIME", "HOST", "BACKUP", "LEVEL", "FILES", "SIZE", "ADDED", "",
    ]);
    for snapshot in &listing.snapshots {
        let number =
            |value: Option<u64>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
        let size = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), units::bytes);
        table.row(vec![
            snapshot.id.chars().take(8).collect(),
            logging::moment(Some(snapshot.time), &zone),
            snapshot.host.clone(),
            snapshot.backup_name.clone(),
            number(snapshot.level.map(u64::from)),
            number(snapshot.files),
            size(snapshot.bytes),
            size(snapshot.bytes_added),
            if snapshot.partial {
                "partial".to_owned()
            } else {
                String::new()
            },
        ]);
    }
    if table.is_empty() {
        println!("No snapshots.");
    } else {
        table.print();
    }
    Ok(exit)
}

fn exit_code(error: &ListError) -> Exit {
    match error {
        ListError::Container { fault, .. } => match fault {
            ContainerFault::WrongPassword | ContainerFault::Denied => Exit::NotPermitted,
            ContainerFault::NoRepository { .. }
            | ContainerFault::NotARepository
            | ContainerFault::Unusable => Exit::NotFound,
            ContainerFault::Damaged => Exit::RunFailed,
            ContainerFault::Temporary => Exit::TryAgain,
        },
        ListError::Agent(AgentLoss::Silent(_) | AgentLoss::Signal(_)) => Exit::TryAgain,
        ListError::Agent(_) => Exit::Internal,
    }
}
