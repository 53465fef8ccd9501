//! Where a command line does not name what is meant, the answer says what is wrong with it and how to name it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use freezerd::repository::config::Config;
use freezerd::repository::open::Repository;
use freezerd::storage::local::Local;
use serde_json::json;

use crate::harness::{Host, backup, exec, now, someday};
use crate::{busy, idle};

#[test]
fn the_newest_snapshot_of_a_container_is_that_of_its_only_backup() {
    let host = busy();
    let container = host.path("container");
    let container = container.to_str().unwrap();
    let check = json!({"freezer_action": {"action": "check", "container": container}});
    host.put("look", now(vec![check]));
    host.once();
    let of = ["--container", container];
    for place in [&of[..], &["look"], &["save"]] {
        fs::remove_dir_all(host.path("to")).ok();
        host.freezerd(&[&["restore", "--to", "../to"], place].concat())
            .exits(0);
        host.freezerd(&[&["ls"], place].concat()).exits(0);
    }

    host.file("other/file", "of another backup");
    let mut other = backup(&host.path("other"), Path::new(container));
    other["freezer_action"]["backup_name"] = json!("second");
    host.put("other", now(vec![other]));
    host.once().exits(0);
    for command in [
        &["restore", "--to", "../to"][..],
        &["restore", "--to", "../to", "--snapshot", "latest"],
        &["ls"],
        &["dump", "/"],
        &["diff"],
        &["diff", "--live"],
    ] {
        let said = host.freezerd(&[command, &of].concat()).exits(64).stderr();
        assert!(
            said.contains("several backups") && said.contains("second of "),
            "{command:?}: {said}"
        );
        assert!(said.contains("--backup-name"), "{said}");
    }
    let second = [&["ls", "--backup-name", "second"], &of[..]].concat();
    assert!(host.freezerd(&second).exits(0).stdout().contains("other"));
    host.freezerd(&[
        "restore",
        "--to",
        "../to2",
        "--backup-name",
        "second",
        of[0],
        of[1],
    ])
    .exits(0);
    assert!(host.path("to2/file").is_file());
}

#[test]
fn an_option_of_another_program_is_refused_with_the_one_that_is_meant_or_with_none() {
    let host = Host::new();
    for (words, meant) in [
        (&["restore", "a", "--target", "/x"][..], Some("--to")),
        (
            &["snapshots", "a", "--password-file", "x"],
            Some("--encrypt-pass-file"),
        ),
        (&["restore", "a", "--overwite"], Some("--overwrite")),
        (&["forget", "a", "--prune"], None),
        (&["trigger", "--all"], None),
        (&["delete", "a"], Some("forget")),
        (&["mount", "a"], Some("ls")),
        (&["histroy"], Some("history")),
    ] {
        let said = host.freezerd(words).exits(64).stderr();
        match meant {
            Some(meant) => assert!(said.contains(&format!("'{meant}'")), "{words:?}: {said}"),
            None => assert!(!said.contains("similar"), "{words:?}: {said}"),
        }
    }
}

#[test]
fn an_id_without_its_middle_as_a_list_shows_it_names_the_job() {
    let host = Host::new();
    host.put("check-of-a-very-long-place", someday(vec![exec("true")]));
    host.once();
    let said = host.freezerd(&["next", "check-of-…long-place"]).exits(0);
    assert!(said.stdout().contains("check-of-a-very-long-place"));
    host.freezerd(&["next", "check-of-…no-place"]).exits(66);
}

#[test]
fn a_pattern_that_cannot_be_used_is_a_fault_of_the_command_line() {
    let host = busy();
    for words in [
        &["find", "save", "["][..],
        &["find", "save", "-i", "a[b"],
        &["restore", "save", "--to", "../to", "--include", "["],
        &["restore", "save", "--to", "../to", "--exclude", "["],
        &[
            "restore",
            "save",
            "--to",
            "../to",
            "--exclude",
            "[",
            "--dry-run",
            "--json",
        ],
    ] {
        let said = host.freezerd(words).exits(64).stderr();
        assert!(said.contains("cannot be used"), "{said}");
    }
    assert!(!host.path("to").exists());
}

#[test]
fn a_snapshot_in_the_place_of_a_job_is_told_its_option() {
    for host in [busy(), idle(), Host::new()] {
        for word in ["latest", "84b9adec"] {
            for words in [
                &["ls", word][..],
                &["find", word, "x"],
                &["stats", word],
                &["snapshots", word],
                &["restore", word, "--to", "../to"],
            ] {
                let said = host.freezerd(words).stderr();
                assert!(said.contains(&format!("--snapshot {word}")), "{said}");
            }
        }
        let said = host.freezerd(&["ls", "beef"]).stderr();
        assert!(!said.contains("--snapshot"), "{said}");
    }
}

#[test]
fn a_repository_in_this_directory_is_proposed_where_its_name_means_another_container() {
    let host = busy();
    let copied = Command::new("cp")
        .arg("-a")
        .arg(host.path("container"))
        .arg(host.path("work/here"))
        .status();
    assert!(copied.unwrap().success());
    for command in ["ls", "stats", "snapshots", "verify"] {
        let said = host
            .freezerd(&[command, "--container", "here"])
            .exits(66)
            .stderr();
        assert!(said.contains("is named by ./here"), "{command}: {said}");
        let ran = host.freezerd(&[command, "--container", "./here"]).exits(0);
        assert!(!ran.stderr().contains("./here"), "{}", ran.stderr());
    }
    let said = host
        .freezerd(&["ls", "--container", "nowhere"])
        .exits(66)
        .stderr();
    assert!(!said.contains("./nowhere"), "{said}");
}

#[test]
fn a_command_that_reads_proposes_no_empty_directory() {
    let host = Host::new();
    let letter = host.file("letters/letter.txt", "text");
    for place in [letter.parent().unwrap(), &letter] {
        let place = place.to_str().unwrap();
        for command in [
            "ls",
            "stats",
            "verify",
            "snapshots",
            "prune",
            "repair",
            "unlock",
        ] {
            let said = host
                .freezerd(&[command, "--container", place])
                .exits(66)
                .stderr();
            assert!(!said.contains("empty directory"), "{command}: {said}");
            let expected = "is not a repository: something else is there";
            assert!(said.contains(expected), "{command}: {said}");
        }
    }
    // A copy would create one.
    let host = busy();
    host.file("letters/letter.txt", "text");
    let letters = host.path("letters");
    let words = ["copy", "save", "--to", letters.to_str().unwrap()];
    let said = host.freezerd(&words).exits(66).stderr();
    assert!(said.contains("choose an empty directory"), "{said}");
}

#[test]
fn a_version_that_is_not_known_has_the_code_of_a_ledger_that_is_not_known() {
    let host = busy();
    let container = host.path("container");
    let storage = Arc::new(Local::new(&container));
    let repository = Repository::open(storage, b"").unwrap();
    fs::remove_file(container.join("config")).unwrap();
    let config = Config {
        version: 3,
        ..repository.config.clone()
    };
    config
        .write(&*repository.storage, &repository.cipher)
        .unwrap();
    for command in ["ls", "stats", "verify", "snapshots", "prune", "repair"] {
        let said = host.freezerd(&[command, "save"]).exits(78).stderr();
        assert!(
            said.contains("version 3 of the format is not known"),
            "{command}: {said}"
        );
        assert!(
            said.contains("a newer freezerd may know it"),
            "{command}: {said}"
        );
    }
}

fn keys(container: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(container.join("keys")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn the_password_of_another_key_is_proposed_only_where_there_is_another_key() {
    let host = busy();
    let container = host.path("container");
    let [key] = keys(&container).try_into().unwrap();
    let content = fs::read(&key).unwrap();
    let replace = |content: &[u8]| {
        fs::remove_file(&key).unwrap();
        fs::write(&key, content).unwrap();
    };
    let ls = || host.freezerd(&["ls", "save"]).exits(1).stderr();
    replace(b"{}");
    let said = ls();
    assert!(said.contains("from a copy of the container"), "{said}");
    assert!(!said.contains("another key"), "{said}");
    replace(&content);

    let second = host.file("second", "second");
    fs::set_permissions(&second, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let words = [
        "key",
        "add",
        "save",
        "--new-password-file",
        second.to_str().unwrap(),
    ];
    host.freezerd(&words).exits(0);
    replace(b"{}");
    let said = ls();
    assert!(said.contains("the password of another key"), "{said}");

    for key in keys(&container) {
        fs::remove_file(key).unwrap();
    }
    let said = ls();
    assert!(
        said.contains("it has no keys; put the files in `keys` back"),
        "{said}"
    );
    assert!(!said.contains("another key"), "{said}");
}
