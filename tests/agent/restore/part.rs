//! A part of a snapshot is restored: one path, or what patterns select.

use std::fs;
use std::path::PathBuf;

use freezerd::job::action::{Backup, Restore, Work};
use freezerd::protocol::{ProblemKind, Verdict};

use super::problems;
use crate::support::*;

fn place() -> Place {
    let place = Place::new();
    place.write("source/fstab", "fstab");
    place.write("source/ssh/server.conf", "server");
    place.write("source/ssh/keys/host", "key");
    place.write("source/app/app.conf", "app");
    place.write("source/app/app.log", "log");
    place.back_up();
    place
}

/// The paths of the files below the target.
fn restored(place: &Place) -> Vec<String> {
    let target = place.path("target");
    if !target.exists() {
        return Vec::new();
    }
    tree(&target)
        .into_iter()
        .map(|entry| entry.path)
        .filter(|path| target.join(path).is_file())
        .map(|path| path.display().to_string())
        .collect()
}

fn patterns(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_path_brings_back_one_file_or_the_content_of_one_directory() {
    let place = place();
    for (part, expected) in [
        ("source/fstab", &["fstab"][..]),
        ("source/ssh", &["keys/host", "server.conf"]),
        ("source/ssh/keys/host", &["host"]),
        (
            "source",
            &[
                "app/app.conf",
                "app/app.log",
                "fstab",
                "ssh/keys/host",
                "ssh/server.conf",
            ],
        ),
    ] {
        succeed(Work::Restore(Restore {
            part: Some(place.path(part)),
            ..place.restore()
        }));
        assert_eq!(restored(&place), expected, "{part}");
        fs::remove_dir_all(place.path("target")).unwrap();
    }
    fail(
        Work::Restore(Restore {
            part: Some(place.path("source/nothing")),
            ..place.restore()
        }),
        Verdict::FailedForGood,
        &[
            "cannot find",
            "source/nothing in the snapshot",
            "freezerd ls",
        ],
    );
    assert!(!place.path("target").exists());
}

#[test]
fn patterns_select_by_name_by_place_and_by_the_full_path_that_was_backed_up() {
    let place = place();
    let full = place.path("source/ssh/keys");
    let full = full.to_str().unwrap();
    for (include, exclude, expected) in [
        (
            &["*.conf"][..],
            &[][..],
            &["app/app.conf", "ssh/server.conf"][..],
        ),
        (&["/ssh"], &[], &["ssh/keys/host", "ssh/server.conf"]),
        (&["ssh/*.conf", "fstab"], &[], &["fstab", "ssh/server.conf"]),
        (&[full], &[], &["ssh/keys/host"]),
        (&["keys/"], &[], &["ssh/keys/host"]),
        (&[], &["*.conf", full], &["app/app.log", "fstab"]),
        (&["/app"], &["*.log"], &["app/app.conf"]),
        (&["/app", "!*.log"], &[], &["app/app.conf"]),
    ] {
        succeed(Work::Restore(Restore {
            include: patterns(include),
            exclude: patterns(exclude),
            ..place.restore()
        }));
        assert_eq!(restored(&place), expected, "{include:?} {exclude:?}");
        fs::remove_dir_all(place.path("target")).unwrap();
    }
    // With a part, patterns begin there.
    succeed(Work::Restore(Restore {
        part: Some(place.path("source/ssh")),
        include: patterns(&["/keys"]),
        ..place.restore()
    }));
    assert_eq!(restored(&place), ["keys/host"]);
}

#[test]
fn patterns_of_a_backup_of_several_paths_are_about_full_paths() {
    let place = Place::new();
    place.write("one/a.conf", "a");
    place.write("two/b.conf", "b");
    let paths = vec![place.path("one"), place.path("two")];
    succeed(Work::Backup(Backup {
        paths,
        ..place.backup()
    }));
    succeed(Work::Restore(Restore {
        include: patterns(&[place.path("two").to_str().unwrap()]),
        ..place.restore()
    }));
    let below = place.path("two/b.conf");
    let below = below.strip_prefix("/").unwrap().display().to_string();
    assert_eq!(restored(&place), [below]);
}

#[test]
fn a_pattern_that_matches_nothing_is_never_a_silent_success() {
    let place = place();
    fail(
        Work::Restore(Restore {
            include: patterns(&["*.nix", "/etc"]),
            ..place.restore()
        }),
        Verdict::FailedForGood,
        &["nothing in the snapshot matches *.nix, /etc; nothing was restored"],
    );
    assert!(!place.path("target").exists(), "no empty directory is left");
    let only_takes_away = Work::Restore(Restore {
        include: patterns(&["!fstab"]),
        ..place.restore()
    });
    let texts = ["nothing in the snapshot matches !fstab"];
    fail(only_takes_away, Verdict::FailedForGood, &texts);

    let ended = fail(
        Work::Restore(Restore {
            include: patterns(&["fstab", "*.nix"]),
            ..place.restore()
        }),
        Verdict::Partial,
        &["nothing in the snapshot matches *.nix"],
    );
    assert_eq!(restored(&place), ["fstab"]);
    assert_eq!(problems(&ended), [PathBuf::from("*.nix")]);
    assert_eq!(ended.outcome().problems[0].kind, ProblemKind::NotFound);

    let ended = run(Work::Restore(Restore {
        exclude: patterns(&["*.nix"]),
        ..place.restore()
    }));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    assert!(ended.said("warning: the pattern *.nix for what not to restore matched nothing"));

    fail(
        Work::Restore(Restore {
            include: patterns(&["[a"]),
            ..place.restore()
        }),
        Verdict::FailedForGood,
        &["the pattern [a of what to include cannot be used: a [ has no ]"],
    );
}

#[test]
fn verify_reads_the_restored_files_again() {
    let place = place();
    let outcome = succeed(Work::Restore(Restore {
        verify: true,
        ..place.restore()
    }));
    assert_eq!(outcome.summary.files_verified, Some(5));
    let outcome = succeed(Work::Restore(place.restore()));
    assert_eq!(outcome.summary.files_verified, None);
}
