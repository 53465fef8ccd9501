//! A lock on a container, as restic or another agent would have it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freezerd::repository::lock::{Held, Timing, acquire};
use freezerd::repository::open::Repository;
use freezerd::storage::local::Local;

use super::PATIENCE;

/// Locks a container exclusively, as soon as it is free, until the lock is dropped.
pub fn hold(container: &Path, password: &str) -> Held {
    let storage = Arc::new(Local::new(container));
    let repository = Repository::open(storage, password.as_bytes()).unwrap();
    let timing = Timing {
        settle: Default::default(),
        retry: Duration::from_millis(20),
        ..Timing::default()
    };
    acquire(
        &repository.storage,
        &repository.cipher,
        true,
        PATIENCE,
        timing,
        |_| true,
    )
    .unwrap()
}
