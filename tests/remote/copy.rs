//! `freezerd copy`: from a container on this host to one on a server, and back, with restic as the judge.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::harness::{Host, backup, now};
use crate::rest_server::Server;
use crate::site::{CONTAINER, assert_clean_for_restic, files, for_restic, host};

/// A host that has backed up its source twice to a local container with a password of its own.
fn saved(server: &Server) -> Host {
    let host = host(&server.address(""), "");
    let own = host.file("own-pass", "another password\n");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o600)).unwrap();
    let mut save = backup(&host.path("source"), &host.path("container"));
    save["freezer_action"]["encrypt_pass_file"] = json!(own);
    host.put("save", now(vec![save.clone()]));
    host.once().exits(0);
    host.file("source/later", "one more");
    host.put("save", now(vec![save]));
    host.once().exits(0);
    host
}

fn copy(host: &Host, more: &[&str]) -> crate::harness::Ran {
    let pass = host.path("pass");
    let to = ["copy", "save", "--to", CONTAINER, "--to-storage", "offsite"];
    let with = ["--to-pass-file", pass.to_str().unwrap()];
    host.freezerd(&[&to[..], &with, more].concat())
}

#[test]
fn snapshots_are_copied_to_a_server_once_and_restored_from_there() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = saved(&server);
    let planned = copy(&host, &["--dry-run", "--json"]).exits(0).json();
    assert_eq!(planned["snapshots"][0]["result"], "would_copy");
    assert_eq!(files(&server.files("")), [], "a dry run writes nothing");
    let done = copy(&host, &["--json"]).exits(0).json();
    assert_eq!(done["snapshots"].as_array().unwrap().len(), 2);
    assert!(
        done["snapshots"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["result"] == "copied")
    );
    assert!(done["pieces"].as_u64().unwrap() > 0);
    assert_clean_for_restic(&for_restic(&server), 2);
    let again = copy(&host, &["--json"]).exits(0).json();
    assert_eq!(
        (&again["pieces"], &again["snapshots"][0]["result"]),
        (&json!(0), &json!("there_already"))
    );
    assert_clean_for_restic(&for_restic(&server), 2);

    let pass = host.path("pass");
    let target = host.path("target");
    let place = ["--storage", "offsite", "--container", CONTAINER];
    let copied = done["snapshots"][1]["copy"].as_str().unwrap();
    let words = [&["restore", "--snapshot", copied][..], &place].concat();
    let more = [
        "--encrypt-pass-file",
        pass.to_str().unwrap(),
        "--to",
        target.to_str().unwrap(),
    ];
    host.freezerd(&[&words[..], &more].concat()).exits(0);
    assert_eq!(files(&target), files(&host.path("source")));
}

#[test]
fn a_copy_that_cannot_be_made_says_why() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = saved(&server);
    let container = host.path("container");
    let same = host.freezerd(&["copy", "save", "--to", container.to_str().unwrap()]);
    assert!(
        same.exits(64)
            .stderr()
            .contains("that is the container that is copied")
    );
    let nowhere = host.freezerd(&["copy", "save", "--to", "x", "--to-storage", "nowhere"]);
    assert!(nowhere.exits(66).stderr().contains("--to-storage nowhere"));
    let unknown = copy(&host, &["--snapshot", "abcdefab"]);
    assert!(unknown.exits(66).stderr().contains("abcdefab"));
    copy(&host, &[]).exits(0);
    let wrong = host.path("own-pass");
    let to = ["copy", "save", "--to", CONTAINER, "--to-storage", "offsite"];
    let with = ["--to-pass-file", wrong.to_str().unwrap()];
    let refused = host.freezerd(&[&to[..], &with].concat());
    assert!(
        refused.stderr().contains("password"),
        "{}",
        refused.stderr()
    );

    let damaged = files(&container.join("data"));
    let largest = damaged
        .iter()
        .max_by_key(|(_, content)| content.len())
        .unwrap();
    fs::remove_file(container.join("data").join(&largest.0)).unwrap();
    let other = host.path("other");
    let pass = host.path("pass");
    let words = ["copy", "save", "--to", other.to_str().unwrap()];
    let with = ["--to-pass-file", pass.to_str().unwrap(), "--json"];
    let partial = host.freezerd(&[&words[..], &with].concat()).exits(3).json();
    assert_eq!(partial["snapshots"][0]["result"], "not_whole");
}
