//! What servers tell by way of OpenSSH's extensions of SFTP (`PROTOCOL` in its source).

use super::{Input, Malformed};

/// The limits of a server. A limit of 0 means that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Limits {
    /// The bytes of one read.
    pub read: u64,
    /// The bytes of one write.
    pub write: u64,
    /// Open files and directories.
    pub handles: u64,
}

/// Reads the answer to [`super::Request::Limits`].
pub(in super::super) fn decode_limits(reply: &[u8]) -> Result<Limits, Malformed> {
    let mut input = Input(reply);
    let _packet = input.long()?;
    Ok(Limits {
        read: input.long()?,
        write: input.long()?,
        handles: input.long()?,
    })
}

/// What is known of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct FileSystem {
    /// Bytes that an ordinary user can still use.
    pub free: u64,
    /// Files that can still be made; `None` if the file system does not count them.
    pub files: Option<u64>,
    pub is_read_only: bool,
}

/// Reads the answer to [`super::Request::FileSystem`].
pub(in super::super) fn decode_file_system(reply: &[u8]) -> Result<FileSystem, Malformed> {
    let mut input = Input(reply);
    let mut values = [0; 11];
    for value in &mut values {
        *value = input.long()?;
    }
    let [
        _,
        fragment,
        _,
        _,
        available,
        files,
        _,
        files_available,
        _,
        flags,
        _,
    ] = values;
    Ok(FileSystem {
        free: fragment.saturating_mul(available),
        files: (files > 0).then_some(files_available),
        is_read_only: flags & 1 != 0,
    })
}
