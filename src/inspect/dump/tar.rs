//! A directory of a snapshot as a tar archive, in the pax format: long names, nanoseconds, extended attributes, access
//! control lists, large sizes, hard links, devices.

use std::collections::HashMap;
use std::io::Write;
use std::ops::ControlFlow;

use rustix::fs::{major, minor};

use super::header::{BLOCK, EntryType, Header, pad};
use super::stream::{self, Pieces, Stopped};
use super::{DumpError, acl, content};
use crate::inspect::mode;
use crate::inspect::path::{self, Target};
use crate::repository::indexed::Indexed;
use crate::repository::node::{Node, NodeKind, NodeProblem};
use crate::repository::walk::{Met, Step, walk};
use crate::storage::id::Id;

/// What an archive contains, and what it could not take.
#[derive(Debug, Default)]
pub struct Archived {
    /// The length of the archive.
    pub bytes: u64,
    pub entries: u64,
    /// The first of the entries that are not in the archive.
    pub omissions: Vec<Omission>,
    /// How many entries are not in the archive because something is wrong with them. Sockets are not counted.
    pub problems: u64,
}

/// An entry, or a part of it, that is not in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omission {
    /// With a slash at its start.
    pub path: Vec<u8>,
    pub kind: OmissionKind,
}

/// Why something is not in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OmissionKind {
    /// Archives have no sockets. A program makes its own when it starts.
    Socket,
    Unusable(NodeProblem),
    /// The name of an extended attribute cannot be written. The entry itself is in the archive.
    AttributeName,
}

/// How many omissions are listed one by one.
const MOST_LISTED: usize = 100;

/// Writes the directory at a path, with all that lies below it. The names in the archive are whole paths without the
/// slash at their start.
///
/// # Errors
/// When a directory or a piece of a file cannot be read, and when `out` fails.
pub fn archive(
    repository: &Indexed,
    top: &[u8],
    target: &Target,
    out: &mut dyn Write,
) -> Result<Archived, DumpError> {
    let mut archived = Archived::default();
    let bytes = stream::write(repository, out, |pieces| {
        let mut archive = Archive {
            repository,
            pieces,
            links: HashMap::new(),
            archived: &mut archived,
        };
        archive.all(top, target)?;
        pieces.bytes(vec![0; 2 * BLOCK])
    })?;
    archived.bytes = bytes;
    Ok(archived)
}

struct Archive<'a> {
    repository: &'a Indexed,
    pieces: &'a Pieces<'a>,
    /// The first name of each file with several names, by device and inode, with a hash of its content: what looks like
    /// the same file and has other content is written as a file of its own.
    links: HashMap<(u64, u64), (Id, Vec<u8>)>,
    archived: &'a mut Archived,
}

impl Archive<'_> {
    fn all(&mut self, top: &[u8], target: &Target) -> Result<(), Stopped> {
        let mut whole = Vec::new();
        for name in path::names(top) {
            path::push(&mut whole, name);
        }
        let tree = match target {
            Target::Root(tree) => *tree,
            Target::Entry(node) => {
                self.entry(&whole, node)?;
                match (&node.kind, node.subtree) {
                    (NodeKind::Directory, Some(tree)) => tree,
                    _ => return Ok(()),
                }
            }
        };
        let length = whole.len();
        let stopped = walk(self.repository, tree, |below, met| {
            whole.truncate(length);
            if !below.is_empty() {
                path::push(&mut whole, below);
            }
            let done = match met {
                Met::Entry {
                    problem: Some(problem),
                    ..
                } => {
                    self.archived.problems += 1;
                    self.omit(&whole, OmissionKind::Unusable(problem));
                    Ok(())
                }
                Met::Entry { node, .. } => self.entry(&whole, node),
                Met::Left { .. } => Ok(()),
                Met::Unreadable { error, .. } => {
                    let path = match whole.as_slice() {
                        b"" => b"/".to_vec(),
                        path => path.to_vec(),
                    };
                    Err(Stopped::failed(DumpError::Unreadable { path, error }))
                }
            };
            match done {
                Ok(()) => ControlFlow::Continue(Step::Enter),
                Err(stopped) => ControlFlow::Break(stopped),
            }
        });
        match stopped {
            None => Ok(()),
            Some(stopped) => Err(stopped),
        }
    }

    /// One entry: its header, and the content of a file.
    fn entry(&mut self, whole: &[u8], node: &Node) -> Result<(), Stopped> {
        let Some(mut entry_type) = entry_type(&node.kind) else {
            self.omit(whole, OmissionKind::Socket);
            return Ok(());
        };
        let mut name = whole.strip_prefix(b"/").unwrap_or(whole).to_vec();
        if entry_type == EntryType::Directory {
            name.push(b'/');
        }
        let mut link = node.link_target.clone();
        if let Some(first) = self.first_name(node, &name) {
            entry_type = EntryType::HardLink;
            link = first;
        }
        let is_file = entry_type == EntryType::File;
        let extended = match entry_type {
            EntryType::HardLink => Vec::new(),
            _ => self.extended(whole, node),
        };
        let mut bytes = Vec::with_capacity(4 * BLOCK);
        Header {
            entry_type,
            path: &name,
            link: &link,
            mode: mode::permissions(node),
            uid: node.uid,
            gid: node.gid,
            user: &node.user,
            group: &node.group,
            size: if is_file { node.size } else { 0 },
            mtime: node.mtime,
            atime: node.atime,
            ctime: node.ctime,
            device: match node.kind {
                NodeKind::BlockDevice | NodeKind::CharacterDevice => {
                    (major(node.device), minor(node.device))
                }
                _ => (0, 0),
            },
            extended,
        }
        .write(&mut bytes);
        self.pieces.path(whole)?;
        self.archived.entries += 1;
        if !is_file {
            return self.pieces.bytes(bytes);
        }
        self.pieces.bytes(bytes)?;
        content(self.repository, whole, node, self.pieces)?;
        let mut end = Vec::new();
        pad(&mut end, node.size);
        self.pieces.bytes(end)
    }

    /// The name under which this file is in the archive already, if it has several.
    fn first_name(&mut self, node: &Node, name: &[u8]) -> Option<Vec<u8>> {
        if node.kind != NodeKind::File || node.links < 2 || node.inode == 0 {
            return None;
        }
        let ids = node.content.iter().flatten();
        let content = Id::of(&ids.flat_map(|id| id.0).collect::<Vec<u8>>());
        match self.links.get(&(node.device_id, node.inode)) {
            Some((known, first)) if *known == content => Some(first.clone()),
            Some(_) => None,
            None => {
                let first = (content, name.to_vec());
                self.links.insert((node.device_id, node.inode), first);
                None
            }
        }
    }

    /// The extended attributes as records of a pax header.
    fn extended(&mut self, whole: &[u8], node: &Node) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut records = Vec::new();
        for attribute in &node.attributes {
            let value = attribute.value.as_deref().unwrap_or_default();
            if let Some((keyword, text)) = acl::record(&attribute.name, value) {
                records.push((keyword.into(), text.into_bytes()));
                continue;
            }
            if attribute.name.is_empty() || attribute.name.contains('\0') {
                self.archived.problems += 1;
                self.omit(whole, OmissionKind::AttributeName);
                continue;
            }
            // A keyword ends at its first `=`. GNU tar escapes it like this.
            let name = attribute.name.replace('%', "%25").replace('=', "%3D");
            records.push((format!("SCHILY.xattr.{name}").into(), value.to_vec()));
        }
        records
    }

    fn omit(&mut self, path: &[u8], kind: OmissionKind) {
        if self.archived.omissions.len() < MOST_LISTED {
            let path = path.to_vec();
            self.archived.omissions.push(Omission { path, kind });
        }
    }
}

fn entry_type(kind: &NodeKind) -> Option<EntryType> {
    Some(match kind {
        NodeKind::File => EntryType::File,
        NodeKind::Directory => EntryType::Directory,
        NodeKind::Symlink => EntryType::Symlink,
        NodeKind::BlockDevice => EntryType::BlockDevice,
        NodeKind::CharacterDevice => EntryType::CharacterDevice,
        NodeKind::Fifo => EntryType::Fifo,
        NodeKind::Socket | NodeKind::Other(_) => return None,
    })
}
