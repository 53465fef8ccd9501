//! Writes snapshots anew, without what they have lost. A file is left out if a piece of it is lost. A directory whose
//! list of entries is lost becomes empty.

use std::collections::{HashMap, HashSet};

use crate::kill_point::{self, Point};
use crate::repository::blob::BlobReader;
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::check::lost::Loss;
use crate::repository::error::Error;
use crate::repository::forget::forget;
use crate::repository::index::BlobSet;
use crate::repository::indexed::Indexed;
use crate::repository::node::{Node, NodeKind, NodeProblem};
use crate::repository::open::Repository;
use crate::repository::packer::{DEFAULT_TARGET, Encoder, FullPack, Packer};
use crate::repository::progress::{Observer, Stage};
use crate::repository::rewrite::Confirm;
use crate::repository::rewrite::index::NewIndex;
use crate::repository::snapshot::{Snapshot, read_all};
use crate::repository::tree::{self, TreeBuilder};
use crate::storage::id::Id;

/// Which snapshots are written anew, and how.
pub struct Orders<'a> {
    /// What each snapshot has lost, as a check or a repair of the index found it.
    pub losses: &'a [Loss],
    /// Tags that the new snapshots get.
    pub tags: &'a [&'a str],
    /// Removes each snapshot that was written anew or of which nothing is left, and the snapshot files that cannot be
    /// read.
    pub forget: bool,
    /// Whether the exclusive lock still holds.
    pub confirm: Confirm<'a>,
}

/// What became of a snapshot with losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewritten {
    /// A new snapshot has what is left.
    New(Id),
    /// An earlier repair wrote the same snapshot.
    Before(Id),
    /// Nothing is left of it.
    Nothing,
    /// Nothing can be left out: what is wrong with it is unusual, and not a loss.
    Same,
}

/// What a repair of snapshots did.
#[derive(Debug, Default)]
pub struct RepairedSnapshots {
    /// By the id of the snapshot that has losses.
    pub rewritten: Vec<(Id, Rewritten)>,
    /// Snapshots that were removed.
    pub removed: Vec<Id>,
}

/// Writes the snapshots anew. It may be interrupted at any time: what it has written is complete, and nothing is removed
/// before everything that takes its place is durable.
///
/// The index was repaired before: a piece that no index names counts as lost.
///
/// # Errors
/// When an index file cannot be read, the storage fails, or the lock is lost.
pub fn repair(
    repository: &Repository,
    orders: &Orders<'_>,
    observer: &dyn Observer,
) -> Result<RepairedSnapshots, Error> {
    repository.writable()?;
    let (storage, cipher) = (&*repository.storage, &*repository.cipher);
    let mut indexed = Indexed::load(repository.clone())?;
    if let Some(problem) = indexed.problems.pop() {
        return Err(problem);
    }
    let all = read_all(storage, cipher)?;
    observer.stage(Stage::RepairSnapshots, Some(orders.losses.len() as u64));
    let mut writer = Writer::new(&indexed, orders.confirm, observer);
    let mut trees = Vec::new();
    for loss in orders.losses {
        let snapshot = all.iter().find(|(id, _)| *id == loss.snapshot);
        if let Some((id, Ok(snapshot))) = snapshot {
            trees.push((*id, snapshot, writer.rewrite(snapshot.tree)?));
        }
        observer.advance(1);
    }
    writer.finish()?;

    let mut repaired = RepairedSnapshots::default();
    let mut leave = Vec::new();
    for (id, old, tree) in trees {
        let rewritten = match tree {
            Tree::Same => Rewritten::Same,
            Tree::Lost => Rewritten::Nothing,
            Tree::New(tree) => {
                let new = anew(id, old, tree, orders.tags);
                let is_it = |known: &Snapshot| {
                    known.tree == tree && known.original == new.original && known.time == new.time
                };
                let before = all.iter().find(|(_, it)| it.as_ref().is_ok_and(is_it));
                match before {
                    Some((before, _)) => Rewritten::Before(*before),
                    None => {
                        (orders.confirm)()?;
                        kill_point::reached(Point::SnapshotBegins);
                        Rewritten::New(new.write(storage, cipher)?)
                    }
                }
            }
        };
        if rewritten != Rewritten::Same {
            leave.push(id);
        }
        repaired.rewritten.push((id, rewritten));
    }
    if orders.forget {
        let unreadable = all
            .iter()
            .filter(|(_, it)| it.as_ref().is_err_and(Error::is_damage));
        leave.extend(unreadable.map(|(id, _)| *id));
        let forgotten = forget(storage, &leave, orders.confirm)?;
        if let Some((_, error)) = forgotten.failed.into_iter().next() {
            return Err(error);
        }
        repaired.removed = forgotten.removed;
    }
    Ok(repaired)
}

/// The snapshot with another tree. Its counts were those of the old one.
fn anew(id: Id, old: &Snapshot, tree: Id, tags: &[&str]) -> Snapshot {
    let mut new = Snapshot {
        tree,
        original: Some(old.original.unwrap_or(id)),
        summary: None,
        ..old.clone()
    };
    for tag in tags {
        if !new.tags.iter().any(|known| known == tag) {
            new.tags.push((*tag).to_owned());
        }
    }
    new
}

/// What became of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tree {
    Same,
    New(Id),
    Lost,
}

/// A directory whose subtrees are written anew.
struct Level {
    tree: Id,
    subtrees: std::vec::IntoIter<Id>,
    /// An entry leaves it, or a subtree has another id.
    is_changed: bool,
}

struct Writer<'a> {
    indexed: &'a Indexed,
    confirm: Confirm<'a>,
    reader: BlobReader,
    encoder: Encoder,
    packer: Packer,
    index: NewIndex<'a>,
    /// Trees that stay as they are.
    same: BlobSet<'a>,
    /// All others that are done.
    done: HashMap<Id, Tree>,
    stored: HashSet<Id>,
}

impl<'a> Writer<'a> {
    fn new(indexed: &'a Indexed, confirm: Confirm<'a>, observer: &'a dyn Observer) -> Writer<'a> {
        Writer {
            indexed,
            confirm,
            reader: BlobReader::new(),
            encoder: Encoder::new(3),
            packer: Packer::new(DEFAULT_TARGET),
            index: NewIndex::new(&indexed.repository, confirm, observer),
            same: BlobSet::new(&indexed.index),
            done: HashMap::new(),
            stored: HashSet::new(),
        }
    }

    fn known(&self, tree: Id) -> Option<Tree> {
        match self.same.contains(tree_name(tree)) {
            true => Some(Tree::Same),
            false => self.done.get(&tree).copied(),
        }
    }

    /// Writes a tree, and those below it, without what is lost. No tree can lie inside itself: its id would be a part of
    /// what its id is the hash of.
    fn rewrite(&mut self, root: Id) -> Result<Tree, Error> {
        let mut levels: Vec<Level> = Vec::new();
        let mut next = Some(root);
        loop {
            if let Some(tree) = next.take() {
                let is_changed = match self.known(tree) {
                    Some(known) => known != Tree::Same,
                    None => match self.open(tree) {
                        Some(level) => {
                            levels.push(level);
                            false
                        }
                        None => {
                            self.done.insert(tree, Tree::Lost);
                            true
                        }
                    },
                };
                if let Some(level) = levels.last_mut() {
                    level.is_changed |= is_changed;
                }
            }
            let Some(level) = levels.last_mut() else {
                return Ok(self.known(root).unwrap_or(Tree::Lost));
            };
            next = level.subtrees.next();
            if next.is_some() {
                continue;
            }
            let (tree, is_changed) = (level.tree, level.is_changed);
            levels.pop();
            if is_changed {
                let new = self.write_anew(tree)?;
                self.done.insert(tree, new);
                if let Some(above) = levels.last_mut() {
                    above.is_changed = true;
                }
            } else {
                self.same.insert(tree_name(tree));
            }
        }
    }

    /// Reads the subtrees of a tree; `None` when it cannot be read.
    fn open(&mut self, id: Id) -> Option<Level> {
        let mut text = Vec::new();
        self.indexed
            .read_tree(&mut self.reader, id, &mut text)
            .ok()?;
        let mut subtrees = Vec::new();
        let mut is_changed = false;
        tree::read(id, &text, |node, problem| {
            is_changed |= !stays(self.indexed, &node, problem);
            subtrees.extend(subtree(&node));
        })
        .ok()?;
        Some(Level {
            tree: id,
            subtrees: subtrees.into_iter(),
            is_changed,
        })
    }

    fn write_anew(&mut self, id: Id) -> Result<Tree, Error> {
        let empty = self.store(TreeBuilder::new().finish())?;
        let mut text = Vec::new();
        if self
            .indexed
            .read_tree(&mut self.reader, id, &mut text)
            .is_err()
        {
            return Ok(Tree::Lost);
        }
        let mut builder = TreeBuilder::new();
        // Entries that are not in the order of their names, which is rare.
        let mut displaced: Vec<Node> = Vec::new();
        let read = tree::read(id, &text, |mut node, problem| {
            if !stays(self.indexed, &node, problem) {
                return;
            }
            match subtree(&node).and_then(|below| self.known(below)) {
                Some(Tree::New(new)) => node.subtree = Some(new),
                Some(Tree::Lost) => node.subtree = Some(empty),
                Some(Tree::Same) | None => {}
            }
            if builder.add(&node).is_err() {
                displaced.push(node);
            }
        });
        if read.is_err() {
            return Ok(Tree::Lost);
        }
        if !displaced.is_empty() {
            let mut nodes = displaced;
            tree::read(id, &builder.finish(), |node, _| nodes.push(node))?;
            nodes.sort_by(|one, other| one.name.cmp(&other.name));
            builder = TreeBuilder::new();
            for node in &nodes {
                // Of two with one name the first stays.
                let _ = builder.add(node);
            }
        }
        self.store(builder.finish()).map(Tree::New)
    }

    /// Stores a tree, unless it is there.
    fn store(&mut self, text: Vec<u8>) -> Result<Id, Error> {
        let id = Id::of(&text);
        let name = tree_name(id);
        if self.indexed.index.contains(name) || !self.stored.insert(id) {
            return Ok(id);
        }
        let cipher = &self.indexed.repository.cipher;
        let mut bytes = Vec::new();
        let encoded = self.encoder.encode(cipher, name, &text, &mut bytes)?;
        self.packer.add(&encoded, &bytes);
        if self.packer.is_full()
            && let Some(pack) = self.packer.finish(cipher)?
        {
            self.write_pack(&pack)?;
        }
        Ok(id)
    }

    fn write_pack(&mut self, pack: &FullPack) -> Result<(), Error> {
        (self.confirm)()?;
        let storage = &*self.indexed.repository.storage;
        pack.write(storage)?;
        // Durable, before an index names it.
        storage.sync()?;
        kill_point::reached(Point::PackCopied);
        self.index.add(pack.id, &pack.blobs)
    }

    /// Makes everything durable.
    fn finish(mut self) -> Result<(), Error> {
        let repository = &self.indexed.repository;
        if let Some(pack) = self.packer.finish(&repository.cipher)? {
            self.write_pack(&pack)?;
        }
        self.index.finish().map(drop)
    }
}

/// Whether an entry can stay: it has a name that can be used, and all of its pieces are there. An entry of an unknown
/// type, or in the wrong place, is not lost.
fn stays(indexed: &Indexed, node: &Node, problem: Option<NodeProblem>) -> bool {
    let is_there = |id: &Id| {
        let kind = BlobKind::Data;
        indexed.index.contains(BlobName { kind, id: *id })
    };
    match problem {
        Some(
            NodeProblem::Name
            | NodeProblem::Duplicate
            | NodeProblem::NoTree
            | NodeProblem::NoContent,
        ) => false,
        Some(NodeProblem::Order | NodeProblem::Kind) | None => {
            node.content.iter().flatten().all(is_there)
        }
    }
}

fn subtree(node: &Node) -> Option<Id> {
    node.subtree.filter(|_| node.kind == NodeKind::Directory)
}

fn tree_name(id: Id) -> BlobName {
    let kind = BlobKind::Tree;
    BlobName { kind, id }
}
