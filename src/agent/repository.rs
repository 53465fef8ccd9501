//! The repository of a container: opened, created, and asked for its snapshots.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ActionError;
use super::password::Password;
use super::place::{Creatable, Existing};
use super::reach::Reach;
use super::report::log;
use super::snapshot::{Filter, Snapshot};
use crate::job::action::Container;
use crate::repository::error::{Error, ErrorKind};
use crate::repository::key::cost::Cost;
use crate::repository::open::Repository;
use crate::repository::snapshot;
use crate::storage::Storage;
use crate::storage::error::ErrorKind as StorageErrorKind;
use crate::storage::id::Id;
use crate::storage::local::Local;

/// The repository of a container.
pub struct Opened {
    pub container: Container,
    /// Where it is.
    pub directory: PathBuf,
    pub repository: Repository,
}

/// A snapshot as the agent sees it, and as its file has it.
pub type Found = (Snapshot, Id, snapshot::Snapshot);

/// What the snapshot files of a repository have.
pub struct SnapshotFiles {
    /// Oldest first.
    pub found: Vec<Found>,
    /// Damaged files, with their ids.
    pub unreadable: Vec<(Id, Error)>,
}

impl Opened {
    /// Opens a repository. This takes up to half a second and, for a moment, 32 MB or more: the format wants it so.
    ///
    /// # Errors
    /// When the password is wrong, and when it cannot be read.
    pub fn open(
        existing: Existing,
        password: &Password,
        reach: &Reach,
    ) -> Result<Opened, ActionError> {
        let (container, directory) = existing.into_parts();
        let storage = reach.storage(Arc::new(Local::new(&directory)));
        let repository = open_with(storage, password).map_err(|error| {
            match (error.kind, &container.pass_file) {
                (ErrorKind::WrongPassword, Some(file)) => ActionError::WrongPassword {
                    place: container.location.clone(),
                    pass_file: file.clone(),
                },
                (ErrorKind::WrongPassword, None) => ActionError::PasswordMissing {
                    place: container.location.clone(),
                },
                _ => failed(&container, "open the repository", error),
            }
        })?;
        for problem in &repository.key.problems {
            log(&format!(
                "warning: {problem}; another key opened the repository"
            ));
        }
        Ok(Opened {
            container,
            directory,
            repository,
        })
    }

    /// Creates a repository. The caller still has the lock under which the place was found.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(
        place: Creatable,
        password: &Password,
        reach: &Reach,
    ) -> Result<Opened, ActionError> {
        place.clear_keys()?;
        let (container, directory) = place.into_parts();
        let storage = reach.storage(Arc::new(Local::new(&directory)));
        let repository = Repository::init(storage, password.as_bytes(), Cost::calibrated())
            .map_err(|error| failed(&container, "create the repository", error))?;
        Ok(Opened {
            container,
            directory,
            repository,
        })
    }

    /// The snapshots that the filter lets through, oldest first. One whose file cannot be read is named in the log:
    /// the others are not worse for that.
    ///
    /// # Errors
    /// When the snapshots cannot be listed.
    pub fn snapshots(&self, filter: &Filter) -> Result<Vec<Found>, ActionError> {
        let SnapshotFiles { found, unreadable } = self.snapshot_files(filter)?;
        for (_, error) in unreadable {
            log(&format!(
                "warning: {error}; this snapshot is lost, and the others are not affected"
            ));
        }
        Ok(found)
    }

    /// The snapshots that the filter lets through, and the files of which nobody knows whether it would.
    ///
    /// # Errors
    /// When the snapshots cannot be listed.
    pub fn snapshot_files(&self, filter: &Filter) -> Result<SnapshotFiles, ActionError> {
        let repository = &self.repository;
        let all = snapshot::read_all(&*repository.storage, &repository.cipher)
            .map_err(|error| self.failed("list the snapshots", error))?;
        let mut found = Vec::new();
        let mut unreadable = Vec::new();
        for (id, file) in all {
            match file {
                Ok(file) => {
                    let snapshot = Snapshot::from_file(id, &file);
                    if filter.matches(&snapshot) {
                        found.push((snapshot, id, file));
                    }
                }
                Err(error) if is_gone(&error) => {}
                Err(error) => unreadable.push((id, error)),
            }
        }
        found.sort_by(|(one, ..), (other, ..)| (one.time, &one.id).cmp(&(other.time, &other.id)));
        Ok(SnapshotFiles { found, unreadable })
    }

    /// The engine failed while it did something to this repository.
    pub fn failed(&self, doing: &'static str, source: Error) -> ActionError {
        failed(&self.container, doing, source)
    }
}

/// Opens a repository with what the pass file means, or else with what it meant by the old rule.
fn open_with(storage: Arc<dyn Storage>, password: &Password) -> Result<Repository, Error> {
    let opened = Repository::open(Arc::clone(&storage), password.as_bytes());
    match (opened, password.literal()) {
        (Err(error), Some(literal)) if error.kind == ErrorKind::WrongPassword => {
            let opened = Repository::open(storage, literal)?;
            log(
                "warning: the byte order mark or the white space in the pass file is a part of this repository's \
                 password, so that restic does not open it with this file; `freezerd key passwd` gives it a new password",
            );
            Ok(opened)
        }
        (opened, _) => opened,
    }
}

fn failed(container: &Container, doing: &'static str, source: Error) -> ActionError {
    ActionError::Engine {
        doing,
        place: container.location.clone(),
        source: Box::new(source),
    }
}

/// Removed since it was listed.
fn is_gone(error: &Error) -> bool {
    error.kind == ErrorKind::Storage(StorageErrorKind::NotFound)
}

/// The device and the inode of a directory, if it exists.
pub fn identity(directory: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let about = std::fs::metadata(directory).ok()?;
    Some((about.dev(), about.ino()))
}
