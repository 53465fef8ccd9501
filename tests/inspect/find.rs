//! `freezerd find`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::restic_support::restics;
use crate::support::{Repository, lines, repositories, texts};

/// Snapshot and path of everything that was found.
fn found(lines: &[Value]) -> BTreeSet<(String, String)> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    lines
        .iter()
        .map(|line| (text(line, "snapshot"), text(line, "path")))
        .collect()
}

/// The same as restic has it.
fn found_by_restic(answer: &Value) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for snapshot in answer.as_array().unwrap() {
        for hit in snapshot["matches"].as_array().unwrap() {
            let id = snapshot["snapshot"].as_str().unwrap().to_owned();
            found.insert((id, hit["path"].as_str().unwrap().to_owned()));
        }
    }
    found
}

#[test]
fn find_finds_the_files_that_restic_finds_in_every_snapshot() {
    for repository in repositories() {
        repository.file("one.txt", "1");
        repository.file("dir/two.TXT", "2");
        repository.file("dir/deep/one.txt", "3");
        repository.file("other/dir/x", "4");
        let first = repository.backup();
        repository.file("dir/three.txt", "5");
        fs::remove_file(repository.source("one.txt")).unwrap();
        let second = repository.backup();
        let whole = repository.source("dir/two.TXT");
        for (pattern, arguments) in [
            ("*.txt", &[][..]),
            ("*.TXT", &["--ignore-case"]),
            ("one.*", &[]),
            ("dir/x", &[]),
            ("dir/*/one.txt", &[]),
            ("[ot]*.txt", &[]),
            (whole.to_str().unwrap(), &[]),
            ("none", &[]),
        ] {
            let mut ours = vec!["find", pattern];
            ours.extend(arguments);
            let ours = found(&repository.lines(&ours));
            let mut theirs = vec!["find", pattern];
            theirs.extend(arguments);
            let theirs = found_by_restic(&repository.restic_json(&theirs));
            assert_eq!(ours, theirs, "{pattern}");
        }
        let only = repository.lines(&["find", "one.txt", "--snapshot", &second]);
        assert_eq!(texts(&only, "snapshot"), std::slice::from_ref(&second));
        let text = repository
            .freezerd(&["find", "three.txt", "-l"])
            .exits(0)
            .stdout();
        assert!(
            text.starts_with(&second[..8]) && text.contains("-rw"),
            "{text}"
        );
        assert!(!text.contains(&first[..8]));
    }
}

#[test]
fn types_and_times_narrow_a_search() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = Repository::new(restic, 2);
    for (name, year) in [("old", 2001), ("middle", 2010), ("new", 2020)] {
        repository.file(name, "x");
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs((year - 1970) * 31_557_600);
        let file = File::options()
            .write(true)
            .open(repository.source(name))
            .unwrap();
        file.set_modified(time).unwrap();
    }
    fs::create_dir(repository.source("dir")).unwrap();
    repository.backup();
    let names = |arguments: &[&str]| {
        let mut all = vec!["find", "--type", "file"];
        all.extend(arguments);
        let paths = texts(&repository.lines(&all), "path");
        paths
            .iter()
            .map(|path| path.rsplit('/').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["middle", "new", "old"]);
    assert_eq!(names(&["--oldest", "2005-01-01"]), ["middle", "new"]);
    assert_eq!(names(&["--newest", "2015-01-01"]), ["middle", "old"]);
    assert_eq!(
        names(&["--oldest", "2005-01-01", "--newest", "2015-01-01"]),
        ["middle"]
    );
    let dirs = repository.lines(&["find", "dir", "--type", "dir"]);
    assert_eq!(dirs.len(), 1);
    for arguments in [
        &["find"][..],
        &["find", "[a"],
        &["find", "x", "--newest", "soon"],
    ] {
        repository.freezerd(arguments).exits(64);
    }
}

#[test]
fn blobs_trees_and_packs_lead_to_the_files_that_need_them() {
    for repository in repositories() {
        repository.file("a", "content of a");
        repository.file("dir/same", "content of a");
        repository.file("dir/b", "content of b");
        let snapshot = repository.backup();
        let blob = |file: &str| {
            let content = fs::read(repository.source(file)).unwrap();
            freezerd::storage::id::Id::of(&content).to_string()
        };
        let a = blob("a");
        let ours = repository.lines(&["find", "--blob", &a[..12]]);
        let theirs = repository.restic_json(&["find", "--blob", &a]);
        assert_eq!(
            texts(&ours, "path"),
            texts(theirs.as_array().unwrap(), "path")
        );
        assert_eq!(ours.len(), 2);
        assert_eq!(ours[0]["blob"], a);
        assert_eq!(ours[0]["snapshot"], snapshot);
        // The tree of a directory, as restic shows it.
        let root = repository
            .restic
            .run(&repository.path, &["cat", "snapshot", &snapshot]);
        let root: Value = serde_json::from_str(&root).unwrap();
        let root = root["tree"].as_str().unwrap();
        let found = repository.lines(&["find", "--tree", root]);
        assert_eq!(texts(&found, "path"), ["/"]);
        let [pack] = &repository.packs_of("data")[..] else {
            panic!("one pack holds all files");
        };
        let found = repository.lines(&["find", "--pack", pack]);
        assert_eq!(texts(&found, "path").len(), 3);
        assert!(
            repository
                .lines(&["find", "--pack", &"0".repeat(64)])
                .is_empty()
        );
        repository.freezerd(&["find", "--blob"]).exits(64);
        repository.freezerd(&["find", "--blob", "xyz"]).exits(64);
        repository
            .freezerd(&["find", "--blob", &a, "--tree"])
            .exits(64);
    }
}

#[test]
fn the_pages_of_a_job_search_its_own_snapshots_only() {
    let host = crate::harness::Host::new();
    let source = host.file("source/file.txt", "content");
    let action = crate::harness::backup(source.parent().unwrap(), &host.path("container"));
    host.put("save", crate::harness::now(vec![action]));
    host.once().exits(0);
    let ran = host.freezerd(&["find", "save", "*.txt", "--json"]).exits(0);
    let found = lines(&ran.stdout());
    assert_eq!(texts(&found, "path"), [source.to_str().unwrap()]);
    let ran = host.freezerd(&["find", "save", "*.txt", "--host", "other", "--json"]);
    assert!(ran.exits(0).stdout().is_empty());
    let ran = host.freezerd(&["ls", "save"]).exits(0);
    assert_eq!(ran.stdout(), format!("{}\n", source.display()));
    let ran = host
        .freezerd(&["dump", "save", source.to_str().unwrap()])
        .exits(0);
    assert_eq!(ran.stdout(), "content");
    host.freezerd(&["ls", "other"]).exits(66);
}
