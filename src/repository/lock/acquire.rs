//! Taking a lock: look, write, wait a little, look again. The second look decides.
//!
//! Who takes a shared lock does not wait: [`Held::confirm`] takes the second look, before anything is written that
//! relies on the lock. Who takes an exclusive lock sees the shared one before that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{getgid, getpid, getuid};

use super::files::{hostname, other_locks, remove, write};
use super::{Held, Holders, LockFile, OtherLocks, Timing, verdict_on};
use crate::repository::crypto::{Cipher, fill_random};
use crate::repository::error::{Doing, Error, ErrorKind, What};
use crate::repository::time::Time;
use crate::storage::Storage;
use crate::storage::id::Id;

/// Takes a lock. While others are in the way, `waiting` is told about them before every wait; it ends the wait with
/// `false`. Stale locks are removed.
///
/// # Errors
/// `Locked` when others are still in the way after `patience`, with [`Holders`] as the cause.
pub fn acquire(
    storage: &Arc<dyn Storage>,
    cipher: &Arc<Cipher>,
    exclusive: bool,
    patience: Duration,
    timing: Timing,
    mut waiting: impl FnMut(&OtherLocks) -> bool,
) -> Result<Held, Error> {
    let started = Instant::now();
    // A shared lock is in nobody's way for the moment until it is seen that others are in its own. So the first look,
    // which costs a request, can be left out.
    let mut looks_first = exclusive || !storage.traits().remote;
    loop {
        let tried = attempt(storage, cipher, exclusive, looks_first, timing)?;
        looks_first = true;
        let verdict = match tried {
            Ok(held) => return Ok(held),
            Err(verdict) => verdict,
        };
        let left = patience.saturating_sub(started.elapsed());
        if left.is_zero() || !waiting(&verdict) {
            return Err(Error::new(ErrorKind::Locked, Doing::Lock, What::Repository)
                .with(Holders(verdict.blocking)));
        }
        std::thread::sleep(jitter(timing.retry).min(left));
    }
}

/// One try: the lock, or what is in its way.
fn attempt(
    storage: &Arc<dyn Storage>,
    cipher: &Arc<Cipher>,
    exclusive: bool,
    looks_first: bool,
    timing: Timing,
) -> Result<Result<Held, OtherLocks>, Error> {
    if looks_first {
        let verdict = verdict_on_others(storage, cipher, exclusive, None)?;
        if !verdict.blocking.is_empty() {
            return Ok(Err(verdict));
        }
        remove_stale(&**storage, &verdict)?;
    }
    let lock = mine(exclusive);
    let id = write(&**storage, cipher, &lock)?;
    // From here on it is removed whatever happens.
    let held = Held::new(Arc::clone(storage), Arc::clone(cipher), lock, id, timing);
    if exclusive {
        std::thread::sleep(timing.settle.exclusive);
    }
    let verdict = verdict_on_others(storage, cipher, exclusive, Some(id))?;
    if !verdict.blocking.is_empty() {
        return Ok(Err(verdict));
    }
    remove_stale(&**storage, &verdict)?;
    if !exclusive && !timing.settle.shared.is_zero() {
        held.look_again_later();
    }
    Ok(Ok(held))
}

fn remove_stale(storage: &dyn Storage, verdict: &OtherLocks) -> Result<(), Error> {
    verdict.stale.iter().try_for_each(|id| remove(storage, *id))
}

/// Two processes that wait for the same lock do not try at the same time again and again.
fn jitter(time: Duration) -> Duration {
    let mut random = [0; 1];
    let _ = fill_random(&mut random);
    time.mul_f64(0.75 + f64::from(random[0]) / 512.0)
}

fn verdict_on_others(
    storage: &Arc<dyn Storage>,
    cipher: &Cipher,
    exclusive: bool,
    own: Option<Id>,
) -> Result<OtherLocks, Error> {
    let found = other_locks(&**storage, cipher, own)?;
    Ok(verdict_on(&found, exclusive, Time::now()))
}

fn mine(exclusive: bool) -> LockFile {
    let uid = getuid().as_raw();
    LockFile {
        time: Time::now(),
        exclusive,
        hostname: hostname(),
        username: crate::os::user_name(uid).unwrap_or_default(),
        pid: i64::from(getpid().as_raw_nonzero().get()),
        uid,
        gid: getgid().as_raw(),
    }
}
