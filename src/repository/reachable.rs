//! Which blobs the trees of snapshots need: every tree is read once, on several threads.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::blob::{BlobReader, PackedBlob};
use super::blob_name::{BlobKind, BlobName};
use super::error::{Doing, Error, ErrorKind, What};
use super::index::{BlobLocation, BlobSet};
use super::indexed::Indexed;
use super::node::{Node, NodeKind, NodeProblem};
use super::progress::Observer;
use super::ranges::together;
use super::rewrite::workers;
use super::tree;
use crate::storage::id::Id;

/// How many trees a thread takes at once.
const MOST_AT_ONCE: usize = 256;

/// Something about a tree that is not as it must be.
#[derive(Debug)]
pub enum Trouble {
    /// A tree that cannot be read, or that no index names. What lies below it is not known. A tree that no index names
    /// is told for every directory that needs it.
    Tree { tree: Id, error: Error },
    /// An entry that cannot be used.
    Node {
        tree: Id,
        name: Vec<u8>,
        problem: NodeProblem,
    },
    /// A piece of a file that no index names. It is told for every place that needs it.
    Blob {
        tree: Id,
        name: Vec<u8>,
        blob: BlobName,
    },
    /// The pieces of a file are not as long as the file. All of them are there.
    Size {
        tree: Id,
        name: Vec<u8>,
        /// In bytes, as the tree has it.
        size: u64,
        /// In bytes, as the index has it.
        content: u64,
    },
}

/// Puts all blobs into `used` that these trees need, whatever else is wrong with the entries that name them. Returns
/// how many trees were read.
///
/// Memory: 32 bytes for each tree that waits to be read; for each thread the text of one tree, and some MiB.
pub fn mark(
    repository: &Indexed,
    roots: impl IntoIterator<Item = Id>,
    used: &BlobSet<'_>,
    observer: &dyn Observer,
    trouble: &(dyn Fn(Trouble) + Sync),
) -> u64 {
    let queue = Queue::default();
    for root in roots {
        queue.push_new(used, root, trouble);
    }
    let threads = workers(&*repository.repository.storage);
    std::thread::scope(|scope| {
        let work = || {
            let mut reader = TreeReader::new(repository);
            while let Some(taken) = queue.take() {
                reader.read(&taken.trees, |tree, step| {
                    follow(step, tree, &queue, used, trouble);
                });
                observer.advance(taken.trees.len() as u64);
            }
        };
        for _ in 1..threads {
            // Without it, the others do more.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    queue.state().read
}

/// An entry of a tree, or why the tree cannot be read.
type Step = Result<(Node, Option<NodeProblem>), Error>;

/// Reads several trees at once: those that lie side by side in a pack with one request.
struct TreeReader<'a> {
    repository: &'a Indexed,
    reader: BlobReader,
    range: Vec<u8>,
    text: Vec<u8>,
}

impl<'a> TreeReader<'a> {
    fn new(repository: &'a Indexed) -> TreeReader<'a> {
        TreeReader {
            repository,
            reader: BlobReader::new(),
            range: Vec::new(),
            text: Vec::new(),
        }
    }

    fn read(&mut self, trees: &[Id], mut each: impl FnMut(Id, Step)) {
        let kind = BlobKind::Tree;
        let names = trees.iter().map(|id| BlobName { kind, id: *id });
        let mut locations: Vec<BlobLocation> = names
            .filter_map(|name| self.repository.index.lookup(name).next())
            .collect();
        locations.sort_unstable_by_key(|it| (it.pack, it.blob.offset));
        for of_pack in locations.chunk_by(|a, b| a.pack == b.pack) {
            let blobs: Vec<PackedBlob> = of_pack.iter().map(|it| it.blob).collect();
            for blobs in together(&blobs) {
                self.read_together(of_pack[0].pack, blobs, &mut each);
            }
        }
    }

    fn read_together(&mut self, pack: Id, blobs: &[PackedBlob], each: &mut impl FnMut(Id, Step)) {
        let repository = &self.repository.repository;
        let (Some(first), Some(last)) = (blobs.first(), blobs.last()) else {
            return;
        };
        let start = u64::from(first.offset);
        let length = last.end() - start;
        // A single one is read by itself: it may be large.
        let mut is_read = blobs.len() > 1;
        if is_read {
            self.range.resize(length as usize, 0);
            let read = repository.storage.read_trees(pack, start, &mut self.range);
            is_read = read.is_ok();
        }
        for blob in blobs {
            let at = (u64::from(blob.offset) - start) as usize;
            let sealed = is_read
                .then(|| self.range.get_mut(at..at + blob.length as usize))
                .flatten();
            let decoded = sealed.is_some_and(|sealed| {
                let (reader, text) = (&mut self.reader, &mut self.text);
                reader
                    .decode(&repository.cipher, blob, sealed, text)
                    .is_ok()
            });
            let id = blob.name.id;
            let text = match decoded {
                true => Ok(()),
                // Another pack may have a copy that is good.
                false => self
                    .repository
                    .read_tree(&mut self.reader, id, &mut self.text),
            };
            let read = text.and_then(|()| {
                tree::read(id, &self.text, |node, problem| {
                    each(id, Ok((node, problem)))
                })
            });
            if let Err(error) = read {
                each(id, Err(error));
            }
        }
    }
}

fn follow(
    step: Step,
    tree: Id,
    queue: &Queue,
    used: &BlobSet<'_>,
    trouble: &(dyn Fn(Trouble) + Sync),
) {
    let (node, problem) = match step {
        Err(error) => return trouble(Trouble::Tree { tree, error }),
        Ok((node, problem)) => (node, problem),
    };
    if let Some(subtree) = node.subtree {
        queue.push_new(used, subtree, trouble);
    }
    let mut content = 0_u64;
    let mut whole = true;
    for id in node.content.iter().flatten() {
        let kind = BlobKind::Data;
        let blob = BlobName { kind, id: *id };
        match used.insert(blob) {
            Some(inserted) => content = content.saturating_add(inserted.length),
            None => {
                whole = false;
                let name = node.name.clone();
                trouble(Trouble::Blob { tree, name, blob });
            }
        }
    }
    let (size, name) = (node.size, node.name);
    if let Some(problem) = problem {
        trouble(Trouble::Node {
            tree,
            name,
            problem,
        });
    } else if node.kind == NodeKind::File && whole && content != size {
        trouble(Trouble::Size {
            tree,
            name,
            size,
            content,
        });
    }
}

/// The trees that are to be read.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Id>,
    /// How many threads read a tree now, which may name others.
    busy: usize,
    read: u64,
}

/// Trees that a thread reads. When they are dropped, also by a panic, others stop waiting for them.
struct Taken<'a> {
    trees: Vec<Id>,
    queue: &'a Queue,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push_new(&self, used: &BlobSet<'_>, tree: Id, trouble: &(dyn Fn(Trouble) + Sync)) {
        let kind = BlobKind::Tree;
        let name = BlobName { kind, id: tree };
        match used.insert(name) {
            Some(inserted) if inserted.new => {
                self.state().waiting.push(tree);
                self.changed.notify_one();
            }
            Some(_) => {}
            None => {
                let error = Error::new(ErrorKind::Missing, Doing::Read, What::Blob(name));
                trouble(Trouble::Tree { tree, error });
            }
        }
    }

    /// The next trees, which were found last; `None` when all are read.
    fn take(&self) -> Option<Taken<'_>> {
        let mut state = self.state();
        loop {
            if !state.waiting.is_empty() {
                // Half of them at most, so that the other threads find work, too.
                let count = state.waiting.len().div_ceil(2).min(MOST_AT_ONCE);
                let rest = state.waiting.len() - count;
                let trees = state.waiting.split_off(rest);
                state.busy += 1;
                state.read += count as u64;
                return Some(Taken { trees, queue: self });
            }
            if state.busy == 0 {
                return None;
            }
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.busy -= 1;
        if state.busy == 0 && state.waiting.is_empty() {
            self.queue.changed.notify_all();
        }
    }
}
