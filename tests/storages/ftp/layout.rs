//! What lies where on the server, and what is said of what is missing, forbidden, or something else.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::{Error, ErrorKind};
use freezerd::storage::ftp::{Ftp, Tls};
use freezerd::storage::id::Id;
use freezerd::storage::retry::{Policy, Retry};
use freezerd::storage::{FileKind, FileName, Storage, StrayKind};

use super::QUICK;
use crate::ftp_server::{pyftpdlib, vsftpd};
use crate::support::{listed, named};

/// Runs a test on a server that has only LIST, and on one that has MLSD.
fn on_both(test: impl Fn(&dyn Storage, &Path)) {
    if let Some(server) = vsftpd::Server::start() {
        test(&as_used(server.storage("r")), &server.files("r"));
    }
    if let Some(server) = pyftpdlib::Server::start(Tls::None) {
        test(&as_used(server.storage("r")), &server.files("r"));
    }
}

/// What may pass is tried again, as in the agent. Once in some thousand lists, vsftpd has not answered for a minute.
fn as_used(storage: Ftp) -> Retry {
    let patience = Duration::from_secs(300);
    let policy = Policy {
        opening: patience,
        patience,
        ..QUICK
    };
    let tell = Box::new(|error: &Error, _| println!("tried again: {error}"));
    Retry::new(Arc::new(storage), policy, Concurrency::untold(5), tell)
}

#[test]
fn files_lie_where_restic_looks_for_them() {
    on_both(|storage, top| {
        storage.create_layout().unwrap();
        let pack = named(FileKind::Pack, b"pack");
        storage.write(pack, b"pack").unwrap();
        assert_eq!(std::fs::read(top.join(pack.to_string())).unwrap(), b"pack");
        assert_eq!(std::fs::read_dir(top.join("data")).unwrap().count(), 256);
        // A directory of packs that is gone is made anew.
        std::fs::remove_dir_all(top.join("data")).unwrap();
        storage.write(pack, b"pack").unwrap();
        assert_eq!(storage.read(pack, 9).unwrap(), b"pack");
    });
}

#[test]
fn large_and_many_files_come_whole() {
    on_both(|storage, top| {
        let content: Vec<u8> = (0..1_000_000_u32)
            .flat_map(|number| number.to_le_bytes())
            .collect();
        let pack = named(FileKind::Pack, &content);
        storage.write(pack, &content).unwrap();
        assert_eq!(storage.read(pack, u64::MAX).unwrap(), content);
        // The rest of the file is not read, and the connection is good for more.
        for _ in 0..20 {
            let mut middle = vec![0; 100_001];
            storage.read_range(pack, 999, &mut middle).unwrap();
            assert!(middle == content[999..101_000]);
            assert_eq!(storage.size(pack).unwrap(), content.len() as u64);
        }
        std::fs::create_dir_all(top.join("snapshots")).unwrap();
        for number in 0..1500_u32 {
            let file = named(FileKind::Snapshot, &number.to_le_bytes());
            std::fs::write(top.join(file.to_string()), "x").unwrap();
        }
        assert_eq!(listed(storage, FileKind::Snapshot).len(), 1500);
    });
}

#[test]
fn what_is_not_a_file_of_the_repository_is_a_stray() {
    on_both(|storage, top| {
        storage.create_layout().unwrap();
        let id = Id::of(b"1");
        std::fs::write(top.join("snapshots/README \u{1b}"), "x").unwrap();
        std::fs::write(top.join(format!("keys/{id}-tmp-1")), "x").unwrap();
        std::fs::write(top.join(format!("data/00/{id}")), "x").unwrap();
        std::fs::write(top.join("data/letter"), "x").unwrap();
        std::fs::create_dir(top.join(format!("index/{id}"))).unwrap();
        std::fs::write(top.join("somewhere"), "12345").unwrap();
        symlink("../somewhere", top.join(format!("locks/{id}"))).unwrap();
        let strays = |kind| {
            let mut found = storage.list(kind).unwrap().strays;
            found.sort();
            found
                .into_iter()
                .map(|stray| (stray.path, stray.kind))
                .collect::<Vec<_>>()
        };
        let snapshots = strays(FileKind::Snapshot);
        assert!(
            snapshots[0].0.starts_with("snapshots/README"),
            "{snapshots:?}"
        );
        assert!(!snapshots[0].0.contains('\u{1b}'));
        assert_eq!(
            strays(FileKind::Key),
            [(format!("keys/{id}-tmp-1"), StrayKind::Temporary)]
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
        assert_eq!((locks.files[0].id, locks.files[0].size), (id, 5));
    });
}

#[test]
fn what_an_interrupted_write_left_is_swept_when_it_is_old() {
    on_both(|storage, top| {
        storage.create_layout().unwrap();
        let pack = named(FileKind::Pack, b"pack");
        storage.write(pack, b"pack").unwrap();
        let left = top.join(format!("{pack}-tmp-0123"));
        std::fs::write(&left, "half").unwrap();
        assert_eq!(storage.sweep(Duration::from_secs(3600)).unwrap(), 0);
        assert!(left.exists());
        let old = std::time::SystemTime::now() - Duration::from_secs(7200);
        let file = std::fs::File::options().write(true).open(&left).unwrap();
        file.set_modified(old).unwrap();
        assert_eq!(storage.sweep(Duration::from_secs(3600)).unwrap(), 1);
        assert!(!left.exists());
        assert_eq!(listed(storage, FileKind::Pack).len(), 1);
    });
}

#[test]
fn a_directory_that_cannot_be_listed_is_an_error_and_never_an_empty_one() {
    on_both(|storage, top| {
        storage.create_layout().unwrap();
        std::fs::remove_dir(top.join("index")).unwrap();
        std::fs::write(top.join("index"), "").unwrap();
        assert!(storage.list(FileKind::Index).is_err());
        // And one that is missing is an empty one.
        std::fs::remove_dir(top.join("locks")).unwrap();
        assert_eq!(listed(storage, FileKind::Lock), []);
    });
}

#[test]
fn a_link_that_leads_nowhere_is_not_an_empty_directory() {
    let Some(server) = vsftpd::Server::start() else {
        return;
    };
    let storage = server.storage("r");
    storage.create_layout().unwrap();
    std::fs::remove_dir(server.files("r/keys")).unwrap();
    symlink("nowhere", server.files("r/keys")).unwrap();
    let error = storage.list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
}

#[test]
fn a_file_in_place_of_the_repository_is_not_an_empty_repository() {
    on_both(|storage, top| {
        std::fs::write(top, "").unwrap();
        let error = storage.list(FileKind::Key).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotAFile, "{error}");
        assert!(storage.create_layout().is_err());
    });
}

#[test]
fn a_server_that_refuses_to_write_is_told_from_one_without_the_file() {
    let Some(server) = vsftpd::Server::with(Tls::None, "anon_other_write_enable=NO") else {
        return;
    };
    let top = server.files("r/locks");
    std::fs::create_dir_all(&top).unwrap();
    let storage = server.storage("r");
    let file = named(FileKind::Lock, b"lock");
    let error = storage.remove(file).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    std::fs::write(server.files("r").join(file.to_string()), "lock").unwrap();
    let error = storage.remove(file).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
}

#[test]
fn a_file_in_place_of_the_directory_is_named() {
    on_both(|storage, top| {
        std::fs::write(top, "x").unwrap();
        let error = storage.create_layout().unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotAFile, "{error}");
        let told = error.to_string();
        assert!(told.contains("something else has the name /"), "{told}");
    });
}
