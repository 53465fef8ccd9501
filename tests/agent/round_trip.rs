//! A restore gives back what was backed up. `restic` reads freezerd's repositories, and freezerd reads restic's.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use freezerd::job::action::Work;
use freezerd::protocol::{Progress, Report};

use crate::support::*;

/// Creates a tree with one entry of every kind. Returns the kinds that this file system does not support.
fn one_of_everything(top: &Path) {
    let write = |name: &str, content: &[u8]| {
        let path = top.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    };
    write("plain.txt", b"plain");
    write("empty", b"");
    write("deep/er/and/deeper/file", b"down here");
    let large: Vec<u8> = (0..600_000u32)
        .flat_map(|number| number.to_le_bytes())
        .collect();
    write("large", &large);
    write("zeroes", &[0; 2_000_000]);
    let script = write("script.sh", b"#!/bin/sh\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o4750)).unwrap();
    let secret = write("read-only", b"hands off");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o400)).unwrap();
    fs::create_dir(top.join("empty-directory")).unwrap();
    fs::create_dir(top.join("sticky")).unwrap();
    fs::set_permissions(top.join("sticky"), fs::Permissions::from_mode(0o1777)).unwrap();
    symlink("plain.txt", top.join("link")).unwrap();
    symlink("/nowhere/at/all", top.join("dangling")).unwrap();
    fs::write(top.join(OsStr::from_bytes(b"not-utf8-\xff\xfe")), "bytes").unwrap();
    fs::write(top.join("quotes \" and \\ and \n line"), "odd").unwrap();
    fs::hard_link(&script, top.join("deep/hard-link")).unwrap();
    fs::hard_link(&script, top.join("second-hard-link")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        top.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o640),
        0,
    )
    .unwrap();
    let attribute = rustix::fs::setxattr(
        top.join("plain.txt"),
        "user.origin",
        b"somewhere\0else",
        rustix::fs::XattrFlags::empty(),
    );
    if attribute.is_err() {
        eprintln!("SKIPPED: extended attributes, since this file system has none");
    }
    if is_root() {
        std::os::unix::fs::chown(top.join("plain.txt"), Some(12345), Some(54321)).unwrap();
        std::os::unix::fs::lchown(top.join("dangling"), Some(12345), Some(54321)).unwrap();
    } else {
        eprintln!("SKIPPED: foreign owners, since this is not root");
    }
    let old = fs::File::options()
        .write(true)
        .open(top.join("plain.txt"))
        .unwrap();
    old.set_modified(UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789))
        .unwrap();
    let ancient = fs::File::options()
        .write(true)
        .open(top.join("empty"))
        .unwrap();
    ancient
        .set_modified(UNIX_EPOCH - Duration::from_millis(1_500))
        .unwrap();
    fs::File::open(top.join("deep"))
        .unwrap()
        .set_modified(UNIX_EPOCH + Duration::new(1_100_000_000, 5))
        .unwrap();
    fs::File::open(top)
        .unwrap()
        .set_modified(UNIX_EPOCH + Duration::new(1_200_000_000, 6))
        .unwrap();
    fs::set_permissions(top, fs::Permissions::from_mode(0o751)).unwrap();
}

#[test]
fn a_restore_brings_everything_back_and_so_does_restic() {
    let place = Place::new();
    one_of_everything(&place.path("source"));
    let backup = place.back_up();
    let files = tree(&place.path("source"))
        .iter()
        .filter(|entry| entry.mode & libc::S_IFMT != libc::S_IFDIR)
        .count();
    assert_eq!(backup.summary.files, Some(files as u64));
    assert_eq!(backup.summary.level, Some(0));
    assert_eq!(
        fs::metadata(place.path("container")).unwrap().mode() & 0o777,
        0o700
    );

    let restore = succeed(Work::Restore(place.restore()));
    assert_same_tree(&place.path("source"), &place.path("target"));
    assert_eq!(restore.summary.files, Some(files as u64));
    assert_eq!(restore.summary.snapshot, backup.summary.snapshot);
    assert!(
        fs::metadata(place.path("target/zeroes")).unwrap().blocks() < 2_000,
        "a hole stays a hole"
    );

    // The second time there is nothing to do, and overwriting changes nothing either.
    for overwrite in [false, true] {
        succeed(Work::Restore(freezerd::job::action::Restore {
            overwrite,
            ..place.restore()
        }));
        assert_same_tree(&place.path("source"), &place.path("target"));
    }

    if place.restic(&["check", "--read-data"]).is_some() {
        let target = place.path("restic-target");
        place.restic(&["restore", "latest", "--target", target.to_str().unwrap()]);
        let restored = target.join(place.path("source").strip_prefix("/").unwrap());
        assert_same_tree(&place.path("source"), &restored);
        let listed = place.restic(&["snapshots", "--json"]).unwrap();
        for sign in [
            "\"web-1\"",
            "\"level:0\"",
            "\"run:ledger-7/0\"",
            backup.summary.snapshot.as_deref().unwrap(),
        ] {
            assert!(listed.contains(sign), "{sign}: {listed}");
        }
    }
    succeed(place.check(true));
}

/// A separate test, because restic itself stores such links correctly only since version 0.16.
#[test]
fn a_link_to_a_name_that_is_not_utf8_comes_back_as_it_was() {
    let place = Place::new();
    symlink(OsStr::from_bytes(b"to-\xfe"), place.path("source/link")).unwrap();
    place.back_up();
    succeed(Work::Restore(place.restore()));
    assert_same_tree(&place.path("source"), &place.path("target"));
}

#[test]
fn a_backup_by_restic_is_restored() {
    let place = Place::new();
    one_of_everything(&place.path("source"));
    if place.restic(&["init"]).is_none() {
        return;
    }
    let source = place.path("source");
    let source = source.to_str().unwrap();
    place.restic(&["backup", "--host", "web-1", source]);
    let snapshots =
        freezerd::agent::list_snapshots(&place.container(), &Default::default()).unwrap();
    assert_eq!(
        (
            snapshots.len(),
            snapshots[0].level,
            snapshots[0].label.as_str()
        ),
        (1, None, "")
    );
    let mut restore = place.restore();
    restore.snapshot = Some(snapshots[0].id[..6].to_owned());
    succeed(Work::Restore(restore));
    assert_same_tree(&place.path("source"), &place.path("target"));
    succeed(place.check(true));
    // Our own backup goes into the same repository.
    let second = place.back_up();
    assert_eq!(
        second.summary.level,
        Some(0),
        "another program's snapshot is of no lineage of ours"
    );
    place.restic(&["check", "--read-data"]);
}

#[test]
fn a_snapshot_of_a_relative_path_is_restored_like_any_other() {
    let place = Place::new();
    place.write("source/sub/file", "x");
    if place.restic(&["init"]).is_none() {
        return;
    }
    let ran = Command::new("restic")
        .current_dir(place.path("source"))
        .args(["--no-cache", "--repo"])
        .arg(place.path("container"))
        .arg("--password-file")
        .arg(place.path("pass"))
        .args(["backup", "sub"])
        .output()
        .unwrap();
    assert!(ran.status.success());
    let mut restore = place.restore();
    restore.snapshot = Some(
        freezerd::agent::list_snapshots(&place.container(), &Default::default()).unwrap()[0]
            .id
            .clone(),
    );
    succeed(Work::Restore(restore));
    assert_eq!(fs::read(place.path("target/file")).unwrap(), b"x");
}

#[test]
fn a_single_file_is_restored_under_its_name_in_the_target() {
    let place = Place::new();
    let path = place.write("source/database.db", "rows");
    let mut backup = place.backup();
    backup.paths = vec![path.clone()];
    assert_eq!(succeed(Work::Backup(backup)).summary.files, Some(1));
    succeed(Work::Restore(place.restore()));
    assert_eq!(fs::read(place.path("target/database.db")).unwrap(), b"rows");
    assert_eq!(
        fs::metadata(place.path("target/database.db"))
            .unwrap()
            .modified()
            .unwrap(),
        fs::metadata(path).unwrap().modified().unwrap()
    );
}

#[test]
fn a_source_that_is_a_link_means_the_directory_that_it_points_to() {
    let place = Place::new();
    place.write("source/file", "x");
    symlink(place.path("source"), place.path("alias")).unwrap();
    let mut backup = place.backup();
    backup.paths = vec![place.path("alias")];
    succeed(Work::Backup(backup));
    succeed(Work::Restore(place.restore()));
    assert_same_tree(&place.path("source"), &place.path("target"));
}

#[test]
fn levels_increase_by_one_and_are_stored_with_the_snapshot() {
    let place = Place::new();
    place.write("source/one", "1");
    let first = place.back_up();
    place.write("source/two", "2");
    let second = place.back_up();
    assert_eq!(
        (first.summary.level, second.summary.level),
        (Some(0), Some(1))
    );
    assert_eq!(
        (second.summary.files_new, second.summary.files_changed),
        (Some(1), Some(0))
    );
    let mut full = place.backup();
    full.levels.no_incremental = true;
    let third = succeed(Work::Backup(full));
    assert_eq!(
        (third.summary.level, third.summary.files_new),
        (Some(0), Some(2))
    );
    let snapshots =
        freezerd::agent::list_snapshots(&place.container(), &Default::default()).unwrap();
    assert_eq!(
        snapshots
            .iter()
            .map(|snapshot| snapshot.level)
            .collect::<Vec<_>>(),
        [Some(0), Some(1), Some(0)]
    );
    assert_eq!(snapshots[1].parent, first.summary.snapshot);
    assert_eq!(snapshots[2].parent, None);
}

#[test]
fn a_level_above_0_reads_files_again_if_their_inode_or_ctime_changed() {
    let place = Place::new();
    let path = place.write("source/file", "before");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    place.back_up();
    // The same size and time, but another inode: some programs replace their files like this.
    let other = place.write("source/other", "behind");
    fs::File::options()
        .write(true)
        .open(&other)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    fs::rename(&other, &path).unwrap();
    let second = place.back_up();
    assert_eq!(
        (second.summary.level, second.summary.files_changed),
        (Some(1), Some(1))
    );
    // The same inode, size and time, but another ctime.
    fs::write(&path, "beyond").unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    assert_eq!(place.back_up().summary.files_changed, Some(1));
    succeed(Work::Restore(place.restore()));
    assert_eq!(fs::read(place.path("target/file")).unwrap(), b"beyond");
}

#[test]
fn progress_is_reported_with_its_totals() {
    let place = Place::new();
    place.write("source/file", vec![7; 5_000_000]);
    place.write("source/other", "x");
    for (work, phase) in [
        (Work::Backup(place.backup()), "backing up"),
        (Work::Restore(place.restore()), "restoring"),
    ] {
        let ended = run(work);
        ended.outcome();
        let last = ended
            .reports
            .iter()
            .filter_map(|report| match report {
                Report::Progress(progress) => Some(progress),
                _ => None,
            })
            .next_back();
        let expected = Progress {
            phase: phase.to_owned(),
            files_done: 2,
            files_total: Some(2),
            bytes_done: 5_000_001,
            bytes_total: Some(5_000_001),
            traffic: None,
        };
        assert_eq!(last, Some(&expected), "{ended:#?}");
    }
}
