//! What a prune does where not everything can be read: it removes nothing that may be needed.

use std::sync::Arc;
use std::time::Duration;

use freezerd::repository::blob_name::BlobKind;
use freezerd::repository::error::{ErrorKind, What};
use freezerd::repository::index::file::IndexWriter;
use freezerd::repository::node::{Node, NodeKind};
use freezerd::repository::progress::Silent;
use freezerd::repository::prune::error::{Obstacle, PruneError};
use freezerd::repository::prune::prune;
use freezerd::repository::tree::TreeBuilder;
use freezerd::storage::id::Id;
use freezerd::storage::{FileKind, FileName, Storage};

use crate::support::{Files, THOROUGH, World, restore_all, some_files, with_garbage};

fn obstacles(result: Result<freezerd::repository::prune::Pruned, PruneError>) -> Vec<Obstacle> {
    match result {
        Err(PruneError::Refused(obstacles)) => obstacles,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn nothing_is_removed_while_a_snapshot_or_an_index_or_a_tree_cannot_be_read() {
    let world = with_garbage(5);
    for kind in [FileKind::Snapshot, FileKind::Index] {
        for listed in world.memory.list(kind).unwrap().files {
            for content in [Vec::new(), b"{}".to_vec()] {
                let world = world.copy();
                world.memory.damage(FileName::new(kind, listed.id), content);
                let names = world.names();
                let obstacles = obstacles(world.prune());
                assert_eq!(world.names(), names);
                let named = obstacles.iter().any(|obstacle| match obstacle {
                    Obstacle::Snapshot(error) | Obstacle::Index(error) => {
                        error.what == What::File(FileName::new(kind, listed.id))
                    }
                    _ => false,
                });
                assert!(named, "{obstacles:?}");
            }
        }
    }
    // Packs with trees that are needed: gone, or damaged in the middle.
    world.prune().unwrap();
    let index = world.repository.load_index().unwrap().index;
    for location in index.blobs(BlobKind::Tree) {
        let name = FileName::new(FileKind::Pack, location.pack);
        let damaged = world.copy();
        let mut content = world.memory.read(name, u64::MAX).unwrap();
        content[location.blob.offset as usize + 20] ^= 1;
        damaged.memory.damage(name, content);
        let gone = world.copy();
        gone.memory.remove(name).unwrap();
        for world in [damaged, gone] {
            let names = world.names();
            let obstacles = obstacles(world.prune());
            assert_eq!(world.names(), names);
            let packs = obstacles.iter().filter(|obstacle| match obstacle {
                Obstacle::Tree { error, .. } => error.what == What::File(name),
                Obstacle::PackMissing { pack, .. } => *pack == location.pack,
                _ => false,
            });
            assert!(packs.count() <= 1, "{obstacles:?}");
            let id = location.blob.name.id;
            // Without the pack, its trees are not reached where one above is in it, too.
            let named = obstacles.iter().any(|obstacle| match obstacle {
                Obstacle::Tree { tree, .. } => *tree == id,
                Obstacle::PackMissing { pack, has_trees } => *has_trees && *pack == location.pack,
                _ => false,
            });
            assert!(named, "{obstacles:?}");
        }
    }
}

#[test]
fn a_snapshot_that_is_reached_by_a_link_counts() {
    let directory = tempfile::tempdir().unwrap();
    let [path, elsewhere] = ["repository", "elsewhere"].map(|name| directory.path().join(name));
    let repository = crate::restic_support::init(&path);
    let memory_world = with_garbage(6);
    let world = World {
        memory: memory_world.memory,
        repository,
        pack_size: 3000,
    };
    let mut random = fastrand::Rng::with_seed(1);
    let linked = world.backup(&some_files(&mut random, 9));
    world.backup(&some_files(&mut random, 9));
    let before = world.restore_all();
    let file = path.join("snapshots").join(linked.to_string());
    std::fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    world.prune().unwrap();
    assert_eq!(restore_all(&world.repository), before);
    // Without its target it is not absent.
    std::fs::rename(&elsewhere, directory.path().join("unmounted")).unwrap();
    let obstacles = obstacles(world.prune());
    assert!(matches!(obstacles[..], [Obstacle::Snapshot(_)]));
    std::fs::rename(directory.path().join("unmounted"), &elsewhere).unwrap();
    assert_eq!(restore_all(&world.repository), before);
}

#[test]
fn a_needed_pack_that_is_missing_stops_it_and_one_that_is_not_needed_is_forgotten() {
    let world = with_garbage(7);
    let before = world.restore_all();
    let mut outcomes = [0, 0];
    for listed in world.memory.list(FileKind::Pack).unwrap().files {
        let world = world.copy();
        let name = FileName::new(FileKind::Pack, listed.id);
        world.memory.remove(name).unwrap();
        match world.prune() {
            Ok(_) => {
                assert_eq!(world.restore_all(), before);
                world.assert_tidy();
                outcomes[0] += 1;
            }
            Err(PruneError::Refused(obstacles)) => {
                let missing = |it: &Obstacle| matches!(it, Obstacle::PackMissing { pack, .. } if *pack == listed.id);
                let tree = |it: &Obstacle| matches!(it, Obstacle::Tree { .. });
                assert!(
                    obstacles.iter().all(|it| missing(it) || tree(it)),
                    "{obstacles:?}"
                );
                outcomes[1] += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(outcomes[1] > 0);
}

#[test]
fn packs_that_no_index_names_go_unless_they_may_have_what_is_missing() {
    let world = with_garbage(9);
    world.prune().unwrap();
    world.backup(&Files::from([(
        "lost".into(),
        vec![b"lost piece".to_vec()],
    )]));
    let [lost] = world.packs_of(BlobKind::Data, b"lost piece")[..] else {
        panic!("one pack");
    };
    // The index without the pack, and with the pack and none of its blobs.
    let without = |keeps_name: bool| {
        let world = world.copy();
        let loaded = world.repository.load_index().unwrap();
        let mut index = IndexWriter::new();
        loaded.index.by_pack().for_each(|pack, blobs| {
            if pack != lost {
                index.add(pack, blobs);
            } else if keeps_name {
                index.add(pack, &[]);
            }
        });
        for file in loaded.files {
            let name = FileName::new(FileKind::Index, file);
            world.memory.remove(name).unwrap();
        }
        let cipher = &world.repository.cipher;
        index.write(&world.memory, cipher).unwrap();
        world
    };
    let rubbish = FileName::new(FileKind::Pack, Id::of(b"rubbish"));
    let [unindexed, without_blobs] = [false, true].map(without);
    for (world, stays) in [(world, false), (unindexed, true), (without_blobs, true)] {
        world.memory.write(rubbish, b"rubbish").unwrap();
        let pruned = world.prune().unwrap();
        assert_eq!(world.memory.size(rubbish).is_ok(), stays);
        assert_eq!(pruned.missing.len(), usize::from(stays));
        let kept = [pruned.unindexed_kept, pruned.damaged].concat();
        assert_eq!(kept.contains(&lost), stays);
        let name = FileName::new(FileKind::Pack, lost);
        assert!(world.memory.size(name).is_ok());
    }
}

#[test]
fn what_a_bad_entry_names_is_needed_all_the_same() {
    let world = World::new();
    let files = Files::from([("f".into(), vec![b"piece".to_vec()])]);
    let mut blobs = Vec::new();
    let below = crate::support::tree(&files, &mut blobs);
    let mut node = Node::new("new", NodeKind::Other("teapot".into()));
    node.subtree = Some(below);
    node.content = Some(vec![Id::of(b"more")]);
    blobs.push((BlobKind::Data, b"more".to_vec()));
    let mut root = TreeBuilder::new();
    root.add(&node).unwrap();
    let root = root.finish();
    let id = Id::of(&root);
    blobs.push((BlobKind::Tree, root));
    world.store(&blobs);
    world.snapshot(id);
    let count = world.count(FileKind::Pack);
    assert_eq!(world.prune().unwrap().summary.bytes_freed, 0);
    assert_eq!(world.count(FileKind::Pack), count);
}

#[test]
fn a_repository_of_version_1_is_not_pruned() {
    let world = with_garbage(12);
    let mut repository = world.repository.clone();
    repository.config.version = 1;
    repository.storage = Arc::new(world.memory.clone());
    let error = prune(&repository, &THOROUGH, Duration::ZERO, &|| Ok(()), &Silent).unwrap_err();
    assert!(matches!(error, PruneError::Failed(error) if error.kind == ErrorKind::ReadOnlyVersion));
}
