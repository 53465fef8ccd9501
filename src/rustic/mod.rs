//! A container's repository in restic's format (version 2), as the agent sees it: it backs up, restores, lists, removes
//! and verifies snapshots of file trees. Only this room knows the engine that does the work, which is `rustic_core`.
//!
//! A repository takes no locks. The caller of [`Repository::create`], [`Repository::forget`] or [`Repository::prune`]
//! must have the container alone. All other operations may run side by side.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustic_backend::LocalBackend;
use rustic_core::repofile::MasterKey;
use rustic_core::{
    ConfigOptions, Credentials, KeyOptions, OpenStatus, RepositoryBackends, RepositoryOptions,
};

use crate::job::action::Container;

mod backup;
pub mod engine_text;
mod error;
mod maintenance;
mod node;
mod observer;
mod pattern;
pub mod place;
mod problem;
mod progress;
mod restore;
mod snapshot;
mod source;

pub use backup::{BackupOptions, BackupReport};
pub use error::{Error, ErrorKind};
pub use maintenance::{CheckReport, PruneReport};
pub use observer::{Observer, Silent};
pub use pattern::Patterns;
use place::{Creatable, Existing};
pub use problem::{PathFault, PathProblem, Problems};
pub use restore::{RestoreOptions, RestoreReport};
pub use snapshot::{Filter, Snapshot, SnapshotSummary};

/// The engine's repository, opened.
type Engine = rustic_core::Repository<OpenStatus>;

/// How often snapshots are read again because one of them is gone.
const MOST_TRIES: u32 = 10;

/// A repository's password. Never shown, not even by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// An empty password encrypts with a key that anybody can derive.
    pub fn new(password: String) -> Self {
        Password(password)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// An open repository.
pub struct Repository {
    container: Container,
    directory: PathBuf,
    key: MasterKey,
    backends: RepositoryBackends,
    observer: Arc<dyn Observer>,
}

impl Repository {
    /// Creates the repository. The caller still has the lock under which the place was found.
    /// `compression` is the zstd level of all data that is ever written to it. `None`: restic's default.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(
        place: Creatable,
        password: &Password,
        compression: Option<i32>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        place.clear_keys()?;
        let Creatable {
            container,
            directory,
            ..
        } = place;
        let mut config = ConfigOptions::default();
        config.set_version = Some(2);
        config.set_compression = compression;
        let backends = backends(&directory)?;
        let engine = rustic_core::Repository::new(&repository_options(), &backends)
            .and_then(|repository| {
                repository.init(
                    &Credentials::password(&password.0),
                    &KeyOptions::default(),
                    &config,
                )
            })
            .map_err(|error| Error::engine("create the repository", &directory, error))?;
        Ok(Repository {
            container,
            directory,
            key: engine.key(),
            backends,
            observer,
        })
    }

    /// Opens the repository. By the format's design this takes about a third of a second and, for a moment, 128 MB.
    ///
    /// # Errors
    /// When the password is wrong, and when it cannot be read.
    pub fn open(
        place: Existing,
        password: &Password,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let Existing {
            container,
            directory,
        } = place;
        let backends = backends(&directory)?;
        let engine = rustic_core::Repository::new(&repository_options(), &backends)
            .and_then(|repository| repository.open(&Credentials::password(&password.0)))
            .map_err(|error| {
                if error.is_incorrect_password() {
                    wrong_password(&container)
                } else {
                    Error::engine("open the repository", &directory, error)
                }
            })?;
        Ok(Repository {
            container,
            directory,
            key: engine.key(),
            backends,
            observer,
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
    /// When one of the snapshots cannot be read: a list with a gap would look complete.
    pub fn snapshots(&self, filter: &Filter) -> Result<Vec<Snapshot>, Error> {
        // The engine takes a directory that it cannot list for an empty one.
        let listed = self.snapshot_files()?;
        let files =
            self.read_snapshots("read the snapshots", |engine| engine.get_all_snapshots())?;
        if files.is_empty() && listed.iter().any(|name| name.len() == 64) {
            return Err(Error::SnapshotsNotSeen {
                directory: self.directory.join("snapshots"),
            });
        }
        let mut snapshots: Vec<Snapshot> = files
            .iter()
            .map(Snapshot::from_file)
            .filter(|snapshot| filter.matches(snapshot))
            .collect();
        snapshots.sort_by(|one, other| (one.time, &one.id).cmp(&(other.time, &other.id)));
        Ok(snapshots)
    }

    /// The names of the snapshots' files.
    fn snapshot_files(&self) -> Result<BTreeSet<OsString>, Error> {
        let directory = self.directory.join("snapshots");
        fs::read_dir(&directory)
            .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
            .map_err(|error| Error::io("list", &directory, error))
    }

    /// Reads snapshots, and reads them again when one that was there is gone: a backup that runs beside this one has
    /// confirmed its snapshot, and the file has another name since then.
    fn read_snapshots<T>(
        &self,
        doing: &'static str,
        read: impl Fn(Engine) -> rustic_core::RusticResult<T>,
    ) -> Result<T, Error> {
        let mut tries = 0;
        loop {
            let there = self.snapshot_files()?;
            match read(self.engine()?) {
                Ok(read) => return Ok(read),
                Err(_) if tries < MOST_TRIES && !there.is_subset(&self.snapshot_files()?) => {
                    tries += 1;
                }
                Err(error) => return Err(self.failed(doing, error)),
            }
        }
    }

    /// Opens the engine anew. This is cheap, since the key is known.
    fn engine(&self) -> Result<Engine, Error> {
        rustic_core::Repository::new_with_progress(
            &repository_options(),
            &self.backends,
            progress::Bars::new(Arc::clone(&self.observer)),
        )
        .and_then(|repository| repository.open(&Credentials::Masterkey(self.key.clone())))
        .map_err(|error| self.failed("open the repository", error))
    }

    fn failed(&self, doing: &'static str, error: Box<rustic_core::RusticError>) -> Error {
        Error::engine(doing, &self.directory, error)
    }
}

/// Without a cache: a local repository gains nothing from a copy of itself.
fn repository_options() -> RepositoryOptions {
    RepositoryOptions::default().no_cache(true)
}

fn backends(directory: &Path) -> Result<RepositoryBackends, Error> {
    let path = directory.to_str().ok_or_else(|| Error::PathNotUtf8 {
        path: directory.to_owned(),
    })?;
    let backend = LocalBackend::new(path, [])
        .map_err(|error| Error::engine("use the container", directory, error))?;
    Ok(RepositoryBackends::new(Arc::new(backend), None))
}

fn wrong_password(container: &Container) -> Error {
    let place = container.location.clone();
    match &container.pass_file {
        Some(file) => Error::WrongPassword {
            place,
            pass_file: file.clone(),
        },
        None => Error::PasswordMissing { place },
    }
}
