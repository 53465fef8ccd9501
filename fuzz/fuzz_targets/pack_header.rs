//! Any bytes as the header of a pack: the blobs that are read fill the pack exactly, and are written to the same bytes.
#![no_main]

use freezerd::repository::crypto::{Cipher, SecretKeys};
use freezerd::repository::pack::{append_header, header_of, header_size, parse_header};
use libfuzzer_sys::fuzz_target;

/// More would cost the fuzzer its time, and not find more.
const LARGEST_PACK: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let Some((size, header)) = bytes.split_first_chunk() else {
        return;
    };
    let size = u64::from(u32::from_le_bytes(*size)) % LARGEST_PACK;
    let cipher = Cipher::new(&SecretKeys::from_bytes(&[7; 64]));
    let _ = header_of(&cipher, bytes);
    let Ok(blobs) = parse_header(header, size) else {
        return;
    };
    let total: u64 = blobs.iter().map(|blob| u64::from(blob.length)).sum();
    assert_eq!(total, size);
    let mut pack = vec![0; size as usize];
    append_header(&cipher, &blobs, &mut pack).expect("random numbers");
    assert_eq!(pack.len(), size as usize + header_size(&blobs));
    assert_eq!(header_of(&cipher, &pack), Ok(blobs));
});
