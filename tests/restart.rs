//! The daemon ends, well or badly, and comes back: nothing that was due is lost, and nothing is done twice.

mod harness;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::record::RunState;
use harness::{Daemon, Gate, Host, backup, eventually, every, exec, is_alive, now, someday};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A job whose command says who it is and who its agent is, and then waits at a gate.
fn gated(host: &Host, job: &str) -> Gate {
    let gate = host.gate(&format!("gate-of-{job}"));
    let command = format!(
        "echo $$ $PPID > '{}'; {}",
        host.path(&format!("pids-of-{job}")).display(),
        gate.wait()
    );
    host.put(job, someday(vec![exec(&command)]));
    gate
}

/// Triggers a job of that kind, and waits until its command runs. Returns the run, and its processes.
fn run_to_the_gate(host: &Host, job: &str) -> (u64, Vec<String>) {
    let run = host.trigger(job);
    (run, processes(host, job))
}

fn processes(host: &Host, job: &str) -> Vec<String> {
    let file = format!("pids-of-{job}");
    eventually("its command runs", || {
        host.path(&file).exists() && host.read(&file).ends_with('\n')
    });
    let pids = host
        .read(&file)
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    fs::remove_file(host.path(&file)).unwrap();
    pids
}

fn instant(value: &Value) -> DateTime<Utc> {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no instant"));
    text.parse().unwrap()
}

/// A job that was last due `minutes` before now, and every hour before that, while no daemon ran.
fn missed(host: &Host, catch_up: Option<&str>, hours: i64) -> Daemon {
    let mut job = every("1 hour", vec![exec("true")]);
    if let Some(word) = catch_up {
        job["job_schedule"]["schedule_catch_up"] = json!(word);
    }
    host.put("a", job);
    host.start().stop();
    host.sleep_through("a", TimeDelta::hours(hours) + TimeDelta::minutes(10));
    host.start()
}

// ---------------------------------------------------------------- killed

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
fn a_run_that_was_cut_off_is_closed_as_interrupted_and_caught_up_once() {
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
fn a_run_that_makes_up_for_another_and_is_cut_off_too_is_not_tried_for_ever() {
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
fn what_was_skipped_for_a_run_that_makes_up_for_another_is_owed_when_that_one_is_cut_off_too() {
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
fn a_catch_up_run_that_is_cut_off_is_caught_up_like_any_other() {
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
fn a_backup_that_was_done_when_its_run_was_cut_off_is_found_and_not_repeated() {
    let host = Host::new();
    let gate = host.gate("gate");
    let source = host.file("source/file", "content");
    let container = host.path("container");
    host.put(
        "a",
        someday(vec![
            backup(source.parent().unwrap(), &container),
            gate.action(),
        ]),
    );
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "exec");
    daemon.kill();
    let daemon = host.start();
    gate.pass();
    daemon.says("a", "succeeded");
    let snapshots = host.json(&["snapshots", "a"]);
    assert_eq!(snapshots["snapshots"].as_array().unwrap().len(), 1);
}

/// A backup is done, and its run is cut off in the action after it. Whatever changes now, changes while no daemon runs.
/// Returns the run, and the snapshot's id.
fn cut_off_after_its_backup(host: &Host, job: Value) -> (u64, Value) {
    host.put("a", job);
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.says("a", "exec");
    let made = snapshot_of(host, run)["id"].clone();
    daemon.kill();
    (run, made)
}

/// The snapshot that the run's first action names, as the container has it.
fn snapshot_of(host: &Host, run: u64) -> Value {
    let attempts = host.attempts(run);
    let last = attempts.iter().rfind(|attempt| attempt.action == 0);
    let end = json!(last.expect("an attempt").end);
    let id = &end["outcome"]["summary"]["snapshot"];
    let container = host.path("container");
    let listed = host.json(&["snapshots", "--container", container.to_str().unwrap()]);
    let all = listed["snapshots"].as_array().unwrap();
    let found = all.iter().find(|snapshot| snapshot["id"] == *id);
    found
        .unwrap_or_else(|| panic!("{end:#} is not in {listed:#}"))
        .clone()
}

#[test]
fn what_a_job_says_since_its_run_was_cut_off_is_backed_up_whatever_that_run_had_finished() {
    type Change = fn(&Host, &mut Value);
    let changes: [(&str, Change); 4] = [
        ("path and name", |host, backup| {
            backup["path_to_backup"] = json!(host.path("other"));
            backup["backup_name"] = json!("other");
        }),
        ("path", |host, backup| {
            backup["path_to_backup"] = json!(host.path("other"));
        }),
        ("name", |_, backup| backup["backup_name"] = json!("other")),
        ("exclude", |_, backup| backup["exclude"] = json!("*.tmp")),
    ];
    for (what, change) in changes {
        let host = Host::new();
        let gate = host.gate("gate");
        host.file("source/file", "content");
        host.file("source/file.tmp", "more");
        host.file("other/file", "other content");
        let mut job = someday(vec![
            backup(&host.path("source"), &host.path("container")),
            gate.action(),
        ]);
        let (run, before) = cut_off_after_its_backup(&host, job.clone());
        let action = &mut job["job_actions"][0]["freezer_action"];
        change(&host, action);
        let wanted = action.clone();
        host.put("a", job);
        let daemon = host.start();
        gate.pass();
        let again = daemon.says("a", "succeeded").run;
        assert_eq!(host.run(again)["makes_up_for"], run, "{what}");
        let made = snapshot_of(&host, again);
        assert_ne!(made["id"], before, "{what}");
        assert_eq!(made["paths"], json!([wanted["path_to_backup"]]), "{what}");
        assert_eq!(made["backup_name"], wanted["backup_name"], "{what}");
        let files = if what == "name" { 2 } else { 1 };
        assert_eq!(made["files"], files, "{what}");
    }
}

#[test]
fn what_came_due_since_a_run_was_cut_off_is_backed_up_by_the_one_that_makes_up_for_it() {
    let host = Host::new();
    let gate = host.gate("gate");
    host.file("source/file", "content");
    let actions = vec![
        backup(&host.path("source"), &host.path("container")),
        gate.action(),
    ];
    let (run, before) = cut_off_after_its_backup(&host, every("1 hour", actions));
    host.edit_job("a", |record| {
        record.anchor = Utc::now() - TimeDelta::hours(1);
        record.handled = record.anchor;
    });
    host.file("source/second", "what is new");
    let daemon = host.start();
    gate.pass();
    let again = daemon.says("a", "succeeded").run;
    let rows = host.history("a");
    let of = |key: &str| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("state"), ["skipped", "ended", "interrupted"]);
    assert_eq!(host.run(again)["makes_up_for"], run);
    let made = snapshot_of(&host, again);
    assert_ne!(made["id"], before);
    assert_eq!(made["files"], 2);
}

#[test]
fn a_run_whose_number_was_given_before_an_older_state_came_back_does_not_find_that_runs_backup() {
    let host = Host::new();
    host.file("source/file", "content");
    let mut action = backup(&host.path("source"), &host.path("container"));
    action["max_retries"] = json!(1);
    action["max_retries_interval"] = json!(1);
    host.put("a", someday(vec![action]));
    let daemon = host.start();
    daemon.stop();
    let state = host.freezerd(&["state", "export"]).exits(0).stdout();
    let state = host.file("state.jsonl", &state);
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.says("a", "succeeded");
    daemon.stop();
    let before = snapshot_of(&host, run)["id"].clone();
    let import = ["state", "import", "--replace", state.to_str().unwrap()];
    host.freezerd(&import).exits(0);
    // As on a host that has the exported state and no more.
    fs::remove_dir_all(host.path("state/logs")).unwrap();
    host.file("source/second", "what is new");
    // The first attempt is lost; the second one may look for what that had finished.
    let mut command = host.command(&["run", "--log-format", "json"]);
    command
        .env("FREEZERD_KILL_TRACE", host.path("trace"))
        .env("FREEZERD_KILL_AT", "RequestRead:1:agent");
    let daemon = host.launch_command(command);
    daemon.until(|line| line.message.starts_with("ready"));
    assert_eq!(host.trigger("a"), run, "the number comes again");
    daemon.says("a", "succeeded");
    assert_eq!(host.attempts(run).len(), 2);
    let made = snapshot_of(&host, run);
    assert_ne!(made["id"], before);
    assert_eq!(made["files"], 2);
}

#[test]
fn a_one_shot_that_is_cut_off_is_finished_after_its_catch_up() {
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
fn an_event_that_waited_for_the_end_of_a_run_is_carried_out_when_the_run_is_cut_off() {
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
fn a_kill_during_the_wait_for_the_next_attempt_leaves_that_attempt_due() {
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
fn after_a_kill_the_commands_that_only_look_still_answer() {
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
fn what_an_agent_left_running_is_killed_at_the_next_start() {
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
fn a_run_whose_file_is_deleted_while_nothing_runs_is_closed_and_the_job_goes() {
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
fn a_run_that_waits_while_its_file_changes_unseen_is_begun_anew_with_the_new_content() {
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

// ---------------------------------------------------------------- a disk that is full

/// Sets the size beyond which no file of the daemon's may be written.
fn limit_files(daemon: &Daemon, size: Option<u64>) {
    let pid = rustix::process::Pid::from_raw(daemon.id().try_into().unwrap());
    let limit = rustix::process::Rlimit {
        current: size,
        maximum: None,
    };
    rustix::process::prlimit(pid, rustix::process::Resource::Fsize, limit).unwrap();
}

#[test]
fn while_the_ledger_cannot_be_written_nothing_starts_and_afterwards_nothing_is_lost() {
    let host = Host::new();
    let mark = format!("echo ran >> '{}'", host.path("marks").display());
    host.put("a", someday(vec![exec(&mark)]));
    // Beyond its limit a write is to fail, and not to end the daemon.
    let mut command = Command::new("/bin/sh");
    let daemon = host.command(&["run", "--log-format", "json"]);
    command.arg("-c").arg("trap '' XFSZ; exec \"$0\" \"$@\"");
    command.arg(daemon.get_program()).args(daemon.get_args());
    for (name, value) in daemon.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.current_dir(host.path("work")).stdin(Stdio::null());
    let daemon = host.launch_command(command);
    daemon.until(|line| line.message.starts_with("ready"));
    limit_files(&daemon, Some(0));
    let event =
        json!({"id": "1-1", "command": "trigger", "job_id": "a", "by": "test", "at": Utc::now()});
    fs::write(host.path("state/events/1-1.json"), event.to_string()).unwrap();
    daemon.until(|line| {
        line.message
            .contains("nothing new is started until it works again")
    });
    assert!(!host.path("marks").exists());
    assert!(
        host.path("state/events/1-1.json").exists(),
        "what is not answered stays"
    );
    limit_files(&daemon, None);
    daemon.says("a", "succeeded");
    assert_eq!(host.read("marks"), "ran\n");
    assert_eq!(host.history("a").len(), 1);
    eventually("the event is answered", || {
        !host.path("state/events/1-1.json").exists()
    });
}

// ---------------------------------------------------------------- stopped

#[test]
fn sigterm_ends_running_children_records_them_and_catches_them_up_at_the_next_start() {
    let host = Host::new();
    let gate = host.gate("gate");
    let command = format!(
        "trap 'echo bye > {}; exit 0' TERM; : > '{}'; {}; echo done",
        host.path("bye").display(),
        host.path("up").display(),
        gate.wait()
    );
    host.put("a", someday(vec![exec(&command)]));
    let daemon = host.start();
    let run = host.trigger("a");
    eventually("it runs", || host.path("up").exists());
    assert!(daemon.stop().success());
    assert_eq!(host.read("bye"), "bye\n", "it was asked first");
    let row = host.run(run);
    assert_eq!(row["state"], "interrupted");
    assert!(
        row["reason"]
            .as_str()
            .unwrap()
            .contains("freezerd was stopped"),
        "{row:#}"
    );
    let waiting = &host.history("a")[0];
    assert_eq!(
        (&waiting["state"], &waiting["makes_up_for"]),
        (&json!("queued"), &json!(run))
    );
    gate.pass();
    let daemon = host.start();
    daemon.says("a", "succeeded");
    assert_eq!(host.state("a"), "scheduled//success");
    assert_eq!(host.history("a").len(), 2);
}

#[test]
fn sigterm_kills_what_does_not_end_within_the_grace_time() {
    let host = Host::new().env("FREEZERD_STOP_GRACE", "1 second");
    let gate = host.gate("gate");
    let command = format!(
        "trap '' TERM; echo $$ > '{}'; {}",
        host.path("pid").display(),
        gate.wait()
    );
    host.put("a", someday(vec![exec(&command)]));
    let daemon = host.start();
    let run = host.trigger("a");
    eventually("it runs", || {
        host.path("pid").exists() && host.read("pid").ends_with('\n')
    });
    assert!(daemon.stop().success());
    eventually("it is gone", || !is_alive(&host.read("pid")));
    assert_eq!(host.run(run)["state"], "interrupted");
}

#[test]
fn a_second_signal_kills_at_once() {
    let host = Host::new().env("FREEZERD_STOP_GRACE", "1 hour");
    let gate = host.gate("gate");
    let command = format!(
        "trap '' TERM; : > '{}'; {}",
        host.path("up").display(),
        gate.wait()
    );
    host.put("a", someday(vec![exec(&command)]));
    let daemon = host.start();
    let run = host.trigger("a");
    eventually("it runs", || host.path("up").exists());
    daemon.signal(Signal::TERM);
    daemon.until(|line| line.message.starts_with("stopping"));
    assert!(daemon.stop().success());
    assert_eq!(host.run(run)["state"], "interrupted");
}

#[test]
fn nothing_new_is_started_while_it_stops() {
    let host = Host::new();
    let gate = host.gate("gate");
    let command = format!(
        "trap '{}; exit 0' TERM; : > '{}'; while :; do sleep 1; done",
        gate.wait(),
        host.path("up").display()
    );
    host.put("a", someday(vec![exec(&command)]));
    host.put("b", someday(vec![exec("true")]));
    let daemon = host.start();
    host.trigger("a");
    eventually("it runs", || host.path("up").exists());
    daemon.signal(Signal::TERM);
    daemon.until(|line| line.message.starts_with("stopping"));
    let refusal = host.freezerd(&["trigger", "b"]).exits(75).stderr();
    assert!(refusal.contains("stopping"), "{refusal}");
    gate.pass();
    daemon.says("a", "interrupted");
    eventually("it is gone", || {
        !host.json(&["list"])["daemon"].as_bool().unwrap()
    });
    assert!(host.history("b").is_empty());
}

#[test]
fn a_run_that_waits_for_its_first_slot_starts_after_a_restart() {
    let host = Host::new().env("FREEZERD_CONCURRENT_JOBS", "1");
    let _gate = gated(&host, "holder");
    host.put("a", someday(vec![exec("true")]));
    let daemon = host.start();
    run_to_the_gate(&host, "holder");
    let run = host.trigger("a");
    daemon.says("a", "waiting for a free slot");
    host.delete("holder");
    daemon.kill();
    let daemon = host.start();
    assert_eq!(daemon.run_of("a").run, run);
    assert_eq!(host.history("a").len(), 1);
}

// ---------------------------------------------------------------- away

#[test]
fn several_firings_that_were_missed_are_one_catch_up_run_that_says_what_it_stands_for() {
    let host = Host::new();
    let daemon = missed(&host, None, 3);
    daemon.run_of("a");
    let rows = host.history("a");
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(
        (&row["trigger"], &row["covers"], &row["result"]),
        (&json!("catch_up"), &json!(3), &json!("success"))
    );
    assert_eq!(
        instant(&row["due"]) - instant(&row["first_due"]),
        TimeDelta::hours(2)
    );
    let late = instant(&row["started"]) - instant(&row["due"]);
    assert!(
        late > TimeDelta::minutes(9) && late < TimeDelta::minutes(12),
        "it stands for the last one: {late}"
    );
    let next = instant(&host.show("a")["x-freezerd"]["next"]);
    assert_eq!(
        next - instant(&row["due"]),
        TimeDelta::hours(1),
        "and the phase is kept"
    );
}

#[test]
fn with_schedule_catch_up_skip_missed_firings_are_a_row_that_says_so() {
    let host = Host::new();
    let daemon = missed(&host, Some("skip"), 3);
    daemon.looks(&host);
    let rows = host.history("a");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["state"], &rows[0]["covers"]),
        (&json!("skipped"), &json!(3))
    );
    assert!(
        rows[0]["reason"]
            .as_str()
            .unwrap()
            .contains("schedule_catch_up"),
        "{:#}",
        rows[0]
    );
    assert_eq!(host.state("a"), "scheduled//");
}

#[test]
fn with_a_duration_as_schedule_catch_up_only_what_is_not_later_than_that_is_caught_up() {
    let host = Host::new();
    let daemon = missed(&host, Some("20 minutes"), 2);
    daemon.run_of("a");
    assert_eq!(host.history("a")[0]["result"], "success");
    let host = Host::new();
    let daemon = missed(&host, Some("5 minutes"), 2);
    daemon.looks(&host);
    assert_eq!(host.history("a")[0]["state"], "skipped");
}

#[test]
fn a_date_that_was_missed_is_caught_up_however_late() {
    let host = Host::new();
    let date = (Utc::now() + TimeDelta::hours(1)).to_rfc3339();
    host.put(
        "a",
        json!({"job_actions": [exec("true")], "job_schedule": {"schedule_date": date}}),
    );
    host.start().stop();
    // What the file says cannot be moved into the past, so the ledger is told that it has always said so.
    let past = (Utc::now() - TimeDelta::hours(30)).to_rfc3339();
    let job =
        json!({"job_actions": [exec("true")], "job_schedule": {"schedule_date": past}}).to_string();
    host.put_text("a.json", &job);
    host.edit_job("a", |record| {
        record.document = job.clone();
        record.digest = freezerd::intake::Digest::of(job.as_bytes()).to_string();
        record.handled -= TimeDelta::hours(48);
    });
    let daemon = host.start();
    daemon.run_of("a");
    assert_eq!(host.history("a")[0]["trigger"], "catch_up");
    assert_eq!(host.state("a"), "stop//success");
}

#[test]
fn an_interval_keeps_its_phase_over_a_restart() {
    let host = Host::new().job("a", every("7 hours", vec![exec("true")]));
    let daemon = host.start();
    let next = host.show("a")["x-freezerd"]["next"].clone();
    daemon.stop();
    let _daemon = host.start();
    assert_eq!(host.show("a")["x-freezerd"]["next"], next);
}

#[test]
fn an_event_that_a_daemon_did_not_live_to_handle_is_handled_by_the_next_one_once() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    host.start().stop();
    let event =
        json!({"id": "123-4", "command": "trigger", "job_id": "a", "by": "test", "at": Utc::now()});
    let leave = || fs::write(host.path("state/events/123-4.json"), event.to_string()).unwrap();
    leave();
    let daemon = host.start();
    daemon.run_of("a");
    eventually("it is cleared away", || {
        !host.path("state/events/123-4.json").exists()
    });
    leave();
    eventually("and so is one that was answered", || {
        !host.path("state/events/123-4.json").exists()
    });
    daemon.looks(&host);
    assert_eq!(host.history("a").len(), 1);
    fs::write(host.path("state/events/junk.json"), "{").unwrap();
    daemon.until(|line| line.message.contains("junk.json is not an event"));
    eventually("it is set aside", || {
        host.path("state/events/junk.bad").exists()
    });
}

// ---------------------------------------------------------------- two of them, and none

#[test]
fn a_second_daemon_on_one_state_directory_says_who_has_it() {
    let host = Host::new();
    let daemon = host.start();
    for arguments in [&["run"][..], &["run", "--once"]] {
        let said = host.freezerd(arguments).exits(75).stderr();
        assert!(said.contains(&format!("process {}", daemon.id())), "{said}");
        assert!(said.contains("--state-dir"), "{said}");
    }
    assert_eq!(
        host.json(&["list"])["daemon"],
        true,
        "the first one is none the worse"
    );
}

#[test]
fn without_a_daemon_commands_that_ask_say_so_at_once_and_those_that_look_answer() {
    let host = Host::new().job("a", now(vec![exec("true")]));
    host.once().exits(0);
    for command in ["start", "stop", "abort", "remove", "trigger"] {
        let said = host.freezerd(&[command, "a"]).exits(69).stderr();
        assert!(said.contains("freezerd run"), "{said}");
    }
    assert!(
        fs::read_dir(host.path("state/events"))
            .unwrap()
            .next()
            .is_none(),
        "nothing is left for later"
    );
    assert_eq!(host.state("a"), "stop//success");
    assert_eq!(host.history("a").len(), 1);
    host.freezerd(&["log", "a"]).exits(0);
    host.freezerd(&["next", "a"]).exits(0);
}

#[test]
fn where_nothing_has_run_yet_commands_say_so() {
    let host = Host::new();
    for arguments in [
        &["list"][..],
        &["history"],
        &["show", "a"],
        &["log", "1"],
        &["next"],
        &["trigger", "a"],
    ] {
        let said = host.freezerd(arguments).exits(66).stderr();
        assert!(said.contains("has not run"), "{said}");
    }
    assert!(
        !Path::new(&host.path("state")).exists(),
        "and they leave nothing behind"
    );
}
