//! The repository of a container: opened, created, and asked for its snapshots.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::error::ActionError;
use super::place::{Creatable, Existing};
use super::report::log;
use super::snapshot::{Filter, Snapshot};
use crate::job::action::Container;
use crate::repository::config::Config;
use crate::repository::error::{Error, ErrorKind};
use crate::repository::key::{self, Ahead, cost::Cost};
use crate::repository::open::Repository;
use crate::repository::snapshot;
use crate::secret::password::Password;
use crate::storage::error::ErrorKind as StorageErrorKind;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Listed, Listing, Storage};

/// The repository of a container.
pub struct Opened {
    pub container: Container,
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
    /// When the password is wrong, when it cannot be read, and when it has lost the directory of its snapshots.
    pub fn open(existing: Existing, password: &Password) -> Result<Opened, ActionError> {
        existing.refuse_lost_snapshots()?;
        let (container, storage, ahead) = existing.into_parts();
        let repository = open(&container, storage, password, ahead.as_deref())?;
        for problem in &repository.key.problems {
            log(&format!(
                "warning: {problem}; another key opened the repository"
            ));
        }
        Ok(Opened {
            container,
            repository,
        })
    }

    /// Creates a repository. The caller still has the lock under which the place was found.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(place: Creatable, password: &Password) -> Result<Opened, ActionError> {
        Opened::create_like(None, place, password)
    }

    /// As [`Opened::create`]; it cuts files into the same chunks as this other repository.
    ///
    /// # Errors
    /// As [`Opened::create`].
    pub fn create_like(
        other: Option<&Config>,
        place: Creatable,
        password: &Password,
    ) -> Result<Opened, ActionError> {
        place.clear_keys()?;
        let (container, storage) = place.into_parts();
        let failed = |error| failed(&container, "create the repository", error);
        let remote = storage.traits().remote;
        let (files, password_bytes) = (Arc::clone(&storage), password.as_bytes());
        let cost = Cost::calibrated();
        let made = match other {
            None => Repository::init(files, password_bytes, cost),
            Some(other) => Repository::init_like(other, files, password_bytes, cost),
        };
        let repository = match made {
            Ok(made) if !remote => made,
            Ok(made) => confirmed(&container, storage, password, made)?,
            Err(error) if remote && is_there_already(&error) => {
                log("another host creates the repository at the same moment");
                open_when_made(&container, storage, password)?
            }
            Err(error) => return Err(failed(error)),
        };
        Ok(Opened {
            container,
            repository,
        })
    }

    /// The directory of the repository; `None` if it is not on this host.
    pub fn directory(&self) -> Option<&Path> {
        self.container.location.local()
    }

    /// The snapshots that the filter lets through, oldest first. One whose file cannot be read is named in the log:
    /// the others are not worse for that.
    ///
    /// # Errors
    /// When the snapshots cannot be listed.
    pub fn snapshots(&self, filter: &Filter) -> Result<Vec<Found>, ActionError> {
        Ok(self.tell_unreadable(self.snapshot_files(filter)?))
    }

    /// The snapshots of these files. The log names those that cannot be read.
    pub fn tell_unreadable(&self, files: SnapshotFiles) -> Vec<Found> {
        for (_, error) in files.unreadable {
            log(&format!(
                "warning: {error}; this snapshot is lost, and the others are not affected"
            ));
        }
        files.found
    }

    /// The snapshots that the filter lets through, and the files of which nobody knows whether it would.
    ///
    /// # Errors
    /// When the snapshots cannot be listed.
    pub fn snapshot_files(&self, filter: &Filter) -> Result<SnapshotFiles, ActionError> {
        Ok(self.snapshots_of(filter, &self.list_snapshots()?.files))
    }

    /// The files of the snapshots.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn list_snapshots(&self) -> Result<Listing, ActionError> {
        let listed = self.repository.storage.list(FileKind::Snapshot);
        listed.map_err(|error| self.failed("list the snapshots", error.into()))
    }

    /// As [`Opened::snapshot_files`], of files that are listed already.
    pub fn snapshots_of(&self, filter: &Filter, listed: &[Listed]) -> SnapshotFiles {
        let repository = &self.repository;
        let all = snapshot::read_files(&*repository.storage, &repository.cipher, listed);
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
        SnapshotFiles { found, unreadable }
    }

    /// The engine failed while it did something to this repository.
    pub fn failed(&self, doing: &'static str, source: Error) -> ActionError {
        failed(&self.container, doing, source)
    }
}

/// Opens a repository with what the pass file means, or else with what it meant by the old rule.
fn open_with(
    storage: Arc<dyn Storage>,
    password: &Password,
    ahead: Option<&Ahead>,
) -> Result<Repository, Error> {
    let opened = Repository::open_ahead(Arc::clone(&storage), password.as_bytes(), ahead);
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

fn open(
    container: &Container,
    storage: Arc<dyn Storage>,
    password: &Password,
    ahead: Option<&Ahead>,
) -> Result<Repository, ActionError> {
    open_with(storage, password, ahead).map_err(|error| match (error.kind, &container.pass_file) {
        (ErrorKind::WrongPassword, Some(file)) => ActionError::WrongPassword {
            place: container.location.clone(),
            pass_file: file.clone(),
        },
        (ErrorKind::WrongPassword, None) => ActionError::PasswordMissing {
            place: container.location.clone(),
        },
        _ => failed(container, "open the repository", error),
    })
}

/// Nothing locks a place away from this host while a repository is made there, and some servers replace a file. If
/// another host made one at the same moment, one of the two configurations is left: that is the repository, and the key
/// of the other one goes. Without its own key, nobody could open it: another host may have taken it for one that an
/// interrupted creation left.
fn confirmed(
    container: &Container,
    storage: Arc<dyn Storage>,
    password: &Password,
    made: Repository,
) -> Result<Repository, ActionError> {
    match Config::read(&*storage, &made.cipher) {
        Ok(config) if config == made.config => return with_key(container, password, made),
        Ok(_) => {}
        Err(error) if error.is_damage() => {}
        Err(error) => return Err(failed(container, "create the repository", error)),
    }
    log("another host created the repository at the same moment");
    let own = FileName::new(FileKind::Key, made.key.id);
    match storage.remove(own) {
        Err(error) if error.kind != StorageErrorKind::NotFound => {
            return Err(failed(container, "create the repository", error.into()));
        }
        _ => {}
    }
    open(container, storage, password, None)
}

/// The repository, to which a key is added if its key is gone.
fn with_key(
    container: &Container,
    password: &Password,
    made: Repository,
) -> Result<Repository, ActionError> {
    let failed = |error| failed(container, "create the repository", error);
    let own = FileName::new(FileKind::Key, made.key.id);
    match made.storage.size(own) {
        Ok(_) => Ok(made),
        Err(error) if error.kind == StorageErrorKind::NotFound => {
            let (storage, keys) = (&made.storage, &made.key.keys);
            key::add(&**storage, keys, password.as_bytes(), Cost::calibrated()).map_err(failed)?;
            open(container, Arc::clone(storage), password, None)
        }
        Err(error) => Err(failed(error.into())),
    }
}

/// Waits a little for a repository that another host is making.
fn open_when_made(
    container: &Container,
    storage: Arc<dyn Storage>,
    password: &Password,
) -> Result<Repository, ActionError> {
    let mut tries = 0;
    while tries < 10 && !is_made(&*storage) {
        tries += 1;
        std::thread::sleep(Duration::from_secs(1));
    }
    open(container, storage, password, None)
}

fn is_made(storage: &dyn Storage) -> bool {
    storage.size(FileName::CONFIG).is_ok()
}

fn is_there_already(error: &Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::Exists | ErrorKind::Storage(StorageErrorKind::Exists)
    )
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
