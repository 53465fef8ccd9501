//! A socket in a directory of its own, which only this user can enter.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// What the names of the directories begin with.
const PREFIX: &str = "freezerd-rclone-";

/// The name of the socket.
const NAME: &str = "socket";

/// The longest path that the kernel takes for a socket, in bytes.
const LONGEST: usize = 107;

/// A directory for a socket. It is removed with this value; what a killed process left is removed by the next one.
#[derive(Debug)]
pub(super) struct SocketDirectory {
    path: PathBuf,
    /// Holds the lock that says that the directory is in use.
    _lock: File,
}

impl SocketDirectory {
    /// Makes one below a directory that others may write to. `None`: the path would be too long for a socket.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn new_in(top: &Path) -> io::Result<Option<SocketDirectory>> {
        sweep(top);
        let made = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir_in(top)?;
        if made.path().join(NAME).as_os_str().as_bytes().len() > LONGEST {
            return Ok(None);
        }
        let lock = File::open(made.path())?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        // Another process may have taken it for one that is left over, before it was locked.
        if lock.metadata()?.nlink() == 0 {
            return Err(io::Error::other("the directory of the socket was removed"));
        }
        Ok(Some(SocketDirectory {
            path: made.keep(),
            _lock: lock,
        }))
    }

    /// Where the socket is, or will be.
    pub(super) fn socket(&self) -> PathBuf {
        self.path.join(NAME)
    }
}

impl Drop for SocketDirectory {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn remove(directory: &Path) {
    let _ = std::fs::remove_file(directory.join(NAME));
    let _ = std::fs::remove_dir(directory);
}

/// Removes what killed processes of this user left.
fn sweep(top: &Path) {
    let own = rustix::process::geteuid().as_raw();
    let Ok(entries) = std::fs::read_dir(top) else {
        return;
    };
    for entry in entries.flatten() {
        let is_one = entry.file_name().as_bytes().starts_with(PREFIX.as_bytes())
            && entry
                .metadata()
                .is_ok_and(|about| about.is_dir() && about.uid() == own);
        if !is_one {
            continue;
        }
        let path = entry.path();
        let is_free = File::open(&path)
            .is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok());
        if is_free {
            remove(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_uses_is_removed() {
        let top = tempfile::tempdir().unwrap();
        let left = top.path().join(format!("{PREFIX}left"));
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join(NAME), "").unwrap();
        let other = top.path().join("other");
        std::fs::create_dir(&other).unwrap();
        let used = SocketDirectory::new_in(top.path()).unwrap().unwrap();
        let second = SocketDirectory::new_in(top.path()).unwrap().unwrap();
        assert!(!left.exists());
        assert!(used.path.exists() && second.path.exists() && other.exists());
        let mode = used.path.metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
        std::fs::write(used.socket(), "").unwrap();
        let path = used.path.clone();
        drop(used);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_whose_path_would_be_too_long_is_not_made() {
        let top = tempfile::tempdir().unwrap();
        let deep = top.path().join("x".repeat(100));
        std::fs::create_dir(&deep).unwrap();
        assert!(SocketDirectory::new_in(&deep).unwrap().is_none());
        assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 0);
    }
}
