//! Replaces snapshot files by others of the same trees. No data is read or written.

use std::collections::HashMap;

use super::error::Error;
use super::forget::forget;
use super::open::Repository;
use super::rewrite::Confirm;
use super::snapshot::{Snapshot, read_all};
use crate::kill_point::{self, Point};
use crate::storage::id::Id;

/// What became of a snapshot that was to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// A new file takes its place.
    New(Id),
    /// A replacement that was interrupted had written the new file already.
    Before(Id),
}

/// Writes each snapshot that `change` changes anew, and removes the old files when all new ones are durable. It may be
/// interrupted at any time: each snapshot is there then, once or twice, and the same replacement finishes the work.
///
/// A new snapshot names the first one as its `original`, as restic does. A parent that is replaced has its new id in it.
/// Returns the ids of the old snapshots, oldest first. Files that cannot be read stay as they are.
///
/// # Errors
/// When the repository cannot be written, or the lock is lost.
pub fn replace(
    repository: &Repository,
    change: &dyn Fn(Id, &Snapshot) -> Option<Snapshot>,
    confirm: Confirm<'_>,
) -> Result<Vec<(Id, Replaced)>, Error> {
    repository.writable()?;
    let (storage, cipher) = (&*repository.storage, &*repository.cipher);
    let all = read_all(storage, cipher)?.into_iter();
    let mut known: Vec<(Id, Snapshot)> = all.filter_map(|(id, it)| Some((id, it.ok()?))).collect();
    known.sort_by_key(|(id, it)| (it.time.seconds, it.time.nanoseconds, *id));
    let changed: Vec<(Id, Snapshot)> = known
        .iter()
        .filter_map(|(id, old)| {
            let new = change(*id, old)?;
            let original = Some(old.original.unwrap_or(*id));
            Some((*id, Snapshot { original, ..new }))
        })
        .collect();

    let mut ids: HashMap<Id, Id> = HashMap::new();
    let mut replaced = Vec::new();
    for (old, mut new) in changed {
        let before = known
            .iter()
            .find(|(id, it)| *id != old && is_same(it, &new));
        let became = match before {
            Some((id, _)) => Replaced::Before(*id),
            None => {
                // The parent is older, so it has its new id by now.
                new.parent = new.parent.map(|id| ids.get(&id).copied().unwrap_or(id));
                confirm()?;
                kill_point::reached(Point::SnapshotBegins);
                Replaced::New(new.write(storage, cipher)?)
            }
        };
        let (Replaced::New(id) | Replaced::Before(id)) = became;
        ids.insert(old, id);
        replaced.push((old, became));
    }
    let old: Vec<Id> = replaced.iter().map(|(old, _)| *old).collect();
    match forget(storage, &old, confirm)?.failed.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(replaced),
    }
}

/// Whether two snapshots are the same but for the id of the parent.
fn is_same(one: &Snapshot, other: &Snapshot) -> bool {
    let without_parent = |it: &Snapshot| Snapshot {
        parent: None,
        ..it.clone()
    };
    one.original == other.original && without_parent(one) == without_parent(other)
}
