//! Any bytes as what an index, snapshot or lock file holds: first as the file itself, then encrypted with the right key,
//! as a hostile writer with the password would store them, with and without the byte that announces compression. Memory
//! stays bounded.
#![no_main]

use freezerd::repository::compression::limit;
use freezerd::repository::crypto::{Cipher, SecretKeys};
use freezerd::repository::unpacked::{decode, encode};
use freezerd::storage::id::Id;
use freezerd::storage::{FileKind, FileName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let cipher = Cipher::new(&SecretKeys::from_bytes(&[7; 64]));
    let open = |mut content: Vec<u8>| {
        let file = FileName::new(FileKind::Snapshot, Id::of(&content));
        let document = decode(&cipher, file, &mut content);
        if let Ok(document) = &document {
            assert!(document.len() <= limit(content.len()));
        }
        document
    };
    let _ = open(bytes.to_vec());
    let _ = open(cipher.seal_copy(bytes).expect("random numbers"));
    let compressed = [&[2], bytes].concat();
    let _ = open(cipher.seal_copy(&compressed).expect("random numbers"));
    if matches!(bytes.first(), Some(b'{' | b'[')) {
        let content = encode(&cipher, bytes).expect("random numbers");
        assert_eq!(open(content).expect("our own file"), bytes);
    }
});
