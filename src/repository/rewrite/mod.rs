//! What prune and repair share: blobs go to new packs, a new index replaces the old one, files are removed. Each step is
//! durable before the next begins.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::Error;
use super::progress::Observer;
use crate::kill_point::{self, Point};
use crate::storage::error::ErrorKind as StorageErrorKind;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage};

pub mod copy;
pub mod index;

/// Asks whether the exclusive lock still holds: called before every file that is written or removed.
pub type Confirm<'a> = &'a (dyn Fn() -> Result<(), Error> + Sync);

/// Runs `work` for every place below `count`, on so many threads. After an error no thread takes another place.
///
/// # Errors
/// The first error of any thread.
pub fn in_parallel<S>(
    count: usize,
    threads: usize,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let run = || {
        let mut state = start();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= count {
                return;
            }
            if let Err(error) = work(&mut state, place) {
                // The others find nothing more to do.
                next.store(count, Ordering::Relaxed);
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert(error);
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.clamp(1, count.max(1)) {
            // Without it, the others do more.
            let _ = std::thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// How many threads read and compute: one for each processor, and as many as the storage can use.
pub fn workers(storage: &dyn Storage) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    processors.max(storage.traits().parallel)
}

/// Removes files, durably. Files that are gone already are not an error.
///
/// # Errors
/// When the lock is lost or a file cannot be removed: some may be removed, and some not.
pub fn remove(
    storage: &dyn Storage,
    kind: FileKind,
    ids: &[Id],
    confirm: Confirm<'_>,
    observer: &dyn Observer,
) -> Result<(), Error> {
    let threads = storage.traits().parallel;
    let removed = in_parallel(
        ids.len(),
        threads,
        || (),
        |(), place| {
            confirm()?;
            match storage.remove(FileName::new(kind, ids[place])) {
                Err(error) if error.kind != StorageErrorKind::NotFound => Err(error.into()),
                _ => {
                    match kind {
                        FileKind::Index => kill_point::reached(Point::IndexRemoved),
                        FileKind::Pack => kill_point::reached(Point::PackRemoved),
                        _ => {}
                    }
                    observer.advance(1);
                    Ok(())
                }
            }
        },
    );
    storage.sync()?;
    removed
}
