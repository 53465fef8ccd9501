//! A job of several backups: `snapshots` shows all of them, and commands for one ask which.

use serde_json::{Value, json};

use crate::harness::{Host, backup, now};

/// A job whose two backups of `etc` and `www` have the same name.
fn host() -> Host {
    let host = Host::new();
    host.file("etc/fstab", "fstab");
    host.file("www/page", "page");
    let container = host.path("container");
    let actions = ["etc", "www"].map(|name| backup(&host.path(name), &container));
    host.put("save", now(actions.to_vec()));
    host.once().exits(0);
    host
}

#[test]
fn snapshots_shows_the_path_and_the_action_of_all_backups_of_a_job() {
    let host = host();
    let rows = host.json(&["snapshots", "save"]);
    let about = |row: &Value| (row["action"].clone(), row["paths"].clone());
    let rows: Vec<_> = rows["snapshots"]
        .as_array()
        .unwrap()
        .iter()
        .map(about)
        .collect();
    assert_eq!(
        rows,
        [
            (json!(1), json!([host.path("etc")])),
            (json!(2), json!([host.path("www")])),
        ]
    );
    let text = host.freezerd(&["snapshots", "save"]).exits(0).stdout();
    assert!(text.contains("ACTION") && text.contains("PATHS"), "{text}");
    let www = host.path("www");
    for choice in [["--action", "2"], ["--source", www.to_str().unwrap()]] {
        let rows = host.json(&["snapshots", "save", choice[0], choice[1]]);
        let rows = rows["snapshots"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{choice:?}");
        assert_eq!(rows[0]["paths"], json!([www]));
    }
}

#[test]
fn an_action_and_a_path_of_another_action_contradict_each_other() {
    let host = host();
    let (etc, www) = (host.path("etc"), host.path("www"));
    let choice = ["--action", "2", "--source"];
    for command in [&["restore", "save", "--to", "back"][..], &["ls", "save"]] {
        let with = |path: &std::path::Path| {
            host.freezerd(&[command, &choice, &[path.to_str().unwrap()]].concat())
        };
        let said = with(&etc).exits(64).stderr();
        assert!(said.contains("path of action 1"), "{said}");
        assert!(!host.path("back").exists());
        with(&www).exits(0);
    }
}

#[test]
fn a_restore_of_a_job_of_several_backups_asks_which() {
    let host = host();
    let asked = host
        .freezerd(&["restore", "save", "--to", "../a"])
        .exits(64);
    let said = asked.stderr();
    for text in [
        "action 1", "action 2", "/etc", "/www", "--action", "--source", "--all",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    assert!(!host.path("a").exists());
    let www = host.path("www");
    let page = host.path("www/page");
    for (number, choice) in [
        ["--action", "2"],
        ["--source", www.to_str().unwrap()],
        ["--path", page.to_str().unwrap()],
        ["--path", www.to_str().unwrap()],
    ]
    .iter()
    .enumerate()
    {
        let target = format!("../t{number}");
        host.freezerd(&["restore", "save", "--to", &target, choice[0], choice[1]])
            .exits(0);
        assert_eq!(host.read(&format!("t{number}/page")), "page");
    }
    let nowhere = host
        .freezerd(&["restore", "save", "--to", "../b", "--path", "/nowhere"])
        .exits(64);
    assert!(nowhere.stderr().contains("none of the job's backups"));
}

#[test]
fn all_backups_are_restored_each_to_a_directory_of_its_own() {
    let host = host();
    let ran = host
        .freezerd(&["restore", "save", "--to", "../all", "--all"])
        .exits(0);
    assert_eq!(ran.stdout().matches("Restored into ").count(), 2);
    assert_eq!(host.read("all/1-data/fstab"), "fstab");
    assert_eq!(host.read("all/2-data/page"), "page");
    let target = host.path("all");
    let target = target.to_str().unwrap();
    let outcome = host.json(&["restore", "save", "--to", target, "--all"]);
    let restores = outcome["restores"].as_array().unwrap();
    assert_eq!(restores.len(), 2);
    assert_eq!(
        (&restores[1]["action"], &restores[1]["target"]),
        (&json!(2), &json!(host.path("all/2-data")))
    );
}

#[test]
fn commands_that_look_into_one_snapshot_ask_which_backup_is_meant() {
    let host = host();
    let asked = host.freezerd(&["ls", "save"]).exits(64);
    assert!(asked.stderr().contains("--action N or --source PATH"));
    let www = host.path("www");
    for choice in [["--action", "2"], ["--source", www.to_str().unwrap()]] {
        let listed = host
            .freezerd(&["ls", "save", choice[0], choice[1]])
            .exits(0);
        assert!(listed.stdout().contains("page"));
        assert!(!listed.stdout().contains("fstab"));
    }
    host.freezerd(&["key", "list", "save"]).exits(0);
    host.freezerd(&["unlock", "save"]).exits(0);
}
