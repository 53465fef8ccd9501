//! What freezerd reports about job files: `check`, `explain`, `schema`, `show --effective`.

use serde_json::json;

use crate::harness::{Host, exec, someday};

const BROKEN: &str = r#"{
  "job_actions": [
    {
      "freezer_action": {
        "action": "backup",
        "path_to_backup": "/srv/www"
        "backup_nam": "www",
        "container": "/mnt/backup",
      },
      "max_retries": "many"
    }
  ],
  "job_schedule": { "schedule_hour": "25" }
}
"#;

#[test]
fn check_shows_all_faults_of_a_file_with_line_column_caret_and_help() {
    let host = Host::new();
    host.put_text("www.json", BROKEN);
    let ran = host.freezerd(&["check"]).exits(65);
    let drawn = ran.stderr();
    for part in [
        "error[missing-comma]",
        "www.json:6:",
        "error[unknown-key]",
        "did you mean `backup_name`?",
        "error[trailing-comma]",
        "www.json:8:",
        "\"many\"",
        "\"25\"",
        "^",
    ] {
        assert!(drawn.contains(part), "{part} is missing in:\n{drawn}");
    }
    assert!(ran.stdout().contains("1 invalid file"), "{}", ran.stdout());
}

#[test]
fn check_prints_the_same_as_json() {
    let host = Host::new();
    host.put_text("www.json", BROKEN);
    let ran = host.freezerd(&["check", "--json"]).exits(65);
    let told = ran.json();
    let diagnostics = told["diagnostics"].as_array().expect("a list");
    let comma = diagnostics
        .iter()
        .find(|it| it["code"] == "missing-comma")
        .expect("the missing comma");
    assert_eq!(comma["line"], 6);
    assert_eq!(comma["severity"], "error");
    assert!(
        comma["file"]
            .as_str()
            .expect("a file")
            .ends_with("www.json")
    );
    for key in [
        "column",
        "end_line",
        "end_column",
        "message",
        "help",
        "label",
    ] {
        assert!(comma.get(key).is_some(), "{key}");
    }
}

#[test]
fn check_reports_faults_between_the_files_of_a_directory() {
    let host = Host::new()
        .job("a", json!({"job_id": "same", "job_actions": [exec("true")]}))
        .job("b", json!({"job_id": "same", "job_actions": [exec("true")]}))
        .job("c", json!({"client_id": "elsewhere", "job_actions": [exec("true")]}))
        .job(
            "d",
            json!({"job_actions": [{"freezer_action": {"action": "admin", "backup_name": "none", "container": "/mnt/c", "remove_older_than": 3}}]}),
        )
        .job(
            "e",
            json!({"job_actions": [exec("true")], "job_schedule": {"schedule_month": "2", "schedule_day": "30"}}),
        );
    let ran = host.freezerd(&["check"]).exits(65);
    let drawn = ran.stderr();
    for part in ["duplicate-job-id", "a.json", "never-fires"] {
        assert!(drawn.contains(part), "{part} is missing in:\n{drawn}");
    }
    assert!(
        ran.stdout().contains("1 for other hosts"),
        "{}",
        ran.stdout()
    );
}

#[test]
fn warnings_are_errors_only_with_strict() {
    let host = Host::new().job(
        "relative",
        json!({"job_actions": [{"freezer_action": {"action": "backup", "path_to_backup": "data", "backup_name": "d", "container": "c"}}]}),
    );
    let ran = host.freezerd(&["check"]).exits(0);
    assert!(
        ran.stderr().contains("warning[relative-path]"),
        "{}",
        ran.stderr()
    );
    host.freezerd(&["check", "--strict"]).exits(65);
}

#[test]
fn check_accepts_files_anywhere_and_reports_missing_ones() {
    let host = Host::new();
    let good = host.file(
        "elsewhere/good.json",
        &json!({"job_actions": [exec("true")]}).to_string(),
    );
    let good = good.to_str().expect("a path");
    let ran = host.freezerd(&["check", good]).exits(0);
    assert!(ran.stdout().contains("1 valid job"), "{}", ran.stdout());
    let ran = host.freezerd(&["check", "/nonexistent.json"]).exits(66);
    assert!(
        ran.stderr().contains("/nonexistent.json"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn an_interval_shorter_than_the_last_runs_is_reported() {
    let host = Host::new().job(
        "hasty",
        json!({"job_actions": [exec("sleep 1.2")], "job_schedule": {"schedule_interval": "1 seconds"}}),
    );
    host.once();
    let ran = host.freezerd(&["check"]).exits(0);
    assert!(
        ran.stderr().contains("interval-too-short"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn explain_describes_a_code_with_an_example_before_and_after() {
    let host = Host::new();
    let story = host.freezerd(&["explain", "unknown-key"]).exits(0).stdout();
    assert!(
        story.contains("Before:") && story.contains("After:"),
        "{story}"
    );
    let all = host.json(&["explain"]);
    assert!(all["codes"].as_array().expect("a list").len() > 50);
    let ran = host.freezerd(&["explain", "unknown-kei"]).exits(66);
    assert!(
        ran.stderr().contains("did you mean unknown-key?"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn schema_prints_the_json_schema_of_a_job_file() {
    let schema = Host::new().freezerd(&["schema"]).exits(0).json();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert!(schema.to_string().contains("path_to_backup"));
}

#[test]
fn show_effective_gives_the_source_of_each_value() {
    let host = Host::new();
    let mut job = someday(vec![json!({"freezer_action": {
        "action": "backup", "src_file": "/srv/www", "backup_name": "www",
    }})]);
    job["action_defaults"] = json!({"container": "/mnt/backup"});
    host.put("www", job);
    host.once();
    let told = host.json(&["show", "www", "--effective"]);
    let of = |path: &str| {
        told["values"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|value| value["path"] == path)
            .unwrap_or_else(|| panic!("{path} is not in {told:#}"))
            .clone()
    };
    let source = of("job_actions[0].freezer_action.path_to_backup");
    assert_eq!(
        (&source["value"], &source["origin"]["alias"]),
        (&json!("/srv/www"), &json!("src_file"))
    );
    assert_eq!(
        of("job_actions[0].freezer_action.container")["origin"]["from"],
        "action_defaults"
    );
    assert_eq!(
        of("job_actions[0].max_retries")["origin"]["from"],
        "default"
    );
    assert_eq!(of("job_id")["origin"]["from"], "file_name");
    let table = host
        .freezerd(&["show", "www", "--effective"])
        .exits(0)
        .stdout();
    assert!(
        table.contains("as src_file") && table.contains("action_defaults"),
        "{table}"
    );
}
