//! A host whose `freezerd.toml` names a server, and jobs that use it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Host, backup, restore};
use crate::rest_server::{PASSWORD as SERVER_PASSWORD, USER};
use crate::restic_support::{PASSWORD, restics};

/// The name of the container in the storage `offsite`.
pub const CONTAINER: &str = "hosts/web 1";

/// A host with a source, a pass file, and the storage `offsite` at this address.
pub fn host(address: &str, more: &str) -> Host {
    let host = Host::new();
    for (name, secret) in [("pass", PASSWORD), ("server-pass", SERVER_PASSWORD)] {
        let file = host.file(name, &format!("{secret}\n"));
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    define(&host, address, more);
    host.file("source/letter", "Dear reader");
    host.file("source/deep/data", &"0123456789".repeat(20_000));
    host
}

/// Writes `freezerd.toml`.
pub fn define(host: &Host, address: &str, more: &str) {
    host.file(
        "freezerd.toml",
        &format!(
            "[storage.offsite]\nkind = \"rest\"\nendpoint = \"{address}\"\nusername = \"{USER}\"\n\
             password_file = \"{}\"\n{more}\n",
            host.path("server-pass").display()
        ),
    );
}

/// The action with the container in the storage.
pub fn offsite(host: &Host, mut action: Value) -> Value {
    let keys = &mut action["freezer_action"];
    keys["storage"] = json!("offsite");
    keys["container"] = json!(CONTAINER);
    keys["encrypt_pass_file"] = json!(host.path("pass"));
    action
}

/// A backup of the source.
pub fn saved(host: &Host) -> Value {
    offsite(host, backup(&host.path("source"), Path::new("/")))
}

/// A restore into `target`.
pub fn restored(host: &Host) -> Value {
    offsite(host, restore(Path::new("/"), &host.path("target")))
}

/// Any other action.
pub fn action(host: &Host, keys: Value) -> Value {
    offsite(host, json!({ "freezer_action": keys }))
}

/// The regular files below a directory with their content.
pub fn files(top: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut pending = vec![top.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).unwrap().flatten() {
            let path = entry.path();
            match entry.file_type().unwrap().is_dir() {
                true => pending.push(path),
                false => {
                    let content = fs::read(&path).unwrap();
                    found.push((path.strip_prefix(top).unwrap().to_owned(), content));
                }
            }
        }
    }
    found.sort();
    found
}

/// Both versions of restic find nothing wrong in the container, and see this many snapshots.
pub fn assert_clean_for_restic(repository: &str, snapshots: usize) {
    let repository = Path::new(repository);
    for restic in restics() {
        restic.run(repository, &["check", "--read-data"]);
        let listed = restic.run(repository, &["snapshots", "--json"]);
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed.len(), snapshots);
    }
}

/// The container as `restic` names it.
pub fn for_restic(server: &crate::rest_server::Server) -> String {
    server.for_restic("hosts/web%201")
}
