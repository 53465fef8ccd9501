//! Searches snapshots for entries: by name and age, or by the ids of blobs, trees and packs.

use std::collections::HashSet;
use std::ops::ControlFlow;

use ids::IdQuery;
use names::NameQuery;

use super::path;
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::error::Error;
use crate::repository::indexed::Indexed;
use crate::repository::node::{Node, NodeKind, NodeProblem};
use crate::repository::walk::{Met, Step, walk};
use crate::storage::id::Id;

pub mod ids;
pub mod names;

/// What is searched for.
#[derive(Debug)]
pub enum Query {
    Names(NameQuery),
    Ids(IdQuery),
}

/// Something that a search comes to. Paths begin with a slash.
pub enum Found<'a> {
    /// An entry that matches. `blob` is the first blob that matched, if the query asks for ids.
    Entry {
        path: &'a [u8],
        node: &'a Node,
        blob: Option<BlobName>,
    },
    /// The root of the snapshot, which has no node.
    Root { blob: BlobName },
    /// An entry that is not usable: what lies below it was not searched. It is told beside the entries that match.
    Unusable {
        path: &'a [u8],
        problem: NodeProblem,
    },
    /// A directory that cannot be read: what it contains was not searched.
    Unreadable {
        path: &'a [u8],
        tree: Id,
        error: Error,
    },
}

/// How many directories without a match are remembered: 64 bytes of memory each.
const MOST_BARREN: usize = 1 << 21;

/// A search through several snapshots. A directory in which nothing was found is searched once only, however many
/// snapshots have it.
pub struct Search<'a> {
    repository: &'a Indexed,
    query: Query,
    /// Trees without a match, by [`Search::key`].
    barren: HashSet<Id>,
}

/// A directory that the search is in.
struct Open {
    key: Id,
    /// How much was found before it.
    found_before: u64,
}

impl<'a> Search<'a> {
    /// A search that has seen nothing yet.
    pub fn new(repository: &'a Indexed, query: Query) -> Search<'a> {
        Search {
            repository,
            query,
            barren: HashSet::new(),
        }
    }

    /// Searches one snapshot, which is given by its tree. `each` may end the search.
    pub fn snapshot<B>(
        &mut self,
        root: Id,
        mut each: impl FnMut(Found<'_>) -> ControlFlow<B>,
    ) -> Option<B> {
        let root_blob = tree_blob(root);
        let mut found = 0_u64;
        if let Query::Ids(query) = &self.query
            && query.matches(&root_blob)
        {
            found += 1;
            if let ControlFlow::Break(value) = each(Found::Root { blob: root_blob }) {
                return Some(value);
            }
        }
        let mut whole = Vec::new();
        let mut open: Vec<Open> = Vec::new();
        walk(self.repository, root, |below, met| {
            whole.clear();
            path::push(&mut whole, below);
            match met {
                Met::Entry { node, problem } => {
                    if let Some(problem) = problem {
                        // As what cannot be read.
                        found += 1;
                        let path = &whole;
                        let told = Found::Unusable { path, problem };
                        if let ControlFlow::Break(value) = each(told) {
                            return ControlFlow::Break(value);
                        }
                    }
                    if let Some(blob) = self.matches(&whole, node) {
                        found += 1;
                        let path = &whole;
                        if let ControlFlow::Break(value) = each(Found::Entry { path, node, blob }) {
                            return ControlFlow::Break(value);
                        }
                    }
                    let (None, NodeKind::Directory, Some(tree)) =
                        (problem, &node.kind, node.subtree)
                    else {
                        return ControlFlow::Continue(Step::Skip);
                    };
                    let key = self.key(&whole, tree);
                    if self.barren.contains(&key) {
                        return ControlFlow::Continue(Step::Skip);
                    }
                    open.push(Open {
                        key,
                        found_before: found,
                    });
                }
                Met::Left { .. } => {
                    if let Some(done) = open.pop()
                        && done.found_before == found
                        && self.barren.len() < MOST_BARREN
                    {
                        self.barren.insert(done.key);
                    }
                }
                Met::Unreadable { tree, error } => {
                    open.pop();
                    // What cannot be read is told for every snapshot that needs it.
                    found += 1;
                    let path = &whole;
                    let told = Found::Unreadable { path, tree, error };
                    if let ControlFlow::Break(value) = each(told) {
                        return ControlFlow::Break(value);
                    }
                }
            }
            ControlFlow::Continue(Step::Enter)
        })
    }

    /// Whether an entry matches, and by which blob.
    fn matches(&self, path: &[u8], node: &Node) -> Option<Option<BlobName>> {
        match &self.query {
            Query::Names(query) => query.matches(path, node).then_some(None),
            Query::Ids(query) => {
                let tree = match node.kind {
                    NodeKind::Directory => node.subtree.map(tree_blob),
                    _ => None,
                };
                let pieces = node.content.iter().flatten().map(|id| BlobName {
                    kind: BlobKind::Data,
                    id: *id,
                });
                let mut blobs = tree.into_iter().chain(pieces);
                blobs.find(|blob| query.matches(blob)).map(Some)
            }
        }
    }

    /// What stands for a directory in `barren`. A pattern with slashes can match in one place and not in another one
    /// that has the same tree.
    fn key(&self, path: &[u8], tree: Id) -> Id {
        match &self.query {
            Query::Names(query) if query.depends_on_place() => {
                Id::of(&[&tree.0[..], path].concat())
            }
            _ => tree,
        }
    }
}

fn tree_blob(id: Id) -> BlobName {
    BlobName {
        kind: BlobKind::Tree,
        id,
    }
}
