//! The modes of nodes, and buffers for system calls.

use std::io;

/// The bits of a Go `FileMode`, in which restic's format keeps modes.
mod go {
    pub(super) const SETUID: u32 = 1 << 23;
    pub(super) const SETGID: u32 = 1 << 22;
    pub(super) const STICKY: u32 = 1 << 20;
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
