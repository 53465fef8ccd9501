//! An entry of the file system as a node of a tree, with the same fields as restic fills in.

use std::collections::HashMap;
use std::os::fd::AsFd;

use rustix::fs::readlinkat;

use super::attributes;
use super::stat::{EntryKind, Stat};
use crate::os;
use crate::repository::node::{Node, NodeKind};
use crate::source::problem::{ReadStep, SourceFault};

/// The bits of Go's `fs.FileMode`, in which the format keeps modes.
mod go {
    pub(super) const DIRECTORY: u32 = 1 << 31;
    pub(super) const SYMLINK: u32 = 1 << 27;
    pub(super) const DEVICE: u32 = 1 << 26;
    pub(super) const FIFO: u32 = 1 << 25;
    pub(super) const SOCKET: u32 = 1 << 24;
    pub(super) const SETUID: u32 = 1 << 23;
    pub(super) const SETGID: u32 = 1 << 22;
    pub(super) const CHARACTER_DEVICE: u32 = 1 << 21;
    pub(super) const STICKY: u32 = 1 << 20;
}

/// A mode of `stat(2)` as the format keeps it.
pub fn mode_to_format(mode: u32) -> u32 {
    let kind = match mode & libc::S_IFMT {
        libc::S_IFDIR => go::DIRECTORY,
        libc::S_IFLNK => go::SYMLINK,
        libc::S_IFBLK => go::DEVICE,
        libc::S_IFCHR => go::DEVICE | go::CHARACTER_DEVICE,
        libc::S_IFIFO => go::FIFO,
        libc::S_IFSOCK => go::SOCKET,
        _ => 0,
    };
    let special = [
        (libc::S_ISUID, go::SETUID),
        (libc::S_ISGID, go::SETGID),
        (libc::S_ISVTX, go::STICKY),
    ];
    let special = special.iter().filter(|(bit, _)| mode & bit != 0);
    special.fold(kind | (mode & 0o777), |result, (_, format)| result | format)
}

/// Remembers the names of user and group ids: a lookup may ask a server.
#[derive(Debug, Default)]
pub struct Names {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Names {
    /// The user's name; empty when there is none.
    pub fn user(&mut self, id: u32) -> &str {
        let name = || os::user_name(id).unwrap_or_default();
        self.users.entry(id).or_insert_with(name)
    }

    /// The group's name; empty when there is none.
    pub fn group(&mut self, id: u32) -> &str {
        let name = || os::group_name(id).unwrap_or_default();
        self.groups.entry(id).or_insert_with(name)
    }
}

/// The node of an entry, as far as its metadata tells. The content of a file, the tree of a directory, the target of a
/// link and the extended attributes are still missing.
///
/// The modification time is kept as the access time, as restic does it: the backup itself may change the access time,
/// and then every tree would look changed.
pub fn node(name: &[u8], stat: &Stat, names: &mut Names, faults: &mut Vec<SourceFault>) -> Node {
    if !stat.mtime.is_in_range() || !stat.ctime.is_in_range() {
        faults.push(SourceFault::TimeOutOfRange);
    }
    let kind = stat.node_kind();
    // restic counts the links of these types only.
    let links = match kind {
        NodeKind::Directory | NodeKind::Fifo | NodeKind::Socket => 0,
        _ => stat.links,
    };
    Node {
        mode: mode_to_format(stat.mode),
        mtime: stat.mtime,
        atime: stat.mtime,
        ctime: stat.ctime,
        uid: stat.uid,
        gid: stat.gid,
        user: names.user(stat.uid).to_owned(),
        group: names.group(stat.gid).to_owned(),
        inode: stat.inode,
        device_id: stat.device,
        size: match kind {
            NodeKind::File => stat.size,
            _ => 0,
        },
        links,
        device: match kind {
            NodeKind::BlockDevice | NodeKind::CharacterDevice => stat.node_device,
            _ => 0,
        },
        ..Node::new(name, kind)
    }
}

/// The whole node of an entry that has no content: a link, a device, a FIFO, a socket.
///
/// # Errors
/// When the target of a link cannot be read.
pub fn node_without_content(
    directory: impl AsFd,
    name: &[u8],
    stat: &Stat,
    names: &mut Names,
    faults: &mut Vec<SourceFault>,
) -> Result<Node, SourceFault> {
    let directory = directory.as_fd();
    let mut node = node(name, stat, names, faults);
    if stat.kind() == EntryKind::Symlink {
        let target = readlinkat(directory, name, Vec::new())
            .map_err(|cause| SourceFault::io(ReadStep::Examine, cause.into()))?;
        node.link_target = target.into_bytes();
    }
    node.attributes = attributes::of_entry(directory, name, faults);
    Ok(node)
}

/// Whether two nodes say the same. The number of a device may be another one after each boot, and only files with
/// several names need it.
pub fn same_node(one: &Node, other: &Node) -> bool {
    if one.device_id == other.device_id || one.links > 1 {
        return one == other;
    }
    let with_same_device = Node {
        device_id: other.device_id,
        ..one.clone()
    };
    with_same_device == *other
}

/// Whether an entry looks as it did when the node was made: the content need not be read again.
///
/// A change of the content changes the modification time or the change time. A change of anything else in the node
/// changes the change time.
pub fn looks_unchanged(stat: &Stat, node: &Node) -> bool {
    let size = match node.kind {
        NodeKind::File => stat.size,
        _ => 0,
    };
    node.kind == stat.node_kind()
        && node.mtime == stat.mtime
        && node.ctime == stat.ctime
        && node.inode == stat.inode
        && node.size == size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_those_of_go() {
        for (mode, format) in [
            (0o100_644, 0o644),
            (0o104_755, go::SETUID | 0o755),
            (0o102_755, go::SETGID | 0o755),
            (0o041_777, go::DIRECTORY | go::STICKY | 0o777),
            (0o120_777, go::SYMLINK | 0o777),
            (0o010_600, go::FIFO | 0o600),
            (0o020_600, go::DEVICE | go::CHARACTER_DEVICE | 0o600),
            (0o060_600, go::DEVICE | 0o600),
            (0o140_600, go::SOCKET | 0o600),
        ] {
            assert_eq!(mode_to_format(mode), format, "{mode:o}");
        }
    }
}
