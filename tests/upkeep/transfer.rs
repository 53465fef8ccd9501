//! Copies of snapshots in another repository.

use std::collections::BTreeMap;
use std::sync::Arc;

use freezerd::repository::error::Error;
use freezerd::repository::indexed::Indexed;
use freezerd::repository::key::cost::Cost;
use freezerd::repository::open::Repository;
use freezerd::repository::progress::Silent;
use freezerd::repository::snapshot::{Snapshot, read_all};
use freezerd::repository::transfer::{Destination, Report, Transferred, transfer};
use freezerd::storage::error::ErrorKind;
use freezerd::storage::id::Id;
use freezerd::storage::memory::{Memory, Request};
use freezerd::storage::{FileKind, FileName, Storage};

use crate::support::{Restored, World, some_files, with_garbage};

/// An empty repository that cuts files as the other one does, and has another password.
fn empty_like(world: &World) -> World {
    let memory = Memory::new();
    let cost = Cost { n: 16, r: 1, p: 1 };
    let storage = Arc::new(memory.clone());
    let config = &world.repository.config;
    let repository = Repository::init_like(config, storage, b"p", cost).unwrap();
    World {
        memory,
        repository,
        pack_size: world.pack_size,
    }
}

fn all(world: &World) -> Vec<(Id, Snapshot)> {
    let (storage, cipher) = (&*world.repository.storage, &world.repository.cipher);
    let all = read_all(storage, cipher).unwrap().into_iter();
    all.map(|(id, snapshot)| (id, snapshot.unwrap())).collect()
}

fn send(from: &World, to: &World, dry_run: bool) -> Result<Report, Error> {
    let source = Indexed::load(from.repository.clone())?;
    let indexed = Indexed::load(to.repository.clone())?;
    let destination = Destination {
        indexed: &indexed,
        confirm: &|| Ok(()),
    };
    transfer(&source, &destination, &all(from), dry_run, &Silent)
}

/// What the snapshots restore to, by the id of the first of their copies.
fn contents(world: &World) -> BTreeMap<Id, Restored> {
    let mut contents = world.restore_all();
    let of = |(id, snapshot): (Id, Snapshot)| {
        (
            snapshot.original.unwrap_or(id),
            contents.remove(&id).unwrap(),
        )
    };
    all(world).into_iter().map(of).collect()
}

fn assert_clean(world: &World) {
    let report = world.check();
    assert!(report.is_clean(), "{:?}", report.damage);
}

#[test]
fn copies_restore_to_the_same_and_nothing_is_copied_twice() {
    let from = with_garbage(70);
    let to = empty_like(&from);
    assert_eq!(
        from.repository.config.chunker_polynomial,
        to.repository.config.chunker_polynomial
    );
    let before = to.names();
    let planned = send(&from, &to, true).unwrap();
    assert_eq!(to.names(), before);
    let report = send(&from, &to, false).unwrap();
    assert_eq!((report.blobs, report.bytes), (planned.blobs, planned.bytes));
    assert!(report.blobs > 0);
    assert_eq!(contents(&to), contents(&from));
    assert_clean(&to);
    let stats = to.names();
    let again = send(&from, &to, false).unwrap();
    assert_eq!(again.blobs, 0);
    let is_before = |(_, it): &(Id, Transferred)| matches!(it, Transferred::Before(_));
    assert!(again.snapshots.iter().all(is_before));
    assert_eq!(to.names(), stats);
    // A copy of a copy is known as such where the first one lies.
    let back = send(&to, &from, false).unwrap();
    assert_eq!(back.blobs, 0);
}

#[test]
fn only_what_the_other_repository_lacks_is_read() {
    let from = with_garbage(71);
    let to = empty_like(&from);
    send(&from, &to, false).unwrap();
    let mut random = fastrand::Rng::with_seed(171);
    from.backup(&some_files(&mut random, 3));
    let reads = |world: &World| world.memory.count(Request::ReadRange);
    let (packs, before) = (from.count(FileKind::Pack), reads(&from));
    let report = send(&from, &to, false).unwrap();
    assert!(report.blobs > 0);
    assert!(reads(&from) - before < packs);
    assert_eq!(contents(&to), contents(&from));
}

#[test]
fn a_transfer_that_is_interrupted_at_any_write_is_finished_by_the_next_one() {
    let from = with_garbage(72);
    let expected = contents(&from);
    for request in [Request::Write, Request::Sync] {
        for after in 0.. {
            let to = empty_like(&from);
            to.memory.fail(request, after, ErrorKind::NoSpace);
            let first = send(&from, &to, false);
            to.memory.take_back_failures();
            assert_clean(&to);
            let there = contents(&to);
            assert!(there.iter().all(|(id, files)| expected[id] == *files));
            send(&from, &to, false).unwrap();
            assert_eq!(contents(&to), expected, "{request:?} {after}");
            assert_clean(&to);
            if first.is_ok() {
                assert!(after > 3);
                break;
            }
        }
    }
}

#[test]
fn a_snapshot_that_is_not_whole_is_not_copied_and_the_others_are() {
    let from = with_garbage(73);
    let expected = contents(&from);
    for listed in from.memory.list(FileKind::Pack).unwrap().files {
        let name = FileName::new(FileKind::Pack, listed.id);
        let good = from.memory.read(name, u64::MAX).unwrap();
        let mut flipped = good.clone();
        flipped[17] ^= 1;
        for content in [Some(flipped), None] {
            let from = from.copy();
            match content {
                Some(content) => from.memory.damage(name, content),
                None => from.memory.remove(name).unwrap(),
            }
            let hurt = contents(&from);
            let to = empty_like(&from);
            let report = send(&from, &to, false).unwrap();
            assert_clean(&to);
            let copied = contents(&to);
            for (id, result) in &report.snapshots {
                let is_whole = hurt[id] == expected[id];
                match result {
                    Transferred::New(_) => assert_eq!(copied[id], expected[id]),
                    Transferred::NotWhole(_) => assert!(!is_whole, "{id}"),
                    Transferred::Before(_) => panic!("{id}"),
                }
                assert_eq!(copied.contains_key(id), is_whole);
            }
        }
    }
}
