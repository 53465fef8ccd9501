//! The lock of a running daemon on its state directory. The kernel releases it when the daemon ends, even after a
//! crash.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, test_kill_process};

use serde::Serialize;

use super::layout::Layout;

/// How long to wait for the lock of a dead daemon. If it was killed while it started a child, the child also holds the
/// lock until it executes its own program.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause between two attempts to take the lock.
const PAUSE: Duration = Duration::from_millis(10);

/// The lock on a state directory. It is held until this value is dropped.
#[derive(Debug)]
pub struct DaemonLock {
    file: File,
}

/// Why the state directory could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum DaemonLockError {
    /// Another daemon holds the lock.
    #[error(
        "another freezerd (process {holder}) already uses {state}; stop it first, or choose another --state-dir"
    )]
    Taken {
        /// The daemon's process id, or `?` when it is unknown.
        holder: String,
        /// The path of the state directory.
        state: String,
    },
    /// The lock file cannot be opened or locked.
    #[error("cannot lock {path}: {source}")]
    Lock {
        /// The path of the lock file.
        path: String,
        source: io::Error,
    },
}

impl DaemonLock {
    /// Takes the lock on the state directory.
    pub fn claim(layout: &Layout) -> Result<DaemonLock, DaemonLockError> {
        let path = layout.lock();
        let fail = |source| DaemonLockError::Lock {
            path: path.display().to_string(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(fail)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let holder = holder(&mut file);
                    if Instant::now() >= deadline || runs(&holder) {
                        return Err(DaemonLockError::Taken {
                            holder,
                            state: layout.state().display().to_string(),
                        });
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(fail(error.into())),
            }
        }
        let text = format!(
            "{}\n{}\n{}\n",
            std::process::id(),
            env!("CARGO_PKG_VERSION"),
            Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
        );
        // The lock does not depend on this text. On a full disk only the name of the holder is missing.
        let _ = file
            .rewind()
            .and_then(|()| file.set_len(0))
            .and_then(|()| file.write_all(text.as_bytes()));
        Ok(DaemonLock { file })
    }

    /// The metadata of the lock file, which may have lost its name.
    ///
    /// # Errors
    /// When the system does not tell it.
    pub fn metadata(&self) -> io::Result<std::fs::Metadata> {
        self.file.metadata()
    }
}

/// The daemon that holds the lock, as the lock file names it. The file has one line for each field. Earlier versions
/// wrote only the process id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Holder {
    pub pid: Option<u32>,
    /// The daemon's version.
    pub version: Option<String>,
    /// When the daemon started.
    pub since: Option<DateTime<Utc>>,
}

impl Holder {
    /// This process, as a daemon that started at this instant.
    pub fn this(since: DateTime<Utc>) -> Holder {
        Holder {
            pid: Some(std::process::id()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            since: Some(since),
        }
    }

    fn read(text: &str) -> Holder {
        let mut lines = text.lines().map(str::trim);
        let mut next = || lines.next().filter(|line| !line.is_empty());
        Holder {
            pid: next().and_then(|line| line.parse().ok()),
            version: next().map(str::to_owned),
            since: next().and_then(|line| line.parse().ok()),
        }
    }
}

/// The running daemon of this state directory. `None`: no daemon is running.
///
/// # Errors
/// When the lock file cannot be opened or read. It is then unknown whether a daemon is running.
pub fn running(layout: &Layout) -> io::Result<Option<Holder>> {
    let mut file = match File::open(layout.lock()) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(None),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(Some(Holder::read(&text)))
        }
        Err(error) => Err(error.into()),
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
    match text.lines().next().map(str::trim) {
        Some(pid) if !pid.is_empty() => pid.to_owned(),
        _ => "?".to_owned(),
    }
}

/// Whether the process with this id exists. When that is unknown, the answer is yes.
fn runs(holder: &str) -> bool {
    let pid = holder.parse().ok().and_then(Pid::from_raw);
    pid.is_none_or(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Whether a daemon of this state directory is running. When that is unknown, the answer is no.
pub fn is_running(layout: &Layout) -> bool {
    running(layout).is_ok_and(|holder| holder.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_of_an_earlier_version_names_the_process_alone() {
        let now = Holder::read("12\n0.2.0\n2026-11-24T03:25:00Z\n");
        assert_eq!((now.pid, now.version.as_deref()), (Some(12), Some("0.2.0")));
        assert!(now.since.is_some());
        let earlier = Holder::read("12\n");
        assert_eq!(
            (earlier.pid, earlier.version, earlier.since),
            (Some(12), None, None)
        );
        assert_eq!(Holder::read(""), Holder::default());
    }

    #[test]
    fn the_daemon_that_has_the_directory_is_named_as_long_as_it_has_it() {
        let top = tempfile::tempdir().unwrap();
        let layout = Layout::new(top.path(), top.path());
        assert_eq!(running(&layout).unwrap(), None, "no lock file");
        let presence = DaemonLock::claim(&layout).unwrap();
        let holder = running(&layout).unwrap().expect("it is held");
        assert_eq!(holder.pid, Some(std::process::id()));
        assert_eq!(holder.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
        drop(presence);
        assert_eq!(running(&layout).unwrap(), None, "the lock was released");
    }
}
