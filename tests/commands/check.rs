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

/// What `check` says of a single file.
fn checked(document: &serde_json::Value) -> String {
    let host = Host::new();
    host.put("a", document.clone());
    host.freezerd(&["check"]).stderr()
}

#[test]
fn an_offset_is_not_taken_for_the_zone_with_the_same_sign() {
    for (zone, advice) in [
        ("GMT+2", "`Etc/GMT-2` is 2 hours ahead of Greenwich"),
        ("UTC-5", "`Etc/GMT+5` is 5 hours behind Greenwich"),
        ("GMT+1", "`Etc/GMT-1` is 1 hour ahead of Greenwich"),
        ("gmt+02:00", "`Etc/GMT-2` is 2 hours ahead"),
        ("+0200", "`Etc/GMT-2` is 2 hours ahead"),
        ("UTC+05:30", "an offset is not a time zone"),
        ("GMT+15", "an offset is not a time zone"),
    ] {
        let mut job = someday(vec![exec("true")]);
        job["job_schedule"] = json!({"schedule_hour": "3", "schedule_timezone": zone});
        let said = checked(&job);
        assert!(said.contains(advice), "{zone}: {said}");
        assert!(!said.contains("did you mean"), "{zone}: {said}");
    }
}

#[test]
fn a_file_may_name_its_schema() {
    let mut job = someday(vec![exec("true")]);
    job["$schema"] = json!("https://example.org/job.json");
    assert_eq!(checked(&job), "");
    assert_eq!(
        checked(&json!({"$schema": "job.json", "job": someday(vec![exec("true")])})),
        ""
    );
}

#[test]
fn a_continuous_job_with_an_old_time_created_still_fires() {
    let job = json!({
        "job_actions": [exec("true")],
        "job_schedule": {"schedule_interval": "continuous", "time_created": 1_000_000_000},
    });
    assert_eq!(checked(&job), "");
    let mut over = job;
    over["job_schedule"]["schedule_end_date"] = json!("2020-01-01T00:00:00");
    assert!(checked(&over).contains("never fires again"));
}

#[test]
fn an_address_as_container_gets_advice_about_storages() {
    for address in [
        "sftp:user@host:/srv/repo",
        "user@host:/srv/repo",
        "rest:https://host/repo",
        "https://host/repo",
        "s3:bucket",
        "b2:bucket:path",
    ] {
        let job = json!({"job_actions": [{"freezer_action": {
            "path_to_backup": "/home", "backup_name": "home", "container": address,
        }}]});
        let said = checked(&job);
        assert!(said.contains("[storage.offsite]"), "{address}: {said}");
    }
}

#[test]
fn a_pipeline_that_hides_a_failure_is_a_warning() {
    let said = checked(&someday(vec![exec("pg_dump shop | gzip > /srv/shop.gz")]));
    assert!(
        said.contains("warning[hidden-failure]") && said.contains("`pg_dump`"),
        "{said}"
    );
    let words = |words: serde_json::Value| {
        let mut job = someday(vec![exec("true")]);
        job["job_actions"][0]["freezer_action"]["command"] = words;
        checked(&job)
    };
    let said = words(json!(["sh", "-c", "pg_dump shop | gzip > /srv/shop.gz"]));
    assert!(said.contains("hidden-failure"), "{said}");
    let careful = ["bash", "-o", "pipefail", "-c", "pg_dump shop | gzip > a"];
    assert_eq!(words(json!(careful)), "");
    assert_eq!(words(json!(["grep", "a|b", "file"])), "");
    let behind_others = ["sudo", "-u", "postgres", "sh", "-ec", "pg_dump x | gzip"];
    assert!(words(json!(behind_others)).contains("hidden-failure"));
    let said = words(json!(["pg_dump", "x", "|", "gzip"]));
    assert!(
        said.contains("warning[no-shell]") && said.contains("`|` is only an argument"),
        "{said}"
    );
    assert!(words(json!(["pg_dump x | gzip > y"])).contains("no-shell"));
}

#[test]
fn a_source_that_does_not_exist_and_looks_like_several_or_like_a_pattern_is_a_warning() {
    let host = Host::new();
    let warns = |path: &str| {
        let job = json!({"job_actions": [{"freezer_action": {
            "path_to_backup": path, "backup_name": "a", "container": "c",
        }}]});
        let file = host.file("a.json", &job.to_string());
        let ran = host.freezerd(&["check", file.to_str().unwrap()]);
        let said = ran.exits(0).stderr();
        said.contains("warning[doubtful-source]")
    };
    let top = host.path("");
    let top = top.to_str().unwrap().trim_end_matches('/');
    for wrong in ["/*", ",/etc", " /etc", ", /etc", ":/etc", "/{a,b}"] {
        assert!(warns(&format!("{top}{wrong}")), "{wrong}");
    }
    // A path that exists is what it says, and one without such signs may exist later.
    host.file("a,b/c*/x", "");
    assert!(!warns(&format!("{top}/a,b/c*")));
    assert!(!warns(&format!("{top}/later")));
}

#[test]
fn a_date_that_has_passed_gets_a_proposal_that_works() {
    let job = json!({"job_actions": [exec("true")], "job_schedule": {"schedule_date": "2020-01-01T00:00:00"}});
    let host = Host::new().job("a", job);
    let said = host.freezerd(&["check"]).stderr();
    assert!(said.contains("`freezerd trigger`"), "{said}");
    let daemon = host.start();
    host.trigger("a");
    daemon.run_of("a");
}

#[test]
fn a_receiver_that_a_job_names_and_nobody_defines_is_a_warning() {
    let mut job = someday(vec![exec("true")]);
    job["notify"] = json!(["admins", "admin"]);
    let host = Host::new().job("a", job);
    let receiver = "[notify.admins]\ntype = \"command\"\ncommand = [\"true\"]\n";
    host.file("freezerd.toml", receiver);
    let said = host.freezerd(&["check"]).exits(0).stderr();
    assert!(said.contains("warning[unknown-receiver]"), "{said}");
    assert!(said.contains("names `admin`"), "{said}");
    assert!(said.contains("freezerd.toml has admins"), "{said}");
    assert_eq!(said.matches("unknown-receiver").count(), 1, "{said}");
}
