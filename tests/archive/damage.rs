//! A backup on a damaged repository is whole all the same, and says what it met.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use freezerd::repository::index::file::parse;
use freezerd::repository::open::Repository;
use freezerd::repository::unpacked;
use freezerd::storage::{FileKind, FileName};

use crate::restic_support::init;
use crate::support::{assert_is_in, back_up, back_up_beside, tree};

/// The files of the packs that have trees, or have none.
fn packs(repository: &Repository, root: &Path, with_trees: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for listed in repository.storage.list(FileKind::Index).unwrap().files {
        let name = FileName::new(FileKind::Index, listed.id);
        let text = unpacked::read(&*repository.storage, &repository.cipher, name).unwrap();
        parse(&text, |pack, blobs| {
            let is_tree = blobs
                .iter()
                .any(|blob| blob.name.kind == freezerd::repository::blob_name::BlobKind::Tree);
            if is_tree == with_trees {
                found.push(root.join(FileName::new(FileKind::Pack, pack).to_string()));
            }
        })
        .unwrap();
    }
    found
}

fn flip(path: &Path) {
    let mut content = fs::read(path).unwrap();
    for at in (40..content.len()).step_by(1000) {
        content[at] ^= 1;
    }
    fs::write(path, content).unwrap();
}

#[test]
fn a_list_of_packs_that_is_older_than_the_index_is_no_damage() {
    let top = tempfile::tempdir().unwrap();
    let source = top.path().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "content").unwrap();
    let repository = init(&top.path().join("r"));
    let before = repository.storage.list(FileKind::Pack).unwrap().files;
    assert!(before.is_empty());
    // Another host adds what it finds between the two lists.
    back_up(&repository, &source, None);
    let report = back_up_beside(&repository, vec![tree(&source)], None, &before).unwrap();
    assert_eq!(report.damage.len(), 0, "{:?}", report.damage);
    let summary = report.snapshot.summary.unwrap();
    assert_eq!(summary.data_blobs, 0, "it is not stored again");
}

#[test]
fn what_a_damaged_or_missing_pack_held_is_stored_again() {
    let remove = |path: &Path| fs::remove_file(path).unwrap();
    let halve = |path: &Path| {
        let length = fs::metadata(path).unwrap().len();
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(length / 2)
            .unwrap();
    };
    let empty = |path: &Path| fs::write(path, "").unwrap();
    let lengthen = |path: &Path| {
        let mut pack = fs::File::options().append(true).open(path).unwrap();
        pack.write_all(&[0; 100]).unwrap();
    };
    type Damage<'a> = (&'a str, &'a dyn Fn(&Path), bool);
    let damages: [Damage<'_>; 9] = [
        ("trees are gone", &remove, true),
        ("trees are cut in half", &halve, true),
        ("trees are empty", &empty, true),
        ("trees are changed", &flip, true),
        ("data is gone", &remove, false),
        ("data is cut in half", &halve, false),
        ("data is empty", &empty, false),
        ("trees are longer", &lengthen, true),
        ("data is longer", &lengthen, false),
    ];
    for (what, damage, trees) in damages {
        let top = tempfile::tempdir().unwrap();
        let source = top.path().join("source");
        fs::create_dir_all(source.join("d/e")).unwrap();
        let mut random = fastrand::Rng::with_seed(3);
        let mut large = vec![0; 1_500_000];
        random.fill(&mut large);
        fs::write(source.join("d/large"), &large).unwrap();
        fs::write(source.join("d/e/small"), "small").unwrap();
        let root = top.path().join("repository");
        let repository = init(&root);
        let first = back_up(&repository, &source, None);
        for pack in packs(&repository, &root, trees) {
            damage(&pack);
        }
        let second = back_up(&repository, &source, Some(&first));
        assert!(!second.damage.is_empty(), "{what}: nothing was said");
        for (at, error) in second.damage.iter().enumerate() {
            let mut before = second.damage[..at].iter();
            assert!(before.all(|it| it.what != error.what), "{what}: {error}");
        }
        assert_is_in(&repository, &second.snapshot, &source);
        let third = back_up(&repository, &source, Some(&second));
        assert_is_in(&repository, &third.snapshot, &source);
    }
}

#[test]
fn a_damaged_index_costs_nothing() {
    let top = tempfile::tempdir().unwrap();
    let source = top.path().join("source");
    fs::create_dir_all(&source).unwrap();
    fs::write(source.join("file"), "content").unwrap();
    let root = top.path().join("repository");
    let repository = init(&root);
    let first = back_up(&repository, &source, None);
    for entry in fs::read_dir(root.join("index")).unwrap() {
        flip(&entry.unwrap().path());
    }
    let second = back_up(&repository, &source, Some(&first));
    assert_is_in(&repository, &second.snapshot, &source);
    // The packs were found without an index: both snapshots can be read.
    assert_is_in(&repository, &first.snapshot, &source);
    assert_eq!(second.snapshot.summary.unwrap().data_blobs, 0);
}
