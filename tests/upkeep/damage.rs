//! The damage matrix of check: every kind of file, damaged in every way, gives the finding that names it.

use std::sync::Arc;

use freezerd::repository::check::check;
use freezerd::repository::check::report::{Damaged, Report};
use freezerd::repository::check::share::Share;
use freezerd::repository::error::What;
use freezerd::repository::lock::{Timing, acquire};
use freezerd::repository::open::Repository;
use freezerd::repository::progress::Silent;
use freezerd::storage::memory::Memory;
use freezerd::storage::{FileKind, FileName, Storage};

use crate::support::{World, with_garbage};

/// Whether a finding names the file.
fn names(report: &Report, file: FileName) -> bool {
    report.damage.iter().any(|damaged| match damaged {
        Damaged::File(error) => error.what == What::File(file),
        Damaged::Pack(fault) => file == FileName::new(FileKind::Pack, fault.pack),
        _ => false,
    })
}

/// A check of the repository in this state, or the error of opening it.
fn look(memory: &Memory) -> Result<Report, freezerd::repository::error::Error> {
    let repository = Repository::open(Arc::new(memory.clone()), b"p")?;
    check(&repository, Share::All, &Silent)
}

/// Damages of a file whose content is known.
fn damages(world: &World, name: FileName, random: &mut fastrand::Rng) -> Vec<Vec<u8>> {
    let good = world.memory.read(name, u64::MAX).unwrap();
    let mut damages = vec![
        Vec::new(),
        good[..good.len() / 2].to_vec(),
        good[..good.len() - 1].to_vec(),
        [&good[..], b"x"].concat(),
    ];
    let others = world.names();
    for kind in FileKind::ALL {
        let other = others.iter().find(|it| it.kind == kind && **it != name);
        damages.extend(other.map(|other| world.memory.read(*other, u64::MAX).unwrap()));
    }
    for _ in 0..8 {
        let mut flipped = good.clone();
        let at = random.usize(..flipped.len());
        flipped[at] ^= 1 << random.u32(..8);
        damages.push(flipped);
    }
    damages
}

#[test]
fn every_damage_to_every_file_is_a_finding_that_names_it() {
    let world = with_garbage(40);
    assert!(look(&world.memory).unwrap().is_clean());
    let mut random = fastrand::Rng::with_seed(1);
    let names_of_all = world.names();
    for kind in [
        FileKind::Config,
        FileKind::Key,
        FileKind::Snapshot,
        FileKind::Index,
        FileKind::Pack,
    ] {
        let of_kind = names_of_all.iter().filter(|name| name.kind == kind);
        for name in of_kind.take(6) {
            for content in damages(&world, *name, &mut random) {
                let damaged = world.copy();
                damaged.memory.damage(*name, content);
                match look(&damaged.memory) {
                    Ok(report) => assert!(names(&report, *name), "{name}: {:?}", report.damage),
                    Err(_) => assert!(matches!(kind, FileKind::Config | FileKind::Key)),
                }
            }
        }
    }
}

#[test]
fn every_file_that_is_gone_is_noticed_where_something_needs_it() {
    let world = with_garbage(41);
    world.prune().unwrap();
    for name in world.names() {
        let hurt = world.copy();
        hurt.memory.remove(name).unwrap();
        match (name.kind, look(&hurt.memory)) {
            (FileKind::Config | FileKind::Key, result) => assert!(result.is_err()),
            (FileKind::Pack, Ok(report)) => assert!(names(&report, name)),
            (FileKind::Index, Ok(report)) => {
                assert!(!report.is_clean() && !report.notes.is_empty());
                assert_eq!(report.losses.len(), 3);
            }
            // Nothing tells a lost snapshot from one that was removed.
            (FileKind::Snapshot, Ok(report)) => assert_eq!(report.snapshots, 2),
            (kind, result) => panic!("{kind:?}: {result:?}"),
        }
    }
}

#[test]
fn a_second_key_that_is_damaged_is_named_beside_the_one_that_opens() {
    let world = with_garbage(42);
    let key = FileName::new(FileKind::Key, freezerd::storage::id::Id([0xff; 32]));
    world.memory.damage(key, b"{}".to_vec());
    let report = look(&world.memory).unwrap();
    assert!(names(&report, key));
    assert_eq!(report.damage.len(), 1);
    assert!(report.losses.is_empty());
}

#[test]
fn locks_are_listed_and_not_judged() {
    let world = with_garbage(43);
    let storage = Arc::clone(&world.repository.storage);
    let timing = Timing {
        settle: Default::default(),
        ..Timing::default()
    };
    let cipher = &world.repository.cipher;
    let held = acquire(
        &storage,
        cipher,
        false,
        std::time::Duration::ZERO,
        timing,
        |_| false,
    )
    .unwrap();
    let empty = FileName::new(FileKind::Lock, freezerd::storage::id::Id([1; 32]));
    world.memory.damage(empty, Vec::new());
    let report = look(&world.memory).unwrap();
    assert!(report.is_clean());
    assert_eq!(report.locks.len(), 2);
    drop(held);
}
