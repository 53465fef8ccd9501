//! `freezerd diff`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::restic_support::restics;
use crate::support::{Repository, repositories};

/// Marker and path of each line that has a marker; without directories, whose metadata nobody looks at the same way.
fn changes(text: &str) -> BTreeSet<(String, String)> {
    text.lines()
        .filter_map(|line| {
            let (marker, path) = line.split_once(' ')?;
            let is_marker = !marker.is_empty() && marker.chars().all(|it| "+-MTU?".contains(it));
            let path = path.trim_start();
            let is_entry = path.starts_with('/') && !(path.ends_with('/') && marker == "U");
            (is_marker && is_entry).then(|| (marker.to_owned(), path.to_owned()))
        })
        .collect()
}

#[test]
fn diff_shows_what_restic_shows() {
    for repository in repositories() {
        for name in [
            "same",
            "gone",
            "content",
            "mode",
            "type",
            "deep/a/b/c",
            "olddir/x",
        ] {
            repository.file(name, name);
        }
        let first = repository.backup();
        repository.file("new", "new");
        repository.file("newdir/inner/y", "y");
        repository.file("content", "other content");
        repository.file("deep/a/b/c", "other");
        fs::remove_file(repository.source("gone")).unwrap();
        fs::remove_dir_all(repository.source("olddir")).unwrap();
        fs::remove_file(repository.source("type")).unwrap();
        symlink("same", repository.source("type")).unwrap();
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(repository.source("mode"), mode).unwrap();
        let second = repository.backup();
        for (one, other) in [(&first, &second), (&second, &first), (&first, &first)] {
            for metadata in [&[][..], &["--metadata"]] {
                let mut ours = vec!["diff", one, other];
                ours.extend(metadata);
                let ours = repository.freezerd(&ours).exits(0).stdout();
                let mut theirs = vec!["diff", one, other];
                theirs.extend(metadata);
                let theirs = repository.restic.run(&repository.path, &theirs);
                // restic adds a letter for the metadata to that for the type.
                let theirs = theirs.replace("TU ", "T  ");
                assert_eq!(changes(&ours), changes(&theirs), "{ours}\n{theirs}");
            }
        }
        let lines = repository.lines(&["diff"]);
        let totals = &lines.last().unwrap()["totals"];
        assert_eq!(
            (&totals["before"], &totals["after"]),
            (&first.into(), &second.into())
        );
        assert_eq!(totals["added"]["files"], 2);
        assert_eq!(totals["added"]["directories"], 2);
        assert_eq!(totals["removed"]["files"], 2);
        assert_eq!(totals["removed"]["directories"], 1);
        assert_eq!(
            (&totals["content_changed"], &totals["type_changed"]),
            (&2.into(), &1.into())
        );
        assert_eq!(
            totals["content_changed_bytes"],
            "other content".len() + "other".len()
        );
    }
}

#[test]
fn the_data_that_was_exchanged_is_what_restic_counts() {
    for repository in repositories() {
        repository.file("same", "same");
        repository.file("old", "old".repeat(1000));
        let first = repository.backup();
        repository.file("moved/old", "old".repeat(1000));
        repository.file("new", "new");
        fs::remove_file(repository.source("old")).unwrap();
        let second = repository.backup();
        for (one, other) in [(&first, &second), (&second, &first)] {
            let ours = repository.lines(&["diff", one, other, "--data"]);
            let ours = &ours.last().unwrap()["totals"];
            let theirs = repository.restic_lines(&["diff", one, other]);
            let theirs = theirs.last().unwrap();
            for (side, name) in [("added", "data_added"), ("removed", "data_removed")] {
                let (ours, theirs) = (&ours[name], &theirs[side]);
                assert_eq!(ours["data_blobs"], theirs["data_blobs"]);
                assert_eq!(ours["tree_blobs"], theirs["tree_blobs"]);
                assert_eq!(ours["content_size"], theirs["bytes"]);
            }
        }
        let text = repository.freezerd(&["diff", "--data"]).exits(0).stdout();
        assert!(text.contains("\nData:    "), "{text}");
        repository.freezerd(&["diff", "--data", "--live"]).exits(64);
    }
}

#[test]
fn a_directory_that_became_a_file_loses_its_entries() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = Repository::new(restic, 2);
    repository.file("x/inner", "1");
    symlink("a", repository.source("link")).unwrap();
    let first = repository.backup();
    fs::remove_dir_all(repository.source("x")).unwrap();
    repository.file("x", "2");
    fs::remove_file(repository.source("link")).unwrap();
    symlink("b", repository.source("link")).unwrap();
    repository.backup();
    let source = repository.source("");
    let source = source.to_str().unwrap();
    let text = repository
        .freezerd(&["diff", &first[..10], "latest", "--path", source])
        .exits(0)
        .stdout();
    let expected = [
        ("M", format!("{source}/link")),
        ("T", format!("{source}/x")),
        ("-", format!("{source}/x/inner")),
    ];
    let expected = expected.map(|(marker, path)| (marker.to_owned(), path));
    assert_eq!(changes(&text), BTreeSet::from(expected), "{text}");
    let back = repository
        .freezerd(&["diff", "latest", &first])
        .exits(0)
        .stdout();
    assert!(
        changes(&back).contains(&("+".into(), format!("{source}/x/inner"))),
        "{back}"
    );
}

#[test]
fn diff_needs_two_snapshots() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = Repository::new(restic, 2);
    repository.file("a", "1");
    let only = repository.backup();
    let said = repository.freezerd(&["diff"]).exits(66).stderr();
    assert!(said.contains("fewer than two snapshots"), "{said}");
    repository.freezerd(&["diff", &only]).exits(0);
    repository
        .freezerd(&["diff", &only, &only, &only])
        .exits(64);
    repository
        .freezerd(&["diff", "--path", "/none", &only])
        .exits(66);
}

#[test]
fn a_snapshot_and_the_file_system_differ_as_the_next_snapshot_does() {
    for repository in repositories() {
        for name in [
            "same",
            "gone",
            "content",
            "mode",
            "touched",
            "type",
            "deep/a/b/c",
        ] {
            repository.file(name, name);
        }
        repository.file("large", vec![1; 3_000_000]);
        symlink("same", repository.source("link")).unwrap();
        let odd = OsStr::from_bytes(b"not\xffutf8");
        fs::write(repository.source("").join(odd), "odd").unwrap();
        let first = repository.backup();
        let live = ["diff", &first, "--live", "--metadata"];
        let unchanged = repository.freezerd(&live).exits(0).stdout();
        assert!(changes(&unchanged).is_empty(), "{unchanged}");

        repository.file("newdir/inner/y", "y");
        repository.file("deep/a/b/c", "other");
        fs::write(repository.source("").join(odd), "ODD").unwrap();
        // The same size and the same modification time.
        let times = fs::metadata(repository.source("large"))
            .unwrap()
            .modified()
            .unwrap();
        let mut content = vec![1; 3_000_000];
        content[2_900_000] = 2;
        repository.file("large", content);
        let file = fs::File::options()
            .write(true)
            .open(repository.source("large"))
            .unwrap();
        file.set_modified(times).unwrap();
        let touched = fs::File::options()
            .write(true)
            .open(repository.source("touched"))
            .unwrap();
        touched
            .set_modified(std::time::SystemTime::UNIX_EPOCH)
            .unwrap();
        fs::remove_file(repository.source("gone")).unwrap();
        fs::remove_file(repository.source("type")).unwrap();
        symlink("same", repository.source("type")).unwrap();
        fs::remove_file(repository.source("link")).unwrap();
        symlink("large", repository.source("link")).unwrap();
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(repository.source("mode"), mode).unwrap();
        let now = repository.freezerd(&live).exits(0).stdout();
        let second = repository.backup();
        let later = repository.freezerd(&["diff", &first, &second, "--metadata"]);
        let later = later.exits(0).stdout();
        assert_eq!(changes(&now), changes(&later), "{now}\n{later}");
        assert_eq!(changes(&now).len(), 11, "{now}");
        let deep = repository.source("deep");
        let below = repository
            .freezerd(&["diff", &first, "--live", "--path", deep.to_str().unwrap()])
            .exits(0)
            .stdout();
        assert_eq!(changes(&below).len(), 1, "{below}");
    }
}

#[test]
fn what_the_backup_leaves_out_is_not_new() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = Repository::new(restic, 2);
    repository.file("kept", "1");
    repository.file("cache/x", "2");
    let source = repository.source("");
    let source = source.to_str().unwrap();
    let arguments = ["backup", source, "--exclude", "cache"];
    repository.restic.run(&repository.path, &arguments);
    repository.file("cache/y", "3");
    let text = repository.freezerd(&["diff", "--live"]).exits(0).stdout();
    assert!(changes(&text).is_empty(), "{text}");
    fs::remove_dir_all(source).unwrap();
    let ran = repository.freezerd(&["diff", "--live"]).exits(3);
    assert!(ran.stderr().contains(source), "{}", ran.stderr());
}

#[test]
fn a_single_file_is_compared_with_itself_alone() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = Repository::new(restic, 2);
    repository.file("one", "1");
    repository.file("other", "1");
    let file = repository.source("one");
    let file = file.to_str().unwrap();
    repository.restic.run(&repository.path, &["backup", file]);
    let text = repository.freezerd(&["diff", "--live"]).exits(0).stdout();
    assert!(changes(&text).is_empty(), "{text}");
    repository.file("one", "2");
    let text = repository.freezerd(&["diff", "--live"]).exits(0).stdout();
    assert_eq!(
        changes(&text),
        BTreeSet::from([("M".to_owned(), file.to_owned())]),
        "{text}"
    );
}
