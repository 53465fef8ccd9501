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

/// An action that copies from the local container to the server.
fn copy_action(host: &Host, more: serde_json::Value) -> serde_json::Value {
    let mut keys = json!({
        "action": "copy",
        "container": host.path("container"),
        "encrypt_pass_file": host.path("own-pass"),
        "to_storage": "offsite",
        "to_container": CONTAINER,
        "to_encrypt_pass_file": host.path("pass"),
    });
    for (key, value) in more.as_object().unwrap() {
        keys[key] = value.clone();
    }
    json!({ "freezer_action": keys })
}

/// The last run of the job, and its log.
fn last_run(host: &Host, job: &str) -> (serde_json::Value, String) {
    let run = host.history(job).first().cloned().unwrap();
    (run, host.freezerd(&["log", job]).exits(0).stdout())
}

#[test]
fn a_job_copies_to_a_server_what_is_not_there_yet() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = saved(&server);
    host.put(
        "offsite",
        now(vec![copy_action(&host, json!({"dry_run": true}))]),
    );
    host.once().exits(0);
    assert_eq!(files(&server.files("")), [], "a dry run writes nothing");
    host.put("offsite", now(vec![copy_action(&host, json!({}))]));
    host.once().exits(0);
    let (run, log) = last_run(&host, "offsite");
    assert_eq!(run["actions"][0]["kind"], "copy");
    assert!(run["actions"][0]["bytes_added"].as_u64().unwrap() > 0);
    assert!(log.contains("created a repository in rest:"), "{log}");
    assert!(log.contains("2 snapshots copied"), "{log}");
    assert_clean_for_restic(&for_restic(&server), 2);

    host.file("source/third", "and another one");
    let mut save = backup(&host.path("source"), &host.path("container"));
    save["freezer_action"]["encrypt_pass_file"] = json!(host.path("own-pass"));
    let only = copy_action(&host, json!({"backup_name": "data"}));
    host.put("offsite", now(vec![save, only]));
    host.once().exits(0);
    let (_, log) = last_run(&host, "offsite");
    assert!(log.contains("1 snapshot copied"), "{log}");
    assert!(log.contains("2 there already"), "{log}");
    assert_clean_for_restic(&for_restic(&server), 3);

    // A name that no snapshot has is a mistake, and not an empty success.
    host.put(
        "offsite",
        now(vec![copy_action(&host, json!({"backup_name": "other"}))]),
    );
    host.once().exits(1);
    let (_, log) = last_run(&host, "offsite");
    assert!(
        log.contains("there is no snapshot to copy of other") && log.contains("it holds data of"),
        "{log}"
    );
}

#[test]
fn a_copy_does_not_hide_that_the_earlier_copies_are_gone() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = saved(&server);
    let disk = host.path("disk/copies");
    fs::create_dir(host.path("disk")).unwrap();
    let to_disk = |more: serde_json::Value| {
        let mut action = copy_action(&host, more);
        action["freezer_action"]["to_storage"] = json!("local");
        action["freezer_action"]["to_container"] = json!(disk);
        now(vec![action])
    };
    host.put("usb", to_disk(json!({})));
    host.once().exits(0);
    fs::remove_dir_all(&disk).unwrap();
    host.put("usb", to_disk(json!({"hostname": false})));
    host.once().exits(1);
    let (run, _) = last_run(&host, "usb");
    assert!(
        run["reason"]
            .as_str()
            .unwrap()
            .contains("allow_new_container"),
        "{run}"
    );
    assert!(!disk.exists());
    host.put("usb", to_disk(json!({"allow_new_container": true})));
    host.once().exits(0);

    let damaged = files(&host.path("container/data"));
    for (path, _) in &damaged {
        fs::remove_file(host.path("container/data").join(path)).unwrap();
    }
    fs::remove_dir_all(&disk).unwrap();
    host.put(
        "usb",
        to_disk(json!({"allow_new_container": true, "dry_run": false})),
    );
    host.once().exits(3);
    let (run, log) = last_run(&host, "usb");
    assert_eq!(run["actions"][0]["partial"], true, "{run}");
    assert!(
        log.contains("is not copied, because it is not whole"),
        "{log}"
    );
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
