//! `restore` by hand: a part of a snapshot, what it deletes, and words that are true.

use serde_json::json;

use crate::harness::{Host, backup, now};

fn host() -> Host {
    let host = Host::new();
    host.file("source/fstab", "fstab");
    host.file("source/ssh/server.conf", "server");
    let save = backup(&host.path("source"), &host.path("container"));
    host.put("save", now(vec![save]));
    host.once().exits(0);
    host
}

#[test]
fn a_path_and_patterns_restore_a_part() {
    let host = host();
    let path = host.path("source/ssh");
    let path = path.to_str().unwrap();
    host.freezerd(&["restore", "save", "--to", "../a", "--path", path])
        .exits(0);
    assert_eq!(host.read("a/server.conf"), "server");
    host.freezerd(&["restore", "save", "--to", "../b", "--include", "*.conf"])
        .exits(0);
    assert_eq!(host.read("b/ssh/server.conf"), "server");
    assert!(!host.path("b/fstab").exists());
    host.freezerd(&[
        "restore",
        "save",
        "--to",
        "../c",
        "--exclude",
        "/ssh",
        "--verify",
    ])
    .exits(0);
    assert!(host.path("c/fstab").exists() && !host.path("c/ssh").exists());

    let partial = host
        .freezerd(&[
            "restore",
            "save",
            "--to",
            "../d",
            "--include",
            "fstab",
            "--include",
            "x",
        ])
        .exits(3);
    assert!(partial.stdout().contains("x: this pattern matches nothing"));
    let nothing = host
        .freezerd(&["restore", "save", "--to", "../e", "--include", "x"])
        .exits(66);
    assert!(
        nothing
            .stderr()
            .contains("nothing in the snapshot matches x")
    );
    assert_eq!(
        nothing.stderr().matches("nothing was restored").count(),
        1,
        "a reason is told once: {}",
        nothing.stderr()
    );
    let relative = host
        .freezerd(&["restore", "save", "--to", "../f", "--path", "source/ssh"])
        .exits(64);
    assert!(relative.stderr().contains("expected the absolute path"));
}

#[test]
fn latest_is_the_newest_snapshot_of_the_job() {
    let host = host();
    let restore = ["restore", "save", "--to", "../a", "--snapshot", "latest"];
    host.freezerd(&restore).exits(0);
    assert_eq!(host.read("a/fstab"), "fstab");
}

#[test]
fn a_dry_run_says_what_would_be_done_and_never_that_it_was() {
    let host = host();
    let source = host.path("source");
    let source = source.to_str().unwrap();
    host.file("source/new", "new");
    host.file("source/fstab", "changed");
    let all = [
        "restore",
        "save",
        "--to",
        source,
        "--overwrite",
        "--delete-extra",
    ];
    let dry = [&all[..], &["--dry-run"]].concat();
    let ran = host.freezerd(&dry).exits(0);
    let text = ran.stdout();
    assert!(text.starts_with("Would restore into "), "{text}");
    assert!(text.contains("1 entry to delete") && text.contains("Nothing was changed"));
    assert!(!(text + &ran.stderr()).contains("deleted new"));
    assert!(ran.stderr().contains("would delete new"));
    assert!(ran.stderr().contains("would replace fstab"));
    let outcome = host.json(&dry);
    assert_eq!(outcome["dry_run"], true);
    assert_eq!(outcome["summary"]["entries_to_delete"], 1);
    assert_eq!(host.read("source/new"), "new");

    let outcome = host.json(&all);
    assert_eq!(
        (
            &outcome["dry_run"],
            &outcome["target"],
            &outcome["summary"]["entries_deleted"]
        ),
        (&json!(false), &json!(source), &json!(1))
    );
    assert!(!host.path("source/new").exists());
    assert_eq!(host.read("source/fstab"), "fstab");
}

#[test]
fn a_restore_does_not_delete_around_the_state_directory() {
    let host = host();
    let around = host.path("");
    let refused = host
        .freezerd(&[
            "restore",
            "save",
            "--to",
            around.to_str().unwrap(),
            "--delete-extra",
        ])
        .exits(1);
    assert!(
        refused.stderr().contains("cannot delete anything in"),
        "{}",
        refused.stderr()
    );
    assert_eq!(host.read("source/fstab"), "fstab");
}
