//! A repository that another tool has moved: directories that were empty are gone, or not everything has arrived.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Host, now, someday};
use crate::places::on_every_storage;
use crate::restic_support::restics;
use crate::site::{assert_clean_for_restic, files, host};

/// A repository in a directory of this host, with a snapshot of the source.
struct Moved<'a> {
    kind: &'a str,
    host: &'a Host,
    directory: PathBuf,
    /// Makes an action that uses the repository.
    action: &'a dyn Fn(Value) -> Value,
}

/// Runs the test on this host, and on every storage whose server has the repository in a directory of this host.
fn on_every_directory(test: impl Fn(&Moved<'_>) + Sync) {
    let here = host("http://127.0.0.1:1/", "");
    let action = |mut keys: Value| {
        keys["container"] = json!(here.path("container"));
        keys["encrypt_pass_file"] = json!(here.path("pass"));
        json!({ "freezer_action": keys })
    };
    let local = Moved {
        kind: "local",
        host: &here,
        directory: here.path("container"),
        action: &action,
    };
    local.back_up(0);
    test(&local);
    on_every_storage(|place| {
        if let Some(directory) = place.directory() {
            let moved = Moved {
                kind: place.kind,
                host: &place.host,
                directory: directory.to_owned(),
                action: &|keys| place.action(keys),
            };
            moved.back_up(0);
            test(&moved);
        }
    });
}

impl Moved<'_> {
    /// Runs one action, each kind as a job of its own, and returns its log.
    #[track_caller]
    fn run(&self, keys: Value, exit: i32) -> String {
        let job = keys["action"].as_str().unwrap().to_owned();
        self.host.put(&job, now(vec![(self.action)(keys)]));
        self.host.once().exits(exit);
        self.host.freezerd(&["log", &job]).exits(0).stdout()
    }

    fn backup(&self) -> Value {
        let source = self.host.path("source");
        json!({"action": "backup", "path_to_backup": source, "backup_name": "data"})
    }

    /// Backs the source up. Commands find the container by the name of the job `save`.
    #[track_caller]
    fn back_up(&self, exit: i32) -> String {
        let job = someday(vec![(self.action)(self.backup())]);
        self.host.put("save", job);
        self.run(self.backup(), exit)
    }

    /// Removes all snapshots but the newest one.
    #[track_caller]
    fn remove_old(&self, exit: i32) -> String {
        let keys = json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9});
        self.run(keys, exit)
    }

    #[track_caller]
    fn assert_restores(&self) {
        let target = self.host.path("target");
        let to = ["restore", "save", "--to", target.to_str().unwrap()];
        self.host.freezerd(&to).exits(0);
        assert_eq!(files(&target), files(&self.host.path("source")));
        fs::remove_dir_all(target).unwrap();
    }

    /// Moves a directory of the repository away while this runs. No data may go meanwhile.
    #[track_caller]
    fn without(&self, name: &str, work: impl FnOnce()) {
        let (place, away) = (self.directory.join(name), self.host.path(name));
        let data = files(&self.directory.join("data"));
        fs::rename(&place, &away).unwrap();
        work();
        assert_eq!(files(&self.directory.join("data")), data, "{}", self.kind);
        // A lock may have made it again.
        let _ = fs::remove_dir(&place);
        fs::rename(away, place).unwrap();
    }
}

/// Removes every directory in which nothing is.
fn remove_empty_directories(top: &Path) {
    for entry in fs::read_dir(top).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            remove_empty_directories(&entry.path());
            // One with something in it stays.
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[test]
fn a_repository_without_its_empty_directories_works_as_before() {
    on_every_directory(|moved| {
        for words in [
            &["snapshots", "save"][..],
            &["ls", "save"],
            &["find", "save", "letter"],
            &["stats", "save"],
            &["verify", "save", "--read-data"],
            &["key", "list", "save"],
            &["unlock", "save"],
            &["repair", "save"],
            &["prune", "save"],
        ] {
            remove_empty_directories(&moved.directory);
            assert!(!moved.directory.join("locks").exists());
            moved.host.freezerd(words).exits(0);
        }
        remove_empty_directories(&moved.directory);
        moved.assert_restores();
        remove_empty_directories(&moved.directory);
        moved.host.file("source/later", "one more");
        moved.back_up(0);
        assert_clean_for_restic(moved.directory.to_str().unwrap(), 2);
        remove_empty_directories(&moved.directory);
        moved.remove_old(0);
        assert_clean_for_restic(moved.directory.to_str().unwrap(), 1);
    });
}

#[test]
fn without_its_directory_of_snapshots_nothing_is_removed_from_a_repository() {
    on_every_directory(|moved| {
        moved.without("snapshots", || {
            // A server that speaks restic's protocol does not tell a lost directory from an empty one.
            let is_told = moved.kind != "rest";
            let expected = match is_told {
                true => "has lost its directory `snapshots`",
                false => "there is data, and no snapshot",
            };
            let says = |said: String| assert!(said.contains(expected), "{}: {said}", moved.kind);
            says(moved.remove_old(1));
            for (words, is_refused) in [
                (["prune", "save"], true),
                (["snapshots", "save"], is_told),
                (["ls", "save"], is_told),
                (["verify", "save"], is_told),
                (["repair", "save"], is_told),
            ] {
                if is_refused {
                    says(moved.host.freezerd(&words).stderr());
                }
            }
            // A new snapshot would be the only one, and a prune would take all other data for unused.
            let refused = moved.back_up(1);
            let expected = if is_told {
                expected
            } else {
                "has no snapshot any more"
            };
            assert!(refused.contains(expected), "{}: {refused}", moved.kind);
        });
        moved.assert_restores();
    });
}

#[test]
fn a_repository_without_its_index_or_its_keys_is_not_taken_for_an_empty_one() {
    on_every_directory(|moved| {
        for (name, expected) in [("index", "no index names it"), ("keys", "it has no keys")] {
            moved.without(name, || {
                for words in [
                    ["ls", "save"],
                    ["stats", "save"],
                    ["verify", "save"],
                    ["prune", "save"],
                ] {
                    let ran = moved.host.freezerd(&words);
                    let said = ran.stdout() + &ran.stderr();
                    assert_ne!(ran.code(), 0, "{}: {words:?}: {said}", moved.kind);
                    assert!(said.contains(expected), "{}: {words:?}: {said}", moved.kind);
                }
                let target = moved.host.path("target");
                let to = ["restore", "save", "--to", target.to_str().unwrap()];
                assert_ne!(moved.host.freezerd(&to).code(), 0, "{}: {name}", moved.kind);
                let _ = fs::remove_dir_all(target);
            });
        }
        moved.assert_restores();
    });
}

#[test]
fn a_creation_that_was_cut_short_while_it_wrote_the_key_is_done_again() {
    on_every_directory(|moved| {
        for name in ["data", "index", "snapshots", "locks"] {
            let _ = fs::remove_dir_all(moved.directory.join(name));
        }
        fs::remove_file(moved.directory.join("config")).unwrap();
        let keys = moved.directory.join("keys");
        let key = fs::read_dir(&keys).unwrap().next().unwrap().unwrap().path();
        let half = format!("{}-tmp-0123456789abcdef", key.display());
        fs::rename(&key, &half).unwrap();
        let mut backup = moved.backup();
        // The first backup of this test was one of the job, too.
        backup["allow_new_container"] = json!(true);
        moved.run(backup, 0);
        assert_clean_for_restic(moved.directory.to_str().unwrap(), 1);
        if moved.kind != "rest" {
            moved.remove_old(0);
            assert!(!Path::new(&half).exists(), "{}", moved.kind);
        }
    });
}

#[test]
fn a_repository_that_is_not_there_is_not_taken_for_an_empty_one() {
    on_every_directory(|moved| {
        let away = moved.host.path("away");
        fs::rename(&moved.directory, &away).unwrap();
        let target = moved.host.path("target");
        for words in [
            &["snapshots", "save"][..],
            &["ls", "save"],
            &["find", "save", "letter"],
            &["stats", "save"],
            &["verify", "save"],
            &["repair", "save"],
            &["prune", "save"],
            &["restore", "save", "--to", target.to_str().unwrap()],
        ] {
            let ran = moved.host.freezerd(words);
            let said = ran.stdout() + &ran.stderr();
            let kind = moved.kind;
            assert_ne!(ran.code(), 0, "{kind}: {words:?}: {said}");
            assert!(
                said.contains("there is no repository"),
                "{kind}: {words:?}: {said}"
            );
        }
        moved.remove_old(1);
        moved.back_up(1);
        assert!(!moved.directory.join("config").exists());
        let _ = fs::remove_dir_all(&moved.directory);
        fs::rename(away, &moved.directory).unwrap();
        moved.assert_restores();
    });
}

#[test]
fn an_older_copy_in_place_of_the_repository_is_told_of_once() {
    on_every_directory(|moved| {
        let warning = "which this job stored last";
        let next = |text: &str| {
            moved.host.file("source/letter", text);
            moved.back_up(0)
        };
        let copy = moved.host.path("copy");
        let duplicate = Command::new("cp")
            .arg("-a")
            .args([&moved.directory, &copy])
            .status();
        assert!(duplicate.unwrap().success());
        let said = next("later");
        assert!(!said.contains(warning), "{}: {said}", moved.kind);
        fs::remove_dir_all(&moved.directory).unwrap();
        fs::rename(&copy, &moved.directory).unwrap();
        let said = next("later still");
        assert!(said.contains(warning), "{}: {said}", moved.kind);
        // A new tag gives a snapshot another id.
        if let Some(restic) = restics().first() {
            restic.run(&moved.directory, &["tag", "--add", "kept"]);
        }
        let said = next("last");
        assert!(!said.contains(warning), "{}: {said}", moved.kind);
    });
}

#[test]
fn what_a_run_has_removed_by_its_own_rules_is_not_taken_for_an_older_copy() {
    let host = host("http://127.0.0.1:1/", "");
    let backup = |name: &str| {
        let keys = json!({
            "action": "backup", "path_to_backup": host.path("source"), "backup_name": name, "keep_last": 1,
            "container": host.path("container"), "encrypt_pass_file": host.path("pass"),
        });
        json!({"freezer_action": keys})
    };
    let actions = vec![backup("one"), backup("two"), backup("two")];
    for text in ["first", "second", "third"] {
        host.file("source/letter", text);
        host.put("save", now(actions.clone()));
        host.once().exits(0);
        let log = host.freezerd(&["log", "save"]).exits(0).stdout();
        assert!(!log.contains("which this job stored last"), "{log}");
        assert!(text == "first" || log.contains("removed"), "{log}");
    }
}
