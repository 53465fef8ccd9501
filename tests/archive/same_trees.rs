//! The same tree has the same id, whoever backs it up.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use freezerd::archive::report::Report;
use freezerd::repository::open::Repository;
use freezerd::repository::snapshot::{Snapshot, read_all};

use crate::odd_tree::odd_tree;
use crate::restic_support::{Restic, init, restics};
use crate::support::{assert_is_in, back_up, subtree, tree, try_back_up};

fn snapshots(repository: &Repository) -> Vec<Snapshot> {
    let all = read_all(&*repository.storage, &repository.cipher).unwrap();
    all.into_iter()
        .map(|(_, snapshot)| snapshot.unwrap())
        .collect()
}

fn restic_backs_up(restic: &Restic, repository: &Path, sources: &[&Path]) {
    let mut command = restic.command(repository, crate::restic_support::PASSWORD);
    let ran = command.arg("backup").args(sources).output().unwrap();
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{error}");
}

#[test]
fn what_restic_backed_up_is_not_stored_again_and_the_reverse() {
    for restic in restics() {
        let top = tempfile::tempdir().unwrap();
        let source = top.path().join("source");
        odd_tree(&source);
        // restic 0.14 writes less of this one.
        fs::remove_file(source.join("odd link")).unwrap();
        let place = top.path().join("repository");
        let repository = init(&place);
        restic_backs_up(&restic, &place, &[&source]);
        let report = back_up(&repository, &source, None);
        let theirs = &snapshots(&repository)[0];
        let tree = |snapshot: &Snapshot| subtree(&repository, snapshot, &source);
        assert_eq!(tree(&report.snapshot), tree(theirs), "{:?}", restic.0);
        let summary = report.snapshot.summary.as_ref().unwrap();
        assert_eq!(summary.data_blobs, 0);

        let ours = top.path().join("ours");
        let repository = init(&ours);
        let report = back_up(&repository, &source, None);
        restic_backs_up(&restic, &ours, &[&source]);
        let tree = |snapshot: &Snapshot| subtree(&repository, snapshot, &source);
        for snapshot in snapshots(&repository) {
            assert_eq!(tree(&snapshot), tree(&report.snapshot));
        }
        restic.run(&ours, &["check", "--read-data"]);
    }
}

#[test]
fn several_sources_lie_where_restic_puts_them() {
    for restic in restics() {
        let top = tempfile::tempdir().unwrap();
        let source = top.path().join("source");
        odd_tree(&source);
        let paths = [
            source.join("deep/er"),
            source.join("plain.txt"),
            source.join("deep/text"),
        ];
        let place = top.path().join("repository");
        let repository = init(&place);
        restic_backs_up(
            &restic,
            &place,
            &paths.each_ref().map(|path| path.as_path()),
        );
        let sources = paths.iter().map(|path| tree(path)).collect();
        let report = try_back_up(&repository, sources, None).unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        let tree = |snapshot: &Snapshot| subtree(&repository, snapshot, &source);
        assert_eq!(tree(&snapshots(&repository)[0]), tree(&report.snapshot));
    }
}

#[test]
fn restic_restores_what_is_backed_up_here() {
    let top = tempfile::tempdir().unwrap();
    let source = top.path().join("source");
    odd_tree(&source);
    let place = top.path().join("repository");
    let repository = init(&place);
    let report = back_up(&repository, &source, None);
    assert_is_in(&repository, &report.snapshot, &source);
    for (number, restic) in restics().iter().enumerate() {
        let target = top.path().join(format!("target-{number}"));
        let target = target.to_str().unwrap();
        restic.run(&place, &["check", "--read-data"]);
        restic.run(
            &place,
            &["restore", "latest", "--target", target, "--verify"],
        );
        let restored = Path::new(target).join(source.strip_prefix("/").unwrap());
        let diff = std::process::Command::new("diff")
            .args(["--recursive", "--no-dereference"])
            .args([&source, &restored])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&diff.stdout).into_owned();
        // diff does not compare pipes, and says so. restic 0.14 keeps no target of a link that is not UTF-8.
        let differs = said
            .lines()
            .filter(|line| !line.contains("fifo"))
            .any(|line| number > 0 || !line.contains("odd link"));
        assert!(!differs, "{said}");
    }
}

#[test]
fn an_unchanged_tree_adds_nothing_but_a_snapshot() {
    let top = tempfile::tempdir().unwrap();
    let source = top.path().join("source");
    odd_tree(&source);
    let repository = init(&top.path().join("repository"));
    let first = back_up(&repository, &source, None);
    let second = back_up(&repository, &source, Some(&first));
    let tree = |report: &Report| subtree(&repository, &report.snapshot, &source);
    assert_eq!(tree(&second), tree(&first));
    assert_eq!(second.snapshot.parent, Some(first.id));
    let summary = second.snapshot.summary.unwrap();
    let of_first = first.snapshot.summary.unwrap();
    assert_eq!((summary.files_new, summary.files_changed), (0, 0));
    assert_eq!(summary.files_unmodified, of_first.files_new);
    assert_eq!(summary.data_blobs, 0);
    assert_eq!(
        summary.total_bytes_processed,
        of_first.total_bytes_processed
    );
}

#[test]
fn one_large_file_and_one_with_holes_have_restics_chunks_though_several_workers_save_them() {
    let top = tempfile::tempdir().unwrap();
    let source = top.path().join("source");
    fs::create_dir(&source).unwrap();
    let mut random = vec![0; 40_000_000];
    fastrand::Rng::with_seed(31).fill(&mut random);
    fs::write(source.join("large"), &random).unwrap();
    let holes = fs::File::create(source.join("with holes")).unwrap();
    for (offset, part) in [(3_000_000, &random[..900_000]), (9_999_999, &random[..1])] {
        holes.write_all_at(part, offset).unwrap();
    }
    holes.set_len(20_000_001).unwrap();
    let place = top.path().join("repository");
    let repository = init(&place);
    let report = back_up(&repository, &source, None);
    assert_is_in(&repository, &report.snapshot, &source);
    for restic in restics() {
        restic_backs_up(&restic, &place, &[&source]);
        restic.run(&place, &["check", "--read-data"]);
    }
    let trees: Vec<_> = snapshots(&repository)
        .iter()
        .map(|snapshot| subtree(&repository, snapshot, &source))
        .collect();
    assert_eq!(trees.len(), 1 + restics().len());
    assert!(trees.iter().all(|tree| *tree == trees[0]), "{trees:?}");
}
