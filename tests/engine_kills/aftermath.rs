//! What holds after a kill, and what holds when the work was repeated.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use freezerd::repository::check::check;
use freezerd::repository::check::share::Share;
use freezerd::repository::key::cost::Cost;
use freezerd::repository::open::Repository;
use freezerd::repository::progress::Silent;
use freezerd::storage::FileKind;
use freezerd::storage::local::Local;

use crate::support::Place;

pub const PASSWORD: &[u8] = b"correct horse";

/// Makes the container's repository, with a key that opens quickly.
pub fn make_repository(place: &Place) {
    let storage = Arc::new(Local::new(place.path("container")));
    let cost = Cost {
        n: 1 << 10,
        ..Cost::LEAST
    };
    Repository::init(storage, PASSWORD, cost).unwrap();
}

pub fn open(place: &Place) -> Repository {
    let storage = Arc::new(Local::new(place.path("container")));
    Repository::open(storage, PASSWORD).unwrap()
}

/// Checks what must hold right after a kill: all that a snapshot needs is there, for us and for restic.
pub fn assert_sound(place: &Place) {
    if !place.path("container/config").exists() {
        // The kill came before there was a repository.
        return;
    }
    let report = check(&open(place), Share::All, &Silent).unwrap();
    assert!(report.is_clean(), "{:?}", report.damage);
    assert_eq!(report.left_out, 0);
    // The killed process has left a lock.
    place.restic(&["check", "--no-lock"]);
}

/// Checks that a repository has everything that its snapshots need, and nothing else.
pub fn assert_tidy(place: &Place) {
    let repository = open(place);
    let report = check(&repository, Share::All, &Silent).unwrap();
    assert!(report.is_clean(), "{:?}", report.damage);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    assert!(report.locks.is_empty(), "{:?}", report.locks);
    let loaded = repository.load_index().unwrap();
    for pack in repository.storage.list(FileKind::Pack).unwrap().files {
        assert!(loaded.index.has_pack(pack.id), "{} in no index", pack.id);
    }
    let strays = unfinished(&place.path("container"));
    assert!(strays.is_empty(), "{strays:?}");
    place.restic(&["check", "--read-data"]);
}

/// The files below a directory that have a temporary name.
fn unfinished(top: &Path) -> Vec<PathBuf> {
    let found = Command::new("find")
        .arg(top)
        .args(["-name", "*-tmp-*", "-o", "-name", ".freezerd-*"])
        .output()
        .unwrap();
    let names = String::from_utf8(found.stdout).unwrap();
    names.lines().map(PathBuf::from).collect()
}
