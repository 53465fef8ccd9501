//! A place without a repository, in which one can be created.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::{failed_to, remote};
use crate::agent::error::ActionError as Error;
use crate::job::action::Container;
use crate::storage::Storage;
use crate::storage::id::Id;

/// A place in which the repository can be created, as of a look under the container's exclusive lock.
pub struct Creatable {
    pub(super) container: Container,
    pub(super) storage: Arc<dyn Storage>,
    /// A creation was cut short here.
    pub(super) is_unfinished: bool,
    /// The keys of the first look, on a storage away from this host. Others may be those of a host that creates now.
    pub(super) keys: Vec<Id>,
}

impl Creatable {
    /// The directory in which the repository will be; `None` if that is not on this host.
    pub fn directory(&self) -> Option<&Path> {
        self.container.location.local()
    }

    /// The container that was looked at, and its files.
    pub fn into_parts(self) -> (Container, Arc<dyn Storage>) {
        (self.container, self.storage)
    }

    /// Removes the keys that a creation left behind: such a key would open, and then not fit the new configuration.
    pub fn clear_keys(&self) -> Result<(), Error> {
        let Some(directory) = self.directory() else {
            let cleared = remote::clear_keys(&*self.storage, &self.keys);
            let doing = "create the repository";
            return cleared.map_err(|error| failed_to(doing, &self.container, error));
        };
        if !self.is_unfinished {
            return Ok(());
        }
        let keys = directory.join("keys");
        for key in fs::read_dir(&keys).into_iter().flatten().flatten() {
            fs::remove_file(key.path()).map_err(|error| Error::io("remove", &key.path(), error))?;
        }
        Ok(())
    }
}
