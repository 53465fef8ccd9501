//! Words and times of other backup programs are refused with what to write in their place.

use crate::support::{backup, read, with_action, with_schedule};

/// The helps of all errors of a file.
fn helps(text: &str) -> String {
    let parsed = read(text);
    assert!(parsed.job.is_none(), "{text} is accepted");
    let helps = parsed.diagnostics.into_iter().filter(|it| it.is_error());
    helps
        .filter_map(|it| it.help)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_key_of_another_program_is_refused_with_the_key_that_is_meant() {
    for (written, meant) in [
        (r#""repository": "/srv/b""#, "`container`"),
        (r#""paths": ["/etc"]"#, "`path_to_backup`"),
        (r#""source_directories": ["/etc"]"#, "`path_to_backup`"),
        (r#""password": "x""#, "encrypt_pass_file"),
        (r#""password-file": "/etc/p""#, "`encrypt_pass_file`"),
        (r#""encrypt_pass": "x""#, "`encrypt_pass_file`"),
        (r#""iexclude": ["a"]"#, "capitals"),
        (r#""check": true"#, "`\"action\": \"check\"`"),
        (r#""keep_minutely": 7"#, "`keep_hourly`"),
        (r#""retention": {"daily": 7}"#, "`keep`"),
        (r#""retention_days": 30"#, "`remove_older_than`"),
        (r#""forget": true"#, "remove_older_than"),
        (r#""exclude_patterns": []"#, "`exclude`"),
        (r#""tags": ["a"]"#, "backup_name"),
        (
            r#""before_backup": ["a"]"#,
            "`{\"freezer_action\": {\"action\": \"exec\"",
        ),
        (r#""on_error": ["a"]"#, "mandatory"),
        (r#""bwlimit": 100"#, "`upload_limit`"),
        (
            r#""max_attempts": 3"#,
            "`max_retries` here, in an entry of `job_actions`",
        ),
        (
            r#""cron": "25 3 * * *""#,
            r#"`"schedule_hour": "3", "schedule_minute": "25"`"#,
        ),
        (r#""enabled": false"#, "freezerd stop"),
    ] {
        let said = helps(&backup(written));
        assert!(said.contains(meant), "{written}: {said}");
    }
}

#[test]
fn a_secret_under_a_wrong_key_is_a_warning_as_well() {
    for key in ["encrypt_pass", "password"] {
        let parsed = read(&backup(&format!(r#""{key}": "x""#)));
        let codes = parsed.diagnostics.iter().map(|it| it.code.as_str());
        let codes: Vec<&str> = codes.collect();
        assert!(codes.contains(&"secret-in-file"), "{key}: {codes:?}");
    }
}

#[test]
fn a_meant_key_is_not_reported_as_missing_as_well() {
    let text = with_action(r#"{"paths": "/etc", "name": "etc", "repository": "/srv/b"}"#);
    let parsed = read(&text);
    let codes: Vec<&str> = parsed
        .diagnostics
        .iter()
        .map(|it| it.code.as_str())
        .collect();
    assert!(!codes.contains(&"missing-key"), "{codes:?}");
}

#[test]
fn a_target_is_that_of_a_restore_or_the_container_of_a_backup() {
    let restore =
        r#"{"action": "restore", "backup_name": "a", "container": "/srv/b", "target": "/srv/c"}"#;
    assert!(helps(&with_action(restore)).contains("`restore_abs_path`"));
    assert!(helps(&backup(r#""target": "/srv/c""#)).contains("`container`"));
}

#[test]
fn a_time_of_cron_or_of_a_clock_is_refused_with_the_fields_that_mean_it() {
    let at_3_25 = r#""schedule_hour": "3", "schedule_minute": "25""#;
    for (written, meant) in [
        (r#"{"schedule_hour": "03:25"}"#, at_3_25),
        (r#"{"schedule_date": "03:25"}"#, at_3_25),
        (r#"{"schedule_interval": "25 3 * * *"}"#, at_3_25),
        (
            r#"{"schedule_interval": "@daily"}"#,
            r#"`"schedule_hour": "0"`"#,
        ),
        (r#"{"time": "3:25am"}"#, at_3_25),
        (r#"{"schedule": "25 3 * * *"}"#, at_3_25),
        (r#""25 3 * * *""#, at_3_25),
        (r#"{"schedule": "whenever"}"#, "schedule_hour"),
        (r#"{"interval": "1 days"}"#, "`schedule_interval`"),
        (
            r#"{"schedule": "0 4 * * 0-7"}"#,
            r#"write `"schedule_hour": "4", "schedule_minute": "0"`"#,
        ),
        (
            r#"{"schedule": "0 4 * * */2"}"#,
            r#""schedule_day_of_week": "tue,thu,sat,sun""#,
        ),
        (
            r#"{"schedule": "@every 6h"}"#,
            r#"`"schedule_interval": "6 hours"`"#,
        ),
        (
            r#"{"oncalendar": "Mon..Fri 05:00"}"#,
            r#""schedule_day_of_week": "mon-fri", "schedule_hour": "5""#,
        ),
        (r#"{"schedule_day_of_week": "Mon..Fri"}"#, "write `mon-fri`"),
        (r#"{"schedule_day": "monday..fri"}"#, "write `mon-fri`"),
        // The hour is in its own key already.
        (r#"{"schedule_interval": "6h"}"#, "write `6 hours`"),
    ] {
        let said = helps(&with_schedule(written));
        assert!(said.contains(meant), "{written}: {said}");
    }
}

#[test]
fn a_time_without_a_translation_is_refused_with_an_example_that_is_called_one() {
    for (written, why) in [
        (r#"{"schedule": "@reboot"}"#, "when the host starts"),
        (r#"{"schedule": "H 4 * * *"}"#, "`schedule_jitter`"),
        (r#"{"schedule": "whenever"}"#, "means `whenever`"),
        (r#"{"schedule": 3}"#, "write the time"),
        (r#""whenever""#, "means `whenever`"),
    ] {
        let said = helps(&with_schedule(written));
        assert!(said.contains(why), "{written}: {said}");
        assert!(
            said.contains(r#"for example `"schedule_hour": "3""#),
            "{written}: {said}"
        );
    }
}

#[test]
fn weekdays_by_number_and_inverted_zones_are_accepted_with_a_warning() {
    for (written, said) in [
        (
            r#"{"schedule_day_of_week": "1-5", "schedule_hour": 3}"#,
            "tue-sat",
        ),
        (r#"{"schedule_day_of_week": 0, "schedule_hour": 3}"#, "mon"),
        (
            r#"{"schedule_day_of_week": "*/2", "schedule_hour": 3}"#,
            "mon,wed,fri,sun",
        ),
        (
            r#"{"schedule_hour": "3", "schedule_timezone": "Etc/GMT+2"}"#,
            "2 hours behind Greenwich",
        ),
    ] {
        let parsed = read(&with_schedule(written));
        assert!(parsed.job.is_some(), "{written}");
        let messages: Vec<String> = parsed
            .diagnostics
            .into_iter()
            .map(|it| it.message)
            .collect();
        assert!(
            messages.iter().any(|it| it.contains(said)),
            "{written}: {messages:?}"
        );
    }
    for written in [
        r#"{"schedule_day_of_week": "mon-fri", "schedule_hour": 3}"#,
        r#"{"schedule_day_of_week": "0-6", "schedule_hour": 3}"#,
        r#"{"schedule_hour": "3", "schedule_timezone": "Etc/GMT"}"#,
    ] {
        assert!(
            read(&with_schedule(written)).diagnostics.is_empty(),
            "{written}"
        );
    }
}

#[test]
fn a_list_where_one_text_belongs_is_refused_with_the_text() {
    let one = r#"{"path_to_backup": "/etc", "backup_name": "etc", "container": ["/srv/b"]}"#;
    assert!(helps(&with_action(one)).contains("`\"/srv/b\"`"));
    let two =
        r#"{"path_to_backup": "/etc", "backup_name": "etc", "container": ["/srv/b", "/srv/c"]}"#;
    assert!(helps(&with_action(two)).contains("an action for each"));
}
