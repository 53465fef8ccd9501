//! What one worker does: it takes a directory or a batch of files, and puts what it found into the directory's slots.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::ahead::ListedAhead;
use super::assembly::{Above, Assembly, Complete, Slot};
use super::chunker::Chunker;
use super::file::{FileReader, Saving};
use super::layout::Layout;
use super::queue::Queue;
use super::report::{ProblemList, Tally};
use super::shared_chunks::ChunkTask;
use super::store::{Saver, Stopped, Store};
use super::{BackupObserver, DirectoryDone};
use crate::repository::blob::BlobReader;
use crate::repository::blob_name::BlobKind;
use crate::repository::error::{Damage, Error, What};
use crate::repository::indexed::Indexed;
use crate::repository::node::Node;
use crate::repository::time::Time;
use crate::source::problem::{ReadStep, SourceFault};
use crate::source::tree::directory::Lister;
use crate::source::tree::entry::Entry;
use crate::source::tree::node::{Names, node, same_node};
use crate::source::tree::path::{DirectoryPath, OpenDirectory};
use crate::source::tree::selection::Selection;
use crate::source::tree::stat::{EntryKind, Stat};
use crate::source::tree::{Tree, attributes, file};
use crate::storage::id::Id;

/// So many files, or so many bytes, make a batch: workers seldom ask for work.
pub(super) const BATCH_FILES: usize = 64;
pub(super) const BATCH_BYTES: u64 = 4 << 20;

/// What all workers share.
pub(super) struct Shared<'a> {
    pub repository: &'a Indexed,
    pub store: &'a Store<'a>,
    pub sources: &'a [Tree],
    /// The device of each source's top.
    pub devices: Vec<u64>,
    pub ahead: Mutex<ListedAhead>,
    pub queue: Queue<Task>,
    pub chunker: Chunker,
    /// When the parent snapshot was begun. What was changed since then may have been read before that change.
    pub parent_time: Option<Time>,
    pub observer: &'a dyn BackupObserver,
    pub problems: ProblemList,
    pub damage: Mutex<Vec<Error>>,
    pub tally: Tally,
    /// The files that have several names.
    pub hard_links: Mutex<HardLinks>,
    /// The tree of the snapshot, at the end.
    pub root: OnceLock<Id>,
}

/// By device and inode: the file as it was when it was read, and its content.
type HardLinks = HashMap<(u64, u64), (Stat, Vec<Id>)>;

/// How many errors of the repository are kept.
pub(super) const MOST_DAMAGE: usize = 100;

impl Shared<'_> {
    /// Keeps an error that the backup makes up for.
    pub fn note_damage(&self, error: Error) {
        let mut damage = lock(&self.damage);
        // One pack that is missing has many trees.
        let is_known = damage.iter().any(|known| known.what == error.what);
        if damage.len() < MOST_DAMAGE && !is_known {
            damage.push(error);
        }
    }

    /// Adds to the sizes of all files.
    pub fn count_bytes(&self, bytes: u64) {
        self.tally.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A piece of work.
pub(super) enum Task {
    Directory(DirectoryTask),
    Files(FilesTask),
    /// A part of a file that another worker reads.
    Chunk(ChunkTask),
}

/// A directory that is to be put together.
pub(super) struct DirectoryTask {
    pub place: Place,
    /// Where it goes, and its name there; `None` for the root.
    pub above: Option<(Above, Box<[u8]>)>,
    /// Its tree in the parent snapshot.
    pub previous: Option<Id>,
}

/// What a directory of the snapshot is made of.
pub(super) enum Place {
    /// A directory above sources.
    Above {
        path: PathBuf,
        layout: BTreeMap<Vec<u8>, Layout>,
    },
    Source {
        source: usize,
        path: Arc<DirectoryPath>,
        /// Where it is in [`ListedAhead`], if it is there.
        key: Option<usize>,
        /// What the listing of the directory above said.
        stat: Option<Stat>,
        /// Its entries are left out.
        closed: bool,
    },
}

/// Entries of one directory that are to be read.
pub(super) struct FilesTask {
    pub assembly: Arc<Assembly>,
    pub directory: Arc<OpenDirectory>,
    pub files: Vec<FileEntry>,
}

/// A file, or something else that is not a directory.
pub(super) struct FileEntry {
    pub slot: usize,
    pub source: Option<usize>,
    pub entry: Entry,
    /// Its place in the nodes of the parent snapshot.
    pub previous: Option<usize>,
}

/// A worker's own things.
pub(super) struct Worker<'a> {
    pub shared: &'a Shared<'a>,
    pub saver: Saver,
    pub reader: FileReader,
    pub lister: Lister,
    pub names: Names,
    pub blobs: BlobReader,
    pub text: Vec<u8>,
    /// The directory that was opened last.
    pub near: Option<Arc<OpenDirectory>>,
}

impl<'a> Worker<'a> {
    /// A worker that compresses at this level.
    pub fn new(shared: &'a Shared<'a>, level: i32) -> Worker<'a> {
        Worker {
            shared,
            saver: Saver::new(level),
            reader: FileReader::new(),
            lister: Lister::new(),
            names: Names::default(),
            blobs: BlobReader::new(),
            text: Vec::new(),
            near: None,
        }
    }

    /// Works until nothing is left.
    pub fn run(mut self) {
        self.shared.queue.join();
        while let Some(task) = self.shared.queue.next() {
            let done = match task {
                Task::Directory(task) => self.directory(task),
                Task::Files(task) => self.files(task),
                Task::Chunk(task) => task.save(self.shared.store, &mut self.saver),
            };
            if done.is_err() || self.shared.store.is_stopped() {
                self.shared.queue.close();
            }
        }
    }

    fn files(&mut self, task: FilesTask) -> Result<(), Stopped> {
        let mut filled = Vec::with_capacity(task.files.len());
        for file in &task.files {
            let node = match file.entry.stat.kind() {
                EntryKind::File => self.file(&task.directory, file)?,
                _ => self.other(&task.directory, file),
            };
            let slot = match node {
                Ok(node) => self.compared(&task.assembly, file.previous, node),
                Err(fault) => {
                    let name = Some(&*file.entry.name);
                    self.problem(file.source, &task.directory.path, name, fault);
                    Slot::Gone
                }
            };
            self.shared.observer.advance(1, 0);
            filled.push((file.slot, slot));
        }
        self.fill(task.assembly, filled)
    }

    fn compared(&self, assembly: &Assembly, previous: Option<usize>, node: Node) -> Slot {
        let same = previous.filter(|place| same_node(&node, &assembly.previous.nodes[*place]));
        self.shared
            .tally
            .files
            .count(previous.is_some(), same.is_some());
        self.shared.count_bytes(node.size);
        match same {
            Some(place) => Slot::Same(place),
            None => Slot::New(Box::new(node)),
        }
    }

    /// Reads a file. The inner error says why it is missing from the snapshot.
    fn file(
        &mut self,
        directory: &OpenDirectory,
        entry: &FileEntry,
    ) -> Result<Result<Node, SourceFault>, Stopped> {
        let name = &*entry.entry.name;
        let (file, stat) = match file::open(directory, name, entry.entry.followed) {
            Ok(Some(opened)) => opened,
            Ok(None) => return Ok(Err(SourceFault::ChangedType)),
            Err(cause) => return Ok(Err(SourceFault::io(ReadStep::Open, cause))),
        };
        let mut faults = Vec::new();
        let known = self.known_content(&stat);
        let (stat, size, ids) = match known {
            Some(ids) => {
                self.shared.observer.advance(0, stat.size);
                (stat, stat.size, ids)
            }
            None => {
                let shared = self.shared;
                let mut saving = Saving {
                    store: shared.store,
                    saver: &mut self.saver,
                    chunker: &shared.chunker,
                    offer: &|task| shared.queue.offer(|| Task::Chunk(task())),
                    advance: &|bytes| shared.observer.advance(0, bytes),
                };
                let read = match self.reader.read(&mut saving, &file, stat)? {
                    Ok(read) => read,
                    Err(fault) => return Ok(Err(fault)),
                };
                let whole = read.fault.is_none();
                faults.extend(read.fault);
                if whole && read.stat.links > 1 && read.stat.size == read.content.size {
                    let content = (read.stat, read.content.ids.clone());
                    lock(&shared.hard_links).insert(read.stat.identity(), content);
                }
                (read.stat, read.content.size, read.content.ids)
            }
        };
        let mut node = node(name, &stat, &mut self.names, &mut faults);
        node.attributes = attributes::of_open(&file, &mut faults);
        node.size = size;
        node.content = Some(ids);
        for fault in faults {
            self.problem(entry.source, &directory.path, Some(name), fault);
        }
        Ok(Ok(node))
    }

    /// The content of a file that was read under another name, and has not changed since.
    fn known_content(&self, stat: &Stat) -> Option<Vec<Id>> {
        if stat.links < 2 {
            return None;
        }
        let links = lock(&self.shared.hard_links);
        let (as_read, ids) = links.get(&stat.identity())?;
        (as_read == stat).then(|| ids.clone())
    }

    /// Fills slots, and closes every directory that is complete then.
    pub fn fill(
        &mut self,
        assembly: Arc<Assembly>,
        filled: Vec<(usize, Slot)>,
    ) -> Result<(), Stopped> {
        let mut next = assembly.fill(filled).map(|complete| (assembly, complete));
        while let Some((assembly, mut complete)) = next {
            let same = complete.same_tree(&assembly.previous);
            let tree = match same {
                Some(tree) => tree,
                None => match complete.text(&assembly.previous) {
                    Some(text) => {
                        self.tell(&assembly, &complete);
                        self.shared
                            .store
                            .save(&mut self.saver, BlobKind::Tree, &text)?
                            .0
                    }
                    None => {
                        // The entries of a listing are sorted, and no name comes twice.
                        let error = Error::damaged(Damage::Value, What::Repository);
                        return Err(self.shared.store.fail(error));
                    }
                },
            };
            let (Some(above), Some(mut node)) = (complete.above.take(), complete.node.take())
            else {
                let _ = self.shared.root.set(tree);
                return Ok(());
            };
            node.subtree = Some(tree);
            let nodes = &above.assembly.previous.nodes;
            let same = above
                .previous
                .filter(|place| same_node(&node, &nodes[*place]));
            let directories = &self.shared.tally.directories;
            directories.count(above.previous.is_some(), same.is_some());
            let slot = match same {
                Some(place) => Slot::Same(place),
                None => Slot::New(node),
            };
            let assembly = above.assembly;
            next = assembly
                .fill([(above.slot, slot)])
                .map(|complete| (assembly, complete));
        }
        Ok(())
    }

    fn tell(&self, assembly: &Assembly, complete: &Complete) {
        let previous = &assembly.previous;
        let done = DirectoryDone {
            path: &assembly.path,
            before: (!previous.is_damaged).then_some(&previous.nodes),
        };
        let mut after = complete.nodes(previous);
        self.shared.observer.directory(&done, &mut after);
    }

    /// Notes a problem of an entry, or of the directory itself.
    pub fn problem(
        &self,
        source: Option<usize>,
        directory: &DirectoryPath,
        name: Option<&[u8]>,
        fault: SourceFault,
    ) {
        let none = Selection::default();
        let selection = source.map_or(&none, |source| &self.shared.sources[source].selection);
        self.shared
            .problems
            .add_for(selection, directory, name, fault);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
