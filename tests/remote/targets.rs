//! Backups with several targets: a container on this host and one on a server, of which one may be down.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Host, backup, now};
use crate::rest_server::Server;
use crate::restic_support::restics;
use crate::site::{CONTAINER, assert_clean_for_restic, define, files, for_restic, host};

/// A backup to the local container, and to the server as a further target.
fn both(host: &Host) -> Value {
    let pass = host.path("pass");
    let mut action = backup(&host.path("source"), &host.path("container"));
    let keys = &mut action["freezer_action"];
    keys["encrypt_pass_file"] = json!(pass);
    keys["targets"] =
        json!([{"storage": "offsite", "container": CONTAINER, "encrypt_pass_file": pass}]);
    action
}

/// Runs the job `save` once. Returns the run and its log.
#[track_caller]
fn run(host: &Host, action: Value, exit: i32) -> (Value, String) {
    host.put("save", now(vec![action]));
    host.once().exits(exit);
    let run = host.history("save").first().cloned().unwrap();
    (run, host.freezerd(&["log", "save"]).exits(0).stdout())
}

fn results(run: &Value) -> Vec<&str> {
    let actions = run["actions"].as_array().unwrap().iter();
    actions
        .map(|action| action["exit_status"].as_str().unwrap_or("none"))
        .collect()
}

#[test]
fn a_backup_reaches_each_of_its_targets_and_reads_its_source_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    let (first, log) = run(&host, both(&host), 0);
    assert_eq!(results(&first), ["success", "success"]);
    assert!(log.contains("copying the new snapshot"), "{log}");
    host.file("source/later", "one more");
    let (second, _) = run(&host, both(&host), 0);
    assert_eq!(results(&second), ["success", "success"]);
    // Each action has the name of its storage; this host is none.
    let shown = host.show("save")["x-freezerd"]["last_run"].clone();
    for run in [&second, &shown] {
        let storages = [0, 1].map(|action| run["actions"][action].get("storage"));
        assert_eq!(storages, [None, Some(&json!("offsite"))], "{run:#}");
    }
    assert_clean_for_restic(&for_restic(&server), 2);
    assert_clean_for_restic(host.path("container").to_str().unwrap(), 2);
    let trees = |repository: &str| {
        let restic = restics().into_iter().next().unwrap();
        let listed = restic.run(Path::new(repository), &["snapshots", "--json"]);
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        let trees = listed.iter().map(|it| it["tree"].to_string());
        trees.collect::<Vec<_>>()
    };
    let local = host.path("container");
    assert_eq!(
        trees(local.to_str().unwrap()),
        trees(&for_restic(&server)),
        "the targets have the same files"
    );
    let listed = host.freezerd(&["snapshots", "save", "--json"]).exits(0);
    assert_eq!(listed.json()["snapshots"].as_array().unwrap().len(), 4);
}

#[test]
fn a_target_that_is_down_costs_only_itself() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host("http://127.0.0.1:1/", "network_wait = \"off\"");
    let (run_without_server, log) = run(&host, both(&host), 1);
    assert_eq!(results(&run_without_server), ["success", "fail"], "{log}");
    let shown = host.json(&["show", "save"]);
    assert_eq!(shown["job_actions"][0]["exit_status"], "fail");
    let target = host.path("target");
    let to = ["restore", "save", "--to", target.to_str().unwrap()];
    host.freezerd(&to).exits(0);
    assert_eq!(files(&target), files(&host.path("source")));

    define(&host, &server.address(""), "");
    let (with_server, _) = run(&host, both(&host), 0);
    assert_eq!(results(&with_server), ["success", "success"]);
    assert_clean_for_restic(&for_restic(&server), 1);

    // The disk of the first target is not mounted any more: the source is read for the other one.
    let container = host.path("container");
    fs::rename(&container, host.path("elsewhere")).unwrap();
    host.file("source/later", "one more");
    let (without_disk, log) = run(&host, both(&host), 1);
    assert_eq!(results(&without_disk), ["fail", "success"], "{log}");
    assert!(!container.exists());
    assert_clean_for_restic(&for_restic(&server), 2);
    fs::remove_dir_all(&target).unwrap();
    let restored = host.freezerd(&to).exits(0);
    assert!(
        restored.stderr().contains("using the target rest:"),
        "{}",
        restored.stderr()
    );
    assert_eq!(files(&target), files(&host.path("source")));
    let listed = host.freezerd(&["snapshots", "save", "--json"]).exits(3);
    assert_eq!(listed.json()["snapshots"].as_array().unwrap().len(), 2);
    fs::rename(host.path("elsewhere"), &container).unwrap();
    let (again, _) = run(&host, both(&host), 0);
    assert_eq!(results(&again), ["success", "success"]);
    let action = host.freezerd(&["ls", "save", "--action", "2"]).exits(0);
    assert!(action.stdout().contains("later"));
}

#[test]
fn only_the_target_that_failed_is_tried_again_and_each_keeps_its_own_age() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    run(&host, both(&host), 0);
    let mut action = both(&host);
    action["freezer_action"]["targets"][0]["remove_older_than"] = json!(1e-9);
    run(&host, action, 0);
    assert_clean_for_restic(host.path("container").to_str().unwrap(), 2);
    assert_clean_for_restic(&for_restic(&server), 1);

    define(&host, "http://127.0.0.1:1/", "network_wait = \"off\"");
    let mut action = both(&host);
    action["max_retries"] = json!(1);
    action["max_retries_interval"] = json!(1);
    let (failed, _) = run(&host, action, 1);
    let attempts = failed["actions"].as_array().unwrap().iter();
    let attempts: Vec<_> = attempts
        .map(|it| it["attempts"].as_u64().unwrap())
        .collect();
    assert_eq!(attempts, [1, 2]);
}

#[test]
fn a_restore_takes_the_container_that_is_named_with_the_password_that_the_job_has_for_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    let other = host.file("other-pass", "another password\n");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    let mut action = both(&host);
    action["freezer_action"]["targets"][0]["encrypt_pass_file"] = json!(other);
    let (run, _) = run(&host, action, 0);
    let local = host.path("container");
    let moved = host.path("moved");
    let far = format!("rest:http://{}/hosts/web%201/", server.authority);
    assert_eq!(run["actions"][0]["container"], json!(local));
    assert_eq!(run["actions"][1]["container"], json!(far));
    let shown = host.freezerd(&["show", "save"]).exits(0).stdout();
    assert!(shown.contains(&format!("2. backup in {far}")), "{shown}");
    fs::rename(&local, &moved).unwrap();

    let from = |more: &[&str]| {
        let target = host.path("target");
        let _ = fs::remove_dir_all(&target);
        let words = [
            "restore",
            "save",
            "--json",
            "--to",
            target.to_str().unwrap(),
        ];
        let ran = host.freezerd(&[&words[..], more].concat()).exits(0);
        assert!(!ran.stderr().contains("left out"), "{}", ran.stderr());
        assert_eq!(files(&target), files(&host.path("source")));
        ran.json()["container"].clone()
    };
    let offsite = ["--storage", "offsite", "--container", CONTAINER];
    assert_eq!(from(&offsite), json!(far));
    // It is not a container of the job, so the password is that of the job's first.
    let disk = ["--container", moved.to_str().unwrap()];
    assert_eq!(from(&disk), json!(moved));
    let listed = [&["snapshots", "save"], &disk[..]].concat();
    let listed = host.json(&listed);
    assert_eq!(listed["snapshots"].as_array().unwrap().len(), 1);
}

#[test]
fn an_option_that_is_about_a_job_needs_one() {
    let host = Host::new();
    for option in [&["--action", "1"][..], &["--all"]] {
        let words = [
            "restore",
            "--container",
            "/c",
            "--backup-name",
            "b",
            "--to",
            "t",
        ];
        let told = host
            .freezerd(&[&words[..], option].concat())
            .exits(64)
            .stderr();
        assert!(told.contains("no job is named"), "{told}");
    }
}
