//! Counts what a comparison of two snapshots tells, in bounded memory.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::directories::Directories;
use crate::inspect::diff::Told;
use crate::inspect::diff::change::Change;
use crate::protocol::{Amount, ChangedFile, Changes, DirectoryChanges, GoneEntry};
use crate::repository::node::{Node, NodeKind};

/// How many directories, and how many entries of each kind, a report names.
const MOST_DIRECTORIES: usize = 30;
const MOST_ENTRIES: usize = 20;

/// No source has a longer path. Those of a repository that others write could be of any length.
const LONGEST_PATH: usize = 4096;

/// What was counted so far.
#[derive(Default)]
pub(super) struct Tally {
    /// Its lists are filled in at the end.
    changes: Changes,
    directories: Directories,
    largest: Largest<ChangedFile>,
    largest_gone: Largest<GoneEntry>,
    /// The last entry that is gone, with its path: a directory is followed by what was in it.
    gone: Option<(Vec<u8>, GoneEntry)>,
    /// The paths that the backup could not read.
    unread: BTreeSet<Vec<u8>>,
}

/// The largest of all that are offered. Of equal ones, those whose paths come first.
struct Largest<T> {
    kept: Vec<Offered<T>>,
    /// What comes after this is not among them.
    floor: Option<Place>,
}

struct Offered<T> {
    place: Place,
    it: T,
}

/// The largest first.
type Place = (Reverse<u64>, Vec<u8>);

impl<T> Default for Largest<T> {
    fn default() -> Largest<T> {
        Largest {
            kept: Vec::new(),
            floor: None,
        }
    }
}

impl<T> Largest<T> {
    fn offer(&mut self, size: u64, path: &[u8], make: impl FnOnce() -> T) {
        let size = Reverse(size);
        let is_behind = |(floor, last): &Place| (size, path) > (*floor, last);
        if self.floor.as_ref().is_some_and(is_behind) {
            return;
        }
        self.kept.push(Offered {
            place: (size, path.to_vec()),
            it: make(),
        });
        if self.kept.len() >= 2 * MOST_ENTRIES {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.kept.sort_by(|one, other| one.place.cmp(&other.place));
        self.kept.truncate(MOST_ENTRIES);
        if self.kept.len() == MOST_ENTRIES {
            self.floor = self.kept.last().map(|last| last.place.clone());
        }
    }

    fn finish(mut self) -> Vec<T> {
        self.cut();
        self.kept.into_iter().map(|offered| offered.it).collect()
    }
}

impl Tally {
    /// From now on, these paths count as unread where they are gone.
    pub fn could_not_read(&mut self, unread: BTreeSet<Vec<u8>>) {
        self.unread = unread;
    }

    /// Takes in what the comparison comes to.
    pub fn add(&mut self, told: &Told<'_>) {
        let Told::Changed {
            path,
            change,
            node,
            before,
        } = told
        else {
            self.changes.not_compared += 1;
            return;
        };
        let size = bytes_of(node);
        match change {
            Change::Added => {
                add(&mut self.changes.new, node);
                let row = self.directories.of_entry(path);
                row.new += 1;
                row.bytes = row.bytes.saturating_add(size);
                self.file(path, node, None);
            }
            Change::Removed if self.was_not_read(path) => add(&mut self.changes.unread, node),
            Change::Removed => self.gone(path, node),
            Change::Modified(it) if it.kind || it.content => {
                let amount = match it.kind {
                    true => &mut self.changes.type_changed,
                    false => &mut self.changes.changed,
                };
                add(amount, node);
                let row = self.directories.of_entry(path);
                row.changed += 1;
                row.bytes = row.bytes.saturating_add(size);
                self.file(path, node, before.map(bytes_of));
            }
            Change::Modified(_) => {
                add(&mut self.changes.metadata_changed, node);
                self.directories.of_entry(path).metadata_changed += 1;
            }
        }
    }

    fn file(&mut self, path: &[u8], node: &Node, size_before: Option<u64>) {
        if node.kind == NodeKind::File && path.len() <= LONGEST_PATH {
            self.largest.offer(node.size, path, || ChangedFile {
                path: path.into(),
                size: node.size,
                size_before,
            });
        }
    }

    fn gone(&mut self, path: &[u8], node: &Node) {
        let size = bytes_of(node);
        add(&mut self.changes.gone, node);
        let row = self.directories.of_entry(path);
        row.gone += 1;
        row.bytes_gone = row.bytes_gone.saturating_add(size);
        if let Some((top, entry)) = &mut self.gone
            && path
                .strip_prefix(top.as_slice())
                .is_some_and(|rest| rest.starts_with(b"/"))
        {
            entry.entries += 1;
            entry.bytes = entry.bytes.saturating_add(size);
            return;
        }
        self.end_gone();
        let entry = GoneEntry {
            path: path.into(),
            kind: node.kind.word().to_owned(),
            entries: 1,
            bytes: size,
        };
        self.gone = Some((path.to_vec(), entry));
    }

    fn end_gone(&mut self) {
        if let Some((path, entry)) = self.gone.take()
            && path.len() <= LONGEST_PATH
        {
            self.largest_gone.offer(entry.bytes, &path, || entry);
        }
    }

    /// Whether the backup could not read an entry, or a directory that it is in.
    fn was_not_read(&self, path: &[u8]) -> bool {
        if self.unread.is_empty() {
            return false;
        }
        let ends = (1..path.len()).filter(|at| path[*at] == b'/');
        ends.chain([path.len()])
            .any(|end| self.unread.contains(&path[..end]))
    }

    /// What was counted.
    pub fn finish(mut self) -> Changes {
        self.end_gone();
        let directories = self.directories.finish(MOST_DIRECTORIES).into_iter();
        Changes {
            directories: directories
                .map(|(path, row)| DirectoryChanges {
                    path: path.as_slice().into(),
                    new: row.new,
                    changed: row.changed,
                    metadata_changed: row.metadata_changed,
                    gone: row.gone,
                    bytes: row.bytes,
                    bytes_gone: row.bytes_gone,
                })
                .collect(),
            largest: self.largest.finish(),
            largest_gone: self.largest_gone.finish(),
            ..self.changes
        }
    }
}

/// The bytes of a file. Other entries have none.
fn bytes_of(node: &Node) -> u64 {
    match node.kind {
        NodeKind::File => node.size,
        _ => 0,
    }
}

fn add(amount: &mut Amount, node: &Node) {
    match node.kind {
        NodeKind::File => amount.files += 1,
        NodeKind::Directory => amount.directories += 1,
        _ => amount.others += 1,
    }
    amount.bytes = amount.bytes.saturating_add(bytes_of(node));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::diff::Which;
    use crate::inspect::diff::change::Difference;
    use crate::repository::node::NodeProblem;

    fn file(size: u64) -> Node {
        Node {
            size,
            ..Node::new("x", NodeKind::File)
        }
    }

    fn told<'a>(path: &'a str, change: Change, node: &'a Node) -> Told<'a> {
        Told::Changed {
            path: path.as_bytes(),
            change,
            node,
            before: None,
        }
    }

    fn paths(entries: &[GoneEntry]) -> Vec<(String, u64, u64)> {
        let entries = entries.iter();
        entries
            .map(|it| {
                let path = String::from_utf8(it.path.bytes()).unwrap();
                (path, it.entries, it.bytes)
            })
            .collect()
    }

    #[test]
    fn a_directory_that_is_gone_stands_for_what_was_in_it() {
        let mut tally = Tally::default();
        let directory = Node::new("d", NodeKind::Directory);
        for (path, node) in [
            ("/old", &directory),
            ("/old/a", &file(5)),
            ("/old/sub", &directory),
            ("/old/sub/b", &file(6)),
            ("/old-2", &file(7)),
        ] {
            tally.add(&told(path, Change::Removed, node));
        }
        let changes = tally.finish();
        let expected = [("/old", 4, 11), ("/old-2", 1, 7)];
        let expected = expected.map(|(path, entries, bytes)| (path.to_owned(), entries, bytes));
        assert_eq!(paths(&changes.largest_gone), expected);
        assert_eq!((changes.gone.files, changes.gone.directories), (3, 2));
        assert_eq!(changes.gone.bytes, 18);
    }

    #[test]
    fn what_could_not_be_read_is_not_gone() {
        let unread = ["/dir", "/file"].map(|path| path.as_bytes().to_vec());
        let mut tally = Tally::default();
        tally.could_not_read(unread.into_iter().collect());
        for path in ["/dir/deep/x", "/file", "/files", "/di"] {
            tally.add(&told(path, Change::Removed, &file(1)));
        }
        let changes = tally.finish();
        assert_eq!((changes.unread.files, changes.gone.files), (2, 2));
    }

    #[test]
    fn the_largest_are_kept_of_any_number_and_the_counts_are_of_all() {
        let mut tally = Tally::default();
        for number in 0..1000_u64 {
            let path = format!("/{number}");
            tally.add(&told(&path, Change::Added, &file(number * 7919 % 1000)));
        }
        tally.add(&Told::Unusable {
            path: b"/..",
            which: Which::After,
            problem: NodeProblem::Name,
        });
        let changes = tally.finish();
        let sizes: Vec<u64> = changes.largest.iter().map(|it| it.size).collect();
        let expected: Vec<u64> = (980..1000).rev().collect();
        assert_eq!(sizes, expected);
        assert_eq!((changes.new.files, changes.not_compared), (1000, 1));
    }

    #[test]
    fn empty_files_are_named_while_there_is_room() {
        let mut tally = Tally::default();
        for number in 0..1000 {
            let change = Change::Modified(Difference {
                content: true,
                ..Difference::default()
            });
            tally.add(&told(&format!("/{number}"), change, &file(0)));
        }
        let changes = tally.finish();
        assert_eq!(changes.largest.len(), MOST_ENTRIES);
        assert_eq!(changes.changed.files, 1000);
    }
}
