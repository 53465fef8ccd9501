//! `freezerd log`, and the log files of actions.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;

use crate::harness::{Host, exec, now, someday};

#[test]
fn log_shows_the_output_of_a_run_by_its_number_or_by_its_job() {
    let host = Host::new().job(
        "a",
        someday(vec![exec("echo to stdout; echo to stderr >&2")]),
    );
    let daemon = host.start();
    let first = host.trigger("a");
    daemon.run_of("a");
    host.put("a", someday(vec![exec("echo the second run")]));
    daemon.says("a", "changed");
    host.trigger("a");
    daemon.run_of("a");
    let text = host
        .freezerd(&["log", &first.to_string()])
        .exits(0)
        .stdout();
    for part in [
        "to stdout",
        "to stderr",
        &format!("run {first} started"),
        "succeeded",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("the second run"));
    let text = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert!(
        text.contains("the second run") && !text.contains("to stdout"),
        "{text}"
    );
    let answer = host.json(&["log", &first.to_string()]);
    assert_eq!(
        (&answer["run"], &answer["job_id"]),
        (&json!(first), &json!("a"))
    );
    assert!(answer["lines"].as_array().unwrap().len() >= 4);
}

#[test]
fn log_accepts_a_job_whose_id_is_a_number() {
    let host = Host::new();
    host.put_text("job_4822.conf", &now(vec![exec("echo hello")]).to_string());
    host.once().exits(0);
    let text = host.freezerd(&["log", "4822"]).exits(0).stdout();
    assert!(text.contains("hello"), "{text}");
}

#[test]
fn a_job_that_has_not_run_yet_has_no_log() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    host.once().exits(0);
    let said = host.freezerd(&["log", "a"]).exits(66).stderr();
    assert!(said.contains("has not run yet"), "{said}");
}

#[test]
fn an_actions_log_is_appended_to_its_log_file_as_well() {
    let host = Host::new();
    let log = host.file("action.log", "what was there\n");
    let mut action = exec("echo from the command");
    action["freezer_action"]["log_file"] = json!(log);
    host.put("a", now(vec![action.clone(), exec("echo from the other")]));
    host.once().exits(0);
    let text = host.read("action.log");
    assert!(
        text.starts_with("what was there\n") && text.contains("from the command"),
        "{text}"
    );
    assert!(
        !text.contains("from the other"),
        "only this action's:\n{text}"
    );
    let kept = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert!(
        kept.contains("from the command") && kept.contains("from the other"),
        "{kept}"
    );
}

#[test]
fn a_log_file_that_cannot_be_written_is_reported_and_does_not_fail_the_run() {
    let host = Host::new();
    let mut action = exec("true");
    action["freezer_action"]["log_file"] = json!(host.path("no/such/dir/action.log"));
    let _fifo = host.gate("fifo");
    let mut waits = exec("true");
    waits["freezer_action"]["log_file"] = json!(host.path("fifo"));
    host.put("a", now(vec![action, waits]));
    host.once().exits(0);
    let text = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert_eq!(
        text.matches("nothing is appended to the log_file").count(),
        2,
        "{text}"
    );
}

#[test]
fn a_log_that_is_too_long_keeps_its_beginning_and_its_end() {
    let host = Host::new();
    let flood = exec(
        "echo the beginning; yes 'copying a file' | head -c 20000000; echo connection lost >&2; exit 1",
    );
    let mut second = exec("echo cleaned up");
    second["mandatory"] = serde_json::json!(true);
    host.put("a", now(vec![flood, second]));
    host.once().exits(1);
    let log = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert!(log.len() < 17 * 1024 * 1024, "{} bytes", log.len());
    for part in [
        "the beginning",
        "the middle of this log is left out here",
        "connection lost",
        "cleaned up",
    ] {
        assert_eq!(log.matches(part).count(), 1, "{part}");
    }
    let first = host.freezerd(&["log", "a", "--action", "1"]).stdout();
    assert!(first.contains("connection lost") && !first.contains("cleaned up"));
    let second = host.freezerd(&["log", "a", "--action", "2"]).stdout();
    assert!(second.contains("cleaned up") && !second.contains("connection lost"));
}

#[test]
fn a_log_that_is_followed_shows_what_is_added_and_ends_with_the_run() {
    let host = Host::new();
    let gate = host.gate("gate");
    let command = format!("echo before; {}; echo after", gate.wait());
    let host = host.job("a", someday(vec![exec(&command)]));
    let daemon = host.start();
    let run = host.trigger("a");
    for name in ["a", &run.to_string()] {
        let mut follow = host
            .command(&["log", name, "--follow"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
        let mut until = |text: &str| lines.find(|line| line.as_ref().unwrap().ends_with(text));
        assert!(until("exec: before").is_some());
        if name == "a" {
            // It goes on while the run does.
            assert!(follow.try_wait().unwrap().is_none());
            gate.pass();
        }
        assert!(until("exec: after").is_some());
        assert!(until("no line ends so").is_none(), "the output ends");
        assert!(follow.wait().unwrap().success());
    }
    daemon.run_of("a");
}
