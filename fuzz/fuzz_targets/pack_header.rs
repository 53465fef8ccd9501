//! Any bytes as the header of a pack: the blobs that are read fill the pack exactly, and are written to the same bytes.
//! The size of the pack is any number first, and then the one that the header itself asks for.
#![no_main]

use freezerd::repository::crypto::{Cipher, SecretKeys};
use freezerd::repository::pack::{
    append_header, header_of, header_size, parse_header, read_header,
};
use freezerd::storage::id::Id;
use freezerd::storage::memory::Memory;
use freezerd::storage::{FileKind, FileName, Storage};
use libfuzzer_sys::fuzz_target;

/// More would cost the fuzzer its time, and not find more.
const LARGEST_PACK: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let Some((size, header)) = bytes.split_first_chunk() else {
        return;
    };
    let cipher = Cipher::new(&SecretKeys::from_bytes(&[7; 64]));
    let _ = header_of(&cipher, bytes);
    let size = u64::from(u32::from_le_bytes(*size));
    for size in [size, asked_for(header)] {
        check(&cipher, header, size);
    }
});

fn check(cipher: &Cipher, header: &[u8], size: u64) {
    let parsed = parse_header(header, size);
    if size > LARGEST_PACK {
        return;
    }
    // As a hostile writer with the password stores it.
    let mut hostile = vec![0; size as usize];
    let sealed = cipher.seal_copy(header).expect("random numbers");
    hostile.extend_from_slice(&sealed);
    hostile.extend_from_slice(&(sealed.len() as u32).to_le_bytes());
    assert_eq!(header_of(cipher, &hostile), parsed);
    let memory = Memory::new();
    let id = Id::of(&hostile);
    let file = FileName::new(FileKind::Pack, id);
    memory.write(file, &hostile).expect("memory");
    let read = read_header(&memory, cipher, id, hostile.len() as u64);
    assert_eq!(read.ok(), parsed.clone().ok());

    let Ok(blobs) = parsed else {
        return;
    };
    let total: u64 = blobs.iter().map(|blob| u64::from(blob.length)).sum();
    assert_eq!(total, size);
    let mut pack = vec![0; size as usize];
    append_header(cipher, &blobs, &mut pack).expect("random numbers");
    assert_eq!(pack.len(), size as usize + header_size(&blobs));
    assert_eq!(header_of(cipher, &pack), Ok(blobs));
}

/// The sum of the lengths in the header, up to the first entry that is not whole.
fn asked_for(mut header: &[u8]) -> u64 {
    let mut sum = 0;
    while let [kind, length @ ..] = header {
        let entry = if kind % 4 < 2 { 36 } else { 40 };
        let (Some(number), Some(rest)) = (length.first_chunk(), length.get(entry..)) else {
            break;
        };
        sum += u64::from(u32::from_le_bytes(*number));
        header = rest;
    }
    sum
}
