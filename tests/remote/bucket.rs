//! A host whose `freezerd.toml` names a bucket, and `restic` on the same bucket.

use std::path::Path;

use serde_json::Value;

use crate::harness::Host;
use crate::restic_support::{PASSWORD, Restic, restics};
use crate::s3_server::{ACCESS_KEY, SECRET_KEY, Server};

/// The storage `offsite` is a new bucket of the server.
pub fn in_bucket(host: &Host, server: &Server) -> String {
    let bucket = server.new_bucket();
    define(host, &server.endpoint(), &bucket, &keys(host));
    bucket
}

/// The keys of the storage that name the access key.
pub fn keys(host: &Host) -> String {
    let file = host.file("secret-key", &format!("{SECRET_KEY}\n"));
    let file = file.display();
    format!("access_key = \"{ACCESS_KEY}\"\nsecret_key_file = \"{file}\"")
}

/// Writes `freezerd.toml`.
pub fn define(host: &Host, endpoint: &str, bucket: &str, more: &str) {
    host.file(
        "freezerd.toml",
        &format!(
            "[storage.offsite]\nkind = \"s3\"\nendpoint = \"{endpoint}\"\nbucket = \"{bucket}\"\n{more}\n"
        ),
    );
}

/// The container as `restic` names it.
pub fn for_restic(server: &Server, bucket: &str) -> String {
    server.location(&format!("{bucket}/hosts/web%201"))
}

/// What restic prints.
#[track_caller]
pub fn restic(restic: &Restic, repository: &str, arguments: &[&str]) -> String {
    let ran = restic
        .command(Path::new(repository), PASSWORD)
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .args(arguments)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success(),
        "{:?} {arguments:?}: {error}",
        restic.0
    );
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// Both versions of restic find nothing wrong in the container, and see this many snapshots.
#[track_caller]
pub fn assert_clean_for_restic(repository: &str, snapshots: usize) {
    for version in restics() {
        restic(&version, repository, &["check", "--read-data"]);
        let listed = restic(&version, repository, &["snapshots", "--json"]);
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed.len(), snapshots);
    }
}
