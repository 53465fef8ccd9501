//! The lock on a container. The engine takes no locks, so the agent does.
//!
//! The lock is an advisory one (`flock`) on the container's directory. Backups, restores, lists and checks share it.
//! The creation of the repository, and whatever removes snapshots or data, needs it exclusively. The kernel releases it
//! when the process ends, in whatever way.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::ActionError;
use super::report::{Reporter, log};
use crate::job::action::{Access, Container};
use crate::kill_point::{self, Point};
use crate::location::Location;
use crate::protocol::Report;
use crate::rustic::place::{UnderLock, Vacant};

/// On NFS a directory cannot be locked exclusively, so this file in it is locked instead.
const STAND_IN: &str = ".freezerd-lock";

/// A lock on a container, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    /// `None` on a file system that is read-only and needs no lock.
    file: Option<File>,
    location: Location,
}

impl Lock {
    /// Locks a container whose directory exists. If the container is in use, reports that and waits.
    ///
    /// # Errors
    /// When the directory cannot be opened, and when its file system has no locks.
    pub fn take(
        container: &Container,
        access: Access,
        reporter: &Reporter,
    ) -> Result<Self, ActionError> {
        let location = &container.location;
        let Location::Local(path) = location;
        let failed = |source| ActionError::Lock {
            place: location.clone(),
            source,
        };
        let mut file = Some(
            OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_DIRECTORY)
                .open(path)
                .map_err(failed)?,
        );
        let system = file
            .as_ref()
            .and_then(|directory| rustix::fs::fstatfs(directory).ok());
        if system.is_some_and(|system| system.f_type == rustix::fs::NFS_SUPER_MAGIC) {
            let stand_in = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(path.join(STAND_IN));
            file = match stand_in {
                Ok(stand_in) => Some(stand_in),
                Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => None,
                Err(error) => return Err(failed(error)),
            };
        }
        let lock = Lock {
            file,
            location: location.clone(),
        };
        lock.change(access, reporter)?;
        kill_point::reached(Point::LockTaken);
        Ok(lock)
    }

    /// Locks a place without a repository exclusively, for its first backup. This makes the directory, waits for the
    /// lock and looks again, because another process may have created the repository since the first look.
    ///
    /// # Errors
    /// As [`Lock::take`]; when the directory cannot be made; when something other than a repository is there now.
    pub fn take_vacant(
        vacant: Vacant,
        reporter: &Reporter,
    ) -> Result<(Self, UnderLock), ActionError> {
        vacant.make_directory()?;
        let lock = Self::take(vacant.container(), Access::Exclusive, reporter)?;
        Ok((lock, vacant.look_again()?))
    }

    /// Changes the kind of access. In between, the lock may be free and another process may take it, so the caller reads
    /// again what it has read before.
    ///
    /// # Errors
    /// When the file system refuses the lock.
    pub fn change(&self, access: Access, reporter: &Reporter) -> Result<(), ActionError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let (now, wait) = match access {
            Access::Shared => (
                FlockOperation::NonBlockingLockShared,
                FlockOperation::LockShared,
            ),
            Access::Exclusive => (
                FlockOperation::NonBlockingLockExclusive,
                FlockOperation::LockExclusive,
            ),
        };
        let failed = |error: Errno| ActionError::Lock {
            place: self.location.clone(),
            source: error.into(),
        };
        match flock(file, now) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) => {}
            Err(error) => return Err(failed(error)),
        }
        let reason = match access {
            Access::Shared => format!(
                "old snapshots are being removed from the container {}",
                self.location
            ),
            Access::Exclusive => format!("the container {} is in use", self.location),
        };
        log(&format!("waiting: {reason}"));
        reporter.send(&Report::Waiting { reason });
        loop {
            match flock(file, wait) {
                Ok(()) => {
                    reporter.goes_on();
                    return Ok(());
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
}
