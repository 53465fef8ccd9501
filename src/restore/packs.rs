//! Which packs a restore reads: found in the trees and the index, before the first of them is read.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::error::Error;
use super::select::{Choice, Filter, Root, Selection, root};
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::index::Index;
use crate::repository::indexed::Indexed;
use crate::repository::node::{Node, NodeKind};
use crate::repository::snapshot::Snapshot;
use crate::repository::walk::{Met, Step, walk};
use crate::storage::id::Id;

/// The packs with the content of the files that are selected, whether or not the target has them already. A tree that
/// cannot be read, and a piece that no index names, are left to the restore, which says so.
///
/// Memory: 32 bytes for each pack, and the entries of one directory for each level of depth.
///
/// # Errors
/// When the selected path is not in the snapshot, or a tree on the way to it cannot be read.
pub fn needed(
    repository: &Indexed,
    snapshot: &Snapshot,
    selection: Selection<'_>,
    filter: &Filter,
) -> Result<BTreeSet<Id>, Error> {
    let mut packs = BTreeSet::new();
    match root(repository, snapshot, selection)? {
        Root::Directory { tree, .. } => below(repository, tree, filter, &mut packs),
        Root::Entry(node) => {
            let is_directory = node.kind == NodeKind::Directory;
            let path = Path::new(OsStr::from_bytes(&node.name));
            if filter.choose(path, is_directory, false) == Choice::Take {
                add(&repository.index, &node, &mut packs);
            }
        }
    }
    Ok(packs)
}

fn below(repository: &Indexed, tree: Id, filter: &Filter, packs: &mut BTreeSet<Id>) {
    // Whether the directories that the walk is in are selected. The first one is the target.
    let mut selected = vec![filter.include.is_empty()];
    let _: Option<Infallible> = walk(repository, tree, |path, met| {
        let step = match met {
            Met::Entry { node, problem } => {
                let is_directory = node.kind == NodeKind::Directory;
                let above = selected.last().is_some_and(|selected| *selected);
                let path = Path::new(OsStr::from_bytes(path));
                let choice = filter.choose(path, is_directory, above);
                match choice {
                    Choice::Skip => Step::Skip,
                    _ if problem.is_some() => Step::Skip,
                    // The walk enters it, and comes out again.
                    _ if is_directory && node.subtree.is_some() => {
                        selected.push(choice == Choice::Take);
                        Step::Enter
                    }
                    _ => {
                        add(&repository.index, node, packs);
                        Step::Skip
                    }
                }
            }
            Met::Left { .. } | Met::Unreadable { .. } => {
                selected.pop();
                Step::Enter
            }
        };
        ControlFlow::Continue(step)
    });
}

fn add(index: &Index, node: &Node, packs: &mut BTreeSet<Id>) {
    for id in node.content.iter().flatten() {
        let kind = BlobKind::Data;
        // Where several packs have it, the first one is read.
        let location = index.lookup(BlobName { kind, id: *id }).next();
        packs.extend(location.map(|location| location.pack));
    }
}

#[cfg(test)]
mod tests {
    use super::super::select::tests::filter;
    use super::*;
    use crate::repository::time::Time;
    use crate::samples::trees::{Trees, directory, file};

    /// The names of the files whose packs are needed. Each has a pack of its own.
    fn needed_of(selection: Selection<'_>, filter: &Filter) -> Vec<&'static str> {
        let mut trees = Trees::new();
        let names = ["a/b/x.txt", "a/b/y.o", "a/z.txt", "top.txt"];
        let pieces = names.map(|name| {
            let piece = trees.blob(BlobKind::Data, name.as_bytes());
            trees.flush();
            piece
        });
        let [x, y, z, top] = pieces;
        let b = trees.tree(&[file("x.txt", 1, &[x]), file("y.o", 1, &[y])]);
        let a = trees.tree(&[
            directory("b", b),
            directory("lost", Id::of(b"lost")),
            file("z.txt", 2, &[z, z]),
        ]);
        let missing = Id::of(b"missing");
        let tree = trees.tree(&[directory("a", a), file("top.txt", 2, &[top, missing])]);
        let repository = trees.finish();
        let snapshot = Snapshot::new(Time::now(), tree, Vec::new());
        let packs = needed(&repository, &snapshot, selection, filter).unwrap();
        let pack_of = |id| {
            let kind = BlobKind::Data;
            repository
                .index
                .lookup(BlobName { kind, id })
                .next()
                .unwrap()
                .pack
        };
        let found = names.into_iter().zip(pieces);
        let found = found.filter(|(_, piece)| packs.contains(&pack_of(*piece)));
        let found: Vec<_> = found.map(|(name, _)| name).collect();
        assert_eq!(found.len(), packs.len());
        found
    }

    #[test]
    fn only_the_packs_of_selected_files_are_needed() {
        let whole = Selection::FullPaths;
        let all = ["a/b/x.txt", "a/b/y.o", "a/z.txt", "top.txt"];
        assert_eq!(needed_of(whole, &Filter::default()), all);
        assert_eq!(
            needed_of(whole, &filter(&["/a/b"], &["*.o"])),
            ["a/b/x.txt"]
        );
        assert_eq!(
            needed_of(whole, &filter(&["z.txt", "top.txt"], &[])),
            ["a/z.txt", "top.txt"]
        );
        assert_eq!(needed_of(whole, &filter(&["nothing"], &[])), [""; 0]);
        let below = Selection::Path(Path::new("/a/b"));
        assert_eq!(
            needed_of(below, &Filter::default()),
            ["a/b/x.txt", "a/b/y.o"]
        );
        assert_eq!(needed_of(below, &filter(&["x.txt"], &[])), ["a/b/x.txt"]);
        let one = Selection::Path(Path::new("/a/z.txt"));
        assert_eq!(needed_of(one, &Filter::default()), ["a/z.txt"]);
        assert_eq!(needed_of(one, &filter(&[], &["*.txt"])), [""; 0]);
    }
}
