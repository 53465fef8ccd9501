//! A Swift with faults: what is retried, what is not, and that nothing is lost or made up.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::{Error, ErrorKind};
use freezerd::storage::http::Options;
use freezerd::storage::retry::{Policy, Retry};
use freezerd::storage::swift::{Settings, Swift};
use freezerd::storage::{FileKind, FileName, Storage};

use crate::rest_server::faulty::{Fault, FaultyServer};
use crate::support::{listed, named};
use crate::swift_server;
use crate::swift_support::{settings, swift_as};

const QUICK: Policy = Policy {
    first_wait: Duration::from_millis(5),
    longest_wait: Duration::from_secs(2),
    opening: Duration::from_secs(60),
    patience: Duration::from_secs(60),
    unlocking: Duration::from_secs(60),
};

struct Faulty {
    /// Without retries.
    plain: Arc<Swift>,
    retry: Retry,
    /// Before the object store.
    proxy: FaultyServer,
    told: Arc<Mutex<Vec<ErrorKind>>>,
}

/// A silent connection is given up after this. Keystone may need a second on a host with much to do.
const STALL: Duration = Duration::from_secs(10);

fn faulty() -> Option<Faulty> {
    let server = swift_server::start()?;
    let proxy = FaultyServer::before(&server.authority());
    let region = server.new_region(&proxy.authority);
    let options = Options {
        stall: STALL,
        ..Options::default()
    };
    let settings = Settings {
        region: Some(region),
        ..settings(server)
    };
    let storage = swift_as(settings, &server.new_container(), options);
    let lag = vec![Duration::from_millis(1), Duration::from_millis(2)];
    let plain = Arc::new(storage.with_lag(lag));
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let tell = Box::new(move |error: &Error, _| list.lock().unwrap().push(error.kind));
    let retry = Retry::new(plain.clone(), QUICK, Concurrency::untold(5), tell);
    retry.create_layout().unwrap();
    Some(Faulty {
        plain,
        retry,
        proxy,
        told,
    })
}

const PASSING: [Fault; 9] = [
    Fault::Status(500),
    Fault::Status(503),
    Fault::Status(408),
    Fault::Status(409),
    Fault::Status(429),
    Fault::Status(498),
    Fault::Closed,
    Fault::AnswerLost,
    Fault::Nonsense,
];

#[test]
fn a_write_survives_every_fault_that_passes() {
    let Some(faulty) = faulty() else { return };
    // The server checks what it gets.
    let faults = PASSING.into_iter().chain([Fault::Status(422)]);
    let count = PASSING.len() + 1;
    for (number, fault) in faults.enumerate() {
        let content = vec![number as u8; 100_000];
        let pack = named(FileKind::Pack, &content);
        faulty.proxy.fail("PUT", fault);
        faulty.retry.write(pack, &content).unwrap();
        assert_eq!(faulty.retry.read(pack, 1 << 20).unwrap(), content);
    }
    assert_eq!(listed(&faulty.retry, FileKind::Pack).len(), count);
    assert_eq!(faulty.told.lock().unwrap().len(), count);
}

#[test]
fn a_read_is_whole_or_tried_again() {
    let Some(faulty) = faulty() else { return };
    let content: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
    let pack = named(FileKind::Pack, &content);
    faulty.retry.write(pack, &content).unwrap();
    for fault in PASSING
        .into_iter()
        .chain([Fault::BodyCut, Fault::LengthLie])
    {
        faulty.proxy.fail("GET", fault);
        let kind = faulty.plain.read(pack, 1 << 20).unwrap_err().kind;
        assert!(kind.is_passing(), "{fault:?}: {kind:?}");
        faulty.proxy.fail("GET", fault);
        assert_eq!(faulty.retry.read(pack, 1 << 20).unwrap(), content);
        if fault != Fault::LengthLie {
            faulty.proxy.fail("GET", fault);
        }
        let mut buffer = vec![0; 50_000];
        faulty.retry.read_range(pack, 1000, &mut buffer).unwrap();
        assert_eq!(buffer, content[1000..51_000], "{fault:?}");
    }
}

#[test]
fn a_listing_is_whole_or_tried_again() {
    let Some(faulty) = faulty() else { return };
    for number in 0..20_u8 {
        let file = named(FileKind::Snapshot, &[number]);
        faulty.retry.write(file, &[number]).unwrap();
    }
    for fault in PASSING.into_iter().chain([Fault::BodyCut]) {
        faulty.proxy.fail("GET", fault);
        let kind = faulty.plain.list(FileKind::Snapshot).unwrap_err().kind;
        assert!(kind.is_passing(), "{fault:?}: {kind:?}");
        faulty.proxy.fail("GET", fault);
        assert_eq!(listed(&faulty.retry, FileKind::Snapshot).len(), 20);
    }
    for answer in [
        "",
        "null",
        "<html>",
        r#"[{"name": "elsewhere", "bytes": 1}]"#,
    ] {
        faulty.proxy.fail("GET", Fault::Answer(200, answer));
        assert!(faulty.plain.list(FileKind::Snapshot).is_err(), "{answer}");
    }
}

/// The names are in the wrong order, or the same page comes again and again.
#[test]
fn a_listing_that_does_not_end_is_given_up() {
    let Some(faulty) = faulty() else { return };
    let page = r#"[{"name": "keys/x", "bytes": 1}]"#;
    for _ in 0..2 {
        faulty.proxy.fail("GET", Fault::Answer(200, page));
    }
    let error = faulty.plain.list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Answer);
    assert!(error.to_string().contains("does not end"), "{error}");
}

#[test]
fn a_token_that_is_refused_is_renewed_once() {
    let Some(faulty) = faulty() else { return };
    let pack = named(FileKind::Pack, b"pack");
    for method in ["PUT", "HEAD", "GET", "DELETE"] {
        faulty.proxy.fail(method, Fault::Status(401));
    }
    faulty.plain.write(pack, b"pack").unwrap();
    assert_eq!(faulty.plain.size(pack).unwrap(), 4);
    assert_eq!(faulty.plain.read(pack, 9).unwrap(), b"pack");
    faulty.plain.remove(pack).unwrap();
    let mut tokens: Vec<String> = ["put", "head", "get", "delete"]
        .into_iter()
        .flat_map(|method| faulty.proxy.heads(method))
        .filter_map(|head| {
            let line = head
                .lines()
                .find(|line| line.starts_with("x-auth-token:"))?;
            Some(line.to_owned())
        })
        .collect();
    tokens.sort();
    tokens.dedup();
    // The first one, and one for each refusal.
    assert_eq!(tokens.len(), 5);
    for _ in 0..2 {
        faulty.proxy.fail("GET", Fault::Status(401));
    }
    let error = faulty.retry.read(pack, 9).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.to_string().contains("just given"), "{error}");
    assert_eq!(*faulty.told.lock().unwrap(), []);
}

#[test]
fn a_file_that_the_server_does_not_find_yet_is_asked_for_again() {
    let Some(faulty) = faulty() else { return };
    let pack = named(FileKind::Pack, b"pack");
    faulty.plain.write(pack, b"pack").unwrap();
    for method in ["GET", "HEAD"] {
        for _ in 0..2 {
            faulty.proxy.fail(method, Fault::Status(404));
        }
    }
    assert_eq!(faulty.plain.read(pack, 9).unwrap(), b"pack");
    assert_eq!(faulty.plain.size(pack).unwrap(), 4);
    // A file that is not there is waited for once.
    let absent = named(FileKind::Index, b"absent");
    let count = faulty.proxy.count("GET");
    for requests in [3, 4] {
        let error = faulty.plain.read(absent, 9).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert_eq!(faulty.proxy.count("GET") - count, requests);
    }
    // Of a lock, the first answer counts.
    let count = faulty.proxy.count("GET");
    assert!(faulty.plain.read(named(FileKind::Lock, b"x"), 9).is_err());
    assert!(faulty.plain.read(FileName::CONFIG, 9).is_err());
    assert_eq!(faulty.proxy.count("GET") - count, 2);
}

#[test]
fn a_listing_that_lags_does_not_hide_what_was_just_written() {
    let Some(faulty) = faulty() else { return };
    let (new, gone) = (
        named(FileKind::Pack, b"new"),
        named(FileKind::Pack, b"gone"),
    );
    faulty.plain.write(new, b"new").unwrap();
    faulty.plain.write(gone, b"gone").unwrap();
    faulty.plain.remove(gone).unwrap();
    faulty.proxy.fail("GET", Fault::Answer(200, "[]"));
    assert_eq!(listed(&*faulty.plain, FileKind::Pack), [(new.id, 3)]);
    let old = format!(r#"[{{"name": "{gone}", "bytes": 4}}]"#);
    faulty.proxy.fail("GET", Fault::Answer(200, old.leak()));
    assert_eq!(listed(&*faulty.plain, FileKind::Pack), [(new.id, 3)]);
}

#[test]
fn the_server_is_left_alone_for_as_long_as_it_wants() {
    let Some(faulty) = faulty() else { return };
    for status in [498, 429, 503] {
        faulty.proxy.fail("PUT", Fault::Later(status, 1));
        let content = status.to_string();
        let started = Instant::now();
        let pack = named(FileKind::Pack, content.as_bytes());
        faulty.retry.write(pack, content.as_bytes()).unwrap();
        assert!(started.elapsed() >= Duration::from_secs(1));
    }
}

#[test]
fn what_would_fail_again_fails_at_once_and_says_why() {
    let Some(faulty) = faulty() else { return };
    for (status, kind, told) in [
        (403, ErrorKind::Denied, "no right"),
        (413, ErrorKind::NoSpace, "quota"),
        (507, ErrorKind::NoSpace, "no space left"),
        (301, ErrorKind::Answer, "elsewhere"),
        (405, ErrorKind::Answer, "status 405"),
    ] {
        faulty.proxy.fail("PUT", Fault::Status(status));
        let file = named(FileKind::Pack, &status.to_le_bytes());
        let error = faulty.retry.write(file, &status.to_le_bytes()).unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(*faulty.told.lock().unwrap(), []);
}

/// The status is good, and the hash that the server tells is that of an empty file.
#[test]
fn a_server_that_has_stored_other_content_has_written_nothing() {
    let Some(faulty) = faulty() else { return };
    let pack = named(FileKind::Pack, b"pack");
    let empty = "d41d8cd98f00b204e9800998ecf8427e";
    faulty.proxy.fail("PUT", Fault::Tagged(empty));
    let error = faulty.retry.write(pack, b"pack").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Answer);
    assert!(error.to_string().contains("other content"), "{error}");
    // A tag that is no MD5 says nothing.
    let other = named(FileKind::Pack, b"other");
    faulty.proxy.fail("PUT", Fault::Tagged("\"1-2-3\""));
    faulty.retry.write(other, b"other").unwrap();
}

#[test]
fn a_file_that_exists_and_is_not_found_is_not_told_as_a_busy_server() {
    let Some(faulty) = faulty() else { return };
    let pack = named(FileKind::Pack, b"pack");
    faulty.proxy.fail("PUT", Fault::Status(412));
    let error = faulty.plain.write(pack, b"pack").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Busy);
    assert!(error.to_string().contains("(status 412)"), "{error}");
}

#[test]
fn a_silent_server_is_given_up_and_asked_again() {
    let Some(faulty) = faulty() else { return };
    let pack = named(FileKind::Pack, b"pack");
    faulty.proxy.fail("PUT", Fault::Silence);
    faulty.retry.write(pack, b"pack").unwrap();
    assert_eq!(*faulty.told.lock().unwrap(), [ErrorKind::Unreachable]);
}

#[test]
fn a_keystone_that_answers_nonsense_is_told() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let proxy = FaultyServer::before(server.auth_url().split('/').nth(2).unwrap());
    for (fault, kind) in [
        (Fault::Answer(201, "{}"), ErrorKind::Answer),
        (Fault::Answer(200, "<html>"), ErrorKind::Answer),
        (
            Fault::Answer(201, r#"{"token": {"catalog": [1]}}"#),
            ErrorKind::Answer,
        ),
        (Fault::Status(300), ErrorKind::Answer),
        (Fault::Status(404), ErrorKind::Answer),
        (Fault::Status(503), ErrorKind::Overloaded),
        (Fault::Status(429), ErrorKind::Overloaded),
        (Fault::BodyCut, ErrorKind::Unreachable),
        (Fault::Closed, ErrorKind::Unreachable),
    ] {
        let settings = Settings {
            auth_url: format!("http://{}/v3/", proxy.authority),
            ..settings(server)
        };
        let storage = swift_as(settings, &server.new_container(), Options::default());
        proxy.fail("POST", fault);
        let error = storage.list(FileKind::Key).unwrap_err();
        assert_eq!(error.kind, kind, "{fault:?}: {error}");
        assert!(error.to_string().contains("Keystone"), "{error}");
        assert_eq!(listed(&storage, FileKind::Key), []);
    }
}
