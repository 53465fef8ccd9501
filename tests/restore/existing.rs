//! What a restore does with what exists in the target.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use freezerd::repository::indexed::Indexed;
use freezerd::repository::node::{Node, NodeKind};
use freezerd::repository::snapshot::Snapshot;
use freezerd::restore::Options;
use freezerd::restore::error::ErrorKind;
use freezerd::restore::{Request, restore};

use crate::made::{Made, plain};
use crate::support::{OVERWRITE, assert_same, assert_whole, below, look, problems, request, run};

/// Two directories, files of one piece and of two, and a link.
fn sample() -> (Indexed, Snapshot) {
    let mut made = Made::new();
    let inner = [made.file("x", &[b"inner"])];
    let nodes = [
        made.directory("a", &inner),
        made.file("b", &[b"some ", b"pieces"]),
        made.file("c", &[b"one piece"]),
        Node {
            link_target: b"c".to_vec(),
            ..plain("l", NodeKind::Symlink)
        },
    ];
    made.finish(&nodes)
}

#[test]
fn what_exists_and_differs_is_kept_and_named() {
    let (indexed, snapshot) = sample();
    let target = tempfile::tempdir().unwrap();
    let path = |name: &str| target.path().join(name);
    fs::create_dir(path("a")).unwrap();
    fs::set_permissions(path("a"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(path("b"), "other pieces").unwrap();
    symlink("elsewhere", path("l")).unwrap();
    let report = run(&indexed, &snapshot, target.path(), Options::default()).unwrap();
    let expected = ["a: Kept(Mode)", "b: Kept(Content)", "l: Kept(Content)"];
    assert_eq!(problems(&report), expected);
    assert_eq!((report.written, report.not_restored), (2, 2));
    assert_eq!(fs::read(path("b")).unwrap(), b"other pieces");
    assert_eq!(fs::metadata(path("a")).unwrap().mode() & 0o7777, 0o700);
    assert_eq!(fs::read(path("a/x")).unwrap(), b"inner");
}

#[test]
fn overwrite_replaces_what_differs_and_leaves_what_is_right() {
    let (indexed, snapshot) = sample();
    let top = tempfile::tempdir().unwrap();
    let (new, old) = (top.path().join("new"), top.path().join("old"));
    assert_whole(&run(&indexed, &snapshot, &new, Options::default()).unwrap());
    assert_whole(&run(&indexed, &snapshot, &old, Options::default()).unwrap());
    let path = |name: &str| old.join(name);
    let inode = fs::metadata(path("c")).unwrap().ino();
    fs::remove_dir_all(path("a")).unwrap();
    fs::write(path("a"), "a file in place of a directory").unwrap();
    fs::remove_file(path("b")).unwrap();
    fs::create_dir(path("b")).unwrap();
    fs::set_permissions(path("c"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(path("l")).unwrap();
    fs::write(path("l"), "x").unwrap();
    fs::write(path("extra"), "stays").unwrap();
    let report = run(&indexed, &snapshot, &old, OVERWRITE).unwrap();
    assert_whole(&report);
    assert_eq!(
        (report.written, report.identical, report.updated),
        (3, 1, 1)
    );
    assert_eq!(fs::metadata(path("c")).unwrap().ino(), inode);
    fs::remove_file(path("extra")).unwrap();
    assert_same(&below(look(&new)), &below(look(&old)));
}

#[test]
fn a_link_in_the_target_is_never_followed() {
    let (indexed, snapshot) = sample();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("c"), "precious").unwrap();
    let before = look(outside.path());
    let target = tempfile::tempdir().unwrap();
    symlink(outside.path(), target.path().join("a")).unwrap();
    symlink(outside.path().join("c"), target.path().join("c")).unwrap();
    symlink(outside.path().join("new"), target.path().join("b")).unwrap();
    let report = run(&indexed, &snapshot, target.path(), Options::default()).unwrap();
    let kept = ["a: Kept(Type)", "b: Kept(Type)", "c: Kept(Type)"];
    assert_eq!(problems(&report), kept);
    assert_same(&before, &look(outside.path()));
    assert_whole(&run(&indexed, &snapshot, target.path(), OVERWRITE).unwrap());
    assert_same(&before, &look(outside.path()));
    assert_eq!(fs::read(target.path().join("a/x")).unwrap(), b"inner");
}

#[test]
fn a_target_that_is_a_link_to_a_directory_is_that_directory() {
    let (indexed, snapshot) = sample();
    let top = tempfile::tempdir().unwrap();
    fs::create_dir(top.path().join("real")).unwrap();
    symlink("real", top.path().join("target")).unwrap();
    let target = top.path().join("target");
    assert_whole(&run(&indexed, &snapshot, &target, Options::default()).unwrap());
    assert!(top.path().join("real/c").exists());
    symlink("nowhere", top.path().join("dangling")).unwrap();
    fs::write(top.path().join("file"), "").unwrap();
    for name in ["dangling", "file", "file/below"] {
        let failed = run(&indexed, &snapshot, &top.path().join(name), OVERWRITE);
        assert!(failed.is_err(), "{name}");
    }
}

#[test]
fn what_a_killed_restore_left_is_finished_without_overwrite() {
    let (indexed, snapshot) = sample();
    let top = tempfile::tempdir().unwrap();
    let (new, old) = (top.path().join("new"), top.path().join("old"));
    assert_whole(&run(&indexed, &snapshot, &new, Options::default()).unwrap());
    // As a restore leaves it that is killed: marked directories, a marked file without all of its content, a file under
    // a temporary name, and the rest missing.
    let mark = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::create_dir_all(old.join("a")).unwrap();
    fs::write(old.join("a/x"), "inn").unwrap();
    fs::write(old.join("c"), "one piece").unwrap();
    fs::write(old.join(".freezerd-restoring-1-2"), "some ").unwrap();
    mark(&old.join("a/x"), 0o1600);
    mark(&old.join("c"), 0o1600);
    mark(&old.join("a"), 0o1700);
    mark(&old, 0o1700);
    let report = run(&indexed, &snapshot, &old, Options::default()).unwrap();
    assert_whole(&report);
    assert_eq!((report.written, report.identical), (3, 1));
    assert_same(&below(look(&new)), &below(look(&old)));
}

#[test]
fn names_of_one_file_are_links_again_in_a_target_that_exists() {
    let mut made = Made::new();
    let mut nodes = vec![];
    for name in ["a", "b", "c"] {
        nodes.push(Node {
            links: 3,
            inode: 7,
            ..made.file(name, &[b"shared"])
        });
    }
    let (indexed, snapshot) = made.finish(&nodes);
    let target = tempfile::tempdir().unwrap();
    let path = |name: &str| target.path().join(name);
    let inodes = || ["a", "b", "c"].map(|name| fs::metadata(path(name)).unwrap().ino());
    assert_whole(&run(&indexed, &snapshot, target.path(), Options::default()).unwrap());
    let [a, b, c] = inodes();
    assert!(a == b && b == c);
    let again = run(&indexed, &snapshot, target.path(), OVERWRITE).unwrap();
    assert_eq!((again.written, again.identical), (0, 3));

    fs::remove_file(path("b")).unwrap();
    fs::write(path("b"), "shared").unwrap();
    fs::remove_file(path("c")).unwrap();
    assert_whole(&run(&indexed, &snapshot, target.path(), OVERWRITE).unwrap());
    let [a, b, c] = inodes();
    assert!(a == b && b == c);
}

#[test]
fn symbolic_links_and_fifos_with_several_names_have_them_again() {
    let mut nodes = vec![];
    for name in ["a", "b"] {
        nodes.push(Node {
            links: 2,
            inode: 8,
            link_target: b"away".to_vec(),
            ..Node::new(name, NodeKind::Symlink)
        });
    }
    for name in ["c", "d"] {
        // restic does not count the names of a FIFO.
        nodes.push(Node {
            inode: 8,
            mode: 0o600,
            ..Node::new(name, NodeKind::Fifo)
        });
    }
    let (indexed, snapshot) = Made::new().finish(&nodes);
    let target = tempfile::tempdir().unwrap();
    let inodes = || {
        let inode = |name| {
            fs::symlink_metadata(target.path().join(name))
                .unwrap()
                .ino()
        };
        ["a", "b", "c", "d"].map(inode)
    };
    for expected in [(4, 0), (0, 4)] {
        let report = run(&indexed, &snapshot, target.path(), OVERWRITE).unwrap();
        assert_whole(&report);
        assert_eq!((report.written, report.identical), expected);
        let [a, b, c, d] = inodes();
        assert!(a == b && c == d && a != c);
    }
    fs::remove_file(target.path().join("d")).unwrap();
    assert_whole(&run(&indexed, &snapshot, target.path(), OVERWRITE).unwrap());
    let [_, _, c, d] = inodes();
    assert_eq!(c, d);
}

#[test]
fn a_name_that_is_shared_with_the_outside_gets_a_file_of_its_own() {
    let mut made = Made::new();
    let nodes = [made.file("a", &[b"content"])];
    let (indexed, snapshot) = made.finish(&nodes);
    let top = tempfile::tempdir().unwrap();
    let (outside, target) = (top.path().join("outside"), top.path().join("target"));
    fs::write(&outside, "content").unwrap();
    fs::create_dir(&target).unwrap();
    fs::hard_link(&outside, target.join("a")).unwrap();
    let about = || {
        let about = fs::metadata(&outside).unwrap();
        (about.mode(), about.mtime_nsec(), about.ino())
    };
    let before = about();
    assert_whole(&run(&indexed, &snapshot, &target, OVERWRITE).unwrap());
    assert_eq!(before, about());
    let restored = fs::metadata(target.join("a")).unwrap();
    assert_eq!((restored.nlink(), restored.mtime()), (1, 1_500_000_000));
}

#[test]
fn protected_directories_are_never_entered_and_never_the_target() {
    let (indexed, snapshot) = sample();
    let top = tempfile::tempdir().unwrap();
    let container = top.path().join("a");
    fs::create_dir(&container).unwrap();
    fs::write(container.join("x"), "a pack").unwrap();
    let protected = [container.clone()];
    let attempt = |target: &Path| {
        restore(&Request {
            protected: &protected,
            options: OVERWRITE,
            ..request(&indexed, &snapshot, target)
        })
    };
    for inside in [
        container.clone(),
        container.join("deeper/still"),
        top.path().join("z/../a"),
    ] {
        assert_eq!(attempt(&inside).unwrap_err().kind, ErrorKind::Protected);
    }
    let around = attempt(top.path()).unwrap();
    assert_eq!(problems(&around), ["a: Protected"]);
    assert_eq!(fs::read(container.join("x")).unwrap(), b"a pack");
}
