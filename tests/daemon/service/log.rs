//! The formats of the log: JSON, text for people, and the journal.

use std::process::Stdio;

use serde_json::Value;

use crate::harness::{Host, exec, now, someday};

#[test]
fn a_log_in_json_has_one_object_in_each_line() {
    let host = Host::new().job("a", someday(vec![exec("exit 3")]));
    host.put_text("bad.json", "{\n\"job_actions\": 1,\n");
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.run_of("a");
    let log = daemon.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for line in &lines {
        let time = line["timestamp"].as_str().unwrap();
        chrono::DateTime::parse_from_rfc3339(time).unwrap();
        assert!(["DEBUG", "INFO", "WARN", "ERROR"].contains(&line["level"].as_str().unwrap()));
        assert!(!line["message"].as_str().unwrap().is_empty());
    }
    let of_run: Vec<&Value> = lines.iter().filter(|line| line["run"] == run).collect();
    assert!(of_run.len() >= 4);
    assert!(of_run.iter().all(|line| line["job"] == "a"));
    let report = lines
        .iter()
        .find(|line| line["message"].as_str().unwrap().contains("bad.json"))
        .unwrap();
    assert!(
        report["details"].as_str().unwrap().lines().count() > 1,
        "a report of many lines is one object"
    );
}

#[test]
fn a_log_for_people_has_the_time_the_job_and_plain_words() {
    let host = Host::new();
    host.put("a", now(vec![exec("exit 3")]));
    let ran = host.freezerd(&["run", "--once"]).exits(1);
    let log = ran.stderr();
    let line = log
        .lines()
        .find(|line| line.contains("exit code 3"))
        .unwrap();
    let (time, rest) = line.split_at(8);
    assert!(
        chrono::NaiveTime::parse_from_str(time, "%H:%M:%S").is_ok(),
        "{line}"
    );
    assert!(rest.starts_with(" error: a: exec failed after "), "{line}");
    assert!(!log.contains('\x1b'), "no colours where nobody sees them");
}

#[test]
fn a_log_level_omits_less_important_lines() {
    let host = Host::new().job("a", now(vec![exec("exit 3")]));
    let log = host
        .freezerd(&["run", "--once", "--log-level", "error"])
        .exits(1)
        .stderr();
    assert!(log.lines().all(|line| line.contains("error: ")), "{log}");
    assert!(log.contains("exit code 3"));
}

#[test]
fn standard_output_contains_only_what_the_user_asked_for() {
    let host = Host::new().job("a", now(vec![exec("echo noise")]));
    let output = host
        .command(&["run", "--once", "--json"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["runs"][0]["result"], "success");
}

#[test]
fn the_journal_gets_each_line_with_its_level_and_its_job() {
    let host = Host::new().env("JOURNAL_STREAM", "8:1");
    host.put("a", now(vec![exec("true")]));
    host.put_text("bad.json", "{");
    let log = host.freezerd(&["run", "--once"]).stderr();
    assert!(
        log.lines()
            .any(|line| line.starts_with("<6>a: run 1 started")),
        "{log}"
    );
    assert!(
        log.lines()
            .any(|line| line.starts_with("<3>bad.json is not a valid job")),
        "{log}"
    );
    let levels = |line: &str| {
        ["<3>", "<4>", "<6>"]
            .iter()
            .any(|level| line.starts_with(level))
    };
    assert!(
        log.lines().all(levels),
        "each line of a drawing too:\n{log}"
    );
}
