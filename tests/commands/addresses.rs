//! Texts that name a place elsewhere, where a container of this host is meant.

use std::fs;

use crate::harness::{Host, backup, now};

#[test]
fn an_address_is_no_directory_of_this_host() {
    let host = Host::new();
    host.file("source/file", "content");
    host.put(
        "save",
        now(vec![backup(&host.path("source"), &host.path("container"))]),
    );
    host.once().exits(0);
    let before = names(&host);
    for address in [
        "sftp:u@host:/srv/offsite",
        "s3:s3.amazonaws.com/bucket/x",
        "rest:http://h:8000/",
        "rclone:remote:x",
        "b2:bucket:x",
        "nas:/backups",
        "u@nas:backups",
        "file:///srv/x",
        "~/c",
    ] {
        for command in [
            &["copy", "save", "--to", address][..],
            &["snapshots", "--container", address],
            &["restore", "--container", address, "--to", "back"],
            &["forget", "--container", address, "--keep-last", "1"],
        ] {
            let said = host.freezerd(command).exits(64).stderr();
            assert!(said.contains(address), "{command:?}: {said}");
        }
    }
    assert_eq!(names(&host), before);
    host.freezerd(&["copy", "save", "--to", "./nas:/backups"])
        .exits(0);
    assert!(host.path("work/nas:/backups/config").is_file());
}

fn names(host: &Host) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(host.path("")).unwrap();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name()).collect();
    names.sort();
    names
}
