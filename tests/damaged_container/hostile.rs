//! Repositories that somebody has made to do harm: each command ends soon, with little memory, and writes nothing outside
//! of its target.

use std::fs;
use std::process::Command;

use freezerd::job::action::Work;
use freezerd::repository::blob_name::BlobKind;
use freezerd::repository::node::{Node, NodeKind};
use freezerd::repository::open::Repository;
use freezerd::repository::snapshot::Snapshot;
use freezerd::repository::time::Time;
use freezerd::storage::id::Id;

use crate::commands::{make_repository, run};
use crate::samples::trees::{Trees, directory, file};
use crate::support::{Agent, Place, request};

/// Writes the index, and a snapshot of this tree.
fn snapshot(trees: Trees, place: &Place, tree: Id) {
    write_snapshot(&trees.write(), place, tree);
}

fn write_snapshot(repository: &Repository, place: &Place, tree: Id) {
    let lineage = place.restore().lineage;
    let mut snapshot = Snapshot::new(Time::now(), tree, vec!["/source".into()]);
    snapshot.hostname = lineage.host;
    snapshot
        .other
        .insert("label".into(), lineage.backup_name.into());
    let (storage, cipher) = (&*repository.storage, &repository.cipher);
    snapshot.write(storage, cipher).unwrap();
}

const COMMANDS: [&[&str]; 10] = [
    &["snapshots"],
    &["ls", "-r"],
    &["find", "no-such-file"],
    &["diff", "latest", "latest"],
    &["dump", "/"],
    &["stats"],
    &["verify", "--read-data"],
    &["prune", "--dry-run"],
    &["repair", "--read-data", "--dry-run"],
    &["repair", "--read-data", "--snapshots"],
];

/// Limits the memory and the time of what follows it.
const LIMITS: [&str; 4] = ["prlimit", "--as=2000000000", "timeout", "600"];

/// Runs each command and a restore with little memory. Commands that may write without end are ended by their reader.
fn attack(place: &Place, endless: &[&str]) {
    let limited = |words: &[&str]| {
        let mut command = Command::new(LIMITS[0]);
        command
            .args(&LIMITS[1..])
            .arg(env!("CARGO_BIN_EXE_freezerd"))
            .args(words)
            .env("FREEZERD_STATE_DIR", place.path("state"));
        command
    };
    for words in COMMANDS {
        if endless.contains(&words[0]) {
            continue;
        }
        let output = limited(words)
            .arg("--container")
            .arg(place.path("container"))
            .arg("--encrypt-pass-file")
            .arg(place.path("pass"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        assert!(
            matches!(code, Some(0 | 1 | 3)) && !said.contains("panicked"),
            "{words:?}: {:?} {said}",
            output.status
        );
    }
    if endless.contains(&"restore") {
        return;
    }
    let work = Work::Restore(place.restore());
    let ended = Agent::start_with(&mut limited(&["agent"]), &request(work)).end();
    assert!(
        !ended.log.iter().any(|line| line.contains("panicked")),
        "{ended:#?}"
    );
    let _ = ended.outcome();
    let mut names: Vec<_> = fs::read_dir(place.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    // The target may be too deep for the removal of the temporary directory, which is recursive.
    let removed = Command::new("rm")
        .arg("-rf")
        .arg(place.path("target"))
        .status();
    assert!(removed.unwrap().success());
    // Nothing is beside what was there, and nothing was written into what the names lead to.
    names.retain(|name| {
        !["container", "pass", "source", "target", "state"].contains(&name.as_str())
    });
    assert!(names.is_empty(), "{names:?}");
    assert_eq!(fs::read_dir(place.path("source")).unwrap().count(), 0);
}

#[test]
fn names_that_lead_out_duplicates_unknown_types_and_impossible_sizes_are_refused() {
    let place = Place::in_memory();
    let mut trees = Trees::in_repository(make_repository(&place));
    let data = trees.blob(BlobKind::Data, b"content");
    let outside = place.path("source/escaped");
    let inner = trees.tree(&[file("x", 7, &[data])]);
    let nodes = [
        file("..", 7, &[data]),
        directory("..", inner),
        file("../escaped", 7, &[data]),
        file(outside.to_str().unwrap(), 7, &[data]),
        file("", 7, &[data]),
        file("a", 7, &[data]),
        file("a", 7, &[data]),
        Node::new("b", NodeKind::Other("hole".into())),
        file("c", 1 << 63, &[data]),
        file("d", u64::MAX, &[data, data]),
        directory("e", Id::of(b"missing")),
        file("f", 7, &[Id::of(b"missing")]),
        file("a-late-one", 7, &[data]),
    ];
    let root = trees.tree(&nodes);
    snapshot(trees, &place, root);
    attack(&place, &[]);
}

#[test]
fn trees_that_double_and_trees_that_are_deep_end() {
    let place = Place::in_memory();
    let mut trees = Trees::in_repository(make_repository(&place));
    let mut tree = trees.tree(&[file("x", 0, &[]), file("lost", 1, &[Id::of(b"lost")])]);
    for _ in 0..60 {
        tree = trees.tree(&[directory("a", tree), directory("b", tree)]);
    }
    snapshot(trees, &place, tree);
    attack(&place, &[]);

    let place = Place::in_memory();
    let mut trees = Trees::in_repository(make_repository(&place));
    let mut tree = trees.tree(&[file("lost", 1, &[Id::of(b"lost")])]);
    for _ in 0..60_000 {
        tree = trees.tree(&[directory("d", tree)]);
    }
    snapshot(trees, &place, tree);
    // Each line of the list is longer than the one before it.
    attack(&place, &["ls", "dump"]);
}

#[test]
fn a_snapshot_that_stands_for_more_entries_than_can_exist_is_refused_before_anything_is_written() {
    let place = Place::in_memory();
    let mut trees = Trees::in_repository(make_repository(&place));
    let roots = [1, 2].map(|size| {
        let mut tree = trees.tree(&[file("x", size, &[])]);
        for _ in 0..60 {
            tree = trees.tree(&[directory("a", tree), directory("b", tree)]);
        }
        tree
    });
    let repository = trees.write();
    for root in roots {
        write_snapshot(&repository, &place, root);
    }
    let archive = place.path("archive.tar");
    let to_file = ["dump", "/", "--target", archive.to_str().unwrap()];
    for (words, code) in [
        (&["ls", "--recursive"][..], 3),
        (&["find", "x"], 3),
        (&["find", "/a/b/**/x"], 3),
        (&["diff"], 3),
        (&["dump", "/"], 1),
        (&["dump", "/a"], 1),
        (&to_file, 1),
    ] {
        let ran = run(&place, words).exits(code);
        let why = "it stands for more entries than can exist";
        assert!(ran.stderr.contains(why), "{words:?}: {ran:#?}");
        if words[0] == "dump" {
            assert_eq!(ran.stdout, "");
        }
    }
    let mut names = fs::read_dir(place.path("")).unwrap();
    let is_part = |name: &str| name.contains("archive") || name.starts_with(".tmp");
    assert!(!names.any(|entry| is_part(entry.unwrap().file_name().to_str().unwrap())));
    // These look at each directory once.
    run(&place, &["find", "nothing"]).exits(0);
    run(&place, &["stats"]).exits(0);
    run(&place, &["ls"]).exits(0);
    let copy = place.path("copy");
    let pass = place.path("pass");
    let copied = run(
        &place,
        &[
            "copy",
            "--to",
            copy.to_str().unwrap(),
            "--to-pass-file",
            pass.to_str().unwrap(),
        ],
    );
    assert!(copied.exits(0).said("2 snapshots copied"));
}

#[test]
fn every_command_that_walks_names_entries_that_cannot_be_used() {
    let place = Place::in_memory();
    let mut trees = Trees::in_repository(make_repository(&place));
    let data = trees.blob(BlobKind::Data, b"content");
    let empty = trees.tree(&[]);
    let hostile = [
        vec![file("..", 7, &[data])],
        vec![file("/etc/escaped", 7, &[data])],
        vec![file("a", 7, &[data]), file("a", 7, &[data])],
        vec![file("b", 7, &[data]), file("a", 7, &[data])],
    ];
    let roots: Vec<Id> = hostile.iter().map(|nodes| trees.tree(nodes)).collect();
    let repository = trees.write();
    write_snapshot(&repository, &place, empty);
    let empty = run(&place, &["snapshots", "--json"]).exits(0).json();
    let empty = empty["snapshots"][0]["id"].as_str().unwrap().to_owned();
    for root in roots {
        write_snapshot(&repository, &place, root);
    }
    let snapshots = run(&place, &["snapshots", "--json"]).exits(0).json();
    let snapshots = snapshots["snapshots"].as_array().unwrap();
    let others = snapshots.iter().filter_map(|it| it["id"].as_str());
    let copy = place.path("copy");
    let pass = place.path("pass");
    for id in others.filter(|id| *id != empty) {
        let copy = [
            "copy",
            "--to",
            copy.to_str().unwrap(),
            "--to-pass-file",
            pass.to_str().unwrap(),
            "--snapshot",
            id,
        ];
        for words in [
            &["ls", "--snapshot", id][..],
            &["find", "nothing", "--snapshot", id],
            &["find", "/no/such/path", "--snapshot", id],
            &["stats", "--snapshot", id],
            &["stats", "--snapshot", id, "--json"],
            &["diff", &empty, id],
            &["dump", "/", "--snapshot", id],
            &copy,
            &[&copy[..], &["--dry-run"]].concat(),
        ] {
            let ran = run(&place, words).exits(3);
            let reasons = [
                "its name leads out of its directory",
                "another entry has the same name",
                "it is not at its place in the order of the names",
            ];
            let is_named = reasons.iter().any(|reason| ran.said(reason));
            assert!(is_named, "{words:?}: {ran:#?}");
        }
    }
    let listed = run(&place, &["ls", "/..", "--snapshot", &empty]);
    assert_eq!(listed.code, Some(66));
}

#[test]
fn a_bomb_is_damage_and_costs_no_memory() {
    let place = Place::in_memory();
    let mut trees = Trees::in_repository(make_repository(&place));
    // Compresses to a few kilobytes.
    let zeros = trees.blob(BlobKind::Data, &vec![0; 64 << 20]);
    let pieces = vec![zeros; 64];
    let root = trees.tree(&[file("bomb", 64 * (64 << 20), &pieces)]);
    snapshot(trees, &place, root);
    // These write what is honestly there: 4 GiB.
    attack(&place, &["dump", "restore"]);
}
