//! Snapshots that no honest program makes: nothing is written outside of the target, and every restore ends.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;

use freezerd::repository::node::{Node, NodeKind};
use freezerd::restore::Options;
use freezerd::restore::error::ErrorKind;
use freezerd::storage::id::Id;
use rustix::fs::{AtFlags, Mode, OFlags};

use crate::made::{Made, directory, plain};
use crate::support::{OVERWRITE, below, in_memory, look, problems, run};

/// A tree with these names, in this order: restic's builder would refuse it.
fn raw(names: &[&str], content: Id) -> Vec<u8> {
    let nodes: Vec<String> = names
        .iter()
        .map(|name| {
            format!(
                r#"{{"name":"{name}","type":"file","mode":420,"content":["{content}"],"size":4}}"#
            )
        })
        .collect();
    format!("{{\"nodes\":[{}]}}", nodes.join(",")).into_bytes()
}

#[test]
fn names_that_lead_elsewhere_and_duplicates_are_not_restored() {
    let mut made = Made::new();
    let content = made.data(b"evil");
    let names = [
        "",
        ".",
        "..",
        "../x",
        "/tmp/x",
        "a/b",
        "good",
        "good",
        "early",
        "nul\\\\x00",
    ];
    let tree = made.raw_tree(&raw(&names, content));
    let (indexed, snapshot) = made.finish_tree(tree);
    let top = tempfile::tempdir().unwrap();
    let target = top.path().join("target");
    fs::create_dir(&target).unwrap();
    fs::write(top.path().join("x"), "precious").unwrap();
    let report = run(&indexed, &snapshot, &target, OVERWRITE).unwrap();
    let found = problems(&report);
    assert_eq!(found.len(), 9, "{found:?}");
    assert!(
        found.iter().any(|line| line == "../x: Entry(Name)"),
        "{found:?}"
    );
    assert!(found.contains(&"good: Entry(Duplicate)".to_owned()));
    assert!(found.contains(&"early: Entry(Order)".to_owned()));
    assert_eq!(
        (report.files, report.written, report.not_restored),
        (10, 1, 9)
    );
    assert_eq!(below(look(&target)).len(), 1);
    assert_eq!(fs::read(top.path().join("x")).unwrap(), b"precious");
}

#[test]
fn trees_that_double_are_refused_before_anything_is_written() {
    let mut made = Made::new();
    let nodes = [made.file("x", &[b"x"])];
    let mut tree = made.tree(&nodes);
    for _ in 0..60 {
        tree = made.tree(&[directory("a", tree), directory("b", tree)]);
    }
    let (indexed, snapshot) = made.finish_tree(tree);
    let top = tempfile::tempdir().unwrap();
    let target = top.path().join("target");
    for options in [Options::default(), OVERWRITE] {
        let refused = run(&indexed, &snapshot, &target, options).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::TooMany);
        assert!(!target.exists());
    }
}

/// Goes down through directories of this name, and removes them on the way up.
fn remove_deep(top: &Path, name: &str, depth: usize) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut here: OwnedFd = rustix::fs::open(top, flags, Mode::empty()).unwrap();
    for _ in 0..depth {
        here = rustix::fs::openat(&here, name, flags, Mode::empty()).unwrap();
        let _ = rustix::fs::unlinkat(&here, "file", AtFlags::empty());
    }
    for _ in 0..depth {
        here = rustix::fs::openat(&here, "..", flags, Mode::empty()).unwrap();
        rustix::fs::unlinkat(&here, name, AtFlags::REMOVEDIR).unwrap();
    }
}

#[test]
fn sixty_thousand_nested_directories_are_restored_with_few_descriptors() {
    const DEPTH: usize = 60_000;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if limit.current.is_none_or(|current| current > 256) {
        // The limit counts for a whole process, so this test runs again in one of its own.
        let name = "hostile::sixty_thousand_nested_directories_are_restored_with_few_descriptors";
        let program = std::env::current_exe().unwrap();
        let ran = Command::new("sh")
            .args([
                "-c",
                "ulimit -n 256; exec \"$0\" \"$1\" --exact --nocapture",
            ])
            .arg(program)
            .arg(name)
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        return;
    }
    let mut made = Made::new();
    let file = made.file("file", &[b"content"]);
    let mut tree = made.tree(std::slice::from_ref(&file));
    let mut files = 1;
    for level in 0..DEPTH {
        let mut nodes = vec![directory("d", tree)];
        if level % 20 == 0 {
            nodes.push(file.clone());
            files += 1;
        }
        tree = made.tree(&nodes);
    }
    let (indexed, snapshot) = made.finish_tree(tree);
    let target = in_memory();
    let report = run(&indexed, &snapshot, target.path(), Options::default()).unwrap();
    let again = run(&indexed, &snapshot, target.path(), OVERWRITE).unwrap();
    remove_deep(target.path(), "d", DEPTH);
    assert!(report.problems.is_empty(), "{:?}", report.problems.total);
    assert_eq!(report.written, files);
    assert_eq!(report.directories, DEPTH as u64);
    assert!(again.problems.is_empty(), "{:?}", again.problems.total);
    assert_eq!((again.written, again.identical), (0, files));
}

#[test]
fn a_time_that_the_file_system_cannot_keep_is_a_problem_of_its_file() {
    let mut made = Made::new();
    let late = freezerd::repository::time::Time::utc(250_000_000_000, 7);
    let nodes = [
        Node {
            mtime: late,
            ..made.file("late", &[b"x"])
        },
        Node {
            mtime: late,
            link_target: b"x".to_vec(),
            ..plain("link", NodeKind::Symlink)
        },
        made.file("usual", &[b"x"]),
    ];
    let (indexed, snapshot) = made.finish(&nodes);
    let target = tempfile::tempdir_in(".").unwrap();
    let report = run(&indexed, &snapshot, target.path(), Options::default()).unwrap();
    let kept = fs::symlink_metadata(target.path().join("late")).unwrap();
    use std::os::unix::fs::MetadataExt;
    if kept.mtime() == late.seconds {
        eprintln!("SKIPPED: this file system keeps every time");
        assert!(report.problems.is_empty());
        return;
    }
    let expected = ["late: Metadata(Times)", "link: Metadata(Times)"];
    assert_eq!(problems(&report), expected);
    assert_eq!((report.written, report.not_restored), (3, 0));
}

#[test]
fn links_that_claim_more_or_fewer_names_than_there_are_do_no_harm() {
    let mut made = Made::new();
    let name = |made: &mut Made, name: &str, links, content: &[u8]| Node {
        links,
        inode: 9,
        ..made.file(name, &[content])
    };
    let nodes = [
        name(&mut made, "a", 2, b"one"),
        name(&mut made, "b", u64::MAX, b"one"),
        name(&mut made, "c", 2, b"one"),
        name(&mut made, "d", 1, b"one"),
        // A link that says that it is the same file.
        Node {
            links: 2,
            inode: 9,
            link_target: b"away".to_vec(),
            ..Node::new("e", NodeKind::Symlink)
        },
    ];
    let (indexed, snapshot) = made.finish(&nodes);
    let target = tempfile::tempdir().unwrap();
    let report = run(&indexed, &snapshot, target.path(), Options::default()).unwrap();
    assert!(report.problems.is_empty());
    use std::os::unix::fs::MetadataExt;
    let links = |name: &str| fs::metadata(target.path().join(name)).unwrap().nlink();
    assert_eq!(["a", "b", "c", "d"].map(links), [3, 3, 3, 1]);
    assert!(fs::read_link(target.path().join("e")).is_ok());
}
