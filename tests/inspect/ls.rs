//! `freezerd ls`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::restic_support::restics;
use crate::support::{Repository, repositories, take, texts};

/// What both programs show of an entry.
fn entry(node: &Value) -> String {
    let field = |name: &str| node[name].to_string();
    let fields = ["path", "type", "uid", "gid", "mtime", "atime", "ctime"].map(field);
    let size = match node["type"].as_str() {
        Some("file") => node["size"].as_u64().unwrap_or(0),
        _ => 0,
    };
    format!("{fields:?} {size}")
}

fn entries(lines: &[Value]) -> Vec<String> {
    let nodes = lines.iter().filter(|line| line["path"].is_string());
    nodes.map(entry).collect()
}

#[test]
fn ls_lists_the_entries_that_restic_lists() {
    for repository in repositories() {
        repository.file("a", "content");
        repository.file("dir/inner/b", vec![7; 3_000_000]);
        repository.file("dir/empty", "");
        symlink("a", repository.source("link")).unwrap();
        let odd = OsStr::from_bytes(b"not\xffutf\xfe8");
        fs::write(repository.source("").join(odd), "x").unwrap();
        repository.file("new\nline \x1b[31m \u{202e}", "x");
        repository.backup();
        let ours = repository.lines(&["ls", "/", "--recursive"]);
        let theirs = repository.restic_lines(&["ls", "latest"]);
        // An old version lists directories without their entries' times.
        assert_eq!(entries(&ours), entries(&theirs));
        let raw: Vec<&Value> = ours
            .iter()
            .filter(|it| !it["path_base64"].is_null())
            .collect();
        assert_eq!(raw.len(), 1, "{raw:?}");
        let text = repository.freezerd(&["ls", "/", "-rl"]).exits(0);
        assert!(!text.output.stdout.contains(&0x1b));
        let text = text.stdout();
        assert!(text.contains("/not\\xffutf\\xfe8\n"), "{text}");
        assert!(text.contains("/new\\nline \\x1b[31m \\u{202e}\n"), "{text}");
        assert!(text.contains("/link -> a\n"), "{text}");
        assert!(text.contains(" 3000000 "), "{text}");
        assert_eq!(text.lines().count(), entries(&ours).len());
    }
}

#[test]
fn ls_lists_one_level_of_the_paths_that_are_named_or_were_backed_up() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = Repository::new(restic, 2);
    repository.file("a", "1");
    repository.file("dir/b", "2");
    repository.file("dir/inner/c", "3");
    repository.backup();
    let source = repository.source("");
    let source = source.to_str().unwrap();
    let paths = |arguments: &[&str]| {
        let lines = repository.lines(arguments);
        let paths = texts(&lines, "path");
        paths
            .iter()
            .map(|path| path.strip_prefix(source).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(&["ls"]), ["/a", "/dir"]);
    let recursive = ["/a", "/dir", "/dir/b", "/dir/inner", "/dir/inner/c"];
    assert_eq!(paths(&["ls", "-r"]), recursive);
    let dir = format!("{source}/dir/");
    assert_eq!(paths(&["ls", &dir]), ["/dir/b", "/dir/inner"]);
    let file = format!("{source}/a");
    assert_eq!(
        paths(&["ls", &file, &dir[1..]]),
        ["/a", "/dir/b", "/dir/inner"]
    );
    for (path, message) in [
        (format!("{source}/none/x"), "/none is not in the snapshot"),
        (
            format!("{source}/a/x"),
            "/a is not a directory in the snapshot",
        ),
        (
            format!("{source}/../x"),
            "/source/.. is not in the snapshot",
        ),
    ] {
        let said = repository.freezerd(&["ls", &path]).exits(66).stderr();
        assert!(said.contains(message), "{said}");
    }
}

#[test]
fn snapshots_are_named_by_id_by_time_or_as_the_latest() {
    for repository in repositories() {
        repository.file("one", "1");
        let first = repository.backup();
        repository.file("two", "2");
        let second = repository.backup();
        let id_of = |arguments: &[&str]| {
            let mut all = vec!["ls"];
            all.extend(arguments);
            let line = repository.lines(&all).swap_remove(0);
            line["snapshot"]["id"].as_str().unwrap().to_owned()
        };
        assert_eq!(id_of(&[]), second);
        assert_eq!(id_of(&["--snapshot", "latest"]), second);
        assert_eq!(id_of(&["--snapshot", &first[..8]]), first);
        assert_eq!(id_of(&["--snapshot", &first.to_uppercase()]), first);
        assert_eq!(id_of(&["--at", "2999-01-01"]), second);
        for (arguments, message) in [
            (
                &["--at", "2001-01-01"][..],
                "no snapshot from 2001-01-01T00:00:00Z or before: the oldest one is from 20",
            ),
            (&["--host", "other"], "made on other"),
            (&["--backup-name", "www"], "of www"),
            (&["--snapshot", "x"], "begins with x"),
            (&["--snapshot", ""], "begins with"),
        ] {
            let mut all = vec!["ls"];
            all.extend(arguments);
            let said = repository.freezerd(&all).exits(66).stderr();
            assert!(said.contains(message), "{said}");
        }
        let said = repository.freezerd(&["ls", "--at", "soon"]).exits(64);
        assert!(said.stderr().contains("--at soon"), "{}", said.stderr());
    }
}

#[test]
fn several_ids_that_begin_alike_are_listed() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = Repository::new(restic, 2);
    // Seventeen ids, sixteen first digits.
    let mut ids = Vec::new();
    for number in 0..17 {
        repository.file("x", number.to_string());
        ids.push(repository.backup());
    }
    let (one, other) = ids
        .iter()
        .flat_map(|one| ids.iter().map(move |other| (one, other)))
        .find(|(one, other)| one < other && one[..1] == other[..1])
        .unwrap();
    let said = repository
        .freezerd(&["ls", "--snapshot", &one[..1]])
        .exits(66)
        .stderr();
    assert!(said.contains(one) && said.contains(other), "{said}");
}

#[test]
fn repositories_of_version_1_are_read_and_restic_reads_our_locks_there() {
    for restic in restics() {
        let repository = Repository::new(restic, 1);
        repository.file("a", "content");
        repository.backup();
        assert_eq!(repository.lines(&["ls"]).len(), 2);
        let held = take(&repository, false);
        let refused = repository.restic.output(&repository.path, &["prune"]);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(
            said.contains(&format!("PID {}", std::process::id())),
            "{said}"
        );
        drop(held);
        repository.restic.run(&repository.path, &["prune"]);
        assert!(repository.files("locks").is_empty());
    }
}
