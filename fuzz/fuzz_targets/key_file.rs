//! Any bytes as a key file, and as the document with the keys that a key file encrypts. Keys that can be read open what
//! they encrypted.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use freezerd::repository::crypto::{Cipher, SecretKeys};
use freezerd::repository::key::{self, KeyFile, OpenKey};
use freezerd::storage::id::Id;
use freezerd::storage::memory::Memory;
use freezerd::storage::{FileKind, FileName, Storage};
use libfuzzer_sys::fuzz_target;

/// More would cost the fuzzer its time, and not find more.
const MOST_WORK: u128 = 1 << 10;
const PASSWORD: &[u8] = b"password";
const SALT: &[u8] = b"salt";

fuzz_target!(|bytes: &[u8]| {
    let is_cheap = match serde_json::from_slice::<KeyFile>(bytes) {
        Err(_) => true,
        Ok(file) => {
            serde_json::to_vec(&file).expect("a document");
            let (n, r, p) = (file.cost.n, file.cost.r, file.cost.p);
            u128::from(n) * u128::from(r) * u128::from(p) <= MOST_WORK
        }
    };
    if is_cheap && let Some(key) = open(bytes) {
        use_key(&key);
    }
    if let Some(key) = open(&around(bytes)) {
        use_key(&key);
    }
});

fn open(content: &[u8]) -> Option<OpenKey> {
    let memory = Memory::new();
    let file = FileName::new(FileKind::Key, Id::of(content));
    memory.write(file, content).expect("memory");
    key::open(&memory, PASSWORD, None, |_| Ok(true)).ok()
}

fn use_key(key: &OpenKey) {
    assert!(key.keys.is_valid());
    let cipher = Cipher::new(&key.keys);
    let mut sealed = cipher.seal_copy(b"text").expect("random numbers");
    assert_eq!(cipher.open(&mut sealed).expect("our own text"), b"text");
}

/// A key file that the password opens, with these bytes as its document.
fn around(document: &[u8]) -> Vec<u8> {
    let parameters = scrypt::Params::new(1, 1, 1).expect("parameters");
    let mut derived = [0; 64];
    scrypt::scrypt(PASSWORD, SALT, &parameters, &mut derived).expect("a key");
    let cipher = Cipher::new(&SecretKeys::from_bytes(&derived));
    let sealed = cipher.seal_copy(document).expect("random numbers");
    let (salt, data) = (BASE64.encode(SALT), BASE64.encode(sealed));
    format!(r#"{{"kdf":"scrypt","N":2,"r":1,"p":1,"salt":"{salt}","data":"{data}"}}"#).into_bytes()
}
