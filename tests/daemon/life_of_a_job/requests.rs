//! `start`, `stop`, `remove` and `trigger`.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::{gated, instant, next, run_to_the_gate, scheduled};
use crate::harness::{Host, every, exec, now, someday};

#[test]
fn stop_takes_a_job_off_its_schedule_and_start_puts_it_back() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let daemon = host.start();
    let due = next(&host, "a");
    host.ask("stop", "a");
    assert_eq!(host.state("a"), "stop//");
    assert_eq!(next(&host, "a"), Value::Null);
    assert!(host.ask("stop", "a").contains("already"));
    daemon.stop();
    let _daemon = host.start();
    assert_eq!(host.state("a"), "stop//", "also over a restart");
    host.ask("start", "a");
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(next(&host, "a"), due);
}

#[test]
fn stop_lets_a_run_finish_and_then_stops() {
    let host = Host::new();
    let gate = gated(&host, "a");
    let daemon = host.start();
    let run = run_to_the_gate(&host, &daemon, "a");
    host.ask("stop", "a");
    assert_eq!(host.state("a"), "running/stop/");
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//success", "the event is cleared");
    assert_eq!(host.run(run)["result"], "success");
}

#[test]
fn start_cancels_a_stop_that_waits_for_the_end_of_a_run() {
    let host = Host::new();
    let gate = gated(&host, "a");
    let daemon = host.start();
    run_to_the_gate(&host, &daemon, "a");
    host.ask("stop", "a");
    host.ask("start", "a");
    assert_eq!(host.state("a"), "running//");
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.state("a"), "scheduled//success");
}

#[test]
fn start_runs_a_job_without_a_schedule_in_two_seconds() {
    let host = Host::new();
    host.put("a", scheduled(json!({"status": "stop"}), "true"));
    let daemon = host.start();
    let before = Utc::now() - TimeDelta::milliseconds(1);
    host.ask("start", "a");
    let due = instant(&next(&host, "a")) - TimeDelta::seconds(2);
    assert!(before <= due && due <= Utc::now(), "{before} {due}");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//success");
}

#[test]
fn start_of_a_job_with_no_occurrence_left_is_refused_and_names_trigger() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", now(vec![exec("true")]));
    daemon.run_of("a");
    let refusal = host.freezerd(&["start", "a"]).exits(75).stderr();
    assert!(
        refusal.contains("no more firings") && refusal.contains("freezerd trigger"),
        "{refusal}"
    );
    assert_eq!(host.state("a"), "stop//success");
}

#[test]
fn remove_is_permanent_but_start_revives_a_job_whose_file_is_there() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let daemon = host.start();
    host.ask("remove", "a");
    assert_eq!(host.state("a"), "removed//");
    let refusal = host.freezerd(&["trigger", "a"]).exits(75).stderr();
    assert!(refusal.contains("freezerd start"), "{refusal}");
    let refusal = host.freezerd(&["stop", "a"]).exits(75).stderr();
    assert!(refusal.contains("freezerd start"), "{refusal}");
    daemon.stop();
    let daemon = host.start();
    assert_eq!(host.state("a"), "removed//", "also over a restart");
    host.put("a", every("1 second", vec![exec("true")]));
    daemon.says("a", "changed");
    assert_eq!(host.state("a"), "removed//", "and when its file changes");
    host.ask("start", "a");
    daemon.run_of("a");
}

#[test]
fn remove_lets_a_run_finish_first() {
    let host = Host::new();
    let gate = gated(&host, "a");
    let daemon = host.start();
    run_to_the_gate(&host, &daemon, "a");
    host.ask("remove", "a");
    assert_eq!(host.state("a"), "running/remove/");
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.state("a"), "removed//success");
}

#[test]
fn trigger_runs_a_job_now_and_does_not_change_its_schedule() {
    let host = Host::new()
        .job("a", someday(vec![exec("true")]))
        .job("b", someday(vec![exec("true")]));
    let daemon = host.start();
    let due = next(&host, "a");
    let run = host.trigger("a");
    daemon.run_of("a");
    assert_eq!(host.run(run)["trigger"], "manual");
    assert_eq!(host.state("a"), "scheduled//success");
    assert_eq!(next(&host, "a"), due);
    host.ask("stop", "b");
    host.trigger("b");
    daemon.run_of("b");
    assert_eq!(
        host.state("b"),
        "stop//success",
        "a stopped job runs once and stays stopped"
    );
}

#[test]
fn trigger_during_a_run_is_refused_and_the_message_names_the_run() {
    let host = Host::new();
    let gate = gated(&host, "a");
    let daemon = host.start();
    let run = run_to_the_gate(&host, &daemon, "a");
    let refusal = host.freezerd(&["trigger", "a"]).exits(75).stderr();
    assert!(
        refusal.contains(&format!("run {run} is going on")),
        "{refusal}"
    );
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.history("a").len(), 1);
}
