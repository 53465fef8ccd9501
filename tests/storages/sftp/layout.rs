//! What lies where on the server, and what moves there.

use std::num::NonZeroU64;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use freezerd::storage::error::ErrorKind;
use freezerd::storage::id::Id;
use freezerd::storage::limit::{Limits, Pace, Throttle};
use freezerd::storage::sftp::Options;
use freezerd::storage::{Durability, FileKind, FileName, Storage, StrayKind};

use super::open;
use crate::sftp_server::Server;
use crate::support::{listed, named};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn files_lie_where_restic_looks_for_them_and_belong_to_their_owner_alone() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = server.storage("a/b");
    storage.create_layout().unwrap();
    let pack = named(FileKind::Pack, b"pack");
    let durability = storage.write(pack, b"pack").unwrap();
    assert_eq!(durability, Durability::AfterSync);
    storage.sync().unwrap();
    let top = server.files("a/b");
    assert_eq!(std::fs::read(top.join(pack.to_string())).unwrap(), b"pack");
    assert_eq!(mode(&top.join(pack.to_string())), 0o600);
    for directory in [
        "",
        "keys",
        "locks",
        "snapshots",
        "index",
        "data/00",
        "data/ff",
    ] {
        assert_eq!(mode(&top.join(directory)), 0o700, "{directory}");
    }
    assert_eq!(std::fs::read_dir(top.join("data")).unwrap().count(), 256);
    // A directory of packs that is gone is made anew.
    let inside = pack.to_string();
    std::fs::remove_dir_all(top.join(&inside).parent().unwrap()).unwrap();
    storage.write(pack, b"pack").unwrap();
    assert_eq!(storage.read(pack, 9).unwrap(), b"pack");
}

#[test]
fn large_and_many_files_come_whole() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = server.storage("r");
    let content: Vec<u8> = (0..3_000_000_u32)
        .flat_map(|number| number.to_le_bytes())
        .collect();
    let pack = named(FileKind::Pack, &content);
    storage.write(pack, &content).unwrap();
    assert_eq!(storage.read(pack, u64::MAX).unwrap(), content);
    let mut middle = vec![0; 5_000_001];
    storage.read_range(pack, 999, &mut middle).unwrap();
    assert!(middle == content[999..5_001_000]);
    // More than a server tells at once.
    std::fs::create_dir_all(server.files("r/snapshots")).unwrap();
    for number in 0..1500_u32 {
        let file = named(FileKind::Snapshot, &number.to_le_bytes());
        std::fs::write(server.files("r").join(file.to_string()), "x").unwrap();
    }
    assert_eq!(listed(&storage, FileKind::Snapshot).len(), 1500);
}

#[test]
fn what_is_not_a_file_of_the_repository_is_a_stray() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = server.storage("r");
    storage.create_layout().unwrap();
    let top = server.files("r");
    let (id, other) = (Id::of(b"1"), Id::of(b"2"));
    std::fs::write(top.join("snapshots/README\n\u{1b}"), "x").unwrap();
    std::fs::write(top.join(format!("keys/{id}-tmp-1")), "x").unwrap();
    std::fs::write(top.join(format!("keys/{id}-restic-temp-12")), "x").unwrap();
    std::fs::write(top.join(format!("data/00/{id}")), "x").unwrap();
    std::fs::write(top.join("data/letter"), "x").unwrap();
    std::fs::create_dir(top.join(format!("index/{id}"))).unwrap();
    std::fs::write(top.join("somewhere"), "12345").unwrap();
    symlink("../somewhere", top.join(format!("locks/{id}"))).unwrap();
    symlink("nowhere", top.join(format!("locks/{other}"))).unwrap();
    let strays = |kind| {
        let mut found = storage.list(kind).unwrap().strays;
        found.sort();
        found
            .into_iter()
            .map(|stray| (stray.path, stray.kind))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        strays(FileKind::Snapshot),
        [(
            "snapshots/README\u{fffd}\u{fffd}".to_owned(),
            StrayKind::NotAnId
        )]
    );
    assert_eq!(
        strays(FileKind::Key),
        [
            (format!("keys/{id}-restic-temp-12"), StrayKind::Temporary),
            (format!("keys/{id}-tmp-1"), StrayKind::Temporary),
        ]
    );
    assert_eq!(
        strays(FileKind::Pack),
        [
            (format!("data/00/{id}"), StrayKind::Misplaced),
            ("data/letter".to_owned(), StrayKind::NotAnId),
        ]
    );
    assert_eq!(
        strays(FileKind::Index),
        [(format!("index/{id}"), StrayKind::NotAFile)]
    );
    let index = FileName::new(FileKind::Index, id);
    for kind in [
        storage.size(index).unwrap_err().kind,
        storage.read(index, 9).unwrap_err().kind,
        storage.read_range(index, 0, &mut [0]).unwrap_err().kind,
    ] {
        assert_eq!(kind, ErrorKind::NotAFile);
    }
    let locks = storage.list(FileKind::Lock).unwrap();
    let size_of = |id| locks.files.iter().find(|file| file.id == id).unwrap().size;
    assert_eq!((size_of(id), size_of(other)), (5, 0));
    assert!(locks.strays.iter().all(|it| it.kind == StrayKind::Link));
}

#[test]
fn what_an_interrupted_write_left_is_swept_when_it_is_old() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = server.storage("r");
    storage.create_layout().unwrap();
    let pack = named(FileKind::Pack, b"pack");
    storage.write(pack, b"pack").unwrap();
    let left = server.files("r").join(format!("{pack}-tmp-0123"));
    std::fs::write(&left, "half").unwrap();
    assert_eq!(storage.sweep(Duration::from_secs(3600)).unwrap(), 0);
    assert!(left.exists());
    let old = std::time::SystemTime::now() - Duration::from_secs(7200);
    let file = std::fs::File::options().write(true).open(&left).unwrap();
    file.set_modified(old).unwrap();
    assert_eq!(storage.sweep(Duration::from_secs(3600)).unwrap(), 1);
    assert!(!left.exists());
    assert_eq!(listed(&storage, FileKind::Pack).len(), 1);
}

#[test]
fn a_directory_that_cannot_be_listed_is_an_error_and_never_an_empty_one() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = server.storage("r");
    storage.create_layout().unwrap();
    let top = server.files("r");
    std::fs::remove_dir(top.join("keys")).unwrap();
    symlink("nowhere", top.join("keys")).unwrap();
    let kind = storage.list(FileKind::Key).unwrap_err().kind;
    assert_eq!(kind, ErrorKind::NotFound);
    std::fs::remove_dir(top.join("index")).unwrap();
    std::fs::write(top.join("index"), "").unwrap();
    assert!(storage.list(FileKind::Index).is_err());
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
    let storage = open(Options {
        pace: Some(Arc::new(Pace::new(limits, |_, _| ()))),
        // Shorter than the whole takes: a limit is not a stall.
        stall: Duration::from_millis(700),
        ..server.options("r")
    });
    storage.create_layout().unwrap();
    let content = vec![7; size];
    let pack = named(FileKind::Pack, &content);
    let started = Instant::now();
    storage.write(pack, &content).unwrap();
    // A tenth of a second may be used at once.
    let least = Duration::from_millis(890);
    assert!(started.elapsed() >= least);
    let started = Instant::now();
    assert_eq!(storage.read(pack, 1 << 20).unwrap(), content);
    assert!(started.elapsed() >= least);
}

#[test]
fn a_file_in_place_of_a_directory_is_named() {
    let Some(server) = Server::start() else {
        return;
    };
    std::fs::create_dir_all(server.files("r")).unwrap();
    for (place, file) in [("file", "file"), ("file/a/b", "file"), ("r", "r/keys")] {
        let file = server.files(file);
        std::fs::write(&file, "x").unwrap();
        let error = server.storage(place).create_layout().unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotAFile, "{error}");
        let told = format!("{} on the server is not a directory", file.display());
        assert!(error.to_string().contains(&told), "{error}");
    }
}
