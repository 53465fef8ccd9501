//! What cannot be restored, snapshot by snapshot, when blobs are missing or damaged.

use crate::repository::blob::BlobReader;
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::index::{BlobSet, CopySet};
use crate::repository::indexed::Indexed;
use crate::repository::node::{NodeKind, NodeProblem};
use crate::repository::progress::{Observer, Stage};
use crate::repository::tree;
use crate::storage::id::Id;

/// The most paths that are named for one snapshot.
const MOST_PATHS: usize = 1000;
/// The most bytes that the paths of one snapshot take: a path can be very long.
const MOST_BYTES: usize = 1 << 20;
/// How often a directory with losses is entered again for another path that leads to it.
const MOST_AGAIN: usize = 10_000;

/// What a snapshot has lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    pub snapshot: Id,
    /// In the order of the trees.
    pub paths: Vec<LostPath>,
    /// True if there are more than `paths` has.
    pub more: bool,
}

/// A path in a snapshot that cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostPath {
    /// Any bytes, with slashes between the names. Empty for the whole snapshot.
    pub path: Vec<u8>,
    pub kind: LossKind,
}

/// What is lost at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossKind {
    /// All of a directory: its tree cannot be read.
    Directory,
    /// A part of a file's content, at least.
    Content,
    /// An entry that cannot be used, and everything below it.
    Entry(NodeProblem),
}

/// A part of a directory that is lost, or that may have lost something below.
struct Entry {
    name: Vec<u8>,
    lost: Option<LossKind>,
    subtree: Option<Id>,
}

/// A directory that the search is in.
struct Level {
    tree: Id,
    entries: std::vec::IntoIter<Entry>,
    path_above: usize,
    /// Whether anything below is lost.
    lossy: bool,
}

struct Search<'a> {
    repository: &'a Indexed,
    /// Copies that cannot be used.
    bad: &'a CopySet<'a>,
    reader: BlobReader,
    text: Vec<u8>,
    /// Trees below which nothing is lost.
    clean: BlobSet<'a>,
    entered: BlobSet<'a>,
    again: usize,
}

/// Looks for what these snapshots, each with its tree, have lost: blobs that no index names, and those whose copies are
/// all in `bad`. Snapshots that have lost nothing are not in the result.
///
/// Trees without a loss are read once, those with one for each path that leads to them, as far as the limits go.
pub fn find(
    repository: &Indexed,
    snapshots: &[(Id, Id)],
    bad: &CopySet<'_>,
    observer: &dyn Observer,
) -> Vec<Loss> {
    observer.stage(Stage::FindLosses, Some(snapshots.len() as u64));
    let mut search = Search {
        repository,
        bad,
        reader: BlobReader::new(),
        text: Vec::new(),
        clean: BlobSet::new(&repository.index),
        entered: BlobSet::new(&repository.index),
        again: 0,
    };
    let mut losses = Vec::new();
    for (snapshot, tree) in snapshots {
        let (paths, more) = search.paths(*tree);
        if more || !paths.is_empty() {
            losses.push(Loss {
                snapshot: *snapshot,
                paths,
                more,
            });
        }
        observer.advance(1);
    }
    losses
}

impl Search<'_> {
    /// The lost paths below a tree, and whether there may be more.
    fn paths(&mut self, root: Id) -> (Vec<LostPath>, bool) {
        let mut paths = Vec::new();
        let mut bytes = 0;
        let mut path = Vec::new();
        let mut levels = Vec::new();
        let mut next = Some(Entry {
            name: Vec::new(),
            lost: None,
            subtree: Some(root),
        });
        loop {
            let Some(entry) = next.take() else {
                let Some(done) = levels.pop() else {
                    return (paths, false);
                };
                let Level { tree, lossy, .. } = done;
                path.truncate(done.path_above);
                if !lossy {
                    self.clean.insert(tree_name(tree));
                }
                next = step(&mut levels, lossy);
                continue;
            };
            let path_above = path.len();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&entry.name);
            let mut lost = entry.lost;
            if let Some(subtree) = entry.subtree.filter(|_| lost.is_none()) {
                if self.clean.contains(tree_name(subtree)) {
                    path.truncate(path_above);
                    next = step(&mut levels, false);
                    continue;
                }
                if self.is_too_much(subtree) {
                    return (paths, true);
                }
                match self.entries(subtree) {
                    Some(entries) => {
                        levels.push(Level {
                            tree: subtree,
                            entries: entries.into_iter(),
                            path_above,
                            lossy: false,
                        });
                        next = step(&mut levels, false);
                        continue;
                    }
                    None => lost = Some(LossKind::Directory),
                }
            }
            if let Some(kind) = lost {
                bytes += path.len();
                if paths.len() >= MOST_PATHS || bytes > MOST_BYTES {
                    return (paths, true);
                }
                let path = path.clone();
                paths.push(LostPath { path, kind });
            }
            path.truncate(path_above);
            next = step(&mut levels, lost.is_some());
        }
    }

    /// Counts trees that are entered again.
    fn is_too_much(&mut self, tree: Id) -> bool {
        let inserted = self.entered.insert(tree_name(tree));
        if inserted.is_some_and(|inserted| !inserted.new) {
            self.again += 1;
        }
        self.again > MOST_AGAIN
    }

    /// The entries that matter; `None` when the tree cannot be read.
    fn entries(&mut self, id: Id) -> Option<Vec<Entry>> {
        let Search {
            repository,
            bad,
            reader,
            text,
            clean,
            ..
        } = self;
        repository.read_tree(reader, id, text).ok()?;
        let mut entries = Vec::new();
        tree::read(id, text, |node, problem| {
            let is_lost = |id: &Id| {
                let kind = BlobKind::Data;
                bad.contains_all(BlobName { kind, id: *id })
            };
            let lost = match problem {
                Some(problem) => Some(LossKind::Entry(problem)),
                None if node.content.iter().flatten().any(is_lost) => Some(LossKind::Content),
                None => None,
            };
            let subtree = node.subtree.filter(|subtree| {
                node.kind == NodeKind::Directory && !clean.contains(tree_name(*subtree))
            });
            if lost.is_some() || subtree.is_some() {
                entries.push(Entry {
                    name: node.name,
                    lost,
                    subtree,
                });
            }
        })
        .ok()?;
        Some(entries)
    }
}

/// The next entry of the innermost directory, which is told whether the last one had a loss.
fn step(levels: &mut [Level], lossy: bool) -> Option<Entry> {
    let level = levels.last_mut()?;
    level.lossy |= lossy;
    level.entries.next()
}

fn tree_name(id: Id) -> BlobName {
    let kind = BlobKind::Tree;
    BlobName { kind, id }
}
