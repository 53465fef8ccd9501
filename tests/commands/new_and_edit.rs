//! `freezerd new` and `freezerd edit`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use serde_json::Value;

use crate::harness::Host;

/// A host with a file to back up, whose jobs directory has the private mode of an installation.
fn host() -> Host {
    let host = Host::new();
    host.file("source/file", "content");
    host
}

fn new(host: &Host, arguments: &[&str]) -> crate::harness::Ran {
    let source = host.path("source").display().to_string();
    let container = host.path("container").display().to_string();
    let password = host.path("secrets/password").display().to_string();
    let mut all = vec!["new", "--yes", "--path", &source];
    all.extend(["--container", &container, "--encrypt-pass-file", &password]);
    all.extend(arguments);
    host.freezerd(&all)
}

#[test]
fn a_new_job_is_valid_and_runs_with_the_password_that_was_made_for_it() {
    let host = host();
    let said = new(&host, &["--at", "03:25", "--keep", "30"])
        .exits(0)
        .stdout();
    assert!(said.contains("source.json"), "{said}");
    assert!(said.contains("It runs first on"), "{said}");
    assert!(said.contains("Keep a copy"), "{said}");
    let password = host.path("secrets/password");
    assert_eq!(password.metadata().unwrap().mode() & 0o777, 0o600);
    assert!(host.read("secrets/password").trim().len() >= 40);
    host.freezerd(&["check", "--strict"]).exits(0);
    let daemon = host.start();
    host.freezerd(&["trigger", "source", "--wait"]).exits(0);
    drop(daemon);
    let snapshots = host.json(&["snapshots", "source"]);
    assert_eq!(snapshots["snapshots"].as_array().unwrap().len(), 1);
}

#[test]
fn neither_a_password_nor_a_job_is_ever_replaced() {
    let host = host();
    host.file("secrets/password", "mine\n");
    let said = new(&host, &[]).exits(0).stdout();
    assert!(said.contains("was there already"), "{said}");
    assert_eq!(host.read("secrets/password"), "mine\n");
    let before = host.read("jobs.d/source.json");
    let said = new(&host, &["--keep", "7"]).exits(73).stderr();
    assert!(said.contains("freezerd edit source"), "{said}");
    assert_eq!(host.read("jobs.d/source.json"), before);
}

#[test]
fn wrong_answers_create_nothing() {
    let host = host();
    for arguments in [
        &["--at", "25:00"][..],
        &["--at", "6h"],
        &["--keep", "0"],
        &["--keep", "ever"],
        &["two/words"],
        &["--path", "/no/such/path"],
    ] {
        new(&host, arguments).exits(64);
    }
    new(&host, &["--days", "someday"]).exits(65);
    new(&host, &["--every", "often"]).exits(65);
    host.freezerd(&["new"]).exits(64);
    new(&host, &["--dry-run"]).exits(0);
    assert!(!host.path("secrets").exists());
    assert!(!host.path("jobs.d/source.json").exists());
}

#[test]
fn the_flags_choose_what_the_job_says() {
    let host = host();
    let text = new(
        &host,
        &[
            "night",
            "--every",
            "6 hours",
            "--keep",
            "all",
            "--exclude",
            "*.tmp",
            "--dry-run",
        ],
    )
    .exits(0)
    .stdout();
    let job: Value = serde_json::from_str(&text).unwrap();
    let action = &job["job_actions"][0]["freezer_action"];
    assert_eq!(action["backup_name"], "night");
    assert_eq!(action["exclude"][0], "*.tmp");
    assert_eq!(action["remove_older_than"], Value::Null);
    assert_eq!(job["job_schedule"]["schedule_interval"], "6 hours");
    let whole = host
        .freezerd(&["new", "--path", "/", "--dry-run"])
        .exits(0)
        .stdout();
    let job: Value = serde_json::from_str(&whole).unwrap();
    // The directory itself comes back with a restore: a server needs `/tmp` and `/run`.
    assert_eq!(
        job["job_actions"][0]["freezer_action"]["exclude"][0],
        "/mnt/*"
    );
    assert_eq!(
        job["job_actions"][0]["freezer_action"]["backup_name"],
        "root"
    );
}

#[test]
fn a_time_that_people_write_is_understood_and_another_kind_of_time_has_its_option() {
    let host = host();
    let text = new(&host, &["--at", "3am", "--dry-run"]).exits(0).stdout();
    let job: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(job["job_schedule"]["schedule_hour"], "3");
    assert_eq!(job["job_schedule"]["schedule_minute"], "0");
    let said = new(&host, &["--at", "6h"]).exits(64).stderr();
    assert!(said.contains("--every '6 hours'"), "{said}");
    let said = new(&host, &["--at", "25 3 * * 1-5"]).exits(64).stderr();
    assert!(said.contains("--days mon-fri --at 03:25"), "{said}");
}

#[test]
fn a_path_that_gives_no_name_gets_that_of_a_directory_above_and_the_command_says_how_to_choose() {
    let host = host();
    host.file("shop/ü/file", "content");
    let path = host.path("shop/ü").display().to_string();
    let ran = host
        .freezerd(&["new", "--yes", "--path", &path, "--dry-run"])
        .exits(0);
    let job: Value = serde_json::from_str(&ran.stdout()).unwrap();
    let action = &job["job_actions"][0]["freezer_action"];
    assert_eq!(action["backup_name"], "shop");
    let said = ran.stderr();
    assert!(said.contains("the name shop"), "{said}");
    assert!(said.contains("freezerd new NAME"), "{said}");
    let source = host.path("source").display().to_string();
    let plain = host
        .freezerd(&["new", "--yes", "--path", &source, "--dry-run"])
        .exits(0);
    assert_eq!(plain.stderr(), "");
}

/// A host with a job `source`, and an editor that runs this `sed` script.
fn edited(script: &str) -> Host {
    let host = host().env("VISUAL", &format!("sed -i -e '{script}'"));
    new(&host, &[]).exits(0);
    host
}

#[test]
fn an_edit_that_is_valid_replaces_the_file_and_keeps_its_mode() {
    let host = edited("s/90/30/");
    let file = host.path("jobs.d/source.json");
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    host.freezerd(&["edit", "source"]).exits(0);
    assert!(
        host.read("jobs.d/source.json")
            .contains("\"remove_older_than\": 30")
    );
    assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o640);
    let said = host.freezerd(&["edit", "source.json"]).exits(0).stdout();
    assert!(said.contains("is unchanged"), "{said}");
}

#[test]
fn an_edit_with_errors_is_discarded_where_nobody_can_be_asked() {
    let host = edited("s/remove_older_than/remove_older/");
    let before = host.read("jobs.d/source.json");
    let ran = host.freezerd(&["edit", "source"]).exits(65);
    assert!(
        ran.stderr().contains("remove_older_than"),
        "{}",
        ran.stderr()
    );
    assert_eq!(host.read("jobs.d/source.json"), before);
    let left = fs::read_dir(host.path("jobs.d")).unwrap().count();
    assert_eq!(left, 1, "a copy is left");
}

#[test]
fn an_edit_of_what_is_not_there_or_with_an_editor_that_fails_changes_nothing() {
    let host = edited("s/90/");
    let before = host.read("jobs.d/source.json");
    host.freezerd(&["edit", "source"]).exits(1);
    assert_eq!(host.read("jobs.d/source.json"), before);
    host.freezerd(&["edit", "other"]).exits(66);
    host.freezerd(&["edit", "../secrets/password"]).exits(66);
}

#[test]
fn a_file_that_somebody_else_changed_meanwhile_stays_and_the_edit_is_kept() {
    let host = host();
    new(&host, &[]).exits(0);
    let file = host.path("jobs.d/source.json");
    let editor = format!(
        "sh -c 'echo {{}} > {}; sed -i s/90/30/ \"$1\"' sh",
        file.display()
    );
    let host = host.env("VISUAL", &editor);
    let ran = host.freezerd(&["edit", "source"]).exits(75);
    assert!(
        ran.stderr().contains("your version is in"),
        "{}",
        ran.stderr()
    );
    assert_eq!(host.read("jobs.d/source.json"), "{}\n");
    let kept = fs::read_dir(host.path("jobs.d")).unwrap().count();
    assert_eq!(kept, 2);
}

#[test]
fn a_password_that_could_not_open_the_container_makes_no_job() {
    let host = host();
    for (content, word) in [("", "empty"), (" \n", "empty")] {
        host.file("secrets/password", content);
        let said = new(&host, &[]).exits(66).stderr();
        assert!(
            said.contains(word) && said.contains("nothing was created"),
            "{said}"
        );
    }
    fs::remove_file(host.path("secrets/password")).unwrap();
    fs::create_dir(host.path("secrets/password")).unwrap();
    new(&host, &[]).exits(66);
    fs::remove_dir(host.path("secrets/password")).unwrap();

    host.file("secrets/password", "mine\n");
    new(&host, &[]).exits(0);
    let daemon = host.start();
    host.freezerd(&["trigger", "source", "--wait"]).exits(0);
    drop(daemon);
    new(&host, &["second"]).exits(0);
    host.file("secrets/password", "another\n");
    let said = new(&host, &["third"]).exits(66).stderr();
    assert!(said.contains("does not open"), "{said}");
    fs::remove_file(host.path("secrets/password")).unwrap();
    let said = new(&host, &["third"]).exits(66).stderr();
    assert!(said.contains("has a repository already"), "{said}");
    assert!(!host.path("secrets/password").exists());
    assert!(!host.path("jobs.d/third.json").exists());
}

#[test]
fn a_credential_of_the_service_is_no_file_of_this_directory() {
    let host = host();
    let source = host.path("source").display().to_string();
    let arguments = [
        "new",
        "--yes",
        "--path",
        &source,
        "--encrypt-pass-file",
        "%d/disk",
    ];
    let said = host.freezerd(&arguments).exits(0).stdout();
    assert!(said.contains("LoadCredential="), "{said}");
    assert!(host.read("jobs.d/source.json").contains("\"%d/disk\""));
    assert!(!host.path("%d").exists());
}

#[test]
fn a_new_job_that_the_running_daemon_does_not_take_is_no_success() {
    let host = host();
    let daemon = host.start();
    let said = new(&host, &["first"]).exits(0).stdout();
    assert!(said.contains("freezerd trigger first --wait"), "{said}");
    // The daemon was started without the storage.
    let shelf = host.path("shelf").display().to_string();
    let settings =
        format!("[storage.shelf]\nkind = \"rest\"\nendpoint = \"http+unix://{shelf}:/x\"\n");
    host.file("freezerd.toml", &settings);
    let source = host.path("source").display().to_string();
    let second = ["new", "second", "--yes", "--path", &source];
    let there = ["--storage", "shelf", "--container", "www"];
    let said = host
        .freezerd(&[&second[..], &there].concat())
        .exits(65)
        .stdout();
    assert!(
        said.contains("does not load it") && said.contains("restart"),
        "{said}"
    );
    let said = host.freezerd(&["check"]).exits(0).stderr();
    assert!(said.contains("daemon-disagrees"), "{said}");
    drop(daemon);
}

#[test]
fn an_edit_never_takes_the_job_id_of_another_file() {
    let host = edited("s/\"first\"/\"source\"/");
    new(&host, &["first"]).exits(0);
    host.once().exits(0);
    let file = host.read("jobs.d/first.json");
    let mut job: Value = serde_json::from_str(&file).unwrap();
    job["job_id"] = "first".into();
    host.put("first", job);
    host.once().exits(0);
    let before = host.read("jobs.d/first.json");
    let said = host.freezerd(&["edit", "first"]).exits(65).stderr();
    assert!(
        said.contains("belongs to") && said.contains("source.json"),
        "{said}"
    );
    assert_eq!(host.read("jobs.d/first.json"), before);
}

#[test]
fn a_file_that_is_not_valid_is_not_called_unchanged_alone() {
    let host = edited("s/nothing//");
    let text = host
        .read("jobs.d/source.json")
        .replace("remove_older_than", "remove_older");
    host.file("jobs.d/source.json", &text);
    let ran = host.freezerd(&["edit", "source"]).exits(65);
    assert!(ran.stdout().contains("is not valid"), "{}", ran.stdout());
    assert!(ran.stderr().contains("remove_older"), "{}", ran.stderr());
}

#[test]
fn a_file_that_was_not_read_or_is_not_valid_is_not_an_unknown_job() {
    let host = host();
    host.once().exits(0);
    new(&host, &["fresh"]).exits(0);
    let said = host.freezerd(&["show", "fresh"]).exits(66).stderr();
    assert!(said.contains("fresh.json is there"), "{said}");
    host.put_text("broken.json", "{");
    host.once();
    for command in [
        &["show", "broken"][..],
        &["next", "broken"],
        &["snapshots", "broken"],
    ] {
        let said = host.freezerd(command).exits(65).stderr();
        assert!(said.contains("broken.json is invalid"), "{said}");
    }
}
