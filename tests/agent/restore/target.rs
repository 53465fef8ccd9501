//! What a restore does with entries that exist in the target.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use freezerd::agent::list_snapshots;
use freezerd::job::action::{Container, Restore, Work};
use freezerd::location::Location;
use freezerd::protocol::{ProblemKind, Verdict};

use super::{overwriting, problems};
use crate::support::*;

/// A backup of a few entries, and a target in which each entry differs in another way.
fn differing() -> Place {
    let place = Place::new();
    for name in [
        "same",
        "other-content",
        "was-directory/file",
        "was-file",
        "was-link",
        "missing",
    ] {
        place.write(&format!("source/{name}"), name);
    }
    symlink("same", place.path("source/link")).unwrap();
    place.back_up();
    place.write("target/same", "same");
    place.write("target/other-content", "OTHER");
    place.write("target/was-directory", "a file where a directory belongs");
    place.write("target/was-file/inside", "a directory where a file belongs");
    symlink("elsewhere", place.path("target/was-link")).unwrap();
    symlink("elsewhere", place.path("target/link")).unwrap();
    place.write("target/surplus/deep/file", "not in the snapshot");
    place
}

#[test]
fn without_overwrite_entries_that_differ_are_kept_and_listed_and_the_restore_fails() {
    let place = differing();
    let texts = [
        "6 paths are not as in the snapshot",
        "exists and was kept",
        "`overwrite` (`--overwrite`) replaces",
    ];
    let ended = fail(Work::Restore(place.restore()), Verdict::Partial, &texts);
    let expected = [
        "link",
        "other-content",
        // Its modification time differs.
        "same",
        "was-directory",
        "was-file",
        "was-link",
    ];
    let mut found = problems(&ended);
    found.sort();
    assert_eq!(found, expected.map(|name| place.path("target").join(name)));
    let told = &ended.outcome().problems;
    assert!(told.iter().all(|told| told.kind == ProblemKind::Differs));
    for (name, content) in [
        ("same", "same"),
        ("missing", "missing"),
        ("other-content", "OTHER"),
        ("was-directory", "a file where a directory belongs"),
        ("was-file/inside", "a directory where a file belongs"),
        ("surplus/deep/file", "not in the snapshot"),
    ] {
        assert_eq!(
            fs::read_to_string(place.path("target").join(name)).unwrap(),
            content
        );
    }
    assert_eq!(
        fs::read_link(place.path("target/link")).unwrap(),
        Path::new("elsewhere")
    );
}

#[test]
fn overwriting_replaces_what_differs_and_keeps_what_the_snapshot_does_not_hold() {
    let place = differing();
    // A file belongs there, and the snapshot does not hold what is in the directory.
    let full = place.path("target/was-file");
    let ended = fail(
        overwriting(&place),
        Verdict::Partial,
        &[
            "1 path is not",
            "not empty, and `delete_extra` (`--delete-extra`) is not set",
        ],
    );
    assert_eq!(problems(&ended), std::slice::from_ref(&full));
    assert!(full.join("inside").exists());
    fs::remove_dir_all(&full).unwrap();
    let outcome = succeed(overwriting(&place));
    assert_eq!(outcome.summary.files, Some(7));
    let surplus = place.path("target/surplus");
    let kept = fs::read_to_string(surplus.join("deep/file")).unwrap();
    assert_eq!(kept, "not in the snapshot");
    fs::remove_dir_all(surplus).unwrap();
    succeed(overwriting(&place));
    assert_same_tree(&place.path("source"), &place.path("target"));
}

#[test]
fn a_dry_run_says_what_would_be_done_and_changes_nothing() {
    let place = differing();
    let before = tree(&place.path("target"));
    let ended = run_dry(overwriting(&place));
    assert_eq!(ended.outcome().verdict, Verdict::Partial, "{ended:#?}");
    assert_eq!(problems(&ended), [place.path("target/was-file")]);
    for text in [
        "would write",
        "would create missing",
        "would replace was-link",
    ] {
        assert!(ended.said(text), "{text}: {ended:#?}");
    }
    assert!(!ended.said("surplus"), "{ended:#?}");
    assert_eq!(tree(&place.path("target")), before);
    let ended = run_dry(Work::Restore(place.restore()));
    assert_eq!(problems(&ended).len(), 6, "{ended:#?}");
    let ended = run_dry(Work::Restore(Restore {
        target: place.path("new"),
        ..place.restore()
    }));
    assert_eq!(ended.outcome().summary.files, Some(7), "{ended:#?}");
    assert!(!place.path("new").exists());
}

#[test]
fn links_in_the_target_that_lead_outside_are_not_followed() {
    let place = Place::new();
    place.write("source/directory/file", "from the snapshot");
    place.write("source/file", "from the snapshot");
    place.back_up();
    for overwrite in [false, true] {
        let outside = place.path("outside");
        let _ = fs::remove_dir_all(&outside);
        let _ = fs::remove_dir_all(place.path("target"));
        place.write("outside/precious", "precious");
        fs::create_dir(place.path("target")).unwrap();
        symlink(&outside, place.path("target/directory")).unwrap();
        symlink(outside.join("precious"), place.path("target/file")).unwrap();
        let ended = run(Work::Restore(Restore {
            overwrite,
            ..place.restore()
        }));
        let expected = if overwrite {
            Verdict::Success
        } else {
            Verdict::Partial
        };
        assert_eq!(ended.outcome().verdict, expected, "{ended:#?}");
        assert_eq!(tree(&outside).len(), 2, "nothing came in: {ended:#?}");
        assert_eq!(fs::read(outside.join("precious")).unwrap(), b"precious");
        if overwrite {
            assert_same_tree(&place.path("source"), &place.path("target"));
        }
    }
}

#[test]
fn a_hard_link_outside_the_target_keeps_its_content_and_mode() {
    let place = Place::new();
    place.write("source/same", "as in the snapshot");
    place.write("source/other", "as in the snapshot");
    place.back_up();
    place.write("outside/same", "as in the snapshot");
    place.write("outside/other", "something else");
    fs::create_dir(place.path("target")).unwrap();
    for name in ["same", "other"] {
        let outside = place.path("outside").join(name);
        fs::set_permissions(&outside, fs::Permissions::from_mode(0o600)).unwrap();
        fs::hard_link(&outside, place.path("target").join(name)).unwrap();
    }
    let before = tree(&place.path("outside"));
    succeed(overwriting(&place));
    let mut after = tree(&place.path("outside"));
    // Only the number of links has changed.
    for entry in &mut after {
        entry.links *= if entry.mode & libc::S_IFMT == libc::S_IFDIR {
            1
        } else {
            2
        };
    }
    assert_eq!(after, before);
    assert_same_tree(&place.path("source"), &place.path("target"));
}

#[test]
fn a_target_that_is_a_link_means_the_directory_that_it_points_to() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    fs::create_dir(place.path("real")).unwrap();
    symlink(place.path("real"), place.path("target")).unwrap();
    succeed(Work::Restore(place.restore()));
    assert_eq!(fs::read(place.path("real/file")).unwrap(), b"x");
}

#[test]
fn a_restore_into_its_own_container_is_refused_however_the_target_is_written() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    let container = place.container();
    let directory = container.location.local().unwrap().to_owned();
    symlink(&directory, place.path("link")).unwrap();
    let name = directory.file_name().unwrap();
    for target in [
        directory.clone(),
        directory.join("new/directory"),
        place.path("link"),
        place.path("link/data"),
        place.path("missing/..").join(name),
    ] {
        for overwrite in [false, true] {
            let ended = run(Work::Restore(Restore {
                target: target.clone(),
                overwrite,
                ..place.restore()
            }));
            expect_failure(&ended, Verdict::FailedForGood, &["is in the container"]);
        }
    }
    assert!(!directory.join("new").exists());
    assert_eq!(
        list_snapshots(&container, &Default::default())
            .unwrap()
            .len(),
        1
    );
    succeed(Work::Restore(place.restore()));
}

#[test]
fn overwriting_keeps_the_container_and_mount_points_in_the_target() {
    let place = Place::new();
    let path = place.path("source/deep/container");
    fs::create_dir(place.path("source/deep")).unwrap();
    place.write("source/file", "x");
    let container = Container {
        name: path.to_str().unwrap().to_owned(),
        location: Location::Local(path),
        ..place.container()
    };
    let mut backup = place.backup();
    backup.container = container.clone();
    backup.exclude = vec!["deep".to_owned()];
    succeed(Work::Backup(backup));
    fs::write(place.path("source/file"), "changed").unwrap();
    place.write("source/deep/surplus", "stays");
    let mounted = SmallDisk::mount(&place.path("source/disk"), "1m");
    if mounted.is_some() {
        place.write("source/disk/precious", "precious");
    }
    let restore = Restore {
        container: container.clone(),
        target: place.path("source"),
        overwrite: true,
        ..place.restore()
    };
    let ended = run(Work::Restore(restore));
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    assert_eq!(fs::read(place.path("source/file")).unwrap(), b"x");
    assert!(place.path("source/deep/surplus").exists());
    assert_eq!(
        list_snapshots(&container, &Default::default())
            .unwrap()
            .len(),
        1
    );
    if mounted.is_some() {
        assert_eq!(
            fs::read(place.path("source/disk/precious")).unwrap(),
            b"precious"
        );
    }
}

#[test]
fn a_full_disk_is_reported() {
    let place = Place::new();
    let noise = noise(8_000_000);
    place.write("source/large", noise);
    place.write("source/small", "x");
    place.back_up();
    let Some(disk) = SmallDisk::mount(&place.path("disk"), "1m") else {
        return;
    };
    let restore = Restore {
        target: disk.0.join("target"),
        ..place.restore()
    };
    let ended = fail(
        Work::Restore(restore),
        Verdict::Failed,
        &["No space left on device", "is not complete"],
    );
    assert!(!format!("{ended:?}").contains("panic"), "{ended:#?}");
    // No unfinished file is left under any name.
    assert!(
        tree(&disk.0.join("target"))
            .iter()
            .all(|entry| entry.path != Path::new("large"))
    );
    assert!(!format!("{:?}", tree(&disk.0)).contains("restoring"));
}

#[test]
fn a_target_that_is_not_a_directory_is_refused() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    place.write("target", "I am a file");
    fail(
        Work::Restore(place.restore()),
        Verdict::FailedForGood,
        &["as the target", "Not a directory"],
    );
    assert_eq!(fs::read(place.path("target")).unwrap(), b"I am a file");
}

#[test]
fn hard_links_are_restored_over_older_versions_of_themselves() {
    let place = Place::new();
    place.write("source/one", "first");
    fs::hard_link(place.path("source/one"), place.path("source/two")).unwrap();
    place.back_up();
    succeed(Work::Restore(place.restore()));
    fs::remove_file(place.path("target/two")).unwrap();
    place.write("target/two", "something of its own");
    place.write("target/one", "overwritten");
    succeed(overwriting(&place));
    assert_same_tree(&place.path("source"), &place.path("target"));
    let inode = |name: &str| fs::metadata(place.path(name)).unwrap().ino();
    assert_eq!(inode("target/one"), inode("target/two"));
}

#[test]
fn files_that_a_killed_restore_left_behind_are_removed() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    let leftover = place.write("target/.freezerd-restoring-4711-0", "half");
    succeed(Work::Restore(place.restore()));
    assert!(!leftover.exists());
}

/// `rsnapshot` and similar tools create such trees: more directories with links than a process may have open.
#[test]
fn hard_links_in_more_directories_than_can_be_open_are_restored() {
    let place = Place::new();
    place.write("source/0000/file", "x");
    for number in 1..400 {
        let directory = place.path(&format!("source/{number:04}"));
        fs::create_dir(&directory).unwrap();
        fs::hard_link(place.path("source/0000/file"), directory.join("file")).unwrap();
    }
    assert_eq!(place.back_up().summary.files, Some(400));
    let mut limited = Command::new("/bin/sh");
    limited.args([
        "-c",
        "ulimit -n 64; exec \"$0\" agent",
        env!("CARGO_BIN_EXE_freezerd"),
    ]);
    let ended = Agent::start_with(&mut limited, &request(Work::Restore(place.restore()))).end();
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    assert_eq!(ended.outcome().summary.files, Some(400));
    assert_eq!(
        fs::metadata(place.path("target/0000/file"))
            .unwrap()
            .nlink(),
        400
    );
    assert_same_tree(&place.path("source"), &place.path("target"));
}
