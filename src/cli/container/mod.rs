//! Which container a command uses, and which snapshots in it.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::exit::{Exit, Failure};
use crate::agent::pass_pipe::readable_again;
use crate::config::Settings;
use crate::job::action::Container;
use crate::job::storage::Connection;
use crate::job::{Job, several};
use crate::location::Location;

pub mod entry;
pub mod kept;
pub mod listing;
pub mod losses;
mod of_job;
pub mod output;
pub mod own;
pub mod place;
pub mod rate;
pub mod session;
pub mod snapshot;
pub mod steps;
pub mod target;

/// The arguments that select a container and snapshots in it.
#[derive(Debug, clap::Args)]
pub struct ContainerArgs {
    /// Use the container, the host and the backup name of this job; with --container, its snapshots in that container
    #[arg(required_unless_present = "container")]
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
    /// The container is in this storage of freezerd.toml, not on this host
    #[arg(long, value_name = "NAME", requires = "container")]
    storage: Option<String>,
    /// Read the password of the container from this file, or from a pipe such as /dev/stdin
    #[arg(long, value_name = "FILE", requires = "container")]
    encrypt_pass_file: Option<PathBuf>,
    /// Select only snapshots with this backup name
    #[arg(long, value_name = "NAME")]
    backup_name: Option<String>,
    /// Select only snapshots of this host
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Select only snapshots of this path, which is one of those that were backed up together; can be repeated
    #[arg(long = "source", value_name = "PATH")]
    sources: Vec<PathBuf>,
    /// Use this action of the job, counted from 1
    #[arg(long, value_name = "N")]
    action: Option<usize>,
}

/// A container and a selection of its snapshots.
#[derive(Clone, Debug)]
pub struct ChosenContainer {
    pub container: Container,
    /// `None` selects snapshots of every backup name.
    pub backup_name: Option<String>,
    /// `None` selects snapshots of every host.
    pub host: Option<String>,
    /// Selects snapshots that have one of these paths. Empty: of any paths.
    pub paths: Vec<PathBuf>,
    /// The action of the job that it comes from, counted from 1, and whether it is a backup.
    pub action: Option<(usize, bool)>,
    /// It is a further target of the backup before it.
    pub is_further_target: bool,
}

impl ContainerArgs {
    /// Whether an option chooses among the paths or the actions.
    pub fn narrows(&self) -> bool {
        !self.options.sources.is_empty() || self.options.action.is_some()
    }

    /// The arguments that another command needs for the same container: `nightly`, or `--container PLACE`.
    pub fn as_typed(&self) -> String {
        let options = &self.options;
        let mut words: Vec<String> = self.job.iter().cloned().collect();
        if let Some(storage) = &options.storage {
            words.push(format!("--storage {storage}"));
        }
        if let Some(container) = &options.container {
            words.push(format!("--container {container}"));
        }
        let mut typed = words.join(" ");
        if let Some(file) = &options.encrypt_pass_file {
            typed.push_str(&format!(" --encrypt-pass-file {}", file.display()));
        }
        if let Some(number) = options.action {
            typed.push_str(&format!(" --action {number}"));
        }
        typed
    }

    /// The job, if one is named.
    pub fn find_job(&self, settings: &Settings) -> Result<Option<Job>, Failure> {
        let job = self.job.as_deref();
        job.map(|name| of_job::named(settings, name)).transpose()
    }

    /// Whether --container is given.
    pub fn names_container(&self) -> bool {
        self.options.names_container()
    }

    /// The action that --action chooses, counted from 1.
    pub fn action(&self) -> Option<usize> {
        self.options.action
    }

    /// Whether a job is named.
    pub fn has_job(&self) -> bool {
        self.job.is_some()
    }

    /// As [`ContainerOptions::find_all`]. With a job and a container: the selections of the job, in that container.
    pub fn find_all(&self, settings: &Settings) -> Result<Vec<ChosenContainer>, Failure> {
        let options = &self.options;
        match (&self.job, &options.container) {
            (Some(job), Some(container)) => options.of_job_elsewhere(settings, job, container),
            (job, _) => options.find_all(settings, job.as_deref()),
        }
    }

    /// The container alone, for a command that is not about snapshots.
    pub fn find_container(&self, settings: &Settings) -> Result<Container, Failure> {
        let mut found: Vec<ChosenContainer> = Vec::new();
        for chosen in self.find_all(settings)? {
            if found
                .iter()
                .all(|other| other.container != chosen.container)
            {
                found.push(chosen);
            }
        }
        only(found, "").map(|chosen| chosen.container)
    }
}

impl ContainerOptions {
    /// The options that only choose an action of a job.
    pub fn of_action(action: Option<usize>) -> ContainerOptions {
        ContainerOptions {
            container: None,
            storage: None,
            encrypt_pass_file: None,
            backup_name: None,
            host: None,
            sources: Vec::new(),
            action,
        }
    }

    /// Whether --container is given.
    pub fn names_container(&self) -> bool {
        self.container.is_some()
    }

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

    /// The container from --container, or else the one selection that the job and the options leave.
    ///
    /// # Errors
    /// When the job has several backups and the options do not choose one of them.
    pub fn find(&self, settings: &Settings, job: Option<&str>) -> Result<ChosenContainer, Failure> {
        let found = target::first_of_each(self.find_all(settings, job)?, None);
        only(found, "")
    }

    /// The container from --container, or else all the selections of the job in the ledger that the options leave: one
    /// for each backup of the job. There is at least one.
    pub fn find_all(
        &self,
        settings: &Settings,
        job: Option<&str>,
    ) -> Result<Vec<ChosenContainer>, Failure> {
        match &self.container {
            Some(name) => {
                if let Some(number) = self.action {
                    return Err(Failure::new(
                        Exit::Usage,
                        format!(
                            "--action {number}: that chooses an action of a job, and no job is named"
                        ),
                    ));
                }
                let (location, connection) = self.place_of(settings, name)?;
                Ok(vec![ChosenContainer {
                    container: Container {
                        name: name.clone(),
                        location,
                        pass_file: pass_file(self.encrypt_pass_file.as_deref())?,
                        connection,
                    },
                    backup_name: self.backup_name.clone(),
                    host: self.host.clone(),
                    paths: self.source_paths()?,
                    action: None,
                    is_further_target: false,
                }])
            }
            None => {
                let name = job.unwrap_or_default();
                self.of_job(&of_job::named(settings, name)?, name)
            }
        }
    }

    /// The paths of --source, as they are in snapshots.
    fn source_paths(&self) -> Result<Vec<PathBuf>, Failure> {
        let paths = self
            .sources
            .iter()
            .map(|path| snapshot_path("--source", path));
        paths.collect()
    }

    fn place_of(&self, settings: &Settings, name: &str) -> Result<(Location, Connection), Failure> {
        let options = place::Options {
            storage: "--storage",
            container: "--container",
        };
        place::find(settings, options, self.storage.as_deref(), name)
    }
}

/// The only selection. `hint` ends the sentence that lists several ones.
///
/// # Errors
/// When there are several.
pub fn only(found: Vec<ChosenContainer>, hint: &str) -> Result<ChosenContainer, Failure> {
    if let [chosen] = &found[..] {
        return Ok(chosen.clone());
    }
    let texts: Vec<String> = found.iter().map(ChosenContainer::describe).collect();
    Err(Failure::new(
        Exit::Usage,
        format!(
            "the job has several backups: {}; choose one with --action N or --source PATH{hint}",
            texts.join("; ")
        ),
    ))
}

impl ChosenContainer {
    /// The number of the action, the backup name and the paths: `action 2, www, /srv/www`.
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        if let Some((number, _)) = self.action {
            parts.push(format!("action {number}"));
        }
        parts.extend(self.backup_name.clone());
        if !self.paths.is_empty() {
            parts.push(several(&self.paths));
        }
        parts.join(", ")
    }
}

/// The file of a password that an option gives. A pipe is read now, and only once.
pub fn pass_file(given: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    given
        .map(readable_again)
        .transpose()
        .map_err(|error| Failure::new(Exit::NotFound, error.to_string()))
}

/// A path in snapshots that an option gives: absolute and without `..`.
pub fn snapshot_path(option: &str, path: &Path) -> Result<PathBuf, Failure> {
    let has_parent = path.components().any(|part| part == Component::ParentDir);
    if !path.is_absolute() || has_parent {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "{option} {}: expected the absolute path that was backed up, without `..`",
                path.display()
            ),
        ));
    }
    // Without `.` and slashes that are not needed.
    Ok(path.components().collect())
}
