//! Backups that end early: no snapshot without its data, and nothing is stored twice.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use freezerd::repository::key::cost::Cost;
use freezerd::repository::open::Repository;
use freezerd::repository::snapshot::read_all;
use freezerd::storage::error::ErrorKind;
use freezerd::storage::memory::{Memory, Request};
use freezerd::storage::{FileKind, Storage};

use crate::support::{assert_is_in, back_up, tree, try_back_up};

fn source(top: &Path) {
    let mut random = fastrand::Rng::with_seed(9);
    for number in 0..18 {
        let directory = top.join(format!("d{}", number % 3));
        fs::create_dir_all(&directory).unwrap();
        let mut content = vec![0; 2_000_000];
        random.fill(&mut content);
        fs::write(directory.join(format!("f{number}")), content).unwrap();
    }
}

fn init(memory: &Memory) -> Repository {
    const COST: Cost = Cost { n: 16, r: 1, p: 1 };
    Repository::init(Arc::new(memory.clone()), b"", COST).unwrap()
}

/// Every snapshot that is there can be read as a whole.
fn assert_whole(repository: &Repository, source: &Path) -> usize {
    let all = read_all(&*repository.storage, &repository.cipher).unwrap();
    for (_, snapshot) in &all {
        assert_is_in(repository, snapshot.as_ref().unwrap(), source);
    }
    all.len()
}

#[test]
fn at_whichever_write_it_fails_the_next_backup_is_whole_and_uses_what_was_stored() {
    let top = tempfile::tempdir().unwrap();
    source(top.path());
    let memory = Memory::new();
    let writes = {
        let repository = init(&memory);
        let before = memory.count(Request::Write);
        back_up(&repository, top.path(), None);
        memory.count(Request::Write) - before
    };
    let mut failures = 0;
    for after in 0..writes {
        let memory = Memory::new();
        let repository = init(&memory);
        let before = memory.count(Request::Write);
        memory.fail(Request::Write, after, ErrorKind::NoSpace);
        // The workers share the files out anew in each run, so that this one may need fewer packs.
        let Err(error) = try_back_up(&repository, vec![tree(top.path())], None) else {
            assert!(memory.count(Request::Write) - before <= after);
            continue;
        };
        failures += 1;
        assert!(error.to_string().contains("no space"), "{error}");
        assert_eq!(assert_whole(&repository, top.path()), 0);
        let stored: u64 = memory
            .list(FileKind::Pack)
            .unwrap()
            .files
            .iter()
            .map(|it| it.size)
            .sum();
        let next = back_up(&repository, top.path(), None);
        let added = next.snapshot.summary.as_ref().unwrap().data_added;
        assert!(added + stored <= 36_500_000, "{after}: {added} {stored}");
        assert_eq!(assert_whole(&repository, top.path()), 1);
    }
    assert!(failures >= 4, "{failures} of {writes}");
}

#[test]
fn a_loss_of_power_at_any_write_leaves_no_snapshot_without_its_data() {
    let top = tempfile::tempdir().unwrap();
    source(top.path());
    for after in 0..5 {
        let memory = Memory::delayed();
        let repository = init(&memory);
        let first = back_up(&repository, top.path(), None);
        fs::write(top.path().join("d0/new"), vec![after as u8; 3_000_000]).unwrap();
        memory.fail(Request::Write, after, ErrorKind::Io);
        let parent = Some((first.id, &first.snapshot));
        let second = try_back_up(&repository, vec![tree(top.path())], parent);
        memory.lose_power();
        let all = read_all(&*repository.storage, &repository.cipher).unwrap();
        let expected = if second.is_ok() { 2 } else { 1 };
        assert_eq!(all.len(), expected);
        if let Ok(second) = second {
            assert_is_in(&repository, &second.snapshot, top.path());
        }
        fs::remove_file(top.path().join("d0/new")).unwrap();
    }
}
