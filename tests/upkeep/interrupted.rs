//! A prune or a repair that is interrupted at any request loses nothing, and the next one finishes the work.

use freezerd::repository::error::Error;
use freezerd::repository::progress::Silent;
use freezerd::repository::repair::index::{Headers, Repaired, repair};
use freezerd::storage::error::ErrorKind as StorageErrorKind;
use freezerd::storage::memory::{Memory, Request};
use freezerd::storage::{FileKind, FileName, Storage};

use crate::support::{World, open, with_garbage};

const REQUESTS: [Request; 7] = [
    Request::List,
    Request::Size,
    Request::ReadRange,
    Request::Read,
    Request::Write,
    Request::Remove,
    Request::Sync,
];

/// How many requests of this kind the work makes.
fn count(world: &World, request: Request, work: &dyn Fn(&World)) -> usize {
    let world = world.copy();
    let before = world.memory.count(request);
    work(&world);
    world.memory.count(request) - before
}

/// Runs the work again and again, on storages that fail at one request after the other, and loses power each time.
pub fn at_every_request(world: &World, work: &dyn Fn(&World), after: &dyn Fn(&World)) {
    for request in REQUESTS {
        for allowed in 0..count(world, request, work) {
            for delayed in [false, true] {
                let world = world.copy_to(match delayed {
                    true => Memory::delayed(),
                    false => Memory::new(),
                });
                world.memory.fail(request, allowed, StorageErrorKind::Io);
                work(&world);
                // Which packs are written differs from run to run, so that this one may have made fewer requests.
                world.memory.take_back_failures();
                world.memory.lose_power();
                let memory = world.memory;
                let repository = open(&memory);
                after(&World {
                    memory,
                    repository,
                    pack_size: 3000,
                });
            }
        }
    }
}

#[test]
fn a_prune_that_fails_at_any_request_loses_nothing_and_the_next_one_finishes() {
    let world = with_garbage(20);
    let before = world.restore_all();
    let prune = |world: &World| drop(world.prune());
    at_every_request(&world, &prune, &|world| {
        assert_eq!(world.restore_all(), before);
        world.prune().unwrap();
        assert_eq!(world.restore_all(), before);
        world.assert_tidy();
    });
}

#[test]
fn a_prune_that_loses_power_at_its_end_has_done_all_of_it() {
    let world = with_garbage(21).copy_to(Memory::delayed());
    let before = world.restore_all();
    world.prune().unwrap();
    let names = world.names();
    world.memory.lose_power();
    assert_eq!(world.names(), names);
    assert_eq!(world.restore_all(), before);
    world.assert_tidy();
}

fn repair_all(world: &World) -> Result<Repaired, Error> {
    let damaged = world.check();
    let packs: Vec<_> = damaged
        .damage
        .iter()
        .filter_map(|damage| match damage {
            freezerd::repository::check::report::Damaged::Pack(fault) => Some(fault.pack),
            _ => None,
        })
        .collect();
    let confirm = || Ok(());
    repair(
        &world.repository,
        Headers::WhereNeeded,
        &packs,
        &confirm,
        &Silent,
    )
}

#[test]
fn a_repair_that_fails_at_any_request_loses_nothing_more_and_the_next_one_finishes() {
    let world = with_garbage(22);
    world.prune().unwrap();
    // One index file is lost, one pack is damaged, one is gone.
    let index = world.memory.list(FileKind::Index).unwrap().files[0].id;
    world
        .memory
        .remove(FileName::new(FileKind::Index, index))
        .unwrap();
    repair_all(&world).unwrap();
    let packs = world.memory.list(FileKind::Pack).unwrap().files;
    let name = FileName::new(FileKind::Pack, packs[1].id);
    let mut content = world.memory.read(name, u64::MAX).unwrap();
    content[20] ^= 1;
    world.memory.damage(name, content);
    world
        .memory
        .remove(FileName::new(FileKind::Pack, packs[2].id))
        .unwrap();
    let hurt = world.restore_all();
    let repair = |world: &World| {
        let packs = [packs[1].id];
        let confirm = || Ok(());
        let headers = Headers::WhereNeeded;
        let _ = repair(&world.repository, headers, &packs, &confirm, &Silent);
    };
    let same = |world: &World| {
        for (snapshot, files) in world.restore_all() {
            for (path, content) in files {
                let was = &hurt[&snapshot][&path];
                assert_eq!(content.as_ref().ok(), was.as_ref().ok(), "{path}");
            }
        }
    };
    at_every_request(&world, &repair, &|world| {
        same(world);
        repair(world);
        same(world);
        // The index is right now: what is lost is in no pack.
        let report = world.check();
        let of_packs = report.damage.iter().any(|damage| {
            matches!(
                damage,
                freezerd::repository::check::report::Damaged::Pack(_)
            )
        });
        assert!(!of_packs, "{:?}", report.damage);
    });
}
