//! The mode of a node as Unix has it.

use crate::repository::node::{Node, NodeKind};

/// Go's bits for setuid, setgid and sticky, each with that of Unix.
const SPECIAL: [(u32, u32); 3] = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];

/// The permissions of a node with setuid, setgid and sticky, without the type: at most `0o7777`.
pub fn permissions(node: &Node) -> u32 {
    let special = SPECIAL
        .iter()
        .filter(|(go, _)| node.mode & go != 0)
        .fold(0, |mode, (_, unix)| mode | unix);
    node.mode & 0o777 | special
}

/// The type and the permissions as `ls -l` shows them: `drwxr-xr-x`. The type is `?` where it is not known.
pub fn as_text(node: &Node) -> String {
    let mode = permissions(node);
    let mut text = String::with_capacity(10);
    text.push(match node.kind {
        NodeKind::File => '-',
        NodeKind::Directory => 'd',
        NodeKind::Symlink => 'l',
        NodeKind::BlockDevice => 'b',
        NodeKind::CharacterDevice => 'c',
        NodeKind::Fifo => 'p',
        NodeKind::Socket => 's',
        NodeKind::Other(_) => '?',
    });
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (false, false) => '-',
            (false, true) => 'x',
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_shown_as_ls_shows_them() {
        for (kind, mode, unix, text) in [
            (NodeKind::File, 0o644, 0o644, "-rw-r--r--"),
            (NodeKind::File, 1 << 23 | 0o755, 0o4755, "-rwsr-xr-x"),
            (NodeKind::File, 1 << 23 | 0o644, 0o4644, "-rwSr--r--"),
            (NodeKind::File, 1 << 22 | 0o710, 0o2710, "-rwx--s---"),
            (
                NodeKind::Directory,
                1 << 31 | 1 << 20 | 0o777,
                0o1777,
                "drwxrwxrwt",
            ),
            (NodeKind::Directory, 1 << 31 | 1 << 20, 0o1000, "d--------T"),
            (NodeKind::Symlink, 1 << 27 | 0o777, 0o777, "lrwxrwxrwx"),
            (NodeKind::Other("new".into()), 0, 0, "?---------"),
        ] {
            let node = Node {
                mode,
                ..Node::new("x", kind)
            };
            assert_eq!(permissions(&node), unix);
            assert_eq!(as_text(&node), text);
        }
    }
}
