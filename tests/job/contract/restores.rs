//! The keys that say what a restore takes of a snapshot, and what it does with the files.

use std::path::{Path, PathBuf};

use freezerd::job::action::{Restore, Work};

use crate::support::*;

/// A restore with more keys.
fn text(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    with_action(&format!(
        "{{\"action\": \"restore\", \"restore_abs_path\": \"/srv/r\", \"backup_name\": \"a\", \"container\": \"/c\", \
         \"encrypt_pass_file\": \"/p\"{comma}{more}}}"
    ))
}

#[track_caller]
fn restore(more: &str) -> Restore {
    match job(&text(more)).actions.remove(0).action.work {
        Work::Restore(restore) => restore,
        other => panic!("{other:?}"),
    }
}

/// A row is refused: the value, the code, and words of the message or of the help.
#[track_caller]
fn refused(key: &str, rows: &[(&str, &str, &str)]) {
    for (value, code, words) in rows {
        let text = text(&format!("\"{key}\": {value}"));
        let parsed = read(&text);
        assert_eq!(errors(&parsed), [*code], "{key}: {value}");
        told(&text, only(&parsed, code), words);
    }
}

#[test]
fn the_switches_of_a_restore_are_flags() {
    type Switch = (&'static str, fn(&Restore) -> bool);
    let switches: [Switch; 4] = [
        ("overwrite", |it| it.overwrite),
        ("delete_extra", |it| it.delete_extra),
        ("numeric_owner", |it| it.numeric_owner),
        ("verify", |it| it.verify),
    ];
    for (key, of) in switches {
        assert!(!of(&restore("")), "{key} is off by default");
        for (written, on) in [
            ("true", true),
            ("\"True\"", true),
            ("false", false),
            ("\"False\"", false),
            ("\"none\"", false),
            ("null", false),
            ("\"\"", false),
        ] {
            let more = format!("\"{key}\": {written}");
            assert_eq!(of(&restore(&more)), on, "{key}: {written}");
            let dashed = more.replace('_', "-");
            assert_eq!(of(&restore(&dashed)), on, "{dashed}");
            assert_eq!(codes(&read(&text(&more))), Vec::<&str>::new(), "{more}");
        }
        refused(
            key,
            &[
                ("1", "wrong-type", "write `true`"),
                ("0", "wrong-type", "write `false`"),
                ("\"yes\"", "wrong-type", "write `true`"),
                ("\"off\"", "wrong-type", "write `false`"),
                ("\"perhaps\"", "wrong-type", "`true` or `false`"),
                ("[true]", "wrong-type", "`true` or `false`"),
                ("{}", "wrong-type", "`true` or `false`"),
            ],
        );
    }
}

#[test]
fn restore_from_path_is_one_path_of_the_snapshot() {
    for (written, part) in [
        ("\"/etc/ssh\"", Some("/etc/ssh")),
        ("\"/etc//ssh/\"", Some("/etc/ssh")),
        ("\"/etc/./x/../ssh\"", Some("/etc/ssh")),
        ("\"/\"", Some("/")),
        ("null", None),
        ("\"\"", None),
        ("false", None),
    ] {
        let found = restore(&format!("\"restore_from_path\": {written}")).part;
        assert_eq!(found.as_deref(), part.map(Path::new), "{written}");
    }
    refused(
        "restore_from_path",
        &[
            ("[\"/etc\"]", "wrong-type", "a text"),
            ("{}", "wrong-type", "a text"),
            ("true", "wrong-type", "leave it unset"),
            ("\"~/x\"", "unexpanded-path", "write the full path"),
            ("\"$HOME\"", "unexpanded-path", "write the full path"),
            ("\"C:\\\\x\"", "bad-path", "write a path of this host"),
            ("\"/a\\u0000\"", "bad-path", "cannot contain one"),
        ],
    );
    let relative = text("\"restore_from_path\": \"etc/ssh\"");
    assert_eq!(codes(&read(&relative)), ["relative-path"]);
}

#[test]
fn what_a_restore_takes_and_leaves_is_a_pattern_or_a_list_of_them() {
    type Patterns = (&'static str, fn(&Restore) -> &[String]);
    let keys: [Patterns; 2] = [
        ("restore_include", |it| &it.include),
        ("restore_exclude", |it| &it.exclude),
    ];
    for (key, of) in keys {
        for (written, patterns) in [
            ("\"*.conf\"", &["*.conf"][..]),
            (
                "[\"*.conf\", \"/etc/ssh\", \"!x\"]",
                &["*.conf", "/etc/ssh", "!x"],
            ),
            ("[]", &[]),
            ("null", &[]),
            ("\"\"", &[]),
        ] {
            let more = format!("\"{key}\": {written}");
            assert_eq!(of(&restore(&more)), patterns, "{more}");
            assert_eq!(codes(&read(&text(&more))), Vec::<&str>::new(), "{more}");
        }
        refused(
            key,
            &[
                ("\"[a\"", "bad-pattern", "close the class"),
                ("\"#x\"", "bad-pattern", "begins with `#`"),
                ("\"../x\"", "bad-pattern", "`../x`"),
                (
                    "[\"*.conf\", 7]",
                    "wrong-type",
                    "a pattern, or a list of patterns",
                ),
                ("[\"\"]", "wrong-type", "a pattern, or a list of patterns"),
                ("true", "wrong-type", "a text"),
                ("{}", "wrong-type", "a text"),
            ],
        );
        let doubtful = text(&format!("\"{key}\": \"*.tmp,*.bak\""));
        assert_eq!(codes(&read(&doubtful)), ["doubtful-pattern"], "{key}");
        assert!(read(&doubtful).job.is_some(), "it loads");
    }
}

#[test]
fn an_absolute_pattern_has_to_lie_in_what_is_restored() {
    for (more, fits) in [
        ("\"restore_include\": \"/home/x\"", true),
        (
            "\"restore_include\": \"/home/x\", \"path_to_backup\": \"/home\"",
            true,
        ),
        (
            "\"restore_include\": \"/home/x\", \"restore_from_path\": \"/home\"",
            true,
        ),
        (
            "\"restore_include\": \"/home\", \"restore_from_path\": \"/home\"",
            false,
        ),
        (
            "\"restore_include\": \"/home\", \"path_to_backup\": \"/home\"",
            false,
        ),
    ] {
        let expected = vec!["bad-pattern"; usize::from(!fits)];
        assert_eq!(errors(&read(&text(more))), expected, "{more}");
    }
}

#[test]
fn path_to_backup_chooses_the_snapshots_of_a_restore_and_of_an_admin() {
    let admin = |more: &str| {
        text(more).replace("\"restore\"", "\"admin\"").replace(
            "\"restore_abs_path\": \"/srv/r\"",
            "\"remove_older_than\": 1",
        )
    };
    let of_admin = |more: &str| match job(&admin(more)).actions.remove(0).action.work {
        Work::Admin(admin) => admin.paths,
        other => panic!("{other:?}"),
    };
    for (written, paths) in [
        ("\"/srv\"", &["/srv"][..]),
        ("[\"/srv/\", \"/etc\"]", &["/etc", "/srv"]),
        ("[]", &[]),
        ("null", &[]),
        ("\"\"", &[]),
    ] {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        for key in ["path_to_backup", "src_file", "path-to-backup"] {
            let more = format!("\"{key}\": {written}");
            assert_eq!(restore(&more).paths, paths, "{more}");
            assert_eq!(of_admin(&more), paths, "{more}");
            assert_eq!(codes(&read(&text(&more))), Vec::<&str>::new(), "{more}");
        }
    }
    let bad = [
        ("[1]", "wrong-type", "a path, or a list of paths"),
        ("true", "wrong-type", "leave it unset"),
        ("\"~\"", "unexpanded-path", "write the full path"),
        (
            "[\"/a\", \"D:/b\"]",
            "bad-path",
            "write a path of this host",
        ),
    ];
    refused("path_to_backup", &bad);
    for (value, code, _) in bad {
        let text = admin(&format!("\"path_to_backup\": {value}"));
        assert_eq!(errors(&read(&text)), [code], "{value}");
    }
}

#[test]
fn all_faults_of_a_restore_are_told_at_once() {
    let text = text(
        "\"path_to_backup\": [1], \"restore_include\": \"[a\", \"restore_from_path\": \"~\", \"verify\": 1, \
         \"restore_from_date\": \"yesterday\"",
    );
    let parsed = read(&text);
    let mut found = errors(&parsed);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "bad-pattern",
            "not-a-date",
            "unexpanded-path",
            "wrong-type",
            "wrong-type"
        ]
    );
}

#[test]
fn keys_of_a_restore_are_refused_in_other_actions() {
    for (key, value) in [
        ("restore_from_path", "\"/etc\""),
        ("restore_include", "\"*.conf\""),
        ("restore_exclude", "[\"*.bak\"]"),
        ("delete_extra", "true"),
        ("numeric_owner", "true"),
        ("verify", "true"),
    ] {
        refused_elsewhere(
            key,
            value,
            "restore",
            &["backup", "admin", "info", "exec", "check"],
        );
    }
    refused_elsewhere(
        "path_to_backup",
        "\"/etc\"",
        "backup",
        &["info", "exec", "check"],
    );
}
