//! restic backs up, we restore; the source and what restic restores are the judges.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use freezerd::restore::Options;
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};

use crate::restic_support::{Restic, restics};
use crate::support::{OVERWRITE, assert_same, assert_whole, below, look, open, run};

fn set_times(path: &Path, seconds: i64, nanoseconds: i64) {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A tree with one of everything.
fn source(top: &Path) {
    let is_root = rustix::process::geteuid().is_root();
    fs::create_dir_all(top.join("deep/er/est")).unwrap();
    fs::create_dir(top.join("empty")).unwrap();
    fs::write(top.join("empty file"), "").unwrap();
    fs::write(top.join("text"), "some text\n").unwrap();
    fs::write(top.join("deep/same"), "some text\n").unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let mut large = vec![0; 9 << 20];
    random.fill(&mut large);
    fs::write(top.join("large"), &large).unwrap();
    let sparse = File::create(top.join("sparse")).unwrap();
    sparse.set_len(64 << 20).unwrap();
    sparse.write_all_at(b"in the middle", 20 << 20).unwrap();
    symlink("text", top.join("link")).unwrap();
    symlink("/no/such/place", top.join("deep/dangling")).unwrap();
    set_times(&top.join("link"), 1_000_000_000, 5);
    fs::hard_link(top.join("text"), top.join("deep/hard")).unwrap();
    fs::hard_link(top.join("text"), top.join("zz hard")).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"not utf-8 \xff\xfe \n\"\\");
    use std::os::unix::ffi::OsStrExt;
    fs::write(top.join(odd), "odd").unwrap();
    let path = top.join("pipe");
    rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap();
    fs::write(top.join("old"), "before 1970").unwrap();
    set_times(&top.join("old"), -1_000_000_000, 999_999_999);
    fs::write(top.join("nobody may"), "x").unwrap();
    let user = "user.test";
    rustix::fs::setxattr(top.join("deep"), user, b"\0value", XattrFlags::empty()).unwrap();
    rustix::fs::setxattr(top.join("nobody may"), user, b"", XattrFlags::empty()).unwrap();
    // Only root can back up what nobody may read.
    set_mode(&top.join("nobody may"), if is_root { 0 } else { 0o400 });
    set_mode(&top.join("deep/er"), 0o2550);
    if is_root {
        let path = top.join("device");
        rustix::fs::mknodat(CWD, &path, FileType::CharacterDevice, Mode::RUSR, 0x103).unwrap();
        let (user, group) = (Some(12_345), Some(23_456));
        std::os::unix::fs::chown(top.join("large"), user, group).unwrap();
        std::os::unix::fs::lchown(top.join("link"), user, group).unwrap();
        set_mode(&top.join("large"), 0o6711);
        let mut capability = vec![0; 20];
        capability[..12].copy_from_slice(&[0, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0]);
        let path = top.join("deep/same");
        rustix::fs::setxattr(
            path,
            "security.capability",
            &capability,
            XattrFlags::empty(),
        )
        .unwrap();
        // user::rwx, user 1000: r-x, group::r--, mask::r-x, other::---
        let mut acl = vec![2, 0, 0, 0];
        for (tag, permissions, id) in [
            (1_u16, 7_u16, u32::MAX),
            (2, 5, 1000),
            (4, 4, u32::MAX),
            (16, 5, u32::MAX),
            (32, 0, u32::MAX),
        ] {
            acl.extend_from_slice(&tag.to_le_bytes());
            acl.extend_from_slice(&permissions.to_le_bytes());
            acl.extend_from_slice(&id.to_le_bytes());
        }
        for name in ["system.posix_acl_access", "system.posix_acl_default"] {
            rustix::fs::setxattr(top.join("empty"), name, &acl, XattrFlags::empty()).unwrap();
        }
    }
    set_times(&top.join("deep"), 1_234_567_890, 987_654_321);
    set_times(top, 1_111_111_111, 1);
}

fn back_up(restic: &Restic, repository: &Path, source: &Path) {
    restic.run(repository, &["init"]);
    restic.run(repository, &["backup", "--quiet", source.to_str().unwrap()]);
}

#[test]
fn everything_comes_back_as_it_was_and_as_restic_restores_it() {
    for restic in restics() {
        let top = tempfile::tempdir().unwrap();
        let (source_path, repository) = (top.path().join("source"), top.path().join("repo"));
        fs::create_dir(&source_path).unwrap();
        source(&source_path);
        back_up(&restic, &repository, &source_path);
        let expected = look(&source_path);

        let target = top.path().join("target/new");
        let (indexed, snapshots) = open(&repository);
        let verify = Options {
            verify: true,
            ..Options::default()
        };
        let report = run(&indexed, &snapshots[0], &target, verify).unwrap();
        assert_whole(&report);
        assert!(report.verified >= 9, "{report:?}");
        assert_same(&expected, &look(&target));
        let sparse = fs::metadata(target.join("sparse")).unwrap();
        assert!(
            sparse.blocks() * 512 < 1 << 20,
            "{} blocks",
            sparse.blocks()
        );

        let theirs = top.path().join("theirs");
        let path = theirs.to_str().unwrap();
        restic.run(&repository, &["restore", "latest", "--target", path]);
        let theirs = theirs.join(source_path.strip_prefix("/").unwrap());
        // restic 0.14 does not restore the times of links as we do, so the source decides on those.
        assert_eq!(look(&theirs).len(), expected.len());

        for options in [Options::default(), OVERWRITE] {
            let again = run(&indexed, &snapshots[0], &target, options).unwrap();
            assert_whole(&again);
            assert_eq!((again.written, again.updated), (0, 0));
            assert_same(&expected, &look(&target));
        }
    }
}

#[test]
fn a_snapshot_of_several_paths_keeps_their_full_paths() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let top = tempfile::tempdir().unwrap();
    let repository = top.path().join("repo");
    restic.run(&repository, &["init"]);
    for name in ["one", "two"] {
        fs::create_dir(top.path().join(name)).unwrap();
        fs::write(top.path().join(name).join("file"), name).unwrap();
    }
    let one = top.path().join("one");
    let two = top.path().join("two");
    let paths = [one.to_str().unwrap(), two.to_str().unwrap()];
    restic.run(&repository, &["backup", "--quiet", paths[0], paths[1]]);
    let (indexed, snapshots) = open(&repository);
    let target = top.path().join("target");
    assert_whole(&run(&indexed, &snapshots[0], &target, Options::default()).unwrap());
    for path in [&one, &two] {
        let restored = target.join(path.strip_prefix("/").unwrap());
        assert_same(&look(path), &look(&restored));
    }
    assert_eq!(fs::metadata(&target).unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn a_single_file_goes_into_the_target() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let top = tempfile::tempdir().unwrap();
    let (file, repository) = (top.path().join("file"), top.path().join("repo"));
    fs::write(&file, "content").unwrap();
    back_up(&restic, &repository, &file);
    let (indexed, snapshots) = open(&repository);
    let target = top.path().join("target");
    fs::create_dir(&target).unwrap();
    assert_whole(&run(&indexed, &snapshots[0], &target, Options::default()).unwrap());
    let restored = below(look(&target));
    assert_eq!(restored.len(), 1);
    assert_eq!(fs::read(target.join("file")).unwrap(), b"content");
}
