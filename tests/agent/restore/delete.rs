//! A restore deletes only where `delete_extra` says so, and never what the backup had left out.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use freezerd::job::action::{Backup, Restore, Work};
use freezerd::protocol::Verdict;

use crate::support::*;

fn deleting(place: &Place) -> Restore {
    Restore {
        target: place.path("source"),
        overwrite: true,
        delete_extra: true,
        ..place.restore()
    }
}

/// A place whose backup has left something out by each kind of rule.
fn place() -> Place {
    let place = Place::new();
    place.write("source/kept", "kept");
    place.write("source/a.tmp", "left out");
    place.write("source/uploads/photo", "left out");
    place.write("source/large", "x".repeat(2000));
    place.write("source/cache/.nobackup", "");
    place.write("source/cache/entry", "left out");
    place.write("from", "uploads\n");
    succeed(Work::Backup(Backup {
        exclude: vec!["*.tmp".to_owned()],
        exclude_from: vec![place.path("from")],
        exclude_larger_than: Some(1000),
        exclude_if_present: vec![".nobackup".to_owned()],
        ..place.backup()
    }));
    place
}

#[test]
fn what_the_snapshot_does_not_hold_is_deleted_and_what_the_backup_left_out_stays() {
    let place = place();
    let before = tree(&place.path("source"));
    place.write("source/new", "new");
    place.write("source/dir/deep/new", "new");
    place.write("source/dir/a.tmp", "would be left out");

    let with_new = tree(&place.path("source"));
    let ended = run_dry(Work::Restore(deleting(&place)));
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    assert!(ended.said("would delete new") && ended.said("would delete dir"));
    let counted = &ended.outcome().summary;
    assert_eq!(
        (counted.entries_to_delete, counted.entries_deleted),
        (Some(3), None)
    );
    assert_eq!(tree(&place.path("source")), with_new);

    let ended = run(Work::Restore(deleting(&place)));
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    assert!(ended.said("deleted new") && ended.said("deleted dir"));
    let counted = &ended.outcome().summary;
    assert_eq!(counted.entries_deleted, Some(3));
    assert!(place.path("source/dir/a.tmp").exists());
    fs::remove_dir_all(place.path("source/dir")).unwrap();
    let paths = |place: &Place| -> Vec<_> {
        let entries = tree(&place.path("source")).into_iter();
        entries.map(|entry| entry.path).collect()
    };
    let before: Vec<_> = before.into_iter().map(|entry| entry.path).collect();
    assert_eq!(paths(&place), before);

    // Without the option nothing is deleted, and nothing is said of it.
    place.write("source/new", "new");
    let ended = run(Work::Restore(Restore {
        delete_extra: false,
        ..deleting(&place)
    }));
    assert!(place.path("source/new").exists());
    assert!(
        !ended.said("deleted") && !ended.said("removed"),
        "{ended:#?}"
    );
}

#[test]
fn a_part_of_a_snapshot_deletes_only_in_that_part() {
    let place = Place::new();
    place.write("source/a/kept", "kept");
    place.write("source/b/kept", "kept");
    place.back_up();
    place.write("source/a/new", "new");
    place.write("source/b/new", "new");
    succeed(Work::Restore(Restore {
        part: Some(place.path("source/a")),
        target: place.path("source/a"),
        ..deleting(&place)
    }));
    assert!(!place.path("source/a/new").exists());
    assert!(place.path("source/b/new").exists());
    succeed(Work::Restore(Restore {
        include: vec!["/a".to_owned()],
        ..deleting(&place)
    }));
    assert!(place.path("source/b/new").exists());
    assert!(place.path("source/b/kept").exists());
}

#[test]
fn nothing_is_deleted_in_the_root_directory_or_around_the_container_or_the_state_directory() {
    let place = place();
    let state = place.path("state/of/daemon");
    fs::create_dir_all(&state).unwrap();
    place.write("state/precious", "x");
    for (target, reason) in [
        ("/".into(), "it is the root directory"),
        (
            place.path(""),
            "a protected directory is in it (the container",
        ),
        (place.path("state"), "state directory of freezerd"),
        (state.join("x"), "it is in the state directory of freezerd"),
        (place.path("container/x"), "is in the container"),
    ] {
        let mut asked = request(Work::Restore(Restore {
            target,
            ..deleting(&place)
        }));
        asked.protected = vec![state.clone()];
        let ended = run_request(&asked);
        expect_failure(&ended, Verdict::FailedForGood, &[reason]);
    }
    assert!(place.path("state/precious").exists());
    // What is not deleted may be written around the state directory.
    let mut asked = request(Work::Restore(Restore {
        target: place.path("state"),
        ..place.restore()
    }));
    asked.protected = vec![state];
    assert_eq!(run_request(&asked).outcome().verdict, Verdict::Success);
}

#[test]
fn a_snapshot_of_another_program_deletes_nothing() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    let source = place.path("source");
    if place
        .restic(&["backup", source.to_str().unwrap()])
        .is_none()
    {
        return;
    }
    let all = freezerd::agent::list_snapshots(&place.container(), &Default::default()).unwrap();
    let id = all.last().unwrap().id.clone();
    place.write("source/new", "new");
    fail(
        Work::Restore(Restore {
            snapshot: Some(id),
            ..deleting(&place)
        }),
        Verdict::FailedForGood,
        &[
            "does not say all that its backup left out",
            "without `delete_extra` (`--delete-extra`)",
        ],
    );
    assert!(place.path("source/new").exists());
}

#[test]
fn a_partial_snapshot_deletes_nothing() {
    let place = Place::new();
    place.write("source/file", "x");
    let secret = place.write("source/secret", "x");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o0)).unwrap();
    back_up_partially(&place, Work::Backup(place.backup()));
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    fail(
        Work::Restore(deleting(&place)),
        Verdict::FailedForGood,
        &["the snapshot is partial"],
    );
    assert!(secret.exists());
}
