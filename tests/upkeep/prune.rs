//! What a prune removes, and what it never does.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use freezerd::repository::blob_name::BlobKind;
use freezerd::repository::error::{Doing, Error, ErrorKind, What};
use freezerd::repository::index::file::IndexWriter;
use freezerd::repository::open::Repository;
use freezerd::repository::packer::{Encoder, Packer};
use freezerd::repository::progress::Silent;
use freezerd::repository::prune::error::PruneError;
use freezerd::repository::prune::plan::{MaxUnused, Options};
use freezerd::repository::prune::{prune, rehearse};
use freezerd::storage::error::ErrorKind as StorageErrorKind;
use freezerd::storage::id::Id;
use freezerd::storage::memory::Request;
use freezerd::storage::{FileKind, FileName, Storage};

use crate::support::{Files, THOROUGH, World, some_files, with_garbage};

#[test]
fn what_snapshots_need_stays_and_everything_else_goes_in_the_same_run() {
    for seed in 0..30 {
        let world = with_garbage(seed);
        let before = world.restore_all();
        let bytes = |world: &World| -> u64 {
            let packs = world.memory.list(FileKind::Pack).unwrap().files;
            packs.iter().map(|pack| pack.size).sum()
        };
        let size_before = bytes(&world);
        let pruned = world.prune().unwrap();
        assert_eq!(world.restore_all(), before);
        world.assert_tidy();
        assert_eq!(pruned.summary.bytes, size_before);
        assert_eq!(pruned.freed, size_before - bytes(&world));
        // New packs are fuller: there are fewer headers.
        assert!(bytes(&world) <= size_before - pruned.summary.bytes_freed + 36);
        assert!(pruned.summary.bytes_freed > 0);
        assert!(pruned.unreadable.is_empty() && pruned.missing.is_empty() && !pruned.no_space);
    }
}

#[test]
fn with_any_options_nothing_that_is_needed_goes() {
    let mut random = fastrand::Rng::with_seed(1);
    for seed in 100..160 {
        let world = with_garbage(seed);
        let before = world.restore_all();
        for _ in 0..3 {
            let options = Options {
                max_unused: [
                    MaxUnused::Percent(random.f64() * 100.0),
                    MaxUnused::Bytes(random.u64(0..5000)),
                    MaxUnused::Unlimited,
                ][random.usize(..3)],
                max_repack: random.bool().then(|| random.u64(0..20_000)),
                small: random.u64(0..4000),
                compress_data: random.bool(),
            };
            let expected = rehearse(&world.repository, &options, &HashSet::new(), &Silent).unwrap();
            let pruned = world.prune_with(&options).unwrap();
            assert_eq!(pruned.summary, expected.summary);
            assert_eq!(world.restore_all(), before);
            let report = world.check();
            assert!(report.is_clean(), "{:?}", report.damage);
        }
        world.prune().unwrap();
        world.assert_tidy();
    }
}

#[test]
fn a_rehearsal_changes_nothing_and_counts_snapshots_that_are_to_go() {
    let world = with_garbage(3);
    let names = world.names();
    let without: HashSet<Id> = world.restore_all().into_keys().collect();
    let all = rehearse(&world.repository, &THOROUGH, &without, &Silent).unwrap();
    let now = rehearse(&world.repository, &THOROUGH, &HashSet::new(), &Silent).unwrap();
    assert_eq!(world.names(), names);
    assert_eq!(all.summary.bytes_freed, all.summary.bytes);
    assert!(now.summary.bytes_freed < now.summary.bytes);
}

#[test]
fn a_repository_without_snapshots_becomes_empty_and_is_used_again() {
    let world = with_garbage(4);
    for snapshot in world.restore_all().into_keys() {
        world.forget(snapshot);
    }
    world.prune().unwrap();
    assert_eq!(
        (world.count(FileKind::Pack), world.count(FileKind::Index)),
        (0, 0)
    );
    world.prune().unwrap();
    world.backup(&some_files(&mut fastrand::Rng::with_seed(1), 5));
    world.assert_tidy();
}

#[test]
fn a_damaged_pack_that_is_needed_stays_as_it_is() {
    let world = with_garbage(8);
    let pruned = rehearse(&world.repository, &THOROUGH, &HashSet::new(), &Silent).unwrap();
    assert!(pruned.summary.packs_repacked > 2);
    let index = world.repository.load_index().unwrap().index;
    let before = world.restore_all();
    let mut damaged_and_needed = 0;
    for location in index.blobs(BlobKind::Data) {
        let world = world.copy();
        let name = FileName::new(FileKind::Pack, location.pack);
        let mut content = world.memory.read(name, u64::MAX).unwrap();
        content[location.blob.offset as usize + 16] ^= 1;
        world.memory.damage(name, content.clone());
        let hurt = world.restore_all();
        let pruned = world.prune().unwrap();
        // Every file that could be read can be read, and the others fail as before.
        for (snapshot, files) in world.restore_all() {
            for (path, content) in files {
                let was = &hurt[&snapshot][&path];
                assert_eq!(content.is_ok(), was.is_ok(), "{path}");
                assert!(content.is_err() || content == before[&snapshot][&path]);
            }
        }
        if !pruned.unreadable.is_empty() {
            damaged_and_needed += 1;
            assert_eq!(pruned.unreadable[0].blob, location.blob.name);
            assert_eq!(world.memory.read(name, u64::MAX).unwrap(), content);
        }
        // One that is cut off.
        world
            .memory
            .damage(name, content[..content.len() - 1].to_vec());
        let cut = world.prune();
        if let Ok(pruned) = cut {
            let is_needed = pruned.damaged == [location.pack];
            assert!(is_needed || world.memory.size(name).is_err());
        }
    }
    assert!(damaged_and_needed > 0);
}

#[test]
fn the_good_copy_of_a_blob_stays_even_if_the_other_pack_looks_better() {
    let world = World::new();
    let pieces: Vec<Vec<u8>> = (0..4_u8).map(|at| vec![at; 700]).collect();
    let file = |of: &[usize]| of.iter().map(|at| pieces[*at].clone()).collect::<Vec<_>>();
    let keeps = world.backup(&Files::from([("a".into(), file(&[0, 1]))]));
    // The index is away for a moment, so the second backup stores the first piece again.
    let index = world.memory.list(FileKind::Index).unwrap().files[0].id;
    let index = FileName::new(FileKind::Index, index);
    let content = world.memory.read(index, u64::MAX).unwrap();
    world.memory.remove(index).unwrap();
    let other = world.backup(&Files::from([("b".into(), file(&[0, 2]))]));
    world.memory.write(index, &content).unwrap();
    let before = world.restore_all();
    let packs = world.packs_of(BlobKind::Data, &pieces[0]);
    assert_eq!(packs.len(), 2);
    for damaged in &packs {
        for forgotten in [keeps, other] {
            let world = world.copy();
            let name = FileName::new(FileKind::Pack, *damaged);
            let mut content = world.memory.read(name, u64::MAX).unwrap();
            // The first blob of each pack is the common one.
            content[20] ^= 1;
            world.memory.damage(name, content);
            world.forget(forgotten);
            let pruned = world.prune().unwrap();
            assert!(pruned.unreadable.is_empty());
            for (snapshot, files) in world.restore_all() {
                assert_eq!(files, before[&snapshot]);
            }
        }
    }
}

#[test]
fn a_pack_that_mixes_trees_and_data_is_clean_and_is_split() {
    let world = World::new();
    let cipher = &world.repository.cipher;
    let mut blobs = Vec::new();
    let files = Files::from([
        ("d/a".into(), vec![vec![1; 50]]),
        ("b".into(), vec![vec![2; 99]]),
    ]);
    let tree = crate::support::tree(&files, &mut blobs);
    let mut packer = Packer::new(1 << 20);
    for (kind, content) in &blobs {
        let name = freezerd::repository::blob_name::BlobName {
            kind: *kind,
            id: Id::of(content),
        };
        let mut bytes = Vec::new();
        let encoded = Encoder::new(3).encode(cipher, name, content, &mut bytes);
        packer.add(&encoded.unwrap(), &bytes);
    }
    let pack = packer.finish(cipher).unwrap().unwrap();
    pack.write(&world.memory).unwrap();
    let mut index = IndexWriter::new();
    index.add(pack.id, &pack.blobs);
    index.write(&world.memory, cipher).unwrap();
    world.snapshot(tree);
    let report = world.check();
    assert!(report.is_clean());
    assert_eq!(report.notes.len(), 1);
    let before = world.restore_all();
    world.prune().unwrap();
    assert_eq!(world.restore_all(), before);
    assert_eq!(world.count(FileKind::Pack), 2);
    world.assert_tidy();
}

#[test]
fn without_its_lock_it_writes_and_removes_nothing_more() {
    let world = with_garbage(10);
    let before = world.restore_all();
    let lost = || {
        Err(Error::new(
            ErrorKind::LockLost,
            Doing::Lock,
            What::Repository,
        ))
    };
    let calls = AtomicUsize::new(0);
    for allowed in 0.. {
        let world = world.copy();
        calls.store(0, Ordering::Relaxed);
        let confirm = || match calls.fetch_add(1, Ordering::Relaxed) < allowed {
            true => Ok(()),
            false => lost(),
        };
        let changes = world.memory.count(Request::Write) + world.memory.count(Request::Remove);
        let result = prune(
            &world.repository,
            &THOROUGH,
            Duration::ZERO,
            &confirm,
            &Silent,
        );
        let changed = world.memory.count(Request::Write) + world.memory.count(Request::Remove);
        assert!(changed - changes <= allowed);
        assert_eq!(world.restore_all(), before);
        match result {
            Ok(_) => break,
            Err(PruneError::Failed(error)) => assert_eq!(error.kind, ErrorKind::LockLost),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_full_disk_does_not_keep_it_from_removing_what_needs_no_copy() {
    let world = with_garbage(11);
    let unused = world.backup(&Files::from([(
        "x".into(),
        vec![vec![7; 2000], vec![8; 2000]],
    )]));
    world.forget(unused);
    let before = world.restore_all();
    let writes = world.memory.count(Request::Write);
    world
        .memory
        .fail(Request::Write, 0, StorageErrorKind::NoSpace);
    let pruned = world.prune().unwrap();
    assert!(world.memory.count(Request::Write) > writes);
    assert!(pruned.no_space);
    assert_eq!(world.restore_all(), before);
    assert!(world.packs_of(BlobKind::Data, &[7; 2000]).is_empty());
    world.prune().unwrap();
    world.assert_tidy();
}

#[test]
fn without_the_right_to_remove_it_copies_nothing() {
    let world = with_garbage(11);
    let repository = Repository {
        storage: Arc::new(world.memory.far()),
        ..world.repository.clone()
    };
    let writes = world.memory.count(Request::Write);
    world
        .memory
        .fail(Request::Remove, 0, StorageErrorKind::Denied);
    let pruned = prune(
        &repository,
        &Options::default(),
        Duration::ZERO,
        &|| Ok(()),
        &Silent,
    );
    assert!(matches!(pruned, Err(PruneError::MayNotRemove(_))));
    assert_eq!(world.memory.count(Request::Write), writes);
    world.prune().unwrap();
    world.assert_tidy();
}

#[test]
fn a_prune_that_cannot_copy_everything_leaves_no_copies_that_take_the_last_space() {
    let world = World::new();
    let files = |of_first: &str| -> Files {
        let file = |path: &str, content: &str| (path.to_owned(), vec![content.as_bytes().to_vec()]);
        [
            file("first/file", of_first),
            file("second/file", "the same"),
        ]
        .into()
    };
    let old = world.backup(&files("old"));
    world.backup(&files("new"));
    world.forget(old);
    let before = world.restore_all();
    let packs = || -> HashSet<Id> {
        let listed = world.memory.list(FileKind::Pack).unwrap().files;
        listed.into_iter().map(|pack| pack.id).collect()
    };
    let packs_before = packs();
    // Of the data and of the trees, a pack each is copied. There is room for the first.
    world
        .memory
        .fail(Request::Write, 1, StorageErrorKind::NoSpace);
    let pruned = world.prune().unwrap();
    assert!(pruned.no_space);
    assert!(packs().is_subset(&packs_before));
    assert_eq!(world.restore_all(), before);
    assert!(world.check().is_clean());
    world.prune().unwrap();
    world.assert_tidy();
}
