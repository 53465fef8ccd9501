//! The `log_file` of an action: what is appended, how much, and which files are refused.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::{Value, json};

use crate::disk::SmallDisk;
use crate::harness::{Host, NOBODY, exec, is_root, now};

fn exec_with_file(command: &str, log_file: &Path) -> Value {
    let mut action = exec(command);
    action["freezer_action"]["log_file"] = json!(log_file);
    action
}

#[test]
fn a_log_file_gets_what_the_log_of_the_run_gets() {
    let host = Host::new();
    let file = host.path("work/log");
    host.put("a", now(vec![exec_with_file("echo hello", &file)]));
    host.once().exits(0);
    host.put("b", now(vec![exec_with_file("echo again", &file)]));
    host.once().exits(0);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("exec: hello\n") && text.contains("exec: again\n"),
        "{text}"
    );
}

#[test]
fn a_link_in_the_directory_of_another_user_does_not_get_at_the_files_of_root() {
    if !is_root() {
        println!("SKIPPED: only root can give files to another user");
        return;
    }
    let host = Host::new();
    let secret = host.file("secret", "root:x:0:0\n");
    for dir in ["home", "home/below"] {
        fs::create_dir(host.path(dir)).unwrap();
        std::os::unix::fs::chown(host.path(dir), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    symlink("../secret", host.path("home/log")).unwrap();
    symlink("..", host.path("home/below/up")).unwrap();
    for file in ["home/log", "home/below/up/../secret", "home/new"] {
        host.put(
            "a",
            now(vec![exec_with_file("echo evil", &host.path(file))]),
        );
        let check = host.freezerd(&["check"]).exits(0);
        assert!(
            check.stderr().contains("warning[unsafe-log-file]"),
            "{}",
            check.stderr()
        );
        let ran = host.once().exits(0);
        assert!(
            ran.stderr().contains("belongs to user 65534"),
            "{}",
            ran.stderr()
        );
        let log = host.freezerd(&["log", "a"]).stdout();
        assert!(
            log.contains("exec: evil") && log.contains("nothing is appended to the log_file"),
            "{log}"
        );
    }
    assert_eq!(fs::read_to_string(secret).unwrap(), "root:x:0:0\n");
    assert!(!host.path("home/new").exists());
}

#[test]
fn a_directory_that_everybody_may_write_to_is_refused_without_the_sticky_bit() {
    let host = Host::new();
    let file = host.path("open/log");
    fs::create_dir(host.path("open")).unwrap();
    for (mode, appended) in [(0o777, false), (0o1777, true)] {
        fs::set_permissions(host.path("open"), fs::Permissions::from_mode(mode)).unwrap();
        host.put("a", now(vec![exec_with_file("echo hello", &file)]));
        let ran = host.once().exits(0);
        assert_eq!(file.exists(), appended);
        assert_eq!(ran.stderr().contains("chmod go-w"), !appended);
    }
}

#[test]
fn a_full_disk_ends_the_log_file_and_not_the_run_and_later_lines_are_whole_again() {
    let host = Host::new();
    let Some(disk) = SmallDisk::mount(&host.path("disk"), "64k") else {
        return;
    };
    let file = disk.0.join("log");
    let filler = host.file("disk/filler", &"x".repeat(60_000));
    let flood = exec_with_file("yes hello | head -c 100000", &file);
    host.put("a", now(vec![flood]));
    let ran = host.once().exits(0);
    let log = host.freezerd(&["log", "a"]).exits(0).stdout();
    let expected = format!("cannot append to the log_file `{}`: ", file.display());
    for said in [ran.stderr(), log] {
        assert!(said.contains(&expected), "{said}");
        assert!(said.contains("`freezerd log 1` has all of it"), "{said}");
        assert!(!said.contains("os error"), "{said}");
    }
    assert!(!fs::read_to_string(&file).unwrap().ends_with('\n'));
    fs::remove_file(filler).unwrap();
    host.put("b", now(vec![exec_with_file("echo again", &file)]));
    host.once().exits(0);
    let text = fs::read_to_string(&file).unwrap();
    let of_b: Vec<&str> = text.lines().rev().take(2).collect();
    assert!(of_b[0].ends_with("exec: again"), "{text}");
    for line in of_b {
        let (stamp, _) = line.split_once(' ').unwrap();
        assert_eq!(stamp.len(), "2026-11-24T03:25:00.125Z".len(), "{line}");
    }
}

#[test]
fn one_run_appends_a_bounded_amount_and_the_end_of_each_attempt() {
    let host = Host::new();
    let file = host.path("work/log");
    let line = "x".repeat(1000);
    let mut flood = exec_with_file(
        &format!("yes {line} | head -c 20000000; echo the end >&2; exit 1"),
        &file,
    );
    flood["max_retries"] = json!(2);
    flood["max_retries_interval"] = json!(0);
    host.put("a", now(vec![flood]));
    host.once().exits(1);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.len() < 18 * 1024 * 1024,
        "{} bytes after three attempts",
        text.len()
    );
    assert_eq!(text.matches("the end\n").count(), 3);
    assert_eq!(text.matches("bytes are left out here").count(), 3);
}
