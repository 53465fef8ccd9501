//! What a backup of a source leaves out.

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Tree;
use super::directory::Lister;
use super::path::{DirectoryPath, OpenDirectory};
use super::selection::LeftOut;
use super::stat::{EntryKind, Stat};
use crate::source::problem::{ReadStep, SourceFault};

/// Something that a walk tells.
pub enum Told<'a> {
    /// This path is left out; with a marker and on another file system, what is in it.
    LeftOut(LeftOut<'a>),
    /// This path cannot be examined or listed.
    Fault(SourceFault),
}

/// Walks the source as a backup does, and tells each path that is left out, until `tell` ends the walk. What lies in a
/// directory that is left out is not told.
pub fn walk(
    tree: &Tree,
    tell: &mut dyn FnMut(PathBuf, Told<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let top = match rustix::fs::stat(&tree.top) {
        Ok(stat) => Stat::from(stat),
        Err(cause) => {
            let fault = SourceFault::io(ReadStep::Examine, cause.into());
            return tell(tree.top.clone(), Told::Fault(fault));
        }
    };
    if top.kind() != EntryKind::Directory {
        return ControlFlow::Continue(());
    }
    let mut lister = Lister::new();
    let mut waiting = vec![DirectoryPath::top(&tree.top, Some(top.identity()))];
    let mut near: Option<OpenDirectory> = None;
    while let Some(path) = waiting.pop() {
        let whole = path.to_path();
        let mut faults = Vec::new();
        let mut flow = ControlFlow::Continue(());
        let listed = OpenDirectory::open(&path, near.as_ref()).and_then(|open| {
            let listing = lister.list_and_tell(
                &open,
                &tree.selection,
                top.device,
                &mut faults,
                &mut |name, why| {
                    if flow.is_continue() {
                        flow = tell(below(&whole, name), Told::LeftOut(why));
                    }
                },
            )?;
            Ok((open, listing))
        });
        flow?;
        match listed {
            Ok((open, listing)) => {
                let directories = listing.entries.iter().rev();
                waiting.extend(
                    directories
                        .filter(|it| it.stat.kind() == EntryKind::Directory && !it.closed)
                        .map(|entry| path.child(entry)),
                );
                near = Some(open);
            }
            Err(cause) => faults.push((None, SourceFault::io(ReadStep::List, cause))),
        }
        for (name, fault) in faults {
            let path = below(&whole, name.as_deref().unwrap_or_default());
            tell(path, Told::Fault(fault))?;
        }
    }
    ControlFlow::Continue(())
}

/// The path of an entry; of the directory itself, if the name is empty.
fn below(directory: &Path, name: &[u8]) -> PathBuf {
    match name {
        b"" => directory.to_owned(),
        name => directory.join(OsStr::from_bytes(name)),
    }
}
