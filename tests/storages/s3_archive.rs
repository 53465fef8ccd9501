//! Packs in an archive of an S3 server: what is asked for, and what is understood of the answers.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use freezerd::storage::bring_back::{BroughtBack, Terms, Tier, Whereabouts, bring_back};
use freezerd::storage::cache::Cached;
use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::{Error, ErrorKind};
use freezerd::storage::http::Options;
use freezerd::storage::id::Id;
use freezerd::storage::limit::{Limited, Limits, Pace};
use freezerd::storage::retry::{Policy, Retry};
use freezerd::storage::s3::{S3, Settings};
use freezerd::storage::{FileKind, FileName, Storage};

use crate::archive_server::ArchiveServer;
use crate::rest_server::faulty::{Fault, FaultyServer};
use crate::s3_server::{ACCESS_KEY, Server};
use crate::support::{keys, named, place, s3};

const TERMS: Terms = Terms {
    tier: Tier::Standard,
    days: NonZeroU32::new(7).unwrap(),
};

/// A bucket whose packs with the content of files are in an archive.
struct Bucket {
    name: String,
    proxy: ArchiveServer,
    _server: Arc<Server>,
}

impl Bucket {
    fn new() -> Option<Bucket> {
        let server = Server::start()?;
        let name = server.new_bucket();
        s3(&server.location(&name)).create_layout().unwrap();
        Some(Bucket {
            proxy: ArchiveServer::before(&server.authority),
            name,
            _server: server,
        })
    }

    /// The bucket behind a proxy at this address.
    fn at(&self, authority: &str, class: &str, brings_back: Option<Terms>) -> S3 {
        let location = format!("s3:http://{authority}/{}/", self.name);
        let settings = Settings {
            storage_class: Some(class.to_owned()),
            brings_back,
            ..Settings::default()
        };
        let fetch = keys(ACCESS_KEY);
        S3::new(&place(&location), settings, fetch, Options::default()).unwrap()
    }

    /// As an action uses it.
    fn with(&self, class: &str, brings_back: Option<Terms>) -> Arc<dyn Storage> {
        let storage = self.at(&self.proxy.authority, class, brings_back);
        let pace = Arc::new(Pace::new(Limits::default(), |_, _| ()));
        let storage = Limited::new(Arc::new(storage), pace);
        let quick = Policy {
            first_wait: Duration::from_millis(5),
            longest_wait: Duration::from_millis(5),
            ..Policy::default()
        };
        let untold = Concurrency::untold(5);
        let storage = Retry::new(Arc::new(storage), quick, untold, Box::new(|_, _| ()));
        let storage = Arc::new(storage);
        Arc::new(Cached::new(storage, None, String::new(), Box::new(|_| ())))
    }

    /// What is said of a pack when the request for it gets this answer.
    fn answered(&self, status: u16, body: &'static str) -> Result<Whereabouts, Error> {
        let storage = self.at(&self.proxy.authority, "GLACIER", Some(TERMS));
        let content = format!("{status}{body}");
        let pack = Id::of(content.as_bytes());
        storage.write_data(pack, content.as_bytes()).unwrap();
        self.proxy.answers(status, body);
        storage.bring_back(pack)
    }
}

#[test]
fn a_pack_in_the_archive_is_asked_for_once_and_can_be_read_when_it_is_there() {
    for (class, tier, word) in [
        ("GLACIER", Tier::Standard, "Standard"),
        ("DEEP_ARCHIVE", Tier::Bulk, "Bulk"),
        ("GLACIER", Tier::Expedited, "Expedited"),
    ] {
        let Some(bucket) = Bucket::new() else { return };
        let proxy = &bucket.proxy;
        let storage = bucket.with(class, Some(Terms { tier, ..TERMS }));
        let pack = Id::of(b"pack");
        storage.write_data(pack, b"pack").unwrap();
        let file = named(FileKind::Pack, b"pack");
        let error = storage.read(file, 9).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied);
        assert!(error.to_string().contains("`archive_tier`"), "{error}");

        assert_eq!(storage.bring_back(pack).unwrap(), Whereabouts::Asked);
        let [wanted] = &proxy.wanted()[..] else {
            panic!("{:?}", proxy.wanted());
        };
        assert_eq!(
            wanted.body,
            format!(
                "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>7</Days>\
                 <GlacierJobParameters><Tier>{word}</Tier></GlacierJobParameters></RestoreRequest>"
            )
        );
        let line = format!("post /{}/{file}?restore= http/1.1\r\n", bucket.name);
        assert!(wanted.head.starts_with(&line), "{}", wanted.head);
        let hash = Id::of(wanted.body.as_bytes());
        for header in [
            "authorization: aws4-hmac-sha256 ".to_owned(),
            format!("x-amz-content-sha256: {hash}\r\n"),
            "x-amz-checksum-sha256: ".to_owned(),
        ] {
            assert!(wanted.head.contains(&header), "{}", wanted.head);
        }

        assert_eq!(storage.bring_back(pack).unwrap(), Whereabouts::OnItsWay);
        assert_eq!(storage.bring_back(pack).unwrap(), Whereabouts::OnItsWay);
        proxy.brings_back(1);
        assert_eq!(storage.bring_back(pack).unwrap(), Whereabouts::Readable);
        assert_eq!(proxy.wanted().len(), 1);
        assert_eq!(storage.read(file, 9).unwrap(), b"pack");
    }
}

#[test]
fn nothing_is_asked_for_unless_the_settings_say_how() {
    let Some(bucket) = Bucket::new() else { return };
    let storage = bucket.with("GLACIER", None);
    let pack = Id::of(b"pack");
    storage.write_data(pack, b"pack").unwrap();
    assert_eq!(storage.brings_back(), None);
    assert_eq!(storage.bring_back(pack).unwrap(), Whereabouts::Readable);
    assert_eq!(bucket.proxy.wanted().len(), 0);
    assert_eq!(bucket.proxy.count("HEAD"), 0);
}

#[test]
fn packs_of_other_classes_and_packs_that_are_missing_are_not_asked_for() {
    let Some(bucket) = Bucket::new() else { return };
    let storage = bucket.with("STANDARD_IA", Some(TERMS));
    assert_eq!(storage.brings_back(), Some(TERMS));
    let pack = Id::of(b"pack");
    storage.write_data(pack, b"pack").unwrap();
    assert_eq!(storage.bring_back(pack).unwrap(), Whereabouts::Readable);
    let missing = Id::of(b"missing");
    let error = storage.bring_back(missing).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    let found = bring_back(&*storage, &[pack, missing], &|| ()).unwrap();
    assert_eq!(found.readable, 2);
    assert_eq!(bucket.proxy.wanted().len(), 0);
}

#[test]
fn many_packs_are_asked_for_and_the_rest_is_known() {
    let Some(bucket) = Bucket::new() else { return };
    let storage = bucket.with("GLACIER", Some(TERMS));
    let contents: Vec<[u8; 1]> = (0..20).map(|number| [number]).collect();
    let packs: Vec<Id> = contents.iter().map(|content| Id::of(content)).collect();
    for (pack, content) in packs.iter().zip(&contents) {
        storage.write_data(*pack, content).unwrap();
    }
    let moved = AtomicUsize::new(0);
    let ask = |packs: &[Id]| {
        let count = || {
            moved.fetch_add(1, Ordering::Relaxed);
        };
        bring_back(&*storage, packs, &count).unwrap()
    };
    let sorted = |mut packs: Vec<Id>| {
        packs.sort();
        packs
    };
    assert_eq!(ask(&packs[..5]).asked.len(), 5);
    bucket.proxy.brings_back(3);
    let found = ask(&packs);
    assert_eq!(moved.load(Ordering::Relaxed), 25);
    assert_eq!(found.readable, 3);
    assert_eq!(found.on_their_way.len(), 2);
    assert_eq!(sorted(found.asked), sorted(packs[5..].to_vec()));
    bucket.proxy.brings_back(usize::MAX);
    let all = BroughtBack {
        readable: 20,
        ..BroughtBack::default()
    };
    assert_eq!(ask(&packs), all);
    assert_eq!(bucket.proxy.wanted().len(), 20);
}

#[test]
fn each_answer_is_understood() {
    let Some(bucket) = Bucket::new() else { return };
    for (status, body, expected) in [
        (202, "", Whereabouts::Asked),
        (200, "", Whereabouts::Asked),
        (
            409,
            "<Error><Code>RestoreAlreadyInProgress</Code></Error>",
            Whereabouts::OnItsWay,
        ),
        (
            403,
            "<Error><Code>InvalidObjectState</Code></Error>",
            Whereabouts::Readable,
        ),
    ] {
        let found = bucket.answered(status, body).unwrap();
        assert_eq!(found, expected, "{status}");
    }
    for (status, body, kind, words) in [
        (
            503,
            "<Error><Code>GlacierExpeditedRetrievalNotAvailable</Code></Error>",
            ErrorKind::Busy,
            "another `archive_tier` is slower",
        ),
        (
            403,
            "<Error><Code>AccessDenied</Code></Error>",
            ErrorKind::Denied,
            "s3:RestoreObject",
        ),
        (
            400,
            "<Error><Code>InvalidArgument</Code></Error>",
            ErrorKind::Answer,
            "the tier `standard`",
        ),
        (
            503,
            "<Error><Code>SlowDown</Code></Error>",
            ErrorKind::Overloaded,
            "fewer requests",
        ),
        (501, "", ErrorKind::Answer, "501"),
    ] {
        let error = bucket.answered(status, body).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        let told = error.to_string();
        assert!(
            told.contains("bring back from the archive") && told.contains(words),
            "{told}"
        );
    }
}

#[test]
fn a_request_is_repeated_after_a_fault_that_passes() {
    let Some(bucket) = Bucket::new() else { return };
    let storage = bucket.with("GLACIER", Some(TERMS));
    let pack = Id::of(b"pack");
    storage.write_data(pack, b"pack").unwrap();
    let slow = "<Error><Code>SlowDown</Code></Error>";
    bucket.proxy.answers(503, slow);
    bucket.proxy.answers(500, "");
    assert_eq!(storage.bring_back(pack).unwrap(), Whereabouts::Asked);
    assert_eq!(bucket.proxy.wanted().len(), 3);
}

#[test]
fn a_copy_that_ends_soon_is_kept_for_longer() {
    let Some(bucket) = Bucket::new() else { return };
    let storage = bucket.with("GLACIER", Some(TERMS));
    let pack = Id::of(b"pack");
    storage.write_data(pack, b"pack").unwrap();
    bucket.proxy.is_quick();
    storage.bring_back(pack).unwrap();
    bucket.proxy.copies_end("Sat, 22 Dec 2012 00:00:00 GMT");
    for _ in 0..2 {
        assert_eq!(storage.bring_back(pack).unwrap(), Whereabouts::Readable);
        assert_eq!(bucket.proxy.wanted().len(), 2);
    }
    // One who has no right to that can read it all the same.
    bucket.proxy.copies_end("Sat, 22 Dec 2012 00:00:00 GMT");
    let denied = "<Error><Code>AccessDenied</Code></Error>";
    bucket.proxy.answers(403, denied);
    assert_eq!(storage.bring_back(pack).unwrap(), Whereabouts::Readable);
}

#[test]
fn a_refusal_without_words_is_asked_for_them() {
    let Some(bucket) = Bucket::new() else { return };
    let proxy = FaultyServer::before(&bucket.proxy.authority);
    let storage = bucket.at(&proxy.authority, "GLACIER", Some(TERMS));
    let pack = Id::of(b"pack");
    storage.write_data(pack, b"pack").unwrap();
    let denied = "<Error><Code>AccessDenied</Code></Error>";
    proxy.fail("HEAD", Fault::Status(403));
    proxy.fail("GET", Fault::Answer(403, denied));
    let error = storage.bring_back(pack).unwrap_err();
    assert!(error.to_string().contains("this right"), "{error}");
    // Credentials that have ended are fetched anew.
    let expired = "<Error><Code>ExpiredToken</Code></Error>";
    proxy.fail("HEAD", Fault::Status(400));
    proxy.fail("GET", Fault::Answer(400, expired));
    assert_eq!(storage.bring_back(pack).unwrap(), Whereabouts::Asked);
}

#[test]
fn a_pack_that_is_sent_again_because_its_answer_was_lost_is_known_by_its_hash() {
    let Some(bucket) = Bucket::new() else { return };
    let storage = bucket.at(&bucket.proxy.authority, "GLACIER", None);
    let pack = Id::of(b"pack");
    storage.write_data(pack, b"pack").unwrap();
    storage.write_data(pack, b"pack").unwrap();
    assert!(bucket.proxy.refused() > 0);
    // What is damaged there has another hash.
    let file = FileName::new(FileKind::Pack, Id::of(b"other"));
    storage.write_data(file.id, b"others").unwrap();
    let refused = storage.write_data(file.id, b"other").unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Denied);
}
