//! The sentences of the contract about keys and values, one test each.

mod job_support;

use std::path::Path;
use std::time::Duration;

use freezerd::job::action::{Age, Command, Work};
use freezerd::job::{Event, Host, JobResult, Status, parse};
use freezerd::schedule::Kind;
use job_support::{
    backup, codes, errors, host, job, only, pointed, read, with_action, with_schedule,
};

fn as_backup(text: &str) -> freezerd::job::action::Backup {
    match job(text).actions.remove(0).action.work {
        Work::Backup(backup) => backup,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_the_job_or_has_it_under_job() {
    let bare = job(&backup(""));
    let wrapped = job(&format!("{{\"job\": {}}}", backup("")));
    assert_eq!(bare.actions, wrapped.actions);
    assert_eq!(bare.document, wrapped.document);
    let text = format!("{{\"job\": {}, \"job_id\": \"x\"}}", backup(""));
    assert_eq!(errors(&read(&text)), ["misplaced-key"]);
    assert_eq!(errors(&read("[{\"job_actions\": []}]")), ["wrong-type"]);
    assert_eq!(errors(&read("{\"job\": 5}")), ["wrong-type"]);
}

#[test]
fn an_id_is_given_or_derived_from_the_name() {
    let id = |name: &str| {
        parse(backup("").as_bytes(), name, &host())
            .job
            .map(|job| job.id)
    };
    assert_eq!(id("nightly.json").as_deref(), Some("nightly"));
    assert_eq!(id("job_4822e482.conf").as_deref(), Some("4822e482"));
    assert_eq!(id("my job.json").as_deref(), Some("my-job"));
    assert_eq!(id("täglich.json").as_deref(), Some("t-glich"));
    assert_eq!(id("job_.json").as_deref(), Some("job_"));
    assert_eq!(
        job("{\"job_actions\": [], \"job_id\": \"A_z-9\"}").id,
        "A_z-9"
    );
    assert_eq!(job("{\"job_actions\": [], \"job_id\": 17}").id, "17");
    assert_eq!(job("{\"job_actions\": [], \"job_id\": null}").id, "nightly");
    for bad in ["a b", "a/b", "ä", "../x", "a.b", "a\\n"] {
        let text = format!("{{\"job_actions\": [], \"job_id\": \"{bad}\"}}");
        assert_eq!(errors(&read(&text)), ["bad-job-id"], "{bad}");
    }
    assert_eq!(
        errors(&read(&format!(
            "{{\"job_actions\": [], \"job_id\": \"{}\"}}",
            "x".repeat(201)
        ))),
        ["bad-job-id"]
    );
}

#[test]
fn the_id_is_told_also_of_a_file_with_errors() {
    let id = |text: &str| read(text).job_id;
    assert_eq!(id("{\"job_id\": \"a\", \"x\": 1}").as_deref(), Some("a"));
    assert_eq!(
        id("{\"job_id\": \"a\" \"job_actions\": []}").as_deref(),
        Some("a")
    );
    assert_eq!(
        id("{\"job_id\": \"a\", \"job_actions\": [").as_deref(),
        Some("a")
    );
    assert_eq!(id("{\"x\": 1}").as_deref(), Some("nightly"));
    // The id may have stood where the file breaks off.
    assert_eq!(id("{\"job_actions\": [").as_deref(), None);
}

#[test]
fn minus_and_underscore_are_the_same_in_keys() {
    let text = with_action(
        "{\"action\": \"restore\", \"restore-abs-path\": \"/srv/r\", \"backup-name\": \"a\", \"container\": \"/c\", \"restore-from-host\": \"db2\"}",
    );
    match &job(&text).actions[0].action.work {
        Work::Restore(restore) => {
            assert_eq!(restore.target, Path::new("/srv/r"));
            assert_eq!(restore.lineage.host, "db2");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn old_names_mean_the_new_ones() {
    let text = with_action(
        "{\"src_file\": \"/home\", \"backup_name\": \"a\", \"container\": \"/c\", \"max_backup_level\": 3, \"always_backup_level\": 2, \
         \"restart_always_backup\": 1.5, \"max_cpu_priority\": true}",
    );
    let mut action = job(&text).actions.remove(0).action;
    assert!(action.max_priority);
    let Work::Backup(backup) = &mut action.work else {
        panic!()
    };
    assert_eq!(backup.path, Path::new("/home"));
    assert_eq!(backup.levels.max_level, Some(3));
    assert_eq!(backup.levels.always_level, Some(2));
    assert_eq!(backup.levels.restart_always_level, Some(1.5));
    let text = "{\"job_actions\": [{\"freezer_action\": {\"action\": \"exec\", \"command\": \"x\"}, \"max_retry_interval\": 5, \"retries\": 2}]}";
    let action = job(text).actions.remove(0);
    assert_eq!(
        (action.retry_wait, action.max_retries),
        (Duration::from_secs(5), 2)
    );
}

#[test]
fn one_value_given_twice_differently_is_an_error() {
    for (more, expected) in [
        ("\"src_file\": \"/srv\"", vec!["conflicting-keys"]),
        ("\"path-to-backup\": \"/srv\"", vec!["conflicting-keys"]),
        ("\"path_to_backup\": \"/srv\"", vec!["conflicting-keys"]),
        ("\"path_to_backup\": null", vec!["conflicting-keys"]),
        (
            "\"incremental\": true, \"no_incremental\": true",
            vec!["conflicting-keys"],
        ),
        ("\"src_file\": \"/home\"", vec![]),
        ("\"path-to-backup\": \"/home\"", vec![]),
        ("\"incremental\": false, \"no_incremental\": true", vec![]),
        ("\"max_level\": 3, \"max_backup_level\": \"3\"", vec![]),
    ] {
        assert_eq!(errors(&read(&backup(more))), expected, "{more}");
    }
    assert!(codes(&read(&backup("\"src_file\": \"/home\""))).contains(&"duplicate-key"));
}

#[test]
fn remarks_are_not_looked_at() {
    let text = backup(
        "\"x-why\": {\"a\": [1]}, \"_note\": 5, \"x_old\": null, \"_version\": 83, \"_note\": 6",
    );
    assert_eq!(codes(&read(&text)), Vec::<&str>::new());
}

#[test]
fn unknown_keys_are_an_error_with_a_suggestion() {
    for (written, meant) in [
        ("max_levle", Some("max_level")),
        ("maxlevel", Some("max_level")),
        ("path_to_bakup", Some("path_to_backup")),
        ("encrypt_pass", Some("encrypt_pass_file")),
        ("Container", Some("container")),
        ("exclude_", Some("exclude")),
        ("src_fiel", Some("path_to_backup")),
        ("dryrun", Some("dry_run")),
        ("wallpaper", None),
        ("", None),
    ] {
        let text = backup(&format!("\"{written}\": 1"));
        let parsed = read(&text);
        let fault = only(&parsed, "unknown-key");
        assert_eq!(pointed(&text, fault), format!("\"{written}\""));
        let help = fault.help.clone().unwrap_or_default();
        match meant {
            Some(meant) => assert_eq!(help, format!("did you mean `{meant}`?"), "{written}"),
            None => assert!(!help.contains("did you mean"), "{written}: {help}"),
        }
    }
    let parsed = read(&with_schedule("{\"hour\": 3}"));
    assert_eq!(
        only(&parsed, "unknown-key").help.as_deref(),
        Some("did you mean `schedule_hour`?")
    );
}

#[test]
fn a_key_that_is_misspelt_is_not_told_to_be_missing_as_well() {
    assert_eq!(
        errors(&read(&with_action(
            "{\"action\": \"exec\", \"comand\": \"x\"}"
        ))),
        ["unknown-key"]
    );
    assert_eq!(
        errors(&read(&with_action("{\"action\": \"exec\"}"))),
        ["missing-key"]
    );
}

#[test]
fn keys_in_the_wrong_object_are_told_where_they_belong() {
    let parsed = read(
        "{\"job_actions\": [{\"action\": \"exec\", \"freezer_action\": {\"action\": \"exec\", \"command\": \"x\", \"mandatory\": true}}], \"event\": \"start\"}",
    );
    let told: Vec<&str> = parsed
        .diagnostics
        .iter()
        .filter_map(|it| it.help.as_deref())
        .collect();
    assert_eq!(errors(&parsed), ["misplaced-key"; 3]);
    assert!(
        told[0].contains("`freezer_action`")
            && told[1].contains("`job_actions`")
            && told[2].contains("`job_schedule`"),
        "{told:?}"
    );
}

#[test]
fn keys_of_another_kind_of_action_are_told_as_that() {
    let text =
        backup("\"command\": \"x\", \"remove_from_date\": \"2026-01-01\", \"overwrite\": null");
    let parsed = read(&text);
    assert_eq!(errors(&parsed), ["other-actions-key", "other-actions-key"]);
    assert!(
        parsed.diagnostics[0].message.contains("`exec`"),
        "{:?}",
        parsed.diagnostics[0]
    );
    assert!(
        parsed.diagnostics[1]
            .help
            .as_deref()
            .is_some_and(|it| it.contains("remove_older_than"))
    );
}

#[test]
fn keys_and_modes_of_openstack_are_refused_as_that() {
    for key in [
        "nova_inst_id",
        "cinder_vol_id",
        "cindernative_vol_id",
        "cinderbrick-vol-id",
        "glance_image_id",
        "os_auth_url",
        "sql_server_conf",
        "fullbackup_rotation",
    ] {
        let text = backup(&format!("\"{key}\": \"x\""));
        assert_eq!(errors(&read(&text)), ["openstack-key"], "{key}");
        // Freezer's own documents have them unset.
        for unset in ["null", "false", "\"\""] {
            assert_eq!(
                errors(&read(&backup(&format!("\"{key}\": {unset}")))),
                Vec::<&str>::new(),
                "{key}"
            );
        }
    }
    for mode in [
        "cinder",
        "cindernative",
        "cinderbrick",
        "glance",
        "nova",
        "sqlserver",
    ] {
        assert_eq!(
            errors(&read(&backup(&format!("\"mode\": \"{mode}\"")))),
            ["openstack-key"],
            "{mode}"
        );
    }
    assert_eq!(
        errors(&read(&backup("\"mode\": \"fs\""))),
        Vec::<&str>::new()
    );
    assert_eq!(
        errors(&read(&backup("\"mode\": \"mysql\""))),
        ["unsupported-mode"]
    );
    assert_eq!(errors(&read(&backup("\"mode\": \"fx\""))), ["bad-word"]);
}

#[test]
fn what_this_version_lacks_is_refused_as_that() {
    for key in [
        "snapshot",
        "lvm_srcvol",
        "lvm-snapsize",
        "mysql_conf",
        "ssh_host",
        "ftp_port",
        "secret_key",
        "endpoint",
    ] {
        assert!(
            errors(&read(&backup(&format!("\"{key}\": \"x\"")))).contains(&"unsupported-key"),
            "{key}"
        );
        assert_eq!(
            errors(&read(&backup(&format!("\"{key}\": false")))),
            Vec::<&str>::new(),
            "{key}"
        );
    }
    for storage in ["swift", "ssh", "s3", "ftp", "ftps"] {
        assert_eq!(
            errors(&read(&backup(&format!("\"storage\": \"{storage}\"")))),
            ["unsupported-storage"],
            "{storage}"
        );
    }
    assert_eq!(
        errors(&read(&backup("\"storage\": \"locla\""))),
        ["bad-word"]
    );
}

#[test]
fn what_means_nothing_here_loads_with_a_warning_that_says_what_happens_instead() {
    for key in [
        "engine_name",
        "engine",
        "max_segment_size",
        "metadata_out",
        "metadata-out",
        "rsync_block_size",
        "quiet",
        "config",
        "upload_limit",
        "proxy",
        "insecure",
        "sync",
        "consistency_check",
    ] {
        let parsed = read(&backup(&format!("\"{key}\": true")));
        assert_eq!(codes(&parsed), ["no-effect"], "{key}");
        assert!(
            parsed.diagnostics[0].help.is_some() && parsed.job.is_some(),
            "{key}"
        );
        assert_eq!(
            codes(&read(&backup(&format!("\"{key}\": null")))),
            Vec::<&str>::new(),
            "{key}"
        );
    }
    // Freezer's way to say that there is no limit.
    assert_eq!(
        codes(&read(&backup(
            "\"upload_limit\": -1, \"download_limit\": \"-1\""
        ))),
        Vec::<&str>::new()
    );
    assert_eq!(
        codes(&read(&backup("\"compression\": \"gzip\""))),
        ["no-effect"]
    );
    assert_eq!(
        as_backup(&backup("\"compression\": 19")).compression_level,
        Some(19)
    );
    assert_eq!(
        as_backup(&backup("\"compression\": \"-7\"")).compression_level,
        Some(-7)
    );
    assert_eq!(
        errors(&read(&backup("\"compression\": 23"))),
        ["out-of-range"]
    );
}

#[test]
fn what_freezer_keeps_is_accepted_and_kept() {
    let text = "{\"job_actions\": [{\"freezer_action\": {\"action\": \"exec\", \"command\": \"x\"}, \"exit_status\": \"success\", \"action_id\": \"a\", \
                \"user_id\": \"u\", \"project_id\": \"p\"}], \"user_id\": \"u\", \"project_id\": \"p\", \"session_id\": \"s\", \"session_tag\": 3, \
                \"session_name\": \"n\", \"session_of_later\": 1, \"user_credentials\": {\"trust_id\": \"t\"}, \"_version\": 83, \
                \"job_schedule\": {\"current_pid\": 10058}}";
    let parsed = read(text);
    assert_eq!(codes(&parsed), Vec::<&str>::new());
    assert_eq!(parsed.job.expect("a job").document["session_tag"], 3);
}

#[test]
fn numbers_may_be_texts_and_texts_numbers() {
    let text = backup(
        "\"max_level\": \"06\", \"restart_always_level\": \" 1.5 \", \"hostname\": 17, \"timeout\": \"60\"",
    );
    let found = job(&text);
    assert_eq!(found.actions[0].timeout, Some(Duration::from_secs(60)));
    let found = as_backup(&text);
    assert_eq!(found.levels.max_level, Some(6));
    assert_eq!(found.levels.restart_always_level, Some(1.5));
    assert_eq!(found.lineage.host, "17");
    assert_eq!(
        job(&with_schedule(
            "{\"schedule_hour\": 3, \"schedule_minute\": \"25\"}"
        ))
        .schedule
        .kind(),
        Kind::Calendar
    );
}

#[test]
fn null_and_false_unset() {
    let found = as_backup(&backup(
        "\"hostname\": false, \"max_level\": false, \"always_level\": null, \"exclude\": null, \"remove_older_than\": false, \"log_file\": \"\"",
    ));
    assert_eq!(found.lineage.host, "db1");
    assert_eq!(found.levels.max_level, None);
    assert_eq!(found.remove_older_than, None);
    assert_eq!(job(&with_schedule("{\"schedule_interval\": null, \"schedule_date\": \"\", \"status\": \"\", \"event\": null}")).schedule.kind(), Kind::None);
    let parsed = read(&with_action(
        "{\"path_to_backup\": false, \"backup_name\": \"\", \"container\": null}",
    ));
    assert_eq!(errors(&parsed), ["missing-key"; 3]);
}

#[test]
fn flags_may_be_words() {
    for (written, meant) in [
        ("true", true),
        ("\"True\"", true),
        ("\"false\"", false),
        ("\"FALSE\"", false),
        ("null", false),
        ("\"\"", false),
    ] {
        let found = job(&backup(&format!("\"dry_run\": {written}")));
        assert_eq!(found.actions[0].action.dry_run, meant, "{written}");
    }
    for (bad, help) in [
        ("1", Some("write `true`")),
        ("\"yes\"", Some("write `true`")),
        ("0", Some("write `false`")),
        ("\"maybe\"", None),
        ("[]", None),
    ] {
        let parsed = read(&backup(&format!("\"dry_run\": {bad}")));
        assert_eq!(only(&parsed, "wrong-type").help.as_deref(), help, "{bad}");
    }
}

#[test]
fn defaults_fill_keys_that_are_absent_or_null() {
    let text = "{\"action_defaults\": {\"log_file\": \"/tmp/log\", \"container\": \"c\", \"hostname\": \"h\", \"action\": \"backup\", \"mode\": null},
        \"job_actions\": [
            {\"freezer_action\": {\"path_to_backup\": \"/a\", \"backup_name\": \"a\"}},
            {\"freezer_action\": {\"path_to_backup\": \"/b\", \"backup_name\": \"b\", \"log_file\": \"/tmp/b\", \"container\": null, \"hostname\": false}},
            {\"freezer_action\": {\"action\": \"exec\", \"command\": \"x\"}}]}";
    let found = job(text);
    let log = |index: usize| {
        found.actions[index]
            .action
            .log_file
            .as_deref()
            .map(|it| it.to_string_lossy().into_owned())
    };
    assert_eq!(log(0).as_deref(), Some("/tmp/log"));
    assert_eq!(log(1).as_deref(), Some("/tmp/b"));
    assert_eq!(log(2).as_deref(), Some("/tmp/log"));
    let (Work::Backup(a), Work::Backup(b)) =
        (&found.actions[0].action.work, &found.actions[1].action.work)
    else {
        panic!()
    };
    assert_eq!(a.container.location.to_string(), "/srv/containers/c");
    assert_eq!(b.container.location.to_string(), "/srv/containers/c");
    assert_eq!(
        (a.lineage.host.as_str(), b.lineage.host.as_str()),
        ("h", "db1"),
        "false is said, null is not"
    );
    // A default for another kind of action of the job is fine; one for none of them is likely a mistake.
    let text = text.replace("\"mode\": null", "\"restore_abs_path\": \"/r\"");
    assert!(codes(&read(&text)).contains(&"unused-default"));
    assert_eq!(errors(&read(&text)), Vec::<&str>::new());
    // A fault of a default is told once, where it stands.
    let text = text.replace("\"/tmp/log\"", "[]");
    assert_eq!(errors(&read(&text)), ["wrong-type"]);
}

#[test]
fn a_default_timeout_gives_way_to_any_other() {
    let text = "{\"action_defaults\": {\"timeout\": 10}, \"job_actions\": [
        {\"freezer_action\": {\"action\": \"exec\", \"command\": \"x\"}},
        {\"freezer_action\": {\"action\": \"exec\", \"command\": \"x\"}, \"timeout\": 20},
        {\"freezer_action\": {\"action\": \"exec\", \"command\": \"x\", \"timeout\": 30}},
        {\"freezer_action\": {\"action\": \"exec\", \"command\": \"x\", \"timeout\": 30}, \"timeout\": \"30\"}]}";
    let timeouts: Vec<_> = job(text)
        .actions
        .iter()
        .map(|it| it.timeout.map(|it| it.as_secs()))
        .collect();
    assert_eq!(timeouts, [Some(10), Some(20), Some(30), Some(30)]);
    assert_eq!(
        errors(&read(&text.replace("\"30\"", "31"))),
        ["conflicting-keys"]
    );
}

#[test]
fn relative_paths_are_taken_from_the_working_directory_with_a_warning() {
    let text = with_action(
        "{\"path_to_backup\": \"data/x/../y\", \"backup_name\": \"a\", \"container\": \"/c\", \"encrypt_pass_file\": \"/p\"}",
    );
    let parsed = read(&text);
    assert_eq!(codes(&parsed), ["relative-path"]);
    assert_eq!(
        as_backup(&text).path,
        Path::new("/var/lib/freezerd/data/x/../y")
    );
    assert_eq!(
        as_backup(&backup("\"log_file\": \"/x\"").replace("\"/home\"", "\"//home/./ada//\"")).path,
        Path::new("/home/ada")
    );
    for bad in ["~/x", "~ada", "$HOME/x", "${HOME}"] {
        assert_eq!(
            errors(&read(&backup(&format!("\"log_file\": \"{bad}\"")))),
            ["unexpanded-path"],
            "{bad}"
        );
    }
    for bad in ["C:\\\\x", "c:/x", "/a\\u0000b"] {
        assert_eq!(
            errors(&read(&backup(&format!("\"log_file\": \"{bad}\"")))),
            ["bad-path"],
            "{bad}"
        );
    }
}

#[test]
fn a_container_is_an_absolute_path_or_a_name_below_the_root() {
    let container =
        |written: &str| as_backup(&backup("").replace("/srv/backups", written)).container;
    assert_eq!(
        container("my_backup_container").location.to_string(),
        "/srv/containers/my_backup_container"
    );
    assert_eq!(container("my_backup_container").name, "my_backup_container");
    assert_eq!(container("/tmp/test/").location.to_string(), "/tmp/test");
    assert_eq!(container("ü b").location.to_string(), "/srv/containers/ü b");
    for bad in ["a/b", "./a", "../a", ".", "..", "a/", "a\\u0000"] {
        assert_eq!(
            errors(&read(&backup("").replace("/srv/backups", bad))),
            ["bad-container"],
            "{bad}"
        );
    }
    assert_eq!(
        errors(&read(&backup("").replace("/srv/backups", &"x".repeat(256)))),
        ["bad-container"]
    );
    assert_eq!(
        errors(&read(&backup("").replace("/srv/backups", "~/c"))),
        ["unexpanded-path"]
    );
}

#[test]
fn names_of_backups_are_any_visible_text() {
    for good in ["home", "täglich 7/7", "a,b", "{x}", "日本"] {
        assert_eq!(
            as_backup(&backup("").replace("\"home\"", &format!("\"{good}\"")))
                .lineage
                .backup_name,
            good
        );
    }
    for bad in [" a", "a ", "a\\nb", "\\u001b[31m", &"x".repeat(256)] {
        assert_eq!(
            errors(&read(
                &backup("").replace("\"home\"", &format!("\"{bad}\""))
            )),
            ["bad-name"],
            "{bad}"
        );
    }
    assert!(
        codes(&read(&backup("").replace("\"home\"", "\"freezer_{mode}\"")))
            .contains(&"literal-braces")
    );
}

#[test]
fn an_encrypted_container_is_not_warned_of_and_an_open_one_is() {
    assert_eq!(codes(&read(&backup(""))), Vec::<&str>::new());
    assert_eq!(
        codes(&read(&backup("").replace("\"/etc/pass\"", "null"))),
        ["unencrypted-container"]
    );
}

#[test]
fn retries_and_waits_have_their_ranges() {
    let text = |more: &str| {
        format!(
            "{{\"job_actions\": [{{\"freezer_action\": {{\"action\": \"exec\", \"command\": \"x\"}}, {more}}}]}}"
        )
    };
    let found = job(&text(
        "\"mandatory\": \"True\", \"max_retries\": \"3\", \"max_retries_interval\": 0.5",
    ));
    let action = &found.actions[0];
    assert!(action.mandatory);
    assert_eq!(
        (action.max_retries, action.retry_wait, action.timeout),
        (3, Duration::from_millis(500), None)
    );
    let plain = job(&text("\"x-a\": 1"));
    assert_eq!(
        (plain.actions[0].max_retries, plain.actions[0].retry_wait),
        (0, Duration::from_secs(60))
    );
    for bad in [
        "\"max_retries\": -1",
        "\"max_retries\": 1.5",
        "\"max_retries\": 1e300",
        "\"timeout\": 0",
        "\"max_retries_interval\": -1",
        "\"timeout\": 1e12",
    ] {
        assert_eq!(errors(&read(&text(bad))), ["out-of-range"], "{bad}");
    }
    let parsed = read(&text("\"timeout\": \"2 hours\""));
    assert_eq!(
        only(&parsed, "wrong-type").help.as_deref(),
        Some("it is a number of seconds: write `7200`")
    );
    for bad in ["inf", "nan", "0x10", "five"] {
        assert_eq!(
            errors(&read(&text(&format!("\"max_retries\": \"{bad}\"")))),
            ["wrong-type"],
            "{bad}"
        );
    }
}

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
fn a_restore_spares_its_own_container() {
    let text = |target: &str, overwrite: bool| {
        with_action(&format!(
            "{{\"action\": \"restore\", \"restore_abs_path\": \"{target}\", \"backup_name\": \"a\", \"container\": \"/srv/c\", \"overwrite\": {overwrite}}}"
        ))
    };
    for (target, overwrite, fault) in [
        ("/", true, true),
        ("/srv", true, true),
        ("/srv/c", false, true),
        ("/srv/c/x", false, true),
        ("/x/../srv/c", false, true),
        ("/", false, false),
        ("/srv/d", true, false),
    ] {
        assert_eq!(
            errors(&read(&text(target, overwrite))),
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
        codes(&read(&text("/srv", ", \"exclude\": \"/srv/c\""))),
        Vec::<&str>::new()
    );
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
        Work::Admin(admin) => admin.remove,
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
fn info_and_check_need_a_container_only() {
    let work = |text: &str| job(&with_action(text)).actions.remove(0).action.work;
    assert!(
        matches!(work("{\"action\": \"info\", \"container\": \"/c\"}"), Work::Info(info) if info.host.is_none() && info.backup_name.is_none())
    );
    assert!(
        matches!(work("{\"action\": \"info\", \"container\": \"/c\", \"hostname\": \"h\", \"backup_name\": \"b\"}"), Work::Info(info) if info.host.is_some() && info.backup_name.is_some())
    );
    assert!(
        matches!(work("{\"action\": \"check\", \"container\": \"/c\", \"read_data\": true}"), Work::Check(check) if check.read_data)
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
        "\"storage\": \"s3\"",
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

#[test]
fn what_the_file_says_of_its_state_is_where_it_starts() {
    let initial = job(&with_schedule(
        "{\"status\": \"running\", \"event\": \"abort\", \"result\": \"aborted\", \"time_created\": 1234, \"time_started\": \"5678\", \"time_ended\": -1}",
    ))
    .initial;
    assert_eq!(
        (initial.status, initial.event, initial.result),
        (
            Some(Status::Running),
            Some(Event::Abort),
            Some(JobResult::Aborted)
        )
    );
    assert_eq!(
        (
            initial.time_created,
            initial.time_started,
            initial.time_ended
        ),
        (Some(1234), Some(5678), None)
    );
    assert_eq!(
        job(&with_schedule("{\"status\": \"completed\"}"))
            .initial
            .status,
        Some(Status::Stop)
    );
    assert_eq!(job(&with_schedule("{}")).initial, Default::default());
    assert_eq!(
        errors(&read(&with_schedule("{\"status\": \"stop | scheduled\"}"))),
        ["bad-word"]
    );
    assert_eq!(
        errors(&read(&with_schedule("{\"time_created\": \"now\"}"))),
        ["wrong-type"]
    );
}

#[test]
fn a_fault_of_a_schedule_is_shown_inside_of_its_text() {
    let text = with_schedule(
        "{\"schedule_hour\": \"3, 25\", \"schedule_minute\": 61, \"schedule_day\": \"\\u0031, 32\"}",
    );
    let parsed = read(&text);
    let shown: Vec<&str> = parsed
        .diagnostics
        .iter()
        .map(|it| pointed(&text, it))
        .collect();
    // Where the text has escapes, all of it is shown.
    assert_eq!(shown, ["25", "61", "\"\\u0031, 32\""]);
    let parsed = read(&with_schedule("{\"schedule_day_of_week\": [0, \"fri\"]}"));
    assert_eq!(
        only(&parsed, "wrong-type").help.as_deref(),
        Some("write the list as one text: `\"0, fri\"`")
    );
    assert_eq!(
        errors(&read(&with_schedule(
            "{\"schedule_date\": \"2026-01-01\", \"schedule_interval\": \"1 days\"}"
        ))),
        ["several-kinds"]
    );
    assert_eq!(
        codes(&read(&with_schedule(
            "{\"schedule_date\": \"2026-01-01\", \"schedule_end_date\": \"2027-01-01\"}"
        ))),
        ["no-effect"]
    );
}

#[test]
fn limits_are_clear_errors() {
    let many = |count: usize| {
        format!(
            "{{\"job_actions\": [{}]}}",
            vec!["{\"freezer_action\":{\"action\":\"exec\",\"command\":\"x\"}}"; count].join(",")
        )
    };
    assert_eq!(job(&many(1_000)).actions.len(), 1_000);
    assert_eq!(errors(&read(&many(1_001))), ["too-many-actions"]);
    let padded = |size: usize| {
        let text = backup("");
        format!("{text}{}", " ".repeat(size - text.len()))
    };
    assert!(read(&padded(1 << 20)).job.is_some());
    assert_eq!(errors(&read(&padded((1 << 20) + 1))), ["file-too-large"]);
    let faults = format!(
        "{{\"job_actions\": [], {}}}",
        (0..5_000)
            .map(|it| format!("\"key{it}\": 1"))
            .collect::<Vec<_>>()
            .join(",")
    );
    let parsed = read(&faults);
    assert!(parsed.diagnostics.len() <= 101 && parsed.job.is_none());
}

#[test]
fn all_faults_are_told_in_one_go_and_in_order() {
    let text = with_action(
        "{\"action\": \"backup\", \"max_levle\": 1, \"max_level\": \"x\", \"container\": \"a/b\", \"mode\": \"nova\", \"backup_name\": 5}",
    );
    let parsed = read(&text);
    assert_eq!(
        errors(&parsed),
        [
            "missing-key",
            "unknown-key",
            "wrong-type",
            "bad-container",
            "openstack-key"
        ]
    );
    assert!(parsed.job.is_none());
}

#[test]
fn a_secret_in_the_file_is_warned_of_and_not_repeated() {
    for (text, secret) in [
        (
            with_action(
                "{\"action\": \"exec\", \"command\": \"mysqldump --password=hunter2 all\"}",
            ),
            true,
        ),
        (
            with_action(
                "{\"action\": \"exec\", \"command\": [\"curl\", \"https://ada:hunter2@example.org/\"]}",
            ),
            true,
        ),
        (
            with_action(
                "{\"action\": \"exec\", \"command\": \"x\", \"x-ssh_password\": \"hunter2\"}",
            ),
            true,
        ),
        (
            with_action(
                "{\"action\": \"exec\", \"command\": \"PGPASSWORD=$(cat /etc/pw) pg_dump\"}",
            ),
            false,
        ),
        (
            with_action(
                "{\"action\": \"exec\", \"command\": \"mysqldump --password=\\\"$PW\\\"\"}",
            ),
            false,
        ),
        (backup(""), false),
    ] {
        let parsed = read(&text);
        assert_eq!(codes(&parsed).contains(&"secret-in-file"), secret, "{text}");
        assert!(
            parsed
                .diagnostics
                .iter()
                .all(|it| !format!("{it:?}").contains("hunter2"))
        );
    }
}
