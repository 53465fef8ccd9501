//! The end of the agent before its work is done: the daemon sends SIGTERM, or is gone.
//!
//! Such an agent sends no outcome and exits with [`ENDED`]: the daemon knows why. A backup or restore ends at once,
//! since a repository stays valid at every moment; it only removes its lock. A command is told first: SIGTERM goes to the whole process group,
//! and what is left of it after the grace period gets SIGKILL.
//!
//! The kernel ties the agent's life to the *thread* that started it: the daemon must start its agents from a thread
//! that lives as long as the daemon.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::exit;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal};

use super::report::log;
use super::slot::Slot;
use crate::os;
use crate::repository::lock;

/// The exit code of an agent that was ended before its work was done: as a shell reports a SIGTERM.
pub const ENDED: i32 = 143;

/// The longest grace period that is kept.
pub(super) const LONGEST_GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// How often SIGTERM is sent again to processes that outlive their command.
const REMINDER: Duration = Duration::from_millis(500);

/// What the thread that waits for the end and the thread that works tell each other.
#[derive(Debug, Default)]
pub struct Termination {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Set while a command runs in this process group: how long it may take to end.
    grace: Option<Duration>,
    /// The end was requested.
    ending: bool,
    /// The command itself has ended; processes that it started may be left.
    command_ended: bool,
    /// The command and all that it started have ended.
    gone: bool,
    clean_up: Option<CleanUp>,
}

/// A directory that goes with this process.
#[derive(Debug)]
struct CleanUp {
    directory: PathBuf,
    remove: fn(&Path),
}

impl Termination {
    /// Makes this process the leader of a group of its own, ties its life to the daemon's, and starts the thread
    /// that waits for the end, and hears of the slot. Call it before any other thread is started.
    ///
    /// # Errors
    /// When the signal handlers or the thread cannot be set up.
    pub fn start(slot: Arc<Slot>) -> io::Result<Arc<Self>> {
        let parent = rustix::process::getppid();
        // Fails only for the leader of a session, which leads its group already.
        let _ = rustix::process::setpgid(None, None);
        let signals = os::signals_to_pipe(&[libc::SIGTERM, libc::SIGINT])?;
        rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
        if rustix::process::getppid() != parent {
            // It died before the line above.
            exit(ENDED);
        }
        let termination = Arc::new(Termination::default());
        let waiting = Arc::clone(&termination);
        std::thread::Builder::new()
            .name("termination".to_owned())
            .spawn(move || waiting.run(&signals, &slot))?;
        Ok(termination)
    }

    /// From now on a command runs, which gets this long to end.
    pub fn command_runs(&self, grace: Duration) {
        self.lock().grace = Some(grace);
    }

    /// When the end is requested, this directory is removed in this way.
    pub fn cleans_up(&self, directory: &Path, remove: fn(&Path)) {
        self.lock().clean_up = Some(CleanUp {
            directory: directory.to_owned(),
            remove,
        });
    }

    /// Whether the end was requested.
    pub fn is_requested(&self) -> bool {
        self.lock().ending
    }

    /// The command itself has ended; processes that it started may be left.
    pub fn command_has_ended(&self) {
        self.lock().command_ended = true;
    }

    /// The command and all that it started have ended.
    pub fn command_is_gone(&self) {
        self.lock().gone = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, signals: &OwnedFd, slot: &Slot) {
        let why = wait_for_the_end(signals, slot);
        let mut state = self.lock();
        state.ending = true;
        let clean_up = state.clean_up.take();
        let clean_up = || {
            if let Some(CleanUp { directory, remove }) = &clean_up {
                remove(directory);
            }
        };
        let Some(grace) = state.grace.filter(|_| !state.gone) else {
            log(&format!("{why}: ending at once"));
            lock::release_all();
            clean_up();
            exit(ENDED);
        };
        log(&format!("{why}: telling the command to end"));
        let group = rustix::process::getpgrp();
        let _ = rustix::process::kill_process_group(group, Signal::TERM);
        let deadline = Instant::now() + grace.min(LONGEST_GRACE);
        while !state.gone {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                log("the command did not end in time: killing it and all that it started");
                kill_group(group);
                break;
            }
            let (next, _) = self
                .changed
                .wait_timeout_while(state, left.min(REMINDER), |state| !state.gone)
                .unwrap_or_else(PoisonError::into_inner);
            state = next;
            if state.command_ended && !state.gone {
                // A shell loses a signal that arrives while it starts a program.
                let _ = rustix::process::kill_process_group(group, Signal::TERM);
            }
        }
        clean_up();
        exit(ENDED);
    }
}

/// Kills the group. This process joins its parent's group before, if it can; otherwise it is killed too.
fn kill_group(group: Pid) {
    let parents =
        rustix::process::getppid().and_then(|parent| rustix::process::getpgid(Some(parent)).ok());
    if let Some(parents) = parents {
        let _ = rustix::process::setpgid(None, Some(parents));
    }
    let _ = rustix::process::kill_process_group(group, Signal::KILL);
}

/// Waits until a signal arrives or the daemon closes the pipe. Returns which, for the log.
fn wait_for_the_end(signals: &OwnedFd, slot: &Slot) -> &'static str {
    let stdin = io::stdin();
    let mut buffer = [0; 256];
    loop {
        let mut ready = [
            PollFd::new(signals, PollFlags::IN),
            PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN),
        ];
        if poll(&mut ready, None).is_err() {
            continue;
        }
        if !ready[0].revents().is_empty() {
            return "told to end";
        }
        if ready[1].revents().is_empty() {
            continue;
        }
        // After the request, the daemon only answers that there is a slot. An error counts as an end.
        match rustix::io::read(stdin.as_fd(), &mut buffer) {
            Ok(1..) => slot.given(),
            Ok(0) | Err(_) => return "the daemon, or the command that started this, is gone",
        }
    }
}
