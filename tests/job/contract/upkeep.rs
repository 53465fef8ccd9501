//! The keys that say how much a check reads, and how much an action `admin` frees.

use freezerd::job::action::{Admin, Work};
use freezerd::job::prune_budget::PruneWhen;
use freezerd::job::share::{MaxUnused, ReadData};

use crate::support::*;

fn text(action: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    with_action(&format!(
        "{{\"action\": \"{action}\", \"container\": \"/c\", \"encrypt_pass_file\": \"/p\"{comma}{more}}}"
    ))
}

fn of_check(more: &str) -> String {
    text("check", more)
}

fn of_admin(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    text(
        "admin",
        &format!("\"backup_name\": \"a\", \"remove_older_than\": 30{comma}{more}"),
    )
}

#[track_caller]
fn read_data(more: &str) -> ReadData {
    match job(&of_check(more)).actions.remove(0).action.work {
        Work::Check(check) => check.read_data,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn admin(more: &str) -> Admin {
    match job(&of_admin(more)).actions.remove(0).action.work {
        Work::Admin(admin) => admin,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(of: impl Fn(&str) -> String, key: &str, rows: &[(&str, &str, &str)]) {
    for (value, code, words) in rows {
        let text = of(&format!("\"{key}\": {value}"));
        let parsed = read(&text);
        assert_eq!(errors(&parsed), [*code], "{key}: {value}");
        told(&text, only(&parsed, code), words);
    }
}

#[test]
fn read_data_is_a_flag_or_a_share() {
    let structure = ReadData::All(false);
    for (written, expected) in [
        ("true", ReadData::All(true)),
        ("\"True\"", ReadData::All(true)),
        ("\"all\"", ReadData::All(true)),
        ("false", structure),
        ("\"False\"", structure),
        ("\"none\"", structure),
        ("null", structure),
        ("\"\"", structure),
        ("\"5%\"", ReadData::Percent { percent: 5.0 }),
        ("\"0.5 %\"", ReadData::Percent { percent: 0.5 }),
        ("\"100%\"", ReadData::Percent { percent: 100.0 }),
        ("\"2/10\"", ReadData::Part { part: 2, parts: 10 }),
        (
            "\"1/1000\"",
            ReadData::Part {
                part: 1,
                parts: 1000,
            },
        ),
        (
            "\"20 GB\"",
            ReadData::Bytes {
                bytes: 20_000_000_000,
            },
        ),
        ("\"1.5G\"", ReadData::Bytes { bytes: 3 << 29 }),
    ] {
        let more = format!("\"read_data\": {written}");
        assert_eq!(read_data(&more), expected, "{written}");
        assert_eq!(codes(&read(&of_check(&more))), Vec::<&str>::new());
    }
    assert_eq!(read_data(""), structure);
    let forms = "such as `5%`, `2/10` (the second of ten parts) or `20 GB`";
    for value in [
        "\"0%\"",
        "\"101%\"",
        "\"-5%\"",
        "\"NaN%\"",
        "\"0/3\"",
        "\"4/3\"",
        "\"1/1001\"",
        "\"1/\"",
        "\"0 GB\"",
        "\"5\"",
        "5",
        "0.05",
        "\"yes\"",
        "\"half\"",
        "[]",
        "[\"5%\"]",
        "{}",
    ] {
        refused(of_check, "read_data", &[(value, "wrong-type", forms)]);
    }
}

#[test]
fn read_data_parts_is_a_whole_number_up_to_a_thousand() {
    for (written, parts) in [
        ("1", 1),
        ("7", 7),
        ("\"10\"", 10),
        ("1000", 1000),
        ("2.0", 2),
    ] {
        let more = format!("\"read_data_parts\": {written}");
        assert_eq!(
            read_data(&more),
            ReadData::Rolling { rolling: parts },
            "{written}"
        );
        assert_eq!(codes(&read(&of_check(&more))), Vec::<&str>::new());
    }
    for unset in ["null", "false", "\"\""] {
        let found = read_data(&format!(
            "\"read_data_parts\": {unset}, \"read_data\": \"5%\""
        ));
        assert_eq!(found, ReadData::Percent { percent: 5.0 }, "{unset}");
    }
    refused(
        of_check,
        "read_data_parts",
        &[
            ("0", "out-of-range", "write `null` or remove the key"),
            ("-1", "out-of-range", "at least 1"),
            ("1001", "out-of-range", "at most 1000"),
            ("2.5", "out-of-range", "a whole number"),
            ("\"2/10\"", "wrong-type", "a number of parts"),
            ("\"5%\"", "wrong-type", "a number of parts"),
            ("true", "wrong-type", "a number of parts"),
            ("[3]", "wrong-type", "a number of parts"),
        ],
    );
}

#[test]
fn a_share_and_rolling_parts_exclude_each_other() {
    for share in ["\"5%\"", "\"2/10\"", "\"1 GB\""] {
        let text = of_check(&format!("\"read_data\": {share}, \"read_data_parts\": 3"));
        let parsed = read(&text);
        assert_eq!(errors(&parsed), ["conflicting-keys"], "{share}");
        let fault = only(&parsed, "conflicting-keys");
        assert_eq!(pointed(&text, fault), "\"read_data_parts\": 3");
        assert!(fault.message.contains("`read_data` and `read_data_parts`"));
        assert_eq!(fault.help.as_deref(), Some("keep one of them"));
    }
    // All data is read, one part in each run: no contradiction.
    // `false` is the same as an absent key.
    for all in ["true", "false", "null"] {
        assert_eq!(
            read_data(&format!("\"read_data\": {all}, \"read_data_parts\": 3")),
            ReadData::Rolling { rolling: 3 },
            "{all}"
        );
    }
}

#[test]
fn max_unused_is_a_share_a_size_or_unlimited() {
    assert_eq!(admin("").max_unused, None);
    for (written, expected) in [
        ("\"5%\"", Some(MaxUnused::Percent(5.0))),
        ("\"0%\"", Some(MaxUnused::Percent(0.0))),
        ("\"99.5 %\"", Some(MaxUnused::Percent(99.5))),
        ("\"2 GB\"", Some(MaxUnused::Bytes(2_000_000_000))),
        ("\"200M\"", Some(MaxUnused::Bytes(200 << 20))),
        ("0", Some(MaxUnused::Bytes(0))),
        ("1048576", Some(MaxUnused::Bytes(1 << 20))),
        ("\"unlimited\"", Some(MaxUnused::Unlimited)),
        ("\"Unlimited\"", Some(MaxUnused::Unlimited)),
        ("null", None),
        ("false", None),
        ("\"\"", None),
    ] {
        let more = format!("\"max_unused\": {written}");
        assert_eq!(admin(&more).max_unused, expected, "{written}");
        assert_eq!(codes(&read(&of_admin(&more))), Vec::<&str>::new());
    }
    let forms = "a share such as `5%`, a size such as `2 GB`, or `unlimited`";
    for value in [
        "\"100%\"", "\"-1%\"", "\"much\"", "-1", "true", "[]", "{}", "\"2/10\"",
    ] {
        refused(of_admin, "max_unused", &[(value, "wrong-type", forms)]);
    }
}

#[test]
fn max_repack_is_a_size() {
    assert_eq!(admin("").max_repack, None);
    for (written, bytes) in [
        ("\"20 GB\"", Some(20_000_000_000)),
        ("\"1.5 GiB\"", Some(3 << 29)),
        ("4096", Some(4096)),
        ("null", None),
        ("false", None),
    ] {
        let more = format!("\"max_repack\": {written}");
        assert_eq!(admin(&more).max_repack, bytes, "{written}");
        assert_eq!(codes(&read(&of_admin(&more))), Vec::<&str>::new());
    }
    refused(
        of_admin,
        "max_repack",
        &[
            ("0", "out-of-range", "write `null` or remove the key"),
            ("\"0 GB\"", "out-of-range", "write `null` or remove the key"),
            ("-1", "wrong-type", "powers of 1024"),
            ("\"5%\"", "wrong-type", "powers of 1024"),
            ("\"unlimited\"", "wrong-type", "a size such as `100M`"),
            ("true", "wrong-type", "a size such as `100M`"),
            ("[1]", "wrong-type", "a size such as `100M`"),
        ],
    );
}

#[test]
fn prune_is_one_of_three_words_in_a_backup_and_in_an_admin() {
    let words = [
        ("", None),
        ("\"prune\": \"needed\"", Some(PruneWhen::Needed)),
        ("\"prune\": \"always\"", Some(PruneWhen::Always)),
        ("\"prune\": \"never\"", Some(PruneWhen::Never)),
        ("\"prune\": null", None),
    ];
    for (written, expected) in words {
        assert_eq!(admin(written).prune, expected, "{written}");
        let keys = format!(
            "\"backup_name\": \"a\", \"path_to_backup\": \"/s\", \"keep_last\": 3, \"targets\": [{{\"container\": \"/d\"}}]{}{written}",
            if written.is_empty() { "" } else { ", " }
        );
        for action in job(&text("backup", &keys)).actions {
            let Work::Backup(backup) = action.action.work else {
                panic!("{action:?}")
            };
            assert_eq!(
                backup.prune, expected,
                "{written}: {}",
                backup.container.name
            );
        }
    }
    refused(
        of_admin,
        "prune",
        &[
            ("\"allways\"", "bad-word", "did you mean `always`?"),
            ("true", "wrong-type", "a word"),
        ],
    );
    let elsewhere = &["restore", "check", "info", "exec"];
    refused_elsewhere("prune", "\"always\"", "backup", elsewhere);
}

#[test]
fn all_faults_of_an_admin_are_told_at_once() {
    let text = of_admin(
        "\"remove_from_date\": \"2026-01-01\", \"max_unused\": \"much\", \"max_repack\": 0, \"path_to_backup\": \"~\"",
    );
    let parsed = read(&text);
    let mut found = errors(&parsed);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "conflicting-keys",
            "out-of-range",
            "unexpanded-path",
            "wrong-type"
        ]
    );
}

#[test]
fn keys_of_checks_and_of_admins_are_refused_in_other_actions() {
    for (key, value) in [("read_data", "\"5%\""), ("read_data_parts", "3")] {
        refused_elsewhere(
            key,
            value,
            "check",
            &["backup", "restore", "admin", "info", "exec"],
        );
    }
    for (key, value) in [("max_unused", "\"5%\""), ("max_repack", "\"1 GB\"")] {
        refused_elsewhere(
            key,
            value,
            "admin",
            &["backup", "restore", "check", "info", "exec"],
        );
    }
}
