//! What the tests of storages share.

use std::sync::atomic::{AtomicUsize, Ordering};

use freezerd::location::S3Place;
use freezerd::storage::http::{Options, Trust};
use freezerd::storage::id::Id;
use freezerd::storage::rest::Rest;
use freezerd::storage::s3::credentials::{Credentials, Fetch, System, chain};
use freezerd::storage::s3::{S3, Settings};
use freezerd::storage::{FileKind, FileName, Storage};

use crate::{rest_server, s3_server};

/// The name of a file with this content.
pub fn named(kind: FileKind, content: &[u8]) -> FileName {
    FileName::new(kind, Id::of(content))
}

/// The files of a kind, of which none is a stray.
#[track_caller]
pub fn listed(storage: &dyn Storage, kind: FileKind) -> Vec<(Id, u64)> {
    let listing = storage.list(kind).unwrap();
    assert_eq!(listing.strays, []);
    let mut files: Vec<_> = listing
        .files
        .iter()
        .map(|file| (file.id, file.size))
        .collect();
    files.sort();
    files
}

/// The options for the user of the test server.
pub fn options() -> Options {
    Options {
        user: Some((
            rest_server::USER.to_owned(),
            rest_server::PASSWORD.to_owned().into(),
        )),
        ..Options::default()
    }
}

/// A repository on a server.
pub fn rest(address: &str) -> Rest {
    Rest::new(address, options()).unwrap()
}

/// A place, as `restic` names it.
pub fn place(location: &str) -> S3Place {
    S3Place::parse(location.strip_prefix("s3:").unwrap()).unwrap()
}

/// Fetches this key with the secret key of the test server.
pub fn keys(access_key: &str) -> Fetch {
    let credentials = Credentials {
        access_key: access_key.to_owned(),
        secret_key: s3_server::SECRET_KEY.to_owned().into(),
        session_token: None,
        expires: None,
    };
    Box::new(move || Ok(credentials.clone()))
}

/// A repository in a bucket of the test server.
pub fn s3(location: &str) -> S3 {
    let fetch = keys(s3_server::ACCESS_KEY);
    S3::new(
        &place(location),
        Settings::default(),
        fetch,
        Options::default(),
    )
    .unwrap()
}

/// A new repository below the location in `FREEZERD_S3`, whose keys are in the usual variables of the environment.
pub fn another_s3() -> Option<S3> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let location = std::env::var("FREEZERD_S3").ok()?;
    let name = format!(
        "{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let location = format!("{}/{name}", location.trim_end_matches('/'));
    let system = System::new(Trust::System, None).unwrap();
    let fetch = Box::new(move || chain::fetch(&chain::Wanted::default(), &system));
    let place = place(&location);
    let storage = S3::new(&place, Settings::default(), fetch, Options::default()).unwrap();
    storage.create_layout().unwrap();
    Some(storage)
}
