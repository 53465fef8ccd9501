//! Any bytes as a blob that a hostile writer with the password stored: compressed or not, with any length in the index.
//! Memory stays bounded, and only the content that the id names is handed out.
#![no_main]

use freezerd::repository::blob::{BlobReader, PackedBlob};
use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::compression::{Compressor, Decompressor, limit};
use freezerd::repository::crypto::{Cipher, SecretKeys};
use freezerd::storage::id::Id;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((raw_length, plain)) = bytes.split_first_chunk() else {
        return;
    };
    let raw_length = u32::from_le_bytes(*raw_length);
    let cipher = Cipher::new(&SecretKeys::from_bytes(&[7; 64]));
    let mut reader = BlobReader::new();
    let mut content = Vec::new();
    let mut decode = |plain: &[u8], raw_length: u32, id: Id| {
        let mut sealed = cipher.seal_copy(plain).expect("random numbers");
        let blob = PackedBlob {
            name: BlobName {
                kind: BlobKind::Data,
                id,
            },
            offset: 0,
            length: sealed.len() as u32,
            raw_length,
        };
        let read = reader.decode(&cipher, &blob, &mut sealed, &mut content);
        read.is_ok().then(|| content.clone())
    };
    // What the bytes are without the length in the index, if they are compressed at all.
    let mut unpacked = Vec::new();
    let is_compressed = Decompressor::new()
        .decompress_unknown(plain, &mut unpacked)
        .is_ok();
    assert!(unpacked.len() <= limit(plain.len()));
    let id = Id::of(if is_compressed { &unpacked } else { plain });
    if let Some(content) = decode(plain, raw_length, id) {
        assert_eq!(Id::of(&content), id);
        assert!(raw_length == 0 || content.len() == raw_length as usize);
    }
    if is_compressed && !unpacked.is_empty() {
        let found = decode(plain, unpacked.len() as u32, id);
        assert!(found.is_none_or(|found| found == unpacked));
    }
    // The bytes as content, as this program stores them.
    let mut stored = Vec::new();
    let stored_length = match Compressor::new(3).compress(plain, &mut stored) {
        true => plain.len() as u32,
        false => {
            stored.extend_from_slice(plain);
            0
        }
    };
    let found = decode(&stored, stored_length, Id::of(plain)).expect("our own blob");
    assert_eq!(found, plain);
});
