//! The end of a command before its work is done. Its lock would keep others away from the repository until it is stale,
//! so the thread that hears the signal removes it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::{Lock, SessionError};
use crate::agent::lock::timing;
use crate::os;
use crate::repository::error::{Error, ErrorKind};
use crate::repository::lock::{Held, acquire};
use crate::repository::open::Repository;
use crate::storage::error::ErrorKind as StorageErrorKind;

/// How long a command waits for the locks of others.
pub(super) const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// The signals that end a command.
const SIGNALS: [i32; 2] = [libc::SIGINT, libc::SIGTERM];

/// Those of this process.
static STARTED: OnceLock<Arc<Interrupts>> = OnceLock::new();

/// What the thread that hears signals and the thread that works tell each other.
#[derive(Debug, Default)]
pub struct Interrupts {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// A lock file is being written, or looked for beside others.
    locking: bool,
    /// One for each container that the command has locked.
    held: Vec<Held>,
    /// A signal has come.
    ending: bool,
    /// A file that must not stay.
    unfinished: Option<PathBuf>,
}

impl Interrupts {
    /// Starts the thread that waits for signals. There is one in a process, also for a command that opens one container after
    /// the other.
    ///
    /// # Errors
    /// When the handlers or the thread cannot be set up.
    pub(super) fn start() -> io::Result<Arc<Interrupts>> {
        if let Some(started) = STARTED.get() {
            return Ok(Arc::clone(started));
        }
        // restic asks whether the process of a lock lives by sending it this signal.
        os::disregard_hangup()?;
        let signals = os::signals_to_pipe(&SIGNALS)?;
        let interrupts = Arc::new(Interrupts::default());
        let waiting = Arc::clone(&interrupts);
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || waiting.run(&signals))?;
        let _ = STARTED.set(Arc::clone(&interrupts));
        Ok(interrupts)
    }

    fn run(&self, signals: &OwnedFd) {
        let mut byte = [0; 1];
        let signal = loop {
            match rustix::io::read(signals, &mut byte) {
                Ok(1..) => break i32::from(byte[0]),
                Err(rustix::io::Errno::INTR) => {}
                // The pipe never ends: this process has its other end.
                _ => return,
            }
        };
        let mut state = self.state();
        state.ending = true;
        self.changed.notify_all();
        while state.locking {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(file) = state.unfinished.take() {
            let _ = std::fs::remove_file(file);
        }
        state.held.clear();
        // The state stays locked, so nobody takes another lock.
        exit(128 + signal);
    }

    /// Takes a lock, and waits while others are in the way. A storage that cannot be written needs no shared lock:
    /// whoever removes something from it writes a lock first.
    pub(super) fn lock(
        &self,
        repository: &Repository,
        lock: Lock,
        say: &dyn Fn(&str),
    ) -> Result<(), SessionError> {
        if lock == Lock::None {
            return Ok(());
        }
        let started = Instant::now();
        let timing = timing(&*repository.storage);
        let mut told = false;
        loop {
            self.begin_locking();
            let taken = acquire(
                &repository.storage,
                &repository.cipher,
                lock == Lock::Exclusive,
                Duration::ZERO,
                timing,
                |_| false,
            );
            let mut state = self.state();
            state.locking = false;
            self.changed.notify_all();
            let error = match taken {
                Ok(held) => {
                    state.held.push(held);
                    return Ok(());
                }
                Err(error) => error,
            };
            if lock == Lock::Shared && is_not_writable(&error) {
                drop(state);
                say("note: the container cannot be written, so it is read without a lock");
                return Ok(());
            }
            if error.kind != ErrorKind::Locked || started.elapsed() > PATIENCE {
                return Err(error.into());
            }
            if !told {
                told = true;
                say(&format!("waiting: {error}"));
            }
            drop(
                self.changed
                    .wait_timeout_while(state, timing.retry, |state| !state.ending),
            );
        }
    }

    /// Once a signal has come, this does not return: the process ends.
    fn begin_locking(&self) {
        let state = self.state();
        let waited = self.changed.wait_while(state, |state| state.ending);
        waited.unwrap_or_else(PoisonError::into_inner).locking = true;
    }

    pub(super) fn remove_when_interrupted(&self, file: Option<&Path>) {
        self.state().unfinished = file.map(Path::to_owned);
    }

    /// Asks whether the locks still hold. Once a signal has come, this does not return: the process ends, and nothing
    /// more is written.
    pub(super) fn confirm(&self) -> Result<(), Error> {
        self.state().held.iter().try_for_each(Held::confirm)
    }

    /// Removes the locks.
    pub(super) fn release(&self) {
        let held = std::mem::take(&mut self.state().held);
        drop(held);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the container takes no file, not even a small one.
fn is_not_writable(error: &Error) -> bool {
    use StorageErrorKind::{Denied, NoSpace, ReadOnly};
    matches!(error.kind, ErrorKind::Storage(ReadOnly | Denied | NoSpace))
}
