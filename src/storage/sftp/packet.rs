//! The packets of SFTP, version 3. Pure: bytes to packets and back.
//!
//! Handles and names are bytes. Servers choose them, and they need not be text.

mod extensions;

pub(super) use extensions::{FileSystem, decode_file_system, decode_limits};

/// The version of the protocol that is spoken.
pub(super) const VERSION: u32 = 3;

/// The largest packet that is accepted, in bytes without its length. OpenSSH sends no larger one.
pub(super) const LARGEST: usize = 256 * 1024 + 1024;

/// What is asked of a server. Paths are as the server understands them: a relative one begins where the login begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    OpenRead {
        path: &'a str,
    },
    /// Makes a file that nobody else can read. It must not exist.
    OpenNew {
        path: &'a str,
    },
    Close {
        handle: &'a [u8],
    },
    Read {
        handle: &'a [u8],
        offset: u64,
        length: u32,
    },
    Write {
        handle: &'a [u8],
        offset: u64,
        content: &'a [u8],
    },
    /// About what a path leads to.
    Stat {
        path: &'a str,
    },
    /// About the path itself, which may be a link.
    LinkStat {
        path: &'a str,
    },
    HandleStat {
        handle: &'a [u8],
    },
    OpenDirectory {
        path: &'a str,
    },
    ReadDirectory {
        handle: &'a [u8],
    },
    Remove {
        path: &'a str,
    },
    /// Makes a directory that only its owner can use.
    MakeDirectory {
        path: &'a str,
    },
    /// Fails where the new path exists; some servers replace it nevertheless.
    Rename {
        old: &'a str,
        new: &'a str,
    },
    /// An extension of OpenSSH's: writes a file to its disk.
    Sync {
        handle: &'a [u8],
    },
    /// An extension of OpenSSH's: the file system that a path is on.
    FileSystem {
        path: &'a str,
    },
    /// An extension of OpenSSH's: the sizes that the server takes.
    Limits,
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Status { code: u32, message: Vec<u8> },
    Handle(Vec<u8>),
    Data(Vec<u8>),
    Names(Vec<Entry>),
    Attributes(Attributes),
    Extended(Vec<u8>),
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: Vec<u8>,
    pub about: Attributes,
}

/// What a server says of a file. It may leave out anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub size: Option<u64>,
    /// The type and the rights, as in `st_mode`.
    pub mode: Option<u32>,
    /// In seconds since 1970.
    pub modified: Option<u32>,
}

/// The type of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileType {
    Regular,
    Directory,
    Link,
    Other,
    /// The server does not say it.
    Unknown,
}

impl Attributes {
    /// What the mode says; links are not followed.
    pub fn file_type(self) -> FileType {
        match self.mode.map(|mode| mode & 0o170_000) {
            Some(0o100_000) => FileType::Regular,
            Some(0o040_000) => FileType::Directory,
            Some(0o120_000) => FileType::Link,
            None | Some(0) => FileType::Unknown,
            Some(_) => FileType::Other,
        }
    }
}

/// The bytes are not a packet of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

const FLAG_SIZE: u32 = 1;
const FLAG_OWNER: u32 = 2;
const FLAG_MODE: u32 = 4;
const FLAG_TIMES: u32 = 8;
const FLAG_EXTENDED: u32 = 0x8000_0000;

const OPEN_READ: u32 = 0x01;
const OPEN_WRITE_NEW: u32 = 0x02 | 0x08 | 0x20;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// The first packet of a connection.
pub(super) fn hello() -> Vec<u8> {
    let mut packet = vec![0, 0, 0, 5, 1];
    packet.extend(VERSION.to_be_bytes());
    packet
}

impl Request<'_> {
    /// The packet with its length in front.
    pub fn encode(&self, id: u32) -> Vec<u8> {
        let room = match self {
            Request::Write { content, .. } => content.len() + 64,
            _ => 160,
        };
        let mut out = Vec::with_capacity(room);
        out.extend([0; 4]);
        let kind = match self {
            Request::OpenRead { .. } | Request::OpenNew { .. } => 3,
            Request::Close { .. } => 4,
            Request::Read { .. } => 5,
            Request::Write { .. } => 6,
            Request::LinkStat { .. } => 7,
            Request::HandleStat { .. } => 8,
            Request::OpenDirectory { .. } => 11,
            Request::ReadDirectory { .. } => 12,
            Request::Remove { .. } => 13,
            Request::MakeDirectory { .. } => 14,
            Request::Stat { .. } => 17,
            Request::Rename { .. } => 18,
            Request::Sync { .. } | Request::FileSystem { .. } | Request::Limits => 200,
        };
        out.push(kind);
        number(&mut out, id);
        match self {
            Request::OpenRead { path } => {
                string(&mut out, path.as_bytes());
                number(&mut out, OPEN_READ);
                number(&mut out, 0);
            }
            Request::OpenNew { path } => {
                string(&mut out, path.as_bytes());
                number(&mut out, OPEN_WRITE_NEW);
                mode(&mut out, FILE_MODE);
            }
            Request::MakeDirectory { path } => {
                string(&mut out, path.as_bytes());
                mode(&mut out, DIRECTORY_MODE);
            }
            Request::Read {
                handle,
                offset,
                length,
            } => {
                string(&mut out, handle);
                out.extend(offset.to_be_bytes());
                number(&mut out, *length);
            }
            Request::Write {
                handle,
                offset,
                content,
            } => {
                string(&mut out, handle);
                out.extend(offset.to_be_bytes());
                string(&mut out, content);
            }
            Request::Rename { old, new } => {
                string(&mut out, old.as_bytes());
                string(&mut out, new.as_bytes());
            }
            Request::Sync { handle } => {
                string(&mut out, b"fsync@openssh.com");
                string(&mut out, handle);
            }
            Request::FileSystem { path } => {
                string(&mut out, b"statvfs@openssh.com");
                string(&mut out, path.as_bytes());
            }
            Request::Limits => string(&mut out, b"limits@openssh.com"),
            Request::Close { handle }
            | Request::HandleStat { handle }
            | Request::ReadDirectory { handle } => string(&mut out, handle),
            Request::Stat { path }
            | Request::LinkStat { path }
            | Request::OpenDirectory { path }
            | Request::Remove { path } => string(&mut out, path.as_bytes()),
        }
        let length = u32::try_from(out.len() - 4).unwrap_or(u32::MAX);
        out[..4].copy_from_slice(&length.to_be_bytes());
        out
    }
}

fn number(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_be_bytes());
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}

fn mode(out: &mut Vec<u8>, mode: u32) {
    number(out, FLAG_MODE);
    number(out, mode);
}

/// The version of the server and the names of its extensions, from the first packet, without its length.
pub(super) fn decode_version(packet: &[u8]) -> Result<(u32, Vec<Vec<u8>>), Malformed> {
    let mut input = Input(packet);
    if input.byte()? != 2 {
        return Err(Malformed);
    }
    let version = input.number()?;
    let mut extensions = Vec::new();
    while !input.0.is_empty() {
        extensions.push(input.string()?.to_vec());
        input.string()?;
    }
    Ok((version, extensions))
}

/// The number of the request that is answered, and the answer, from a packet without its length.
pub(super) fn decode(packet: &[u8]) -> Result<(u32, Reply), Malformed> {
    let mut input = Input(packet);
    let kind = input.byte()?;
    let id = input.number()?;
    let reply = match kind {
        101 => {
            let code = input.number()?;
            // Old servers leave out the message.
            let message = input.string().unwrap_or_default().to_vec();
            Reply::Status { code, message }
        }
        102 => Reply::Handle(input.string()?.to_vec()),
        103 => Reply::Data(input.string()?.to_vec()),
        104 => {
            let count = input.number()?;
            let mut entries = Vec::new();
            for _ in 0..count {
                let name = input.string()?.to_vec();
                // The line that `ls -l` would show.
                input.string()?;
                let about = input.attributes()?;
                entries.push(Entry { name, about });
            }
            Reply::Names(entries)
        }
        105 => Reply::Attributes(input.attributes()?),
        201 => Reply::Extended(input.0.to_vec()),
        _ => return Err(Malformed),
    };
    Ok((id, reply))
}

/// What is left of a packet.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.bytes(1)?[0])
    }

    fn number(&mut self) -> Result<u32, Malformed> {
        let bytes = self.bytes(4)?.try_into().map_err(|_| Malformed)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn long(&mut self) -> Result<u64, Malformed> {
        let bytes = self.bytes(8)?.try_into().map_err(|_| Malformed)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.number()?;
        self.bytes(usize::try_from(length).map_err(|_| Malformed)?)
    }

    fn attributes(&mut self) -> Result<Attributes, Malformed> {
        let flags = self.number()?;
        let mut about = Attributes::default();
        if flags & FLAG_SIZE != 0 {
            about.size = Some(self.long()?);
        }
        if flags & FLAG_OWNER != 0 {
            self.bytes(8)?;
        }
        if flags & FLAG_MODE != 0 {
            about.mode = Some(self.number()?);
        }
        if flags & FLAG_TIMES != 0 {
            self.number()?;
            about.modified = Some(self.number()?);
        }
        if flags & FLAG_EXTENDED != 0 {
            for _ in 0..self.number()? {
                self.string()?;
                self.string()?;
            }
        }
        Ok(about)
    }
}

#[cfg(test)]
mod tests;
