//! A file tree as a source.
//!
//! Every name is resolved against the descriptor of the directory that it is in, and no link is followed, except at the
//! top and where the selection says so. So the walk cannot be led out of the source.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

pub mod attributes;
pub mod directory;
pub mod entry;
pub mod file;
pub mod left_out;
pub mod node;
pub mod path;
pub mod reach;
pub mod selection;
pub mod stat;

/// One path to back up.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Absolute, without `.` and `..`.
    pub top: PathBuf,
    pub selection: selection::Selection,
}

/// The path of an entry, from that of its directory.
pub fn path_of(directory: &[u8], name: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(directory.len() + 1 + name.len());
    path.extend_from_slice(directory);
    if !directory.is_empty() && !directory.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    PathBuf::from(OsString::from_vec(path))
}
