//! Several sources in one snapshot.

use std::fs;
use std::path::PathBuf;

use freezerd::agent::list_snapshots;
use freezerd::job::action::{Backup, Work};
use freezerd::protocol::Verdict;

use crate::support::*;

/// A place with two sources beside each other, and a backup of both.
fn two() -> (Place, Backup) {
    let place = Place::new();
    place.write("source/file", "one");
    place.write("more/file", "two");
    let backup = of(&place, &["more", "source"]);
    (place, backup)
}

fn of(place: &Place, names: &[&str]) -> Backup {
    Backup {
        paths: names.iter().map(|name| place.path(name)).collect(),
        ..place.backup()
    }
}

#[test]
fn all_sources_are_in_one_snapshot_at_their_paths() {
    let (place, backup) = two();
    let outcome = succeed(Work::Backup(backup.clone()));
    assert_eq!(outcome.summary.files, Some(2));
    let found = list_snapshots(&place.container(), &Default::default()).unwrap();
    let paths: Vec<PathBuf> = found[0].paths.iter().map(PathBuf::from).collect();
    assert_eq!(paths, backup.paths);
    if let Some(listed) = place.restic(&["ls", "latest"]) {
        for name in ["more/file", "source/file"] {
            let path = place.path(name);
            assert!(listed.contains(path.to_str().unwrap()), "{listed}");
        }
        place.restic(&["check", "--read-data"]);
    }
    // The same sources again are compared, whatever restic's order is.
    let again = succeed(Work::Backup(backup));
    assert_eq!(
        (again.summary.level, again.summary.files_new),
        (Some(1), Some(0))
    );
}

#[test]
fn a_restore_of_several_sources_puts_each_at_its_path_below_the_target() {
    let (place, backup) = two();
    succeed(Work::Backup(backup));
    succeed(Work::Restore(place.restore()));
    for (name, content) in [("more/file", "two"), ("source/file", "one")] {
        let path = place.path(name);
        let restored = place.path("target").join(path.strip_prefix("/").unwrap());
        assert_eq!(fs::read_to_string(restored).unwrap(), content);
    }
}

#[test]
fn a_backup_of_other_sources_is_not_compared() {
    let (place, backup) = two();
    succeed(Work::Backup(backup));
    place.write("other/file", "three");
    for (names, level) in [
        (&["other"][..], 0),
        (&["pass"], 0),
        (&["other", "pass"], 1),
        (&["source"], 1),
    ] {
        let outcome = succeed(Work::Backup(of(&place, names)));
        assert_eq!(outcome.summary.level, Some(level), "{names:?}");
    }
}

#[test]
fn a_single_source_that_is_missing_fails_the_backup_before_anything_is_written() {
    let (place, backup) = two();
    let missing = of(&place, &["missing", "source"]);
    let nested = Backup {
        nested_paths: vec![place.path("source/missing")],
        ..backup
    };
    for backup in [missing, nested] {
        let signs = ["does not exist", "missing", "nothing was backed up"];
        fail(Work::Backup(backup), Verdict::FailedForGood, &signs);
        assert!(!place.path("container").exists());
    }
}

#[test]
fn each_source_that_is_emptied_fails_the_backup() {
    let (place, backup) = two();
    fs::create_dir(place.path("always-empty")).unwrap();
    let backup = Backup {
        paths: vec![
            place.path("always-empty"),
            place.path("more"),
            place.path("source"),
        ],
        nested_paths: vec![place.path("source/disk")],
        ..backup
    };
    place.write("source/disk/file", "three");
    succeed(Work::Backup(backup.clone()));
    // One that was empty before is not unusual.
    succeed(Work::Backup(backup.clone()));
    for emptied in ["more/file", "source/disk/file"] {
        let content = fs::read(place.path(emptied)).unwrap();
        fs::remove_file(place.path(emptied)).unwrap();
        let signs = [
            "is empty",
            emptied.strip_suffix("/file").unwrap(),
            "allow_empty",
        ];
        fail(Work::Backup(backup.clone()), Verdict::FailedForGood, &signs);
        let dry = run_dry(Work::Backup(backup.clone()));
        expect_failure(&dry, Verdict::FailedForGood, &signs);
        place.write(emptied, content);
    }
    fs::remove_file(place.path("more/file")).unwrap();
    succeed(Work::Backup(Backup {
        allow_empty: true,
        ..backup.clone()
    }));
    // The last snapshot has it empty now.
    succeed(Work::Backup(backup));
}

#[test]
fn a_source_that_another_one_leaves_out_fails_the_backup_before_anything_is_written() {
    let (place, backup) = two();
    place.write("source/cache/keep/file", "x");
    place.write("source/cache/.nobackup", "");
    let patterns = place.write("patterns", "cache/\n");
    let nested = Backup {
        nested_paths: vec![place.path("source/cache/keep")],
        ..backup
    };
    let by_pattern = Backup {
        exclude_from: vec![patterns],
        ..nested.clone()
    };
    let by_marker = Backup {
        exclude_if_present: vec![".nobackup".into()],
        ..nested.clone()
    };
    for backup in [by_pattern, by_marker] {
        let signs = ["cache/keep", "is left out there", "nothing was backed up"];
        fail(Work::Backup(backup), Verdict::FailedForGood, &signs);
        assert!(!place.path("container").exists());
    }
    succeed(Work::Backup(nested));
}
