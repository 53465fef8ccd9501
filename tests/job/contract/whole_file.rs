//! A file as a whole: its state, its limits, all of its faults at once.

use freezerd::job::{Event, JobResult, Status};

use crate::support::{backup, codes, errors, job, only, pointed, read, with_action, with_schedule};

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
fn max_age_is_a_number_and_a_unit_and_more_than_0() {
    let with = |value: &str| format!("{{\"job_actions\": [], \"max_age\": {value}}}");
    let age = |value: &str| job(&with(value)).max_age.map(|age| age.as_secs());
    assert_eq!(age("\"26 hours\""), Some(93_600));
    assert_eq!(age("\"1 day\""), Some(86_400));
    assert_eq!((age("null"), age("false"), age("\"\"")), (None, None, None));
    for (value, code) in [
        ("\"0 hours\"", "out-of-range"),
        ("26", "missing-unit"),
        ("\"26h\"", "unknown-unit"),
        ("\"-1 hours\"", "negative-number"),
        ("[1]", "wrong-type"),
    ] {
        assert_eq!(errors(&read(&with(value))), [code], "{value}");
    }
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
