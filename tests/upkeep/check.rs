//! What a check says of whole and of hurt repositories.

use std::collections::BTreeSet;
use std::sync::Mutex;

use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::check::check;
use freezerd::repository::check::lost::LossKind;
use freezerd::repository::check::report::{Damaged, Note};
use freezerd::repository::check::share::Share;
use freezerd::repository::node::{Node, NodeKind, NodeProblem};
use freezerd::repository::progress::{Observer, Silent, Stage};
use freezerd::repository::tree::TreeBuilder;
use freezerd::storage::id::Id;
use freezerd::storage::{FileKind, FileName, Storage};

use crate::support::{World, some_files, with_garbage};

#[test]
fn a_whole_repository_is_clean_and_everything_in_it_is_counted() {
    let world = with_garbage(30);
    let report = world.check();
    assert!(report.is_clean(), "{:?}", report.damage);
    assert_eq!(report.notes, []);
    assert_eq!(report.snapshots, 3);
    assert_eq!(report.packs, world.count(FileKind::Pack) as u64);
    assert_eq!(report.packs_read, report.packs);
    let sizes = world.memory.list(FileKind::Pack).unwrap().files;
    assert_eq!(
        report.bytes_read,
        sizes.iter().map(|pack| pack.size).sum::<u64>()
    );
    let structure = check(&world.repository, Share::Nothing, &Silent).unwrap();
    assert!(structure.is_clean());
    assert_eq!((structure.packs_read, structure.trees), (0, report.trees));
}

#[test]
fn progress_reaches_the_totals_that_it_announces() {
    #[derive(Default)]
    struct Seen(Mutex<Vec<(Stage, Option<u64>, u64)>>);
    impl Observer for Seen {
        fn stage(&self, stage: Stage, total: Option<u64>) {
            self.0.lock().unwrap().push((stage, total, 0));
        }
        fn advance(&self, count: u64) {
            self.0.lock().unwrap().last_mut().unwrap().2 += count;
        }
    }
    let world = with_garbage(31);
    let seen = Seen::default();
    let report = check(&world.repository, Share::All, &seen).unwrap();
    let seen = seen.0.into_inner().unwrap();
    for (stage, total, count) in &seen {
        assert!(total.is_none_or(|total| total == *count), "{stage:?}");
    }
    assert!(seen.contains(&(Stage::ReadTrees, None, report.trees)));
    assert!(seen.contains(&(Stage::ReadPacks, Some(report.bytes_read), report.bytes_read)));
}

#[test]
fn a_rolling_share_finds_the_damage_in_one_run_of_all() {
    let world = with_garbage(32);
    let packs = world.memory.list(FileKind::Pack).unwrap().files;
    let name = FileName::new(FileKind::Pack, packs[3].id);
    let mut content = world.memory.read(name, u64::MAX).unwrap();
    let last = content.len() - 1;
    content[last / 2] ^= 1;
    world.memory.damage(name, content);
    let runs = 5;
    let mut found = 0;
    let mut read = 0;
    for run in 7..7 + runs {
        let share = Share::rolling(run, runs);
        let report = check(&world.repository, share, &Silent).unwrap();
        read += report.packs_read;
        let of_pack =
            |it: &&Damaged| matches!(it, Damaged::Pack(fault) if fault.pack == packs[3].id);
        found += report.damage.iter().filter(of_pack).count();
    }
    assert_eq!((found, read), (1, packs.len() as u64));
}

#[test]
fn the_losses_are_the_files_that_cannot_be_restored_and_no_others() {
    let world = with_garbage(33);
    for listed in world.memory.list(FileKind::Pack).unwrap().files {
        for is_gone in [true, false] {
            let world = world.copy();
            let name = FileName::new(FileKind::Pack, listed.id);
            if is_gone {
                world.memory.remove(name).unwrap();
            } else {
                // The first blob is damaged.
                let mut content = world.memory.read(name, u64::MAX).unwrap();
                content[17] ^= 1;
                world.memory.damage(name, content);
            }
            let report = world.check();
            let [Damaged::Pack(fault)] = &report.damage[..] else {
                panic!("{:?}", report.damage);
            };
            assert_eq!((fault.pack, fault.missing), (listed.id, is_gone));
            assert!(is_gone || fault.bad_blobs == 1 && fault.content);
            let mut expected = BTreeSet::new();
            for (snapshot, files) in world.restore_all() {
                for (path, content) in files {
                    if content.is_err() {
                        expected.insert((snapshot, path.into_bytes()));
                    }
                }
            }
            let lost: BTreeSet<_> = report
                .losses
                .iter()
                .flat_map(|loss| {
                    loss.paths
                        .iter()
                        .map(|lost| (loss.snapshot, lost.path.clone()))
                })
                .collect();
            assert_eq!(lost, expected);
            assert!(report.losses.iter().all(|loss| !loss.more));
        }
    }
}

#[test]
fn entries_that_cannot_be_used_and_missing_pieces_are_named_once() {
    let world = World::new();
    let missing = Id::of(b"missing");
    let file = |name: &str, content: Option<Vec<Id>>, size| Node {
        content,
        size,
        ..Node::new(name, NodeKind::File)
    };
    let mut below = TreeBuilder::new();
    below
        .add(&file("a", Some(vec![missing, missing]), 9))
        .unwrap();
    below
        .add(&file("b", Some(vec![Id::of(b"piece"), missing]), 9))
        .unwrap();
    below
        .add(&file("c", Some(vec![Id::of(b"piece")]), 99))
        .unwrap();
    below.add(&file("d", None, 99)).unwrap();
    below
        .add(&Node::new("e", NodeKind::Other("teapot".into())))
        .unwrap();
    let below = below.finish();
    let mut root = TreeBuilder::new();
    for (name, tree) in [
        ("x", Id::of(&below)),
        ("y", Id::of(&below)),
        ("z", Id::of(b"no tree")),
    ] {
        let mut node = Node::new(name, NodeKind::Directory);
        node.subtree = Some(tree);
        root.add(&node).unwrap();
    }
    let root = root.finish();
    let tree = Id::of(&root);
    let bad_tree = Id::of(&below);
    world.store(&[
        (BlobKind::Data, b"piece".to_vec()),
        (BlobKind::Tree, root),
        (BlobKind::Tree, below),
    ]);
    world.snapshot(tree);
    world.snapshot(tree);
    let report = world.check();
    let mut told = BTreeSet::new();
    for damaged in &report.damage {
        assert!(told.insert(match damaged {
            Damaged::Blob(blob) => format!("{blob}"),
            Damaged::Node {
                tree,
                name,
                problem,
            } => {
                assert_eq!(*tree, bad_tree);
                format!("{} {problem:?}", String::from_utf8_lossy(name))
            }
            Damaged::Tree { tree, .. } => format!("tree {tree}"),
            other => panic!("{other:?}"),
        }));
    }
    let kind = BlobKind::Data;
    let expected = BTreeSet::from([
        BlobName { kind, id: missing }.to_string(),
        format!("d {:?}", NodeProblem::NoContent),
        format!("e {:?}", NodeProblem::Kind),
        format!("tree {}", Id::of(b"no tree")),
    ]);
    assert_eq!(told, expected);
    let [
        Note::Size {
            name,
            size,
            content,
            ..
        },
    ] = &report.notes[..]
    else {
        panic!("{:?}", report.notes);
    };
    assert_eq!((&name[..], *size, *content), (&b"c"[..], 99, 5));
    assert_eq!(report.losses.len(), 2);
    let paths = &report.losses[0].paths;
    let shown: Vec<_> = paths
        .iter()
        .map(|lost| (String::from_utf8_lossy(&lost.path).into_owned(), lost.kind))
        .collect();
    let of = |directory: &str| {
        [
            (format!("{directory}/a"), LossKind::Content),
            (format!("{directory}/b"), LossKind::Content),
            (
                format!("{directory}/d"),
                LossKind::Entry(NodeProblem::NoContent),
            ),
            (format!("{directory}/e"), LossKind::Entry(NodeProblem::Kind)),
        ]
    };
    let mut expected = [of("x"), of("y")].concat();
    expected.push(("z".into(), LossKind::Directory));
    assert_eq!(shown, expected);
}

#[test]
fn a_loss_below_more_paths_than_anybody_can_visit_ends() {
    let world = World::new();
    let directory = |name: &str, tree: Id| Node {
        subtree: Some(tree),
        ..Node::new(name, NodeKind::Directory)
    };
    let mut blobs = Vec::new();
    let mut id = Id::of(b"lost");
    for level in 0..3000 {
        let mut tree = TreeBuilder::new();
        tree.add(&directory("a", id)).unwrap();
        if level % 30 == 0 {
            tree.add(&directory("b", id)).unwrap();
        }
        let text = tree.finish();
        id = Id::of(&text);
        blobs.push((BlobKind::Tree, text));
    }
    let world = World {
        pack_size: 1 << 20,
        ..world
    };
    world.store(&blobs);
    world.snapshot(id);
    let report = world.check();
    assert_eq!(report.damage.len(), 1);
    let [loss] = &report.losses[..] else {
        panic!("one snapshot")
    };
    assert!(loss.more && !loss.paths.is_empty());
}

#[test]
fn what_interrupted_programs_left_is_noted_and_not_damage() {
    let world = with_garbage(34);
    let pack = FileName::new(FileKind::Pack, Id::of(b"of no index"));
    world.memory.write(pack, b"of no index").unwrap();
    let report = world.check();
    assert!(report.is_clean());
    assert_eq!(
        report.notes,
        [Note::Unindexed {
            pack: pack.id,
            size: 11
        }]
    );
}

#[test]
fn a_repository_of_version_1_is_checked() {
    let world = World::new();
    world.backup(&some_files(&mut fastrand::Rng::with_seed(1), 9));
    let mut repository = world.repository.clone();
    repository.config.version = 1;
    assert!(check(&repository, Share::All, &Silent).unwrap().is_clean());
}
