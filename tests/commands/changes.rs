//! `freezerd changes`: what the backups of a run have found changed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::harness::{Host, backup, exec, now};

/// The job `save` runs once more, and ends with this exit code of `run --once`.
#[track_caller]
fn run_with(host: &Host, actions: Vec<Value>, code: i32) {
    let mut job = now(actions);
    // Another content is another job: it runs again.
    let before = fs::read_to_string(host.path("jobs.d/save.json")).unwrap_or_default();
    job["description"] = json!(format!("{}", before.len()));
    host.put("save", job);
    host.once().exits(code);
}

/// A backup of `source`.
fn of_source(host: &Host) -> Value {
    backup(&host.path("source"), &host.path("container"))
}

#[track_caller]
fn run(host: &Host) {
    run_with(host, vec![of_source(host)], 0);
}

/// What the only backup of the newest run of `save` has found changed.
#[track_caller]
fn changes(host: &Host) -> Value {
    let answer = host.json(&["changes", "save"]);
    let found = answer["changes"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{answer:#}");
    found[0].clone()
}

/// Files, directories and others.
fn counts(amount: &Value) -> [u64; 3] {
    ["files", "directories", "others"].map(|name| amount[name].as_u64().unwrap())
}

fn paths(list: &Value) -> Vec<String> {
    let entries = list.as_array().unwrap().iter();
    entries
        .map(|it| it["path"].as_str().unwrap().to_owned())
        .collect()
}

fn shown(host: &Host, name: &str) -> String {
    host.path(name).to_str().unwrap().to_owned()
}

#[test]
fn what_is_new_changed_and_gone_is_counted_and_named() {
    let host = Host::new();
    for name in ["keep", "content", "mode", "gone", "type", "old/a", "old/b"] {
        host.file(&format!("one/{name}"), name);
    }
    host.file("two/keep", "keep");
    let both = || {
        let mut save = backup(&host.path("one"), &host.path("container"));
        save["freezer_action"]["path_to_backup"] = json!([host.path("one"), host.path("two")]);
        save
    };
    run_with(&host, vec![both()], 0);
    host.file("one/content", "another content");
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(host.path("one/mode"), mode).unwrap();
    fs::remove_file(host.path("one/gone")).unwrap();
    fs::remove_file(host.path("one/type")).unwrap();
    host.file("one/type/inside", "inside");
    fs::rename(host.path("one/old"), host.path("one/renamed")).unwrap();
    host.file("two/new", &"n".repeat(5000));
    symlink("new", host.path("two/link")).unwrap();
    run_with(&host, vec![both()], 0);

    let found = changes(&host);
    assert_eq!(counts(&found["new"]), [4, 1, 1], "{found:#}");
    assert_eq!(counts(&found["changed"]), [1, 0, 0], "{found:#}");
    assert_eq!(found["changed"]["bytes"], 15);
    assert_eq!(counts(&found["type_changed"]), [0, 1, 0], "{found:#}");
    assert_eq!(counts(&found["gone"]), [3, 1, 0], "{found:#}");
    assert_eq!(found["metadata_changed"]["files"], 1, "{found:#}");
    assert_eq!(counts(&found["unread"]), [0, 0, 0]);
    assert_eq!(found["not_compared"], 0);

    let largest = &found["largest"];
    assert_eq!(
        paths(largest)[..2],
        [shown(&host, "two/new"), shown(&host, "one/content")]
    );
    assert_eq!(
        (&largest[0]["size"], &largest[0]["size_before"]),
        (&json!(5000), &Value::Null)
    );
    assert_eq!(
        (&largest[1]["size"], &largest[1]["size_before"]),
        (&json!(15), &json!(7))
    );
    // A directory that is gone stands for what was in it.
    let gone = &found["largest_gone"];
    let mut names = paths(gone);
    names.sort_unstable();
    assert_eq!(names, [shown(&host, "one/gone"), shown(&host, "one/old")]);
    let old = gone.as_array().unwrap().iter();
    let old = old.clone().find(|it| it["type"] == "dir").unwrap();
    assert_eq!(old["entries"], 3);

    let rows = found["directories"].as_array().unwrap();
    let row = |name: &str| {
        let path = shown(&host, name);
        let found = rows.iter().find(|row| row["path"] == path);
        found.unwrap_or_else(|| panic!("{name}: {rows:#?}"))
    };
    assert_eq!(row("two")["new"], 2);
    assert_eq!(
        (&row("one")["changed"], &row("one")["gone"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(
        (&row("one/old")["gone"], &row("one/renamed")["new"]),
        (&json!(2), &json!(2))
    );
    // Each change is in one row.
    let sum = |field: &str| {
        rows.iter()
            .map(|row| row[field].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((sum("new"), sum("changed"), sum("gone")), (6, 2, 4));

    let text = host.freezerd(&["changes", "save"]).exits(0).stdout();
    for line in [
        "New:         4 files, 1 directory, 1 other entry",
        "Gone:        3 files, 1 directory",
        "Other type:  0 files, 1 directory",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(
        text.contains(&format!("{}/ (3 entries)", shown(&host, "one/old"))),
        "{text}"
    );
    assert!(text.contains("(before: 7 B)"), "{text}");
    assert!(!text.contains("Not read"), "{text}");
}

#[test]
fn a_run_counts_the_same_files_and_other_entries_as_its_changes() {
    let host = Host::new();
    host.file("source/a", "a");
    host.file("source/deep/b", "b");
    symlink("a", host.path("source/link")).unwrap();
    run(&host);
    let [files, _, others] = counts(&changes(&host)["new"]);
    assert_eq!((files, others), (2, 1));
    for command in ["log", "show"] {
        let said = host.freezerd(&[command, "save"]).exits(0).stdout();
        assert!(said.contains("3 files and other entries"), "{said}");
    }
}

#[test]
fn the_log_has_a_page_of_it() {
    let host = Host::new();
    host.file("source/a", "a");
    run(&host);
    host.file("source/b", "12345");
    run(&host);
    let log = host.freezerd(&["log", "save"]).exits(0).stdout();
    let number = &host.history("save")[0]["run"];
    let new = format!("{}: 5 B (new)", shown(&host, "source/b"));
    let more = format!("`freezerd changes {number}` shows more");
    for part in ["changed since snapshot ", ": 1 new (5 B)", &new, &more] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
}

#[test]
fn everything_is_new_in_the_first_snapshot_and_nothing_in_one_of_an_unchanged_source() {
    let host = Host::new();
    host.file("source/a", "a");
    host.file("source/sub/b", "bb");
    run(&host);
    let first = changes(&host);
    assert_eq!(first["since"], Value::Null);
    assert_eq!(
        (&first["new"]["files"], &first["new"]["bytes"]),
        (&json!(2), &json!(3))
    );
    let text = host.freezerd(&["changes", "save"]).exits(0).stdout();
    assert!(
        text.contains("the first one, so that everything is new"),
        "{text}"
    );

    // Level 0 reads everything again, and says what changed all the same.
    for more in [json!({}), json!({"no_incremental": true})] {
        let mut save = of_source(&host);
        for (key, value) in more.as_object().unwrap() {
            save["freezer_action"][key] = value.clone();
        }
        run_with(&host, vec![save], 0);
        let found = changes(&host);
        assert!(found["since"]["snapshot"].is_string(), "{found:#}");
        for kind in ["new", "changed", "type_changed", "gone", "unread"] {
            assert_eq!(counts(&found[kind]), [0, 0, 0], "{kind}: {found:#}");
        }
        assert_eq!(found["metadata_changed"]["files"], 0, "{found:#}");
        assert_eq!(found["largest"], json!([]));
    }
}

#[test]
fn what_a_partial_backup_could_not_read_is_not_gone_and_another_attempt_is_the_same_backup() {
    let Some(host) = Host::unprivileged() else {
        return;
    };
    for name in ["file", "gone", "closed/a", "closed/b"] {
        host.file(&format!("source/{name}"), name);
    }
    run(&host);
    fs::remove_file(host.path("source/gone")).unwrap();
    host.file("source/new", "new");
    let close = |mode| {
        for name in ["file", "closed"] {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(host.path(&format!("source/{name}")), mode).unwrap();
        }
    };
    close(0);
    let mut save = of_source(&host);
    save["max_retries"] = json!(1);
    save["max_retries_interval"] = json!(0);
    run_with(&host, vec![save], 3);
    close(0o755);
    let found = changes(&host);
    assert_eq!(found["attempt"], 2);
    assert_eq!(counts(&found["unread"]), [3, 0, 0], "{found:#}");
    assert_eq!(counts(&found["gone"]), [1, 0, 0], "{found:#}");
    // The snapshot of the first attempt has it already.
    assert_eq!(counts(&found["new"]), [1, 0, 0], "{found:#}");
    let text = host.freezerd(&["changes", "save"]).exits(0).stdout();
    assert!(text.contains("Not read:    3 files"), "{text}");

    run(&host);
    let after = changes(&host);
    assert_eq!(after["since"]["partial"], true);
    assert_eq!(counts(&after["new"]), [3, 0, 0], "{after:#}");
}

#[test]
fn names_of_any_bytes_are_shown_and_kept() {
    let host = Host::new();
    host.file("source/a", "a");
    run(&host);
    let name = OsStr::from_bytes(b"x\x1b[31m\n\xff");
    fs::write(host.path("source").join(name), "content").unwrap();
    run(&host);
    let ran = host.freezerd(&["changes", "save"]).exits(0);
    let text = ran.stdout();
    assert!(text.contains("/source/x\\x1b[31m\\n\\xff"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    let found = changes(&host);
    let raw = found["largest"][0]["path_base64"].as_str().unwrap();
    let path = host.path("source").join(name);
    assert_eq!(BASE64.decode(raw).unwrap(), path.as_os_str().as_bytes());
    // The next run has it among what is gone.
    fs::remove_file(host.path("source").join(name)).unwrap();
    run(&host);
    let gone = &changes(&host)["largest_gone"][0];
    assert_eq!(gone["path_base64"], raw);
}

#[test]
fn a_run_has_the_report_of_each_backup_and_a_job_that_of_its_newest() {
    let host = Host::new();
    host.file("source/a", "a");
    host.file("other/b", "b");
    let other = backup(&host.path("other"), &host.path("container"));
    run_with(&host, vec![exec("true"), of_source(&host), other], 0);
    let number = host.history("save")[0]["run"].to_string();
    let answer = host.json(&["changes", &number]);
    let actions: Vec<&Value> = answer["changes"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&actions[0]["action"], &actions[1]["action"]),
        (&json!(1), &json!(2))
    );
    let one = host.json(&["changes", &number, "--action", "3"]);
    assert_eq!(one["changes"].as_array().unwrap().len(), 1);
    let none = host
        .freezerd(&["changes", &number, "--action", "1"])
        .exits(66);
    assert!(
        none.stderr().contains("no report of action 1"),
        "{}",
        none.stderr()
    );

    // A run without a snapshot has no report; the job still has one.
    run_with(&host, vec![exec("true")], 0);
    let newest = host.history("save")[0]["run"].to_string();
    assert_ne!(newest, number);
    let said = host.freezerd(&["changes", &newest]).exits(66).stderr();
    assert!(said.contains("has no report of changes"), "{said}");
    assert_eq!(host.json(&["changes", "save"])["run"].to_string(), number);
    host.freezerd(&["changes", "never"]).exits(66);
}

/// A file for every number, and a directory for every hundred.
fn many(host: &Host, top: &str, count: u64) {
    for number in 0..count {
        let name = format!("{top}/{:02}/{number}", number / 100);
        host.file(&name, &"x".repeat(number as usize % 500));
    }
}

#[test]
fn a_backup_that_reads_everything_again_has_found_the_same_as_one_that_continues() {
    let host = Host::new();
    for name in [
        "stays",
        "content",
        "mode",
        "gone",
        "file",
        "dir/a",
        "dir/sub/b",
        "dir-2/x",
        "dir!/x",
        "old/a",
        "old/sub/b",
    ] {
        host.file(&format!("source/{name}"), name);
    }
    symlink("stays", host.path("source/link")).unwrap();
    many(&host, "source/many", 300);
    many(&host, "source/more", 1100);
    let save = |container: &str, is_again: bool| {
        let mut save = backup(&host.path("source"), &host.path(container));
        save["freezer_action"]["no_incremental"] = json!(is_again);
        save
    };
    let source = shown(&host, "source");
    let both = || {
        run_with(&host, vec![save("one", false), save("two", true)], 0);
        let answer = host.json(&["changes", "save"]);
        let mut found = answer["changes"].as_array().unwrap().clone();
        assert_eq!(found.len(), 2, "{answer:#}");
        for report in &mut found {
            let report = report.as_object_mut().unwrap();
            for key in ["action", "snapshot", "since"] {
                report.remove(key).unwrap();
            }
            // Other programs change the directories above the source in between.
            let count = &mut report["metadata_changed"]["directories"];
            *count = json!(count.as_u64().unwrap() > 0);
            let rows = report["directories"].as_array_mut().unwrap();
            rows.retain(|row| row["path"].as_str().unwrap().starts_with(&source));
        }
        assert_eq!(found[0], found[1]);
        found[0].clone()
    };
    // Of the first snapshot, everything is new.
    let first = both();
    assert_eq!(first["new"]["files"], 1411);
    assert_eq!(first["largest"][0]["size"], 499);

    host.file("source/content", "another content");
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(host.path("source/mode"), mode).unwrap();
    fs::remove_file(host.path("source/gone")).unwrap();
    fs::remove_file(host.path("source/link")).unwrap();
    symlink("gone", host.path("source/link")).unwrap();
    fs::remove_file(host.path("source/file")).unwrap();
    host.file("source/file/inside/deep", "inside");
    fs::remove_dir_all(host.path("source/dir")).unwrap();
    host.file("source/dir", "a file now");
    fs::remove_dir_all(host.path("source/old")).unwrap();
    fs::remove_dir_all(host.path("source/many/01")).unwrap();
    many(&host, "source/new", 50);
    let second = both();
    assert_eq!(counts(&second["gone"]), [105, 4, 0], "{second:#}");
    assert_eq!(counts(&second["type_changed"]), [1, 1, 0], "{second:#}");

    // So many that are gone are not kept until the end.
    for number in 0..1100 {
        let name = format!("source/more/{:02}/{number}", number / 100);
        fs::remove_file(host.path(&name)).unwrap();
    }
    let third = both();
    assert_eq!(third["gone"]["files"], 1100, "{third:#}");
}
