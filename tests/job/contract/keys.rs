//! Keys: their names, aliases and places, and which are refused.

use std::path::Path;
use std::time::Duration;

use freezerd::job::action::Work;
use freezerd::job::parse;

use super::as_backup;
use crate::support::{
    backup, codes, errors, host, job, only, pointed, read, with_action, with_schedule,
};

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
    assert_eq!(backup.paths[0], Path::new("/home"));
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
        "ftp_keyfile",
        "ftp_certfile",
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
    for storage in ["azure", "gcs"] {
        assert_eq!(
            errors(&read(&backup(&format!("\"storage\": \"{storage}\"")))),
            ["unsupported-storage"],
            "{storage}"
        );
    }
    assert_eq!(
        errors(&read(&backup("\"storage\": \"locla\""))),
        ["unknown-storage"]
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
    assert_eq!(
        codes(&read(&backup("\"proxy\": \"http://proxy.example:3128\""))),
        ["no-effect"]
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
