//! The creation of a repository by a first backup: interrupted, and beside other processes.

use std::fs;

use freezerd::agent::list_snapshots;
use freezerd::job::action::Work;
use freezerd::protocol::{Report, Verdict};
use rustix::fs::{FlockOperation, flock};

use crate::support::*;

#[test]
fn a_repository_whose_creation_was_interrupted_is_created_again() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    // If the configuration was not written yet, there are directories, and a key that is of no use.
    let container = place.path("container");
    let kept = fs::read_dir(container.join("keys"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let key = fs::read(&kept).unwrap();
    fs::remove_dir_all(&container).unwrap();
    for name in ["data/00", "index", "keys", "snapshots"] {
        fs::create_dir_all(container.join(name)).unwrap();
    }
    fs::write(container.join("keys").join(kept.file_name().unwrap()), key).unwrap();
    place.back_up();
    succeed(Work::Restore(place.restore()));
    succeed(place.check(true));
}

#[test]
fn two_first_backups_at_the_same_time_create_one_repository() {
    let place = Place::new();
    place.write("source/file", "x");
    let agents: Vec<_> = (0..3)
        .map(|_| Agent::start(&request(Work::Backup(place.backup()))))
        .collect();
    for agent in agents {
        let ended = agent.end();
        assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    }
    assert_eq!(
        list_snapshots(&place.container(), &Default::default())
            .unwrap()
            .len(),
        3
    );
    succeed(place.check(false));
}

#[test]
fn a_user_who_can_open_the_directory_of_a_container_cannot_keep_its_first_backup_waiting() {
    let place = Place::new();
    place.write("source/file", "x");
    fs::create_dir(place.path("container")).unwrap();
    // Anybody can do this who could open the directory before its mode was changed.
    let directory = fs::File::open(place.path("container")).unwrap();
    flock(&directory, FlockOperation::LockExclusive).unwrap();
    let agent = Agent::start(&request(Work::Backup(place.backup())));
    loop {
        match agent.reports.recv_timeout(PATIENCE).unwrap() {
            Report::Waiting { reason } => panic!("it waits: {reason}"),
            Report::Outcome(outcome) => {
                assert_eq!(outcome.verdict, Verdict::Success, "{outcome:#?}");
                break;
            }
            _ => {}
        }
    }
    agent.end();
    place.restic(&["check"]);
}

#[test]
fn a_backup_waits_visibly_for_another_process_that_creates_the_container() {
    let place = Place::new();
    place.write("source/file", "x");
    fs::create_dir_all(place.path("container/keys")).unwrap();
    let keys = fs::File::open(place.path("container/keys")).unwrap();
    flock(&keys, FlockOperation::LockExclusive).unwrap();
    let agent = Agent::start(&request(Work::Backup(place.backup())));
    loop {
        match agent.reports.recv_timeout(PATIENCE).unwrap() {
            Report::Waiting { reason } if reason.contains("is being created") => break,
            Report::Outcome(outcome) => panic!("it did not wait: {outcome:#?}"),
            _ => {}
        }
    }
    drop(keys);
    assert_eq!(agent.end().outcome().verdict, Verdict::Success);
}
