//! `freezerd prune`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use freezerd::repository::lock::{Timing, acquire};
use freezerd::storage::Storage;
use freezerd::storage::local::Local;

use crate::commands::{files, make_repository, open, run};
use crate::support::{Place, noise};

/// Two snapshots, of which the first was removed, with a file that only it had beside one that both have.
fn with_garbage() -> Place {
    let place = Place::in_memory();
    make_repository(&place);
    place.write("source/kept", noise(50_000));
    place.write("source/removed", noise(60_000));
    place.back_up();
    let first = files(&place, "snapshots").remove(0);
    fs::remove_file(place.path("source/removed")).unwrap();
    place.back_up();
    fs::remove_file(first).unwrap();
    place
}

#[test]
fn a_plan_is_shown_and_then_carried_out() {
    let place = with_garbage();
    let before = files(&place, "data");
    let ran = run(&place, &["prune", "--dry-run"]).exits(0);
    assert!(ran.stderr.contains("to copy: 50"), "{ran:#?}");
    assert!(ran.stdout.contains("Would free 61"), "{ran:#?}");
    assert_eq!(files(&place, "data"), before);
    let planned = run(&place, &["prune", "--dry-run", "--json"])
        .exits(0)
        .json();
    let done = run(&place, &["prune", "--json"]).exits(0).json();
    assert_eq!(planned["plan"], done["plan"]);
    assert!(done["plan"]["bytes_freed"].as_u64() > Some(60_000));
    assert_ne!(files(&place, "data"), before);
    place.restic(&["check", "--read-data"]);
    let again = run(&place, &["prune", "--json"]).exits(0).json();
    assert_eq!(again["plan"]["bytes_freed"], 0);
}

#[test]
fn what_is_copied_and_what_may_stay_is_limited() {
    let place = with_garbage();
    let plan = |words: &[&str]| {
        let words = [&["prune", "--dry-run", "--json"], words].concat();
        run(&place, &words).exits(0).json()["plan"].clone()
    };
    assert_eq!(plan(&["--max-unused", "1GB"])["bytes_copied"], 0);
    assert_eq!(plan(&["--max-unused", "99%"])["bytes_copied"], 0);
    assert_eq!(plan(&["--max-repack", "1000"])["bytes_copied"], 0);
    assert!(plan(&["--max-unused", "0", "--max-repack", "1GB"])["bytes_copied"].as_u64() > Some(0));
    for words in [
        ["--max-unused", "much"],
        ["--max-unused", "100%"],
        ["--max-repack", "x"],
    ] {
        let words = [&["prune"], &words[..]].concat();
        run(&place, &words).exits(64);
    }
}

#[test]
fn a_lock_is_waited_for_and_named() {
    let place = with_garbage();
    let repository = open(&place);
    let storage: Arc<dyn Storage> = Arc::new(Local::new(place.path("container")));
    let timing = Timing::default();
    let held = acquire(
        &storage,
        &repository.cipher,
        false,
        Duration::ZERO,
        timing,
        |_| true,
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_freezerd"))
        .args(["prune", "--container"])
        .arg(place.path("container"))
        .arg("--encrypt-pass-file")
        .arg(place.path("pass"))
        .env("FREEZERD_STATE_DIR", place.path("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(line.contains("waiting: "), "{line}");
    assert!(line.contains(&std::process::id().to_string()), "{line}");
    drop(held);
    assert!(lines.any(|line| line.unwrap().contains("to copy")));
    assert!(child.wait().unwrap().success());
}
