//! A container that a command opens in its own process, to look inside or to change its keys: the place, the password,
//! restic's lock, and the end of the process before its work is done.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::archived::{Archive, Told, bring_all};
use super::lock::Creation;
use super::pass_pipe::readable_again;
use super::place::{self, Place, UnderLock};
use super::reach::Reach;
use super::repository::Opened;
use crate::job::action::Container;
use crate::repository::error::{Error, What};
use crate::repository::indexed::Indexed;
use crate::repository::open::Repository;
use crate::secret::password;
use crate::storage::id::Id;

mod error;
mod interrupts;
pub mod keys;
pub mod locks;
pub mod repair;

pub use error::{Fault, SessionError};
pub use interrupts::Interrupts;

/// Which of restic's locks a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// None, so that the command waits for nobody, and nobody for it.
    None,
    /// The command reads or adds.
    Shared,
    /// The command removes.
    Exclusive,
}

/// An open repository, locked as long as this lives.
pub struct Session {
    pub repository: Repository,
    container: Container,
    interrupts: Arc<Interrupts>,
    damaged: Mutex<Vec<DamagedFile>>,
}

/// A file of the repository that could not be read, so that the answer of a command may lack something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedFile {
    /// Its path in the repository, such as `snapshots/` and the id.
    pub file: String,
    /// What is wrong with it.
    pub message: String,
}

impl Session {
    /// Opens a container that has a repository. `reach` has the limits and the cache. `say` gets sentences for the user: whom it waits for, and what is wrong
    /// without being in the way.
    ///
    /// From now on SIGINT and SIGTERM remove the lock and end the process, and SIGHUP does nothing. Call it once in a process.
    ///
    /// # Errors
    /// When there is no repository, when it cannot be opened, and when others have it locked for too long.
    pub fn open(
        container: &Container,
        reach: &Reach,
        lock: Lock,
        say: &dyn Fn(&str),
    ) -> Result<Session, SessionError> {
        let password = password::read(container, say)?;
        let existing = place::look_to_open(container, reach, &password)?.repository()?;
        let interrupts = Interrupts::start().map_err(SessionError::Setup)?;
        let repository = Opened::open(existing, &password)?.repository;
        interrupts.lock(&repository, lock, say)?;
        Ok(Session {
            repository,
            container: container.clone(),
            interrupts,
            damaged: Mutex::default(),
        })
    }

    /// Opens one more container, to add to it. It is locked as long as this session lives. Where it has no repository, one
    /// is made that cuts files as the one of this session does; with `create` false the answer is `None` instead.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn destination(
        &self,
        container: &Container,
        reach: &Reach,
        create: bool,
        say: &dyn Fn(&str),
    ) -> Result<Option<Repository>, SessionError> {
        let password = password::read(container, say)?;
        let _creation;
        let found = match place::look_to_open(container, reach, &password)? {
            Place::Vacant(_) if !create => return Ok(None),
            // The lock is held until the repository is made.
            Place::Vacant(vacant) => {
                let waits = |reason: &str| say(&format!("waiting: {reason}"));
                let (creation, found) =
                    Creation::begin_within(interrupts::PATIENCE, vacant, &waits, &|| ())?;
                _creation = creation;
                found
            }
            Place::Other(other) => return Err(other.refusal().into()),
            Place::Repository(existing) => UnderLock::Repository(existing),
        };
        let repository = match found {
            UnderLock::Repository(existing) => Opened::open(existing, &password)?.repository,
            UnderLock::Creatable(place) => {
                let config = &self.repository.config;
                Opened::create_like(Some(config), place, &password)?.repository
            }
        };
        self.interrupts.lock(&repository, Lock::Shared, say)?;
        Ok(Some(repository))
    }

    /// The repository with its index. Index files that cannot be read are told to `say`.
    ///
    /// # Errors
    /// When the index files cannot be listed.
    pub fn index(&self, say: &dyn Fn(&str)) -> Result<Indexed, SessionError> {
        let indexed = Indexed::load(self.repository.clone())?;
        for problem in &indexed.problems {
            self.met_damage(problem, say);
        }
        Ok(indexed)
    }

    /// Whether packs that are in an archive of the server are asked for before they are read.
    pub fn asks_archive(&self) -> bool {
        Archive::of(&self.container, &*self.repository.storage).is_some()
    }

    /// Asks for those of the packs that are in an archive of the server, and waits until all of them can be read. Returns
    /// at once where the storage does not want that.
    ///
    /// # Errors
    /// When the server cannot be asked, and when the time is over.
    pub fn await_packs(
        &self,
        index: &Indexed,
        packs: &BTreeSet<Id>,
        say: &dyn Fn(&str),
    ) -> Result<(), SessionError> {
        match Archive::of(&self.container, &*self.repository.storage) {
            Some(archive) => Ok(bring_all(archive, &index.index, packs, &Said(say), &|| ())?),
            None => Ok(()),
        }
    }

    /// Says that a file of the repository cannot be read, and remembers it for the exit code.
    pub fn met_damage(&self, error: &Error, say: &dyn Fn(&str)) {
        say(&format!("warning: {error}"));
        let file = match error.what {
            What::File(file) => file.to_string(),
            What::Blob(blob) => blob.to_string(),
            What::Repository => String::new(),
        };
        let message = error.to_string();
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        damaged.push(DamagedFile { file, message });
    }

    /// The files of the repository that could not be read until now.
    pub fn damaged(&self) -> Vec<DamagedFile> {
        let damaged = self.damaged.lock();
        damaged.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks whether the lock still holds: before every file that is written or removed.
    ///
    /// # Errors
    /// `LockLost` when it does not.
    pub fn confirm(&self) -> Result<(), Error> {
        self.interrupts.confirm()
    }

    /// Removes this file if the process is ended before its work is done; `None`: nothing any more.
    pub fn remove_when_interrupted(&self, file: Option<&Path>) {
        self.interrupts.remove_when_interrupted(file);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.interrupts.release();
    }
}

/// A command, which tells a person.
struct Said<'a>(&'a dyn Fn(&str));

impl Told for Said<'_> {
    fn line(&self, line: &str) {
        (self.0)(line);
    }

    fn waits(&self, reason: &str) {
        (self.0)(&format!("waiting: {reason}"));
    }

    fn there(&self) {}

    fn given_up(&self) {}
}

/// The password in a file, as for `encrypt_pass_file`.
///
/// # Errors
/// When the file cannot be read or cannot hold a password.
pub fn password_in(file: &Path, say: &dyn Fn(&str)) -> Result<Zeroizing<Vec<u8>>, SessionError> {
    let password = password::in_file(&readable_again(file)?, say)?;
    Ok(Zeroizing::new(password.as_bytes().to_vec()))
}

/// What the operating system says, without its number.
fn reason(error: &io::Error) -> String {
    crate::os::reason(error)
}
