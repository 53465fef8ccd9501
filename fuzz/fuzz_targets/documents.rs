//! Any bytes as one of the small documents: a snapshot, a lock, a config. What is read is written to a document that is
//! read in the same way, and what is told of it can be told.
#![no_main]

use freezerd::archive::chunker::Chunker;
use freezerd::inspect::choice::{Chosen, Filter};
use freezerd::escape::{harmless, shown};
use freezerd::repository::config::Config;
use freezerd::repository::lock::{Found, FoundState, Holders, LockFile, is_stale, verdict_on};
use freezerd::repository::snapshot::Snapshot;
use freezerd::repository::time::Time;
use freezerd::storage::id::Id;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(snapshot) = Snapshot::parse(bytes) {
        let text = serde_json::to_vec(&snapshot).expect("a document");
        assert_eq!(Snapshot::parse(&text).expect("our own snapshot"), snapshot);
        choose(Chosen {
            id: Id::of(bytes),
            snapshot,
        });
    }
    if let Ok(config) = Config::parse(bytes) {
        assert!((1..=2).contains(&config.version));
        let text = serde_json::to_vec(&config).expect("a document");
        assert_eq!(Config::parse(&text).expect("our own config"), config);
        if let Some(chunker) = Chunker::new(config.chunker_polynomial.0) {
            assert_eq!(chunker.find_cut(bytes, 0), None);
        }
    }
    if let Ok(lock) = serde_json::from_slice::<LockFile>(bytes) {
        let text = serde_json::to_vec(&lock).expect("a document");
        let again: LockFile = serde_json::from_slice(&text).expect("our own lock");
        assert_eq!(again, lock);
        judge(lock);
    }
});

fn choose(chosen: Chosen) {
    let of_itself = Filter {
        host: Some(chosen.snapshot.hostname.clone()),
        backup_name: Some(chosen.backup_name().to_owned()),
        paths: chosen.snapshot.paths.iter().map(Into::into).collect(),
    };
    assert!(of_itself.matches(&chosen));
    assert!(!harmless(&of_itself.to_string()).contains('\u{1b}'));
    assert!(!shown(chosen.backup_name().as_bytes()).contains('\u{1b}'));
}

fn judge(lock: LockFile) {
    let exclusive = lock.exclusive;
    let time = lock.time;
    let found = [Some(true), Some(false), None].map(|alive| Found {
        id: Id::default(),
        written: Some(time),
        state: FoundState::Readable {
            lock: lock.clone(),
            alive,
        },
    });
    for now in [Time::utc(0, 0), Time::utc(i64::MAX, 0), time] {
        let verdict = verdict_on(&found, true, now);
        let stale = found.iter().filter(|it| is_stale(it, now)).count();
        assert_eq!(verdict.stale.len(), stale);
        assert_eq!(verdict.blocking.len(), found.len() - stale);
        let beside = verdict_on(&found, false, now).blocking.len();
        assert_eq!(beside, if exclusive { found.len() - stale } else { 0 });
    }
    let _ = Holders(found.to_vec()).to_string();
}
