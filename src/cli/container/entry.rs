//! One entry of a snapshot, as a line of text or as JSON.

use chrono::DateTime;
use serde_json::{Map, Value};

use super::output::put_path;
use crate::cli::logging;
use crate::escape::shown;
use crate::inspect::mode;
use crate::repository::node::{Node, NodeKind};
use crate::schedule::zone::Zone;

/// Mode, owner, size, time and path, as `ls -l` shows them. The size of a device is its number.
pub fn long(path: &[u8], node: &Node, zone: &Zone) -> String {
    let owner = format!(
        "{}:{}",
        name_of(&node.user, node.uid),
        name_of(&node.group, node.gid)
    );
    let size = match node.kind {
        NodeKind::BlockDevice | NodeKind::CharacterDevice => {
            let device = node.device;
            format!(
                "{}, {}",
                rustix::fs::major(device),
                rustix::fs::minor(device)
            )
        }
        _ => node.size.to_string(),
    };
    let time = DateTime::from_timestamp(node.mtime.seconds, node.mtime.nanoseconds);
    let mut line = format!(
        "{} {owner:<17} {size:>12} {} {}",
        mode::as_text(node),
        logging::moment(time, zone),
        shown(path)
    );
    if node.kind == NodeKind::Symlink {
        line.push_str(" -> ");
        line.push_str(&shown(&node.link_target));
    }
    line
}

/// The name in the snapshot, or the number where there is none.
fn name_of(name: &str, id: u32) -> String {
    match name {
        "" => id.to_string(),
        name => shown(name.as_bytes()),
    }
}

/// The fields of an entry. The mode is in octal digits, times are RFC 3339.
pub fn json(path: &[u8], node: &Node) -> Map<String, Value> {
    let mut object = Map::new();
    put_path(&mut object, "path", path);
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("type", node.kind.word().into());
    put("mode", format!("{:04o}", mode::permissions(node)).into());
    put("uid", node.uid.into());
    put("gid", node.gid.into());
    put("user", node.user.as_str().into());
    put("group", node.group.as_str().into());
    if node.kind == NodeKind::File {
        put("size", node.size.into());
    }
    put("mtime", node.mtime.to_string().into());
    put("atime", node.atime.to_string().into());
    put("ctime", node.ctime.to_string().into());
    put("inode", node.inode.into());
    put("links", node.links.into());
    if let NodeKind::BlockDevice | NodeKind::CharacterDevice = node.kind {
        put("device", node.device.into());
    }
    if node.kind == NodeKind::Symlink {
        put_path(&mut object, "link_target", &node.link_target);
    }
    object
}
