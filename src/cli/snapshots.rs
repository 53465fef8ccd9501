//! `freezerd snapshots`: the snapshots in a container.

use std::path::PathBuf;

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::table::Table;
use super::{job_files, ledger_view, logging};
use crate::config::Settings;
use crate::job::action::{Container, Lineage, Work};
use crate::location::Location;
use crate::protocol::{AgentLoss, ContainerFault, ListError, ListRequest, agent_process};
use crate::units;

/// List the snapshots in a container
///
/// Name a job, or a container with --container. The command takes no lock and waits for no run. Containers are restic
/// repositories: `restic snapshots` reads them, too.
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

/// The arguments that select a container and snapshots in it.
#[derive(Debug, clap::Args)]
pub struct ContainerArgs {
    /// Use the container, the host and the backup name of this job
    job: Option<String>,
    /// Use this container: a path, or a name below the container root
    #[arg(
        long,
        value_name = "PLACE",
        conflicts_with = "job",
        required_unless_present = "job"
    )]
    container: Option<String>,
    /// Read the password of the container from this file
    #[arg(long, value_name = "FILE", requires = "container")]
    encrypt_pass_file: Option<PathBuf>,
    /// Select only snapshots with this backup name
    #[arg(long, value_name = "NAME")]
    backup_name: Option<String>,
    /// Select only snapshots of this host
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
}

/// A container and a selection of its snapshots.
pub struct ChosenContainer {
    pub container: Container,
    /// `None` selects snapshots of every backup name.
    pub backup_name: Option<String>,
    /// `None` selects snapshots of every host.
    pub host: Option<String>,
}

impl ContainerArgs {
    /// The container from --container, or else the container of the job in the ledger.
    pub fn find(&self, settings: &Settings) -> Result<ChosenContainer, Failure> {
        if let Some(name) = &self.container {
            let path = std::path::Path::new(name);
            let path = if path.components().count() == 1
                && !path.is_absolute()
                && name != "."
                && name != ".."
            {
                settings.container_root.join(path)
            } else {
                std::path::absolute(path).map_err(|error| {
                    Failure::new(Exit::Usage, format!("--container {name}: {error}"))
                })?
            };
            return Ok(ChosenContainer {
                container: Container {
                    name: name.clone(),
                    location: Location::Local(path),
                    pass_file: self.encrypt_pass_file.clone(),
                },
                backup_name: self.backup_name.clone(),
                host: self.host.clone(),
            });
        }
        let name = self.job.as_deref().unwrap_or_default();
        let ledger = ledger_view::open(settings)?;
        let Some(record) = ledger.reader.job(name)? else {
            return Err(ledger.no_such_job(name));
        };
        let job = job_files::remembered(settings, &record)?;
        let found = job
            .actions
            .iter()
            .find_map(|action| match &action.action.work {
                Work::Backup(backup) => {
                    Some((backup.container.clone(), Some(backup.lineage.clone())))
                }
                Work::Restore(restore) => {
                    Some((restore.container.clone(), Some(restore.lineage.clone())))
                }
                Work::Admin(admin) => Some((admin.container.clone(), Some(admin.lineage.clone()))),
                Work::Info(info) => Some((info.container.clone(), None)),
                Work::Check(check) => Some((check.container.clone(), None)),
                Work::Exec(_) => None,
            });
        let Some((container, lineage)) = found else {
            return Err(Failure::new(
                Exit::NotFound,
                format!("{name} has no action with a container; name a container with --container"),
            ));
        };
        let (host, backup_name) = lineage
            .map(|Lineage { host, backup_name }| (host, backup_name))
            .unzip();
        Ok(ChosenContainer {
            container,
            backup_name: self.backup_name.clone().or(backup_name),
            host: self.host.clone().or(host),
        })
    }
}

/// Runs `freezerd snapshots`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let place = args.place.find(settings)?;
    let snapshots = agent_process::list(ListRequest {
        container: place.container,
        host: place.host,
        backup_name: place.backup_name,
        open: true,
    })
    .map_err(|error| Failure::new(exit_code(&error), error.to_string()))?;
    if args.json {
        let snapshots: Vec<Value> = snapshots
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
        println!("{:#}", json!({"snapshots": snapshots}));
        return Ok(Exit::Success);
    }
    let zone = settings.zone();
    let mut table = Table::new(&[
        "SNAPSHOT", "TIME", "HOST", "BACKUP", "LEVEL", "FILES", "SIZE", "ADDED", "",
    ]);
    for snapshot in &snapshots {
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
    Ok(Exit::Success)
}

fn exit_code(error: &ListError) -> Exit {
    match error {
        ListError::Container { fault, .. } => match fault {
            ContainerFault::WrongPassword | ContainerFault::Denied => Exit::NotPermitted,
            ContainerFault::NoRepository { .. }
            | ContainerFault::NotARepository
            | ContainerFault::Damaged
            | ContainerFault::Unusable => Exit::NotFound,
            ContainerFault::Temporary => Exit::TryAgain,
        },
        ListError::Agent(AgentLoss::Silent(_) | AgentLoss::Signal(_)) => Exit::TryAgain,
        ListError::Agent(_) => Exit::Internal,
    }
}
