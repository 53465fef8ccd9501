//! Whether a walk of a source comes to a path.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use super::Tree;
use super::directory::Lister;
use super::path::{DirectoryPath, OpenDirectory};
use super::stat::{EntryKind, Stat};

/// True if a backup of the tree has the path, which is relative to its top and has no `..`: nothing leaves it out, and
/// no link is on the way that is not followed. Of a directory, at least some of its content is backed up.
///
/// # Errors
/// When a directory on the way cannot be listed.
pub fn reaches(tree: &Tree, path: &Path) -> io::Result<bool> {
    let top = Stat::from(rustix::fs::stat(&tree.top)?);
    let mut lister = Lister::new();
    let mut at = DirectoryPath::top(&tree.top, Some(top.identity()));
    let mut near: Option<OpenDirectory> = None;
    let mut is_directory = top.kind() == EntryKind::Directory;
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.as_bytes()),
        _ => None,
    });
    for name in names {
        if !is_directory {
            return Ok(false);
        }
        let open = OpenDirectory::open(&at, near.as_ref())?;
        let mut faults = Vec::new();
        let listing = lister.list(&open, &tree.selection, top.device, &mut faults)?;
        let found = listing.entries.iter().find(|entry| *entry.name == *name);
        let Some(entry) = found.filter(|entry| !entry.closed) else {
            return Ok(false);
        };
        is_directory = entry.stat.kind() == EntryKind::Directory;
        at = at.child(entry);
        near = Some(open);
    }
    Ok(true)
}
