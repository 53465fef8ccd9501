//! `freezerd adopt`: a host has got another name, and goes on with its snapshots.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Host, backup, now};
use crate::restic_support::{PASSWORD, restics};

/// A host with a job `save` that made snapshots under the name `old`, and has another name now.
fn renamed(snapshots: u32) -> Host {
    let host = Host::new();
    let pass = host.file("pass", PASSWORD);
    fs::set_permissions(&pass, fs::Permissions::from_mode(0o600)).unwrap();
    for number in 0..snapshots {
        host.file("source/file", &format!("content {number}"));
        put(&host, json!({"hostname": "old"}));
        run_anew(&host);
    }
    put(&host, json!({}));
    fs::remove_dir_all(host.path("state")).unwrap();
    host
}

/// Runs what is due, on a host that knows of no earlier runs.
fn run_anew(host: &Host) {
    if host.path("state").exists() {
        fs::remove_dir_all(host.path("state")).unwrap();
    }
    host.once().exits(0);
}

/// The job `save`, with more keys in its backup.
fn put(host: &Host, more: Value) {
    let mut save = backup(&host.path("source"), &host.path("container"));
    save["freezer_action"]["encrypt_pass_file"] = json!(host.path("pass"));
    save["freezer_action"]["hostname"] = json!("new");
    for (key, value) in more.as_object().unwrap() {
        save["freezer_action"][key] = value.clone();
    }
    host.put("save", now(vec![save]));
}

fn snapshots(host: &Host) -> Vec<Value> {
    let listed = host.json(&[
        "snapshots",
        "--container",
        host.path("container").to_str().unwrap(),
        "--encrypt-pass-file",
        host.path("pass").to_str().unwrap(),
    ]);
    listed["snapshots"].as_array().unwrap().clone()
}

fn hosts(host: &Host) -> Vec<String> {
    let of = |it: &Value| it["host"].as_str().unwrap().to_owned();
    snapshots(host).iter().map(of).collect()
}

#[test]
fn a_backup_goes_on_with_the_snapshots_of_an_earlier_host_name_after_they_are_adopted() {
    let host = renamed(2);
    // The first backup under the new name names the command, and so does doctor.
    host.once().exits(0);
    let log = host.freezerd(&["log", "save"]).exits(0).stdout();
    let command = "freezerd adopt save --from-host old";
    assert!(log.contains(command), "{log}");
    assert!(log.contains("level 0"), "{log}");
    let findings = host.json(&["doctor"]);
    let found = findings["findings"].as_array().unwrap().iter();
    let helps: Vec<&str> = found.filter_map(|it| it["help"].as_str()).collect();
    assert!(helps.iter().any(|help| help.contains(command)), "{helps:?}");

    // What is proposed works.
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let refused = host.freezerd(&words).exits(64);
    assert!(refused.stderr().contains("--yes"), "{}", refused.stderr());
    let mut dry = words.clone();
    dry.push("--dry-run");
    let rehearsed = host.json(&dry);
    assert_eq!(rehearsed["snapshots"].as_array().unwrap().len(), 2);
    assert_eq!(rehearsed["snapshots"][0]["new_id"], Value::Null);
    assert_eq!(hosts(&host), ["old", "old", "new"]);
    let mut yes = words.clone();
    yes.push("--yes");
    let done = host.json(&yes);
    assert_eq!(hosts(&host), ["new", "new", "new"]);
    assert_eq!(done["snapshots"][0]["new_id"], snapshots(&host)[0]["id"]);
    // The second time, there is nothing to do.
    host.freezerd(&yes).exits(66);
    let findings = host.freezerd(&["doctor"]).stdout();
    assert!(!findings.contains("adopt"), "{findings}");

    // Removal by age applies to them, and a backup has the newest one as its parent.
    put(&host, json!({"remove_older_than": 0.0000001}));
    run_anew(&host);
    let log = host.freezerd(&["log", "save"]).exits(0).stdout();
    assert!(log.contains("level 1, parent "), "{log}");
    assert!(log.contains("removed 3 snapshots"), "{log}");
    assert_eq!(hosts(&host), ["new"]);
}

#[test]
fn a_removal_by_age_names_the_old_snapshots_of_an_earlier_host_name() {
    let host = renamed(2);
    put(&host, json!({"remove_older_than": 0.0000001}));
    host.once().exits(0);
    let log = host.freezerd(&["log", "save"]).exits(0).stdout();
    assert!(
        log.contains("2 snapshots of data that are this old"),
        "{log}"
    );
    assert!(
        log.contains("`freezerd adopt save --from-host old`"),
        "{log}"
    );
    assert_eq!(hosts(&host), ["old", "old", "new"]);
}

#[test]
fn restic_reads_what_was_adopted_and_what_restic_renamed_can_be_adopted() {
    for restic in restics() {
        let host = renamed(1);
        host.once().exits(0);
        let container = host.path("container");
        host.freezerd(&["adopt", "save", "--from-host", "old", "--yes"])
            .exits(0);
        restic.run(&container, &["check", "--read-data"]);
        let listed = restic.run(&container, &["snapshots", "--json"]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        for snapshot in listed.as_array().unwrap() {
            assert_eq!(snapshot["hostname"], "new");
            let id = snapshot["id"].as_str().unwrap();
            let target = host.path("restic").join(id);
            restic.run(
                &container,
                &["restore", id, "--target", target.to_str().unwrap()],
            );
            let source = host.path("source");
            let file = source.strip_prefix("/").unwrap().join("file");
            assert_eq!(fs::read_to_string(target.join(file)).unwrap(), "content 0");
        }

        // restic drops the backup name, which it does not know.
        let renames = restic.output(
            &container,
            &["rewrite", "--new-host", "other", "--forget", "latest"],
        );
        if !renames.status.success() {
            // This version does not rename hosts.
            continue;
        }
        let is_unnamed = |it: &&Value| it["host"] == "other" && it["backup_name"] == "";
        assert_eq!(snapshots(&host).iter().filter(is_unnamed).count(), 1);
        let yes = [
            "adopt",
            "save",
            "--from-host",
            "other",
            "--from-name",
            "",
            "--yes",
        ];
        host.freezerd(&yes).exits(0);
        assert_eq!(hosts(&host), ["new", "new"]);
        assert!(
            snapshots(&host)
                .iter()
                .all(|it| it["backup_name"] == "data")
        );
    }
}

#[test]
fn only_snapshots_with_a_path_of_the_job_are_taken() {
    let host = renamed(1);
    let other = host.file("other/file", "x");
    let mut save = backup(other.parent().unwrap(), &host.path("container"));
    save["freezer_action"]["encrypt_pass_file"] = json!(host.path("pass"));
    save["freezer_action"]["hostname"] = json!("elsewhere");
    host.put("other", now(vec![save]));
    host.once().exits(0);
    let said = host.freezerd(&["adopt", "save", "--from-host", "elsewhere", "--yes"]);
    assert!(
        said.stderr().contains("path_to_backup"),
        "{}",
        said.stderr()
    );
    said.exits(66);
    let id = snapshots(&host)
        .iter()
        .find(|it| it["host"] == "old")
        .unwrap()["id"]
        .as_str()
        .unwrap()[..10]
        .to_owned();
    host.freezerd(&["adopt", "save", "--snapshot", &id, "--yes"])
        .exits(0);
    let mut hosts = hosts(&host);
    hosts.sort();
    assert_eq!(hosts, ["elsewhere", "new", "new"]);
    for (wrong, code) in [
        (&["adopt", "save", "--yes"][..], 64),
        (&["adopt", "save", "--snapshot", "zz", "--yes"], 66),
        (&["adopt", "nothing", "--from-host", "old", "--yes"], 66),
        (&["adopt", "save", "--from-host", "nobody", "--yes"], 66),
    ] {
        host.freezerd(wrong).exits(code);
    }
}

#[test]
fn an_adoption_that_is_killed_is_finished_by_the_next_one() {
    for (point, times) in [("SnapshotBegins", 3), ("SnapshotRemoved", 2)] {
        for at in 1..=times {
            let host = renamed(3);
            host.once().exits(0);
            let mut command: Command =
                host.command(&["adopt", "save", "--from-host", "old", "--yes"]);
            command
                .env("FREEZERD_KILL_TRACE", host.path("trace"))
                .env("FREEZERD_KILL_AT", format!("{point}:{at}:both"));
            let ended = command.output().unwrap();
            assert!(!ended.status.success(), "{point} {at}");
            assert!(snapshots(&host).len() >= 4, "{point} {at}");
            host.freezerd(&["adopt", "save", "--from-host", "old", "--yes"])
                .exits(0);
            assert_eq!(hosts(&host), ["new"; 4], "{point} {at}");
        }
    }
}

#[test]
fn snapshots_of_restic_of_the_same_paths_are_named_with_the_command_that_adopts_them() {
    for restic in restics() {
        let host = Host::new();
        let pass = host.file("pass", PASSWORD);
        fs::set_permissions(&pass, fs::Permissions::from_mode(0o600)).unwrap();
        host.file("source/file", "content");
        let container = host.path("container");
        restic.run(&container, &["init"]);
        let source = host.path("source");
        restic.run(
            &container,
            &["backup", "--host", "new", source.to_str().unwrap()],
        );
        // One without a name needs none to be restored.
        let of = ["--container", container.to_str().unwrap()];
        let pass_file = ["--encrypt-pass-file", pass.to_str().unwrap()];
        let restore = [&["restore", "--to", "../to"], &of[..], &pass_file].concat();
        host.freezerd(&restore).exits(0);
        put(&host, json!({}));
        host.once().exits(0);
        let command = "freezerd adopt save --from-name \'\'";
        let log = host.freezerd(&["log", "save"]).exits(0).stdout();
        assert!(log.contains(command), "{log}");
        let said = host.freezerd(&["doctor"]).stdout();
        assert!(said.contains(command), "{said}");
        host.freezerd(&["adopt", "save", "--from-name", "", "--yes"])
            .exits(0);
        let said = host.freezerd(&["doctor"]).stdout();
        assert!(!said.contains(command), "{said}");
    }
}
