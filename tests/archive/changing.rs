//! Files that change while they are read, vanish, or say something of themselves that is not true.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use freezerd::repository::indexed::Indexed;
use freezerd::source::problem::SourceFault;

use crate::restic_support::init;
use crate::support::{back_up, content, entries, tree, try_back_up};

/// Runs something again and again while a backup is made.
fn beside(step: impl Fn(usize) + Sync, backup: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0.. {
                if done.load(Ordering::Relaxed) {
                    return;
                }
                step(round);
            }
        });
        backup();
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_file_that_is_written_to_all_the_time_is_named() {
    let top = tempfile::tempdir().unwrap();
    let source = top.path().join("source");
    fs::create_dir(&source).unwrap();
    let path = source.join("database");
    fs::write(&path, vec![1; 80_000_000]).unwrap();
    let repository = init(&top.path().join("repository"));
    let file = File::options().write(true).open(&path).unwrap();
    beside(
        |round| {
            let place = (round as u64 * 7919) % 80_000_000;
            file.write_all_at(&[round as u8], place).unwrap();
        },
        || {
            let report = try_back_up(&repository, vec![tree(&source)], None).unwrap();
            assert_eq!(report.problems.total, 1);
            let problem = &report.problems.first[0];
            assert_eq!(problem.path, path);
            assert!(matches!(problem.fault, SourceFault::ChangedWhileRead));
            // It is in the snapshot, such as it is.
            let indexed = Indexed::load(repository.clone()).unwrap();
            let node = &entries(&indexed, &report.snapshot)[&path];
            assert_eq!(content(&indexed, node).len(), 80_000_000);
        },
    );
}

#[test]
fn a_log_that_grows_all_the_time_is_backed_up_as_far_as_it_went() {
    let top = tempfile::tempdir().unwrap();
    let source = top.path().join("source");
    fs::create_dir(&source).unwrap();
    let path = source.join("log");
    fs::write(&path, "first line\n".repeat(100_000)).unwrap();
    let repository = init(&top.path().join("repository"));
    let log = File::options().append(true).open(&path).unwrap();
    let mut report = None;
    beside(
        |round| {
            // A process that writes faster than it can be read would never be done.
            std::thread::yield_now();
            if round < 100_000 {
                writeln!(&log, "line {round}").unwrap();
            }
        },
        || report = Some(back_up(&repository, &source, None)),
    );
    let indexed = Indexed::load(repository.clone()).unwrap();
    let node = &entries(&indexed, &report.unwrap().snapshot)[&path];
    let kept = content(&indexed, node);
    assert_eq!(kept.len() as u64, node.size);
    assert!(fs::read(&path).unwrap().starts_with(&kept));
}

#[test]
fn files_that_report_no_size_are_read_to_their_end() {
    let top = tempfile::tempdir().unwrap();
    let repository = init(&top.path().join("repository"));
    let path = Path::new("/proc/sys/kernel/ostype");
    for _ in 0..2 {
        let report = back_up(&repository, path, None);
        let indexed = Indexed::load(repository.clone()).unwrap();
        let node = &entries(&indexed, &report.snapshot)[path];
        assert_eq!(content(&indexed, node), b"Linux\n");
        assert_eq!(node.size, 6);
    }
}

#[test]
fn a_tree_that_changes_all_the_time_gives_a_snapshot_that_can_be_read() {
    let top = tempfile::tempdir().unwrap();
    let source = top.path().join("source");
    fs::create_dir(&source).unwrap();
    let repository = init(&top.path().join("repository"));
    let name = |round: usize| source.join(format!("d{}/e{}", round % 7, round % 5));
    for round in 0..35 {
        fs::create_dir_all(name(round)).unwrap();
        fs::write(name(round).join("file"), "x").unwrap();
    }
    beside(
        |round| {
            let path = name(round * 11);
            match round % 4 {
                0 => drop(fs::remove_dir_all(&path)),
                1 => drop(fs::write(&path, "a file now")),
                2 => drop(fs::remove_file(&path)),
                _ => {
                    let _ = fs::create_dir_all(&path);
                    let _ = fs::write(path.join("file"), vec![0; 100_000]);
                }
            }
        },
        || {
            let mut parent = None;
            for _ in 0..20 {
                let report = {
                    let parent =
                        parent
                            .as_ref()
                            .map(|report: &freezerd::archive::report::Report| {
                                (report.id, &report.snapshot)
                            });
                    try_back_up(&repository, vec![tree(&source)], parent).unwrap()
                };
                let indexed = Indexed::load(repository.clone()).unwrap();
                for node in entries(&indexed, &report.snapshot).values() {
                    content(&indexed, node);
                }
                parent = Some(report);
            }
        },
    );
}
