//! Snapshots of different paths under one name are told apart; a list of paths that changes keeps its snapshots.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use freezerd::agent::list_snapshots;
use freezerd::job::action::{Admin, Age, Backup, Lineage, Restore, Work};
use freezerd::protocol::Verdict;
use freezerd::repository::open::Repository;
use freezerd::repository::snapshot;
use freezerd::storage::local::Local;
use freezerd::storage::{FileKind, FileName};

use crate::support::*;

fn backup_of(place: &Place, names: &[&str]) -> Backup {
    let paths = names.iter().map(|name| place.path(name)).collect();
    Backup {
        paths,
        ..place.backup()
    }
}

fn back_up(place: &Place, names: &[&str]) -> Ended {
    let ended = run(Work::Backup(backup_of(place, names)));
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    ended
}

/// The names of the paths of each snapshot that is left, oldest first.
fn left(place: &Place) -> Vec<String> {
    let top = place.path("");
    let name = |path: &String| Path::new(path).strip_prefix(&top).unwrap().to_owned();
    let snapshots = list_snapshots(&place.container(), &Default::default()).unwrap();
    let names = |paths: &Vec<String>| {
        let names: Vec<String> = paths
            .iter()
            .map(|path| name(path).display().to_string())
            .collect();
        names.join("+")
    };
    snapshots.iter().map(|it| names(&it.paths)).collect()
}

fn two() -> Place {
    let place = Place::new();
    place.write("db/rows", "rows");
    place.write("www/page", "page");
    place
}

#[test]
fn two_paths_under_one_name_have_their_own_levels_and_newest_snapshots() {
    let place = two();
    for level in 0..2 {
        for name in ["db", "www"] {
            let ended = back_up(&place, &[name]);
            assert_eq!(ended.outcome().summary.level, Some(level));
            assert_eq!(ended.said("are told apart"), level == 0 && name == "www");
        }
    }
    let admin = |paths: Vec<PathBuf>| {
        Work::Admin(Admin {
            container: place.container(),
            lineage: lineage(),
            paths,
            remove: Some(Age::Days(0.0)),
            keep: Default::default(),
            prune: None,
            max_unused: None,
            max_repack: None,
        })
    };
    let ended = run(admin(vec![place.path("db")]));
    assert_eq!(left(&place), ["www", "db", "www"]);
    assert!(
        ended.said("it is the newest whole snapshot of"),
        "{ended:#?}"
    );
    assert!(ended.said("note: 1 snapshot of nightly of web-1 that could be removed"));
    succeed(admin(Vec::new()));
    assert_eq!(left(&place), ["db", "www"]);
}

#[test]
fn a_name_of_two_paths_is_restored_only_by_a_path() {
    let place = two();
    back_up(&place, &["db"]);
    back_up(&place, &["www"]);
    let list = [
        "stands for several paths",
        "/db (1 snapshot",
        "/www (1 snapshot",
        "path_to_backup",
    ];
    fail(
        Work::Restore(place.restore()),
        Verdict::FailedForGood,
        &list,
    );
    assert!(!place.path("target").exists());
    let of = |name: &str| {
        Work::Restore(Restore {
            paths: vec![place.path(name)],
            ..place.restore()
        })
    };
    succeed(of("db"));
    assert_same_tree(&place.path("db"), &place.path("target"));
    fail(
        of("etc"),
        Verdict::FailedForGood,
        &["no snapshot of nightly", "with the path", "/db (1 snapshot"],
    );
}

#[test]
fn a_path_that_is_added_keeps_the_parent_and_the_old_snapshots_go_by_age() {
    let place = two();
    back_up(&place, &["db"]);
    let ended = back_up(&place, &["db", "www"]);
    assert!(ended.said("note: the paths have changed"), "{ended:#?}");
    assert_eq!(ended.outcome().summary.level, Some(1));
    assert_eq!(ended.outcome().summary.files_new, Some(1), "only the page");
    let ended = back_up(&place, &["db", "www"]);
    assert!(!ended.said("paths have changed"));
    assert_eq!(ended.outcome().summary.level, Some(2));
    succeed(Work::Backup(Backup {
        remove_older_than: Some(0.0),
        ..backup_of(&place, &["db", "www"])
    }));
    assert_eq!(left(&place), ["db+www"]);

    // Without a choice, the newest of the lineage is restored. One path of it goes directly into the target.
    succeed(Work::Restore(place.restore()));
    let full = place.path("target").join(
        place
            .path("www/page")
            .strip_prefix("/")
            .expect("an absolute path"),
    );
    assert_eq!(fs::read(full).unwrap(), b"page");
    succeed(Work::Restore(Restore {
        paths: vec![place.path("www")],
        target: place.path("www-again"),
        ..place.restore()
    }));
    assert_same_tree(&place.path("www"), &place.path("www-again"));
}

#[test]
fn a_path_that_is_removed_keeps_its_newest_snapshot() {
    let place = two();
    back_up(&place, &["db", "www"]);
    back_up(&place, &["db", "www"]);
    let ended = run(Work::Backup(Backup {
        remove_older_than: Some(0.0),
        ..backup_of(&place, &["db"])
    }));
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    assert_eq!(ended.outcome().summary.level, Some(2));
    assert_eq!(left(&place), ["db+www", "db"]);
    // The newest one does not have all that earlier ones have.
    let ended = run(Work::Restore(place.restore()));
    assert!(ended.said("other snapshots of its name have"), "{ended:#?}");
}

#[test]
fn a_partial_snapshot_does_not_stand_in_for_the_last_whole_one() {
    let place = two();
    back_up(&place, &["db"]);
    let secret = place.write("db/secret", "x");
    fs::set_permissions(secret, fs::Permissions::from_mode(0o0)).unwrap();
    back_up_partially(&place, Work::Backup(backup_of(&place, &["db"])));
    succeed(place.admin(Age::Days(0.0)));
    assert_eq!(left(&place), ["db", "db"]);
}

#[test]
fn the_first_snapshot_of_a_host_says_which_other_hosts_have_the_same_paths() {
    let place = Place::new();
    place.back_up();
    let renamed = || {
        Work::Backup(Backup {
            lineage: Lineage {
                host: "web-2".to_owned(),
                ..lineage()
            },
            ..place.backup()
        })
    };
    let note = "those of other hosts stay as they are: web-1";
    assert!(run(renamed()).said(note));
    assert!(!run(renamed()).said("other hosts"), "it is said once");
    assert!(!run(Work::Backup(place.backup())).said("other hosts"));
}

#[test]
fn a_snapshot_of_the_future_is_no_parent_and_a_restore_says_that_a_clock_was_wrong() {
    let place = Place::new();
    place.write("source/file", "old");
    place.back_up();
    let storage = Arc::new(Local::new(place.path("container")));
    let opened = Repository::open(storage, b"correct horse").unwrap();
    let (storage, cipher) = (&*opened.storage, &opened.cipher);
    let mut all = snapshot::read_all(storage, cipher).unwrap();
    let (id, file) = all.remove(0);
    let mut file = file.unwrap();
    file.time.seconds += 86_400 * 3650;
    file.write(storage, cipher).unwrap();
    opened
        .storage
        .remove(FileName::new(FileKind::Snapshot, id))
        .unwrap();

    place.write("source/file", "new");
    let ended = run(Work::Backup(place.backup()));
    assert!(ended.said("which has not come yet: a clock was wrong"));
    assert_eq!(ended.outcome().summary.level, Some(0), "{ended:#?}");
    let ended = run(Work::Backup(place.backup()));
    assert_eq!(ended.outcome().summary.level, Some(1), "{ended:#?}");
    let ended = run(Work::Restore(place.restore()));
    assert!(ended.said("the time of this snapshot has not come yet"));
    assert_eq!(fs::read(place.path("target/file")).unwrap(), b"old");
}
