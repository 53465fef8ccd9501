//! Another reader and writer of the format: `rustic_core`.

use std::path::Path;
use std::sync::Arc;

use freezerd::repository::indexed::Indexed;
use freezerd::repository::node::NodeKind;
use freezerd::repository::snapshot::read_all;
use rustic_backend::LocalBackend;
use rustic_core::{
    BackupOptions, CheckOptions, Credentials, LocalDestination, LsOptions, OpenStatus, PathList,
    Repository, RepositoryBackends, RepositoryOptions, RestoreOptions, SnapshotOptions,
};

use crate::odd_tree::odd_tree;
use crate::restic_support::{PASSWORD, init};
use crate::support::{assert_is_in, back_up, content, entries, subtree};

fn open(repository: &Path) -> Repository<OpenStatus> {
    let local = LocalBackend::new(repository.to_str().unwrap(), []).unwrap();
    let backends = RepositoryBackends::new(Arc::new(local), None);
    let options = RepositoryOptions::default().no_cache(true);
    Repository::new(&options, &backends)
        .unwrap()
        .open(&Credentials::password(PASSWORD))
        .unwrap()
}

#[test]
fn rustic_checks_and_restores_what_is_backed_up_here() {
    let top = tempfile::tempdir().unwrap();
    let source = top.path().join("source");
    odd_tree(&source);
    let place = top.path().join("repository");
    let report = back_up(&init(&place), &source, None);
    let theirs = open(&place);
    let checked = theirs
        .check(CheckOptions::default().read_data(true))
        .unwrap();
    checked.is_ok().unwrap();
    let indexed = theirs.to_indexed().unwrap();
    let path = format!("{}:{}", report.id, source.display());
    let node = indexed.node_from_snapshot_path(&path, |_| true).unwrap();
    let target = top.path().join("target");
    let destination = LocalDestination::new(target.to_str().unwrap(), true, false).unwrap();
    let everything = LsOptions::default();
    let list = || indexed.ls(&node, &everything).unwrap();
    let options = RestoreOptions::default();
    let plan = indexed
        .prepare_restore(&options, list(), &destination, false)
        .unwrap();
    indexed
        .restore(plan, &options, list(), &destination)
        .unwrap();
    let diff = std::process::Command::new("diff")
        .args(["--recursive", "--no-dereference"])
        .args([&source, &target])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&diff.stdout).into_owned();
    // diff does not compare pipes, and says so.
    assert!(!said.lines().any(|line| !line.contains("fifo")), "{said}");
}

#[test]
fn what_rustic_backed_up_is_read_and_not_stored_again() {
    let top = tempfile::tempdir().unwrap();
    let source = top.path().join("source");
    odd_tree(&source);
    let place = top.path().join("repository");
    let repository = init(&place);
    let paths = PathList::from_string(source.to_str().unwrap()).unwrap();
    let snapshot = SnapshotOptions::default().to_snapshot().unwrap();
    open(&place)
        .to_indexed_ids()
        .unwrap()
        .backup(
            &BackupOptions::default(),
            &paths.sanitize().unwrap(),
            snapshot,
        )
        .unwrap();
    let all = read_all(&*repository.storage, &repository.cipher).unwrap();
    let theirs = all[0].1.as_ref().unwrap();
    let indexed = Indexed::load(repository.clone()).unwrap();
    for (path, node) in entries(&indexed, theirs) {
        if node.kind == NodeKind::File {
            assert!(content(&indexed, &node) == std::fs::read(path).unwrap());
        }
    }
    let ours = back_up(&repository, &source, None);
    let summary = ours.snapshot.summary.as_ref().unwrap();
    assert_eq!(summary.data_blobs, 0);
    assert_is_in(&repository, &ours.snapshot, &source);
    // It leaves out some fields of restic's, so the trees differ.
    let tree = |snapshot| subtree(&repository, snapshot, &source);
    assert_ne!(tree(theirs), tree(&ours.snapshot));
}
