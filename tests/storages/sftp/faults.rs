//! Faults of servers and networks on the way to an SFTP server: what is retried, what is not, and that nothing is lost.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::{Error, ErrorKind};
use freezerd::storage::retry::{Policy, Retry};
use freezerd::storage::sftp::{Options, Sftp};
use freezerd::storage::{FileKind, FileName, Storage};

use crate::sftp_server::Server;
use crate::sftp_server::strange::{Asks, Strange};
use crate::support::{listed, named};

const QUICK: Policy = Policy {
    first_wait: Duration::from_millis(5),
    longest_wait: Duration::from_millis(5),
    opening: Duration::from_secs(60),
    patience: Duration::from_secs(60),
    unlocking: Duration::from_secs(60),
};

type Told = Arc<Mutex<Vec<ErrorKind>>>;

fn with_retries(storage: Sftp) -> (Retry, Told) {
    let told = Told::default();
    let list = Arc::clone(&told);
    let tell = Box::new(move |error: &Error, _| list.lock().unwrap().push(error.kind));
    (
        Retry::new(Arc::new(storage), QUICK, Concurrency::untold(5), tell),
        told,
    )
}

fn content(size: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..))
        .take(size)
        .collect()
}

#[test]
fn a_connection_that_was_cut_while_nobody_used_it_is_made_anew_without_a_word() {
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
    // The end of a connection may come while the next request is on its way.
    assert!(
        told.lock()
            .unwrap()
            .iter()
            .all(|kind| *kind == ErrorKind::Unreachable)
    );
}

#[test]
fn what_is_cut_in_the_middle_is_done_again_and_comes_whole() {
    let Some(server) = Server::start() else {
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

#[test]
fn a_connection_on_which_nothing_moves_is_given_up() {
    let Some(server) = Server::start() else {
        return;
    };
    let stall = Duration::from_millis(1500);
    let storage = Sftp::new(Options {
        stall,
        ..server.options("r")
    })
    .unwrap();
    storage.create_layout().unwrap();
    server.freeze();
    let started = Instant::now();
    let error = storage.list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.to_string().contains("nothing moved"), "{error}");
    assert!(started.elapsed() >= stall);
    // The next request has a new connection.
    assert_eq!(listed(&storage, FileKind::Key), []);
}

#[test]
fn a_lock_does_not_wait_behind_large_files() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = Sftp::new(Options {
        connections: Concurrency::untold(1),
        pace: Some(Arc::new(freezerd::storage::limit::Pace::new(
            freezerd::storage::limit::Limits {
                upload: std::num::NonZeroU64::new(200_000)
                    .map(freezerd::storage::limit::Throttle::fixed),
                download: None,
            },
            |_, _| (),
        ))),
        ..server.options("r")
    })
    .unwrap();
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
    let (storage, _) = with_retries(server.storage("r"));
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
}

#[test]
fn a_write_whose_answer_was_lost_is_done_again_without_harm() {
    let Some(server) = Server::start() else {
        return;
    };
    let (storage, _) = with_retries(server.storage("r"));
    storage.create_layout().unwrap();
    storage.write(FileName::CONFIG, b"config").unwrap();
    server.cut();
    storage.write(FileName::CONFIG, b"config").unwrap();
    let kind = storage.write(FileName::CONFIG, b"other").unwrap_err().kind;
    assert_eq!(kind, ErrorKind::Exists);
    assert_eq!(listed(&storage, FileKind::Config).len(), 1);
}

/// Not a test: prints how fast a server on this host is, beside `sftp`. `cargo test --test storages -- --ignored speed`.
#[test]
#[ignore = "measures"]
fn speed() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = server.storage("r");
    storage.create_layout().unwrap();
    let pack = content(64 << 20, 1);
    let file = named(FileKind::Pack, &pack);
    let rate = |started: Instant| 64.0 / started.elapsed().as_secs_f64();
    let started = Instant::now();
    storage.write(file, &pack).unwrap();
    println!("one connection writes {:.0} MiB/s", rate(started));
    let started = Instant::now();
    storage.read(file, 1 << 30).unwrap();
    println!("one connection reads {:.0} MiB/s", rate(started));
    let four: Vec<Vec<u8>> = (2..6).map(|seed| content(16 << 20, seed)).collect();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for pack in &four {
            scope.spawn(|| storage.write(named(FileKind::Pack, pack), pack).unwrap());
        }
    });
    println!("four connections write {:.0} MiB/s", rate(started));
    let started = Instant::now();
    listed(&storage, FileKind::Pack);
    println!("a listing of all packs takes {:?}", started.elapsed());
    let source = server.file("source");
    std::fs::write(&source, &pack).unwrap();
    let (_, command) = server.for_restic("r");
    let command = command.strip_prefix("sftp.command=").unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    // `ssh OPTIONS -i KEY -p PORT USER@HOST -s sftp` becomes `sftp OPTIONS -i KEY -P PORT USER@HOST`.
    let end = words.len() - 2;
    let options: Vec<&str> = words[1..end]
        .iter()
        .map(|word| if *word == "-p" { "-P" } else { *word })
        .collect();
    let batch = server.file("batch");
    let there = server.files("there");
    std::fs::write(
        &batch,
        format!("put {} {}\n", source.display(), there.display()),
    )
    .unwrap();
    let started = Instant::now();
    let ran = std::process::Command::new("sftp")
        .arg("-b")
        .arg(&batch)
        .args(options)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    println!("sftp puts {:.0} MiB/s", rate(started));
}

/// Not a test: prints how long each request takes when the server is 50 ms away.
#[test]
#[ignore = "measures"]
fn far_away() {
    let Some(server) = Server::start() else {
        return;
    };
    let line = crate::line::Line::to(server.port);
    let mut options = Options {
        port: line.port,
        ..server.options("r")
    };
    let known = &mut options.known_hosts[0].content;
    *known = known.replace(&format!(":{} ", server.port), &format!(":{} ", line.port));
    server.storage("r").create_layout().unwrap();
    line.slow_down(crate::line::Pace {
        delay: Duration::from_millis(25),
        bytes_per_second: 100_000_000,
    });
    let storage = Sftp::new(options).unwrap();
    let timed = |what: &str, run: &dyn Fn()| {
        let started = Instant::now();
        run();
        println!("{what}: {:?}", started.elapsed());
    };
    let file = |kind| named(kind, b"x");
    timed("the first look", &|| {
        assert!(storage.read(FileName::CONFIG, 9).is_err())
    });
    for kind in FileKind::ALL {
        timed(&format!("write {kind:?}"), &|| {
            storage.write(file(kind), b"x").unwrap();
        });
        timed(&format!("read {kind:?}"), &|| {
            storage.read(file(kind), 9).unwrap();
        });
        timed(&format!("list {kind:?}"), &|| {
            storage.list(kind).unwrap();
        });
    }
    timed("sync", &|| storage.sync().unwrap());
    timed("sweep", &|| {
        storage.sweep(Duration::from_secs(3600)).unwrap();
    });
    println!("{} connections", server.count());
    timed("remove lock", &|| {
        storage.remove(file(FileKind::Lock)).unwrap()
    });
}

#[test]
fn a_connection_that_ends_before_anything_may_be_sent_is_lost_at_once() {
    let Some(server) = Strange::start(Asks::EndsWithoutRoom) else {
        return;
    };
    let error = server.storage("r").list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(!error.to_string().contains("nothing moved"), "{error}");
}

#[test]
fn a_server_that_never_lets_anything_be_sent_is_given_up() {
    let Some(server) = Strange::start(Asks::GivesNoRoom) else {
        return;
    };
    let options = Options {
        stall: Duration::from_millis(1500),
        ..server.options("r")
    };
    let storage = Sftp::new(options).unwrap();
    let error = storage.list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.to_string().contains("nothing moved"), "{error}");
}
