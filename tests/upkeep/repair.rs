//! What a repair brings back, and what it says of the rest.

use std::collections::BTreeSet;

use freezerd::repository::blob_name::BlobKind;
use freezerd::repository::check::check;
use freezerd::repository::check::report::{Damaged, Note};
use freezerd::repository::check::share::Share;
use freezerd::repository::progress::Silent;
use freezerd::repository::repair::index::{Headers, Repaired, repair};
use freezerd::storage::error::ErrorKind;
use freezerd::storage::id::Id;
use freezerd::storage::memory::Request;
use freezerd::storage::{FileKind, FileName, Storage};

use crate::support::{Files, World, some_files, with_garbage};

fn repair_with(world: &World, headers: Headers, damaged: &[Id]) -> Repaired {
    repair(&world.repository, headers, damaged, &|| Ok(()), &Silent).unwrap()
}

fn damaged_packs(world: &World) -> Vec<Id> {
    let of_pack = |damaged: &Damaged| match damaged {
        Damaged::Pack(fault) => Some(fault.pack),
        _ => None,
    };
    world.check().damage.iter().filter_map(of_pack).collect()
}

#[test]
fn a_whole_index_is_left_as_it_is() {
    let world = with_garbage(50);
    let names = world.names();
    for headers in [Headers::WhereNeeded, Headers::All] {
        let repaired = repair_with(&world, headers, &[]);
        assert!(!repaired.changed);
        assert_eq!(world.names(), names);
    }
}

#[test]
fn a_pack_that_is_there_and_not_listed_stays_in_the_index() {
    let world = with_garbage(54);
    let names = world.names();
    let before = world.restore_all();
    for listed in world.memory.list(FileKind::Pack).unwrap().files {
        world.memory.hide(FileName::new(FileKind::Pack, listed.id));
    }
    let repaired = repair_with(&world, Headers::WhereNeeded, &[]);
    assert!(!repaired.changed && repaired.forgotten.is_empty());
    assert_eq!(world.memory.list(FileKind::Pack).unwrap().files, []);
    let of_index = |names: &[FileName]| -> Vec<FileName> {
        let index = names.iter().filter(|name| name.kind == FileKind::Index);
        index.copied().collect()
    };
    assert_eq!(of_index(&world.names()), of_index(&names));
    assert_eq!(world.restore_all(), before);
    let report = world.check();
    assert!(report.is_clean(), "{:?}", report.damage);
    let unlisted = |note: &Note| matches!(note, Note::Unlisted(_));
    let packs = names.iter().filter(|name| name.kind == FileKind::Pack);
    assert_eq!(
        report.notes.iter().filter(|it| unlisted(it)).count(),
        packs.count()
    );
}

#[test]
fn an_index_that_is_lost_or_damaged_is_made_anew() {
    let world = with_garbage(51);
    let before = world.restore_all();
    let index = world.memory.list(FileKind::Index).unwrap().files;
    for damaged in 0..=index.len() {
        for content in [None, Some(Vec::new()), Some(b"{}".to_vec())] {
            let world = world.copy();
            // The first ones, up to all of them.
            for file in &index[..damaged] {
                let name = FileName::new(FileKind::Index, file.id);
                match &content {
                    None => world.memory.remove(name).unwrap(),
                    Some(content) => world.memory.damage(name, content.clone()),
                }
            }
            let repaired = repair_with(&world, Headers::WhereNeeded, &[]);
            assert_eq!(repaired.changed, damaged > 0);
            assert!(repaired.lost.is_empty() && repaired.losses.is_empty());
            let expected = content.as_ref().map_or(0, |_| damaged);
            assert_eq!(repaired.index_problems.len(), expected);
            assert_eq!(world.restore_all(), before);
            let report = world.check();
            assert!(report.is_clean(), "{:?}", report.damage);
            assert_eq!(report.notes, []);
        }
    }
}

#[test]
fn what_is_good_in_a_damaged_pack_is_kept_and_the_rest_is_named_for_each_snapshot() {
    let world = with_garbage(52);
    for listed in world.memory.list(FileKind::Pack).unwrap().files {
        let name = FileName::new(FileKind::Pack, listed.id);
        let good = world.memory.read(name, u64::MAX).unwrap();
        let mut flipped = good.clone();
        flipped[17] ^= 1;
        let half = good[..good.len() / 2].to_vec();
        let mut header = good.clone();
        let last = header.len() - 6;
        header[last] ^= 1;
        for (content, may_lose) in [(flipped, true), (half, true), (header, false)] {
            let world = world.copy();
            world.memory.damage(name, content.clone());
            let hurt = world.restore_all();
            let expected: BTreeSet<(Id, Vec<u8>)> = hurt
                .iter()
                .flat_map(|(id, files)| {
                    let bad = files.iter().filter(|(_, content)| content.is_err());
                    bad.map(|(path, _)| (*id, path.clone().into_bytes()))
                })
                .collect();
            assert!(may_lose || expected.is_empty());
            let damaged = damaged_packs(&world);
            assert_eq!(damaged, [listed.id]);
            let repaired = repair_with(&world, Headers::WhereNeeded, &damaged);
            assert_eq!(repaired.salvaged, [listed.id]);
            let lost: BTreeSet<(Id, Vec<u8>)> = repaired
                .losses
                .iter()
                .flat_map(|loss| loss.paths.iter().map(|it| (loss.snapshot, it.path.clone())))
                .collect();
            assert_eq!(lost, expected);
            let compare = |world: &World| {
                for (snapshot, files) in world.restore_all() {
                    for (path, content) in files {
                        let was = &hurt[&snapshot][&path];
                        assert_eq!(content.as_ref().ok(), was.as_ref().ok());
                    }
                }
            };
            compare(&world);
            // It lies there as it was, and a second repair does not take it in again.
            assert_eq!(world.memory.read(name, u64::MAX).unwrap(), content);
            let again = repair_with(&world, Headers::WhereNeeded, &[]);
            assert!(!again.changed, "{again:?}");
            assert!(damaged_packs(&world).is_empty());
            compare(&world);
        }
    }
}

#[test]
fn what_is_out_of_reach_is_not_taken_for_damaged() {
    let world = with_garbage(55);
    let packs = world.memory.list(FileKind::Pack).unwrap().files;
    let name = FileName::new(FileKind::Pack, packs[0].id);
    let mut content = world.memory.read(name, u64::MAX).unwrap();
    content[17] ^= 1;
    world.memory.damage(name, content);
    let damaged = [packs[0].id];
    let headers = Headers::WholePacks;
    let left = |world: &World| -> Vec<_> {
        let all = world.restore_all().into_iter();
        all.flat_map(|(id, files)| files.into_iter().map(move |(path, it)| (id, path, it.ok())))
            .collect()
    };
    let expected = {
        let world = world.copy();
        repair_with(&world, headers, &damaged);
        left(&world)
    };
    for request in [Request::Read, Request::ReadRange] {
        for kind in [ErrorKind::Denied, ErrorKind::Unreachable] {
            let mut refused = 0;
            for after in 0.. {
                let world = world.copy();
                world.memory.fail(request, after, kind);
                let checked = check(&world.repository, Share::All, &Silent);
                match &checked {
                    Ok(report) => assert_eq!(report.damage.len(), 1, "{:?}", report.damage),
                    Err(error) => assert!(error.is_out_of_reach(), "{error}"),
                }
                world.memory.take_back_failures();
                world.memory.fail(request, after, kind);
                let confirm = || Ok(());
                let repaired = repair(&world.repository, headers, &damaged, &confirm, &Silent);
                world.memory.take_back_failures();
                if let Err(error) = &repaired {
                    assert!(error.is_out_of_reach(), "{error}");
                    refused += 1;
                    repair_with(&world, headers, &damaged);
                }
                assert_eq!(left(&world), expected, "{request:?} {kind:?} {after}");
                if repaired.is_ok() && checked.is_ok() {
                    break;
                }
            }
            assert!(refused > 1, "{request:?}");
        }
    }
}

#[test]
fn a_later_backup_of_the_same_files_brings_lost_pieces_back() {
    let mut random = fastrand::Rng::with_seed(2);
    let files = some_files(&mut random, 30);
    let world = World::new();
    world.backup(&files);
    let before = world.restore_all();
    for listed in world.memory.list(FileKind::Pack).unwrap().files {
        for is_gone in [true, false] {
            let world = world.copy();
            let name = FileName::new(FileKind::Pack, listed.id);
            let damaged = match is_gone {
                true => {
                    world.memory.remove(name).unwrap();
                    Vec::new()
                }
                false => {
                    let mut content = world.memory.read(name, u64::MAX).unwrap();
                    content[40] ^= 1;
                    world.memory.damage(name, content);
                    vec![listed.id]
                }
            };
            let repaired = repair_with(&world, Headers::WhereNeeded, &damaged);
            assert_eq!(repaired.forgotten.len(), usize::from(is_gone));
            assert!(!repaired.losses.is_empty());
            world.backup(&files);
            for (snapshot, files) in &before {
                assert_eq!(&world.restore_all()[snapshot], files);
            }
            let report = world.check();
            assert!(report.is_clean(), "{:?}", report.damage);
            world.prune().unwrap();
            world.assert_tidy();
        }
    }
}

#[test]
fn packs_that_no_index_names_are_taken_in_if_they_are_whole() {
    let world = World::new();
    world.backup(&Files::from([("a".into(), vec![vec![1; 500]])]));
    let index: BTreeSet<Id> = ids(&world);
    world.backup(&Files::from([(
        "b".into(),
        vec![vec![2; 500], vec![3; 600]],
    )]));
    let before = world.restore_all();
    for id in ids(&world).difference(&index) {
        world
            .memory
            .remove(FileName::new(FileKind::Index, *id))
            .unwrap();
    }
    let rubbish = FileName::new(FileKind::Pack, Id::of(b"rubbish"));
    world.memory.write(rubbish, b"rubbish").unwrap();
    let repaired = repair_with(&world, Headers::WhereNeeded, &[]);
    assert_eq!((repaired.added.len(), repaired.unreadable.len()), (2, 1));
    assert_eq!(world.restore_all(), before);
    assert!(world.memory.size(rubbish).is_ok());
    assert_eq!(world.packs_of(BlobKind::Data, &[3; 600]).len(), 1);
}

fn ids(world: &World) -> BTreeSet<Id> {
    let files = world.memory.list(FileKind::Index).unwrap().files;
    files.into_iter().map(|file| file.id).collect()
}
