//! What the snapshot does not hold is deleted only where that is asked for, and never too much.

use std::fs;
use std::path::{Path, PathBuf};

use freezerd::repository::indexed::Indexed;
use freezerd::repository::snapshot::Snapshot;
use freezerd::restore::error::{Error, ErrorKind, NoDelete};
use freezerd::restore::problem::{ProblemKind, Stays};
use freezerd::restore::report::{ChangeKind, Report};
use freezerd::restore::{DeleteExtra, Keep, Options, Request, restore};
use freezerd::storage::id::Id;

use crate::made::{Made, directory};
use crate::support::{
    Changes, Look, OVERWRITE, in_memory, look, only_kind, problems, request, run,
};

fn sample(with_damage: bool) -> (Indexed, Snapshot) {
    let mut made = Made::new();
    let inner = [made.file("x", &[b"inner"])];
    let mut nodes = vec![made.directory("a", &inner), made.file("b", &[b"b"])];
    if with_damage {
        nodes.push(directory("c", Id::of(b"no such tree")));
    }
    made.finish(&nodes)
}

/// A target with the snapshot's content and more.
fn target() -> tempfile::TempDir {
    let (indexed, snapshot) = sample(false);
    let target = tempfile::tempdir().unwrap();
    run(&indexed, &snapshot, target.path(), Options::default()).unwrap();
    fs::create_dir_all(target.path().join("a/extra/deep")).unwrap();
    fs::write(target.path().join("a/extra/deep/file.o"), "x").unwrap();
    fs::write(target.path().join("extra"), "x").unwrap();
    target
}

fn delete(
    sample: &(Indexed, Snapshot),
    target: &Path,
    options: Options,
    partial: bool,
    protected: &[PathBuf],
    keep: &Keep,
) -> Result<Report, Error> {
    restore(&Request {
        options,
        protected,
        delete_extra: Some(DeleteExtra { partial, keep }),
        ..request(&sample.0, &sample.1, target)
    })
}

fn nothing(_: &Path, _: bool) -> bool {
    false
}

#[test]
fn extra_entries_stay_unless_they_are_to_be_deleted_and_then_they_are_named() {
    let target = target();
    let sample = sample(false);
    let report = run(&sample.0, &sample.1, target.path(), OVERWRITE).unwrap();
    assert_eq!(report.removed, 0);
    assert!(target.path().join("extra").exists());
    let dry = Options {
        dry_run: true,
        ..Options::default()
    };
    for options in [dry, Options::default()] {
        let report = delete(&sample, target.path(), options, false, &[], &nothing).unwrap();
        assert_eq!(problems(&report), [] as [&str; 0]);
        assert_eq!(report.removed, 4);
        let named = [Path::new("a/extra"), Path::new("extra")];
        assert_eq!(report.removed_first, named);
        assert_eq!(target.path().join("extra").exists(), options.dry_run);
    }
    assert!(!target.path().join("a/extra").exists());
    assert!(target.path().join("a/x").exists());
}

#[test]
fn what_the_backup_excluded_stays_with_the_directories_above_it() {
    let target = target();
    let keep = |path: &Path, _| path.extension().is_some_and(|extension| extension == "o");
    let sample = sample(false);
    let report = delete(&sample, target.path(), OVERWRITE, false, &[], &keep).unwrap();
    assert_eq!((report.removed, problems(&report).len()), (1, 0));
    assert_eq!(report.removed_first, [Path::new("extra")]);
    assert!(target.path().join("a/extra/deep/file.o").exists());
    assert!(!target.path().join("extra").exists());
}

#[test]
fn a_partial_snapshot_deletes_nothing_and_neither_does_a_restore_that_lost_something() {
    let target = target();
    let refused = delete(
        &sample(false),
        target.path(),
        OVERWRITE,
        true,
        &[],
        &nothing,
    );
    let kind = ErrorKind::Delete(NoDelete::Partial);
    assert_eq!(refused.unwrap_err().kind, kind);
    let report = delete(
        &sample(true),
        target.path(),
        OVERWRITE,
        false,
        &[],
        &nothing,
    )
    .unwrap();
    assert_eq!(problems(&report), [": ExtrasKept", "c: Tree"]);
    assert_eq!(report.removed, 0);
    assert!(target.path().join("extra").exists());
}

#[test]
fn nothing_is_deleted_around_a_protected_directory_or_a_mount_point() {
    let target = target();
    let protected = [target.path().join("a/extra/deep")];
    let attempt = |protected: &[PathBuf]| {
        delete(
            &sample(false),
            target.path(),
            OVERWRITE,
            false,
            protected,
            &nothing,
        )
    };
    let kind = ErrorKind::Delete(NoDelete::HoldsProtected);
    assert_eq!(attempt(&protected).unwrap_err().kind, kind);
    assert!(target.path().join("extra").exists());

    let mount = target.path().join("a/extra/deep");
    let status = std::process::Command::new("mount")
        .args(["--bind", "/usr"])
        .arg(&mount)
        .status();
    if !status.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: nothing can be mounted here");
        return;
    }
    let refused = attempt(&[]).unwrap_err();
    // A restore that replaces the directory by a file meets the mount point, too.
    let mut made = Made::new();
    let nodes = [made.file("a", &[b"x"])];
    let (indexed, snapshot) = made.finish(&nodes);
    let replaced = run(&indexed, &snapshot, target.path(), OVERWRITE).unwrap();
    std::process::Command::new("umount")
        .arg(&mount)
        .status()
        .unwrap();
    assert_eq!(refused.kind, ErrorKind::Delete(NoDelete::HoldsMountPoint));
    assert!(matches!(only_kind(&replaced), ProblemKind::NotReplaced(_)));
    assert!(target.path().join("a/x").exists());
}

#[test]
fn a_directory_is_replaced_by_a_file_only_if_it_is_empty_or_deleting_is_asked_for() {
    let mut made = Made::new();
    let nodes = [made.file("a", &[b"file"]), made.file("b", &[b"file"])];
    let sample = made.finish(&nodes);
    let target = tempfile::tempdir().unwrap();
    fs::create_dir_all(target.path().join("a/deep")).unwrap();
    fs::write(target.path().join("a/deep/file.o"), "x").unwrap();
    fs::create_dir(target.path().join("b")).unwrap();
    let dry = Options {
        dry_run: true,
        ..OVERWRITE
    };
    for options in [dry, OVERWRITE] {
        let report = run(&sample.0, &sample.1, target.path(), options).unwrap();
        assert_eq!(
            only_kind(&report),
            ProblemKind::NotReplaced(Stays::NotEmpty)
        );
        assert_eq!((report.written, report.not_restored), (1, 1));
        assert!(target.path().join("a/deep/file.o").exists());
    }
    assert!(target.path().join("b").is_file());

    // What the backup had left out keeps the directory.
    let keep = |path: &Path, _| path.extension().is_some_and(|extension| extension == "o");
    let report = delete(&sample, target.path(), OVERWRITE, false, &[], &keep).unwrap();
    let spared = ProblemKind::NotReplaced(Stays::Spared);
    assert!(
        report
            .problems
            .first
            .iter()
            .any(|problem| problem.kind == spared)
    );
    assert!(target.path().join("a/deep/file.o").exists());

    for options in [dry, OVERWRITE] {
        let report = delete(&sample, target.path(), options, false, &[], &nothing).unwrap();
        assert_eq!(problems(&report), [] as [&str; 0]);
        assert_eq!(report.removed, 2, "what was in it");
        // The directory itself is replaced.
        assert_eq!(report.removed_first, [Path::new("a/deep")]);
        assert_eq!(target.path().join("a").is_dir(), options.dry_run);
    }
}

/// Directories and files that the snapshot does not hold. Names that end in `.o` are kept.
fn fill(directory: &Path, random: &mut fastrand::Rng, depth: usize) {
    for number in 0..random.usize(0..4) {
        let kept = if random.u8(0..4) == 0 { ".o" } else { "" };
        let path = directory.join(format!("x{number}{kept}"));
        if depth > 0 && random.bool() {
            fs::create_dir(&path).unwrap();
            fill(&path, random, depth - 1);
        } else {
            fs::write(&path, "x").unwrap();
        }
    }
}

/// The paths that are gone, without what was in them.
fn gone(before: &Look, after: &Look) -> Vec<PathBuf> {
    let is_gone = |path: &Path| !after.contains_key(path);
    let paths = before.keys().filter(|path| is_gone(path));
    let outermost = paths.filter(|path| !path.parent().is_some_and(is_gone));
    outermost.cloned().collect()
}

#[test]
fn what_is_named_as_deleted_is_exactly_what_goes_in_a_rehearsal_too() {
    let sample = sample(false);
    let keep = |path: &Path, _| path.extension().is_some_and(|extension| extension == "o");
    let mut mixed = 0;
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let target = in_memory();
        let mut made = Made::new();
        // Directories in the place of files go, too.
        let nodes = [made.file("x0", &[b"file"]), made.file("x1", &[b"file"])];
        let replaced = made.finish(&nodes);
        let (indexed, snapshot) = if random.bool() { &sample } else { &replaced };
        run(indexed, snapshot, target.path(), Options::default()).unwrap();
        for directory in ["", "a"] {
            let directory = target.path().join(directory);
            let exists = directory.is_dir();
            if exists {
                fs::remove_file(directory.join("x0")).ok();
                fs::remove_file(directory.join("x1")).ok();
                fill(&directory, &mut random, 3);
            }
        }
        let before = look(target.path());
        let mut said = Vec::new();
        for dry_run in [true, false] {
            let changes = Changes::default();
            let report = restore(&Request {
                options: Options {
                    dry_run,
                    ..OVERWRITE
                },
                delete_extra: Some(DeleteExtra {
                    partial: false,
                    keep: &keep,
                }),
                observer: &changes,
                ..request(indexed, snapshot, target.path())
            })
            .unwrap();
            let mut deleted = changes.sorted();
            deleted.retain(|change| change.kind == ChangeKind::Remove);
            let deleted: Vec<PathBuf> = deleted.into_iter().map(|change| change.path).collect();
            assert_eq!(deleted, report.removed_first);
            said.push((deleted, report.removed));
        }
        let after = look(target.path());
        let entries = before.keys().filter(|path| !after.contains_key(*path));
        let (named, removed) = &said[1];
        assert_eq!(said[0], said[1], "seed {seed}");
        assert_eq!(*named, gone(&before, &after), "seed {seed}");
        assert_eq!(*removed, entries.count() as u64, "seed {seed}");
        let is_inside = |path: &PathBuf| path.components().count() > 2;
        mixed += usize::from(named.iter().any(is_inside));
    }
    assert!(mixed > 10, "directories that stay lose something, too");
}
