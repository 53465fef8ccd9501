//! Files that a server refuses to remove until some time, which is put off while the files are in use.
//!
//! A file of a repository is written once and used for years, and the time for which a server keeps what it gets is
//! shorter. So the time is renewed for all files when half of it is over. The config comes last: until when it is kept
//! says that the others are, too, also to other hosts.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::SystemTime;

use super::error::{Error, ErrorKind};
use super::{FileKind, FileName, Storage};

/// How a file is kept from being removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub until: SystemTime,
    pub mode: Mode,
}

/// Who can remove a file all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Those who have a right of their own for it.
    Governance,
    /// Nobody.
    Compliance,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Nobody wants it.
    NotWanted,
    /// The server keeps no file from being removed.
    NotKept,
    /// Half of the time is not over yet: the files are kept until then, or for longer.
    NotYet(SystemTime),
    /// So many files are kept until then, or for longer.
    Renewed(usize, SystemTime),
}

/// The kinds of files that snapshots need. The config is not among them.
const NEEDED: [FileKind; 4] = [
    FileKind::Pack,
    FileKind::Index,
    FileKind::Snapshot,
    FileKind::Key,
];

/// Renews the time of all files but locks, if half of it is over. `moved` is called after each file.
///
/// # Errors
/// When one of the files cannot be kept. Then the next call begins anew.
pub fn renew(
    storage: &dyn Storage,
    now: SystemTime,
    moved: &(dyn Fn() + Sync),
) -> Result<Renewal, Error> {
    let Some(period) = storage.retains() else {
        return Ok(Renewal::NotWanted);
    };
    let Some(found) = storage.retention(FileName::CONFIG)? else {
        return Ok(Renewal::NotKept);
    };
    if found.until > now + period / 2 {
        return Ok(Renewal::NotYet(found.until));
    }
    let retention = Retention {
        until: now + period,
        ..found
    };
    let mut files = Vec::new();
    for kind in NEEDED {
        let listing = storage.list(kind)?;
        files.extend(listing.files.iter().map(|it| FileName::new(kind, it.id)));
    }
    let next = AtomicUsize::new(0);
    let has_failed = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let work = || {
        while !has_failed.load(Ordering::Relaxed) {
            let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            match storage.retain(*file, retention) {
                Ok(()) => moved(),
                // Another process has removed it.
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => {
                    has_failed.store(true, Ordering::Relaxed);
                    if let Ok(mut failure) = failure.lock() {
                        *failure = Some(error);
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..storage.traits().parallel.max(1) {
            scope.spawn(work);
        }
        work();
    });
    if let Ok(Some(error)) = failure.into_inner() {
        return Err(error);
    }
    storage.retain(FileName::CONFIG, retention)?;
    Ok(Renewal::Renewed(files.len() + 1, retention.until))
}
