//! From a source to one snapshot in a repository.
//!
//! Workers take directories and batches of files from a queue. A directory is listed, compared with the parent snapshot
//! (`directory`), and put together from its entries (`assembly`). Files are read and cut into chunks (`file`). What is
//! new goes into packs (`store`). When the root is complete and everything is durable, the snapshot is written, once.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, OnceLock};

use ahead::WalkAhead;
use chunker::Chunker;
use layout::Layout;
use queue::Queue;
use report::{ProblemList, Report, Tally};
use store::Store;
use worker::{DirectoryTask, Place, Shared, Task, Worker, lock};

use crate::kill_point::{self, Point};
use crate::repository::error::{Damage, Doing, Error, ErrorKind, What};
use crate::repository::indexed::Indexed;
use crate::repository::node::Node;
use crate::repository::snapshot::{BackupSummary, Snapshot};
use crate::repository::time::Time;
use crate::source::tree::Tree;
use crate::source::tree::path::DirectoryPath;
use crate::source::tree::stat::Stat;
use crate::storage::error::{
    Doing as StorageDoing, Error as StorageError, ErrorKind as StorageErrorKind,
};
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Listed};

mod adopt;
pub mod ahead;
mod assembly;
pub mod chunker;
mod directory;
mod file;
mod found;
mod layout;
mod queue;
pub mod rehearse;
pub mod report;
mod shared_chunks;
mod store;
mod worker;

/// Is told how a backup goes. Called from several threads at once.
pub trait BackupObserver: Sync {
    /// There are so many entries and bytes, as far as is known.
    fn total(&self, files: u64, bytes: u64);

    /// So many more entries are done, and so many more bytes.
    fn advance(&self, files: u64, bytes: u64);

    /// A directory is complete, and its tree is another one than in the parent snapshot. These are its entries now, sorted
    /// by name. What lies below it was complete before.
    fn directory(&self, _: &DirectoryDone<'_>, _: &mut dyn Iterator<Item = &Node>) {}
}

/// A directory that is complete.
pub struct DirectoryDone<'a> {
    pub path: &'a DirectoryPath,
    /// What the parent snapshot has of it, sorted by name: nothing if it does not have it. `None`: that cannot be read.
    pub before: Option<&'a [Node]>,
}

/// How to back up.
pub struct Options<'a> {
    /// Of zstd; 0 means no compression.
    pub compression_level: i32,
    /// Everything that this snapshot has unchanged is not read again. `None`: everything is read.
    pub parent: Option<(Id, &'a Snapshot)>,
    /// How many workers read and compress; 0 means one for each processor.
    pub workers: usize,
    /// Is asked before anything is written that relies on the lock.
    pub confirm: &'a (dyn Fn() -> Result<(), Error> + Sync),
    /// The packs, as they were listed under the lock together with the index.
    pub packs: &'a [Listed],
    /// Makes the snapshot of what is known at the end: what is missing, and what was counted. The tree, the parent and the
    /// summary are filled in. Its time must be one before the walk began: the next backup reads everything again that
    /// changed since then.
    pub describe: &'a dyn Fn(&report::Problems, &BackupSummary) -> Snapshot,
    pub observer: &'a dyn BackupObserver,
}

/// Backs up the sources of a walk that has begun. The snapshot is written once, after everything that it needs is
/// durable. Afterwards the index in memory has the trees of the snapshot.
///
/// # Errors
/// When no snapshot was written. What was stored until then is used by the next backup.
pub fn backup(
    indexed: &mut Indexed,
    walk: WalkAhead,
    options: &Options<'_>,
) -> Result<Report, Error> {
    let begun = Time::now();
    indexed.repository.writable()?;
    let mut sizes = sizes(options.packs);
    let adopted = adopt::adopt(indexed, &sizes);
    let repository = &*indexed;
    let (mut distrusted, mut damage) = missing_packs(repository, &sizes);
    if !distrusted.is_empty() {
        // The list may be older than the index.
        let storage = &repository.repository.storage;
        sizes = self::sizes(&storage.list(FileKind::Pack)?.files);
        (distrusted, damage) = missing_packs(repository, &sizes);
    }
    let (sources, ahead, total) = walk.finish();
    if let Some(total) = total {
        options.observer.total(total.files, total.bytes);
    }
    let workers = match options.workers {
        0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        workers => workers,
    };
    let (store, packs) = Store::new(
        &repository.repository,
        &repository.index,
        distrusted,
        &adopted,
        options.confirm,
    );
    let polynomial = repository.repository.config.chunker_polynomial;
    let shared = Shared {
        repository,
        store: &store,
        sources: &sources,
        devices: sources.iter().map(device).collect(),
        ahead: Mutex::new(ahead),
        queue: Queue::new(vec![root_task(&sources, options.parent)]),
        chunker: Chunker::new(polynomial.0)
            .ok_or_else(|| Error::file(Damage::Value, FileName::CONFIG))?,
        parent_time: options.parent.map(|(_, parent)| parent.time),
        observer: options.observer,
        problems: ProblemList::default(),
        damage: Mutex::new(damage),
        tally: Tally::default(),
        hard_links: Mutex::default(),
        root: OnceLock::new(),
    };
    let level = options.compression_level;
    let writers = repository.repository.storage.traits().parallel.max(1);
    std::thread::scope(|scope| {
        let mut begun = 0;
        for _ in 0..writers {
            let writer = std::thread::Builder::new();
            begun += writer
                .spawn_scoped(scope, || store.write_packs(&packs))
                .iter()
                .count();
        }
        if begun == 0 {
            store.write_at_once();
        }
        std::thread::scope(|scope| {
            for _ in 1..workers {
                // Without it, the others do more.
                let worker = std::thread::Builder::new();
                let _ = worker.spawn_scoped(scope, || Worker::new(&shared, level).run());
            }
            Worker::new(&shared, level).run();
        });
        store.flush();
    });
    let added = store.finish()?;
    let Some(tree) = shared.root.get() else {
        return Err(Error::new(
            ErrorKind::Missing,
            Doing::Write,
            What::Repository,
        ));
    };
    let damage = std::mem::take(&mut *lock(&shared.damage));
    let (problems, ignored) = shared.problems.into_parts();
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let (files, directories) = (&shared.tally.files, &shared.tally.directories);
    let summary = BackupSummary {
        backup_start: begun,
        backup_end: Time::now(),
        files_new: count(&files.new),
        files_changed: count(&files.changed),
        files_unmodified: count(&files.unmodified),
        dirs_new: count(&directories.new),
        dirs_changed: count(&directories.changed),
        dirs_unmodified: count(&directories.unmodified),
        data_blobs: added.data_blobs as i64,
        tree_blobs: added.tree_blobs as i64,
        data_added: added.raw,
        data_added_packed: added.stored,
        total_files_processed: count(&files.new) + count(&files.changed) + count(&files.unmodified),
        total_bytes_processed: count(&shared.tally.bytes),
        other: serde_json::Map::new(),
    };
    let mut snapshot = (options.describe)(&problems, &summary);
    snapshot.tree = *tree;
    snapshot.parent = options.parent.map(|(id, _)| id);
    snapshot.summary = Some(summary);
    (options.confirm)()?;
    kill_point::reached(Point::SnapshotBegins);
    let id = snapshot.write(
        &*repository.repository.storage,
        &repository.repository.cipher,
    )?;
    for (pack, blobs) in &added.trees {
        // No honest repository is so large, and the snapshot is written.
        let _ = indexed.index.insert(*pack, blobs);
    }
    Ok(Report {
        id,
        snapshot,
        problems,
        ignored,
        damage,
        adopted: adopted.len() as u64,
    })
}

/// The packs and their lengths.
fn sizes(packs: &[Listed]) -> HashMap<Id, u64> {
    packs.iter().map(|pack| (pack.id, pack.size)).collect()
}

/// The packs that the index names and that are not there, or have another length than the index says.
fn missing_packs(repository: &Indexed, sizes: &HashMap<Id, u64>) -> (HashSet<Id>, Vec<Error>) {
    let mut missing = HashSet::new();
    let mut damage = Vec::new();
    for (pack, expected) in repository.index.pack_sizes() {
        let size = sizes.get(&pack);
        if size == Some(&expected) {
            continue;
        }
        missing.insert(pack);
        if damage.len() < worker::MOST_DAMAGE {
            let file = FileName::new(FileKind::Pack, pack);
            damage.push(match size {
                Some(_) => Error::file(Damage::Length, file),
                None => {
                    StorageError::new(StorageErrorKind::NotFound, StorageDoing::Read, file).into()
                }
            });
        }
    }
    (missing, damage)
}

fn device(source: &Tree) -> u64 {
    rustix::fs::stat(&source.top).map_or(0, |stat| Stat::from(stat).device)
}

fn root_task(sources: &[Tree], parent: Option<(Id, &Snapshot)>) -> Task {
    let place = match Layout::new(sources.iter().map(|source| source.top.as_path())) {
        Layout::Above(layout) => Place::Above {
            path: "/".into(),
            layout,
        },
        Layout::Source(source) => Place::Source {
            source,
            path: DirectoryPath::top(&sources[source].top, None),
            key: Some(source),
            stat: None,
            closed: false,
        },
    };
    Task::Directory(DirectoryTask {
        place,
        above: None,
        previous: parent.map(|(_, parent)| parent.tree),
    })
}
