//! `freezerd check` about what backups leave out: the list of `--left-out`, and the files of `exclude_from`.

use serde_json::{Value, json};

use crate::harness::{Host, exec, someday};

/// A job that backs up a furnished source, with more keys.
fn put(host: &Host, more: Value) {
    for (name, content) in [
        ("source/keep", "x"),
        ("source/a.log", "x"),
        ("source/large", "0123456789"),
        ("source/cache/data", "x"),
        ("source/marked/.nobackup", ""),
        ("source/marked/data", "x"),
        ("password", "secret"),
    ] {
        host.file(name, content);
    }
    let mut action = json!({
        "path_to_backup": host.path("source"),
        "backup_name": "data",
        "container": host.path("container"),
        "encrypt_pass_file": host.path("password"),
    });
    if let (Value::Object(action), Value::Object(more)) = (&mut action, more) {
        action.extend(more);
    }
    let job = someday(vec![json!({"freezer_action": action}), exec("true")]);
    host.put("save", job);
}

#[test]
fn each_path_that_is_left_out_comes_with_the_reason() {
    let host = Host::new();
    let patterns = host.file("patterns", "# remarks\ncache/\n");
    put(
        &host,
        json!({
            "exclude": ["*.log", "/nothing"],
            "exclude_from": patterns,
            "exclude_if_present": ".nobackup",
            "exclude_larger_than": 5,
        }),
    );
    let ran = host.freezerd(&["check", "--left-out"]).exits(0);
    let top = host.path("source");
    let line = |name: &str, why: &str| format!("  {}/{name}  ({why})\n", top.display());
    let text = ran.stdout();
    for expected in [
        format!("the backup of {} leaves out 4 paths:\n", top.display()),
        line("a.log", "pattern *.log"),
        line("cache", "pattern cache/"),
        line("large", "too large: 10 B"),
        line("marked", "all but the marker .nobackup"),
    ] {
        assert!(text.contains(&expected), "{expected}is missing in:\n{text}");
    }
    let told = host.freezerd(&["check", "--left-out", "--json"]).exits(0);
    let told = told.json();
    let list = &told["left_out"][0];
    assert_eq!(
        (&list["total"], &list["unreadable_total"]),
        (&json!(4), &json!(0))
    );
    let paths = list["paths"].as_array().expect("a list");
    let large = paths
        .iter()
        .find(|it| it["path"] == json!(top.join("large")));
    assert_eq!(
        large,
        Some(&json!({"path": top.join("large"), "reason": "too_large", "bytes": 10}))
    );
    // Without the flag, no source is walked.
    let told = host.freezerd(&["check", "--json"]).exits(0);
    assert_eq!(told.json()["left_out"], Value::Null);
    assert!(!host.path("container").exists());
}

#[test]
fn a_backup_that_leaves_nothing_out_says_so() {
    let host = Host::new();
    put(&host, json!({}));
    let ran = host.freezerd(&["check", "--left-out"]).exits(0);
    assert!(
        ran.stdout().contains("leaves nothing out"),
        "{}",
        ran.stdout()
    );
}

#[test]
fn a_list_that_cannot_be_made_says_why_and_exits_with_3() {
    let host = Host::new();
    put(
        &host,
        json!({"path_to_backup": [host.path("source"), host.path("missing")]}),
    );
    let ran = host.freezerd(&["check", "--left-out"]).exits(3);
    assert!(
        ran.stdout().contains("would fail: the source") && ran.stdout().contains("does not exist"),
        "{}",
        ran.stdout()
    );
}

#[test]
fn a_file_of_patterns_is_looked_at() {
    let host = Host::new();
    let patterns = host.file("patterns", "*.log\n[open\n*.tmp,*.bak\n");
    let missing = host.path("missing");
    put(&host, json!({"exclude_from": [patterns, missing]}));
    let ran = host.freezerd(&["check"]).exits(0);
    let drawn = ran.stderr();
    for part in [
        "warning[exclude-file]",
        "line 2 of `",
        "the pattern `[open` can match nothing",
        "warning[doubtful-pattern]",
        "line 3 of `",
        "missing` cannot be read: No such file",
    ] {
        assert!(drawn.contains(part), "{part} is missing in:\n{drawn}");
    }
    host.freezerd(&["check", "--strict"]).exits(65);
}
