//! Writing past the page cache (`O_DIRECT`).
//!
//! A pack is written once and seldom read soon. In the page cache it would displace what the host works with, and the
//! copy into new pages costs more time than a hash of the content does.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, OFlags, StatxFlags, fcntl_getfl, fcntl_setfl, statx};

use crate::os::memory::Area;

/// Smaller files go through the page cache: they are read soon, as an index is, or are written at once anyway.
const SMALLEST: usize = 1 << 20;

/// What is copied to an aligned place and written at a time.
const STEP: usize = 4 << 20;

/// What the last write used. The kernel zeroes new memory, and that would be most of the work.
static SPARE: Mutex<Option<Area>> = Mutex::new(None);

/// More is not aligned on any file system that is known.
const LARGEST_ALIGNMENT: usize = 64 << 10;

/// Writes all of the content at the beginning of a new file: directly, if the kernel says that the file system can do
/// that, and otherwise through the page cache. It is not durable before a sync.
///
/// # Errors
/// Those of writing.
pub(super) fn write_all(file: &mut File, content: &[u8]) -> io::Result<()> {
    let written = match content.len() >= SMALLEST {
        true => {
            alignment(file).map_or(Ok(0), |alignment| write_aligned(file, content, alignment))?
        }
        false => 0,
    };
    file.write_all(&content[written..])
}

/// By what addresses, offsets and lengths must be divisible; `None` when the file cannot be written directly.
///
/// `STATX_DIOALIGN` is known to Linux 6.1 and newer. Where it says nothing, as for network file systems, the cache does
/// better.
fn alignment(file: &File) -> Option<usize> {
    let about = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN).ok()?;
    if about.stx_mask & StatxFlags::DIOALIGN.bits() == 0 {
        return None;
    }
    let wanted = about.stx_dio_mem_align.max(about.stx_dio_offset_align) as usize;
    let possible =
        about.stx_dio_offset_align > 0 && wanted.is_power_of_two() && wanted <= LARGEST_ALIGNMENT;
    possible.then_some(wanted)
}

/// Writes as much as can be written directly. Returns how much that was; the rest is for the page cache.
fn write_aligned(file: &mut File, content: &[u8], alignment: usize) -> io::Result<usize> {
    let flags = fcntl_getfl(&*file)?;
    if fcntl_setfl(&*file, flags | OFlags::DIRECT).is_err() {
        return Ok(0);
    }
    let whole = content.len() - content.len() % alignment;
    let mut buffer = buffer()?;
    let mut written = 0;
    let result = loop {
        let length = STEP.min(whole - written);
        if length == 0 {
            break Ok(());
        }
        let step = &mut buffer[..length];
        step.copy_from_slice(&content[written..written + length]);
        match file.write(step) {
            Ok(count) => {
                written += count;
                // The next offset must be aligned, too.
                if count == 0 || count % alignment != 0 {
                    break Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The file system can do less than the kernel said.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    *SPARE.lock().unwrap_or_else(PoisonError::into_inner) = Some(buffer);
    fcntl_setfl(&*file, flags)?;
    result.map(|()| written)
}

/// An aligned place for one step.
fn buffer() -> io::Result<Area> {
    let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).take();
    spare.map_or_else(|| Area::new(STEP), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_of_any_length_is_written_whole() {
        // The build directory is on a disk more often than the temporary one.
        let places = [std::env::temp_dir(), env!("CARGO_MANIFEST_DIR").into()];
        for place in places {
            let directory = tempfile::tempdir_in(place).unwrap();
            for length in [
                0,
                1,
                SMALLEST - 1,
                SMALLEST,
                SMALLEST + 1,
                STEP,
                STEP + 511,
                2 * STEP + 4096,
                3 * STEP + 4097,
            ] {
                let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
                let path = directory.path().join("file");
                let mut file = File::create(&path).unwrap();
                write_all(&mut file, &content).unwrap();
                file.sync_all().unwrap();
                let flags = fcntl_getfl(&file).unwrap();
                assert!(!flags.contains(OFlags::DIRECT));
                drop(file);
                assert!(std::fs::read(&path).unwrap() == content, "{length}");
            }
        }
    }
}
