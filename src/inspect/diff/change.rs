//! What differs between two nodes of one path.

use crate::repository::node::{Node, NodeKind};
use crate::repository::time::Time;
use crate::storage::id::Id;

/// How an entry differs between two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Added,
    Removed,
    Modified(Difference),
}

/// What is different about an entry that both sides have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// A file became a link, for example.
    pub kind: bool,
    /// The bytes of a file, the target of a link, or the device that a node stands for.
    pub content: bool,
    /// Mode, owner, times, extended attributes, number of links. Access times do not count: to read a file changes them.
    pub metadata: bool,
}

impl Difference {
    /// True if nothing is different.
    pub fn is_none(self) -> bool {
        self == Difference::default()
    }

    /// The content of a file differs, and nothing else does. A program that writes to a file changes its times, so a disk
    /// may have changed it.
    pub fn is_suspicious(self) -> bool {
        self.content && !self.metadata && !self.kind
    }
}

impl Change {
    /// As restic marks it: `+`, `-`, `T`, `M`, `M?` or `U`. The first of them that is true.
    pub fn marker(self) -> String {
        let difference = match self {
            Change::Added => return "+".to_owned(),
            Change::Removed => return "-".to_owned(),
            Change::Modified(difference) => difference,
        };
        let mut marker = String::new();
        if difference.kind {
            marker.push('T');
        } else if difference.content {
            marker.push('M');
            if difference.is_suspicious() {
                marker.push('?');
            }
        } else if difference.metadata {
            marker.push('U');
        }
        marker
    }
}

/// Compares two nodes of one name. `contents_differ` says whether the bytes of two files are different, and is asked
/// about files only.
pub fn compare(before: &Node, after: &Node, contents_differ: bool) -> Difference {
    let kind = before.kind != after.kind;
    let content = match (&before.kind, &after.kind) {
        _ if kind => false,
        (NodeKind::File, NodeKind::File) => contents_differ,
        (NodeKind::Symlink, NodeKind::Symlink) => before.link_target != after.link_target,
        _ => before.device != after.device,
    };
    // The number of a device may be another one after each boot, and only files with several names need it.
    let has_links = before.links > 1 && after.links > 1;
    let metadata = before.mode != after.mode
        || (before.uid, before.gid) != (after.uid, after.gid)
        || (&before.user, &before.group) != (&after.user, &after.group)
        || instant(before.mtime) != instant(after.mtime)
        || instant(before.ctime) != instant(after.ctime)
        || before.links != after.links
        || before.inode != after.inode
        || (has_links && before.device_id != after.device_id)
        || before.attributes != after.attributes
        || before.generic_attributes != after.generic_attributes
        || before.error != after.error
        || (!content && before.size != after.size);
    Difference {
        kind,
        content,
        metadata,
    }
}

/// Whether two files of snapshots have other bytes, as far as their chunks say it.
pub fn contents_differ(one: &Node, other: &Node) -> bool {
    ids(one) != ids(other)
}

fn ids(file: &Node) -> &[Id] {
    file.content.as_deref().unwrap_or_default()
}

/// Programs may write the same instant in different zones.
fn instant(time: Time) -> (i64, u32) {
    (time.seconds, time.nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(before: &Node, after: &Node, contents_differ: bool) -> String {
        Change::Modified(compare(before, after, contents_differ)).marker()
    }

    #[test]
    fn the_markers_are_those_of_restic() {
        let file = Node {
            size: 5,
            ..Node::new("x", NodeKind::File)
        };
        let touched = Node {
            mtime: Time::utc(1, 0),
            ..file.clone()
        };
        let in_another_zone = Node {
            mtime: Time {
                offset_minutes: 120,
                ..touched.mtime
            },
            ..touched.clone()
        };
        let link = Node {
            link_target: b"a".to_vec(),
            ..Node::new("x", NodeKind::Symlink)
        };
        let other_link = Node {
            link_target: b"b".to_vec(),
            ..link.clone()
        };
        assert_eq!(marker(&file, &file, false), "");
        assert_eq!(marker(&file, &touched, false), "U");
        assert_eq!(marker(&touched, &in_another_zone, false), "");
        assert_eq!(marker(&file, &touched, true), "M");
        assert_eq!(marker(&file, &file, true), "M?");
        assert_eq!(marker(&file, &link, false), "T");
        assert!(marker(&link, &other_link, false).starts_with('M'));
        assert_eq!(Change::Added.marker(), "+");
        assert_eq!(Change::Removed.marker(), "-");
    }
}
