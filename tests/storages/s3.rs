//! What the S3 storage promises besides.

use std::sync::Arc;

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::ErrorKind;
use freezerd::storage::http::{Options, Trust};
use freezerd::storage::id::Id;
use freezerd::storage::limit::{Limited, Limits, Pace};
use freezerd::storage::retry::{Policy, Retry};
use freezerd::storage::s3::credentials::Credentials;
use freezerd::storage::s3::{S3, Settings};
use freezerd::storage::{FileKind, FileName, Storage, StrayKind};

use crate::rest_server::faulty::{Fault, FaultyServer};
use crate::s3_server::{ACCESS_KEY, HOST, READER, SECRET_KEY, Server};
use crate::support::{keys, listed, named, place, s3};

/// A repository in a new bucket.
fn repository(server: &Server) -> (S3, String) {
    let location = server.location(&format!("{}/p", server.new_bucket()));
    let storage = s3(&location);
    storage.create_layout().unwrap();
    (storage, location)
}

/// The same repository behind a proxy.
fn behind(proxy: &FaultyServer, server: &Server, location: &str, settings: Settings) -> S3 {
    let location = location.replace(&server.authority, &proxy.authority);
    S3::new(
        &place(&location),
        settings,
        keys(ACCESS_KEY),
        Options::default(),
    )
    .unwrap()
}

#[test]
fn a_bucket_is_made_where_it_is_missing_and_holds_nothing_before() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = s3(&server.location(&server.new_bucket()));
    assert_eq!(listed(&storage, FileKind::Pack), []);
    assert_eq!(listed(&storage, FileKind::Config), []);
    let pack = named(FileKind::Pack, b"pack");
    for error in [
        storage.write(pack, b"pack").unwrap_err(),
        storage.read(FileName::CONFIG, 9).unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::NoPlace);
        assert!(
            error.to_string().contains("there is no bucket bucket-"),
            "{error}"
        );
    }
    storage.create_layout().unwrap();
    storage.create_layout().unwrap();
    storage.write(pack, b"pack").unwrap();
}

#[test]
fn a_listing_has_all_pages() {
    let Some(server) = Server::start() else {
        return;
    };
    let (storage, _) = repository(&server);
    std::thread::scope(|scope| {
        for thread in 0..4_u16 {
            let storage = &storage;
            scope.spawn(move || {
                for number in 0..300 {
                    let content = (thread * 1000 + number).to_le_bytes();
                    storage
                        .write(named(FileKind::Snapshot, &content), &content)
                        .unwrap();
                }
            });
        }
    });
    let files = listed(&storage, FileKind::Snapshot);
    assert_eq!(files.len(), 1200);
    assert!(files.iter().all(|(_, size)| *size == 2));
    let listing = storage.list(FileKind::Snapshot).unwrap();
    assert!(listing.files.iter().all(|file| file.modified.is_some()));
}

#[test]
fn what_is_not_a_file_of_the_repository_is_a_stray() {
    let Some(server) = Server::start() else {
        return;
    };
    let (storage, location) = repository(&server);
    // A repository in the wrong place.
    let inner = s3(&format!("{location}data/"));
    inner.write(FileName::CONFIG, b"x").unwrap();
    let key = named(FileKind::Key, b"key");
    inner.write(key, b"key").unwrap();
    let mut strays = storage.list(FileKind::Pack).unwrap().strays;
    strays.sort();
    let strays: Vec<(&str, StrayKind)> = strays
        .iter()
        .map(|stray| (stray.path.as_str(), stray.kind))
        .collect();
    assert_eq!(
        strays,
        [
            ("data/config", StrayKind::NotAnId),
            (
                format!("data/keys/{}", key.id).as_str(),
                StrayKind::Misplaced
            ),
        ]
    );
}

#[test]
fn wrong_keys_are_told_apart_and_no_secret_is_repeated() {
    let Some(server) = Server::start() else {
        return;
    };
    let (_, location) = repository(&server);
    for (access_key, secret_key, words) in [
        (ACCESS_KEY, "canary-wrong", "the secret key does not belong"),
        ("AKNOBODY", SECRET_KEY, "does not know the access key"),
    ] {
        let fetch = move || {
            Ok(Credentials {
                access_key: access_key.to_owned(),
                secret_key: secret_key.to_owned().into(),
                session_token: None,
                expires: None,
            })
        };
        let storage = S3::new(
            &place(&location),
            Settings::default(),
            Box::new(fetch),
            Options::default(),
        )
        .unwrap();
        for error in [
            storage.create_layout().unwrap_err(),
            storage.list(FileKind::Key).unwrap_err(),
            storage.list(FileKind::Config).unwrap_err(),
            storage.size(FileName::CONFIG).unwrap_err(),
            storage.write(FileName::CONFIG, b"x").unwrap_err(),
        ] {
            assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
            let told = format!("{error} {error:?}");
            assert!(told.contains(words), "{told}");
            assert!(!told.contains("canary"), "{told}");
        }
    }
}

#[test]
fn keys_that_may_only_read_are_denied_the_rest() {
    let Some(server) = Server::start() else {
        return;
    };
    let (storage, location) = repository(&server);
    let pack = named(FileKind::Pack, b"pack");
    storage.write(pack, b"pack").unwrap();
    let reader = S3::new(
        &place(&location),
        Settings::default(),
        keys(READER),
        Options::default(),
    )
    .unwrap();
    assert_eq!(reader.read(pack, 9).unwrap(), b"pack");
    assert_eq!(listed(&reader, FileKind::Pack).len(), 1);
    let other = named(FileKind::Pack, b"other");
    for error in [
        reader.write(other, b"other").unwrap_err(),
        reader.remove(pack).unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Denied, "{error}");
        assert!(
            error.to_string().contains("in the bucket bucket-"),
            "{error}"
        );
    }
    assert_eq!(storage.read(pack, 9).unwrap(), b"pack");
}

#[test]
fn only_a_certificate_that_is_trusted_is_talked_to() {
    let Some(server) = Server::start() else {
        return;
    };
    let Some(certificate) = &server.certificate else {
        return;
    };
    let (_, location) = repository(&server);
    let location = location
        .replace("http:", "https:")
        .replace(&server.authority, &server.tls_authority);
    let with = |trust| {
        let options = Options {
            trust,
            ..Options::default()
        };
        S3::new(
            &place(&location),
            Settings::default(),
            keys(ACCESS_KEY),
            options,
        )
        .unwrap()
    };
    let error = with(Trust::System).list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Untrusted, "{error}");
    let pem = std::fs::read(certificate).unwrap();
    for (trust, content) in [(Trust::Pem(pem), &b"one"[..]), (Trust::Anything, b"two")] {
        let storage = with(trust);
        let pack = named(FileKind::Pack, content);
        storage.write(pack, content).unwrap();
        assert_eq!(storage.read(pack, 9).unwrap(), content);
    }
}

#[test]
fn every_file_is_sent_with_its_hash_and_data_packs_alone_with_the_storage_class() {
    let Some(server) = Server::start() else {
        return;
    };
    let (_, location) = repository(&server);
    let proxy = FaultyServer::before(&server.authority);
    let settings = Settings {
        storage_class: Some("STANDARD_IA".to_owned()),
        ..Settings::default()
    };
    let storage = behind(&proxy, &server, &location, settings);
    // As an action uses it.
    let pace = Arc::new(Pace::new(Limits::default(), |_, _| ()));
    let storage = Limited::new(Arc::new(storage), pace);
    let storage = Retry::new(
        Arc::new(storage),
        Policy::default(),
        Concurrency::untold(5),
        Box::new(|_, _| ()),
    );
    let with_class = || {
        let heads = proxy.heads("PUT");
        let last = heads.last().unwrap();
        assert!(last.contains("x-amz-checksum-sha256: "), "{last}");
        assert!(last.contains("if-none-match: *"), "{last}");
        assert!(last.contains("authorization: aws4-hmac-sha256 "), "{last}");
        // No signature is in an address.
        assert!(!last.lines().next().unwrap().contains('?'), "{last}");
        last.contains("x-amz-storage-class: standard_ia")
    };
    let pack = |content: &[u8]| named(FileKind::Pack, content);
    storage.write_data(Id::of(b"data"), b"data").unwrap();
    assert!(with_class());
    storage.write(pack(b"trees"), b"trees").unwrap();
    assert!(!with_class());
    storage.write(FileName::CONFIG, b"config").unwrap();
    assert!(!with_class());
    let bucket_and_prefix = location.split('/').skip(3).collect::<Vec<_>>().join("/");
    let path = |file: FileName| format!("{bucket_and_prefix}{file}");
    let Some(head) = server.curl(&path(pack(b"data")), &["--head"]) else {
        return;
    };
    assert!(head.contains("STANDARD_IA"), "{head}");
    let head = server.curl(&path(pack(b"trees")), &["--head"]).unwrap();
    assert!(
        head.contains("200") && !head.contains("STANDARD_IA"),
        "{head}"
    );
}

#[test]
fn a_bucket_that_keeps_every_version_for_some_time_takes_a_repository() {
    let Some(server) = Server::start() else {
        return;
    };
    let bucket = server.new_bucket();
    let storage = s3(&server.location(&bucket));
    storage.create_layout().unwrap();
    let versions = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let rule = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
        <Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>";
    for (what, body) in [("versioning", versions), ("object-lock", rule)] {
        if !server.set(&bucket, what, body) {
            return;
        }
    }
    for kind in [FileKind::Lock, FileKind::Pack] {
        let file = named(kind, b"x");
        storage.write(file, b"x").unwrap();
        storage.write(file, b"x").unwrap();
        // It is hidden, and its version is kept.
        storage.remove(file).unwrap();
        assert_eq!(listed(&storage, kind), []);
        assert_eq!(storage.size(file).unwrap_err().kind, ErrorKind::NotFound);
    }
    let versions = server.curl(&format!("{bucket}?versions="), &[]).unwrap();
    assert_eq!(versions.matches("<Version>").count(), 2, "{versions}");
    // And the same file can come back.
    let pack = named(FileKind::Pack, b"x");
    storage.write(pack, b"x").unwrap();
    assert_eq!(storage.read(pack, 9).unwrap(), b"x");
}

#[test]
fn with_the_policy_of_the_examples_a_host_writes_and_removes_locks_alone() {
    let Some(server) = Server::start() else {
        return;
    };
    let (_, location) = repository(&server);
    let storage = S3::new(
        &place(&location),
        Settings::default(),
        keys(HOST),
        Options::default(),
    )
    .unwrap();
    storage.create_layout().unwrap();
    for (kind, is_removed) in [
        (FileKind::Config, false),
        (FileKind::Key, false),
        (FileKind::Snapshot, false),
        (FileKind::Index, false),
        (FileKind::Pack, false),
        (FileKind::Lock, true),
    ] {
        let file = named(kind, b"x");
        storage.write(file, b"x").unwrap();
        storage.write(file, b"x").unwrap();
        assert_eq!(storage.read(file, 9).unwrap(), b"x");
        assert_eq!(listed(&storage, kind).len(), 1);
        match storage.remove(file) {
            Ok(()) => assert!(is_removed, "{file}"),
            Err(error) => {
                assert!(!is_removed, "{error}");
                assert_eq!(error.kind, ErrorKind::Denied, "{error}");
            }
        }
    }
}

#[test]
fn a_server_without_conditions_and_hashes_is_written_to_without_them() {
    let Some(server) = Server::start() else {
        return;
    };
    let (direct, location) = repository(&server);
    let proxy = FaultyServer::before(&server.authority);
    let storage = behind(&proxy, &server, &location, Settings::default());
    let refusal = "<Error><Code>NotImplemented</Code></Error>";
    proxy.fail("PUT", Fault::Answer(501, refusal));
    let refusal = "<Error><Code>InvalidArgument</Code></Error>";
    proxy.fail("PUT", Fault::Answer(400, refusal));
    let pack = named(FileKind::Pack, b"pack");
    storage.write(pack, b"pack").unwrap();
    let heads = proxy.heads("PUT");
    assert!(heads[1].contains("x-amz-checksum") && !heads[1].contains("if-none-match"));
    assert!(!heads[2].contains("x-amz-checksum"));
    assert_eq!(direct.read(pack, 9).unwrap(), b"pack");
    // It looks before it writes.
    storage.write(pack, b"pack").unwrap();
    assert_eq!(proxy.count("PUT"), 3);
    let other = FileName::new(FileKind::Pack, Id::of(b"other"));
    direct.write(other, b"damaged").unwrap();
    let error = storage.write(other, b"other").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Exists);
}
