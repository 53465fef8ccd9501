//! Opens the files of a source.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::selection::Marker;
use super::stat::{EntryKind, Stat};

/// Opens a regular file for reading, and describes it: so the metadata and the content belong to the same inode, also
/// when files are replaced while the backup runs. Does not wait for another process, and leaves the access time as it
/// is where that is permitted. `None` when it is not a regular file.
///
/// # Errors
/// Those of `open(2)` and `fstat(2)`.
pub fn open(directory: impl AsFd, name: &[u8], follow: bool) -> io::Result<Option<(File, Stat)>> {
    // What one file does not permit, the next one will hardly permit: most files of a source have one owner.
    static KEEP_ACCESS_TIME: AtomicBool = AtomicBool::new(true);
    let directory = directory.as_fd();
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    let keep = KEEP_ACCESS_TIME.load(Ordering::Relaxed);
    let mut opened = openat(
        directory,
        name,
        match keep {
            true => flags | OFlags::NOATIME,
            false => flags,
        },
        Mode::empty(),
    );
    if keep && matches!(opened, Err(Errno::PERM)) {
        KEEP_ACCESS_TIME.store(false, Ordering::Relaxed);
        opened = openat(directory, name, flags, Mode::empty());
    }
    let file = match opened {
        Ok(file) => File::from(file),
        // A link or a socket is there now.
        Err(Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let stat = Stat::of_open(&file)?;
    Ok((stat.kind() == EntryKind::File).then_some((file, stat)))
}

/// Whether the marker's file has the marker's header.
pub(super) fn begins_with(directory: impl AsFd, marker: &Marker) -> bool {
    let mut start = Vec::new();
    match open(directory, &marker.name, false) {
        Ok(Some((file, _))) => {
            let read = file
                .take(marker.header.len() as u64)
                .read_to_end(&mut start);
            read.is_ok() && start == marker.header
        }
        _ => false,
    }
}
