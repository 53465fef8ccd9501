//! Servers that want fewer requests: they get fewer at a time, and more again later.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use freezerd::storage::concurrency::{Change, Concurrency, TellChange};
use freezerd::storage::http::Options;
use freezerd::storage::retry::{Policy, Retry};
use freezerd::storage::s3::{S3, Settings};
use freezerd::storage::{FileKind, Storage};

use crate::rest_server::Server;
use crate::rest_server::faulty::{Fault, FaultyServer};
use crate::support::{keys, listed, named, place, rest};
use crate::{ftp_server, s3_server, sftp_server};

const QUICK: Policy = Policy {
    first_wait: Duration::from_millis(5),
    longest_wait: Duration::from_secs(2),
    opening: Duration::from_secs(60),
    patience: Duration::from_secs(60),
    unlocking: Duration::from_secs(60),
};

type Told<T> = Arc<Mutex<Vec<T>>>;

fn changes() -> (TellChange, Told<Change>) {
    let told = Told::default();
    let list = Arc::clone(&told);
    (
        Box::new(move |change| list.lock().unwrap().push(change)),
        told,
    )
}

/// The storage with retries, and how long they waited.
fn with_retries(
    storage: impl Storage + 'static,
    concurrency: &Arc<Concurrency>,
) -> (Retry, Told<Duration>) {
    let told = Told::default();
    let list = Arc::clone(&told);
    let tell = Box::new(move |_: &_, wait| list.lock().unwrap().push(wait));
    let concurrency = Arc::clone(concurrency);
    (
        Retry::new(Arc::new(storage), QUICK, concurrency, tell),
        told,
    )
}

/// Writes packs from more threads than there are requests at a time.
fn write_packs(storage: &dyn Storage) {
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            scope.spawn(move || {
                for number in 0..5 {
                    let content = [thread, number];
                    let pack = named(FileKind::Pack, &content);
                    storage.write(pack, &content).unwrap();
                }
            });
        }
    });
}

#[test]
fn a_server_that_wants_fewer_requests_gets_half_of_them_at_a_time() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = FaultyServer::before(&server.authority);
    for fault in [
        Fault::Status(421),
        Fault::Status(429),
        Fault::Status(503),
        Fault::Later(503, 0),
    ] {
        let (tell, told) = changes();
        let concurrency = Arc::new(Concurrency::new(4, tell));
        let address = format!("http://{}/repository/", proxy.authority);
        let (storage, _) = with_retries(rest(&address), &concurrency);
        proxy.fail("POST", fault);
        storage.create_layout().unwrap();
        proxy.take_most_at_a_time();
        write_packs(&storage);
        let most = proxy.take_most_at_a_time();
        assert!((1..=2).contains(&most), "{fault:?}: {most}");
        let fewer = [Change::Fewer { now: 2, most: 4 }];
        assert_eq!(*told.lock().unwrap(), fewer, "{fault:?}");
        assert_eq!(listed(&storage, FileKind::Pack).len(), 40);
    }
}

#[test]
fn a_bucket_that_says_slow_down_gets_fewer_requests_and_then_all_again() {
    let Some(server) = s3_server::Server::start() else {
        return;
    };
    let proxy = FaultyServer::before(&server.authority);
    let bucket = server.new_bucket();
    let place = place(&format!("s3:http://{}/{bucket}/r", proxy.authority));
    let fetch = keys(s3_server::ACCESS_KEY);
    let bucket = S3::new(&place, Settings::default(), fetch, Options::default()).unwrap();
    let (tell, told) = changes();
    let concurrency = Arc::new(Concurrency::with_step(4, Duration::ZERO, tell));
    let (storage, _) = with_retries(bucket, &concurrency);
    storage.create_layout().unwrap();
    let slow_down = Fault::Answer(503, "<Error><Code>SlowDown</Code></Error>");
    proxy.fail("PUT", slow_down);
    write_packs(&storage);
    assert_eq!(concurrency.allowed(), 4);
    let all = [
        Change::Fewer { now: 2, most: 4 },
        Change::AllAgain { most: 4 },
    ];
    assert_eq!(*told.lock().unwrap(), all);
    assert_eq!(listed(&storage, FileKind::Pack).len(), 40);
}

#[test]
fn a_server_is_left_alone_for_as_long_as_it_wants() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = FaultyServer::before(&server.authority);
    let address = format!("http://{}/repository/", proxy.authority);
    let (storage, waits) = with_retries(rest(&address), &Concurrency::untold(5));
    for (method, seconds) in [("POST", 1), ("GET", 3600)] {
        proxy.fail(method, Fault::Later(429, seconds));
        storage.create_layout().unwrap();
        assert_eq!(listed(&storage, FileKind::Key), []);
    }
    // An hour would be too long.
    let wanted = [Duration::from_secs(1), QUICK.longest_wait];
    assert_eq!(*waits.lock().unwrap(), wanted);
}

#[test]
fn a_server_that_refuses_one_more_connection_keeps_those_that_it_has() {
    let is_told_once = |told: &Told<Change>| {
        let told = told.lock().unwrap();
        assert!(
            matches!(told[..], [Change::Fewer { most: 5, .. }]),
            "{told:?}"
        );
    };
    if let Some(server) = ftp_server::vsftpd::Server::start() {
        server.allow(Some(1));
        let (tell, told) = changes();
        let concurrency = Arc::new(Concurrency::new(5, tell));
        let mut options = server.options("r");
        options.connections = Arc::clone(&concurrency);
        let ftp = freezerd::storage::ftp::Ftp::new(options).unwrap();
        let (storage, _) = with_retries(ftp, &concurrency);
        storage.create_layout().unwrap();
        write_packs(&storage);
        is_told_once(&told);
        assert_eq!(concurrency.allowed(), 1);
        assert_eq!(server.open(), 1);
        assert_eq!(listed(&storage, FileKind::Pack).len(), 40);
    }
    if let Some(server) = sftp_server::Server::start() {
        server.allow(Some(1));
        let (tell, told) = changes();
        let concurrency = Arc::new(Concurrency::new(5, tell));
        let mut options = server.options("r");
        options.connections = Arc::clone(&concurrency);
        let sftp = freezerd::storage::sftp::Sftp::new(options).unwrap();
        let (storage, _) = with_retries(sftp, &concurrency);
        storage.create_layout().unwrap();
        write_packs(&storage);
        is_told_once(&told);
        assert_eq!(concurrency.allowed(), 1);
        assert_eq!(listed(&storage, FileKind::Pack).len(), 40);
    }
}
