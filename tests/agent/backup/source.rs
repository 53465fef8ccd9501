//! What a backup reports about its source: unreadable, missing, empty, excluded.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use freezerd::agent::list_snapshots;
use freezerd::job::action::{Backup, Container, Restore, Work};
use freezerd::location::Location;
use freezerd::protocol::Verdict;

use crate::support::*;

/// A place where a user other than root can create the container.
fn open_place() -> (Place, Container) {
    let place = Place::new();
    fs::create_dir(place.path("parent")).unwrap();
    let path = place.path("parent/container");
    let container = Container {
        name: path.to_str().unwrap().to_owned(),
        location: Location::Local(path),
        ..place.container()
    };
    (place, container)
}

#[test]
fn files_that_cannot_be_read_are_named_and_the_snapshot_is_kept_as_partial() {
    let (place, container) = open_place();
    place.write("source/readable", "r");
    let locked = place.write("source/locked", "x");
    let directory = place
        .write("source/closed/inside", "y")
        .parent()
        .unwrap()
        .to_path_buf();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o000)).unwrap();
    let backup = Backup {
        container: container.clone(),
        ..place.backup()
    };

    let ended = run_as_nobody(&place, Work::Backup(backup.clone()));
    expect_failure(
        &ended,
        Verdict::Partial,
        &["2 paths could not be backed up", "Permission denied"],
    );
    let outcome = ended.outcome();
    let mut paths: Vec<_> = outcome
        .problems
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [directory.to_str().unwrap(), locked.to_str().unwrap()]
    );
    assert_eq!(outcome.problems_total, 2);
    assert!(
        ended.said("locked: cannot be opened: Permission denied"),
        "{ended:#?}"
    );
    // The snapshot exists, is marked as partial, and has the id that was reported.
    let found = list_snapshots(&container, &Default::default()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (Some(&found[0].id), found[0].partial),
        (outcome.summary.snapshot.as_ref(), true)
    );

    // The same, in a job that says that these two may be unreadable.
    let ignoring = Backup {
        ignore_unreadable: vec!["locked".into(), "./closed".into()],
        ..backup.clone()
    };
    let ended = run_as_nobody(&place, Work::Backup(ignoring));
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    assert!(ended.said("ignored, as the job asks"), "{ended:#?}");
    // It is not enough if the job names only one of the two.
    let half = Backup {
        ignore_unreadable: vec!["locked".into()],
        ..backup
    };
    let ended = run_as_nobody(&place, Work::Backup(half));
    expect_failure(&ended, Verdict::Partial, &["1 path", "closed"]);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_source_that_does_not_exist_fails_permanently_before_anything_is_written() {
    let place = Place::new();
    let backup = Backup {
        paths: vec![place.path("missing")],
        ..place.backup()
    };
    fail(
        Work::Backup(backup),
        Verdict::FailedForGood,
        &["does not exist", "missing", "nothing was backed up"],
    );
    assert!(!place.path("container").exists());
}

#[test]
fn an_emptied_source_fails_permanently_unless_that_is_allowed() {
    let place = Place::new();
    let file = place.write("source/file", "x");
    place.back_up();
    fs::remove_file(file).unwrap();
    fail(
        Work::Backup(place.backup()),
        Verdict::FailedForGood,
        &["is empty", "holds 1 file or other entry", "allow_empty"],
    );
    assert_eq!(
        list_snapshots(&place.container(), &Default::default())
            .unwrap()
            .len(),
        1
    );
    succeed(Work::Backup(Backup {
        allow_empty: true,
        ..place.backup()
    }));
    // The last snapshot is empty now, so an empty source is not unusual any more.
    place.back_up();
}

#[test]
fn a_source_that_was_always_empty_is_backed_up() {
    let place = Place::new();
    assert_eq!(place.back_up().summary.files, Some(0));
    succeed(Work::Restore(place.restore()));
    assert_eq!(fs::read_dir(place.path("target")).unwrap().count(), 0);
}

#[test]
fn excluded_files_and_the_container_are_not_backed_up() {
    let place = Place::new();
    for name in [
        "keep.txt",
        "a.log",
        "deep/b.log",
        "cache/x",
        "deep/cache/y",
        "only/top",
        "deep/only/top",
    ] {
        place.write(&format!("source/{name}"), name);
    }
    let path = place.path("source/backups");
    let container = Container {
        name: "inside".to_owned(),
        location: Location::Local(path),
        ..place.container()
    };
    let backup = Backup {
        container: container.clone(),
        exclude: vec!["*.log".into(), "cache".into(), "./only".into()],
        ..place.backup()
    };
    succeed(Work::Backup(backup.clone()));
    let ended = run(Work::Backup(backup));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    assert!(ended.said("it is the container itself"), "{ended:#?}");
    succeed(Work::Restore(Restore {
        container,
        ..place.restore()
    }));
    let target = place.path("target");
    let files: Vec<_> = tree(&target)
        .into_iter()
        .filter(|entry| target.join(&entry.path).is_file())
        .map(|entry| entry.path)
        .collect();
    assert_eq!(files, [Path::new("deep/only/top"), Path::new("keep.txt")]);
}

#[test]
fn links_are_followed_where_the_job_says_so() {
    let place = Place::new();
    place.write("elsewhere/directory/file", "inside");
    place.write("elsewhere/file", "outside");
    symlink(place.path("elsewhere/directory"), place.path("source/d")).unwrap();
    symlink("../elsewhere/file", place.path("source/f")).unwrap();
    symlink("/no/such/file", place.path("source/nowhere")).unwrap();
    symlink("..", place.path("elsewhere/directory/up")).unwrap();
    symlink(".", place.path("source/itself")).unwrap();
    succeed(Work::Backup(Backup {
        dereference_symlink: true,
        ..place.backup()
    }));
    succeed(Work::Restore(place.restore()));
    let read = |name: &str| fs::read_to_string(place.path(&format!("target/{name}"))).unwrap();
    assert_eq!(read("d/file"), "inside");
    assert_eq!(read("f"), "outside");
    assert_eq!(read("d/up/file"), "outside");
    let kind = |name: &str| {
        let path = place.path(&format!("target/{name}"));
        fs::symlink_metadata(path).unwrap().file_type()
    };
    assert!(kind("d").is_dir() && kind("f").is_file());
    // A link that leads nowhere, or back to where it is, stays a link.
    assert!(kind("nowhere").is_symlink() && kind("itself").is_symlink());
}

#[test]
fn a_dry_run_says_what_would_be_done_and_changes_nothing() {
    let place = Place::new();
    place.write("source/file", "x");
    let ended = run_dry(Work::Backup(place.backup()));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    assert!(ended.said("would create a repository"), "{ended:#?}");
    assert!(
        ended.said("would back up 1 file or other entry, 1 B"),
        "{ended:#?}"
    );
    assert!(!place.path("container").exists());
    place.back_up();
    let before = tree(&place.path("container"));
    let ended = run_dry(Work::Backup(place.backup()));
    assert_eq!(ended.outcome().summary.level, Some(1));
    assert_eq!(tree(&place.path("container")), before);
}

#[test]
fn names_in_the_log_cannot_forge_lines() {
    let (place, container) = open_place();
    let locked = place.write("source/x\nfreezerd: all is well\x1b[2J", "x");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let ended = run_as_nobody(
        &place,
        Work::Backup(Backup {
            container,
            ..place.backup()
        }),
    );
    expect_failure(
        &ended,
        Verdict::Partial,
        &["x\\nfreezerd: all is well\\x1b[2J"],
    );
    let reason = ended.outcome().reason.clone().unwrap();
    assert!(
        ended
            .log
            .iter()
            .all(|line| !line.starts_with("freezerd: all is well")),
        "{ended:#?}"
    );
    assert!(
        ended.said("x\\nfreezerd: all is well\\x1b[2J"),
        "{ended:#?}"
    );
    // The daemon writes the reason to its own log and to that of the run.
    assert!(!reason.contains(|it: char| it.is_control()), "{reason:?}");
}
