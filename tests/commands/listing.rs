//! `list`, `show`, `history`, and `check` on the jobs directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::json;

use super::idle;
use crate::harness::{Host, backup, exec, now, someday};

#[test]
fn list_shows_every_job_and_every_file_that_is_not_a_job() {
    let host = Host::new()
        .job("later", someday(vec![exec("true")]))
        .job("theirs", json!({"job_actions": [], "client_id": "other"}));
    host.put_text("broken.json", "{");
    let daemon = host.start();
    host.put("bad", now(vec![exec("exit 4")]));
    daemon.run_of("bad");
    let said = host.freezerd(&["list"]).exits(0).stdout();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("JOB"), "{said}");
    assert!(
        lines[1].starts_with("bad") && lines[1].contains("stop") && lines[1].contains("fail"),
        "{said}"
    );
    assert!(
        lines[2].starts_with("later") && lines[2].contains("scheduled"),
        "{said}"
    );
    assert!(lines[2].contains("2999-01-01 00:00:00"), "{said}");
    assert!(lines[3].starts_with("invalid  broken.json: "), "{said}");
    assert_eq!(lines[4], "foreign  theirs.json: theirs is a job of other");
}

#[test]
fn a_job_file_that_was_just_added_is_known_to_the_next_command() {
    let host = Host::new();
    let _daemon = host.start();
    // The answer must not depend on how fast the daemon is, so each command comes directly after its file.
    for (job, command) in [
        ("one", &["list"][..]),
        ("two", &["show", "two"]),
        ("three", &["next", "three"]),
        ("four", &["why", "four"]),
    ] {
        host.put(job, someday(vec![exec("true")]));
        let said = host.freezerd(command).exits(0).stdout();
        assert!(said.contains(job), "{command:?}: {said}");
    }
}

#[test]
fn a_job_file_that_no_daemon_has_read_is_listed_as_that() {
    let host = idle();
    host.put("fresh", someday(vec![exec("true")]));
    let said = host.freezerd(&["list"]).exits(0).stdout();
    assert!(
        said.contains("unread   fresh.json: no daemon has read it yet"),
        "{said}"
    );
    let files = host.json(&["list"])["files"].clone();
    assert_eq!(files, json!([{"file": "fresh.json", "state": "unread"}]));
    let said = host.freezerd(&["show", "fresh"]).exits(66).stderr();
    assert!(
        said.contains("fresh.json is there") && said.contains("no daemon has read it"),
        "{said}"
    );
}

#[test]
fn show_prints_the_job_document_in_the_form_of_the_file_with_the_live_schedule() {
    let host = Host::new();
    let document = json!({"job": {
        "job_id": "a", "description": "what for", "client_id": "testhost", "user_id": "u", "x-note": {"kept": true},
        "job_actions": [{"freezer_action": {"action": "exec", "command": "true"}, "max_retries": "2"}],
        "job_schedule": {"schedule_date": "2999-01-01T00:00:00", "status": "scheduled", "event": ""},
    }});
    host.put("a", document.clone());
    let daemon = host.start();
    host.trigger("a");
    daemon.run_of("a");
    let shown = host.show("a");
    let document = &document["job"];
    for key in ["job_id", "description", "client_id", "user_id", "x-note"] {
        assert_eq!(shown[key], document[key]);
    }
    let action = &shown["job_actions"][0];
    assert_eq!(
        action["freezer_action"],
        document["job_actions"][0]["freezer_action"]
    );
    assert_eq!(
        (&action["max_retries"], &action["exit_status"]),
        (&json!("2"), &json!("success"))
    );
    let schedule = &shown["job_schedule"];
    assert_eq!(schedule["schedule_date"], "2999-01-01T00:00:00");
    assert_eq!(
        (&schedule["status"], &schedule["result"]),
        (&json!("scheduled"), &json!("success"))
    );
    let text = host.freezerd(&["show", "a"]).exits(0).stdout();
    for part in [
        "what for",
        "once, at 2999-01-01",
        "scheduled",
        "success",
        "1. exec",
        "exit code 0",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn show_names_what_could_not_be_backed_up() {
    let Some(host) = Host::unprivileged() else {
        return;
    };
    let secret = host.file("source/secret", "x");
    host.file("source/open", "x");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    host.put(
        "a",
        now(vec![backup(&host.path("source"), &host.path("container"))]),
    );
    host.once().exits(3);
    let text = host.freezerd(&["show", "a"]).exits(0).stdout();
    assert!(text.contains(&format!("{}: ", secret.display())), "{text}");
    assert!(text.contains("1 path"), "they are counted:\n{text}");
}

#[test]
fn history_shows_the_newest_rows_first_and_as_many_as_requested() {
    let host = Host::new()
        .job("a", someday(vec![exec("true")]))
        .job("b", someday(vec![exec("false")]));
    let daemon = host.start();
    for job in ["a", "b", "a"] {
        host.trigger(job);
        daemon.run_of(job);
    }
    let numbers = |arguments: &[&str]| -> Vec<u64> {
        let mut all = vec!["history"];
        all.extend(arguments);
        let answer = host.json(&all);
        let runs = answer["runs"].as_array().unwrap();
        runs.iter()
            .map(|run| run["run"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(numbers(&[]), [3, 2, 1]);
    assert_eq!(numbers(&["a"]), [3, 1]);
    assert_eq!(numbers(&["--limit", "2"]), [3, 2]);
    let text = host.freezerd(&["history"]).exits(0).stdout();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[2].contains("by hand") && lines[2].contains("fail"),
        "{text}"
    );
    assert!(
        lines[2].contains("exit code 1"),
        "the reason is there:\n{text}"
    );
}

#[test]
fn a_command_ends_quietly_when_its_output_pipe_is_closed() {
    let host = idle();
    let mut child = host
        .command(&["list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn check_checks_the_jobs_directory_as_the_daemon_would() {
    let host = Host::new().job("good", someday(vec![exec("true")]));
    let ran = host.freezerd(&["check"]).exits(0);
    assert_eq!(ran.stdout(), "1 valid job\n");
    host.put_text("bad.json", "{\"job_actions\": []\n\"job_id\": 1}");
    let ran = host.freezerd(&["check"]).exits(65);
    assert!(
        ran.stdout().contains("1 valid job, 1 invalid file"),
        "{}",
        ran.stdout()
    );
    assert!(ran.stderr().contains("bad.json:"), "{}", ran.stderr());
    let diagnostics = host.freezerd(&["check", "--json"]).exits(65).json()["diagnostics"].clone();
    assert!(
        diagnostics[0]["file"]
            .as_str()
            .unwrap()
            .ends_with("bad.json"),
        "{diagnostics:#}"
    );
    let good = host.path("jobs.d/good.json");
    host.freezerd(&["check", good.to_str().unwrap()]).exits(0);
    // With `--strict`, a warning is an error.
    host.delete("bad");
    let container = host.path("container");
    host.put(
        "open",
        someday(vec![backup(&host.path("work"), &container)]),
    );
    host.freezerd(&["check"]).exits(0);
    host.freezerd(&["check", "--strict"]).exits(65);
}

#[test]
fn check_checks_owners_and_modes_unless_no_trust_is_given() {
    let host = Host::new().job("open", someday(vec![exec("true")]));
    fs::set_permissions(
        host.path("jobs.d/open.json"),
        fs::Permissions::from_mode(0o666),
    )
    .unwrap();
    let said = host.freezerd(&["check"]).exits(65).stderr();
    assert!(said.contains("chmod"), "{said}");
    host.freezerd(&["check", "--no-trust"]).exits(0);
}
