//! An S3 server and a network with faults: what is retried, what is not, and what is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::ErrorKind;
use freezerd::storage::http::Options;
use freezerd::storage::retry::{Policy, Retry};
use freezerd::storage::s3::credentials::Credentials;
use freezerd::storage::s3::{S3, Settings};
use freezerd::storage::{FileKind, FileName, Storage};

use crate::rest_server::faulty::{Fault, FaultyServer};
use crate::s3_server::{ACCESS_KEY, SECRET_KEY, Server};
use crate::support::{listed, named, place, s3};

const QUICK: Policy = Policy {
    first_wait: Duration::from_millis(5),
    longest_wait: Duration::from_millis(5),
    opening: Duration::from_secs(60),
    patience: Duration::from_secs(60),
    unlocking: Duration::from_secs(60),
};

struct Faulty {
    /// Without retries.
    plain: Arc<S3>,
    retry: Retry,
    proxy: FaultyServer,
    told: Arc<Mutex<Vec<ErrorKind>>>,
    /// How often credentials were fetched.
    fetched: Arc<AtomicUsize>,
    _server: Arc<Server>,
}

fn faulty() -> Option<Faulty> {
    let server = Server::start()?;
    let bucket = server.new_bucket();
    s3(&server.location(&bucket)).create_layout().unwrap();
    let proxy = FaultyServer::before(&server.authority);
    let options = Options {
        stall: Duration::from_millis(1500),
        ..Options::default()
    };
    let fetched = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fetched);
    let fetch = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Credentials {
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned().into(),
            session_token: None,
            expires: None,
        })
    };
    let location = format!("s3:http://{}/{bucket}/p", proxy.authority);
    let settings = Settings::default();
    let plain = S3::new(&place(&location), settings, Box::new(fetch), options).unwrap();
    let plain = Arc::new(plain);
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let tell = Box::new(move |error: &freezerd::storage::error::Error, _| {
        list.lock().unwrap().push(error.kind);
    });
    let retry = Retry::new(plain.clone(), QUICK, Concurrency::untold(5), tell);
    Some(Faulty {
        plain,
        retry,
        proxy,
        told,
        fetched,
        _server: server,
    })
}

impl Faulty {
    /// What a listing says when the server answers with this.
    fn refused(&self, status: u16, body: &'static str) -> (ErrorKind, String) {
        self.proxy.fail("GET", Fault::Answer(status, body));
        let error = self.plain.list(FileKind::Key).unwrap_err();
        (error.kind, error.to_string())
    }
}

#[test]
fn faults_that_pass_are_borne_and_nothing_is_lost_or_made_up() {
    let Some(it) = faulty() else { return };
    let pack = named(FileKind::Pack, b"0123456789");
    for fault in [
        Fault::Status(503),
        Fault::Status(500),
        Fault::Closed,
        // The next try finds the file, and compares it.
        Fault::AnswerLost,
        Fault::Silence,
        Fault::Nonsense,
        Fault::Answer(503, "<Error><Code>SlowDown</Code></Error>"),
        Fault::Answer(400, "<Error><Code>BadDigest</Code></Error>"),
        Fault::Answer(
            409,
            "<Error><Code>ConditionalRequestConflict</Code></Error>",
        ),
        Fault::Answer(400, "<Error><Code>RequestTimeout</Code></Error>"),
    ] {
        it.proxy.fail("PUT", fault);
        it.retry.write(pack, b"0123456789").unwrap();
        assert_eq!(it.told.lock().unwrap().drain(..).count(), 1, "{fault:?}");
        assert_eq!(it.retry.read(pack, 100).unwrap(), b"0123456789");
        it.retry.remove(pack).unwrap();
    }
    it.retry.write(pack, b"0123456789").unwrap();
    for fault in [
        Fault::BodyCut,
        Fault::LengthLie,
        Fault::Closed,
        Fault::Silence,
    ] {
        it.proxy.fail("GET", fault);
        assert_eq!(
            it.retry.read(pack, 100).unwrap(),
            b"0123456789",
            "{fault:?}"
        );
        let mut buffer = [0; 4];
        it.proxy.fail("GET", fault);
        it.retry.read_range(pack, 2, &mut buffer).unwrap();
        assert_eq!(&buffer, b"2345");
        it.proxy.fail("GET", fault);
        assert_eq!(listed(&it.retry, FileKind::Pack).len(), 1, "{fault:?}");
        // A range does not need what is behind it.
        let expected = if fault == Fault::LengthLie { 2 } else { 3 };
        assert_eq!(
            it.told.lock().unwrap().drain(..).count(),
            expected,
            "{fault:?}"
        );
    }
    it.proxy.fail("DELETE", Fault::AnswerLost);
    it.retry.remove(pack).unwrap();
    assert_eq!(listed(&it.retry, FileKind::Pack), []);
}

#[test]
fn credentials_that_have_ended_are_fetched_anew_once() {
    let Some(it) = faulty() else { return };
    let pack = named(FileKind::Pack, b"x");
    it.plain.write(pack, b"x").unwrap();
    assert_eq!(it.fetched.load(Ordering::Relaxed), 1);
    let expired = "<Error><Code>ExpiredToken</Code></Error>";
    it.proxy.fail("GET", Fault::Answer(400, expired));
    assert_eq!(it.plain.read(pack, 9).unwrap(), b"x");
    assert_eq!(it.fetched.load(Ordering::Relaxed), 2);
    it.proxy.fail("GET", Fault::Answer(400, expired));
    let (kind, told) = it.refused(400, expired);
    assert_eq!(kind, ErrorKind::Unauthorized);
    assert!(told.contains("have ended"), "{told}");
    // The answer to a HEAD does not say it.
    it.proxy.fail("HEAD", Fault::Status(400));
    it.proxy.fail("GET", Fault::Answer(400, expired));
    assert_eq!(it.plain.size(pack).unwrap(), 1);
}

#[test]
fn the_region_that_the_server_names_is_used_from_then_on() {
    let Some(it) = faulty() else { return };
    let body =
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>";
    it.proxy.fail("GET", Fault::Answer(400, body));
    assert_eq!(listed(&*it.plain, FileKind::Key).len(), 0);
    let heads = it.proxy.heads("GET");
    assert!(heads[0].contains("/us-east-1/s3/"), "{heads:?}");
    assert!(heads[1].contains("/eu-central-1/s3/"), "{heads:?}");
    it.plain.list(FileKind::Lock).unwrap();
    assert!(it.proxy.heads("GET")[2].contains("/eu-central-1/s3/"));
    let body = "<Error><Code>PermanentRedirect</Code><Region>us-west-2</Region></Error>";
    it.proxy.fail("GET", Fault::Answer(301, body));
    let (kind, told) = it.refused(301, body);
    assert_eq!(kind, ErrorKind::Answer);
    assert!(told.contains("write `region = \"us-west-2\"`"), "{told}");
}

#[test]
fn each_trouble_is_told_in_words_that_help() {
    let Some(it) = faulty() else { return };
    for (status, body, kind, words) in [
        (
            403,
            "<Error><Code>RequestTimeTooSkewed</Code><ServerTime>2020-01-01T00:00:00Z</ServerTime></Error>",
            ErrorKind::Clock,
            "the clock of this host says 20",
        ),
        (
            403,
            "<Error><Code>QuotaExceeded</Code></Error>",
            ErrorKind::NoSpace,
            "the quota is used up",
        ),
        (507, "", ErrorKind::NoSpace, "no space left"),
        (
            403,
            "<Error><Code>AccessDenied</Code></Error>",
            ErrorKind::Denied,
            "do not have this right",
        ),
        (
            400,
            "<Error><Code>\u{1b}[31mEvil</Code></Error>",
            ErrorKind::Answer,
            "status 400",
        ),
        (
            200,
            "<html>hello</html>",
            ErrorKind::Answer,
            "cannot be read",
        ),
        (200, "hello", ErrorKind::Answer, "cannot be read"),
        // A server of web pages.
        (
            404,
            "<html>not found</html>",
            ErrorKind::Answer,
            "check whether `kind`",
        ),
    ] {
        let (found, told) = it.refused(status, body);
        assert_eq!(found, kind, "{told}");
        assert!(told.contains(words), "{told}");
        assert!(!told.contains('\u{1b}'), "{told}");
    }
}

#[test]
fn a_good_status_with_an_error_below_is_no_written_file() {
    let Some(it) = faulty() else { return };
    let pack = named(FileKind::Pack, b"pack");
    let answer = Fault::Answer(200, "<Error><Code>InternalError</Code></Error>");
    it.proxy.fail("PUT", answer);
    let error = it.plain.write(pack, b"pack").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Busy, "{error}");
    assert_eq!(listed(&*it.plain, FileKind::Pack), []);
    it.plain.write(pack, b"pack").unwrap();
    assert_eq!(listed(&*it.plain, FileKind::Pack).len(), 1);
}

#[test]
fn a_file_that_exists_and_is_not_found_is_not_told_as_a_busy_server() {
    let Some(faulty) = faulty() else { return };
    let pack = named(FileKind::Pack, b"pack");
    for status in [409, 412] {
        faulty.proxy.fail("PUT", Fault::Status(status));
        let error = faulty.plain.write(pack, b"pack").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Busy);
        assert!(
            error.to_string().contains(&format!("(status {status})")),
            "{error}"
        );
    }
    faulty.retry.write(pack, b"pack").unwrap();
}

#[test]
fn a_listing_that_ends_early_is_never_taken_for_the_whole() {
    let Some(it) = faulty() else { return };
    it.plain
        .write(named(FileKind::Key, b"key"), b"key")
        .unwrap();
    let endless = "<ListBucketResult><IsTruncated>true</IsTruncated>\
        <NextContinuationToken>x</NextContinuationToken></ListBucketResult>";
    it.proxy.fail("GET", Fault::Answer(200, endless));
    let (_, told) = it.refused(200, endless);
    assert!(told.contains("does not end"), "{told}");
    let without_token = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>";
    let (_, told) = it.refused(200, without_token);
    assert!(told.contains("cannot be read"), "{told}");
    let cut = "<ListBucketResult><IsTruncated>false</IsTruncated>";
    let (kind, _) = it.refused(200, cut);
    assert_eq!(kind, ErrorKind::Unreachable);
    assert_eq!(listed(&*it.plain, FileKind::Key).len(), 1);
    assert_eq!(listed(&*it.plain, FileKind::Config), []);
    it.plain.write(FileName::CONFIG, b"config").unwrap();
    assert_eq!(listed(&*it.plain, FileKind::Config).len(), 1);
}
