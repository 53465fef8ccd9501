//! Extended attributes and access control lists of what exists in the target.

use std::fs;
use std::path::Path;

use freezerd::repository::indexed::Indexed;
use freezerd::repository::node::{Attribute, Node, NodeKind};
use freezerd::repository::snapshot::Snapshot;
use freezerd::restore::report::ChangeKind;
use freezerd::restore::{Options, restore};
use rustix::fs::XattrFlags;

use crate::made::{Made, plain};
use crate::support::{
    Changes, OVERWRITE, assert_same, assert_whole, below, look, problems, request, run,
};

const ACL: &str = "system.posix_acl_access";
const DEFAULT_ACL: &str = "system.posix_acl_default";

/// An access control list as the kernel has it: `u::rwx u:ID:r-x g::r-x m::r-x o::r-x`.
fn acl(user: u32) -> Vec<u8> {
    let mut value = 2_u32.to_le_bytes().to_vec();
    let nobody = u32::MAX;
    for (tag, permissions, id) in [
        (0x01_u16, 7_u16, nobody),
        (0x02, 5, user),
        (0x04, 5, nobody),
        (0x10, 5, nobody),
        (0x20, 5, nobody),
    ] {
        value.extend(tag.to_le_bytes());
        value.extend(permissions.to_le_bytes());
        value.extend(id.to_le_bytes());
    }
    value
}

fn with(attributes: &[(&str, &[u8])], node: Node) -> Node {
    let attributes = attributes.iter().map(|(name, value)| Attribute {
        name: (*name).to_owned(),
        value: Some(value.to_vec()),
    });
    Node {
        attributes: attributes.collect(),
        ..node
    }
}

/// Directories with and without attributes, a file and a FIFO.
fn sample() -> (Indexed, Snapshot) {
    let mut made = Made::new();
    let inner = [made.file("x", &[b"inner"])];
    let nodes = [
        with(
            &[("user.a", b"1"), (ACL, &acl(1234))],
            made.directory("changed", &inner),
        ),
        with(&[], made.directory("extra", &[])),
        with(&[(ACL, &acl(1234))], plain("fifo", NodeKind::Fifo)),
        with(&[("user.a", b"1")], made.file("file", &[b"content"])),
        with(&[("user.a", b"1")], made.directory("lost", &[])),
        with(&[("user.a", b"1")], made.directory("same", &[])),
    ];
    made.finish(&nodes)
}

/// A restored sample in which attributes of all entries but `same` were changed afterwards. Nothing else differs.
fn changed(indexed: &Indexed, snapshot: &Snapshot, target: &Path) {
    assert_whole(&run(indexed, snapshot, target, Options::default()).unwrap());
    let set = |name: &str, attribute: &str, value: &[u8]| {
        rustix::fs::setxattr(target.join(name), attribute, value, XattrFlags::empty()).unwrap();
    };
    set("changed", ACL, &acl(4321));
    set("extra", DEFAULT_ACL, &acl(1234));
    set("fifo", ACL, &acl(4321));
    set("file", "user.a", b"2");
    rustix::fs::removexattr(target.join("lost"), "user.a").unwrap();
    set("same", "trusted.other", b"of the host");
}

/// Whether the file system of the temporary directories keeps attributes and lists; root alone may set all of them.
fn is_possible() -> bool {
    let directory = tempfile::tempdir().unwrap();
    let set = |name: &str, value: &[u8]| {
        rustix::fs::setxattr(directory.path(), name, value, XattrFlags::empty()).is_ok()
    };
    let possible = set("user.a", b"1") && set(ACL, &acl(1234)) && set("trusted.other", b"1");
    if !possible {
        println!("SKIPPED: this user or this file system has no extended attributes");
    }
    possible
}

#[test]
fn attributes_that_differ_are_kept_and_named_also_of_directories() {
    if !is_possible() {
        return;
    }
    let (indexed, snapshot) = sample();
    let top = tempfile::tempdir().unwrap();
    let target = top.path().join("target");
    changed(&indexed, &snapshot, &target);
    let before = look(&target);
    let report = run(&indexed, &snapshot, &target, Options::default()).unwrap();
    let expected = ["changed", "extra", "fifo", "file", "lost"];
    let expected = expected.map(|name| format!("{name}: Kept(Attributes)"));
    assert_eq!(problems(&report), expected);
    assert_same(&before, &look(&target));
}

#[test]
fn overwrite_makes_attributes_as_in_the_snapshot_and_a_dry_run_says_which() {
    if !is_possible() {
        return;
    }
    let (indexed, snapshot) = sample();
    let top = tempfile::tempdir().unwrap();
    let (new, old) = (top.path().join("new"), top.path().join("old"));
    changed(&indexed, &snapshot, &old);
    let seen = Changes::default();
    let report = restore(&freezerd::restore::Request {
        options: Options {
            dry_run: true,
            ..OVERWRITE
        },
        observer: &seen,
        ..request(&indexed, &snapshot, &old)
    });
    assert_whole(&report.unwrap());
    let changes = seen.sorted();
    let named: Vec<&str> = changes
        .iter()
        .inspect(|change| assert_eq!(change.kind, ChangeKind::Update))
        .filter_map(|change| change.path.to_str())
        .collect();
    assert_eq!(named, ["changed", "extra", "fifo", "file", "lost"]);

    assert_whole(&run(&indexed, &snapshot, &old, OVERWRITE).unwrap());
    rustix::fs::removexattr(old.join("same"), "trusted.other").unwrap();
    assert_whole(&run(&indexed, &snapshot, &new, Options::default()).unwrap());
    assert_same(&below(look(&new)), &below(look(&old)));
    let again = run(&indexed, &snapshot, &old, Options::default()).unwrap();
    assert_whole(&again);
    assert_eq!((again.written, again.updated), (0, 0));
}

#[test]
fn a_fifo_does_not_keep_the_list_that_its_directory_gives_new_entries() {
    if !is_possible() {
        return;
    }
    let mut made = Made::new();
    let nodes = [plain("fifo", NodeKind::Fifo), made.file("file", &[b"x"])];
    let (indexed, snapshot) = made.finish(&nodes);
    let top = tempfile::tempdir().unwrap();
    let target = top.path().join("target");
    fs::create_dir(&target).unwrap();
    rustix::fs::setxattr(&target, DEFAULT_ACL, &acl(1234), XattrFlags::empty()).unwrap();
    assert_whole(&run(&indexed, &snapshot, &target, Options::default()).unwrap());
    for (name, line) in below(look(&target)) {
        assert!(!line.contains("posix_acl"), "{name:?}: {line}");
    }
}
