//! Restores from a storage away from this host.

use std::sync::Arc;

use freezerd::repository::indexed::Indexed;
use freezerd::repository::open::Repository;
use freezerd::repository::snapshot;
use freezerd::restore::Options;
use freezerd::storage::local::Local;
use freezerd::storage::memory::{Memory, Request};
use freezerd::storage::{FileKind, FileName, Storage};

use crate::restic_support::{PASSWORD, restics};
use crate::support::{assert_same, assert_whole, in_memory, look, run};

/// The files of a repository, in memory.
fn copied(repository: &Local) -> Memory {
    let memory = Memory::new();
    for kind in FileKind::ALL {
        for file in repository.list(kind).unwrap().files {
            let name = FileName::new(kind, file.id);
            let content = repository.read(name, u64::MAX).unwrap();
            memory.write(name, &content).unwrap();
        }
    }
    memory
}

#[test]
fn a_restore_from_far_away_brings_the_same_and_asks_for_fewer_and_larger_parts() {
    let host = in_memory();
    let source = host.path().join("source");
    std::fs::create_dir(&source).unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    for number in 0..2000 {
        let content: Vec<u8> = (0..random.usize(0..3000)).map(|_| random.u8(..)).collect();
        std::fs::write(source.join(format!("small {number}")), content).unwrap();
    }
    // Pieces that are encoded to a few kilobytes, and pieces that are not.
    let mut large = vec![b'x'; 6 << 20];
    random.fill(&mut large[..1 << 20]);
    for (at, byte) in large.iter_mut().enumerate().skip(1 << 20) {
        *byte = (at / 5000) as u8;
    }
    std::fs::write(source.join("large"), &large).unwrap();
    let repository = host.path().join("repository");
    let restic = restics().pop().unwrap();
    restic.run(&repository, &["init"]);
    restic.run(&repository, &["backup", source.to_str().unwrap()]);

    let memory = copied(&Local::new(&repository));
    let mut counts = Vec::new();
    for storage in [memory.clone(), memory.far()] {
        let opened = Repository::open(Arc::new(storage), PASSWORD.as_bytes()).unwrap();
        let (_, snapshot) = snapshot::read_all(&*opened.storage, &opened.cipher)
            .unwrap()
            .remove(0);
        let indexed = Indexed::load(opened).unwrap();
        let before = memory.count(Request::ReadRange);
        let target = host.path().join("target");
        let report = run(&indexed, &snapshot.unwrap(), &target, Options::default()).unwrap();
        assert_whole(&report);
        counts.push(memory.count(Request::ReadRange) - before);
        assert_same(&look(&source), &look(&target));
        std::fs::remove_dir_all(&target).unwrap();
    }
    assert!(counts[1] * 2 < counts[0], "{counts:?}");
}
