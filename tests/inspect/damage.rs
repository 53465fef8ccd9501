//! What is damaged is named, and the rest is shown.

use std::fs;

use serde_json::Value;

use crate::restic_support::restics;
use crate::support::{Repository, flip, lines, overwrite, repositories, texts};

/// A repository in which the tree of the directory `lost` is in a pack that is damaged.
fn with_a_damaged_tree(restic: crate::restic_support::Restic) -> Repository {
    let repository = Repository::new(restic, 2);
    repository.file("kept/a", "a");
    repository.file("lost/b", "b");
    repository.backup();
    let packs_before = repository.packs_of("tree");
    // The next backup writes the trees of what changed to a pack of its own.
    fs::remove_dir_all(repository.source("lost")).unwrap();
    repository.file("lost/inner/c", "c");
    repository.backup();
    repository.file("kept/d", "d");
    repository.backup();
    // The pack of the second backup has the trees of `lost`, and trees that only the second snapshot needs.
    let lost = repository.source("lost/inner");
    let is_lost = |pack: &String| {
        let found = repository.lines(&["find", "--pack", pack, "--snapshot", "latest"]);
        texts(&found, "path").contains(&lost.to_str().unwrap().to_owned())
    };
    let mut packs = repository.packs_of("tree");
    packs.retain(|pack| !packs_before.contains(pack) && is_lost(pack));
    for pack in packs {
        let size = fs::metadata(repository.pack(&pack)).unwrap().len();
        overwrite(&repository.pack(&pack), &vec![0; size as usize]);
    }
    repository
}

#[test]
fn a_damaged_directory_is_named_and_the_rest_is_shown() {
    for restic in restics() {
        let repository = with_a_damaged_tree(restic);
        let lost = repository.source("lost");
        let lost = lost.to_str().unwrap();
        let ran = repository.freezerd(&["ls", "-r"]).exits(3);
        let out = ran.stdout();
        assert!(
            out.contains("/kept/a\n") && out.contains("/kept/d\n"),
            "{out}"
        );
        assert!(
            out.contains("/lost\n") && !out.contains("/lost/inner"),
            "{out}"
        );
        let said = ran.stderr();
        assert!(
            said.contains(&format!("{lost}: cannot read the tree blob")),
            "{said}"
        );
        assert!(
            said.contains("the output is incomplete: 1 problem"),
            "{said}"
        );

        let ran = repository.freezerd(&["ls", "-r", "--json"]).exits(3);
        let shown = lines(&ran.stdout());
        let problem = shown
            .iter()
            .find(|line| !line["problem"].is_null())
            .unwrap();
        assert_eq!(problem["problem"]["path"], lost);
        assert_eq!(problem["problem"]["kind"], "unreadable");

        let ran = repository
            .freezerd(&["find", "?", "--snapshot", "latest", "--json"])
            .exits(3);
        let found = texts(&lines(&ran.stdout()), "path");
        assert_eq!(found.len(), 2, "{found:?}");
        // A search through all snapshots tells of each that is hurt.
        let ran = repository.freezerd(&["find", "a"]).exits(3);
        assert!(
            ran.stderr().matches("cannot read the tree blob").count() >= 2,
            "{}",
            ran.stderr()
        );

        let ran = repository
            .freezerd(&["stats", "--snapshot", "latest", "--json"])
            .exits(3);
        let stats: Value = ran.json();
        assert_eq!(stats["snapshots"][0]["unreadable_directories"], 1);
        assert_eq!(stats["snapshots"][0]["files"], 2);

        let ran = repository.freezerd(&["dump", "/"]).exits(1);
        assert!(
            ran.stderr().contains(&format!("{lost}: cannot read")),
            "{}",
            ran.stderr()
        );
        let whole = repository.source("kept/a");
        let ran = repository
            .freezerd(&["dump", whole.to_str().unwrap()])
            .exits(0);
        assert_eq!(ran.stdout(), "a");
        let below = format!("{lost}/inner/c");
        repository.freezerd(&["dump", &below]).exits(1);
        let first = repository.restic_json(&["snapshots"])[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let ran = repository.freezerd(&["diff", &first, "latest"]).exits(3);
        assert!(ran.stdout().contains("/kept/d\n"), "{}", ran.stdout());
    }
}

#[test]
fn a_damaged_snapshot_file_costs_that_snapshot_only() {
    for repository in repositories() {
        repository.file("a", "1");
        let first = repository.backup();
        repository.file("b", "2");
        let second = repository.backup();
        let file = repository.path.join("snapshots").join(&second);
        flip(&file, 20);
        let ran = repository.freezerd(&["ls"]).exits(3);
        assert!(ran.stdout().contains("/a\n") && !ran.stdout().contains("/b\n"));
        assert!(
            ran.stderr()
                .contains(&format!("warning: cannot read snapshots/{second}"))
        );
        let ran = repository
            .freezerd(&["ls", "--snapshot", &second[..12]])
            .exits(1);
        assert!(ran.stderr().contains(&second), "{}", ran.stderr());
        repository.freezerd(&["ls", "--snapshot", &first]).exits(0);
        let ran = repository.freezerd(&["find", "a"]).exits(3);
        assert!(ran.stdout().contains("/a\n"));
        repository.freezerd(&["stats"]).exits(3);
    }
}

#[test]
fn a_missing_index_is_an_error_and_not_an_empty_snapshot() {
    for repository in repositories() {
        repository.file("a", "1");
        repository.backup();
        for index in repository.files("index") {
            fs::remove_file(index).unwrap();
        }
        let ran = repository.freezerd(&["ls", "-r", "/"]).exits(3);
        assert!(ran.stdout().is_empty(), "{}", ran.stdout());
        assert!(
            ran.stderr().contains("no index names it"),
            "{}",
            ran.stderr()
        );
        repository.freezerd(&["stats"]).exits(3);
        repository.freezerd(&["find", "a"]).exits(3);
        for command in [
            &["dump", "/"][..],
            &["dump", "/x"],
            &["restore", "--to", "back", "--path", "/x"],
        ] {
            let said = repository.freezerd(command).exits(1).stderr();
            assert!(said.contains("`freezerd repair`"), "{command:?}: {said}");
        }
        repository.freezerd(&["ls", "/x"]).exits(3);
    }
}

#[test]
fn what_does_not_open_is_told_apart() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = Repository::new(restic, 2);
    repository.file("a", "1");
    repository.backup();
    let wrong = repository.host.file("wrong", "wrong");
    let empty = repository.host.path("empty");
    fs::create_dir(&empty).unwrap();
    let place = repository.path.to_str().unwrap();
    for (place, pass, code, message) in [
        (
            place,
            wrong.to_str().unwrap(),
            77,
            "does not open the repository",
        ),
        (place, "/no/such/file", 66, "/no/such/file"),
        (
            empty.to_str().unwrap(),
            repository.pass_file.to_str().unwrap(),
            66,
            "there is no repository",
        ),
        (
            "/etc",
            repository.pass_file.to_str().unwrap(),
            66,
            "not a repository",
        ),
    ] {
        for command in [
            &["ls"][..],
            &["stats"],
            &["dump", "/"],
            &["key", "list"],
            &["unlock"],
        ] {
            let mut arguments = command.to_vec();
            arguments.extend(["--container", place, "--encrypt-pass-file", pass]);
            let said = repository.host.freezerd(&arguments).exits(code).stderr();
            assert!(said.contains(message), "{said}");
        }
    }
}
