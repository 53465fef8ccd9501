//! One entry of a tree: a file, a directory, a link, a device.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::go_text::{write_json, write_name};
use super::time::Time;
use crate::storage::id::Id;

mod read;

pub use read::NodeProblem;

/// What a node is. Its word in restic's trees is [`NodeKind::word`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeKind {
    File,
    Directory,
    Symlink,
    BlockDevice,
    CharacterDevice,
    Fifo,
    Socket,
    /// A word that this version does not know, or restic's `irregular`.
    Other(String),
}

impl NodeKind {
    /// The word for the type in a tree, such as `file` or `dir`.
    pub fn word(&self) -> &str {
        match self {
            NodeKind::File => "file",
            NodeKind::Directory => "dir",
            NodeKind::Symlink => "symlink",
            NodeKind::BlockDevice => "dev",
            NodeKind::CharacterDevice => "chardev",
            NodeKind::Fifo => "fifo",
            NodeKind::Socket => "socket",
            NodeKind::Other(word) => word,
        }
    }

    fn from_word(word: &str) -> NodeKind {
        match word {
            "file" => NodeKind::File,
            "dir" => NodeKind::Directory,
            "symlink" => NodeKind::Symlink,
            "dev" => NodeKind::BlockDevice,
            "chardev" => NodeKind::CharacterDevice,
            "fifo" => NodeKind::Fifo,
            "socket" => NodeKind::Socket,
            other => NodeKind::Other(other.to_owned()),
        }
    }
}

/// An extended attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    /// `None` is what Go writes for a value that was never set: `null`.
    pub value: Option<Vec<u8>>,
}

/// An entry of a directory, as a tree contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Any bytes: a name need not be UTF-8.
    pub name: Vec<u8>,
    pub kind: NodeKind,
    /// Go's `fs.FileMode`: the permissions in the lower bits, the type and setuid, setgid, sticky in the upper ones.
    pub mode: u32,
    pub mtime: Time,
    pub atime: Time,
    pub ctime: Time,
    pub uid: u32,
    pub gid: u32,
    /// Empty when the id has no name.
    pub user: String,
    pub group: String,
    pub inode: u64,
    /// The device that holds the file. Kept for files with several names only.
    pub device_id: u64,
    pub size: u64,
    pub links: u64,
    /// Where a symbolic link leads, as bytes.
    pub link_target: Vec<u8>,
    pub attributes: Vec<Attribute>,
    /// Attributes of other systems, Windows for example: a JSON object as it was read.
    pub generic_attributes: Option<Box<str>>,
    /// The device that a device node stands for.
    pub device: u64,
    /// The pieces of a file, in order. `None` is `null` in JSON, as every node that is not a file has it.
    pub content: Option<Vec<Id>>,
    /// The tree of a directory.
    pub subtree: Option<Id>,
    /// What went wrong when restic read the file.
    pub error: String,
    /// Fields that this version does not know, as JSON, in the order in which they were read.
    pub other: Vec<(String, Box<str>)>,
}

impl Node {
    /// A node with this name and nothing else.
    pub fn new(name: impl Into<Vec<u8>>, kind: NodeKind) -> Node {
        Node {
            name: name.into(),
            kind,
            mode: 0,
            mtime: UNSET,
            atime: UNSET,
            ctime: UNSET,
            uid: 0,
            gid: 0,
            user: String::new(),
            group: String::new(),
            inode: 0,
            device_id: 0,
            size: 0,
            links: 0,
            link_target: Vec::new(),
            attributes: Vec::new(),
            generic_attributes: None,
            device: 0,
            content: None,
            subtree: None,
            error: String::new(),
            other: Vec::new(),
        }
    }

    /// Appends the JSON object as restic 0.18 writes it: the same fields in the same order, the same ones left out.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"name\":");
        write_name(out, &self.name);
        out.extend_from_slice(b",\"type\":");
        write_json(out, self.kind.word().as_bytes());
        number(out, "mode", u64::from(self.mode));
        for (name, time) in [
            ("mtime", self.mtime),
            ("atime", self.atime),
            ("ctime", self.ctime),
        ] {
            field(out, name);
            out.push(b'"');
            time.write(out);
            out.push(b'"');
        }
        for (name, id) in [("uid", self.uid), ("gid", self.gid)] {
            field(out, name);
            decimal(out, u64::from(id));
        }
        text(out, "user", self.user.as_bytes());
        text(out, "group", self.group.as_bytes());
        number(out, "inode", self.inode);
        number(out, "device_id", self.device_id);
        number(out, "size", self.size);
        number(out, "links", self.links);
        text(out, "linktarget", &self.link_target);
        if std::str::from_utf8(&self.link_target).is_err() {
            field(out, "linktarget_raw");
            base64(out, &self.link_target);
        }
        self.write_attributes(out);
        number(out, "device", self.device);
        field(out, "content");
        match &self.content {
            None => out.extend_from_slice(b"null"),
            Some(ids) => write_ids(out, ids),
        }
        if let Some(tree) = &self.subtree {
            field(out, "subtree");
            out.push(b'"');
            out.extend_from_slice(&tree.hex());
            out.push(b'"');
        }
        text(out, "error", self.error.as_bytes());
        for (name, value) in &self.other {
            out.push(b',');
            write_json(out, name.as_bytes());
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
        }
        out.push(b'}');
    }

    fn write_attributes(&self, out: &mut Vec<u8>) {
        if !self.attributes.is_empty() {
            field(out, "extended_attributes");
            let mut before = b'[';
            for attribute in &self.attributes {
                out.push(before);
                before = b',';
                out.extend_from_slice(b"{\"name\":");
                write_json(out, attribute.name.as_bytes());
                out.extend_from_slice(b",\"value\":");
                match &attribute.value {
                    None => out.extend_from_slice(b"null"),
                    Some(value) => base64(out, value),
                }
                out.push(b'}');
            }
            out.push(b']');
        }
        if let Some(generic) = &self.generic_attributes {
            field(out, "generic_attributes");
            out.extend_from_slice(generic.as_bytes());
        }
    }
}

/// Go's instant zero, which stands for a time that was never set.
pub const UNSET: Time = Time::utc(-62_135_596_800, 0);

fn field(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// A number; left out when it is 0.
fn number(out: &mut Vec<u8>, name: &str, value: u64) {
    if value != 0 {
        field(out, name);
        decimal(out, value);
    }
}

/// A text; left out when it is empty.
fn text(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    if !value.is_empty() {
        field(out, name);
        write_json(out, value);
    }
}

fn decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(BASE64.encode(bytes).as_bytes());
    out.push(b'"');
}

fn write_ids(out: &mut Vec<u8>, ids: &[Id]) {
    out.push(b'[');
    for (at, id) in ids.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(&id.hex());
        out.push(b'"');
    }
    out.push(b']');
}
