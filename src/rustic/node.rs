//! An entry of the file system as a node of a snapshot's tree.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustic_core::jiff::Timestamp;
use rustic_core::repofile::{Metadata as NodeMetadata, Node, NodeType};

use super::problem::PathFault;
use crate::os;

/// The bits of a Go `FileMode`, in which restic's format keeps modes.
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

/// The mode as the format keeps it.
pub(super) fn mode_to_format(mode: u32) -> u32 {
    let kind = match mode & libc::S_IFMT {
        libc::S_IFDIR => go::DIRECTORY,
        libc::S_IFLNK => go::SYMLINK,
        libc::S_IFBLK => go::DEVICE,
        libc::S_IFCHR => go::DEVICE | go::CHARACTER_DEVICE,
        libc::S_IFIFO => go::FIFO,
        libc::S_IFSOCK => go::SOCKET,
        _ => 0,
    };
    let mut result = kind | (mode & 0o777);
    for (bit, format) in [
        (libc::S_ISUID, go::SETUID),
        (libc::S_ISGID, go::SETGID),
        (libc::S_ISVTX, go::STICKY),
    ] {
        if mode & bit != 0 {
            result |= format;
        }
    }
    result
}

/// The permission bits (with set-id and sticky) of a mode as the format keeps it.
pub(super) fn permissions_from_format(mode: u32) -> u32 {
    let mut result = mode & 0o777;
    for (bit, format) in [
        (libc::S_ISUID, go::SETUID),
        (libc::S_ISGID, go::SETGID),
        (libc::S_ISVTX, go::STICKY),
    ] {
        if mode & format != 0 {
            result |= bit;
        }
    }
    result
}

/// Remembers the names of user and group ids: a lookup may ask a server.
#[derive(Debug, Default)]
pub(super) struct Names {
    users: HashMap<u32, Option<String>>,
    groups: HashMap<u32, Option<String>>,
}

impl Names {
    fn user(&mut self, id: u32) -> Option<String> {
        self.users
            .entry(id)
            .or_insert_with(|| os::user_name(id))
            .clone()
    }

    fn group(&mut self, id: u32) -> Option<String> {
        self.groups
            .entry(id)
            .or_insert_with(|| os::group_name(id))
            .clone()
    }
}

/// Builds the node of one entry. The second value says what is missing from it: extended attributes that could not be
/// read or kept.
///
/// The modification time is recorded as the access time: the backup itself changes the real access time, and then every
/// tree would look changed.
///
/// # Errors
/// When a symbolic link's target cannot be read.
pub(super) fn node(
    path: &Path,
    name: &OsStr,
    metadata: &Metadata,
    names: &mut Names,
) -> io::Result<(Node, Vec<PathFault>)> {
    let kind = metadata.file_type();
    let node_type = if kind.is_dir() {
        NodeType::Dir
    } else if kind.is_symlink() {
        NodeType::from_link(&std::fs::read_link(path)?)
    } else if kind.is_block_device() {
        NodeType::Dev {
            device: metadata.rdev(),
        }
    } else if kind.is_char_device() {
        NodeType::Chardev {
            device: metadata.rdev(),
        }
    } else if kind.is_fifo() {
        NodeType::Fifo
    } else if kind.is_socket() {
        NodeType::Socket
    } else {
        NodeType::File
    };
    let mtime = Timestamp::new(metadata.mtime(), metadata.mtime_nsec() as i32).ok();
    let links = if kind.is_dir() { 0 } else { metadata.nlink() };
    let mut meta = NodeMetadata {
        mode: Some(mode_to_format(metadata.mode())),
        mtime,
        atime: mtime,
        ctime: Timestamp::new(metadata.ctime(), metadata.ctime_nsec() as i32).ok(),
        uid: Some(metadata.uid()),
        gid: Some(metadata.gid()),
        user: names.user(metadata.uid()),
        group: names.group(metadata.gid()),
        inode: metadata.ino(),
        // Only hard links need it, and a device may get another number at each boot.
        device_id: if links > 1 { metadata.dev() } else { 0 },
        size: if kind.is_dir() { 0 } else { metadata.size() },
        links,
        ..NodeMetadata::default()
    };
    let mut missing = Vec::new();
    let attributes = read_attributes(path, &mut missing);
    if !attributes.is_empty() {
        // The engine does not export its type for an attribute, but reads it from JSON as the format has it.
        match serde_json::from_value(serde_json::Value::Array(attributes)) {
            Ok(attributes) => meta.extended_attributes = attributes,
            Err(source) => missing.push(PathFault::AttributesNotKept { source }),
        }
    }
    Ok((Node::new_node(name, node_type, meta), missing))
}

/// The extended attributes of one entry (not of what a link points to) in the format's JSON form.
fn read_attributes(path: &Path, missing: &mut Vec<PathFault>) -> Vec<serde_json::Value> {
    let list = match list_attributes(path) {
        Ok(list) => list,
        Err(source) => {
            // No attributes on this file system, or the entry has just vanished, which is noticed elsewhere.
            if !matches!(source.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOENT)) {
                missing.push(PathFault::AttributeUnreadable { name: None, source });
            }
            return Vec::new();
        }
    };
    let mut attributes = Vec::new();
    for name in list
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let shown = String::from_utf8_lossy(name).into_owned();
        let Ok(text) = std::str::from_utf8(name) else {
            missing.push(PathFault::AttributeNameNotUtf8 { name: shown });
            continue;
        };
        match attribute(path, OsStr::from_bytes(name)) {
            Ok(value) => {
                attributes.push(serde_json::json!({ "name": text, "value": base64(&value) }))
            }
            Err(error) if error.raw_os_error() == Some(libc::ENODATA) => {}
            Err(source) => missing.push(PathFault::AttributeUnreadable {
                name: Some(shown),
                source,
            }),
        }
    }
    attributes
}

fn list_attributes(path: &Path) -> io::Result<Vec<u8>> {
    grow(|buffer| rustix::fs::llistxattr(path, buffer))
}

fn attribute(path: &Path, name: &OsStr) -> io::Result<Vec<u8>> {
    grow(|buffer| rustix::fs::lgetxattr(path, name, buffer))
}

/// Calls with larger and larger buffers until the answer fits.
pub(super) fn grow(
    mut call: impl FnMut(&mut [u8]) -> rustix::io::Result<usize>,
) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; 256];
    loop {
        match call(&mut buffer) {
            Ok(length) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
            Err(rustix::io::Errno::RANGE) if buffer.len() < 1 << 20 => {
                buffer.resize(buffer.len() * 4, 0)
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Standard base64 with padding.
fn base64(data: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(data.len().div_ceil(3) * 4);
    for chunk in data.chunks(3) {
        let group = (u32::from(chunk[0]) << 16)
            | (u32::from(chunk.get(1).copied().unwrap_or(0)) << 8)
            | u32::from(chunk.get(2).copied().unwrap_or(0));
        for place in 0..4 {
            if place <= chunk.len() {
                text.push(char::from(
                    DIGITS[(group >> (18 - 6 * place) & 63) as usize],
                ));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_standard_one() {
        for (data, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(data.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd, 0x00]), "//79AA==");
    }

    #[test]
    fn modes_survive_the_format() {
        for mode in [0o100644, 0o104755, 0o102755, 0o041777, 0o120777, 0o010600] {
            assert_eq!(
                permissions_from_format(mode_to_format(mode)),
                mode & 0o7777,
                "{mode:o}"
            );
        }
        assert_eq!(mode_to_format(0o040755), 0x8000_01ed);
        assert_eq!(mode_to_format(0o020600), (1 << 26) | (1 << 21) | 0o600);
    }
}
