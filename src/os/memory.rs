//! How the program gets its memory from the system.
//!
//! Large pieces come in huge pages. Deriving a key reads and writes 32 MiB for each of its computations, at random. In
//! pages of 4 KiB, that is 8192 page faults each, and 6 % of the time of a backup of the kernel tree with few changes. Many
//! distributions give a program huge pages only where it asks for them (`/sys/kernel/mm/transparent_hugepage/enabled` is
//! `madvise`).
//!
//! Pieces above 8 MiB go back to the system as soon as they are free. glibc would keep them for later: it raises its
//! threshold with each large piece that is freed, up to 32 MiB. A backup then had 20 MB more in memory, of which nothing was
//! used.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::io;
use std::ops::{Deref, DerefMut};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

/// The system's allocator, which asks for huge pages for large pieces of memory.
pub struct HugePages;

/// From which size on a piece gets huge pages: that of one computation of a key. Smaller ones, such as buffers for packs,
/// are often used in part only, and a huge page is in memory as a whole (15 MB of a backup's peak).
const LARGE: usize = 32 << 20;

/// From which size on a piece of memory is mapped by itself, in bytes. The buffers of chunks are smaller: a chunk has at
/// most 8 MiB.
const MAPPED: i32 = 8 << 20;

/// How much free memory an arena of the allocator keeps at its end, in bytes. By default this follows the threshold for
/// mapped pieces, unless that is set: then it stays at 128 KiB, and a backup of the kernel tree gives memory back and asks
/// for it again all the time (100,000 page faults).
const KEPT: i32 = 8 << 20;

/// Large pieces of memory go back to the system when they are freed. For the begin of the program.
pub fn give_back_large_pieces() {
    #[cfg(target_env = "gnu")]
    for (option, bytes) in [
        (libc::M_MMAP_THRESHOLD, MAPPED),
        (libc::M_TRIM_THRESHOLD, KEPT),
    ] {
        // SAFETY: this sets a number inside the allocator.
        let _ = unsafe { libc::mallopt(option, bytes) };
    }
}

/// Asks for huge pages for the memory from `start` on. It is advice: where the system refuses, nothing is lost.
fn advise(start: *mut u8, length: usize) {
    if start.is_null() || length < LARGE {
        return;
    }
    let page = rustix::param::page_size();
    let before = start.align_offset(page);
    let whole = length.saturating_sub(before) / page * page;
    // SAFETY: the range lies within memory that the allocator has just handed out, and this advice changes no content.
    let _ = unsafe { madvise(start.add(before).cast(), whole, Advice::LinuxHugepage) };
}

// SAFETY: every call goes to the system's allocator with the same arguments.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`.
        let start = unsafe { System.alloc(layout) };
        advise(start, layout.size());
        start
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        let start = unsafe { System.alloc_zeroed(layout) };
        advise(start, layout.size());
        start
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(start, layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, length: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `realloc`.
        let start = unsafe { System.realloc(start, layout, length) };
        advise(start, length);
        start
    }
}

/// The size of a huge page of x86-64, and of aarch64 with pages of 4 KiB.
const HUGE_PAGE: usize = 2 << 20;

/// A piece of memory apart from the allocator, in huge pages where the system gives them. What lies in one huge page is one
/// piece for a disk, too: a request can name only some 250 pieces, so that one of small pages ends at 1 MiB.
pub struct Area {
    map: *mut c_void,
    mapped: usize,
    start: *mut u8,
    length: usize,
}

impl Area {
    /// Zeroed memory of that many bytes, whose address is divisible by 2 MiB.
    ///
    /// # Errors
    /// When the system has no memory.
    pub fn new(length: usize) -> io::Result<Area> {
        let mapped = length.saturating_add(HUGE_PAGE);
        let (rights, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: the system chooses an address where nothing is mapped.
        let map = unsafe { mmap_anonymous(std::ptr::null_mut(), mapped, rights, flags) }?;
        let before = map.cast::<u8>().align_offset(HUGE_PAGE).min(HUGE_PAGE);
        // SAFETY: the mapping has one huge page more than what is asked for.
        let start = unsafe { map.cast::<u8>().add(before) };
        // SAFETY: the range lies within the new mapping, and this advice changes no content.
        let _ = unsafe { madvise(start.cast(), length, Advice::LinuxHugepage) };
        Ok(Area {
            map,
            mapped,
            start,
            length,
        })
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: this is the whole mapping, and no reference to it outlives its owner.
        let _ = unsafe { munmap(self.map, self.mapped) };
    }
}

// SAFETY: the memory has one owner, and is not bound to a thread.
unsafe impl Send for Area {}

impl Deref for Area {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the range is mapped and initialised as long as `self` lives.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

impl DerefMut for Area {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flags of the mapping that holds an address, as the kernel lists them in `smaps`.
    fn flags_of(address: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut holds = false;
        for line in maps.lines() {
            let range = line.split(' ').next().unwrap_or_default();
            if let Some((from, to)) = range.split_once('-')
                && let (Ok(from), Ok(to)) = (
                    usize::from_str_radix(from, 16),
                    usize::from_str_radix(to, 16),
                )
            {
                holds = (from..to).contains(&address);
            }
            if holds && let Some(flags) = line.strip_prefix("VmFlags:") {
                return flags.to_owned();
            }
        }
        String::new()
    }

    #[test]
    fn a_large_piece_of_memory_is_zeroed_and_may_have_huge_pages() {
        let layout = Layout::from_size_align(32 << 20, 8).unwrap();
        // SAFETY: the layout is not empty, every byte is read within it, and it is freed once.
        unsafe {
            let start = HugePages.alloc_zeroed(layout);
            assert!(!start.is_null());
            let bytes = std::slice::from_raw_parts(start, layout.size());
            assert!(bytes.iter().all(|byte| *byte == 0));
            let inside = start as usize + (1 << 20);
            let possible = std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists();
            let asked = flags_of(inside).split(' ').any(|flag| flag == "hg");
            assert_eq!(asked, possible, "{}", flags_of(inside));
            HugePages.dealloc(start, layout);
        }
    }

    #[test]
    fn memory_that_grows_keeps_what_is_in_it() {
        let layout = Layout::from_size_align(33 << 20, 8).unwrap();
        // SAFETY: the layout is not empty, the bytes that are read were written before, and it is freed once.
        unsafe {
            let start = HugePages.alloc(layout);
            assert!(!start.is_null());
            start.write_bytes(7, layout.size());
            let start = HugePages.realloc(start, layout, 64 << 20);
            assert!(!start.is_null());
            let kept = std::slice::from_raw_parts(start, layout.size());
            assert!(kept.iter().all(|byte| *byte == 7));
            let grown = Layout::from_size_align(64 << 20, 8).unwrap();
            HugePages.dealloc(start, grown);
        }
    }
}
