//! Which part of a snapshot is restored, and which of its directories becomes the target.
//!
//! The entries of the directory that was backed up go directly into the target. A single file becomes
//! `target/<its name>`. A snapshot of several paths has their full paths below the target.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::error::{Doing, Error, ErrorKind};
use super::report::Unmatched;
use crate::repository::blob::BlobReader;
use crate::repository::error::Error as RepositoryError;
use crate::repository::indexed::Indexed;
use crate::repository::node::{Node, NodeKind};
use crate::repository::snapshot::Snapshot;
use crate::repository::tree;
use crate::source::patterns::{Decision, Patterns};
use crate::storage::id::Id;

/// The part of a snapshot that is restored.
#[derive(Clone, Copy, Debug, Default)]
pub enum Selection<'a> {
    /// All of it.
    #[default]
    Whole,
    /// All of it, with the full paths below the target, also where the snapshot has only one path.
    FullPaths,
    /// One file, or what is in one directory. The path is the one that was backed up, or the end of a snapshot's only
    /// path with what follows.
    Path(&'a Path),
}

/// Patterns of what is restored. Paths are relative to the target.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only what these match is restored, with what is in it. Empty: everything.
    pub include: Patterns,
    /// What these match is not restored.
    pub exclude: Patterns,
    /// Only these files are restored, with the directories that they are in. `None`: everything.
    pub only: Option<Only>,
}

/// Single files, and the directories that lead to them. Paths are relative to the target.
#[derive(Clone, Debug, Default)]
pub struct Only {
    files: BTreeSet<PathBuf>,
    directories: BTreeSet<PathBuf>,
}

impl Only {
    /// These files.
    pub fn new(files: impl IntoIterator<Item = PathBuf>) -> Only {
        let files: BTreeSet<PathBuf> = files.into_iter().collect();
        let above = files.iter().flat_map(|file| file.ancestors().skip(1));
        let above = above.filter(|path| !path.as_os_str().is_empty());
        Only {
            directories: above.map(Path::to_owned).collect(),
            files,
        }
    }

    /// Whether it is one of the files.
    pub fn has_file(&self, path: &Path) -> bool {
        self.files.contains(path)
    }

    /// Whether one of the files is in the directory, or below it.
    pub fn has_directory(&self, path: &Path) -> bool {
        self.directories.contains(path)
    }

    /// How many directories lead to the files.
    pub fn directories(&self) -> u64 {
        self.directories.len() as u64
    }
}

/// Which patterns of a filter have matched something so far.
#[derive(Clone, Debug, Default)]
pub struct Matched {
    include: Vec<bool>,
    exclude: Vec<bool>,
}

/// What a filter decides for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Take,
    /// A directory that is not selected itself. Something in it may be.
    Pass,
    Skip,
}

impl Filter {
    /// True if everything is restored.
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty() && self.only.is_none()
    }

    /// Notes which patterns match an entry.
    pub fn note(&self, path: &Path, is_directory: bool, matched: &mut Matched) {
        self.include
            .note_matches(path, is_directory, &mut matched.include);
        self.exclude
            .note_matches(path, is_directory, &mut matched.exclude);
    }

    /// The patterns that have matched nothing.
    pub fn unmatched(&self, matched: &Matched) -> Unmatched {
        Unmatched {
            include: self.include.without_match(&matched.include),
            exclude: self.exclude.without_match(&matched.exclude),
        }
    }

    /// Decides for an entry. `above`: whether its directory is selected.
    pub fn choose(&self, path: &Path, is_directory: bool, above: bool) -> Choice {
        let is_one = |only: &Only| match is_directory {
            true => only.has_directory(path),
            false => only.has_file(path),
        };
        if self.only.as_ref().is_some_and(|only| !is_one(only)) {
            return Choice::Skip;
        }
        if matches!(
            self.exclude.decision(path, is_directory),
            Decision::LeftOut(_)
        ) {
            return Choice::Skip;
        }
        let taken = self.include.is_empty()
            || match self.include.decision(path, is_directory) {
                Decision::NoMatch => above,
                Decision::LeftOut(_) => true,
                Decision::Kept(_) => false,
            };
        match (taken, is_directory) {
            (true, _) => Choice::Take,
            (false, true) => Choice::Pass,
            (false, false) => Choice::Skip,
        }
    }
}

/// What goes into the target.
pub enum Root {
    /// What is in a directory. The node is missing for the top of a snapshot of several paths.
    Directory { tree: Id, node: Option<Box<Node>> },
    /// One entry that is not a directory.
    Entry(Box<Node>),
}

/// Finds what goes into the target.
///
/// # Errors
/// When a tree on the way cannot be read, or when there is no such path.
pub fn root(
    repository: &Indexed,
    snapshot: &Snapshot,
    selection: Selection<'_>,
) -> Result<Root, Error> {
    let whole = Root::Directory {
        tree: snapshot.tree,
        node: None,
    };
    let (path, asked) = match (selection, snapshot.paths.as_slice()) {
        (Selection::FullPaths, _) => return Ok(whole),
        (Selection::Path(path), _) => (path, true),
        (Selection::Whole, [path]) => (Path::new(path), false),
        (Selection::Whole, _) => return Ok(whole),
    };
    let names: Vec<&[u8]> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.as_bytes()),
            _ => None,
        })
        .collect();
    if names.is_empty() {
        return Ok(whole);
    }
    // The tree of a relative path has fewer directories than the path in the snapshot. A path that was asked for is
    // taken as it is.
    let starts = if asked { 0..1 } else { 0..names.len() };
    for start in starts {
        let found = find(repository, snapshot.tree, &names[start..])
            .map_err(|error| Error::repository(Doing::Select, path, error))?;
        if let Some(node) = found {
            return Ok(match (&node.kind, node.subtree) {
                (NodeKind::Directory, Some(tree)) => Root::Directory {
                    tree,
                    node: Some(node),
                },
                _ => Root::Entry(node),
            });
        }
    }
    match asked {
        true => Err(Error::new(ErrorKind::NotInSnapshot, Doing::Select, path)),
        false => Ok(whole),
    }
}

fn find(
    repository: &Indexed,
    root: Id,
    names: &[&[u8]],
) -> Result<Option<Box<Node>>, RepositoryError> {
    let mut reader = BlobReader::new();
    let mut text = Vec::new();
    let mut tree = Some(root);
    let mut found = None;
    for name in names {
        let Some(id) = tree else {
            return Ok(None);
        };
        repository.read_tree(&mut reader, id, &mut text)?;
        let mut exact = None;
        let mut similar = None;
        tree::read(id, &text, |node, problem| {
            if problem.is_some() {
            } else if node.name == *name {
                exact = Some(node);
            } else if String::from_utf8_lossy(&node.name).as_bytes() == *name {
                // A snapshot's list of paths has lost the bytes that are not UTF-8.
                similar = Some(node);
            }
        })?;
        let Some(node) = exact.or(similar) else {
            return Ok(None);
        };
        tree = match node.kind {
            NodeKind::Directory => node.subtree,
            _ => None,
        };
        found = Some(Box::new(node));
    }
    Ok(found)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A filter of these patterns.
    pub fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        let patterns = |texts: &[&str]| Patterns::new(Path::new("/"), texts).0;
        Filter {
            include: patterns(include),
            exclude: patterns(exclude),
            only: None,
        }
    }

    #[test]
    fn an_included_directory_includes_what_is_in_it_and_others_are_passed() {
        let filter = filter(&["/a/b", "*.txt"], &["*.o"]);
        let choose =
            |path: &str, is_directory, above| filter.choose(Path::new(path), is_directory, above);
        assert_eq!(choose("a", true, false), Choice::Pass);
        assert_eq!(choose("a/b", true, false), Choice::Take);
        assert_eq!(choose("a/b/c", false, true), Choice::Take);
        assert_eq!(choose("a/b/c.o", false, true), Choice::Skip);
        assert_eq!(choose("a/c", false, false), Choice::Skip);
        assert_eq!(choose("x/y.txt", false, false), Choice::Take);
    }

    #[test]
    fn of_single_files_only_the_way_to_them_is_entered() {
        let filter = Filter {
            only: Some(Only::new(["a/b/c".into(), "x".into()])),
            ..Filter::default()
        };
        assert!(!filter.is_empty());
        let choose = |path: &str, is_directory| filter.choose(Path::new(path), is_directory, true);
        for (path, is_directory, choice) in [
            ("a", true, Choice::Take),
            ("a/b", true, Choice::Take),
            ("a/b/c", false, Choice::Take),
            ("a/b/d", false, Choice::Skip),
            ("a/c", true, Choice::Skip),
            ("a", false, Choice::Skip),
            ("x", false, Choice::Take),
        ] {
            assert_eq!(choose(path, is_directory), choice, "{path}");
        }
    }

    #[test]
    fn without_patterns_everything_is_taken() {
        let filter = Filter::default();
        assert!(filter.is_empty());
        assert_eq!(filter.choose(Path::new("a"), false, true), Choice::Take);
    }
}
