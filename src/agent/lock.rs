//! The lock on a container.
//!
//! These are restic's own locks, so `restic` and freezerd can use one repository at the same time. Backups, restores,
//! lists and checks share it. Whatever removes snapshots or data needs it exclusively.
//!
//! A repository that is being created has no key yet, so it cannot have such a lock. The creation locks a directory of it
//! instead ([`Creation`]).

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::ActionError;
use super::place::{UnderLock, Vacant};
use super::report::{Reporter, log};
use super::repository::Opened;
use crate::job::action::Access;
use crate::kill_point::{self, Point};
use crate::os;
use crate::repository::error::{Error, ErrorKind};
use crate::repository::lock::{Held, Holders, OtherLocks, Settle, Timing, acquire};
use crate::storage::Storage;
use crate::storage::error::ErrorKind as StorageErrorKind;

/// How long a lock that another process has is waited for. restic's prune of a large repository takes hours.
const PATIENCE: Duration = Duration::from_secs(6 * 60 * 60);

/// How the locks of a storage are waited for and refreshed.
pub(super) fn timing(storage: &dyn Storage) -> Timing {
    let traits = storage.traits();
    // A backup with few changes is over soon, and what is exclusive takes long. So the latter waits for both.
    let settle = Settle {
        shared: Duration::from_millis(if traits.listing_lags { 200 } else { 0 }),
        exclusive: Duration::from_millis(if traits.remote { 1000 } else { 0 }),
    };
    let retry = match traits.remote {
        true => Duration::from_secs(5),
        false => Duration::from_millis(500),
    };
    Timing {
        settle,
        retry,
        refresh: Duration::from_secs(5 * 60),
        give_up: Duration::from_secs(22 * 60),
    }
}

/// A lock on a container, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    /// `None` on a storage that cannot be written, and from which is only read.
    held: Option<Held>,
    waited: bool,
}

impl Lock {
    /// Locks a container, for readers or for one alone. If it is in use, reports that and waits. Readers need no lock
    /// where none can be written.
    ///
    /// # Errors
    /// When the lock cannot be written, and when the container is in use for too long.
    pub fn take(opened: &Opened, access: Access, reporter: &Reporter) -> Result<Self, ActionError> {
        Lock::acquire(opened, access, access == Access::Shared, reporter)
    }

    /// Locks a container for one that adds to it, beside others. Without a lock it would lose what it adds to a prune:
    /// a disk that is full now may have room later.
    ///
    /// # Errors
    /// As those of [`Lock::take`].
    pub fn take_to_add(opened: &Opened, reporter: &Reporter) -> Result<Self, ActionError> {
        Lock::acquire(opened, Access::Shared, false, reporter)
    }

    fn acquire(
        opened: &Opened,
        access: Access,
        may_do_without: bool,
        reporter: &Reporter,
    ) -> Result<Self, ActionError> {
        // restic asks whether a lock's process lives by sending it this signal.
        os::disregard_hangup().map_err(|source| ActionError::Lock {
            place: opened.container.location.clone(),
            source,
        })?;
        let repository = &opened.repository;
        let mut waits = false;
        let waiting = |others: &OtherLocks| {
            if !waits {
                waits = true;
                let reason = format!(
                    "the container {} is in use: {}",
                    opened.container.location,
                    Holders(others.blocking.clone())
                );
                reporter.waits(&reason);
            }
            true
        };
        let exclusive = access == Access::Exclusive;
        let taken = acquire(
            &repository.storage,
            &repository.cipher,
            exclusive,
            PATIENCE,
            timing(&*repository.storage),
            waiting,
        );
        let held = match taken {
            Ok(held) => Some(held),
            Err(error) if may_do_without && is_not_writable(&error) => {
                log(
                    "note: no lock was taken, because the container cannot be written; nothing may be removed from it now",
                );
                None
            }
            Err(error) => return Err(opened.failed("lock the repository", error)),
        };
        if waits {
            reporter.goes_on();
        }
        kill_point::reached(Point::LockTaken);
        Ok(Lock {
            held,
            waited: waits,
        })
    }

    /// Whether others had the container locked first, for any time.
    pub fn waited(&self) -> bool {
        self.waited
    }

    /// Asks whether the lock still holds.
    ///
    /// # Errors
    /// `LockLost` when it does not.
    pub fn confirm(&self) -> Result<(), Error> {
        self.held.as_ref().map_or(Ok(()), Held::confirm)
    }
}

/// Whether the container takes no file, not even a small one.
fn is_not_writable(error: &Error) -> bool {
    use StorageErrorKind::{Denied, NoSpace, ReadOnly};
    matches!(error.kind, ErrorKind::Storage(ReadOnly | Denied | NoSpace))
}

/// How long the remains of a creation away from this host must lie still before they are removed: until then, another
/// host may be at it.
const STILL: Duration = Duration::from_secs(10);

/// The directory of a repository that is locked while the repository is created.
const KEYS: &str = "keys";

/// The pause between two tries to lock it.
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// Locks a file or directory for this process alone. Calls `waiting` before every wait. False if another process still
/// has it after `patience`.
fn lock_within(file: &File, patience: Duration, mut waiting: impl FnMut()) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) if Instant::now() >= deadline => return Ok(false),
            Err(Errno::WOULDBLOCK) => {
                waiting();
                std::thread::sleep(BETWEEN_TRIES);
            }
            // A file system without locks: then two creations at the same time are not told apart.
            Err(Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS | Errno::BADF) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The lock on a directory of a repository that is being created. A storage away from this host has none.
#[derive(Debug)]
pub struct Creation {
    _directory: Option<File>,
}

impl Creation {
    /// Locks a place without a repository, for an action that creates one. See [`Creation::begin_within`].
    ///
    /// # Errors
    /// As those of [`Creation::begin_within`].
    pub fn begin(vacant: Vacant, reporter: &Reporter) -> Result<(Self, UnderLock), ActionError> {
        let waits = |reason: &str| reporter.waits(reason);
        Creation::begin_within(PATIENCE, vacant, &waits, &|| reporter.goes_on())
    }

    /// Locks a place without a repository for whoever creates one. This makes the directory, takes the rights of other
    /// users away, waits for the lock and looks again, because another process may have created the repository since
    /// the first look. `waits` hears what is waited for, and `goes_on` that this is over.
    ///
    /// # Errors
    /// When the directory cannot be made, opened or locked; when another process has it for longer than `patience`; when
    /// something other than a repository is there now.
    pub fn begin_within(
        patience: Duration,
        vacant: Vacant,
        waits: &dyn Fn(&str),
        goes_on: &dyn Fn(),
    ) -> Result<(Self, UnderLock), ActionError> {
        vacant.make_directory()?;
        let location = vacant.container().location.clone();
        let Some(path) = location.local() else {
            if vacant.is_unfinished() {
                waits(&format!(
                    "another host may be creating the repository in {location}"
                ));
                std::thread::sleep(STILL);
                goes_on();
            }
            let creation = Creation { _directory: None };
            return Ok((creation, vacant.look_again()?));
        };
        // Others may have the directory itself open since a time when they could read it, and lock it. This one nobody
        // else could ever open.
        let keys = path.join(KEYS);
        let failed = |error| ActionError::io("lock", &keys, error);
        fs::set_permissions(path, Permissions::from_mode(0o700))
            .map_err(|error| ActionError::io("lock", path, error))?;
        match DirBuilder::new().mode(0o700).create(&keys) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(ActionError::io("create", &keys, error));
            }
            _ => {}
        }
        let directory = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
            .open(&keys)
            .map_err(failed)?;
        let mut waited = false;
        let taken = lock_within(&directory, patience, || {
            if !waited {
                waited = true;
                waits(&format!("the repository in {location} is being created"));
            }
        });
        if !taken.map_err(failed)? {
            return Err(ActionError::StillCreated { place: location });
        }
        if waited {
            goes_on();
        }
        let creation = Creation {
            _directory: Some(directory),
        };
        Ok((creation, vacant.look_again()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_another_process_never_releases_is_given_up_after_a_visible_wait() {
        let top = tempfile::tempdir().unwrap();
        let (first, second) = (
            File::open(top.path()).unwrap(),
            File::open(top.path()).unwrap(),
        );
        assert!(lock_within(&first, PATIENCE, || panic!("it is free")).unwrap());
        let mut waits = 0;
        let patience = Duration::from_millis(1);
        assert!(!lock_within(&second, patience, || waits += 1).unwrap());
        assert_eq!(waits, 1);
        let mut first = Some(first);
        assert!(lock_within(&second, PATIENCE, || drop(first.take())).unwrap());
    }
}
