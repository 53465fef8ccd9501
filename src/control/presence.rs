//! Whether a daemon works on a state directory: a lock that the kernel lets go when its holder dies.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, test_kill_process};

use super::layout::Layout;

/// How long a lock is waited for whose holder is dead: a child that it was just starting when it was killed has the
/// lock, too, until it has become another program.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// The daemon's hold on its state directory.
#[derive(Debug)]
pub struct Presence {
    _lock: File,
}

/// Why the state directory could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PresenceError {
    /// Another daemon has it.
    #[error(
        "another freezerd (process {holder}) already works on {state}; stop it first, or name another --state-dir"
    )]
    Taken {
        /// Its process id, as far as it is known.
        holder: String,
        /// The directory.
        state: String,
    },
    /// The lock file could not be used.
    #[error("cannot lock {path}: {source}")]
    Lock {
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
}

impl Presence {
    /// Takes the state directory.
    pub fn claim(layout: &Layout) -> Result<Presence, PresenceError> {
        let path = layout.lock();
        let fail = |source| PresenceError::Lock {
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
                        return Err(PresenceError::Taken {
                            holder,
                            state: layout.state().display().to_string(),
                        });
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(fail(error.into())),
            }
        }
        // The lock holds without it: on a full disk the holder is unknown, and there all the same.
        let _ = file
            .set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Presence { _lock: file })
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let text = text.trim();
    if text.is_empty() {
        "?".to_owned()
    } else {
        text.to_owned()
    }
}

/// Whether the process that a lock file names is there. One that cannot be told is taken to be.
fn runs(holder: &str) -> bool {
    let pid = holder.parse().ok().and_then(Pid::from_raw);
    pid.is_none_or(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Whether a daemon works on this state directory now.
pub fn is_running(layout: &Layout) -> bool {
    let Ok(file) = File::open(layout.lock()) else {
        return false;
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => false,
        Err(error) => error == rustix::io::Errno::WOULDBLOCK,
    }
}
