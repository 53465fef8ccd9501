//! A container's repository in restic's format (version 2), as the agent sees it: snapshots of file trees go in, come
//! out, are listed, removed and verified. Which engine does that is known in this room and nowhere else; today it is
//! `rustic_core`.
//!
//! A repository takes no locks of its own. Whoever calls [`Repository::create`], [`Repository::forget`] or
//! [`Repository::prune`] must have the container alone; everything else may happen side by side.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use rustic_backend::LocalBackend;
use rustic_core::repofile::MasterKey;
use rustic_core::{
    ConfigOptions, Credentials, KeyOptions, OpenStatus, RepositoryBackends, RepositoryOptions,
};

use crate::job::action::Container;

mod backup;
mod error;
mod maintenance;
mod monitor;
mod node;
mod pattern;
mod progress;
mod restore;
mod snapshot;
mod source;

pub use backup::{BackupOptions, BackupReport};
pub use error::{Error, ErrorKind};
pub use maintenance::{CheckReport, PruneReport};
pub use monitor::{Monitor, Problem, Problems, Silent};
pub use pattern::Patterns;
pub use restore::{RestoreOptions, RestoreReport};
pub use snapshot::{Filter, Snapshot, SnapshotSummary};

/// The engine's repository, opened.
type Engine = rustic_core::Repository<OpenStatus>;

/// A repository's password. Never shown, not even by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// This password; an empty one encrypts in form only.
    pub fn new(password: String) -> Self {
        Password(password)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// What is at a container's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing, or an empty directory.
    Free,
    /// What the creation of a repository left behind when it was cut short: no data, no configuration.
    Unfinished,
    /// A repository.
    Repository,
    /// Something else: it is left alone.
    Other,
}

/// An open repository.
pub struct Repository {
    container: Container,
    key: MasterKey,
    backends: RepositoryBackends,
    monitor: Arc<dyn Monitor>,
}

impl Repository {
    /// Looks at what is at the container's path.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn look(container: &Container) -> Result<Place, Error> {
        let path = &container.path;
        let failed = |error: io::Error| Error::io("read the container", path, &error);
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::Free),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Place::Other),
            Err(error) => return Err(failed(error)),
        };
        let mut place = Place::Free;
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            place = match name.to_str() {
                Some("config") => return Ok(Place::Repository),
                // Made before the configuration is written; only keys may be in them by then.
                Some("data" | "index" | "snapshots")
                    if holds_no_file(&entry.path()).map_err(failed)? =>
                {
                    Place::Unfinished
                }
                Some("keys" | "locks" | "config-tmp-") => Place::Unfinished,
                // What the agent locks where a directory cannot be locked.
                Some(".freezerd-lock") => place,
                _ => Place::Other,
            };
            if place == Place::Other {
                // A configuration may still come among the entries.
                if path.join("config").exists() {
                    return Ok(Place::Repository);
                }
                return Ok(Place::Other);
            }
        }
        Ok(place)
    }

    /// Makes the container's directory where it is missing, readable by its owner alone. A container that was given
    /// by a path must have its parent directory: a disk that is not mounted is not to be filled up in its place.
    /// Where it was given by a name, the directories above it are made too.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn make_place(container: &Container) -> Result<(), Error> {
        let by_path = Path::new(&container.name).is_absolute();
        match fs::DirBuilder::new()
            .recursive(!by_path)
            .mode(0o700)
            .create(&container.path)
        {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) if by_path && error.kind() == io::ErrorKind::NotFound => Err(Error::new(
                ErrorKind::NoRepository,
                format!(
                    "cannot create the container {}: the directory above it does not exist; mount it or create it",
                    container.path.display()
                ),
            )),
            Err(error) => Err(Error::io("create the container", &container.path, &error)),
        }
    }

    /// Creates the repository in a place that is free or unfinished. The caller has the container alone.
    /// `compression` is the zstd level for all that is ever written to it; `None`: restic's default.
    ///
    /// # Errors
    /// When something else is there, and when it cannot be written.
    pub fn create(
        container: &Container,
        password: &Password,
        compression: Option<i32>,
        monitor: Arc<dyn Monitor>,
    ) -> Result<Self, Error> {
        let path = &container.path;
        match Self::look(container)? {
            Place::Free => {}
            Place::Unfinished => {
                // A key from the attempt that was cut short would open, and then not fit the new configuration.
                let keys = path.join("keys");
                for key in fs::read_dir(&keys).into_iter().flatten().flatten() {
                    fs::remove_file(key.path())
                        .map_err(|error| Error::io("remove", &key.path(), &error))?;
                }
            }
            Place::Repository => {
                return Err(Error::new(
                    ErrorKind::BadOption,
                    format!("there is a repository in {} already", path.display()),
                ));
            }
            Place::Other => return Err(not_a_repository(container)),
        }
        let mut config = ConfigOptions::default();
        config.set_version = Some(2);
        config.set_compression = compression;
        let backends = backends(container)?;
        let engine = rustic_core::Repository::new(&repository_options(), &backends)
            .and_then(|repository| {
                repository.init(
                    &Credentials::password(&password.0),
                    &KeyOptions::default(),
                    &config,
                )
            })
            .map_err(|error| Error::engine("create the repository", path, &error))?;
        Ok(Repository {
            container: container.clone(),
            key: engine.key(),
            backends,
            monitor,
        })
    }

    /// Opens the repository. Costs about a third of a second and 128 MB for a moment, by the format's design.
    ///
    /// # Errors
    /// When there is none, when the password is wrong, when it cannot be read.
    pub fn open(
        container: &Container,
        password: &Password,
        monitor: Arc<dyn Monitor>,
    ) -> Result<Self, Error> {
        let path = &container.path;
        match Self::look(container)? {
            Place::Repository => {}
            Place::Free | Place::Unfinished => {
                return Err(Error::new(
                    ErrorKind::NoRepository,
                    format!(
                        "there is no repository in {} yet: the first backup creates it",
                        path.display()
                    ),
                ));
            }
            Place::Other => return Err(not_a_repository(container)),
        }
        let backends = backends(container)?;
        let engine = rustic_core::Repository::new(&repository_options(), &backends)
            .and_then(|repository| repository.open(&Credentials::password(&password.0)))
            .map_err(|error| {
                if error.is_incorrect_password() {
                    wrong_password(container)
                } else {
                    Error::engine("open the repository", path, &error)
                }
            })?;
        Ok(Repository {
            container: container.clone(),
            key: engine.key(),
            backends,
            monitor,
        })
    }

    /// The zstd level that the repository was created with; `None`: restic's default.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    pub fn compression(&self) -> Result<Option<i32>, Error> {
        Ok(self.engine()?.config().compression)
    }

    /// The snapshots that the filter lets through, oldest first.
    ///
    /// # Errors
    /// When one of the snapshots cannot be read: a list with holes would be taken for the whole.
    pub fn snapshots(&self, filter: &Filter) -> Result<Vec<Snapshot>, Error> {
        // The engine takes a directory that it cannot list for an empty one.
        let directory = self.container.path.join("snapshots");
        let listed = fs::read_dir(&directory)
            .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
            .map_err(|error| Error::io("list", &directory, &error))?;
        let files = self
            .engine()?
            .get_all_snapshots()
            .map_err(|error| self.failed("read the snapshots", &error))?;
        if files.is_empty() && listed.iter().any(|entry| entry.file_name().len() == 64) {
            return Err(Error::new(
                ErrorKind::Io,
                format!(
                    "cannot list {}: the engine does not see the snapshots that are there",
                    directory.display()
                ),
            ));
        }
        let mut snapshots: Vec<Snapshot> = files
            .iter()
            .map(Snapshot::from_file)
            .filter(|snapshot| filter.matches(snapshot))
            .collect();
        snapshots.sort_by(|one, other| (one.time, &one.id).cmp(&(other.time, &other.id)));
        Ok(snapshots)
    }

    /// The container that the repository is in.
    pub fn container(&self) -> &Container {
        &self.container
    }

    /// The engine, opened anew; cheap, since the key is known.
    fn engine(&self) -> Result<Engine, Error> {
        rustic_core::Repository::new_with_progress(
            &repository_options(),
            &self.backends,
            progress::Bars::new(Arc::clone(&self.monitor)),
        )
        .and_then(|repository| repository.open(&Credentials::Masterkey(self.key.clone())))
        .map_err(|error| self.failed("open the repository", &error))
    }

    fn failed(&self, doing: &str, error: &rustic_core::RusticError) -> Error {
        Error::engine(doing, &self.container.path, error)
    }
}

/// No cache: a local repository gains nothing from a copy of itself.
fn repository_options() -> RepositoryOptions {
    RepositoryOptions::default().no_cache(true)
}

fn backends(container: &Container) -> Result<RepositoryBackends, Error> {
    let path = container.path.to_str().ok_or_else(|| {
        Error::new(
            ErrorKind::BadOption,
            format!(
                "the container's path {} is not UTF-8",
                container.path.display()
            ),
        )
    })?;
    let backend = LocalBackend::new(path, [])
        .map_err(|error| Error::engine("use the container", &container.path, &error))?;
    Ok(RepositoryBackends::new(Arc::new(backend), None))
}

fn wrong_password(container: &Container) -> Error {
    let place = container.path.display();
    let message = match &container.pass_file {
        Some(file) => format!(
            "the password in {} does not open the repository in {place}",
            file.display()
        ),
        None => format!(
            "the repository in {place} has a password: name the file that holds it as encrypt_pass_file"
        ),
    };
    Error::new(ErrorKind::WrongPassword, message)
}

fn not_a_repository(container: &Container) -> Error {
    Error::new(
        ErrorKind::NotARepository,
        format!(
            "{} holds something else than a repository, and is left alone; choose an empty directory as the container",
            container.path.display()
        ),
    )
}

/// Whether there is no file in this directory or in those directly in it.
fn holds_no_file(directory: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || fs::read_dir(entry.path())?.next().is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}
