//! Which container a command uses, and which snapshots in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::exit::{Exit, Failure};
use super::{job_files, ledger_view};
use crate::config::Settings;
use crate::job::action::{Container, Lineage, Work};
use crate::location::Location;

pub mod entry;
pub mod losses;
pub mod output;
pub mod session;
pub mod snapshot;
pub mod steps;

/// The arguments that select a container and snapshots in it.
#[derive(Debug, clap::Args)]
pub struct ContainerArgs {
    /// Use the container, the host and the backup name of this job
    #[arg(conflicts_with = "container", required_unless_present = "container")]
    job: Option<String>,
    #[command(flatten)]
    options: ContainerOptions,
}

/// The options that select a container without a job, and the snapshots in it.
#[derive(Debug, clap::Args)]
pub struct ContainerOptions {
    /// Use this container: a path, or a name below the container root
    #[arg(long, value_name = "PLACE")]
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
        self.options.find(settings, self.job.as_deref())
    }
}

impl ContainerOptions {
    /// Splits the words of a command that takes more than a job: the first word is the job, unless --container is given.
    pub fn split(
        &self,
        first: Option<&OsString>,
        rest: &[OsString],
    ) -> (Option<String>, Vec<OsString>) {
        match (&self.container, first) {
            (None, job) => {
                let job = job.map(|job| job.to_string_lossy().into_owned());
                (job, rest.to_vec())
            }
            (Some(_), first) => (None, first.into_iter().chain(rest).cloned().collect()),
        }
    }

    /// The container from --container, or else the container of the job in the ledger.
    pub fn find(&self, settings: &Settings, job: Option<&str>) -> Result<ChosenContainer, Failure> {
        match &self.container {
            Some(name) => Ok(ChosenContainer {
                container: Container {
                    name: name.clone(),
                    location: Location::Local(path_of(settings, name)?),
                    pass_file: self.encrypt_pass_file.clone(),
                },
                backup_name: self.backup_name.clone(),
                host: self.host.clone(),
            }),
            None => self.of_job(settings, job.unwrap_or_default()),
        }
    }

    fn of_job(&self, settings: &Settings, name: &str) -> Result<ChosenContainer, Failure> {
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

/// The directory of a container that is given by a path or by a name.
fn path_of(settings: &Settings, name: &str) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if path.components().count() == 1 && !path.is_absolute() && name != "." && name != ".." {
        return Ok(settings.container_root.join(path));
    }
    std::path::absolute(path)
        .map_err(|error| Failure::new(Exit::Usage, format!("--container {name}: {error}")))
}
