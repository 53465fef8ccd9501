//! What a backup leaves out, with `restic` as the judge where it has the same option.

use std::fs;

use freezerd::job::action::{Backup, Work};
use freezerd::protocol::Verdict;

use crate::support::*;

/// The paths in a snapshot below the source, as restic lists them.
fn paths_in(place: &Place, snapshot: &str) -> Option<Vec<String>> {
    let listed = place.restic(&["ls", snapshot])?;
    let top = format!("{}/", place.path("source").display());
    let below = listed.lines().filter_map(|line| line.strip_prefix(&top));
    Some(below.map(str::to_owned).collect())
}

/// Backs up, lets restic back up with these options, and returns the paths, which must be the same in both.
#[track_caller]
fn same_as_restic(place: &Place, backup: Backup, options: &[&str]) -> Option<Vec<String>> {
    let outcome = succeed(Work::Backup(backup));
    let ours = paths_in(place, outcome.summary.snapshot.as_deref()?)?;
    let source = place.path("source");
    let mut arguments = vec!["backup", "--host", "restic"];
    arguments.extend(options);
    arguments.push(source.to_str()?);
    place.restic(&arguments)?;
    let theirs = paths_in(place, "latest")?;
    assert_eq!(ours, theirs);
    Some(ours)
}

fn furnished() -> Place {
    let place = Place::new();
    let cache = "Signature: 8a477f597d28d172789f06886806bc55\n# made by a test";
    for (name, content) in [
        ("a.log", "x"),
        ("large", "0123456789"),
        ("cache/CACHEDIR.TAG", cache),
        ("cache/data", "x"),
        ("cache/below/data", "x"),
        ("fake/CACHEDIR.TAG", "something else"),
        ("fake/data", "x"),
        ("marked/.nobackup", ""),
        ("marked/below/data", "x"),
        ("headed/TAG", "begin: here"),
        ("headed/data", "x"),
        ("other/TAG", "not so"),
        ("other/data", "x"),
    ] {
        place.write(&format!("source/{name}"), content);
    }
    place
}

#[test]
fn marked_directories_keep_their_marker_alone() {
    let place = furnished();
    let backup = Backup {
        exclude_if_present: vec![".nobackup".into(), "TAG:begin".into()],
        ..place.backup()
    };
    let options = [
        "--exclude-if-present",
        ".nobackup",
        "--exclude-if-present",
        "TAG:begin",
    ];
    if let Some(kept) = same_as_restic(&place, backup, &options) {
        assert!(kept.contains(&"marked/.nobackup".to_owned()), "{kept:?}");
        assert!(!kept.contains(&"headed/data".to_owned()), "{kept:?}");
        assert!(kept.contains(&"other/data".to_owned()), "{kept:?}");
    }
}

#[test]
fn directories_that_are_tagged_as_caches_are_left_out() {
    let place = furnished();
    let backup = Backup {
        exclude_caches: true,
        ..place.backup()
    };
    if let Some(kept) = same_as_restic(&place, backup, &["--exclude-caches"]) {
        assert!(!kept.contains(&"cache/data".to_owned()), "{kept:?}");
        assert!(kept.contains(&"fake/data".to_owned()), "{kept:?}");
    }
}

#[test]
fn files_above_a_size_are_left_out() {
    let place = furnished();
    let backup = Backup {
        exclude_larger_than: Some(9),
        ..place.backup()
    };
    if let Some(kept) = same_as_restic(&place, backup, &["--exclude-larger-than", "9"]) {
        assert!(!kept.contains(&"large".to_owned()), "{kept:?}");
    }
    // A file of exactly that size is backed up.
    let exact = Backup {
        exclude_larger_than: Some(10),
        ..place.backup()
    };
    if let Some(kept) = same_as_restic(&place, exact, &["--exclude-larger-than", "10"]) {
        assert!(kept.contains(&"large".to_owned()), "{kept:?}");
    }
}

#[test]
fn one_file_system_leaves_out_what_is_mounted_unless_it_is_a_source_too() {
    let place = furnished();
    let mounted = place.path("source/mounted");
    let Some(_disk) = SmallDisk::mount(&mounted, "1m") else {
        return;
    };
    place.write("source/mounted/file", "x");
    let backup = Backup {
        one_file_system: true,
        ..place.backup()
    };
    let both = Backup {
        nested_paths: vec![mounted],
        ..backup.clone()
    };
    if let Some(kept) = same_as_restic(&place, backup, &["--one-file-system"]) {
        assert!(kept.contains(&"mounted".to_owned()), "{kept:?}");
        assert!(!kept.contains(&"mounted/file".to_owned()), "{kept:?}");
    }
    let outcome = succeed(Work::Backup(both));
    let snapshot = outcome.summary.snapshot.unwrap();
    if let Some(kept) = paths_in(&place, &snapshot) {
        assert!(kept.contains(&"mounted/file".to_owned()), "{kept:?}");
    }
}

#[test]
fn a_file_system_of_the_kernel_is_not_entered_and_is_named() {
    let place = furnished();
    let mounted = place.path("source/a b/proc");
    let Some(_mount) = SmallDisk::mount_kernel(&mounted) else {
        return;
    };
    let ended = run(Work::Backup(place.backup()));
    let outcome = ended.outcome();
    assert_eq!(outcome.verdict, Verdict::Success, "{:?}", outcome.problems);
    let told = format!(
        "leaving out what the kernel shows of itself in {}",
        mounted.display()
    );
    assert!(ended.said(&told), "{told}");
    let snapshot = outcome.summary.snapshot.as_deref().unwrap();
    if let Some(kept) = paths_in(&place, snapshot) {
        assert!(kept.contains(&"a b/proc".to_owned()), "{kept:?}");
        assert!(
            !kept.iter().any(|path| path.starts_with("a b/proc/")),
            "{kept:?}"
        );
    }
    // A source that is such a file system, or a part of one, is backed up.
    let inside = Backup {
        paths: vec![mounted.join("sys/kernel/random")],
        ..place.backup()
    };
    let outcome = succeed(Work::Backup(inside));
    assert!(outcome.summary.files > Some(0));
}

#[test]
fn files_of_patterns_are_read_at_each_backup() {
    let place = furnished();
    let file = place.write(
        "patterns",
        "# what is not worth it\n\n*.log\r\n/large\n[open\n!keep\n",
    );
    let backup = Backup {
        exclude: vec!["cache".into()],
        exclude_from: vec![file.clone()],
        ..place.backup()
    };
    let ended = run(Work::Backup(backup.clone()));
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    assert!(
        ended.said("the pattern [open in line 5 of") && ended.said("is not used: a [ has no ]"),
        "{ended:#?}"
    );
    let kept = |snapshot: Option<&String>| paths_in(&place, snapshot.unwrap()).unwrap_or_default();
    let first = kept(ended.outcome().summary.snapshot.as_ref());
    for left_out in ["a.log", "large", "cache", "cache/data"] {
        assert!(
            !first.contains(&left_out.to_owned()),
            "{left_out}: {first:?}"
        );
    }
    fs::write(&file, "fake/\n").unwrap();
    let second = kept(succeed(Work::Backup(backup)).summary.snapshot.as_ref());
    if !second.is_empty() {
        assert!(second.contains(&"a.log".to_owned()), "{second:?}");
        assert!(!second.contains(&"fake".to_owned()), "{second:?}");
    }
}

#[test]
fn a_file_of_patterns_that_cannot_be_read_fails_the_backup_before_anything_is_written() {
    let place = furnished();
    let binary = place.write("binary", b"ok\n\xff\n");
    for (file, sign) in [
        (place.path("missing"), "cannot be read: No such file"),
        (place.path("source"), "is not a regular file"),
        (binary, "is not UTF-8 text in line 2"),
    ] {
        let backup = Backup {
            exclude_from: vec![file],
            ..place.backup()
        };
        let signs = ["exclude_from", sign, "nothing was backed up"];
        fail(Work::Backup(backup), Verdict::FailedForGood, &signs);
        assert!(!place.path("container").exists());
    }
}
