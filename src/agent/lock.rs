//! One container, many users: the engine takes no locks, so the agent does.
//!
//! The lock is an advisory one (`flock`) on the container's directory itself: shared by backups, restores, lists and
//! checks, exclusive for what removes snapshots or data and for the creation of the repository. It goes with the
//! process, however that ends.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::report::{Reporter, log};
use crate::job::action::{Access, Container};
use crate::kill_point::{self, Point};
use crate::protocol::Report;
use crate::rustic::{Error, ErrorKind};

/// NFS cannot lock a directory for one alone; there this file in it stands in.
const STAND_IN: &str = ".freezerd-lock";

/// A lock on a container, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    /// `None`: a file system that nobody can write to needs no lock.
    file: Option<File>,
    path: PathBuf,
}

impl Lock {
    /// Locks a container that exists. Where it is in use, says so and waits.
    ///
    /// # Errors
    /// When the container cannot be opened, and when its file system knows no locks.
    pub fn take(container: &Container, access: Access, reporter: &Reporter) -> Result<Self, Error> {
        let path = container.path.clone();
        let failed = |error: io::Error| cannot_lock(&path, &error);
        let mut file = Some(
            OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_DIRECTORY)
                .open(&path)
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
        let lock = Lock { file, path };
        lock.change(access, reporter)?;
        kill_point::reached(Point::LockTaken);
        Ok(lock)
    }

    /// Changes the kind of access. On the way nobody may have the container, or somebody else: what was read before
    /// is to be read again.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn change(&self, access: Access, reporter: &Reporter) -> Result<(), Error> {
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
        let failed = |error: Errno| cannot_lock(&self.path, &error.into());
        match flock(file, now) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) => {}
            Err(error) => return Err(failed(error)),
        }
        let reason = match access {
            Access::Shared => format!(
                "old snapshots are being removed from the container {}",
                self.path.display()
            ),
            Access::Exclusive => format!("the container {} is in use", self.path.display()),
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

fn cannot_lock(path: &std::path::Path, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory => ErrorKind::Denied,
        _ => ErrorKind::Io,
    };
    Error::new(
        kind,
        format!(
            "cannot lock the container {}: {}",
            path.display(),
            crate::os::reason(error)
        ),
    )
}
