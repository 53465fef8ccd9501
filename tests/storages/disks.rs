//! Servers whose disk is full, or cannot be written to.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use freezerd::storage::error::ErrorKind;
use freezerd::storage::ftp::Tls;
use freezerd::storage::rclone::Rclone;
use freezerd::storage::{FileKind, Listed, Storage};

use crate::ftp_server::{pyftpdlib, vsftpd};
use crate::rclone_programs::programs;
use crate::support::{listed, named, rest};
use crate::{rest_server, sftp_server};

/// A file system of its own in a directory of the server.
struct Mounted(PathBuf);

impl Mounted {
    fn at(path: PathBuf, options: &str) -> Option<Mounted> {
        std::fs::create_dir_all(&path).unwrap();
        let ran = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&path)
            .output();
        match ran {
            Ok(ran) if ran.status.success() => Some(Mounted(path)),
            other => {
                println!("SKIPPED: a full disk, because nothing can be mounted: {other:?}");
                None
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What a storage may say of a full disk and of one that cannot be written to.
struct Says {
    full: &'static [ErrorKind],
    read_only: &'static [ErrorKind],
}

fn check(kind: &str, top: &Path, open: impl Fn(&str) -> Box<dyn Storage>, says: &Says) {
    let Some(_full) = Mounted::at(top.join("full"), "size=3m") else {
        return;
    };
    let storage = open("full/r");
    storage.create_layout().unwrap();
    let large = vec![7; 8_000_000];
    let file = named(FileKind::Pack, &large);
    let error = storage.write(file, &large).unwrap_err();
    assert!(says.full.contains(&error.kind), "{kind}: {error}");
    // It is never there as a whole. rclone leaves an empty file of its name, which the next try replaces; no backup relies
    // on a pack that is too short. What others may leave goes.
    let whole = |it: &Listed| it.size == large.len() as u64;
    assert!(
        !storage
            .list(FileKind::Pack)
            .unwrap()
            .files
            .iter()
            .any(whole)
    );
    storage.sweep(Duration::ZERO).unwrap();
    assert_eq!(storage.list(FileKind::Pack).unwrap().strays, [], "{kind}");
    let small = vec![7; 100_000];
    let file = named(FileKind::Pack, &small);
    storage.write(file, &small).unwrap();
    assert_eq!(storage.read(file, 1 << 20).unwrap(), small, "{kind}");

    let Some(_read_only) = Mounted::at(top.join("fixed"), "ro") else {
        return;
    };
    let storage = open("fixed/r");
    let error = storage.create_layout().unwrap_err();
    assert!(says.read_only.contains(&error.kind), "{kind}: {error}");
    let error = storage.write(file, &small).unwrap_err();
    assert!(error.kind != ErrorKind::Exists, "{kind}: {error}");
    assert_eq!(listed(&*storage, FileKind::Pack), [], "{kind}");
}

#[test]
fn a_full_and_a_read_only_disk_of_a_server_are_told_and_leave_nothing_half() {
    if let Some(server) = sftp_server::Server::start() {
        let says = Says {
            full: &[ErrorKind::NoSpace],
            read_only: &[ErrorKind::ReadOnly],
        };
        let open = |path: &str| Box::new(server.storage(path)) as Box<dyn Storage>;
        check("sftp", &server.files(""), open, &says);
    }
    // The error tells that the disk may be full: the server does not say why.
    let says = Says {
        full: &[ErrorKind::Io],
        read_only: &[ErrorKind::Denied],
    };
    if let Some(server) = vsftpd::Server::start() {
        let open = |path: &str| Box::new(server.storage(path)) as Box<dyn Storage>;
        check("vsftpd", &server.files(""), open, &says);
    }
    // This one ends the connection for the data.
    let says = Says {
        full: &[ErrorKind::Unreachable],
        read_only: &[ErrorKind::Denied],
    };
    if let Some(server) = pyftpdlib::Server::start(Tls::Explicit) {
        let open = |path: &str| Box::new(server.storage(path)) as Box<dyn Storage>;
        check("pyftpdlib", &server.files(""), open, &says);
    }
    // As a server of its own, rclone tells neither: it has a fault of its own, or ends the connection while it gets the file.
    let says = Says {
        full: &[ErrorKind::Busy, ErrorKind::Unreachable],
        read_only: &[ErrorKind::Busy],
    };
    if let Some(server) = rest_server::Server::start() {
        let open = |path: &str| Box::new(rest(&server.address(path))) as Box<dyn Storage>;
        check("rest", &server.files(""), open, &says);
    }
    // As a child, it tells its log of the full disk.
    let says = Says {
        full: &[ErrorKind::NoSpace],
        ..says
    };
    for program in programs() {
        let directory = tempfile::tempdir().unwrap();
        let open = |path: &str| {
            let mut options = crate::rclone::options(&program, directory.path());
            options.remote = format!("disk:{}/{path}", directory.path().display());
            Box::new(Rclone::new(options, Box::new(|_| ()))) as Box<dyn Storage>
        };
        check("rclone", directory.path(), open, &says);
    }
}
