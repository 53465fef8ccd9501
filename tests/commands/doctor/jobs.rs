//! Job files, their modes and owners, and jobs that fail.

use std::os::unix::fs::chown;

use chrono::TimeDelta;
use serde_json::json;

use super::{Visit, backed_up, mode};
use crate::harness::{Host, NOBODY, eventually, exec, is_root, once, someday};

#[test]
fn invalid_and_foreign_job_files_are_counted_and_the_finding_names_check() {
    let host = Host::new().job("good", someday(vec![exec("true")]));
    host.put_text("bad.json", "{");
    host.put(
        "theirs",
        json!({"client_id": "other", "job_actions": [exec("true")]}),
    );
    let visit = Visit::to(&host, &[]);
    visit.says("job file", "/bad.json", "error: ");
    visit.says(
        "job file",
        "/jobs.d",
        "ok: 1 valid job file, 1 for other hosts",
    );
    let bad = visit
        .errors()
        .into_iter()
        .find(|finding| {
            finding["subject"]
                .as_str()
                .is_some_and(|path| path.ends_with("bad.json"))
        })
        .expect("the bad file");
    assert!(
        bad["help"]
            .as_str()
            .is_some_and(|help| help.contains("freezerd check"))
    );
}

#[test]
fn modes_and_owners_that_give_others_access_are_found_with_the_command_that_corrects_them() {
    let host = backed_up();
    mode(&host.path("state"), 0o755);
    mode(&host.path("jobs.d"), 0o777);
    mode(&host.path("freezerd.toml"), 0o666);
    let visit = Visit::to(&host, &["--no-containers"]);
    visit.says(
        "directory",
        "/state",
        "warning: other users can read the state directory",
    );
    visit.says(
        "directory",
        "/jobs.d",
        "error: everybody can write to the jobs directory",
    );
    visit.says(
        "config",
        "/freezerd.toml",
        "error: everybody can write to the configuration",
    );
    for finding in visit.findings {
        let subject = finding["subject"].as_str().expect("a subject");
        if finding["check"] == "directory" && subject.ends_with("/state") {
            let command = finding["help"]
                .as_str()
                .expect("a command")
                .replace('`', "");
            let done = std::process::Command::new("sh")
                .args(["-c", &command])
                .status();
            assert!(done.expect("a shell").success(), "{command}");
        }
    }
    Visit::to(&host, &["--no-containers"]).says("directory", "/state", "ok: ");
    if is_root() {
        chown(host.path("jobs.d"), Some(NOBODY), None).expect("its owner");
        let visit = Visit::to(&host, &["--no-containers"]);
        let found = visit.about("directory", "/jobs.d");
        assert!(
            found[0].starts_with("error: the jobs directory belongs to "),
            "{found:?}"
        );
    } else {
        println!("SKIPPED: only root can give a directory away");
    }
}

#[test]
fn jobs_that_fail_or_are_long_overdue_are_named() {
    let daily = |command: &str| json!({"job_actions": [exec(command)], "job_schedule": {"schedule_interval": "1 days"}});
    let host = Host::new()
        .job("good", daily("true"))
        .job("bad", once(vec![exec("false")]))
        .job("late", daily("true"))
        .job("forgotten", daily("true"));
    host.once();
    host.sleep_through("late", TimeDelta::hours(26));
    host.sleep_through("forgotten", TimeDelta::days(9));
    let visit = Visit::to(&host, &[]);
    visit.says("job", "bad", "warning: the result of its last run is fail");
    visit.says("job", "late", "warning: due ");
    visit.says("job", "forgotten", "error: due ");
    visit.says("job", "", "ok: 1 job without a finding");
}

#[test]
fn a_job_without_a_success_within_its_max_age_is_an_error() {
    let rarely = |command: &str| {
        json!({"max_age": "1 second", "job_actions": [exec(command)],
               "job_schedule": {"schedule_date": "2100-01-01T00:00:00"}})
    };
    let host = Host::new().job("a", rarely("true"));
    let daemon = host.start();
    eventually("a job that is too old", || {
        host.json(&["list"])["jobs"][0]["too_old"] == true
    });
    let visit = Visit::to(&host, &[]);
    visit.says(
        "job",
        "a",
        "error: no success within its max_age of 1.0 s; it has never succeeded",
    );
    let said = host.freezerd(&["list"]).exits(0).stdout();
    assert!(said.contains("no success within its max_age"), "{said}");
    let said = host.freezerd(&["status"]).exits(0).stdout();
    assert!(
        said.contains("1 without a success within max_age"),
        "{said}"
    );
    let said = host.freezerd(&["why", "a"]).exits(0).stdout();
    assert!(
        said.contains("has not succeeded within its max_age"),
        "{said}"
    );
    // The file may change its mind at any time.
    let mut other = rarely("true");
    other["max_age"] = json!("1 hour");
    host.put("a", other);
    eventually("a job that is not", || {
        host.json(&["list"])["jobs"][0]["too_old"] == false
    });
    host.put("a", rarely("true"));
    eventually("a job that is too old again", || {
        host.json(&["list"])["jobs"][0]["too_old"] == true
    });
    host.trigger("a");
    daemon.run_of("a");
    let status = host.json(&["status"]);
    assert_ne!(status["jobs"][0]["last_success"], serde_json::Value::Null);
    assert_eq!(status["jobs"][0]["max_age_seconds"], 1);
}

#[test]
fn a_manual_run_that_failed_is_named_although_nothing_is_owed() {
    let host = Host::new().job("a", someday(vec![exec("false")]));
    let daemon = host.start();
    host.trigger("a");
    daemon.run_of("a");
    let visit = Visit::to(&host, &[]);
    visit.says("job", "a", "warning: the result of its last run is fail");
}
