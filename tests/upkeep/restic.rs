//! Both versions of `restic` as the judge: they accept what our prune and repair leave, and our check accepts what they
//! leave.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use freezerd::repository::check::check;
use freezerd::repository::check::report::{Damaged, Report};
use freezerd::repository::check::share::Share;
use freezerd::repository::forget::forget;
use freezerd::repository::open::Repository;
use freezerd::repository::progress::Silent;
use freezerd::repository::prune::plan::Options;
use freezerd::repository::prune::prune;
use freezerd::repository::repair::index::{Headers, repair};
use freezerd::repository::snapshot::read_all;
use freezerd::storage::id::Id;
use freezerd::storage::local::Local;
use freezerd::storage::{FileKind, FileName};

use crate::restic_support::{PASSWORD, Restic, restics};
use crate::support::{THOROUGH, restore_all};

fn open(path: &Path) -> Repository {
    Repository::open(Arc::new(Local::new(path)), PASSWORD.as_bytes()).unwrap()
}

fn check_all(repository: &Repository) -> Report {
    check(repository, Share::All, &Silent).unwrap()
}

fn assert_clean(repository: &Repository) {
    let report = check_all(repository);
    assert!(report.is_clean(), "{:?}", report.damage);
    assert_eq!(report.notes, []);
}

/// Writes the files of one generation: some change, some stay, some go.
fn write_generation(source: &Path, generation: u64) {
    let mut random = fastrand::Rng::with_seed(generation);
    for directory in 0..6 {
        let directory = source.join(format!("dir{directory}"));
        fs::create_dir_all(&directory).unwrap();
        for file in 0..12 {
            if generation > 0 && random.u8(..4) != 0 {
                continue;
            }
            let length = random.usize(..40_000);
            let content: Vec<u8> = match random.bool() {
                true => (0..length).map(|_| random.u8(..)).collect(),
                false => format!("line {generation}\n")
                    .repeat(length / 8)
                    .into_bytes(),
            };
            fs::write(directory.join(format!("file{file}")), content).unwrap();
        }
    }
    let gone = source.join(format!("dir{}/file{}", generation % 6, generation % 12));
    let _ = fs::remove_file(gone);
}

/// A repository with this many snapshots of one source. Returns their ids, the oldest first.
fn generations(restic: &Restic, path: &Path, source: &Path, count: u64) -> Vec<Id> {
    restic.run(path, &["init"]);
    let repository = open(path);
    (0..count)
        .map(|generation| {
            write_generation(source, generation);
            let before = ids(&repository);
            let source = source.to_str().unwrap();
            restic.run(path, &["backup", "--force", source]);
            let after = ids(&repository);
            *after.iter().find(|id| !before.contains(id)).unwrap()
        })
        .collect()
}

fn ids(repository: &Repository) -> Vec<Id> {
    let snapshots = read_all(&*repository.storage, &repository.cipher).unwrap();
    snapshots.into_iter().map(|(id, _)| id).collect()
}

fn is_same(source: &Path, restored: &Path) -> bool {
    let restored = restored.join(source.strip_prefix("/").unwrap());
    let diff = Command::new("diff")
        .arg("-r")
        .args([source, &restored])
        .status();
    diff.unwrap().success()
}

#[test]
fn both_versions_accept_what_our_prune_leaves() {
    for restic in restics() {
        for options in [Options::default(), THOROUGH] {
            let directory = tempfile::tempdir().unwrap();
            let [path, source, target] =
                ["repository", "source", "target"].map(|name| directory.path().join(name));
            let snapshots = generations(&restic, &path, &source, 4);
            let repository = open(&path);
            assert_clean(&repository);
            let storage = &*repository.storage;
            let odd: Vec<Id> = snapshots.iter().copied().step_by(2).collect();
            let forgotten = forget(storage, &odd, &|| Ok(())).unwrap();
            assert_eq!(forgotten.removed, odd);
            let before = restore_all(&repository);
            assert_eq!(before.len(), 2);
            // What an interrupted write left behind.
            let temporary = path.join(format!("index/{}-tmp-1", Id::of(b"x")));
            fs::write(&temporary, "").unwrap();
            let age = Duration::ZERO;
            let pruned = prune(&repository, &options, age, &|| Ok(()), &Silent).unwrap();
            assert!(pruned.summary.bytes_freed > 0);
            assert_eq!(pruned.swept, 1);
            assert_clean(&repository);
            assert_eq!(restore_all(&repository), before);
            let said = restic.run(&path, &["check", "--read-data"]);
            assert!(said.contains("no errors were found"), "{said}");
            restic.run(
                &path,
                &["restore", "latest", "--target", target.to_str().unwrap()],
            );
            assert!(is_same(&source, &target));
            // It goes on with it, and we with what it leaves.
            restic.run(&path, &["backup", source.to_str().unwrap()]);
            restic.run(
                &path,
                &["forget", "--keep-last", "1", "--group-by", "", "--prune"],
            );
            assert_clean(&repository);
            assert_eq!(restore_all(&repository).len(), 1);
        }
    }
}

#[test]
fn both_versions_accept_what_our_repair_leaves() {
    for restic in restics() {
        let directory = tempfile::tempdir().unwrap();
        let [path, source] = ["repository", "source"].map(|name| directory.path().join(name));
        generations(&restic, &path, &source, 3);
        let repository = open(&path);
        let before = restore_all(&repository);
        let repair = |damaged: &[Id]| {
            let headers = Headers::WhereNeeded;
            repair(&repository, headers, damaged, &|| Ok(()), &Silent).unwrap()
        };
        for (at, entry) in fs::read_dir(path.join("index")).unwrap().enumerate() {
            if at != 1 {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
        }
        assert!(repair(&[]).changed);
        assert_clean(&repository);
        assert_eq!(restore_all(&repository), before);
        let said = restic.run(&path, &["check", "--read-data"]);
        assert!(said.contains("no errors were found"), "{said}");

        // Every pack is damaged in its first blob; what is lost comes back with the next backup of the same files.
        let packs = repository.storage.list(FileKind::Pack).unwrap().files;
        for listed in &packs {
            let name = FileName::new(FileKind::Pack, listed.id);
            let mut content = repository.storage.read(name, u64::MAX).unwrap();
            content[20] ^= 1;
            let file = path.join(name.to_string());
            fs::remove_file(&file).unwrap();
            fs::write(&file, content).unwrap();
        }
        let of_pack = |damaged: &Damaged| match damaged {
            Damaged::Pack(fault) => Some(fault.pack),
            _ => None,
        };
        let report = check_all(&repository);
        let damaged: Vec<Id> = report.damage.iter().filter_map(of_pack).collect();
        assert_eq!(damaged.len(), packs.len());
        let repaired = repair(&damaged);
        assert_eq!(repaired.salvaged.len(), packs.len());
        assert!(!repaired.losses.is_empty());
        let newest = restic.run(&path, &["backup", "--force", source.to_str().unwrap()]);
        assert!(newest.contains("saved"), "{newest}");
        let target = directory.path().join("target");
        restic.run(
            &path,
            &["restore", "latest", "--target", target.to_str().unwrap()],
        );
        assert!(is_same(&source, &target));
    }
}

#[test]
fn repositories_that_are_kept_are_clean() {
    for version in ["0.14", "0.18"] {
        let kept = Path::new("tests/data").join(format!("restic-{version}"));
        assert_clean(&open(&kept));
    }
}

#[test]
fn a_repository_of_version_1_is_checked_and_not_changed() {
    for restic in restics() {
        let directory = tempfile::tempdir().unwrap();
        let [path, source] = ["repository", "source"].map(|name| directory.path().join(name));
        write_generation(&source, 0);
        restic.run(&path, &["init", "--repository-version", "1"]);
        restic.run(&path, &["backup", source.to_str().unwrap()]);
        let repository = open(&path);
        assert_clean(&repository);
        let confirm = || Ok(());
        assert!(prune(&repository, &THOROUGH, Duration::ZERO, &confirm, &Silent).is_err());
        assert!(repair(&repository, Headers::All, &[], &confirm, &Silent).is_err());
        // Brought to version 2 by restic, its trees are compressed by our prune.
        restic.run(&path, &["migrate", "upgrade_repo_v2"]);
        let repository = open(&path);
        let before = restore_all(&repository);
        let options = Options {
            compress_data: true,
            ..Options::default()
        };
        let pruned = prune(&repository, &options, Duration::ZERO, &confirm, &Silent).unwrap();
        assert!(pruned.summary.packs_repacked > 0);
        assert_eq!(restore_all(&repository), before);
        assert_clean(&repository);
        restic.run(&path, &["check", "--read-data"]);
    }
}
