//! A restore of an ordinary user onto what an earlier one made, with modes that keep the user out.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Host, NOBODY, backup, is_root, now};

/// The modes, times and contents of all entries.
fn look(top: &Path) -> BTreeMap<PathBuf, (u32, i64, Option<String>)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![top.to_owned()];
    while let Some(path) = pending.pop() {
        let about = fs::metadata(&path).unwrap();
        if about.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|it| it.unwrap().path()));
        }
        let content = about.is_file().then(|| fs::read_to_string(&path).unwrap());
        let name = path.strip_prefix(top).unwrap().to_owned();
        found.insert(name, (about.mode() & 0o7777, about.mtime(), content));
    }
    found
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn entries_whose_modes_keep_their_owner_out_are_restored_again() {
    if !is_root() {
        println!("SKIPPED: only root can back up such entries, and restore them as another user");
        return;
    }
    let Some(user) = Host::unprivileged() else {
        return;
    };
    let root = Host::new();
    root.file("source/closed/inner/file", "inner");
    root.file("source/closed/unlisted/file", "file");
    root.file("source/secret", "secret");
    root.file("source/unwritten/file", "file");
    root.put(
        "save",
        now(vec![backup(&root.path("source"), &user.path("container"))]),
    );
    for (path, mode) in [
        ("closed/inner/file", 0o000),
        ("closed/inner", 0o000),
        ("closed/unlisted", 0o300),
        ("closed", 0o000),
        ("secret", 0o000),
        ("unwritten/file", 0o444),
        ("unwritten", 0o555),
        ("", 0o000),
    ] {
        set_mode(&root.path("source").join(path), mode);
    }
    root.once().exits(0);
    let expected = look(&root.path("source"));
    let owned = Command::new("chown")
        .args(["-R", &format!("{NOBODY}:{NOBODY}")])
        .arg(user.path("container"))
        .status();
    assert!(owned.unwrap().success());
    let container = user.path("container");
    let restore = |words: &[&str]| {
        let place = ["restore", "--container", container.to_str().unwrap()];
        let name = root.json(&["snapshots", "save"])["snapshots"][0]["id"].clone();
        let chosen = ["--snapshot", name.as_str().unwrap(), "--to", "target"];
        user.freezerd(&[&place, &chosen[..], words].concat())
    };
    let target = user.path("work/target");
    for words in [
        &[][..],
        &[],
        &["--overwrite"],
        &["--verify"],
        &["--overwrite", "--verify"],
    ] {
        restore(words).exits(0);
        assert_eq!(look(&target), expected, "{words:?}");
    }

    // What is missing in such a directory is made, and what differs is kept, with the modes that there are.
    fs::remove_file(target.join("closed/inner/file")).unwrap();
    fs::remove_file(target.join("unwritten/file")).unwrap();
    restore(&["--overwrite"]).exits(0);
    assert_eq!(look(&target), expected);
    fs::write(target.join("secret"), "other!").unwrap();
    set_mode(&target.join("closed"), 0o100);
    let before = look(&target);
    let said = restore(&[]).exits(3).stdout();
    assert!(said.contains("secret") && said.contains("closed"), "{said}");
    assert_eq!(look(&target), before);
    restore(&["--dry-run", "--overwrite"]);
    assert_eq!(look(&target), before);
    restore(&["--overwrite"]).exits(0);
    assert_eq!(look(&target), expected);
}
