//! `freezerd drill`: a restore for trial, by hand.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal};
use serde_json::json;

use crate::harness::{Gate, Host, backup, eventually, is_root, now};
use crate::odd_tree::odd_tree;

#[allow(dead_code, reason = "other tests mount other file systems")]
#[path = "../agent/support/disk.rs"]
mod disk;

use disk::SmallDisk;

/// A host whose job `save` has backed up twenty files, and whose directory `scratch` is empty.
pub fn host() -> Host {
    let host = Host::new();
    for number in 0..20 {
        // Long enough that the pack of data is larger than that of trees.
        let content: String = (0..2000).map(|line| format!("{number}{line}\n")).collect();
        host.file(&format!("source/{number}"), &content);
    }
    host.file("source/deep/er/file", "deep");
    symlink("deep/er/file", host.path("source/link")).unwrap();
    fs::create_dir(host.path("scratch")).unwrap();
    let save = backup(&host.path("source"), &host.path("container"));
    host.put("save", now(vec![save]));
    host.once().exits(0);
    host
}

/// The words of a drill into `scratch`.
fn drill<'a>(scratch: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["drill", "save", "--scratch", scratch.to_str().unwrap()];
    words.extend(more);
    words
}

pub fn left(host: &Host) -> Vec<PathBuf> {
    let entries = fs::read_dir(host.path("scratch")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The largest pack of the container, which has data.
pub fn data_pack(host: &Host) -> PathBuf {
    let directories = fs::read_dir(host.path("container/data")).unwrap();
    let packs = directories.flat_map(|entry| fs::read_dir(entry.unwrap().path()).unwrap());
    let packs = packs.map(|entry| entry.unwrap().path());
    packs
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap()
}

/// Changes one byte of a file that is read-only.
pub fn damage(path: &Path, at: usize) {
    let mut content = fs::read(path).unwrap();
    content[at] ^= 1;
    fs::remove_file(path).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn a_drill_restores_everything_compares_it_and_leaves_nothing() {
    let host = host();
    let scratch = host.path("scratch");
    let outcome = host.json(&drill(&scratch, &[]));
    assert_eq!(outcome["verdict"], "success", "{outcome:#}");
    let summary = &outcome["summary"];
    // With the link.
    assert_eq!(summary["files"], 22, "{summary:#}");
    assert_eq!(summary["files_verified"], 21, "{summary:#}");
    let found = &summary["drill"];
    assert_eq!(
        (&found["sample"], &found["source_files"]),
        (&json!(false), &json!(21))
    );
    for kind in [
        "content_differs",
        "metadata_differs",
        "missing",
        "surplus",
        "source_differs",
    ] {
        assert_eq!(found[kind], 0, "{kind}: {found:#}");
    }
    assert_eq!(left(&host), [] as [PathBuf; 0]);

    // What has changed since the backup is not compared with it.
    host.file("source/3", "changed");
    let text = host.freezerd(&drill(&scratch, &[])).exits(0).stdout();
    assert!(
        text.contains("The drill succeeded: 22 files and other entries"),
        "{text}"
    );
    assert!(text.contains("20 files compared with this host"), "{text}");
    let without = host.json(&drill(&scratch, &["--no-source"]));
    assert_eq!(without["summary"]["drill"]["source_files"], 0);
    let dry = host
        .freezerd(&drill(&scratch, &["--dry-run"]))
        .exits(0)
        .stdout();
    assert!(dry.contains("Nothing was restored"), "{dry}");
}

#[test]
fn a_sample_keeps_to_its_size_and_is_compared_too() {
    let host = host();
    let scratch = host.path("scratch");
    let outcome = host.json(&drill(&scratch, &["--sample-files", "3"]));
    assert_eq!(outcome["verdict"], "success", "{outcome:#}");
    let summary = &outcome["summary"];
    assert_eq!(
        (&summary["files"], &summary["files_verified"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(summary["drill"]["sample"], true);
    let bytes = host.json(&drill(&scratch, &["--sample-bytes", "20kB"]));
    let restored = bytes["summary"]["bytes"].as_u64().unwrap();
    assert!(restored <= 20_000, "{bytes:#}");
    assert!(
        bytes["summary"]["files"].as_u64().unwrap() >= 1,
        "{bytes:#}"
    );
    assert_eq!(left(&host), [] as [PathBuf; 0]);
}

#[test]
fn damage_in_the_container_makes_the_drill_fail_and_names_the_file() {
    let host = host();
    damage(&data_pack(&host), 40);
    let scratch = host.path("scratch");
    let ran = host.freezerd(&drill(&scratch, &[])).exits(1);
    let (text, said) = (ran.stdout(), ran.stderr());
    assert!(text.contains("The drill failed: "), "{text}\n{said}");
    let named = format!("  {}/", host.path("source").display());
    assert!(text.contains(&named), "{text}\n{said}");
    assert!(said.contains("not as in the snapshot"), "{said}");
    let outcome = host.freezerd(&drill(&scratch, &["--json"])).exits(1).json();
    assert_eq!(outcome["verdict"], "failed_for_good");
    assert!(
        outcome["problems_total"].as_u64().unwrap() >= 1,
        "{outcome:#}"
    );
    let found = &outcome["summary"]["drill"];
    assert_eq!(found["missing"], outcome["problems_total"], "{outcome:#}");
    assert_eq!(found["content_differs"], 0, "{found:#}");
    assert_eq!(left(&host), [] as [PathBuf; 0]);
}

#[test]
fn a_command_runs_on_the_restored_files_and_decides_too() {
    let host = host();
    let scratch = host.path("scratch");
    let file = host.path("source/deep/er/file");
    let below = file.strip_prefix("/").unwrap().to_str().unwrap();
    let good = format!(
        "test \"$(cat {below})\" = deep && test \"$PWD\" = \"$FREEZERD_DRILL_DIRECTORY\" && test -n \"$FREEZERD_DRILL_SNAPSHOT\""
    );
    let outcome = host.json(&drill(&scratch, &["--command", &good]));
    assert_eq!(outcome["summary"]["exit_code"], 0, "{outcome:#}");
    let bad = host
        .freezerd(&drill(&scratch, &["--command", "exit 7"]))
        .exits(1);
    let said = bad.stderr();
    assert!(
        said.contains("on the restored files, the command ended with exit code 7"),
        "{said}"
    );
    assert_eq!(left(&host), [] as [PathBuf; 0]);
}

#[test]
fn what_a_command_leaves_running_ends_with_the_drill() {
    let host = host();
    let scratch = host.path("scratch");
    let gate = host.gate("gate");
    let pid = host.path("pid");
    let command = format!("{{ {}; }} & echo $! > '{}'", gate.wait(), pid.display());
    let ran = host
        .freezerd(&drill(&scratch, &["--command", &command]))
        .exits(0);
    let pid = fs::read_to_string(pid).unwrap();
    assert!(!is_running(pid.trim()), "{}", ran.stderr());
    let said = ran.stderr();
    assert!(said.contains("has left 1 process running"), "{said}");
    assert_eq!(left(&host), [] as [PathBuf; 0]);
}

pub fn is_running(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

/// A drill by hand whose command waits at a gate.
fn waiting(host: &Host, scratch: &Path, gate: &Gate) -> Child {
    let reached = host.path("reached");
    let command = format!("touch '{}'; {}", reached.display(), gate.wait());
    let words = drill(scratch, &["--command", &command]);
    let mut command = host.command(&words);
    let drill = command.stdout(Stdio::null()).stderr(Stdio::null());
    let drill = drill.spawn().unwrap();
    eventually("the command runs", || reached.exists());
    assert_eq!(left(host).len(), 1);
    drill
}

/// The agent of a command.
fn agent_of(command: &Child) -> Pid {
    let tasks = fs::read_dir(format!("/proc/{}/task", command.id())).unwrap();
    let children = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("children")));
    let children: String = children.map(|it| it.unwrap_or_default()).collect();
    let agent = children.split_whitespace().next().expect("an agent");
    Pid::from_raw(agent.parse().unwrap()).unwrap()
}

#[test]
fn a_drill_that_is_told_to_end_leaves_nothing() {
    let host = host();
    let scratch = host.path("scratch");
    let gate = host.gate("gate");
    let mut drill = waiting(&host, &scratch, &gate);
    rustix::process::kill_process(agent_of(&drill), Signal::TERM).unwrap();
    drill.wait().unwrap();
    assert_eq!(left(&host), [] as [PathBuf; 0]);
}

#[test]
fn what_a_drill_that_was_killed_has_left_goes_with_the_next_one() {
    let host = host();
    let scratch = host.path("scratch");
    let gate = host.gate("gate");
    let mut killed = waiting(&host, &scratch, &gate);
    rustix::process::kill_process(agent_of(&killed), Signal::KILL).unwrap();
    killed.wait().unwrap();
    assert_eq!(left(&host).len(), 1);
    gate.pass();
    host.freezerd(&drill(&scratch, &[])).exits(0);
    assert_eq!(left(&host), [] as [PathBuf; 0]);
}

#[test]
fn what_a_drill_cannot_use_is_an_error_that_says_so() {
    let host = host();
    let nowhere = host.path("nowhere");
    let said = host.freezerd(&drill(&nowhere, &[])).exits(1).stderr();
    assert!(said.contains("nowhere"), "{said}");
    let container = host.path("container");
    let said = host.freezerd(&drill(&container, &[])).exits(1).stderr();
    assert!(said.contains("container"), "{said}");
    let scratch = host.path("scratch");
    host.freezerd(&drill(&scratch, &["--sample-files", "0"]))
        .exits(64);
    host.freezerd(&drill(&scratch, &["--sample-bytes", "much"]))
        .exits(64);
    host.freezerd(&drill(&scratch, &["--snapshot", "00000000"]))
        .exits(66);
    assert_eq!(left(&host), [] as [PathBuf; 0]);
}

#[test]
fn too_little_space_is_found_before_anything_is_restored() {
    let host = host();
    let Some(disk) = SmallDisk::mount(&host.path("disk"), "64k") else {
        return;
    };
    let ran = host.freezerd(&drill(&disk.0, &["--json"])).exits(1);
    let reason = ran.json()["reason"].as_str().unwrap().to_owned();
    for part in [
        "has room for",
        "the drill needs",
        "--scratch",
        "--sample-files",
    ] {
        assert!(reason.contains(part), "{reason}");
    }
    assert!(!reason.contains('`'), "a key of a job file: {reason}");
    assert_eq!(fs::read_dir(&disk.0).unwrap().count(), 0);
    host.freezerd(&drill(&disk.0, &["--sample-files", "1"]))
        .exits(0);
}

#[test]
fn whatever_a_restore_brings_back_is_as_in_the_snapshot() {
    let host = Host::new();
    odd_tree(&host.path("source"));
    fs::create_dir(host.path("scratch")).unwrap();
    let closed = host.path("source/deep/er/empty");
    fs::set_permissions(closed, fs::Permissions::from_mode(0o500)).unwrap();
    let save = backup(&host.path("source"), &host.path("container"));
    host.put("save", now(vec![save]));
    host.once().exits(0);
    let scratch = host.path("scratch");
    for more in [&[][..], &["--sample-files", "4"]] {
        let ran = host.freezerd(&drill(&scratch, more));
        assert_eq!(ran.code(), 0, "{}\n{}", ran.stdout(), ran.stderr());
    }
    assert_eq!(left(&host), [] as [PathBuf; 0]);
}

#[test]
fn an_ordinary_user_can_drill_what_others_own() {
    let Some(host) = Host::unprivileged() else {
        return;
    };
    host.file("source/closed/file", "content");
    for (name, mode) in [("closed", 0o555), ("closed/file", 0o444)] {
        let path = host.path("source").join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let save = backup(&host.path("source"), &host.path("container"));
    host.put("save", now(vec![save]));
    host.once().exits(0);
    let work = host.path("work");
    let ran = host.freezerd(&drill(&work, &[])).exits(0);
    assert!(ran.stdout().contains("1 file verified"), "{}", ran.stdout());
    let is_left = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.unwrap().file_name();
        name.to_string_lossy().starts_with("freezerd-drill-")
    };
    assert!(!fs::read_dir(work).unwrap().any(is_left));
}
