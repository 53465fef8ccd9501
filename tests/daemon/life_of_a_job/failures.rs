//! Failures, retries and timeouts.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{exit_statuses, instant};
use crate::harness::{Host, exec, now};

#[test]
fn after_a_failure_only_mandatory_actions_still_run_and_the_result_is_fail() {
    let host = Host::new();
    let mut last = exec("true");
    last["mandatory"] = json!(true);
    let daemon = host.start();
    host.put(
        "a",
        now(vec![exec("true"), exec("exit 3"), exec("true"), last]),
    );
    let end = daemon.run_of("a");
    assert!(end.message.contains("exit code 3"), "{}", end.message);
    assert_eq!(
        exit_statuses(&host.show("a")),
        ["success", "fail", "-", "success"]
    );
    assert_eq!(host.state("a"), "stop//fail");
}

#[test]
fn there_are_max_retries_plus_one_attempts_each_with_its_row() {
    let host = Host::new();
    let daemon = host.start();
    let mut action = exec("exit 9");
    action["max_retries"] = json!(2);
    action["max_retries_interval"] = json!(0);
    host.put("a", now(vec![action]));
    let run = daemon.run_of("a").run;
    let attempts = host.attempts(run);
    let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.attempt).collect();
    assert_eq!(numbers, [1, 2, 3]);
    for attempt in &attempts {
        assert_eq!(json!(attempt.end)["outcome"]["summary"]["exit_code"], 9);
        assert!(attempt.ended >= Some(attempt.started));
    }
    assert_eq!(host.run(run)["actions"][0]["attempts"], 3);
    assert_eq!(host.history("a").len(), 1, "a retry is no run of its own");
}

#[test]
fn a_retry_waits_for_the_interval_and_its_success_is_the_result() {
    let host = Host::new();
    let daemon = host.start();
    let mut action = exec(&format!(
        "test -e '{0}' || {{ : > '{0}'; exit 1; }}",
        host.path("second").display()
    ));
    action["max_retries"] = json!(5);
    action["max_retries_interval"] = json!(2);
    host.put("a", now(vec![action]));
    let line = daemon.says("a", "tried again at");
    let row = host.run(line.run);
    assert_eq!(row["state"], "waiting");
    assert!(instant(&row["next_attempt"]) > instant(&row["started"]));
    let shown = host.freezerd(&["show", "a"]).exits(0).stdout();
    assert!(shown.contains("the next attempt is due at"), "{shown}");
    assert_eq!(host.state("a"), "running//");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//success");
    let attempts = host.attempts(line.run);
    assert_eq!(attempts.len(), 2);
    let waited = attempts[1].started - attempts[0].ended.unwrap();
    assert!(waited >= TimeDelta::seconds(2), "{waited}");
}

#[test]
fn a_run_that_waits_for_its_next_attempt_can_be_aborted_and_stopped() {
    let host = Host::new();
    let daemon = host.start();
    let mut action = exec("false");
    action["max_retries"] = json!(5);
    action["max_retries_interval"] = json!(3600);
    host.put("a", now(vec![action.clone()]));
    let run = daemon.says("a", "tried again at").run;
    assert!(host.ask("stop", "a").contains("once run"));
    assert_eq!(host.state("a"), "running/stop/");
    host.ask("abort", "a");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//aborted");
    assert_eq!(host.attempts(run).len(), 1);
}

#[test]
fn an_attempt_that_takes_longer_than_its_timeout_is_ended_and_fails() {
    let host = Host::new();
    let gate = host.gate("gate");
    let mut action = gate.action();
    action["timeout"] = json!(1);
    action["max_retries"] = json!(1);
    action["max_retries_interval"] = json!(0);
    let daemon = host.start();
    host.put("a", now(vec![action]));
    let end = daemon.run_of("a");
    assert!(
        end.message.contains("longer than its timeout"),
        "{}",
        end.message
    );
    assert_eq!(host.state("a"), "stop//fail");
    let ends: Vec<Value> = host
        .attempts(end.run)
        .iter()
        .map(|attempt| json!(attempt.end)["how"].clone())
        .collect();
    assert_eq!(ends, ["timed_out", "timed_out"]);
}

#[test]
fn an_attempt_that_would_fail_again_in_the_same_way_is_not_repeated() {
    let host = Host::new();
    let daemon = host.start();
    let with_retries = |mut action: Value| {
        action["max_retries"] = json!(3);
        action["max_retries_interval"] = json!(3600);
        now(vec![action])
    };
    host.put(
        "nowhere",
        with_retries(crate::harness::backup(
            &host.path("nowhere"),
            &host.path("container"),
        )),
    );
    host.put("no-command", with_retries(exec("/no/such/program")));
    let missing = json!({"freezer_action": {"action": "exec", "command": ["/no/such/program"]}});
    host.put("no-program", with_retries(missing));
    for job in ["nowhere", "no-command", "no-program"] {
        let run = daemon.run_of(job).run;
        assert_eq!(host.attempts(run).len(), 1, "{job}");
        assert_eq!(host.state(job), "stop//fail");
    }
}

#[test]
fn an_agent_that_crashes_is_a_failure_and_never_a_success() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", now(vec![exec("kill -9 $PPID; sleep 60")]));
    let end = daemon.run_of("a");
    assert!(end.message.contains("killed"), "{}", end.message);
    assert_eq!(host.state("a"), "stop//fail");
}

#[test]
fn processes_that_an_agent_leaves_behind_do_not_delay_its_run() {
    let host = Host::new();
    let gate = host.gate("gate");
    let daemon = host.start();
    host.put(
        "a",
        now(vec![exec(&format!(
            "setsid sh -c '{}' & true",
            gate.wait().replace('\'', "\"")
        ))]),
    );
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//success");
    gate.pass();
}
