//! Removes what no snapshot needs. What is *read* decides: where a snapshot, an index file or a tree cannot be read,
//! nothing is removed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::blob_name::{BlobKind, BlobName};
use super::forget::forget;
use super::index::BlobSet;
use super::indexed::Indexed;
use super::open::Repository;
use super::pack;
use super::progress::{Observer, Stage};
use super::reachable::{self, Trouble};
use super::rewrite::Confirm;
use super::rewrite::copy::Unreadable;
use super::snapshot::read_all;
use super::unlisted::add_unlisted;
use crate::kill_point::{self, Point};
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName};

use census::census;
use error::{Obstacle, PruneError};
use execute::Work;
use plan::{Decision, Options, Summary, plan};

pub mod census;
pub mod error;
mod execute;
pub mod plan;

/// The most obstacles of a kind that are told.
const MOST_OBSTACLES: usize = 1000;
/// The most missing blobs that are told.
const MOST_MISSING: usize = 10_000;

/// What a prune did, or would do.
#[derive(Debug, Default)]
pub struct Pruned {
    /// The plan in numbers.
    pub summary: Summary,
    /// Packs that are needed, or may be, and are damaged: they stay as they are, for a repair.
    pub damaged: Vec<Id>,
    /// What is free now, in bytes of packs; after a rehearsal, what would be.
    pub freed: u64,
    /// Directories and the like with the names of packs: they stay.
    pub not_files: Vec<FileName>,
    /// Pieces of files that no index names. They were lost before, and other files are pruned all the same.
    pub missing: Vec<BlobName>,
    /// Packs that no index names and that were not removed, since they may have something that is missing.
    pub unindexed_kept: Vec<Id>,
    /// Blobs in use of which no copy can be read. Their packs stay as they are.
    pub unreadable: Vec<Unreadable>,
    /// There was no space for new packs, so none was copied.
    pub no_space: bool,
    /// How many files of interrupted writes were removed.
    pub swept: usize,
}

/// Says what a prune would do. Changes nothing.
///
/// The snapshots in `without` count as removed. The caller has a shared lock at least.
///
/// # Errors
/// As those of [`prune`].
pub fn rehearse(
    repository: &Repository,
    options: &Options,
    without: &HashSet<Id>,
    observer: &dyn Observer,
) -> Result<Pruned, PruneError> {
    run(repository, options, without, None, observer)
}

/// What a prune does beside removing data.
pub struct Orders<'a> {
    /// Snapshots that are removed first, once it is certain that the rest can be done.
    pub forget: &'a [Id],
    /// Is told the plan before anything is removed.
    pub planned: &'a dyn Fn(&Pruned),
    /// What interrupted writes left behind is removed when it is older than this.
    pub sweep_age: Duration,
    /// Whether the exclusive lock still holds.
    pub confirm: Confirm<'a>,
}

/// Removes what no snapshot needs. It may be interrupted at any time: the next one finishes the work.
///
/// The caller has the exclusive lock, and `confirm` says whether it still holds. What interrupted writes left behind is
/// removed when it is older than `sweep_age`.
///
/// # Errors
/// `Refused` when it is not certain what is needed; `Failed` when the storage fails or the lock is lost.
pub fn prune(
    repository: &Repository,
    options: &Options,
    sweep_age: Duration,
    confirm: Confirm<'_>,
    observer: &dyn Observer,
) -> Result<Pruned, PruneError> {
    let orders = Orders {
        forget: &[],
        planned: &|_| {},
        sweep_age,
        confirm,
    };
    forget_and_prune(repository, options, &orders, observer)
}

/// Removes snapshots, and then what no snapshot needs, as [`prune`] does. If it is not certain what is needed, no
/// snapshot is removed either.
///
/// # Errors
/// As those of [`prune`], and when a snapshot cannot be removed.
pub fn forget_and_prune(
    repository: &Repository,
    options: &Options,
    orders: &Orders<'_>,
    observer: &dyn Observer,
) -> Result<Pruned, PruneError> {
    repository.writable()?;
    let without = orders.forget.iter().copied().collect();
    let mut pruned = run(repository, options, &without, Some(orders), observer)?;
    pruned.swept = repository
        .storage
        .sweep(orders.sweep_age)
        .map_err(super::error::Error::from)?;
    Ok(pruned)
}

/// Removes snapshots alone. Their data stays until a prune. The caller has the exclusive lock, and `confirm` says whether it
/// still holds.
///
/// # Errors
/// When a snapshot cannot be removed.
pub fn forget_only(
    repository: &Repository,
    snapshots: &[Id],
    confirm: Confirm<'_>,
) -> Result<(), PruneError> {
    repository.writable()?;
    forget_all(repository, snapshots, confirm)
}

/// Removes snapshots.
fn forget_all(
    repository: &Repository,
    snapshots: &[Id],
    confirm: Confirm<'_>,
) -> Result<(), PruneError> {
    if snapshots.is_empty() {
        return Ok(());
    }
    let forgotten = forget(&*repository.storage, snapshots, confirm)?;
    match forgotten.failed.into_iter().next() {
        Some((_, error)) => Err(error.into()),
        None => {
            kill_point::reached(Point::SnapshotsForgotten);
            Ok(())
        }
    }
}

/// Plans, and carries the plan out where there are orders.
fn run(
    repository: &Repository,
    options: &Options,
    without: &HashSet<Id>,
    orders: Option<&Orders<'_>>,
    observer: &dyn Observer,
) -> Result<Pruned, PruneError> {
    let storage = &*repository.storage;
    let mut obstacles = Vec::new();
    observer.stage(Stage::ReadSnapshots, None);
    let mut roots = Vec::new();
    let snapshots = read_all(storage, &repository.cipher)?;
    let has_snapshots = !snapshots.is_empty();
    for (id, snapshot) in snapshots {
        observer.advance(1);
        match snapshot {
            _ if without.contains(&id) => {}
            Ok(snapshot) => roots.push(snapshot.tree),
            Err(error) => obstacles.push(Obstacle::Snapshot(error)),
        }
    }
    observer.stage(Stage::LoadIndex, None);
    let loaded = repository.load_index()?;
    let index_files = loaded.files;
    obstacles.extend(loaded.problems.into_iter().map(Obstacle::Index));
    let indexed = Indexed {
        repository: repository.clone(),
        index: loaded.index,
        problems: Vec::new(),
    };
    let listing = storage
        .list(FileKind::Pack)
        .map_err(super::error::Error::from)?;
    let mut sizes: HashMap<Id, u64> = listing.files.iter().map(|it| (it.id, it.size)).collect();
    // Where their directory is there, somebody removed all snapshots. Elsewhere it may be lost.
    if !has_snapshots
        && !sizes.is_empty()
        && storage
            .has_directory(FileKind::Snapshot)
            .map_err(super::error::Error::from)?
            != Some(true)
    {
        return Err(PruneError::Refused(vec![Obstacle::NoSnapshots]));
    }
    let not_files = listing.not_files();
    sizes.extend(not_files.iter().map(|id| (*id, 0)));
    let by_pack = indexed.index.by_pack();
    add_unlisted(storage, &by_pack, &mut sizes)?;

    observer.stage(Stage::ReadTrees, None);
    let used = BlobSet::new(&indexed.index);
    let missing = find_used(&indexed, roots, &used, &mut obstacles, observer);
    let mut census = census(&indexed.index, &by_pack, &used, &sizes);
    drop(used);
    for pack in census.packs.iter_mut().filter(|pack| !pack.is_whole()) {
        let size = pack.size.unwrap_or(0);
        // The index does not tell all that such a pack has.
        pack.may_have_missing = may_have(&indexed, pack.pack, size, &missing);
    }
    for pack in census.packs.iter_mut() {
        if not_files.contains(&pack.pack) {
            pack.may_have_missing = false;
            // The index forgets one that nothing needs, and what is in its place stays.
            pack.size = pack.size.filter(|_| pack.used_blobs > 0);
        }
    }
    let lost = census
        .packs
        .iter()
        .filter(|it| it.size.is_none() && it.used_blobs > 0);
    // The trees in a pack that is missing are told with it.
    let mut packs_of_trees = HashSet::new();
    obstacles.retain(|it| {
        let Obstacle::Tree { tree, .. } = it else {
            return true;
        };
        let kind = BlobKind::Tree;
        let copies = indexed.index.lookup(BlobName { kind, id: *tree });
        let packs: Vec<Id> = copies.map(|copy| copy.pack).collect();
        let is_told = !packs.is_empty() && packs.iter().all(|pack| !sizes.contains_key(pack));
        if is_told {
            packs_of_trees.extend(packs);
        }
        !is_told
    });
    obstacles.extend(lost.take(MOST_OBSTACLES).map(|it| Obstacle::PackMissing {
        pack: it.pack,
        has_trees: packs_of_trees.contains(&it.pack),
    }));
    if !obstacles.is_empty() {
        return Err(PruneError::Refused(obstacles));
    }

    let mut plan = plan(&census.packs, options);
    let unindexed = listing
        .files
        .iter()
        .filter(|it| !indexed.index.has_pack(it.id) && !not_files.contains(&it.id));
    let mut pruned = Pruned::default();
    let mut unindexed_removed = Vec::new();
    let mut unindexed_bytes = 0;
    for listed in unindexed {
        plan.summary.packs += 1;
        plan.summary.bytes += listed.size;
        match may_have(&indexed, listed.id, listed.size, &missing) {
            true => pruned.unindexed_kept.push(listed.id),
            false => {
                plan.summary.packs_unindexed += 1;
                plan.summary.bytes_freed += listed.size;
                unindexed_bytes += listed.size;
                unindexed_removed.push(listed.id);
            }
        }
    }
    let damaged = census.packs.iter().zip(&plan.decisions);
    pruned.damaged = damaged
        .filter(|(_, decision)| **decision == Decision::KeepDamaged)
        .map(|(pack, _)| pack.pack)
        .collect();
    pruned.not_files = not_files
        .iter()
        .map(|id| FileName::new(FileKind::Pack, *id))
        .collect();
    pruned.summary = plan.summary;
    pruned.freed = plan.summary.bytes_freed;
    pruned.missing = missing.into_iter().collect();
    pruned.missing.sort_unstable();
    if let Some(orders) = orders {
        if plan.summary.packs_repacked > 0 && storage.traits().remote {
            // A host that may only add would copy packs at each prune, and remove none.
            let allowed = storage.may_remove_packs();
            allowed.map_err(|error| PruneError::MayNotRemove(error.into()))?;
        }
        (orders.planned)(&pruned);
        forget_all(repository, orders.forget, orders.confirm)?;
        let work = Work {
            indexed: &indexed,
            by_pack: &by_pack,
            census: &census,
            plan: &plan,
            compress_data: options.compress_data,
            index_files: &index_files,
            unindexed: &unindexed_removed,
            unindexed_bytes,
        };
        let outcome = work.execute(orders.confirm, observer)?;
        pruned.freed = outcome.freed;
        // Only a copy showed that these are damaged.
        let found: BTreeSet<Id> = outcome.unreadable.iter().map(|it| it.pack).collect();
        let known: BTreeSet<Id> = pruned.damaged.iter().copied().collect();
        pruned.damaged.extend(found.difference(&known));
        pruned.unreadable = outcome.unreadable;
        pruned.no_space = outcome.no_space;
    }
    Ok(pruned)
}

/// Marks everything that the trees need. Returns the pieces of files that no index names.
fn find_used(
    indexed: &Indexed,
    roots: Vec<Id>,
    used: &BlobSet<'_>,
    obstacles: &mut Vec<Obstacle>,
    observer: &dyn Observer,
) -> HashSet<BlobName> {
    let found = Mutex::new((HashSet::new(), obstacles));
    reachable::mark(indexed, roots, used, observer, &|trouble| {
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        let (missing, obstacles) = &mut *found;
        match trouble {
            Trouble::Tree { tree, error } if obstacles.len() < MOST_OBSTACLES => {
                let known = obstacles
                    .iter()
                    .any(|it| matches!(it, Obstacle::Tree { tree: known, .. } if *known == tree));
                if !known {
                    obstacles.push(Obstacle::Tree { tree, error });
                }
            }
            Trouble::Blob { blob, .. } if missing.len() < MOST_MISSING => {
                missing.insert(blob);
            }
            // Everything that such an entry names counts as needed.
            Trouble::Tree { .. }
            | Trouble::Blob { .. }
            | Trouble::Node { .. }
            | Trouble::Size { .. } => {}
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner).0
}

/// Whether a pack that no index names may have one of these blobs.
fn may_have(indexed: &Indexed, pack: Id, size: u64, missing: &HashSet<BlobName>) -> bool {
    if missing.is_empty() {
        return false;
    }
    // There are more than are known.
    if missing.len() >= MOST_MISSING {
        return true;
    }
    let repository = &indexed.repository;
    match pack::read_header(&*repository.storage, &repository.cipher, pack, size) {
        Ok(blobs) => blobs.iter().any(|blob| missing.contains(&blob.name)),
        Err(_) => true,
    }
}
