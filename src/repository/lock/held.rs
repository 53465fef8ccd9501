//! A lock that this process has: refreshed by a thread of its own, removed when it is dropped.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use super::files::{other_locks, remove, write};
use super::{Holders, LockFile, Timing, verdict_on};
use crate::repository::crypto::Cipher;
use crate::repository::error::{Doing, Error, ErrorKind, What};
use crate::repository::time::Time;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage};

/// A lock. Ask [`Held::confirm`] before anything is written that relies on it.
pub struct Held {
    shared: Arc<Shared>,
    refresher: Option<JoinHandle<()>>,
}

struct Shared {
    storage: Arc<dyn Storage>,
    cipher: Arc<Cipher>,
    timing: Timing,
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    lock: LockFile,
    id: Id,
    /// Lock files of before that could not be removed yet.
    old: Vec<Id>,
    /// By the system's clock: a monotonic one stands still while the host sleeps, and the lock ages.
    refreshed: SystemTime,
    lost: bool,
    ended: bool,
    /// When the listing shows a lock that came to be at the same time; `None`: it was looked at.
    second_look: Option<Instant>,
}

/// How often the second look is repeated while it shows another lock. Its owner sees this one, and goes.
const LOOKS: usize = 12;

/// All locks of this process, for [`release_all`].
static ALL: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// Removes the locks of this process, which is about to exit: nothing may be written any more. Errors are ignored: a
/// lock that stays is stale as soon as the process is gone.
pub fn release_all() {
    let all = std::mem::take(&mut *ALL.lock().unwrap_or_else(PoisonError::into_inner));
    for shared in all.iter().filter_map(Weak::upgrade) {
        shared.release();
    }
}

impl Held {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        cipher: Arc<Cipher>,
        lock: LockFile,
        id: Id,
        timing: Timing,
    ) -> Held {
        let shared = Arc::new(Shared {
            storage,
            cipher,
            timing,
            state: Mutex::new(State {
                lock,
                id,
                old: Vec::new(),
                refreshed: SystemTime::now(),
                lost: false,
                ended: false,
                second_look: None,
            }),
            ended: Condvar::new(),
        });
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|shared| shared.strong_count() > 0);
        all.push(Arc::downgrade(&shared));
        drop(all);
        let of_thread = Arc::clone(&shared);
        // Without the thread, the lock is given up in time: see `confirm`.
        let refresher = std::thread::Builder::new()
            .name("lock".into())
            .spawn(move || of_thread.keep_fresh())
            .ok();
        Held { shared, refresher }
    }

    /// The id of the lock file, which changes with every refresh.
    pub fn id(&self) -> Id {
        self.shared.state().id
    }

    /// True if the lock excludes every other lock.
    pub fn is_exclusive(&self) -> bool {
        self.shared.state().lock.exclusive
    }

    /// Leaves it to [`Held::confirm`] to look for locks that were taken at the same time.
    pub(super) fn look_again_later(&self) {
        let due = Instant::now() + self.shared.timing.settle.shared;
        self.shared.state().second_look = Some(due);
    }

    /// Asks whether the lock still holds.
    ///
    /// # Errors
    /// `LockLost` when another process removed it, or when it could not be refreshed in time. `Locked` when an exclusive
    /// lock was taken at the same time, and stays. When the storage fails at the second look.
    pub fn confirm(&self) -> Result<(), Error> {
        let due = self.shared.state().second_look;
        if let Some(due) = due {
            self.shared.look_again(due)?;
            self.shared.state().second_look = None;
        }
        let mut state = self.shared.state();
        state.lost |= self.shared.is_too_old(&state);
        match state.lost {
            false => Ok(()),
            true => {
                let file = FileName::new(FileKind::Lock, state.id);
                Err(Error::new(
                    ErrorKind::LockLost,
                    Doing::Lock,
                    What::File(file),
                ))
            }
        }
    }

    /// Refreshes the lock now, as the thread does by itself.
    ///
    /// # Errors
    /// When the storage fails; the lock may still hold.
    pub fn refresh(&self) -> Result<(), Error> {
        self.shared.refresh()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for locks that were taken at the same time.
    fn look_again(&self, due: Instant) -> Result<(), Error> {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let mut looks = 1;
        loop {
            // Nobody waits for this meanwhile: the lock can be removed at any time.
            let (own, exclusive) = {
                let state = self.state();
                (state.id, state.lock.exclusive)
            };
            let found = other_locks(&*self.storage, &self.cipher, Some(own))?;
            let others = verdict_on(&found, exclusive, Time::now());
            if others.blocking.is_empty() {
                return Ok(());
            }
            if looks == LOOKS {
                return Err(Error::new(ErrorKind::Locked, Doing::Lock, What::Repository)
                    .with(Holders(others.blocking)));
            }
            looks += 1;
            std::thread::sleep(self.timing.retry);
        }
    }

    fn is_too_old(&self, state: &State) -> bool {
        // A clock that was set back says nothing.
        state
            .refreshed
            .elapsed()
            .is_ok_and(|age| age > self.timing.give_up)
    }

    fn keep_fresh(&self) {
        let mut state = self.state();
        loop {
            // The lock may be over before this thread begins.
            let waited = self
                .ended
                .wait_timeout_while(state, self.timing.refresh, |state| !state.ended);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.ended || state.lost {
                return;
            }
            drop(state);
            // What fails now is tried again after the same time, and noticed by `confirm` when it is too late.
            let _ = self.refresh();
            state = self.state();
        }
    }

    /// Writes a new lock file and removes the old one. An old one that is gone was removed as stale, and somebody may
    /// have taken an exclusive lock since.
    fn refresh(&self) -> Result<(), Error> {
        let mut state = self.state();
        if state.lost || state.ended {
            return Ok(());
        }
        let present = self
            .storage
            .list(FileKind::Lock)?
            .files
            .iter()
            .any(|file| file.id == state.id);
        if !present {
            state.lost = true;
            return Ok(());
        }
        state.lock.time = Time::now();
        let new = write(&*self.storage, &self.cipher, &state.lock)?;
        let old = std::mem::replace(&mut state.id, new);
        state.refreshed = SystemTime::now();
        state.old.push(old);
        self.remove_old(&mut state)
    }

    /// Removes the lock files. One that stays is stale in half an hour, or as soon as this process is gone.
    fn release(&self) {
        let mut state = self.state();
        state.ended = true;
        state.lost = true;
        let id = state.id;
        if !state.old.contains(&id) {
            state.old.push(id);
        }
        let _ = self.remove_old(&mut state);
    }

    /// Tries all of them, and keeps those that stay for the next time.
    fn remove_old(&self, state: &mut State) -> Result<(), Error> {
        let mut failed = Ok(());
        state.old.retain(|id| match remove(&*self.storage, *id) {
            Ok(()) => false,
            Err(error) => {
                failed = Err(error);
                true
            }
        });
        failed
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({})", self.id())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.state().ended = true;
        self.shared.ended.notify_all();
        if let Some(refresher) = self.refresher.take() {
            let _ = refresher.join();
        }
        self.shared.release();
    }
}
