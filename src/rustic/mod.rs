//! A container's repository in restic's format (version 2), as the agent sees it: it backs up, restores, lists, removes
//! and verifies snapshots of file trees. Only this room knows the engine that does the work, which is `rustic_core`.
//!
//! A repository takes no locks. The caller of [`Repository::create`], [`Repository::forget`] or [`Repository::prune`]
//! must have the container alone. All other operations may run side by side.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustic_backend::LocalBackend;
use rustic_core::repofile::MasterKey;
use rustic_core::{Credentials, OpenStatus, RepositoryBackends, RepositoryOptions};

use crate::job::action::Container;

pub mod engine_text;
pub mod error;
mod maintenance;
mod node;
mod observer;
mod problem;
mod progress;
mod restore;

pub use error::{Error, ErrorKind};
pub use maintenance::{CheckReport, PruneReport};
pub use observer::{Observer, Silent};
pub use problem::{PathFault, PathProblem, Problems};
pub use restore::{RestoreOptions, RestoreReport};

/// The engine's repository, opened.
type Engine = rustic_core::Repository<OpenStatus>;

/// How often snapshots are read again because one of them is gone.
const MOST_TRIES: u32 = 10;

/// An open repository.
pub struct Repository {
    directory: PathBuf,
    key: MasterKey,
    backends: RepositoryBackends,
    observer: Arc<dyn Observer>,
}

impl Repository {
    /// Opens the repository of a container in this directory.
    ///
    /// # Errors
    /// When the password is wrong, and when it cannot be read.
    pub fn open(
        container: &Container,
        directory: &Path,
        password: &str,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let backends = backends(directory)?;
        let engine = rustic_core::Repository::new(&repository_options(), &backends)
            .and_then(|repository| repository.open(&Credentials::password(password)))
            .map_err(|error| {
                if error.is_incorrect_password() {
                    wrong_password(container)
                } else {
                    Error::engine("open the repository", directory, error)
                }
            })?;
        Ok(Repository {
            directory: directory.to_owned(),
            key: engine.key(),
            backends,
            observer,
        })
    }

    /// Checks that every snapshot can be read.
    ///
    /// # Errors
    /// When one of them cannot: a list with a gap would look complete.
    pub fn count_snapshots(&self) -> Result<u64, Error> {
        // The engine takes a directory that it cannot list for an empty one.
        let listed = self.snapshot_files()?;
        let files =
            self.read_snapshots("read the snapshots", |engine| engine.get_all_snapshots())?;
        if files.is_empty() && listed.iter().any(|name| name.len() == 64) {
            return Err(Error::SnapshotsNotSeen {
                directory: self.directory.join("snapshots"),
            });
        }
        Ok(files.len() as u64)
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
