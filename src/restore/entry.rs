//! An entry to restore: what of a node is needed, and the directory that it goes into.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::directories::DirectoryId;
use super::owners::Owners;
use crate::repository::node::{Attribute, Node, NodeKind};
use crate::repository::time::Time;
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
    /// Set for a file with several names.
    pub link: Option<LinkKey>,
    /// An entry of that name was seen in the directory.
    pub exists: bool,
}

/// Identifies a file with several names in a snapshot: its device and its inode.
pub type LinkKey = (u64, u64);

/// What is set on an entry besides its content.
pub struct Metadata {
    /// The lower twelve bits, as `chmod` takes them.
    pub mode: u32,
    /// Ids of this host.
    pub uid: u32,
    pub gid: u32,
    pub mtime: Time,
    pub atime: Time,
    pub attributes: Vec<Attribute>,
}

/// Go's bits for setuid, setgid and sticky, and the kernel's.
const SPECIAL_BITS: [(u32, u32); 3] = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];

/// The permissions in a mode as Go writes it.
pub fn permissions(go_mode: u32) -> u32 {
    SPECIAL_BITS
        .iter()
        .filter(|(go, _)| go_mode & go != 0)
        .fold(go_mode & 0o777, |mode, (_, unix)| mode | unix)
}

impl Metadata {
    /// That of a node. Takes its attributes out.
    pub fn of(node: &mut Node, owners: &Owners) -> Metadata {
        Metadata {
            mode: permissions(node.mode),
            uid: owners.user(&node.user, node.uid),
            gid: owners.group(&node.group, node.gid),
            mtime: node.mtime,
            atime: node.atime,
            attributes: std::mem::take(&mut node.attributes),
        }
    }
}

impl Entry {
    /// The entry of a node that has no problem and is not a directory.
    pub fn new(mut node: Node, directory: DirectoryId, exists: bool, owners: &Owners) -> Entry {
        let metadata = Metadata::of(&mut node, owners);
        let is_file = node.kind == NodeKind::File;
        Entry {
            directory,
            name: OsString::from_vec(node.name),
            metadata,
            content: node.content.unwrap_or_default(),
            size: if is_file { node.size } else { 0 },
            target: node.link_target,
            device: node.device,
            link: (is_file && node.links > 1 && node.inode != 0)
                .then_some((node.device_id, node.inode)),
            kind: node.kind,
            exists,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_bits_are_moved_and_the_type_is_dropped() {
        assert_eq!(permissions(0x8000_01ed), 0o755);
        assert_eq!(permissions(0o644 | 1 << 23), 0o4644);
        assert_eq!(permissions(0o644 | 1 << 22), 0o2644);
        assert_eq!(permissions(0o777 | 1 << 20 | 1 << 31), 0o1777);
        assert_eq!(permissions(0), 0);
    }
}
