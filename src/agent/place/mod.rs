//! What is at a container's location, and what can be done from there.
//!
//! An action looks at its container once. The look returns a value for each case, and the next step takes that value:
//! only an [`Existing`] repository can be opened, and only a [`Creatable`] one can be created.
//!
//! A look says nothing about the next moment: while a first backup waits for the container's lock, another process may
//! create the repository. So a [`Vacant`] place cannot be created in. The step that takes the lock looks again
//! ([`Vacant::look_again`]) and gets either of the two from that.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use super::error::ActionError as Error;
use super::reach::Reach;
use crate::job::action::Container;
use crate::location::Location;
use crate::repository::error::Error as EngineError;
use crate::repository::key::Ahead;
use crate::secret::password::Password;
use crate::storage::error::ErrorKind as StorageErrorKind;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Listing, Storage};

mod content;
mod creatable;
mod remote;

pub use creatable::Creatable;

use content::{Content, content};

/// What is at a container's location.
#[derive(Clone)]
pub enum Place {
    /// It can be opened.
    Repository(Existing),
    /// Nothing, or what a creation left behind that was cut short.
    Vacant(Vacant),
    /// Something else, which is left alone.
    Other(Other),
}

/// A repository that is there and can be opened.
#[derive(Clone)]
pub struct Existing {
    container: Container,
    storage: Arc<dyn Storage>,
    ahead: Option<Arc<Ahead>>,
}

/// A place without a repository, as of the look.
#[derive(Clone)]
pub struct Vacant {
    container: Container,
    storage: Arc<dyn Storage>,
    /// A creation was cut short here, or another host is at it.
    is_unfinished: bool,
    keys: Vec<Id>,
}

/// A place that holds something other than a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    container: Container,
    /// A repository whose configuration is lost.
    is_without_config: bool,
}

/// What a first backup finds once it has the container to itself.
pub enum UnderLock {
    /// Another process created the repository after the first look.
    Repository(Existing),
    /// There is still none.
    Creatable(Creatable),
}

/// Looks at a container's location.
///
/// # Errors
/// When it cannot be reached or read.
pub fn look(container: &Container, reach: &Reach) -> Result<Place, Error> {
    look_at(container, reach.storage(container)?, None)
}

/// As [`look`], for who opens the repository then: work on its key begins while the server is asked.
///
/// # Errors
/// As [`look`].
pub fn look_to_open(
    container: &Container,
    reach: &Reach,
    password: &Password,
) -> Result<Place, Error> {
    let storage = reach.storage(container)?;
    let ahead = Ahead::begin(&*storage, password.as_bytes());
    look_at(container, storage, ahead)
}

fn look_at(
    container: &Container,
    storage: Arc<dyn Storage>,
    ahead: Option<Ahead>,
) -> Result<Place, Error> {
    let content = inspect(container, &*storage)?;
    let container = container.clone();
    Ok(match content {
        Content::Nothing | Content::Unfinished => Place::Vacant(Vacant {
            keys: match (content, container.location.local()) {
                (Content::Unfinished, None) => remote::keys(&*storage)
                    .map_err(|error| failed_to("create the repository", &container, error))?,
                _ => Vec::new(),
            },
            container,
            storage,
            is_unfinished: content == Content::Unfinished,
        }),
        Content::Repository => Place::Repository(Existing {
            container,
            storage,
            ahead: ahead.map(Arc::new),
        }),
        Content::Other | Content::WithoutConfig => Place::Other(Other {
            container,
            is_without_config: content == Content::WithoutConfig,
        }),
    })
}

impl Place {
    /// The repository, for an action that needs one.
    ///
    /// # Errors
    /// When there is none. The error says what there is instead.
    pub fn repository(self) -> Result<Existing, Error> {
        match self {
            Place::Repository(existing) => Ok(existing),
            Place::Vacant(vacant) => Err(vacant.no_repository()),
            Place::Other(other) => Err(other.no_repository()),
        }
    }
}

impl Existing {
    /// The container that was looked at, its files, and the work on its key, if it has begun.
    pub fn into_parts(self) -> (Container, Arc<dyn Storage>, Option<Arc<Ahead>>) {
        (self.container, self.storage, self.ahead)
    }

    /// Whether the work on its key has begun.
    pub fn opens_ahead(&self) -> bool {
        self.ahead.is_some()
    }

    /// The directory of the repository; `None` if it is not on this host.
    pub fn directory(&self) -> Option<&Path> {
        self.container.location.local()
    }

    /// Refuses a repository that has data and has lost the directory of its snapshots. One without data may have come back
    /// from an object store without its empty directories.
    ///
    /// # Errors
    /// `SnapshotsMissing`; what the storage says if it cannot be looked at.
    pub fn refuse_lost_snapshots(&self) -> Result<(), Error> {
        let storage = &*self.storage;
        let is_lost = || {
            let has = |kind| {
                storage
                    .list(kind)
                    .map(|listing| listing != Listing::default())
            };
            Ok(storage.has_directory(FileKind::Snapshot)? == Some(false)
                && (has(FileKind::Index)? || has(FileKind::Pack)?))
        };
        match is_lost() {
            Ok(true) => Err(Error::SnapshotsMissing {
                place: self.container.location.clone(),
            }),
            Ok(false) => Ok(()),
            Err(error) => Err(failed_to("open the repository", &self.container, error)),
        }
    }
}

impl Vacant {
    /// Why there is no repository to use.
    fn no_repository(self) -> Error {
        let place = self.container.location;
        match self.storage.read(FileName::CONFIG, 0) {
            // What the container should be in does not exist either.
            Err(error) if error.kind == StorageErrorKind::NoPlace => Error::Engine {
                doing: "open the repository",
                place,
                source: Box::new(EngineError::from(error)),
            },
            _ => Error::NoRepository { place },
        }
    }

    /// The container that was looked at.
    pub fn container(&self) -> &Container {
        &self.container
    }

    /// The directory in which the repository would be; `None` if that is not on this host.
    pub fn directory(&self) -> Option<&Path> {
        self.container.location.local()
    }

    /// Whether a creation was cut short here, or another host is at it.
    pub fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }

    /// The directory that must exist before this one can be made, if it is missing.
    ///
    /// A container that is given by a path needs its parent directory: where a disk is not mounted, the backup must not
    /// fill the disk below. For a container that is given by a name, the directories above it are made too.
    pub fn missing_parent(&self) -> Option<&Path> {
        let parent = self.directory()?.parent()?;
        (is_given_by_path(&self.container) && !parent.is_dir()).then_some(parent)
    }

    /// Makes the directory if it is missing, so that it can be locked. Only its owner can read it. A storage away from
    /// this host needs none.
    ///
    /// # Errors
    /// When the directory cannot be made, and when its parent is missing (see [`Vacant::missing_parent`]).
    pub fn make_directory(&self) -> Result<(), Error> {
        let Some(directory) = self.directory() else {
            return Ok(());
        };
        let by_path = is_given_by_path(&self.container);
        let made = fs::DirBuilder::new()
            .recursive(!by_path)
            .mode(0o700)
            .create(directory);
        match made {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) if by_path && error.kind() == io::ErrorKind::NotFound => {
                Err(Error::NoParentDirectory {
                    place: self.container.location.clone(),
                })
            }
            Err(error) => Err(Error::io("create the container", directory, error)),
        }
    }

    /// Looks again. The caller holds the container's exclusive lock, so what this returns stays true.
    ///
    /// # Errors
    /// When the directory cannot be read, and when something other than a repository is there now.
    pub fn look_again(self) -> Result<UnderLock, Error> {
        let content = inspect(&self.container, &*self.storage)?;
        let Vacant {
            container,
            storage,
            keys,
            ..
        } = self;
        match content {
            Content::Repository => Ok(UnderLock::Repository(Existing {
                container,
                storage,
                ahead: None,
            })),
            Content::Nothing | Content::Unfinished => Ok(UnderLock::Creatable(Creatable {
                container,
                storage,
                is_unfinished: content == Content::Unfinished,
                keys,
            })),
            Content::Other | Content::WithoutConfig => Err(Other {
                container,
                is_without_config: content == Content::WithoutConfig,
            }
            .refusal()),
        }
    }
}

impl Other {
    /// Whether it is a repository that has lost its configuration.
    pub fn is_without_config(&self) -> bool {
        self.is_without_config
    }

    /// Why there is no repository to use.
    pub fn no_repository(&self) -> Error {
        let place = self.container.location.clone();
        match self.is_without_config {
            true => Error::ConfigMissing { place },
            false => Error::NotARepository { place },
        }
    }

    /// Why no repository can be created here.
    pub fn refusal(&self) -> Error {
        match self.no_repository() {
            Error::NotARepository { place } => Error::Occupied { place },
            other => other,
        }
    }
}

fn is_given_by_path(container: &Container) -> bool {
    Path::new(&container.name).is_absolute()
}

/// What is at the location.
fn inspect(container: &Container, storage: &dyn Storage) -> Result<Content, Error> {
    confirmed(|| match &container.location {
        Location::Local(path) => {
            content(path).map_err(|error| Error::io("read the container", path, error))
        }
        Location::Ftp(_)
        | Location::Rclone(_)
        | Location::Rest(_)
        | Location::S3(_)
        | Location::Sftp(_)
        | Location::Swift(_) => remote::content(storage)
            .map_err(|error| failed_to("open the repository", container, error)),
    })
}

fn failed_to(
    doing: &'static str,
    container: &Container,
    error: crate::storage::error::Error,
) -> Error {
    Error::Engine {
        doing,
        place: container.location.clone(),
        source: Box::new(EngineError::from(error)),
    }
}

/// Looks at a place, and looks again if something other than a repository seems to be there. Another process may have
/// made a repository during the first look: its configuration was not there yet, and its data was.
fn confirmed(look: impl Fn() -> Result<Content, Error>) -> Result<Content, Error> {
    match look()? {
        Content::WithoutConfig | Content::Other => look(),
        content @ (Content::Nothing | Content::Unfinished | Content::Repository) => Ok(content),
    }
}

#[cfg(test)]
mod tests;
