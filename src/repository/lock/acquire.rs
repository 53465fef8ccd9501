//! Taking a lock: look, write, wait a little, look again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, getgid, getpid, getuid, test_kill_process};

use super::{Found, FoundState, Held, Holders, LockFile, Timing, Verdict, judge};
use crate::repository::crypto::{Cipher, fill_random};
use crate::repository::error::{Damage, Doing, Error, ErrorKind, What};
use crate::repository::time::Time;
use crate::repository::unpacked;
use crate::storage::error::ErrorKind as StorageErrorKind;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage};

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
    mut waiting: impl FnMut(&Verdict) -> bool,
) -> Result<Held, Error> {
    let started = Instant::now();
    loop {
        let verdict = match attempt(storage, cipher, exclusive, timing)? {
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
    timing: Timing,
) -> Result<Result<Held, Verdict>, Error> {
    let verdict = look(storage, cipher, exclusive, None)?;
    if !verdict.blocking.is_empty() {
        return Ok(Err(verdict));
    }
    for stale in &verdict.stale {
        remove(&**storage, *stale)?;
    }
    let lock = mine(exclusive);
    let id = write(&**storage, cipher, &lock)?;
    // From here on it is removed whatever happens.
    let held = Held::new(Arc::clone(storage), Arc::clone(cipher), lock, id, timing);
    std::thread::sleep(timing.settle);
    let verdict = look(storage, cipher, exclusive, Some(id))?;
    match verdict.blocking.is_empty() {
        true => Ok(Ok(held)),
        false => Ok(Err(verdict)),
    }
}

/// Two processes that wait for the same lock do not try at the same time again and again.
fn jitter(time: Duration) -> Duration {
    let mut random = [0; 1];
    let _ = fill_random(&mut random);
    time.mul_f64(0.75 + f64::from(random[0]) / 512.0)
}

fn look(
    storage: &Arc<dyn Storage>,
    cipher: &Cipher,
    exclusive: bool,
    own: Option<Id>,
) -> Result<Verdict, Error> {
    let mut found = found_locks(&**storage, cipher)?;
    found.retain(|found| Some(found.id) != own);
    Ok(judge(&found, exclusive, Time::now()))
}

/// All lock files, also those that cannot be read.
///
/// # Errors
/// When they cannot be listed.
pub fn found_locks(storage: &dyn Storage, cipher: &Cipher) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for listed in storage.list(FileKind::Lock)?.files {
        let name = FileName::new(FileKind::Lock, listed.id);
        let state = if listed.size == 0 {
            FoundState::Empty
        } else {
            match read(storage, cipher, name) {
                Ok(lock) => {
                    let alive = is_alive(&lock);
                    FoundState::Readable { lock, alive }
                }
                Err(error) => match error.kind {
                    // Removed since the listing.
                    ErrorKind::Storage(StorageErrorKind::NotFound) => continue,
                    ErrorKind::Damaged(damage) => FoundState::Unreadable(Some(damage)),
                    _ => FoundState::Unreadable(None),
                },
            }
        };
        found.push(Found {
            id: listed.id,
            written: listed.modified.map(Time::from),
            state,
        });
    }
    Ok(found)
}

fn read(storage: &dyn Storage, cipher: &Cipher, name: FileName) -> Result<LockFile, Error> {
    let document = unpacked::read(storage, cipher, name)?;
    serde_json::from_slice(&document).map_err(|cause| Error::file(Damage::Json, name).with(cause))
}

/// Whether the lock's process lives, if it runs here. A signal that is not sent asks the kernel.
fn is_alive(lock: &LockFile) -> Option<bool> {
    if lock.hostname != hostname() {
        return None;
    }
    let pid = i32::try_from(lock.pid).ok().and_then(Pid::from_raw)?;
    match test_kill_process(pid) {
        Err(rustix::io::Errno::SRCH) => Some(false),
        // Also one that belongs to another user.
        _ => Some(true),
    }
}

fn hostname() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
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

/// Writes a lock file, which is there for others when this returns.
pub(super) fn write(storage: &dyn Storage, cipher: &Cipher, lock: &LockFile) -> Result<Id, Error> {
    let document = serde_json::to_vec(lock)
        .map_err(|cause| Error::damaged(Damage::Json, What::Repository).with(cause))?;
    unpacked::write(storage, cipher, FileKind::Lock, &document)
}

/// Removes a lock file; one that is gone is no error.
pub(super) fn remove(storage: &dyn Storage, id: Id) -> Result<(), Error> {
    match storage.remove(FileName::new(FileKind::Lock, id)) {
        Err(error) if error.kind != StorageErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
