//! Figures about snapshots: what they contain, and how much room that takes.

use std::collections::{HashMap, HashSet};

use super::path;
use crate::repository::blob::BlobReader;
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::error::Error;
use crate::repository::indexed::Indexed;
use crate::repository::node::{Node, NodeKind, NodeProblem};
use crate::storage::id::Id;

/// What a snapshot contains, counted path by path. The numbers stop at `u64::MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub files: u64,
    pub directories: u64,
    /// Links, devices, pipes, sockets.
    pub others: u64,
    /// What a restore writes: the sizes of the files. A file with several names counts once.
    pub restore_size: u64,
    /// Directories that cannot be read: what is in them is not counted.
    pub unreadable: u64,
    /// Entries that are not usable, which are not counted otherwise.
    pub unusable: u64,
}

/// Something that is not counted, at the first path that leads to it.
#[derive(Debug)]
pub struct Uncounted {
    /// With a slash at its start.
    pub path: Vec<u8>,
    pub why: NotCounted,
}

/// Why something is not counted.
#[derive(Debug)]
pub enum NotCounted {
    /// The directory cannot be read.
    Unreadable(Error),
    Unusable(NodeProblem),
}

/// How many things that are not counted are named.
const MOST_NAMED: usize = 1000;

/// The blobs that some snapshots need. Each counts once, however many files need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Data {
    pub data_blobs: u64,
    pub tree_blobs: u64,
    /// Their bytes in packs: compressed and encrypted.
    pub stored_size: u64,
    /// Their bytes before compression and encryption.
    pub content_size: u64,
    /// Of the blobs that no index names, nothing else is known.
    pub missing: u64,
}

impl Data {
    /// What is in this one and was not in the earlier one.
    pub fn since(self, earlier: Data) -> Data {
        Data {
            data_blobs: self.data_blobs - earlier.data_blobs,
            tree_blobs: self.tree_blobs - earlier.tree_blobs,
            stored_size: self.stored_size - earlier.stored_size,
            content_size: self.content_size - earlier.content_size,
            missing: self.missing - earlier.missing,
        }
    }

    /// How often the stored size fits into the content; `None` without data.
    pub fn compression_ratio(self) -> Option<f64> {
        (self.stored_size > 0).then(|| self.content_size as f64 / self.stored_size as f64)
    }
}

/// The blobs that only the second of two trees needs, and those that only the first one needs. Reads all of both.
pub fn exchanged(repository: &Indexed, before: Id, after: Id) -> (Data, Data) {
    let mut both = Collector::new(repository);
    both.snapshot(before);
    let before = both.data();
    both.snapshot(after);
    let mut only_after = Collector::new(repository);
    only_after.snapshot(after);
    let (both, after) = (both.data(), only_after.data());
    (both.since(before), both.since(after))
}

/// Counts snapshots, one after the other. Each tree is read once, however many snapshots have it.
///
/// Memory: about 60 bytes for each different blob, and 100 for each different tree.
pub struct Collector<'a> {
    repository: &'a Indexed,
    reader: BlobReader,
    text: Vec<u8>,
    trees: HashMap<Id, Counted>,
    blobs: HashSet<BlobName>,
    data: Data,
    uncounted: Vec<Uncounted>,
    named: usize,
}

/// What lies below a tree.
#[derive(Clone, Copy, Default)]
struct Counted {
    /// Without the files that may have several names.
    contents: Contents,
    has_links: bool,
}

/// A tree that is being counted.
struct Open {
    tree: Id,
    counted: Counted,
    /// Its name; empty for the root.
    name: Vec<u8>,
    subtrees: std::vec::IntoIter<(Vec<u8>, Id)>,
}

impl<'a> Collector<'a> {
    /// A collector that has seen nothing yet.
    pub fn new(repository: &'a Indexed) -> Collector<'a> {
        Collector {
            repository,
            reader: BlobReader::new(),
            text: Vec::new(),
            trees: HashMap::new(),
            blobs: HashSet::new(),
            data: Data::default(),
            uncounted: Vec::new(),
            named: 0,
        }
    }

    /// Counts one snapshot, which is given by its tree.
    pub fn snapshot(&mut self, root: Id) -> Contents {
        let counted = self.count(root);
        let mut contents = counted.contents;
        if counted.has_links {
            let linked = self.linked_size(root);
            contents.restore_size = contents.restore_size.saturating_add(linked);
        }
        contents
    }

    /// The blobs of all snapshots that were counted so far.
    pub fn data(&self) -> Data {
        self.data
    }

    /// Takes out what the last snapshots have and was not counted: the first thousand in all.
    pub fn take_uncounted(&mut self) -> Vec<Uncounted> {
        std::mem::take(&mut self.uncounted)
    }

    fn not_counted(&mut self, levels: &[Open], names: [&[u8]; 2], why: NotCounted) {
        if self.named == MOST_NAMED {
            return;
        }
        self.named += 1;
        let mut path = Vec::new();
        let above = levels.iter().map(|level| level.name.as_slice());
        for name in above.chain(names).filter(|name| !name.is_empty()) {
            path::push(&mut path, name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        self.uncounted.push(Uncounted { path, why });
    }

    fn count(&mut self, root: Id) -> Counted {
        if let Some(counted) = self.trees.get(&root) {
            return *counted;
        }
        let mut levels = vec![self.open(&[], Vec::new(), root)];
        loop {
            let Some(level) = levels.last_mut() else {
                return Counted::default();
            };
            match level.subtrees.next() {
                Some((name, tree)) => match self.trees.get(&tree) {
                    Some(counted) => level.counted.add(*counted),
                    // No tree can lie inside itself: its id would be part of what its id is the hash of.
                    None => {
                        let open = self.open(&levels, name, tree);
                        levels.push(open);
                    }
                },
                None => {
                    let Some(done) = levels.pop() else {
                        return Counted::default();
                    };
                    self.trees.insert(done.tree, done.counted);
                    match levels.last_mut() {
                        Some(above) => above.counted.add(done.counted),
                        None => return done.counted,
                    }
                }
            }
        }
    }

    /// Reads a tree and counts its own entries.
    fn open(&mut self, above: &[Open], name: Vec<u8>, tree: Id) -> Open {
        let mut counted = Counted::default();
        let mut subtrees = Vec::new();
        self.blob(BlobKind::Tree, tree);
        match path::entries(self.repository, &mut self.reader, &mut self.text, tree) {
            Err(error) => {
                counted.contents.unreadable = 1;
                self.not_counted(above, [&name, b""], NotCounted::Unreadable(error));
            }
            Ok(entries) => {
                for (node, problem) in entries {
                    if let Some(problem) = problem {
                        counted.contents.unusable += 1;
                        let why = NotCounted::Unusable(problem);
                        self.not_counted(above, [&name, &node.name], why);
                        continue;
                    }
                    counted.own(&node);
                    for id in node.content.iter().flatten() {
                        self.blob(BlobKind::Data, *id);
                    }
                    if node.kind == NodeKind::Directory {
                        subtrees.extend(node.subtree.map(|subtree| (node.name, subtree)));
                    }
                }
            }
        }
        Open {
            tree,
            counted,
            name,
            subtrees: subtrees.into_iter(),
        }
    }

    /// Counts a blob when it is met for the first time.
    fn blob(&mut self, kind: BlobKind, id: Id) {
        let name = BlobName { kind, id };
        if !self.blobs.insert(name) {
            return;
        }
        let Some(location) = self.repository.index.lookup(name).next() else {
            self.data.missing += 1;
            return;
        };
        match kind {
            BlobKind::Data => self.data.data_blobs += 1,
            BlobKind::Tree => self.data.tree_blobs += 1,
        }
        self.data.stored_size += u64::from(location.blob.length);
        self.data.content_size += location.blob.content_length();
    }

    /// The sizes of the files below a tree that may have several names, each file once. A tree that is met again has the
    /// same files.
    fn linked_size(&mut self, root: Id) -> u64 {
        let mut seen = HashSet::from([root]);
        let mut files = HashSet::new();
        let mut pending = vec![root];
        let mut size = 0_u64;
        while let Some(tree) = pending.pop() {
            let entries = path::entries(self.repository, &mut self.reader, &mut self.text, tree);
            for (node, problem) in entries.unwrap_or_default() {
                if problem.is_some() {
                    continue;
                }
                if is_linked(&node) && files.insert((node.device_id, node.inode)) {
                    size = size.saturating_add(node.size);
                }
                if let (NodeKind::Directory, Some(subtree)) = (&node.kind, node.subtree)
                    && self.trees.get(&subtree).is_some_and(|it| it.has_links)
                    && seen.insert(subtree)
                {
                    pending.push(subtree);
                }
            }
        }
        size
    }
}

/// Whether a file may be met again under another name. Without an inode, nobody could tell.
fn is_linked(node: &Node) -> bool {
    node.kind == NodeKind::File && node.links != 1 && node.inode != 0
}

impl Counted {
    /// Counts one entry of the tree itself.
    fn own(&mut self, node: &Node) {
        let contents = &mut self.contents;
        match node.kind {
            NodeKind::File => contents.files += 1,
            NodeKind::Directory => contents.directories += 1,
            _ => contents.others += 1,
        }
        if is_linked(node) {
            self.has_links = true;
        } else if node.kind == NodeKind::File {
            contents.restore_size = contents.restore_size.saturating_add(node.size);
        }
    }

    /// Adds what lies below a subtree.
    fn add(&mut self, below: Counted) {
        let (sum, below_sum) = (&mut self.contents, below.contents);
        sum.files = sum.files.saturating_add(below_sum.files);
        sum.directories = sum.directories.saturating_add(below_sum.directories);
        sum.others = sum.others.saturating_add(below_sum.others);
        sum.restore_size = sum.restore_size.saturating_add(below_sum.restore_size);
        sum.unreadable = sum.unreadable.saturating_add(below_sum.unreadable);
        sum.unusable = sum.unusable.saturating_add(below_sum.unusable);
        self.has_links |= below.has_links;
    }
}
