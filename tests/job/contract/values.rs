//! Values: their types, defaults and ranges.

use std::path::Path;
use std::time::Duration;

use freezerd::job::action::Work;
use freezerd::schedule::Kind;

use super::as_backup;
use crate::support::{backup, codes, errors, job, only, read, with_action, with_schedule};

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
        as_backup(&text).paths[0],
        Path::new("/var/lib/freezerd/data/y")
    );
    assert_eq!(
        as_backup(&backup("\"log_file\": \"/x\"").replace("\"/home\"", "\"//home/./ada//\"")).paths
            [0],
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
    for (bad, advice) in [
        ("host:/srv/b", "`kind = \"sftp\"`"),
        ("file:///srv/b", "write `/srv/b`"),
        ("sftp:host:/srv/b", "define the server"),
    ] {
        let parsed = read(&backup("").replace("/srv/backups", bad));
        let help = only(&parsed, "bad-container").help.clone();
        assert!(help.is_some_and(|help| help.contains(advice)), "{bad}");
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
