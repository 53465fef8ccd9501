//! restic's lock files. Those who read or add take a shared lock, those who remove take an exclusive one.
//!
//! [`acquire`] takes a lock, [`Held`] keeps it fresh and removes it, and [`verdict_on`] decides, without reading anything,
//! what the locks of others mean.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Damage;
use super::time::Time;
use crate::storage::id::Id;

mod acquire;
mod files;
mod held;

pub use acquire::acquire;
pub use files::{found_locks, remove};
pub use held::{Held, release_all};

/// A lock that was not refreshed for so long is stale.
const STALE_AFTER: i64 = 30 * 60;

/// A lock file's document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockFile {
    /// When it was refreshed last.
    pub time: Time,
    pub exclusive: bool,
    #[serde(default)]
    pub hostname: String,
    #[serde(default)]
    pub username: String,
    #[serde(default)]
    pub pid: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uid: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gid: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How often things are done. The default is what restic does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between writing the lock and looking for others that were written at the same time. Of two that exclude each
    /// other, one sees the other if a listing lags by no more than half of both times together.
    pub settle: Settle,
    /// Between two tries while another process has a lock.
    pub retry: Duration,
    pub refresh: Duration,
    /// After so long without a refresh the lock is given up: soon it is stale for others.
    pub give_up: Duration,
}

/// How long the writer of a lock waits before it looks for others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settle {
    pub shared: Duration,
    pub exclusive: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            settle: Settle {
                shared: Duration::from_millis(200),
                exclusive: Duration::from_millis(200),
            },
            retry: Duration::from_secs(2),
            refresh: Duration::from_secs(5 * 60),
            give_up: Duration::from_secs(22 * 60),
        }
    }
}

/// A lock file that lies in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub id: Id,
    /// When the storage says that it was written.
    pub written: Option<Time>,
    pub state: FoundState,
}

/// What a lock file of the repository contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundState {
    Readable {
        lock: LockFile,
        /// Whether its process lives; `None` when it runs on another host.
        alive: Option<bool>,
    },
    /// What a storage leaves whose writes are not atomic.
    Empty,
    /// `None` when the storage failed.
    Unreadable(Option<Damage>),
}

/// What the locks of others mean for a new lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherLocks {
    /// They must go first.
    pub blocking: Vec<Found>,
    /// Their processes are gone: they can be removed.
    pub stale: Vec<Id>,
    /// They are to be reported: nobody knows whose they are.
    pub unreadable: Vec<Id>,
}

/// Whether a lock can be removed: its process is gone, or nobody refreshed it for half an hour. A lock that cannot be
/// read is judged by the age of its file.
pub fn is_stale(found: &Found, now: Time) -> bool {
    let is_old = |time: Time| time.seconds_until(now) > STALE_AFTER;
    match &found.state {
        FoundState::Readable { lock, alive } => is_old(lock.time) || *alive == Some(false),
        FoundState::Empty | FoundState::Unreadable(_) => found.written.is_some_and(is_old),
    }
}

/// Decides about a new lock beside those that were found; without I/O.
///
/// A lock that cannot be read blocks an exclusive one until it is as old as a stale one: it may be that of a process
/// that lives. An empty one blocks nothing, as in restic.
pub fn verdict_on(found: &[Found], exclusive: bool, now: Time) -> OtherLocks {
    let mut verdict = OtherLocks::default();
    let is_old = |time: Time| time.seconds_until(now) > STALE_AFTER;
    for other in found {
        match &other.state {
            FoundState::Readable { lock, alive } => {
                if is_old(lock.time) || *alive == Some(false) {
                    verdict.stale.push(other.id);
                } else if exclusive || lock.exclusive {
                    verdict.blocking.push(other.clone());
                }
            }
            FoundState::Empty => verdict.unreadable.push(other.id),
            FoundState::Unreadable(_) => {
                verdict.unreadable.push(other.id);
                let is_new = other.written.is_some_and(|written| !is_old(written));
                if exclusive && is_new {
                    verdict.blocking.push(other.clone());
                }
            }
        }
    }
    verdict
}

/// The locks for which nobody waits any longer: the cause of an error of kind `Locked`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders(pub Vec<Found>);

impl fmt::Display for Holders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, holder) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            match &holder.state {
                FoundState::Readable { lock, .. } => {
                    let kind = if lock.exclusive {
                        "exclusive"
                    } else {
                        "shared"
                    };
                    write!(
                        f,
                        "process {} of {} on {} has the {kind} lock {} since {}",
                        lock.pid, lock.username, lock.hostname, holder.id, lock.time
                    )?;
                }
                _ => write!(f, "the lock {} cannot be read", holder.id)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Holders {}

#[cfg(test)]
mod tests;
