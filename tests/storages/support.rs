//! What the tests of storages share.

use freezerd::storage::http::Options;
use freezerd::storage::id::Id;
use freezerd::storage::rest::Rest;
use freezerd::storage::{FileKind, FileName, Storage};

use crate::rest_server;

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
