//! What the REST storage promises besides.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use freezerd::storage::error::ErrorKind;
use freezerd::storage::http::{Options, OptionsError, Trust};
use freezerd::storage::limit::{Limits, Pace, Throttle};
use freezerd::storage::rest::Rest;
use freezerd::storage::{FileKind, Storage, StrayKind};

use crate::rest_server::faulty::FaultyServer;
use crate::rest_server::{Server, USER};
use crate::support::{listed, named, options, rest};

#[test]
fn files_lie_where_restic_looks_for_them() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = rest(&server.address("a/b"));
    storage.create_layout().unwrap();
    let pack = named(FileKind::Pack, b"pack");
    storage.write(pack, b"pack").unwrap();
    let there = std::fs::read(server.files("a/b").join(pack.to_string())).unwrap();
    assert_eq!(there, b"pack");
}

#[test]
fn a_name_that_is_not_an_id_is_a_stray() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = rest(&server.address("r"));
    storage.create_layout().unwrap();
    std::fs::write(server.files("r").join("snapshots/README"), "x").unwrap();
    let listing = storage.list(FileKind::Snapshot).unwrap();
    assert_eq!(listing.files, []);
    let strays: Vec<(&str, StrayKind)> = listing
        .strays
        .iter()
        .map(|stray| (stray.path.as_str(), stray.kind))
        .collect();
    assert_eq!(strays, [("snapshots/README", StrayKind::NotAnId)]);
}

#[test]
fn a_wrong_password_is_told_as_such_and_not_repeated() {
    let Some(server) = Server::start() else {
        return;
    };
    for user in [
        None,
        Some((USER.to_owned(), "wrong-secret".to_owned().into())),
    ] {
        let options = Options {
            user,
            ..Options::default()
        };
        let storage = Rest::new(&server.address("r"), options).unwrap();
        for error in [
            storage.create_layout().unwrap_err(),
            storage.list(FileKind::Key).unwrap_err(),
            storage.list(FileKind::Config).unwrap_err(),
            storage
                .write(named(FileKind::Pack, b"x"), b"x")
                .unwrap_err(),
        ] {
            assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
            let told = format!("{error} {error:?}");
            assert!(!told.contains("wrong-secret"), "{told}");
        }
    }
}

#[test]
fn a_server_that_is_append_only_takes_new_files_and_removes_locks_alone() {
    let Some(server) = Server::append_only() else {
        return;
    };
    let storage = rest(&server.address("r"));
    storage.create_layout().unwrap();
    let pack = named(FileKind::Pack, b"pack");
    storage.write(pack, b"pack").unwrap();
    // The server refuses to replace it, and it is the same.
    storage.write(pack, b"pack").unwrap();
    let error = storage.remove(pack).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    let damaged = named(FileKind::Snapshot, b"snapshot");
    std::fs::write(server.files("r").join(damaged.to_string()), "s").unwrap();
    let error = storage.write(damaged, b"snapshot").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Exists);
    let lock = named(FileKind::Lock, b"lock");
    storage.write(lock, b"lock").unwrap();
    storage.remove(lock).unwrap();
}

#[test]
fn only_a_certificate_that_is_trusted_is_talked_to() {
    let Some(server) = Server::with_tls() else {
        return;
    };
    let address = server.address("r");
    let with = |trust| {
        let options = Options { trust, ..options() };
        Rest::new(&address, options).unwrap()
    };
    let error = with(Trust::System).list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Untrusted, "{error}");
    let pem = std::fs::read(server.certificate.as_ref().unwrap()).unwrap();
    for trust in [Trust::Pem(pem), Trust::Anything] {
        let storage = with(trust);
        storage.create_layout().unwrap();
        let pack = named(FileKind::Pack, b"pack");
        storage.write(pack, b"pack").unwrap();
        assert_eq!(storage.read(pack, 9).unwrap(), b"pack");
    }
}

#[test]
fn the_wrong_beginning_of_an_address_is_told() {
    let Some(server) = Server::with_tls() else {
        return;
    };
    let directory = server.certificate.as_ref().unwrap().parent().unwrap();
    // One answers with status 400, and the other with an alert of TLS.
    let proxy = FaultyServer::with_tls(&server.authority, directory);
    let of_proxy = format!("http://{}/r/", proxy.authority);
    for address in [server.address("r").replace("https", "http"), of_proxy] {
        let plain = Rest::new(&address, options()).unwrap();
        let error = plain.list(FileKind::Key).unwrap_err();
        assert!(error.to_string().contains("`https://`"), "{error}");
    }
    let Some(server) = Server::start() else {
        return;
    };
    let address = server.address("r").replace("http", "https");
    let with_tls = Rest::new(&address, options()).unwrap();
    let error = with_tls.list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Answer, "{error}");
    assert!(error.to_string().contains("`http://`"), "{error}");
}

#[test]
fn options_that_cannot_work_are_refused_before_anything_is_sent() {
    let refused = |options| match Rest::new("http://127.0.0.1:1/", options) {
        Ok(_) => panic!("it is not refused"),
        Err(fault) => fault,
    };
    for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nx"] {
        let trust = Trust::Pem(pem.as_bytes().to_vec());
        let options = Options { trust, ..options() };
        assert_eq!(refused(options), OptionsError::Certificates, "{pem}");
    }
}

#[test]
fn bodies_pass_no_faster_than_the_limits_allow() {
    let Some(server) = Server::start() else {
        return;
    };
    let size = 300_000;
    let rate = || NonZeroU64::new(size as u64).map(Throttle::fixed);
    let limits = Limits {
        upload: rate(),
        download: rate(),
    };
    let options = Options {
        pace: Some(Arc::new(Pace::new(limits, |_, _| ()))),
        ..options()
    };
    let storage = Rest::new(&server.address("r"), options).unwrap();
    storage.create_layout().unwrap();
    let content = vec![7; size];
    let pack = named(FileKind::Pack, &content);
    let started = Instant::now();
    storage.write(pack, &content).unwrap();
    let written = started.elapsed();
    // A tenth of a second may be used at once.
    let least = Duration::from_millis(890);
    assert!(written >= least, "{written:?}");
    let started = Instant::now();
    assert_eq!(storage.read(pack, 1 << 20).unwrap(), content);
    assert!(started.elapsed() >= least);
    assert_eq!(listed(&storage, FileKind::Pack).len(), 1);
}
