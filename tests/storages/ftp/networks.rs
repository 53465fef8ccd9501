//! Networks and servers that go away: connections that are cut, frozen, or too many.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::ErrorKind;
use freezerd::storage::ftp::{Options, Tls};
use freezerd::storage::limit::{Limits, Pace, Throttle};
use freezerd::storage::{FileKind, FileName, Storage};

use super::{content, open, with_retries};
use crate::ftp_server::vsftpd::Server;
use crate::support::{listed, named};

#[test]
fn a_connection_that_was_cut_while_nobody_used_it_is_made_anew() {
    let Some(server) = Server::start() else {
        return;
    };
    let (storage, told) = with_retries(server.storage("r"));
    storage.create_layout().unwrap();
    let file = named(FileKind::Key, b"key");
    storage.write(file, b"key").unwrap();
    for _ in 0..3 {
        server.cut();
        assert_eq!(storage.read(file, 9).unwrap(), b"key");
    }
    let told = told.lock().unwrap();
    assert!(told.iter().all(|kind| *kind == ErrorKind::Unreachable));
}

#[test]
fn what_is_cut_in_the_middle_is_done_again_and_comes_whole() {
    for tls in [Tls::None, Tls::Explicit] {
        let Some(server) = Server::with(tls, "") else {
            return;
        };
        let (storage, _) = with_retries(server.storage("r"));
        storage.create_layout().unwrap();
        let packs: Vec<Vec<u8>> = (0..6).map(|seed| content(2_000_000, seed)).collect();
        let is_done = Mutex::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut random = fastrand::Rng::with_seed(7);
                while !*is_done.lock().unwrap() {
                    // The moment is what is tested; every one is right.
                    std::thread::sleep(Duration::from_millis(random.u64(100..600)));
                    server.cut();
                }
            });
            let workers: Vec<_> = packs
                .iter()
                .map(|pack| {
                    let storage = &storage;
                    scope.spawn(move || {
                        let file = named(FileKind::Pack, pack);
                        storage.write(file, pack).unwrap();
                        assert!(storage.read(file, 1 << 30).unwrap() == *pack);
                    })
                })
                .collect();
            for worker in workers {
                worker.join().unwrap();
            }
            *is_done.lock().unwrap() = true;
        });
        let listing = storage.list(FileKind::Pack).unwrap();
        assert_eq!(listing.files.len(), packs.len());
        // What the cut writes left goes.
        storage.sweep(Duration::ZERO).unwrap();
        assert_eq!(listed(&storage, FileKind::Pack).len(), packs.len());
    }
}

#[test]
fn a_connection_on_which_nothing_moves_is_given_up() {
    let Some(server) = Server::start() else {
        return;
    };
    let stall = Duration::from_millis(1500);
    let storage = open(Options {
        stall,
        ..server.options("r")
    });
    storage.create_layout().unwrap();
    server.freeze();
    let started = Instant::now();
    let error = storage.size(FileName::CONFIG).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    let told = "the server did not answer SIZE for 1 s";
    assert!(error.to_string().contains(told), "{error}");
    assert!(started.elapsed() >= stall);
    server.cut();
    let (storage, _) = with_retries(storage);
    assert_eq!(listed(&storage, FileKind::Key), []);
}

#[test]
fn a_lock_does_not_wait_behind_large_files() {
    let Some(server) = Server::start() else {
        return;
    };
    let limits = Limits {
        upload: std::num::NonZeroU64::new(200_000).map(Throttle::fixed),
        download: None,
    };
    let storage = open(Options {
        connections: Concurrency::untold(1),
        pace: Some(Arc::new(Pace::new(limits, |_, _| ()))),
        ..server.options("r")
    });
    storage.create_layout().unwrap();
    let lock = named(FileKind::Lock, b"lock");
    storage.write(lock, b"lock").unwrap();
    let large = content(1_000_000, 1);
    std::thread::scope(|scope| {
        let upload = scope.spawn(|| storage.write(named(FileKind::Pack, &large), &large));
        // The temporary file of the pack shows that the upload has begun.
        let directory = named(FileKind::Pack, &large).to_string();
        let directory = server.files("r").join(directory);
        let directory = directory.parent().unwrap();
        while std::fs::read_dir(directory).unwrap().count() == 0 {
            std::thread::yield_now();
        }
        let other = named(FileKind::Lock, b"refreshed");
        storage.write(other, b"refreshed").unwrap();
        storage.remove(lock).unwrap();
        assert!(!upload.is_finished());
        upload.join().unwrap().unwrap();
    });
}

#[test]
fn fewer_connections_than_asked_for_are_enough_and_locks_have_their_turn() {
    let Some(server) = Server::start() else {
        return;
    };
    server.allow(Some(1));
    let (storage, told) = with_retries(server.storage("r"));
    storage.create_layout().unwrap();
    std::thread::scope(|scope| {
        for number in 0..6_u8 {
            let storage = &storage;
            scope.spawn(move || {
                let kind = match number % 2 {
                    0 => FileKind::Lock,
                    _ => FileKind::Pack,
                };
                storage.write(named(kind, &[number]), &[number]).unwrap();
            });
        }
    });
    assert_eq!(listed(&storage, FileKind::Pack).len(), 3);
    assert_eq!(listed(&storage, FileKind::Lock).len(), 3);
    assert!(server.refused() > 0);
    assert_eq!(server.open(), 1);
    let told = told.lock().unwrap();
    assert!(
        told.iter().all(|kind| *kind == ErrorKind::Overloaded),
        "{told:?}"
    );
}

#[test]
fn a_server_with_too_many_connections_is_busy() {
    let Some(server) = Server::start() else {
        return;
    };
    server.allow(Some(0));
    let error = server.storage("r").list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Overloaded, "{error}");
    assert!(error.to_string().contains("too many"), "{error}");
}
