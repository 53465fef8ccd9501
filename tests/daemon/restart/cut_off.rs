//! Runs that the end of the daemon interrupted, and the runs that catch up for them.

use chrono::{TimeDelta, Utc};
use freezerd::record::RunState;
use serde_json::{Value, json};

use super::{gated, processes, run_to_the_gate};
use crate::harness::{Host, eventually, every, exec, is_alive, now, someday};

#[test]
fn a_child_dies_with_its_daemon() {
    let host = Host::new();
    let _gate = gated(&host, "a");
    let daemon = host.start();
    let (_, pids) = run_to_the_gate(&host, "a");
    assert!(pids.iter().all(|pid| is_alive(pid)));
    daemon.kill();
    eventually("command and agent are gone", || {
        !pids.iter().any(|pid| is_alive(pid))
    });
}

#[test]
fn an_interrupted_run_is_closed_as_interrupted_and_caught_up_once() {
    let host = Host::new();
    let gate = gated(&host, "a");
    let daemon = host.start();
    let (run, _) = run_to_the_gate(&host, "a");
    daemon.kill();
    let daemon = host.start();
    let row = host.run(run);
    assert_eq!(
        (&row["state"], &row["result"]),
        (&json!("interrupted"), &json!("fail"))
    );
    assert!(
        row["reason"].as_str().unwrap().contains("went down"),
        "{row:#}"
    );
    assert_eq!(json!(host.attempts(run)[0].end)["how"], "interrupted");
    let again = &host.history("a")[0];
    assert_eq!(
        (&again["trigger"], &again["makes_up_for"]),
        (&json!("catch_up"), &json!(run))
    );
    assert_eq!(again["due"], row["due"], "it stands for the same instant");
    processes(&host, "a");
    gate.pass();
    daemon.says("a", "succeeded");
    assert_eq!(host.state("a"), "scheduled//success");
    daemon.stop();
    let daemon = host.start();
    daemon.looks(&host);
    assert_eq!(host.history("a").len(), 2, "once, and not at every start");
}

#[test]
fn a_catch_up_for_an_interrupted_run_is_not_repeated_for_ever_if_it_is_interrupted_too() {
    let host = Host::new();
    let _gate = gated(&host, "a");
    let daemon = host.start();
    run_to_the_gate(&host, "a");
    daemon.kill();
    let daemon = host.start();
    processes(&host, "a");
    daemon.kill();
    let daemon = host.start();
    daemon.looks(&host);
    let states: Vec<Value> = host
        .history("a")
        .iter()
        .map(|row| row["state"].clone())
        .collect();
    assert_eq!(states, ["interrupted", "interrupted"]);
    assert_eq!(host.state("a"), "scheduled//fail");
}

#[test]
fn occurrences_skipped_during_a_catch_up_are_owed_when_the_catch_up_is_interrupted_too() {
    let host = Host::new();
    let gate = host.gate("gate");
    host.put("a", every("1 hour", vec![gate.action()]));
    let daemon = host.start();
    let first = host.trigger("a");
    daemon.says("a", "exec");
    daemon.kill();
    host.edit_job("a", |record| {
        record.anchor = Utc::now() - TimeDelta::hours(1);
        record.handled = record.anchor;
    });
    let daemon = host.start();
    let second = daemon.says("a", "exec").run;
    daemon.kill();
    let daemon = host.start();
    let third = daemon.says("a", "exec").run;
    gate.pass();
    daemon.says("a", "succeeded");
    let rows = host.history("a");
    let [last, skipped, ..] = &rows[..] else {
        panic!("{rows:#?}");
    };
    assert_eq!(host.run(second)["makes_up_for"], first);
    assert_eq!(
        (&last["run"], &last["makes_up_for"], &last["result"]),
        (&json!(third), &json!(second), &json!("success"))
    );
    assert_eq!(
        (&skipped["state"], &skipped["due"]),
        (&json!("skipped"), &last["due"])
    );
    assert_eq!(rows.len(), 4);
    host.freezerd(&["state", "check"]).exits(0);
}

#[test]
fn an_interrupted_catch_up_run_is_caught_up_like_any_other() {
    let host = Host::new();
    let gate = host.gate("gate");
    host.put("a", every("1 hour", vec![gate.action()]));
    host.start().stop();
    host.sleep_through("a", TimeDelta::minutes(90));
    let daemon = host.start();
    let run = daemon.says("a", "started").run;
    daemon.kill();
    let daemon = host.start();
    gate.pass();
    daemon.says("a", "succeeded");
    let rows = host.history("a");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1]["run"], run);
    assert_eq!(rows[0]["makes_up_for"], run);
    assert_eq!(rows[0]["result"], "success");
}

#[test]
fn an_interrupted_one_shot_is_finished_after_its_catch_up() {
    let host = Host::new();
    let gate = host.gate("gate");
    let daemon = host.start();
    host.put("a", now(vec![gate.action()]));
    daemon.says("a", "started");
    daemon.kill();
    let daemon = host.start();
    gate.pass();
    daemon.says("a", "succeeded");
    assert_eq!(host.state("a"), "stop//success");
    assert_eq!(host.history("a").len(), 2);
}

#[test]
fn an_event_that_waited_for_the_end_of_a_run_takes_effect_when_the_run_is_interrupted() {
    for (event, state) in [
        ("stop", "stop//fail"),
        ("remove", "removed//fail"),
        ("abort", "stop//aborted"),
    ] {
        let host = Host::new();
        let gate = host.gate("gate");
        let command = format!(
            "trap '' TERM; : > '{}'; {}",
            host.path("up").display(),
            gate.wait()
        );
        host.put("a", someday(vec![exec(&command)]));
        let daemon = host.start();
        host.trigger("a");
        eventually("it runs", || host.path("up").exists());
        host.ask(event, "a");
        daemon.kill();
        let daemon = host.start();
        daemon.looks(&host);
        assert_eq!(host.state("a"), state);
        assert_eq!(
            host.history("a").len(),
            1,
            "{event}: nothing is caught up that nobody wants"
        );
    }
}

#[test]
fn an_attempt_is_still_due_after_a_kill_during_the_wait_for_it() {
    let host = Host::new();
    let gate = host.gate("gate");
    let mut action = exec(&format!(
        "test -e '{0}' && exit 0; : > '{0}'; exit 1",
        host.path("second").display()
    ));
    action["max_retries"] = json!(1);
    action["max_retries_interval"] = json!(2);
    host.put("a", someday(vec![gate.action(), action]));
    let daemon = host.start();
    host.trigger("a");
    gate.pass();
    let run = daemon.says("a", "tried again at").run;
    let before = host.ledger().run(run).unwrap().unwrap();
    daemon.kill();
    let daemon = host.start();
    let after = host.ledger().run(run).unwrap().unwrap();
    let RunState::Waiting { until, .. } = before.state else {
        panic!("{before:?}")
    };
    assert_eq!(after, before, "it waits for the same instant");
    let end = daemon.says("a", "succeeded");
    assert_eq!(end.run, run, "it is the same run");
    assert!(end.message.contains("succeeded"), "{}", end.message);
    let attempts = host.attempts(run);
    assert_eq!(attempts.len(), 3, "the first action is not repeated");
    assert!(attempts[2].started >= until);
}

#[test]
fn the_reason_of_a_failure_survives_a_kill() {
    let host = Host::new();
    let mut last = exec(&format!(
        "test -e '{0}' && exit 0; : > '{0}'; exit 1",
        host.path("second").display()
    ));
    last["mandatory"] = json!(true);
    last["max_retries"] = json!(1);
    last["max_retries_interval"] = json!(1);
    host.put("a", someday(vec![exec("exit 42"), last]));
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "tried again at");
    daemon.kill();
    let daemon = host.start();
    let end = daemon.run_of("a");
    assert!(end.message.contains("exit code 42"), "{}", end.message);
}

#[test]
fn after_a_kill_the_commands_that_only_read_still_answer() {
    let host = Host::new();
    let _gate = gated(&host, "a");
    let daemon = host.start();
    let (run, _) = run_to_the_gate(&host, "a");
    daemon.kill();
    let list = host.freezerd(&["list"]).exits(0);
    assert!(list.stdout().contains('a'));
    assert!(
        list.stderr().contains("No daemon is running"),
        "{}",
        list.stderr()
    );
    assert_eq!(host.json(&["list"])["daemon"], false);
    host.freezerd(&["show", "a"]).exits(0);
    host.freezerd(&["history"]).exits(0);
    host.freezerd(&["log", &run.to_string()]).exits(0);
    host.freezerd(&["next"]).exits(0);
    let _daemon = host.start();
}

#[test]
fn processes_that_an_agent_left_running_are_killed_at_the_next_start() {
    let host = Host::new();
    let gate = host.gate("gate");
    let stray = format!(
        "trap '' TERM HUP; echo $$ > '{}'; {}",
        host.path("stray").display(),
        gate.wait()
    );
    let script = host.file("stray.sh", &stray);
    host.put(
        "a",
        someday(vec![exec(&format!(
            "setsid sh '{}' & {}",
            script.display(),
            gate.wait()
        ))]),
    );
    let daemon = host.start();
    host.trigger("a");
    eventually("it runs", || {
        host.path("stray").exists() && host.read("stray").ends_with('\n')
    });
    daemon.kill();
    let pid = host.read("stray");
    assert!(is_alive(&pid), "it left the group, and nobody told it");
    let daemon = host.start();
    eventually("it is gone", || !is_alive(&pid));
    assert!(daemon.log().contains("an earlier freezerd left running"));
}

#[test]
fn if_a_file_is_deleted_while_no_daemon_runs_its_run_is_closed_and_its_job_is_gone() {
    let host = Host::new();
    let _gate = gated(&host, "a");
    let daemon = host.start();
    let (run, _) = run_to_the_gate(&host, "a");
    daemon.kill();
    host.delete("a");
    let daemon = host.start();
    daemon.says("a", &format!("run {run} was interrupted"));
    daemon.looks(&host);
    assert!(host.jobs().is_empty());
    let row = host.run(run);
    assert_eq!(row["state"], "interrupted");
    assert!(row["reason"].as_str().unwrap().contains("gone"), "{row:#}");
    assert_eq!(host.history("a").len(), 1);
}

#[test]
fn if_a_file_changes_while_no_daemon_runs_its_waiting_run_begins_again_with_the_new_content() {
    let host = Host::new();
    let mut action = exec("false");
    action["max_retries"] = json!(1);
    action["max_retries_interval"] = json!(3600);
    host.put("a", someday(vec![action]));
    let daemon = host.start();
    host.trigger("a");
    let run = daemon.says("a", "tried again at").run;
    daemon.stop();
    host.put("a", someday(vec![exec("true")]));
    let daemon = host.start();
    let end = daemon.says("a", "succeeded");
    assert_eq!(host.run(run)["state"], "interrupted");
    assert_eq!(host.run(end.run)["makes_up_for"], run);
}
