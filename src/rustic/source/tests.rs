//! The walk and the reader while files come, go and change under them.

use std::io::Read;

use rustic_core::ReadSourceOpen;

use super::*;
use crate::rustic::Silent;
use crate::rustic::problem::PathProblem;

fn shared(top: &Path) -> Arc<Shared> {
    Arc::new(Shared {
        top: top.to_path_buf(),
        exclude: Patterns::default(),
        ignore_unreadable: Patterns::new(&["may-go"]),
        container: None,
        observer: Arc::new(Silent),
        problems: ProblemList::default(),
        ignored: AtomicU64::new(0),
        files: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        lost: AtomicU64::new(0),
        engine_gave_up: AtomicBool::new(false),
    })
}

/// Walks until this name comes.
fn walk_to(walk: &mut Walk, name: &str) -> ReadSourceEntry<OpenFile> {
    walk.map(|entry| entry.unwrap())
        .find(|entry| entry.path.file_name().is_some_and(|found| found == name))
        .unwrap()
}

fn problems(shared: &Shared) -> Vec<(String, String)> {
    let problems = shared.problems.take().first;
    problems
        .into_iter()
        .map(|PathProblem { path, fault }| {
            let name = path.file_name().unwrap_or_default();
            (name.to_string_lossy().into_owned(), fault.to_string())
        })
        .collect()
}

#[test]
fn a_file_that_vanishes_between_the_list_and_its_turn_is_a_problem() {
    let top = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c", "may-go"] {
        fs::write(top.path().join(name), name).unwrap();
    }
    let shared = shared(top.path());
    let mut walk = Walk::new(Arc::clone(&shared));
    walk_to(&mut walk, "a");
    fs::remove_file(top.path().join("b")).unwrap();
    fs::remove_file(top.path().join("may-go")).unwrap();
    assert_eq!(walk.count(), 1);
    assert_eq!(
        problems(&shared),
        [("b".to_owned(), "vanished while the backup ran".to_owned())]
    );
    assert_eq!(
        (
            shared.ignored.load(Ordering::Relaxed),
            shared.files.load(Ordering::Relaxed)
        ),
        (1, 2)
    );
}

#[test]
fn a_file_that_is_replaced_after_its_turn_is_backed_up_as_it_was() {
    let top = tempfile::tempdir().unwrap();
    let path = top.path().join("file");
    fs::write(&path, "before").unwrap();
    let shared = shared(top.path());
    let entry = walk_to(&mut Walk::new(Arc::clone(&shared)), "file");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "something quite different").unwrap();
    let mut content = String::new();
    entry
        .open
        .unwrap()
        .open()
        .unwrap()
        .read_to_string(&mut content)
        .unwrap();
    assert_eq!((content.as_str(), entry.node.meta.size), ("before", 6));
    assert_eq!(problems(&shared), []);
}

#[test]
fn a_file_that_grows_is_cut_at_its_size_and_one_that_shrinks_is_a_problem() {
    let top = tempfile::tempdir().unwrap();
    for name in ["grows", "shrinks"] {
        fs::write(top.path().join(name), "0123456789").unwrap();
    }
    let shared = shared(top.path());
    let mut walk = Walk::new(Arc::clone(&shared));
    let (grows, shrinks) = (walk_to(&mut walk, "grows"), walk_to(&mut walk, "shrinks"));
    fs::write(top.path().join("grows"), "0123456789and more").unwrap();
    fs::write(top.path().join("shrinks"), "0123").unwrap();
    let read = |entry: ReadSourceEntry<OpenFile>| {
        let mut content = String::new();
        entry
            .open
            .unwrap()
            .open()
            .unwrap()
            .read_to_string(&mut content)
            .unwrap();
        content
    };
    assert_eq!(read(grows), "0123456789");
    assert_eq!(read(shrinks), "0123");
    let expected = (
        "shrinks".to_owned(),
        "became shorter while it was being read".to_owned(),
    );
    assert_eq!(problems(&shared), [expected]);
    assert!(!shared.engine_gave_up.load(Ordering::Relaxed));
}

#[test]
fn an_engine_that_stops_in_the_middle_of_a_file_ends_the_walk() {
    let top = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        fs::write(top.path().join(name), "0123456789").unwrap();
    }
    let shared = shared(top.path());
    let mut walk = Walk::new(Arc::clone(&shared));
    let mut reader = walk_to(&mut walk, "a").open.unwrap().open().unwrap();
    reader.read_exact(&mut [0; 3]).unwrap();
    drop(reader);
    assert!(walk.next().is_none());
}

#[test]
fn fifos_and_links_are_described_and_not_opened() {
    let top = tempfile::tempdir().unwrap();
    let fifo = top.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    std::os::unix::fs::symlink("nowhere", top.path().join("link")).unwrap();
    let shared = shared(top.path());
    let entries: Vec<_> = Walk::new(Arc::clone(&shared))
        .map(|entry| entry.unwrap())
        .collect();
    assert!(entries.iter().all(|entry| entry.open.is_none()));
    assert_eq!(
        (
            shared.files.load(Ordering::Relaxed),
            problems(&shared).len()
        ),
        (2, 0)
    );
}
