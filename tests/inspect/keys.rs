//! `freezerd key`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::restic_support::{PASSWORD, restics};
use crate::support::{Repository, repositories};

fn password_file(repository: &Repository, name: &str) -> PathBuf {
    let file = repository.host.file(name, &format!("{name}\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

fn opens(repository: &Repository, password: &str) -> bool {
    let mut command = repository.restic.command(&repository.path, password);
    command
        .args(["cat", "config"])
        .output()
        .unwrap()
        .status
        .success()
}

fn keys(repository: &Repository) -> Vec<Value> {
    let ran = repository.freezerd(&["key", "list", "--json"]).exits(0);
    ran.json()["keys"].as_array().unwrap().clone()
}

#[test]
fn keys_are_added_and_removed_and_restic_opens_with_them() {
    for repository in repositories() {
        let second = password_file(&repository, "second");
        let add = [
            "key",
            "add",
            "--new-password-file",
            second.to_str().unwrap(),
        ];
        let added = repository.freezerd(&add).exits(0).stdout();
        assert!(opens(&repository, "second") && opens(&repository, PASSWORD));
        let listed = keys(&repository);
        let theirs = repository.restic_json(&["key", "list"]);
        for key in theirs.as_array().unwrap() {
            let ours = listed.iter().find(|it| {
                let id = it["id"].as_str().unwrap();
                id.starts_with(key["id"].as_str().unwrap())
            });
            let ours = ours.unwrap();
            assert_eq!(ours["in_use"], key["current"]);
            assert_eq!(
                (&ours["user"], &ours["host"]),
                (&key["userName"], &key["hostName"])
            );
        }
        assert_eq!(listed.len(), 2);
        let text = repository.freezerd(&["key", "list"]).exits(0).stdout();
        let in_use = listed.iter().find(|key| key["in_use"] == true).unwrap();
        let in_use = in_use["id"].as_str().unwrap();
        assert!(text.contains(&format!("\n*  {}", &in_use[..8])), "{text}");

        let id = added.split(' ').nth(1).unwrap();
        let refused = repository
            .freezerd(&["key", "remove", "--key", in_use])
            .exits(64);
        assert!(
            refused.stderr().contains("the key is in use"),
            "{}",
            refused.stderr()
        );
        repository
            .freezerd(&["key", "remove", "--key", "x"])
            .exits(66);
        repository
            .freezerd(&["key", "remove", "--key", ""])
            .exits(66);
        repository
            .freezerd(&["key", "remove", "--key", &id[..12]])
            .exits(0);
        assert!(!opens(&repository, "second") && opens(&repository, PASSWORD));
        assert_eq!(keys(&repository).len(), 1);
        assert!(repository.files("locks").is_empty());
    }
}

#[test]
fn a_password_is_changed_and_the_old_one_opens_no_more() {
    for repository in repositories() {
        let new = password_file(&repository, "new");
        let change = [
            "key",
            "passwd",
            "--new-password-file",
            new.to_str().unwrap(),
        ];
        let ran = repository.freezerd(&change).exits(0);
        assert!(
            ran.stderr().contains("put the new one into"),
            "{}",
            ran.stderr()
        );
        assert!(opens(&repository, "new") && !opens(&repository, PASSWORD));
        repository.freezerd(&["key", "list"]).exits(77);
    }
}

#[test]
fn a_file_that_cannot_hold_a_password_changes_nothing() {
    for repository in repositories() {
        let empty = repository.host.file("empty", "");
        for file in [empty.to_str().unwrap(), "/no/such/file", "/dev/null"] {
            let change = ["key", "passwd", "--new-password-file", file];
            repository.freezerd(&change).exits(66);
        }
        assert!(opens(&repository, PASSWORD));
        assert_eq!(keys(&repository).len(), 1);
    }
}

#[test]
fn a_repository_of_version_1_is_read_and_gets_no_change() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = Repository::new(restic, 1);
    repository.file("a", "a");
    repository.backup();
    repository.freezerd(&["ls"]).exits(0);
    let before = keys(&repository);
    let id = before[0]["id"].as_str().unwrap();
    let second = password_file(&repository, "second");
    let second = second.to_str().unwrap();
    for words in [
        &["key", "add", "--new-password-file", second][..],
        &["key", "passwd", "--new-password-file", second],
        &["key", "remove", "--key", &id[..8]],
        &["prune"],
        &["repair"],
        &["repair", "--forget"],
    ] {
        let said = repository.freezerd(words).exits(64).stderr();
        let why = "version 1 of the format is read only; `restic migrate upgrade_repo_v2` makes it version 2";
        assert!(said.contains(why), "{words:?}: {said}");
    }
    assert_eq!(keys(&repository), before);
    assert_eq!(repository.files("locks"), [] as [PathBuf; 0]);
}
