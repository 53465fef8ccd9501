//! Buckets that keep files from being removed: the time is renewed while the files are in use.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use freezerd::storage::error::ErrorKind;
use freezerd::storage::http::Options;
use freezerd::storage::limit::{Limited, Limits, Pace};
use freezerd::storage::retention::{Mode, Renewal, Retention, renew};
use freezerd::storage::s3::{S3, Settings};
use freezerd::storage::{FileKind, FileName, Storage};

use crate::rest_server::faulty::{Fault, FaultyServer};
use crate::s3_server::{ACCESS_KEY, READER, Server};
use crate::support::{keys, named, place, s3};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The files of a small repository, in the order in which they come.
fn files() -> [FileName; 5] {
    [
        FileName::CONFIG,
        named(FileKind::Key, b"x"),
        named(FileKind::Pack, b"x"),
        named(FileKind::Index, b"x"),
        named(FileKind::Snapshot, b"x"),
    ]
}

/// A bucket with the files and a lock, and a proxy before it.
struct Bucket {
    name: String,
    proxy: FaultyServer,
    server: Arc<Server>,
}

impl Bucket {
    fn new() -> Option<Bucket> {
        let server = Server::start()?;
        let bucket = Bucket {
            name: server.new_bucket(),
            proxy: FaultyServer::before(&server.authority),
            server,
        };
        bucket.with(None, ACCESS_KEY).create_layout().unwrap();
        Some(bucket)
    }

    /// From now on, it keeps every new version for so long. False if that cannot be set.
    fn keeps(&self, mode: &str, days: u32) -> bool {
        let versions =
            "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        let rule = format!(
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
             <Mode>{mode}</Mode><Days>{days}</Days></DefaultRetention></Rule></ObjectLockConfiguration>"
        );
        let server = &self.server;
        server.set(&self.name, "versioning", versions)
            && server.set(&self.name, "object-lock", &rule)
    }

    fn fill(&self) {
        let storage = s3(&self.server.location(&self.name));
        for file in files().into_iter().chain([named(FileKind::Lock, b"x")]) {
            storage.write(file, b"x").unwrap();
        }
    }

    /// As an action uses it, with files that are to be kept for so many days.
    fn with(&self, days: Option<u32>, access_key: &str) -> Limited {
        let location = format!("s3:http://{}/{}/", self.proxy.authority, self.name);
        let settings = Settings {
            retains: days.map(|days| DAY * days),
            ..Settings::default()
        };
        let fetch = keys(access_key);
        let storage = S3::new(&place(&location), settings, fetch, Options::default()).unwrap();
        let pace = Arc::new(Pace::new(Limits::default(), |_, _| ()));
        Limited::new(Arc::new(storage), pace)
    }
}

/// The time to the second, as the server keeps it.
fn whole(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[test]
fn the_time_of_files_in_use_is_renewed_when_half_of_it_is_over() {
    for (name, mode) in [
        ("COMPLIANCE", Mode::Compliance),
        ("GOVERNANCE", Mode::Governance),
    ] {
        let Some(bucket) = Bucket::new() else { return };
        if !bucket.keeps(name, 1) {
            return;
        }
        bucket.fill();
        let storage = bucket.with(Some(10), ACCESS_KEY);
        let begun = whole(SystemTime::now());
        // The bucket gave them one day.
        for (days, is_due) in [(0, true), (1, false), (4, false), (6, true), (7, false)] {
            let now = begun + DAY * days;
            bucket.proxy.take_requests();
            let done = renew(&storage, now, &|| ()).unwrap();
            let requests = bucket.proxy.take_requests();
            if !is_due {
                assert!(matches!(done, Renewal::NotYet(until) if until >= now + DAY * 5));
                assert_eq!(requests.len(), 1, "{requests:?}");
                continue;
            }
            let until = now + DAY * 10;
            assert_eq!(done, Renewal::Renewed(5, until));
            for file in files() {
                let found = storage.retention(file).unwrap();
                assert_eq!(found, Some(Retention { until, mode }), "{file}");
            }
            let lock = storage.retention(named(FileKind::Lock, b"x")).unwrap();
            assert!(lock.unwrap().until < begun + DAY * 2);
            // The config says that all others are kept.
            assert!(requests.last().unwrap().contains("/config?retention"));
        }
    }
}

#[test]
fn files_from_before_the_bucket_kept_any_are_kept_from_then_on() {
    let Some(bucket) = Bucket::new() else { return };
    bucket.fill();
    let storage = bucket.with(Some(10), ACCESS_KEY);
    let now = SystemTime::now();
    assert_eq!(renew(&storage, now, &|| ()).unwrap(), Renewal::NotKept);
    let unwanted = bucket.with(None, ACCESS_KEY);
    assert_eq!(renew(&unwanted, now, &|| ()).unwrap(), Renewal::NotWanted);
    if !bucket.keeps("COMPLIANCE", 1) {
        return;
    }
    let done = renew(&storage, now, &|| ()).unwrap();
    assert!(matches!(done, Renewal::Renewed(5, _)), "{done:?}");
    for file in files() {
        let found = storage.retention(file).unwrap().unwrap();
        assert_eq!(found.until, whole(now + DAY * 10), "{file}");
    }
}

#[test]
fn a_file_that_is_kept_for_longer_stays_so() {
    let Some(bucket) = Bucket::new() else { return };
    if !bucket.keeps("COMPLIANCE", 30) {
        return;
    }
    bucket.fill();
    let storage = bucket.with(Some(10), ACCESS_KEY);
    let pack = named(FileKind::Pack, b"x");
    let before = storage.retention(pack).unwrap().unwrap();
    let until = SystemTime::now() + DAY * 10;
    let shorter = Retention { until, ..before };
    storage.retain(pack, shorter).unwrap();
    assert_eq!(storage.retention(pack).unwrap(), Some(before));
    let absent = named(FileKind::Pack, b"absent");
    let error = storage.retain(absent, shorter).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
}

#[test]
fn a_renewal_that_was_interrupted_begins_anew() {
    let Some(bucket) = Bucket::new() else { return };
    if !bucket.keeps("COMPLIANCE", 1) {
        return;
    }
    bucket.fill();
    let storage = bucket.with(Some(10), ACCESS_KEY);
    let now = SystemTime::now();
    bucket.proxy.fail("PUT", Fault::Status(503));
    let error = renew(&storage, now, &|| ()).unwrap_err();
    assert!(error.kind.is_passing(), "{error}");
    let config = storage.retention(FileName::CONFIG).unwrap().unwrap();
    assert!(config.until < now + DAY * 2);
    let done = renew(&storage, now, &|| ()).unwrap();
    assert!(matches!(done, Renewal::Renewed(5, _)), "{done:?}");
    // Who may not do it is told.
    let reader = bucket.with(Some(10), READER);
    let error = renew(&reader, now + DAY * 6, &|| ()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("retention"), "{error}");
}
