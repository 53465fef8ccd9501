//! `freezerd why`: why a job does or does not run.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Host, every, exec, now, someday};

fn why(host: &Host, job: &str) -> (String, Value) {
    let shown = host.freezerd(&["why", job]).exits(0).stdout();
    (shown, host.json(&["why", job]))
}

#[test]
fn why_reports_a_manual_run_and_that_no_daemon_runs_to_start_the_next() {
    let host = Host::new().job("a", every("1 hour", vec![exec("true")]));
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.run_of("a");
    let (shown, told) = why(&host, "a");
    assert!(
        shown.starts_with("a is on its schedule (every hour, UTC)."),
        "{shown}"
    );
    assert!(
        shown.contains(&format!("Run {run}, requested by ")),
        "{shown}"
    );
    assert!(shown.contains("succeeded after"), "{shown}");
    assert!(shown.contains("It is due next on "), "{shown}");
    assert_eq!(told["runs"][0]["run"], run);
    assert_eq!(told["daemon"], true);
    daemon.stop();
    let (shown, _) = why(&host, "a");
    assert!(shown.contains("freezerd is not running now"), "{shown}");
}

#[test]
fn why_reports_what_is_owed_and_later_what_was_caught_up() {
    let host = Host::new().job("a", every("1 hour", vec![exec("true")]));
    host.start().stop();
    host.sleep_through("a", TimeDelta::minutes(200));
    let (shown, _) = why(&host, "a");
    assert!(shown.contains("3 due times from "), "{shown}");
    assert!(
        shown.contains("freezerd starts one run for them"),
        "{shown}"
    );
    let next = host.json(&["next", "a"]);
    assert_eq!(next["owed"]["count"], 3);
    let daemon = host.start();
    daemon.run_of("a");
    let (shown, _) = why(&host, "a");
    assert!(shown.contains("for 3 due times from "), "{shown}");
    assert!(
        shown.contains("had been missed, was caught up on"),
        "{shown}"
    );
}

#[test]
fn why_says_what_stopped_the_job() {
    let host = Host::new().job("a", every("1 hour", vec![exec("true")]));
    let _daemon = host.start();
    host.freezerd(&["stop", "a"]).exits(0);
    let (shown, told) = why(&host, "a");
    assert!(
        shown.starts_with("a is stopped: stopped by hand."),
        "{shown}"
    );
    assert!(shown.contains(" requested that (stop) on "), "{shown}");
    assert_eq!(told["status"], "stop");
    assert_eq!(told["events"][0]["command"], "stop");
}

#[test]
fn why_says_what_a_run_waits_for() {
    let host = Host::new().flag("--concurrent-jobs=1");
    let gate = host.gate("gate");
    let host = host
        .job("long", someday(vec![exec(&gate.wait())]))
        .job("short", someday(vec![exec("true")]));
    let daemon = host.start();
    host.trigger("long");
    daemon.says("long", "exec");
    host.trigger("short");
    daemon.says("short", "waiting for a free slot");
    let (shown, _) = why(&host, "short");
    assert!(
        shown.contains("has not started: it is waiting for a free slot (1 action at a time)."),
        "{shown}"
    );
    let (shown, _) = why(&host, "long");
    assert!(
        shown.contains("long is running") && shown.contains("is running its exec"),
        "{shown}"
    );
    gate.pass();
    daemon.run_of("short");
}

#[test]
fn why_reports_retries_failures_and_dates_in_the_past() {
    let host = Host::new();
    let mut failing = exec("exit 3");
    failing["max_retries"] = json!(1);
    failing["max_retries_interval"] = json!(3600);
    let host = host
        .job("retries", someday(vec![failing]))
        .job("fails", someday(vec![exec("exit 3")]))
        .job(
            "late",
            json!({"job_actions": [exec("true")], "job_schedule": {"schedule_date": "2020-01-01"}}),
        );
    let daemon = host.start();
    host.trigger("retries");
    daemon.says("retries", "tried again at");
    host.trigger("fails");
    daemon.run_of("fails");
    let (shown, _) = why(&host, "retries");
    assert!(
        shown.contains("attempt 1 of its exec failed, and attempt 2 starts at"),
        "{shown}"
    );
    let (shown, _) = why(&host, "fails");
    assert!(
        shown.contains("failed after") && shown.contains("exit code 3"),
        "{shown}"
    );
    let (shown, _) = why(&host, "late");
    assert!(
        shown.contains("late is finished: its date 2020-01-01"),
        "{shown}"
    );
}

#[test]
fn why_reports_invalid_files_foreign_files_and_unknown_jobs() {
    let mut foreign = someday(vec![exec("true")]);
    foreign["client_id"] = json!("elsewhere");
    let host = Host::new()
        .job("foreign", foreign)
        .job("good", someday(vec![exec("true")]));
    host.put_text("bad.json", "{\"job_id\": \"bad\", \"nonsense\": 1}");
    let daemon = host.start();
    host.put_text("good.json", "{\"job_id\": \"good\", \"nonsense\": 1}");
    daemon.says("good", "is not a valid job");
    let (shown, _) = why(&host, "foreign");
    assert!(
        shown.contains("a job of elsewhere, and this host is testhost"),
        "{shown}"
    );
    let (shown, _) = why(&host, "good");
    assert!(shown.contains("good.json is invalid since"), "{shown}");
    assert!(
        shown.contains("The last good content stays in force"),
        "{shown}"
    );
    host.freezerd(&["why", "god"]).exits(66);
    let (shown, _) = why(&host, "bad");
    assert!(
        shown.starts_with("bad never ran from bad.json, which is invalid"),
        "{shown}"
    );
}

#[test]
fn why_quotes_the_last_words_of_a_command_that_failed_and_names_its_log() {
    let command = "echo first; for i in 1 2 3 4; do echo line $i >&2; done; exit 7";
    let host = Host::new().job("a", now(vec![exec(command), exec("echo not this")]));
    host.once().exits(1);
    let (shown, _) = why(&host, "a");
    let wanted =
        "The command wrote at its end: line 2 / line 3 / line 4. `freezerd log 1` shows the log.";
    assert!(shown.contains(wanted), "{shown}");
    // A command that wrote nothing has no last words.
    let host = Host::new().job("a", now(vec![exec("exit 7")]));
    host.once().exits(1);
    let (shown, _) = why(&host, "a");
    assert!(!shown.contains("wrote"), "{shown}");
    assert!(shown.contains("`freezerd log 1` shows the log."), "{shown}");
}
