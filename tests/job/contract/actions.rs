//! What each kind of action needs and takes.

use freezerd::job::action::{Age, Command, Work};
use freezerd::job::share::ReadData;
use freezerd::job::{Host, parse};

use super::as_backup;
use crate::support::{backup, codes, errors, host, job, only, read, with_action};

#[test]
fn levels_and_ages_are_read() {
    let found = as_backup(&backup(
        "\"no_incremental\": true, \"remove_older_than\": 0.5, \"exclude\": [\"*.log\", \"/home/tmp\"], \"ignore_unreadable\": \"*.sock\", \"allow_empty\": true",
    ));
    assert!(found.levels.no_incremental && found.allow_empty);
    assert_eq!(found.remove_older_than, Some(0.5));
    assert_eq!(found.exclude, ["*.log", "/home/tmp"]);
    assert_eq!(found.ignore_unreadable, ["*.sock"]);
    assert!(
        as_backup(&backup("\"incremental\": false"))
            .levels
            .no_incremental
    );
    // One pattern, as in Freezer, commas and all.
    assert_eq!(as_backup(&backup("\"exclude\": \"a,b\"")).exclude, ["a,b"]);
    assert_eq!(
        errors(&read(&backup("\"remove_older_than\": 0"))),
        ["out-of-range"]
    );
    assert_eq!(
        errors(&read(&backup("\"remove_older_than\": -1"))),
        ["out-of-range"]
    );
    assert_eq!(
        codes(&read(&backup("\"no_incremental\": true, \"max_level\": 3"))),
        ["no-effect"]
    );
    for (written, meant) in [
        ("\"soft\"", true),
        ("\"all\"", true),
        ("\"hard\"", false),
        ("true", true),
        ("null", false),
    ] {
        assert_eq!(
            as_backup(&backup(&format!("\"dereference_symlink\": {written}"))).dereference_symlink,
            meant
        );
    }
}

#[test]
fn a_restore_says_where_from_and_where_to() {
    let text = |more: &str| {
        with_action(&format!(
            "{{\"action\": \"restore\", \"restore_abs_path\": \"/srv/r\", \"backup_name\": \"a\", \"container\": \"/c\"{more}}}"
        ))
    };
    let restore = |more: &str| match job(&text(more)).actions.remove(0).action.work {
        Work::Restore(restore) => restore,
        other => panic!("{other:?}"),
    };
    assert_eq!(restore("").lineage.host, "db1");
    assert_eq!(restore(", \"hostname\": \"h\"").lineage.host, "h");
    assert_eq!(
        restore(", \"hostname\": \"h\", \"restore_from_host\": \"other\"")
            .lineage
            .host,
        "other"
    );
    assert_eq!(restore("").not_later_than, None);
    // In the job's zone: two hours ahead of UTC in Berlin's summer.
    assert_eq!(
        restore(", \"restore_from_date\": \"2026-07-01T02:00:00\"").not_later_than,
        Some(1_782_864_000)
    );
    assert_eq!(
        restore(", \"restore_from_date\": \"2026-07-01T00:00:00Z\"").not_later_than,
        Some(1_782_864_000)
    );
    let zoned = text(", \"restore_from_date\": \"2026-07-01T00:00:00\"").replace(
        "]}",
        "], \"job_schedule\": {\"schedule_timezone\": \"UTC\"}}",
    );
    let Work::Restore(zoned) = job(&zoned).actions.remove(0).action.work else {
        panic!()
    };
    assert_eq!(zoned.not_later_than, Some(1_782_864_000));
    assert_eq!(
        errors(&read(&text(", \"restore_from_date\": \"yesterday\""))),
        ["not-a-date"]
    );
    assert_eq!(
        errors(&read(&with_action("{\"action\": \"restore\"}"))),
        ["missing-key"; 3]
    );
}

#[test]
fn a_restore_says_which_part_and_how() {
    let text = |more: &str| {
        with_action(&format!(
            "{{\"action\": \"restore\", \"restore_abs_path\": \"/srv/r\", \"backup_name\": \"a\", \"container\": \"/c\"{more}}}"
        ))
    };
    let restore = |more: &str| match job(&text(more)).actions.remove(0).action.work {
        Work::Restore(restore) => restore,
        other => panic!("{other:?}"),
    };
    let plain = restore("");
    assert!(plain.paths.is_empty() && plain.part.is_none() && plain.include.is_empty());
    assert!(!plain.delete_extra && !plain.numeric_owner && !plain.verify);
    let all = restore(
        ", \"src_file\": [\"/srv\", \"/etc/\"], \"restore_from_path\": \"/etc/./ssh\", \"restore_include\": \"*.conf\",
          \"restore_exclude\": [\"*.bak\", \"/etc/ssh/old\"], \"delete_extra\": \"True\", \"numeric_owner\": true, \"verify\": true",
    );
    assert_eq!(all.paths, ["/etc", "/srv"].map(std::path::PathBuf::from));
    assert_eq!(all.part, Some("/etc/ssh".into()));
    assert_eq!(all.include, ["*.conf"]);
    assert_eq!(all.exclude, ["*.bak", "/etc/ssh/old"]);
    assert!(all.delete_extra && all.numeric_owner && all.verify);
    assert_eq!(
        errors(&read(&text(", \"restore_include\": \"[a\""))),
        ["bad-pattern"]
    );
    assert_eq!(
        errors(&read(&text(", \"restore_from_path\": \"C:\\\\x\""))),
        ["bad-path"]
    );
}

#[test]
fn a_restore_spares_its_own_container() {
    let text = |target: &str, delete_extra: bool| {
        with_action(&format!(
            "{{\"action\": \"restore\", \"restore_abs_path\": \"{target}\", \"backup_name\": \"a\", \"container\": \"/srv/c\", \"overwrite\": true, \"delete_extra\": {delete_extra}}}"
        ))
    };
    for (target, delete_extra, fault) in [
        ("/", true, true),
        ("/srv", true, true),
        ("/srv/c", false, true),
        ("/srv/c/x", false, true),
        ("/x/../srv/c", false, true),
        ("/", false, false),
        ("/srv/d", true, false),
    ] {
        assert_eq!(
            errors(&read(&text(target, delete_extra))),
            vec!["restore-into-container"; usize::from(fault)],
            "{target}"
        );
    }
}

#[test]
fn a_container_is_not_backed_up_into_itself() {
    let text = |path: &str, more: &str| {
        with_action(&format!(
            "{{\"path_to_backup\": \"{path}\", \"backup_name\": \"a\", \"container\": \"/srv/c\", \"encrypt_pass_file\": \"/p\"{more}}}"
        ))
    };
    assert_eq!(codes(&read(&text("/srv", ""))), ["container-in-source"]);
    assert_eq!(errors(&read(&text("/srv", ""))), Vec::<&str>::new());
    assert_eq!(
        codes(&read(&text("/srv", ", \"exclude\": \"*.tmp\""))),
        ["container-in-source"]
    );
    for left_out in ["/srv/c", "c/", "/c"] {
        let exclude = format!(", \"exclude\": \"{left_out}\"");
        let parsed = read(&text("/srv", &exclude));
        assert_eq!(codes(&parsed), Vec::<&str>::new(), "{left_out}");
    }
    assert_eq!(errors(&read(&text("/srv/c", ""))), ["container-in-source"]);
    assert_eq!(
        errors(&read(&text("/srv/c/data", ""))),
        ["container-in-source"]
    );
    assert_eq!(codes(&read(&text("/srv/cc", ""))), Vec::<&str>::new());
}

#[test]
fn admin_removes_by_age_or_by_date() {
    let text = |more: &str| {
        with_action(&format!(
            "{{\"action\": \"admin\", \"backup_name\": \"a\", \"container\": \"/c\"{more}}}"
        ))
    };
    let remove = |more: &str| match job(&text(more)).actions.remove(0).action.work {
        Work::Admin(admin) => admin.remove.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(remove(", \"remove_older_than\": \"30.5\""), Age::Days(30.5));
    assert_eq!(
        remove(", \"remove_from_date\": \"2026-07-01T02:00:00\""),
        Age::Before(1_782_864_000)
    );
    assert_eq!(errors(&read(&text(""))), ["missing-key"]);
    assert_eq!(
        errors(&read(&text(
            ", \"remove_older_than\": 1, \"remove_from_date\": \"2026-01-01\""
        ))),
        ["conflicting-keys"]
    );
    assert_eq!(
        errors(&read(&text(", \"remove_older_than\": 0"))),
        ["out-of-range"]
    );
    assert_eq!(
        errors(&read(&text(", \"remove_older_than\": \"30 days\""))),
        ["wrong-type"]
    );
}

#[test]
fn a_command_is_a_text_or_a_list() {
    let command = |written: &str| match job(&with_action(&format!(
        "{{\"action\": \"exec\", \"command\": {written}}}"
    )))
    .actions
    .remove(0)
    .action
    .work
    {
        Work::Exec(exec) => exec.command,
        other => panic!("{other:?}"),
    };
    assert_eq!(command("\"a | b\""), Command::Shell("a | b".to_owned()));
    assert_eq!(
        command("[\"/bin/echo\", \"a b\", 3]"),
        Command::Words(vec!["/bin/echo".into(), "a b".into(), "3".into()])
    );
    for bad in [
        "[]",
        "[\"\"]",
        "[\"a\", {}]",
        "\"a\\u0000\"",
        "[\"a\\u0000\"]",
    ] {
        assert_eq!(
            errors(&read(&with_action(&format!(
                "{{\"action\": \"exec\", \"command\": {bad}}}"
            )))),
            ["bad-command"],
            "{bad}"
        );
    }
    assert_eq!(
        errors(&read(&with_action(
            "{\"action\": \"exec\", \"command\": {}}"
        ))),
        ["wrong-type"]
    );
}

#[test]
fn a_host_that_runs_no_commands_refuses_the_job() {
    let host = Host {
        disable_exec: true,
        ..host()
    };
    let parsed = parse(
        with_action("{\"action\": \"exec\", \"command\": \"x\"}").as_bytes(),
        "a.json",
        &host,
    );
    assert_eq!(errors(&parsed), ["exec-disabled"]);
    assert_eq!(
        errors(&parse(backup("").as_bytes(), "a.json", &host)),
        Vec::<&str>::new()
    );
}

#[test]
fn a_copy_has_two_containers_and_chooses_among_the_snapshots() {
    let copy = |more: &str| {
        let keys = "\"action\": \"copy\", \"container\": \"/c\", \"encrypt_pass_file\": \"/p\"";
        with_action(&format!("{{{keys}, {more}}}"))
    };
    let text = copy(
        "\"to_container\": \"usb\", \"to_encrypt_pass_file\": \"/q\", \"hostname\": \"h\", \"path_to_backup\": \"/srv\"",
    );
    let parsed = read(&text);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    match job(&text).actions.remove(0).action.work {
        Work::Copy(work) => {
            assert_eq!(work.from.location.to_string(), "/c");
            assert!(work.container.location.to_string().ends_with("/usb"));
            assert_eq!(work.container.pass_file.as_deref(), Some("/q".as_ref()));
            assert_eq!((work.host.as_deref(), work.backup_name), (Some("h"), None));
            assert_eq!(work.paths, [std::path::PathBuf::from("/srv")]);
        }
        other => panic!("{other:?}"),
    }
    let refused = |more: &str| -> Vec<String> {
        let parsed = read(&copy(more));
        errors(&parsed).iter().map(ToString::to_string).collect()
    };
    assert_eq!(refused("\"hostname\": \"h\""), ["missing-key"]);
    assert_eq!(refused("\"to_container\": \"/c\""), ["conflicting-keys"]);
    let nowhere = "\"to_container\": \"x\", \"to_storage\": \"nowhere\"";
    assert_eq!(refused(nowhere), ["unknown-storage"]);
    let other_kind =
        with_action("{\"action\": \"info\", \"container\": \"/c\", \"to_container\": \"/d\"}");
    assert!(!read(&other_kind).diagnostics.is_empty());
}

#[test]
fn a_backup_with_targets_is_one_action_for_each() {
    let text = backup(
        "\"remove_older_than\": 30, \"targets\": [{\"container\": \"/d\", \"encrypt_pass_file\": \"/q\", \"remove_older_than\": 400}, {\"container\": \"e\", \"encrypt_pass_file\": \"/q\"}]",
    );
    let targets: Vec<_> = job(&text)
        .actions
        .into_iter()
        .map(|action| match action.action.work {
            Work::Backup(work) => work,
            other => panic!("{other:?}"),
        })
        .collect();
    let of_each: Vec<_> = targets
        .iter()
        .map(|work| (work.copy_from.len(), work.remove_older_than))
        .collect();
    assert_eq!(
        of_each,
        [(0, Some(30.0)), (1, Some(400.0)), (2, Some(30.0))]
    );
    assert_eq!(targets[2].copy_from[1], targets[1].container);
    let refused = |targets: &str| -> Vec<String> {
        let parsed = read(&backup(&format!("\"targets\": {targets}")));
        errors(&parsed).iter().map(ToString::to_string).collect()
    };
    assert_eq!(refused("[{}]"), ["missing-key"]);
    assert_eq!(refused("{\"container\": \"/d\"}"), ["wrong-type"]);
    assert_eq!(refused("[\"/d\"]"), ["wrong-type"]);
    assert_eq!(
        refused("[{\"container\": \"/d\", \"contaner\": 1}]"),
        ["unknown-key"]
    );
    let twice = "{\"container\": \"/d\"}";
    assert_eq!(
        refused(&format!("[{twice}, {twice}]")),
        ["conflicting-keys"]
    );
    let many: Vec<String> = (0..17)
        .map(|it| format!("{{\"container\": \"/d{it}\"}}"))
        .collect();
    assert_eq!(refused(&format!("[{}]", many.join(", "))), ["out-of-range"]);
}

#[test]
fn info_and_check_need_a_container_only() {
    let work = |text: &str| job(&with_action(text)).actions.remove(0).action.work;
    assert!(
        matches!(work("{\"action\": \"info\", \"container\": \"/c\"}"), Work::Info(info) if info.host.is_none() && info.backup_name.is_none())
    );
    assert!(
        matches!(work("{\"action\": \"info\", \"container\": \"/c\", \"hostname\": \"h\", \"backup_name\": \"b\"}"), Work::Info(info) if info.host.is_some() && info.backup_name.is_some())
    );
    assert!(
        matches!(work("{\"action\": \"check\", \"container\": \"/c\", \"read_data\": true}"), Work::Check(check) if check.read_data == ReadData::All(true))
    );
    assert_eq!(
        errors(&read(&with_action("{\"action\": \"check\"}"))),
        ["missing-key"]
    );
    let parsed = read(&with_action("{\"action\": \"bakcup\"}"));
    assert_eq!(
        only(&parsed, "bad-word").help.as_deref(),
        Some("did you mean `backup`?")
    );
    assert_eq!(errors(&parsed), ["bad-word"]);
}

#[test]
fn a_value_that_an_action_does_not_need_is_judged_all_the_same() {
    for bad in [
        "\"hostname\": []",
        "\"container\": {}",
        "\"storage\": \"azure\"",
        "\"backup_name\": \" x\"",
        "\"encrypt_pass_file\": 7e, ",
        "\"log_file\": true",
    ] {
        assert!(
            !errors(&read(&with_action(&format!(
                "{{\"action\": \"exec\", \"command\": \"x\", {bad}}}"
            ))))
            .is_empty(),
            "{bad}"
        );
    }
}
