//! An entry to restore: what of a node is needed, and the directory that it goes into.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::directories::DirectoryId;
use super::metadata::Metadata;
use super::owners::Owners;
use crate::repository::node::{Node, NodeKind};
use crate::storage::id::Id;

/// An entry that is not a directory.
pub struct Entry {
    /// The entry keeps a hold on it.
    pub directory: DirectoryId,
    pub name: OsString,
    pub kind: NodeKind,
    pub metadata: Metadata,
    /// The pieces of a file.
    pub content: Vec<Id>,
    /// The length of a file, as the snapshot records it.
    pub size: u64,
    /// Where a symbolic link leads.
    pub target: Vec<u8>,
    /// What a device node stands for.
    pub device: u64,
    /// Set for an entry that may have several names.
    pub link: Option<LinkKey>,
    /// An entry of that name was seen in the directory.
    pub exists: bool,
}

/// Identifies an entry with several names in a snapshot: its device, its inode, and a letter for its type, because a
/// damaged snapshot may say that a link and a file are the same.
pub type LinkKey = (u64, u64, char);

/// The key of an entry that may have several names.
fn link_key(node: &Node) -> Option<LinkKey> {
    let (letter, may_be_linked) = match node.kind {
        NodeKind::File => ('f', node.links > 1),
        NodeKind::Symlink => ('l', node.links > 1),
        NodeKind::BlockDevice => ('b', node.links > 1),
        NodeKind::CharacterDevice => ('c', node.links > 1),
        // The format does not count the names of these.
        NodeKind::Fifo => ('p', true),
        NodeKind::Socket => ('s', true),
        NodeKind::Directory | NodeKind::Other(_) => return None,
    };
    (may_be_linked && node.inode != 0).then_some((node.device_id, node.inode, letter))
}

impl Entry {
    /// The entry of a node that has no problem and is not a directory.
    pub fn new(mut node: Node, directory: DirectoryId, exists: bool, owners: &Owners) -> Entry {
        let metadata = Metadata::of(&mut node, owners);
        let is_file = node.kind == NodeKind::File;
        let link = link_key(&node);
        Entry {
            directory,
            name: OsString::from_vec(node.name),
            metadata,
            content: node.content.unwrap_or_default(),
            size: if is_file { node.size } else { 0 },
            target: node.link_target,
            device: node.device,
            link,
            kind: node.kind,
            exists,
        }
    }
}
