//! A damaged repository costs the files that need what is damaged, and nothing else.

use std::fs;

use freezerd::repository::blob_name::BlobKind;
use freezerd::repository::error::{Damage, ErrorKind};
use freezerd::repository::node::{Node, NodeKind};
use freezerd::restore::Options;
use freezerd::restore::error::ErrorKind as RestoreErrorKind;
use freezerd::restore::problem::ProblemKind;
use freezerd::storage::error::ErrorKind as StorageErrorKind;
use freezerd::storage::memory::Request;
use freezerd::storage::{FileKind, FileName, Storage};

use crate::made::{Made, directory, plain};
use crate::support::{OVERWRITE, only_kind, problems, run};

#[test]
fn a_damaged_pack_costs_only_the_files_that_need_it() {
    costs_only_what_needs_it(Made::new());
}

#[test]
fn a_damaged_pack_far_away_costs_only_the_files_that_need_it() {
    costs_only_what_needs_it(Made::far());
}

fn costs_only_what_needs_it(mut made: Made) {
    let good = made.file("good", &[b"good"]);
    made.flush(BlobKind::Data);
    let small = made.file("small", &[b"bad"]);
    let other = made.file("other", &[b"in the same pack"]);
    made.flush(BlobKind::Data);
    let large = made.file("large", &[b"good", b"bad", b"good"]);
    let pack = made.packs[&small.content.as_ref().unwrap()[0]];
    let memory = made.memory.clone();
    let (indexed, snapshot) = made.finish(&[good, large, other, small]);
    let name = FileName::new(FileKind::Pack, pack);
    let mut content = memory.read(name, u64::MAX).unwrap();
    // In the first blob of the pack.
    content[20] ^= 1;
    memory.damage(name, content);
    let target = tempfile::tempdir().unwrap();
    let path = |name: &str| target.path().join(name);
    let report = run(&indexed, &snapshot, target.path(), Options::default()).unwrap();
    assert_eq!(problems(&report), ["large: Content", "small: Content"]);
    let cause = report.problems.first[0].cause.as_ref().unwrap();
    let cause: &freezerd::repository::error::Error = cause.downcast_ref().unwrap();
    assert_eq!(cause.kind, ErrorKind::Damaged(Damage::Authentication));
    assert_eq!((report.written, report.not_restored), (2, 2));
    assert_eq!(fs::read(path("good")).unwrap(), b"good");
    assert_eq!(fs::read(path("other")).unwrap(), b"in the same pack");
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 2);
}

#[test]
fn a_server_that_is_gone_ends_the_restore_and_a_file_without_access_costs_what_needs_it() {
    let end = |kind| {
        let mut made = Made::new();
        let nodes = [made.file("one", &[b"one"]), made.file("two", &[b"two"])];
        let memory = made.memory.clone();
        let (indexed, snapshot) = made.finish(&nodes);
        let target = tempfile::tempdir().unwrap();
        memory.fail(Request::ReadRange, 1, kind);
        run(&indexed, &snapshot, target.path(), Options::default())
    };
    let error = end(StorageErrorKind::Unreachable).unwrap_err();
    let kind = ErrorKind::Storage(StorageErrorKind::Unreachable);
    assert_eq!(error.kind, RestoreErrorKind::Repository(kind), "{error}");
    let report = end(StorageErrorKind::Denied).unwrap();
    assert!(report.problems.first[0].is_out_of_reach());
}

#[test]
fn a_missing_pack_leaves_what_exists_as_it_is() {
    let mut made = Made::new();
    let lost = made.file("lost", &[b"lost"]);
    made.flush(BlobKind::Data);
    let pack = made.packs[&lost.content.as_ref().unwrap()[0]];
    let memory = made.memory.clone();
    let nodes = [lost, made.file("rest", &[b"rest"])];
    let (indexed, snapshot) = made.finish(&nodes);
    memory.remove(FileName::new(FileKind::Pack, pack)).unwrap();
    let target = tempfile::tempdir().unwrap();
    fs::write(target.path().join("lost"), "older").unwrap();
    let report = run(&indexed, &snapshot, target.path(), OVERWRITE).unwrap();
    assert_eq!(only_kind(&report), ProblemKind::Content);
    assert_eq!(fs::read(target.path().join("lost")).unwrap(), b"older");
    assert_eq!(fs::read(target.path().join("rest")).unwrap(), b"rest");
}

#[test]
fn a_piece_that_no_index_names_and_a_tree_that_is_gone_cost_what_needs_them() {
    let mut made = Made::new();
    let unknown = freezerd::storage::id::Id::of(b"unknown");
    let good = made.data(b"good");
    let nodes = [
        directory("a", unknown),
        Node {
            content: Some(vec![unknown]),
            size: 7,
            ..plain("b", NodeKind::File)
        },
        Node {
            content: Some(vec![good, unknown]),
            size: 7,
            ..plain("c", NodeKind::File)
        },
        made.file("d", &[b"good"]),
    ];
    let (indexed, snapshot) = made.finish(&nodes);
    let target = tempfile::tempdir().unwrap();
    let report = run(&indexed, &snapshot, target.path(), Options::default()).unwrap();
    assert_eq!(problems(&report), ["a: Tree", "b: Content", "c: Content"]);
    assert!(target.path().join("a").is_dir());
    assert_eq!(fs::read(target.path().join("d")).unwrap(), b"good");
}

#[test]
fn a_whole_copy_in_another_pack_stands_in_for_a_damaged_one() {
    let mut made = Made::new();
    let file = made.file("file", &[b"twice"]);
    made.flush(BlobKind::Data);
    let id = file.content.as_ref().unwrap()[0];
    let first = made.packs[&id];
    made.packs.remove(&id);
    made.data(b"something else");
    made.data(b"twice");
    let memory = made.memory.clone();
    let (indexed, snapshot) = made.finish(&[file]);
    memory.damage(FileName::new(FileKind::Pack, first), vec![0; 50]);
    let target = tempfile::tempdir().unwrap();
    let report = run(&indexed, &snapshot, target.path(), Options::default()).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(fs::read(target.path().join("file")).unwrap(), b"twice");
}

#[test]
fn a_read_that_fails_once_costs_nothing() {
    let mut made = Made::new();
    let memory = made.memory.clone();
    let nodes = [made.file("file", &[b"content"])];
    let (indexed, snapshot) = made.finish(&nodes);
    // The root's tree is read twice: once to count, once to restore.
    memory.fail(
        Request::ReadRange,
        2,
        freezerd::storage::error::ErrorKind::Io,
    );
    let target = tempfile::tempdir().unwrap();
    let report = run(&indexed, &snapshot, target.path(), Options::default()).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
}

#[test]
fn a_wrong_size_is_named_and_the_pieces_are_what_is_written() {
    let mut made = Made::new();
    let mut nodes = Vec::new();
    for (name, size) in [("a", 1), ("b", 1 << 63)] {
        nodes.push(Node {
            size,
            ..made.file(name, &[b"four"])
        });
    }
    let (indexed, snapshot) = made.finish(&nodes);
    let target = tempfile::tempdir().unwrap();
    let report = run(&indexed, &snapshot, target.path(), Options::default()).unwrap();
    assert_eq!(problems(&report), ["a: Size", "b: Size"]);
    assert_eq!(fs::read(target.path().join("b")).unwrap(), b"four");
}

#[test]
fn a_full_disk_ends_the_restore_and_what_was_written_is_whole() {
    ends_with_whole_files(Made::new(), 0);
}

#[test]
fn a_full_disk_ends_a_restore_from_far_away_and_what_was_written_is_whole() {
    ends_with_whole_files(Made::far(), 8);
}

fn ends_with_whole_files(mut made: Made, window: usize) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: a file system can be mounted by root only");
        return;
    }
    let mount = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
        .arg(mount.path())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no file system can be mounted here");
        return;
    }
    let mut random = fastrand::Rng::with_seed(1);
    let mut nodes = Vec::new();
    for number in 0..20 {
        let mut content = vec![0; 700_000];
        random.fill(&mut content);
        let (first, second) = content.split_at(300_000);
        nodes.push(made.file(&format!("{number:02}"), &[first, second]));
    }
    let (indexed, snapshot) = made.finish(&nodes);
    let options = Options {
        window,
        ..Options::default()
    };
    let failed = run(&indexed, &snapshot, mount.path(), options);
    let left: Vec<_> = fs::read_dir(mount.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let lengths: Vec<u64> = left
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .collect();
    std::process::Command::new("umount")
        .arg(mount.path())
        .status()
        .unwrap();
    let error = failed.unwrap_err();
    assert_eq!(error.kind, RestoreErrorKind::NoSpace);
    let done = error.done.unwrap();
    assert_eq!(left.len() as u64, done.written);
    assert!(lengths.iter().all(|length| *length == 700_000), "{left:?}");
    assert!(done.written >= 3);
}
