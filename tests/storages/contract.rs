//! What every storage promises, run on each of them.

use std::sync::Arc;
use std::time::Duration;

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::ErrorKind;
use freezerd::storage::ftp::Tls;
use freezerd::storage::limit::{Limited, Limits, Pace};
use freezerd::storage::local::Local;
use freezerd::storage::memory::Memory;
use freezerd::storage::rclone::Rclone;
use freezerd::storage::retry::{Policy, Retry};
use freezerd::storage::{FileKind, FileName, Storage};

use crate::ftp_server::{self, pyftpdlib, vsftpd};
use crate::rclone::{at_socket, options};
use crate::rclone_programs::{AtSocket, programs};
use crate::rest_server::Server;
use crate::s3_server;
use crate::sftp_server;
use crate::support::{another_s3, listed, named, rest, s3};
use crate::swift_server;
use crate::swift_support::swift;

fn on_every_storage(test: impl Fn(&dyn Storage)) {
    let directory = tempfile::tempdir().unwrap();
    test(&Local::new(directory.path().join("deep/repository")));
    test(&Memory::new());
    test(&Memory::delayed());
    let pace = Arc::new(Pace::new(Limits::default(), |_, _| ()));
    test(&Limited::new(Arc::new(Memory::new()), pace));
    test(&tried_again(Memory::new()));
    for tls in [Tls::None, Tls::Explicit, Tls::Implicit] {
        if let Some(server) = vsftpd::Server::with(tls, "") {
            test(&tried_again(server.storage("deep/repo sitory")));
        }
    }
    for tls in [Tls::None, Tls::Explicit] {
        if let Some(server) = pyftpdlib::Server::start(tls) {
            test(&tried_again(server.storage("deep/repo sitory")));
        }
    }
    if let Some(server) = ftp_server::rclone::Rclone::start() {
        test(&tried_again(server.storage("deep/repository")));
    }
    if let Some(server) = Server::start() {
        test(&tried_again(rest(&server.address("deep/repository"))));
    }
    if let Some(server) = AtSocket::start() {
        test(&tried_again(at_socket(&server, "deep/repository")));
    }
    for program in programs() {
        let directory = tempfile::tempdir().unwrap();
        let options = options(&program, directory.path());
        test(&tried_again(Rclone::new(options, Box::new(|_| ()))));
    }
    if let Some(server) = s3_server::Server::start() {
        let bucket = server.new_bucket();
        tried_again(s3(&server.location(&bucket)))
            .create_layout()
            .unwrap();
        test(&tried_again(s3(&server.location(&bucket))));
        test(&tried_again(s3(
            &server.location(&format!("{bucket}/deep/a b+c"))
        )));
    }
    if let Some(storage) = another_s3() {
        test(&tried_again(storage));
    }
    if let Some(server) = sftp_server::Server::start() {
        test(&tried_again(server.storage("deep/repository")));
    }
    if let Some(server) = sftp_server::rclone::Rclone::start() {
        test(&tried_again(server.storage("deep/repository")));
    }
    if let Some(server) = swift_server::start() {
        let place = format!("{}/deep/a b+ü", server.new_container());
        let storage = tried_again(swift(server, &place));
        storage.create_layout().unwrap();
        test(&storage);
    }
}

/// As the program uses storages on servers: one that has too much to do for a moment is asked again.
fn tried_again(storage: impl Storage + 'static) -> Retry {
    let policy = Policy {
        opening: Duration::from_secs(20),
        patience: Duration::from_secs(60),
        ..Policy::default()
    };
    let tell = Box::new(|_: &_, _| ());
    Retry::new(Arc::new(storage), policy, Concurrency::untold(5), tell)
}

#[test]
fn a_place_that_does_not_exist_holds_no_files() {
    on_every_storage(|storage| {
        for kind in FileKind::ALL {
            assert_eq!(listed(storage, kind), []);
        }
    });
}

#[test]
fn what_is_written_is_read_listed_and_removed() {
    on_every_storage(|storage| {
        storage.create_layout().unwrap();
        storage.create_layout().unwrap();
        for kind in FileKind::ALL {
            // Not every storage has directories, and none of them is missing.
            assert_ne!(storage.has_directory(kind).unwrap(), Some(false));
            for content in [&b"one"[..], b"", b"three"] {
                if kind == FileKind::Config && content != b"one" {
                    continue;
                }
                let file = named(kind, content);
                storage.write(file, content).unwrap();
                assert_eq!(storage.read(file, 100).unwrap(), content);
                assert_eq!(storage.size(file).unwrap(), content.len() as u64);
                assert!(listed(storage, kind).contains(&(file.id, content.len() as u64)));
            }
        }
        storage.sync().unwrap();
        let file = named(FileKind::Pack, b"one");
        storage.remove(file).unwrap();
        assert_eq!(
            storage.read(file, 100).unwrap_err().kind,
            ErrorKind::NotFound
        );
        assert_eq!(listed(storage, FileKind::Pack).len(), 2);
        assert_eq!(listed(storage, FileKind::Index).len(), 3);
    });
}

#[test]
fn an_absent_file_is_an_error_for_every_request() {
    on_every_storage(|storage| {
        storage.create_layout().unwrap();
        for kind in FileKind::ALL {
            let file = named(kind, b"absent");
            let kinds = [
                storage.read(file, 1).unwrap_err().kind,
                storage.read_range(file, 0, &mut [0]).unwrap_err().kind,
                storage.size(file).unwrap_err().kind,
            ];
            assert_eq!(kinds, [ErrorKind::NotFound; 3]);
            match storage.remove(file) {
                Err(error) => assert_eq!(error.kind, ErrorKind::NotFound),
                // A server that does not tell is not asked before a lock is removed.
                Ok(()) => assert_eq!(kind, FileKind::Lock),
            }
        }
    });
}

#[test]
fn a_range_is_read_whole_or_not_at_all() {
    on_every_storage(|storage| {
        let file = named(FileKind::Pack, b"0123456789");
        storage.write(file, b"0123456789").unwrap();
        let mut buffer = [0; 4];
        storage.read_range(file, 3, &mut buffer).unwrap();
        assert_eq!(&buffer, b"3456");
        storage.read_range(file, 6, &mut buffer).unwrap();
        assert_eq!(&buffer, b"6789");
        storage.read_range(file, 10, &mut []).unwrap();
        for offset in [7, 10, 11, u64::from(u32::MAX), i64::MAX as u64 - 10] {
            let error = storage.read_range(file, offset, &mut buffer).unwrap_err();
            assert_eq!(error.kind, ErrorKind::TooShort, "{offset}: {error}");
        }
    });
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    on_every_storage(|storage| {
        let file = named(FileKind::Index, b"0123456789");
        storage.write(file, b"0123456789").unwrap();
        assert_eq!(storage.read(file, 9).unwrap_err().kind, ErrorKind::TooLarge);
        assert_eq!(storage.read(file, 10).unwrap(), b"0123456789");
        assert!(storage.read(file, u64::MAX).is_ok());
    });
}

#[test]
fn a_file_is_never_replaced_by_another_content() {
    on_every_storage(|storage| {
        for file in [FileName::CONFIG, named(FileKind::Pack, b"mine")] {
            storage.write(file, b"mine").unwrap();
            storage.write(file, b"mine").unwrap();
            for other in [&b"other content"[..], b"me", b""] {
                let error = storage.write(file, other).unwrap_err();
                assert_eq!(error.kind, ErrorKind::Exists);
            }
            assert_eq!(storage.read(file, 100).unwrap(), b"mine");
            assert_eq!(listed(storage, file.kind).len(), 1);
        }
    });
}

#[test]
fn many_threads_write_and_list_at_the_same_time() {
    on_every_storage(|storage| {
        storage.create_layout().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                scope.spawn(move || {
                    for number in 0..20_u8 {
                        // Two threads write each file.
                        let content = [thread / 2, number];
                        storage
                            .write(named(FileKind::Pack, &content), &content)
                            .unwrap();
                        // A list takes a connection for each directory on some servers, and some need a second for it.
                        if number == 10 {
                            storage.list(FileKind::Pack).unwrap();
                        }
                    }
                });
            }
        });
        let there = listed(storage, FileKind::Pack);
        assert_eq!(there.len(), 40, "{:?}: {there:?}", storage.traits());
    });
}
