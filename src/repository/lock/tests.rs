use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::repository::crypto::{Cipher, SecretKeys};
use crate::repository::error::ErrorKind;
use crate::storage::error::ErrorKind as StorageErrorKind;
use crate::storage::memory::{Memory, Request};
use crate::storage::{FileKind, FileName, Storage};

const NOW: Time = Time::utc(1_800_000_000, 0);

fn lock(exclusive: bool, age: i64) -> LockFile {
    LockFile {
        time: Time::utc(NOW.seconds - age, 0),
        exclusive,
        hostname: "elsewhere".into(),
        username: "somebody".into(),
        pid: 7,
        uid: 0,
        gid: 0,
    }
}

fn found(number: u8, state: FoundState) -> Found {
    Found {
        id: Id([number; 32]),
        written: Some(NOW),
        state,
    }
}

fn readable(number: u8, exclusive: bool, age: i64, alive: Option<bool>) -> Found {
    let lock = lock(exclusive, age);
    found(number, FoundState::Readable { lock, alive })
}

#[test]
fn shared_locks_go_together_and_exclusive_ones_do_not() {
    for (other, mine, blocked) in [
        (false, false, false),
        (false, true, true),
        (true, false, true),
        (true, true, true),
    ] {
        let verdict = verdict_on(&[readable(1, other, 60, None)], mine, NOW);
        assert_eq!(verdict.blocking.len(), usize::from(blocked));
        assert!(verdict.stale.is_empty());
    }
    assert_eq!(verdict_on(&[], true, NOW), OtherLocks::default());
}

#[test]
fn a_lock_is_stale_by_its_age_or_its_process() {
    for (age, alive, stale) in [
        (1800, None, false),
        (1801, None, true),
        (1801, Some(true), true),
        (0, Some(false), true),
        (0, Some(true), false),
        // A clock that runs ahead.
        (-9999, None, false),
    ] {
        let verdict = verdict_on(&[readable(1, true, age, alive)], false, NOW);
        assert_eq!(verdict.stale.len(), usize::from(stale), "{age} {alive:?}");
        assert_eq!(verdict.blocking.len(), usize::from(!stale));
    }
}

#[test]
fn a_lock_that_cannot_be_read_is_reported_and_blocks_an_exclusive_one_for_a_time() {
    let damaged = found(1, FoundState::Unreadable(Some(Damage::Json)));
    let empty = found(2, FoundState::Empty);
    let all = [damaged.clone(), empty.clone()];
    let shared = verdict_on(&all, false, NOW);
    assert_eq!(shared.unreadable, [damaged.id, empty.id]);
    assert!(shared.blocking.is_empty());
    let exclusive = verdict_on(&all, true, NOW);
    assert_eq!(exclusive.blocking, [damaged]);
    let later = verdict_on(&all, true, Time::utc(NOW.seconds + 1801, 0));
    assert!(later.blocking.is_empty());
    assert_eq!(later.unreadable.len(), 2);
}

#[test]
fn a_document_is_written_as_restic_writes_it() {
    let text = r#"{"time":"2015-06-27T12:18:51.759239612+02:00","exclusive":false,"hostname":"kasimir","username":"fd0","pid":13607,"uid":1000,"gid":100}"#;
    let lock: LockFile = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&lock).unwrap(), text);
}

fn settle(milliseconds: u64) -> Settle {
    Settle {
        shared: Duration::from_millis(milliseconds),
        exclusive: Duration::from_millis(milliseconds),
    }
}

fn quick() -> Timing {
    Timing {
        settle: settle(5),
        retry: Duration::from_millis(10),
        refresh: Duration::from_secs(60),
        give_up: Duration::from_secs(60),
    }
}

type Parts = (Memory, Arc<dyn Storage>, Arc<Cipher>);

fn parts() -> Parts {
    let memory = Memory::new();
    let cipher = Arc::new(Cipher::new(&SecretKeys::random().unwrap()));
    (memory.clone(), Arc::new(memory), cipher)
}

fn take(
    parts: &Parts,
    exclusive: bool,
    timing: Timing,
) -> Result<Held, crate::repository::error::Error> {
    acquire(
        &parts.1,
        &parts.2,
        exclusive,
        Duration::ZERO,
        timing,
        |_| true,
    )
}

fn files(memory: &Memory) -> usize {
    memory.list(FileKind::Lock).unwrap().files.len()
}

/// Waits for something that another thread does.
fn until(happened: impl Fn() -> bool) {
    while !happened() {
        std::thread::yield_now();
    }
}

#[test]
fn a_lock_is_taken_refused_to_others_and_removed() {
    let parts = parts();
    let shared = take(&parts, false, quick()).unwrap();
    let second = take(&parts, false, quick()).unwrap();
    let refused = take(&parts, true, quick()).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Locked);
    let pid = format!("process {}", std::process::id());
    assert!(refused.to_string().contains(&pid), "{refused}");
    drop((shared, second));
    assert_eq!(files(&parts.0), 0);
    let exclusive = take(&parts, true, quick()).unwrap();
    assert!(exclusive.is_exclusive());
    assert!(take(&parts, false, quick()).is_err());
    // The one that was refused left nothing behind.
    assert_eq!(files(&parts.0), 1);
}

#[test]
fn a_lock_is_waited_for() {
    let parts = parts();
    let held = take(&parts, true, quick()).unwrap();
    let mut told = 0;
    let (tell, is_told) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            is_told.recv().unwrap();
            drop(held);
        });
        let patience = Duration::from_secs(60);
        let waited = acquire(&parts.1, &parts.2, true, patience, quick(), |verdict| {
            told += verdict.blocking.len();
            let _ = tell.send(());
            true
        });
        waited.unwrap();
    });
    assert!(told > 0);
}

#[test]
fn of_many_that_want_an_exclusive_lock_one_at_a_time_has_it() {
    let parts = parts();
    let inside = AtomicUsize::new(0);
    let left = AtomicUsize::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let timing = Timing {
                    settle: settle(30),
                    ..quick()
                };
                let patience = Duration::from_secs(100);
                let held = acquire(&parts.1, &parts.2, true, patience, timing, |_| true).unwrap();
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                // The others look for the lock meanwhile.
                let looks = parts.0.count(Request::List);
                until(|| {
                    left.load(Ordering::SeqCst) == 1 || parts.0.count(Request::List) > looks + 3
                });
                left.fetch_sub(1, Ordering::SeqCst);
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(held);
            });
        }
    });
    assert_eq!(files(&parts.0), 0);
}

#[test]
fn a_refresh_writes_a_new_file_and_one_that_was_removed_is_lost() {
    let parts = parts();
    let timing = Timing {
        refresh: Duration::from_millis(10),
        ..quick()
    };
    let held = take(&parts, false, timing).unwrap();
    let first = held.id();
    until(|| held.id() != first);
    held.confirm().unwrap();
    assert_eq!(files(&parts.0), 1);
    // Another process held it for stale. The refresh of the thread may come in between.
    until(|| {
        let file = FileName::new(FileKind::Lock, held.id());
        parts.0.remove(file).is_ok()
    });
    until(|| held.confirm().is_err());
    assert_eq!(held.confirm().unwrap_err().kind, ErrorKind::LockLost);
    assert_eq!(files(&parts.0), 0);
}

#[test]
fn a_lock_that_cannot_be_refreshed_in_time_is_lost() {
    let parts = parts();
    let timing = Timing {
        give_up: Duration::ZERO,
        ..quick()
    };
    let held = take(&parts, false, timing).unwrap();
    until(|| held.confirm().is_err());
    assert_eq!(held.confirm().unwrap_err().kind, ErrorKind::LockLost);
}

#[test]
fn an_old_lock_file_that_cannot_be_removed_is_removed_later() {
    let parts = parts();
    let held = take(&parts, false, quick()).unwrap();
    parts.0.fail(Request::Remove, 0, StorageErrorKind::Io);
    assert!(held.refresh().is_err());
    assert_eq!(files(&parts.0), 2);
    held.confirm().unwrap();
    held.refresh().unwrap();
    assert_eq!(files(&parts.0), 1);
    parts.0.fail(Request::Remove, 0, StorageErrorKind::Io);
    assert!(held.refresh().is_err());
    drop(held);
    assert_eq!(files(&parts.0), 0);
}

#[test]
fn the_lock_of_a_process_that_is_gone_is_removed() {
    let parts = parts();
    let gone = std::process::Command::new("true")
        .spawn()
        .and_then(|mut child| {
            let id = child.id();
            child.wait().map(|_| id)
        });
    let lock = LockFile {
        time: Time::now(),
        hostname: gethostname::gethostname().to_string_lossy().into_owned(),
        pid: i64::from(gone.unwrap()),
        ..lock(true, 0)
    };
    super::files::write(&*parts.1, &parts.2, &lock).unwrap();
    let held = take(&parts, true, quick()).unwrap();
    assert_eq!(files(&parts.0), 1);
    drop(held);
}

#[test]
fn empty_and_damaged_lock_files_are_found() {
    let parts = parts();
    let name = |number| FileName::new(FileKind::Lock, Id([number; 32]));
    parts.0.write(name(1), b"").unwrap();
    parts.0.write(name(2), &[7; 99]).unwrap();
    let found = found_locks(&*parts.1, &parts.2).unwrap();
    assert_eq!(found[0].state, FoundState::Empty);
    assert_eq!(found[1].state, FoundState::Unreadable(Some(Damage::Hash)));
    drop(take(&parts, false, quick()).unwrap());
    assert!(take(&parts, true, quick()).is_err());
}

#[test]
fn lock_files_without_number_are_not_read_one_by_one() {
    let parts = parts();
    for number in 0..=super::files::MOST {
        let content = number.to_string();
        let name = FileName::new(FileKind::Lock, Id::of(content.as_bytes()));
        parts.0.write(name, content.as_bytes()).unwrap();
    }
    let read = parts.0.count(Request::Read);
    let refused = take(&parts, true, quick()).unwrap_err();
    assert!(refused.to_string().contains("freezerd unlock"), "{refused}");
    assert_eq!(parts.0.count(Request::Read), read);
    // Who removes them sees all of them.
    let found = found_locks(&*parts.1, &parts.2).unwrap();
    assert_eq!(found.len(), super::files::MOST + 1);
}

/// Takes a shared lock, and then an exclusive lock appears that was written at the same time.
fn overtaken(parts: &Parts, timing: Timing) -> (Held, Id) {
    let held = take(parts, false, timing).unwrap();
    let other = LockFile {
        time: Time::now(),
        exclusive: true,
        hostname: "elsewhere".into(),
        username: String::new(),
        pid: 1,
        uid: 0,
        gid: 0,
    };
    let id = super::files::write(&*parts.1, &parts.2, &other).unwrap();
    (held, id)
}

#[test]
fn a_shared_lock_is_confirmed_when_an_exclusive_one_of_the_same_time_has_gone() {
    let parts = parts();
    let timing = Timing {
        // The other lock goes between two looks, however busy the host is.
        retry: Duration::from_millis(500),
        ..quick()
    };
    let (held, other) = overtaken(&parts, timing);
    std::thread::scope(|scope| {
        let looks = parts.0.count(Request::List);
        let confirmed = scope.spawn(|| held.confirm());
        until(|| parts.0.count(Request::List) > looks);
        parts
            .0
            .remove(FileName::new(FileKind::Lock, other))
            .unwrap();
        confirmed.join().unwrap().unwrap();
    });
    // Once is enough.
    let looks = parts.0.count(Request::List);
    held.confirm().unwrap();
    assert_eq!(parts.0.count(Request::List), looks);
}

#[test]
fn a_shared_lock_is_not_confirmed_while_an_exclusive_one_of_the_same_time_stays() {
    let parts = parts();
    let (held, other) = overtaken(&parts, quick());
    for _ in 0..2 {
        let refused = held.confirm().unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Locked);
        assert!(refused.to_string().contains("elsewhere"), "{refused}");
    }
    parts
        .0
        .remove(FileName::new(FileKind::Lock, other))
        .unwrap();
    held.confirm().unwrap();
}

#[test]
fn a_shared_lock_needs_no_second_look_where_listings_do_not_lag() {
    let parts = parts();
    let timing = Timing {
        settle: Settle::default(),
        ..quick()
    };
    let held = take(&parts, false, timing).unwrap();
    let looks = parts.0.count(Request::List);
    held.confirm().unwrap();
    assert_eq!(parts.0.count(Request::List), looks);
}
