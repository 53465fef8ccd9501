//! A server and a network with faults: what is retried, what is not, and that nothing is lost or made up.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::ErrorKind;
use freezerd::storage::http::Options;
use freezerd::storage::rest::Rest;
use freezerd::storage::retry::{Policy, Retry};
use freezerd::storage::{FileKind, FileName, Storage};

use crate::rest_server::Server;
use crate::rest_server::faulty::{Fault, FaultyServer};
use crate::support::{listed, named, options};

/// A silent connection is given up after this.
const STALL: Duration = Duration::from_millis(300);

const QUICK: Policy = Policy {
    first_wait: Duration::from_millis(5),
    longest_wait: Duration::from_millis(5),
    opening: Duration::from_secs(60),
    patience: Duration::from_secs(60),
    unlocking: Duration::from_secs(60),
};

struct Faulty {
    /// Without retries.
    plain: Arc<Rest>,
    retry: Retry,
    proxy: FaultyServer,
    told: Arc<Mutex<Vec<ErrorKind>>>,
    server: Server,
}

fn faulty() -> Option<Faulty> {
    let server = Server::start()?;
    let proxy = FaultyServer::before(&server.authority);
    let options = Options {
        stall: STALL,
        ..options()
    };
    let address = format!("http://{}/repository/", proxy.authority);
    let plain = Arc::new(Rest::new(&address, options).unwrap());
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let tell = Box::new(move |error: &freezerd::storage::error::Error, _| {
        list.lock().unwrap().push(error.kind);
    });
    let retry = Retry::new(plain.clone(), QUICK, Concurrency::untold(5), tell);
    retry.create_layout().unwrap();
    Some(Faulty {
        plain,
        retry,
        proxy,
        told,
        server,
    })
}

const PASSING: [Fault; 7] = [
    Fault::Status(500),
    Fault::Status(503),
    Fault::Status(429),
    Fault::Closed,
    Fault::AnswerLost,
    Fault::Silence,
    Fault::Nonsense,
];

#[test]
fn a_write_survives_every_fault_that_passes() {
    let Some(faulty) = faulty() else { return };
    for (number, fault) in PASSING.into_iter().enumerate() {
        let content = vec![number as u8; 100_000];
        let pack = named(FileKind::Pack, &content);
        faulty.proxy.fail("POST", fault);
        faulty.retry.write(pack, &content).unwrap();
        assert_eq!(faulty.retry.read(pack, 1 << 20).unwrap(), content);
    }
    assert_eq!(listed(&faulty.retry, FileKind::Pack).len(), PASSING.len());
    assert_eq!(faulty.told.lock().unwrap().len(), PASSING.len());
}

#[test]
fn a_config_is_written_once_although_its_answer_was_lost() {
    let Some(faulty) = faulty() else { return };
    faulty.proxy.fail("POST", Fault::AnswerLost);
    faulty.retry.write(FileName::CONFIG, b"config").unwrap();
    // One for the layout, one for the config.
    assert_eq!(faulty.proxy.count("POST"), 2);
    assert_eq!(faulty.retry.read(FileName::CONFIG, 9).unwrap(), b"config");
}

#[test]
fn a_read_is_whole_or_tried_again() {
    let Some(faulty) = faulty() else { return };
    let content: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
    let pack = named(FileKind::Pack, &content);
    faulty.retry.write(pack, &content).unwrap();
    // The server says that there is no such file, and has it: rclone does so when it has a fault of its own.
    let more = [Fault::BodyCut, Fault::LengthLie, Fault::Status(404)];
    for fault in PASSING.into_iter().chain(more) {
        faulty.proxy.fail("GET", fault);
        let kind = faulty.plain.read(pack, 1 << 20).unwrap_err().kind;
        assert!(kind.is_passing(), "{fault:?}: {kind:?}");
        faulty.proxy.fail("GET", fault);
        assert_eq!(faulty.retry.read(pack, 1 << 20).unwrap(), content);

        let mut buffer = vec![0; 50_000];
        if fault != Fault::LengthLie {
            faulty.proxy.fail("GET", fault);
        }
        faulty.retry.read_range(pack, 1000, &mut buffer).unwrap();
        assert_eq!(buffer, content[1000..51_000], "{fault:?}");
    }
}

#[test]
fn a_listing_is_whole_or_tried_again() {
    let Some(faulty) = faulty() else { return };
    for number in 0..50_u8 {
        let content = [number];
        let file = named(FileKind::Snapshot, &content);
        faulty.retry.write(file, &content).unwrap();
    }
    for fault in PASSING.into_iter().chain([Fault::BodyCut]) {
        faulty.proxy.fail("GET", fault);
        let kind = faulty.plain.list(FileKind::Snapshot).unwrap_err().kind;
        assert!(kind.is_passing(), "{fault:?}: {kind:?}");
        faulty.proxy.fail("GET", fault);
        assert_eq!(listed(&faulty.retry, FileKind::Snapshot).len(), 50);
    }
    // rest-server says this of a directory that does not exist, and rclone of one that it cannot list.
    faulty.proxy.fail("GET", Fault::Status(404));
    assert_eq!(listed(&*faulty.plain, FileKind::Snapshot), []);
    faulty.proxy.fail("GET", Fault::NotFoundByRclone);
    let error = faulty.plain.list(FileKind::Snapshot).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Busy);
    assert!(error.to_string().contains("(status 404)"), "{error}");
}

#[test]
fn a_removal_whose_answer_is_lost_has_happened() {
    let Some(faulty) = faulty() else { return };
    let file = named(FileKind::Lock, b"lock");
    faulty.retry.write(file, b"lock").unwrap();
    faulty.proxy.fail("DELETE", Fault::AnswerLost);
    faulty.retry.remove(file).unwrap();
    assert_eq!(listed(&faulty.retry, FileKind::Lock), []);
}

#[test]
fn what_would_fail_again_fails_at_once_and_says_why() {
    let Some(faulty) = faulty() else { return };
    let file = named(FileKind::Key, b"key");
    faulty.retry.write(file, b"key").unwrap();
    for (status, kind) in [
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Denied),
        (507, ErrorKind::NoSpace),
        (301, ErrorKind::Answer),
        (400, ErrorKind::Answer),
        (405, ErrorKind::Answer),
    ] {
        faulty.proxy.fail("GET", Fault::Status(status));
        let error = faulty.retry.read(file, 9).unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.to_string().contains(&status.to_string()), "{error}");
    }
    assert_eq!(*faulty.told.lock().unwrap(), []);
}

#[test]
fn an_answer_that_is_not_http_is_told_as_such() {
    let Some(faulty) = faulty() else { return };
    let long: &'static str = "x".repeat(200_000).leak();
    let head: &'static str = format!("HTTP/1.1 200 OK\r\nx: {long}").leak();
    for text in [
        long,
        head,
        "220 ftp.example.org ready\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 999999 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        "RTSP/1.0 200 OK\r\n\r\n",
        "\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}\u{32}",
        "{\"a\": 1}",
    ] {
        faulty.proxy.fail("GET", Fault::Raw(text));
        let error = faulty.plain.list(FileKind::Key).unwrap_err();
        assert!(
            error.to_string().contains("is not HTTP"),
            "{error}: {text:?}"
        );
    }
}

#[test]
fn a_silent_server_is_given_up_after_the_stall_time_and_not_before_its_body_has_come() {
    let Some(faulty) = faulty() else { return };
    let file = named(FileKind::Key, b"key");
    faulty.proxy.fail("GET", Fault::Silence);
    let started = Instant::now();
    let error = faulty.plain.read(file, 9).unwrap_err();
    assert!(started.elapsed() >= STALL);
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.to_string().contains("nothing moved"), "{error}");
}

#[test]
fn a_server_that_takes_a_connection_and_says_nothing_is_given_up_before_its_stall_time() {
    let Some(faulty) = faulty() else { return };
    let file = named(FileKind::Key, b"key");
    let address = format!("http://{}/repository/", faulty.proxy.authority);
    let first = Some(Duration::from_millis(100));
    let options = Options {
        first,
        stall: STALL,
        ..options()
    };
    let rest = Rest::new(&address, options).unwrap();
    faulty.proxy.fail("GET", Fault::Silence);
    let error = rest.read(file, 9).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.to_string().contains("does not answer"), "{error}");
    // After an answer, its silence is one of the connection.
    assert_eq!(rest.read(file, 9).unwrap_err().kind, ErrorKind::NotFound);
    faulty.proxy.fail("GET", Fault::Silence);
    let error = rest.read(file, 9).unwrap_err();
    assert!(error.to_string().contains("nothing moved"), "{error}");
}

#[test]
fn a_server_that_is_away_is_waited_for() {
    let Some(faulty) = faulty() else { return };
    let nowhere = FaultyServer::before("127.0.0.1:1");
    let address = format!("http://{}/repository/", nowhere.authority);
    let gone = Rest::new(&address, options()).unwrap();
    let kind = gone.list(FileKind::Key).unwrap_err().kind;
    assert_eq!(kind, ErrorKind::Unreachable);
    drop(faulty.server);
    let kind = faulty.plain.list(FileKind::Key).unwrap_err().kind;
    assert_eq!(kind, ErrorKind::Unreachable);
}
