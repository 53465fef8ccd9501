//! Any bytes as one of the small documents: a snapshot, a lock, a config, a key. What is read is written to a document
//! that is read in the same way.
#![no_main]

use freezerd::repository::config::Config;
use freezerd::repository::key::KeyFile;
use freezerd::repository::lock::LockFile;
use freezerd::repository::snapshot::Snapshot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(snapshot) = Snapshot::parse(bytes) {
        let text = serde_json::to_vec(&snapshot).expect("a document");
        assert_eq!(Snapshot::parse(&text).expect("our own snapshot"), snapshot);
    }
    if let Ok(config) = Config::parse(bytes) {
        assert!((1..=2).contains(&config.version));
        let text = serde_json::to_vec(&config).expect("a document");
        assert_eq!(Config::parse(&text).expect("our own config"), config);
    }
    if let Ok(lock) = serde_json::from_slice::<LockFile>(bytes) {
        let text = serde_json::to_vec(&lock).expect("a document");
        let again: LockFile = serde_json::from_slice(&text).expect("our own lock");
        assert_eq!(again, lock);
    }
    if let Ok(key) = serde_json::from_slice::<KeyFile>(bytes) {
        serde_json::to_vec(&key).expect("a document");
    }
});
