//! What an attempt leaves behind, and how the time that it waits is counted.

use std::fs;

use chrono::TimeDelta;
use freezerd::daemon::scheduler::{Message, Order};
use freezerd::ledger::memory::MemoryLedger;
use freezerd::protocol::Verdict;
use freezerd::record::{RunState, Trigger};
use serde_json::{Value, json};

use crate::harness::{Host, backup, eventually, exec, now, someday};
use crate::samples::{new_year, reported, scheduler};

fn retried(mut action: Value, retries: u32, wait: u32) -> Value {
    action["max_retries"] = json!(retries);
    action["max_retries_interval"] = json!(wait);
    action
}

#[test]
fn each_attempt_has_its_own_part_of_the_log_and_its_own_reason() {
    let host = Host::new();
    let say = "echo \"this is attempt $FREEZERD_ATTEMPT\"; exit $((10 + FREEZERD_ATTEMPT))";
    // The command imitates the daemon.
    let pretend =
        "echo '2026-01-01T00:00:00.000Z freezerd: action 2 of 2, attempt 2 of 3: exec echo'";
    host.put("a", now(vec![exec(pretend), retried(exec(say), 2, 0)]));
    let daemon = host.start();
    let run = daemon.run_of("a").run.to_string();
    let part = |arguments: &[&str]| {
        let all = [&["log", run.as_str()], arguments].concat();
        host.freezerd(&all).exits(0).stdout()
    };
    let second = part(&["--attempt", "2"]);
    assert!(
        second.contains("action 2 of 2, attempt 2 of 3: exec echo")
            && second.contains("exec: this is attempt 2")
            && second.contains("ended with exit code 12"),
        "{second}"
    );
    for others in [
        "attempt 1",
        "attempt 3",
        "exit code 11",
        "exit code 13",
        "exec: 2026",
    ] {
        assert!(!second.contains(others), "{others:?} is in\n{second}");
    }
    let first = part(&["--action", "1"]);
    assert!(
        first.contains("exec: 2026-01-01") && !first.contains("this is attempt"),
        "{first}"
    );
    let third = part(&["--action", "2", "--attempt", "3"]);
    assert!(
        third.contains("this is attempt 3") && third.contains("run 1 failed"),
        "{third}"
    );
    let whole = part(&[]);
    for text in [
        "run 1 started",
        "this is attempt 1",
        "this is attempt 2",
        "this is attempt 3",
    ] {
        assert!(whole.contains(text), "{text:?} is not in\n{whole}");
    }

    let answer = host.json(&["log", &run]);
    let told: Vec<(u64, u64, &str, &str)> = answer["attempts"]
        .as_array()
        .expect("a list of attempts")
        .iter()
        .map(|attempt| {
            assert!(attempt["started"].is_string() && attempt["ended"].is_string());
            let number = |key: &str| attempt[key].as_u64().expect("a number");
            let word = |key: &str| attempt[key].as_str().unwrap_or_default();
            (
                number("action"),
                number("attempt"),
                word("verdict"),
                word("reason"),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (0, 1, "success", ""),
            (1, 1, "failed", "exec: the command ended with exit code 11"),
            (1, 2, "failed", "exec: the command ended with exit code 12"),
            (1, 3, "failed", "exec: the command ended with exit code 13"),
        ]
    );
    let answer = host.json(&["log", &run, "--attempt", "2"]);
    assert_eq!(answer["attempts"].as_array().map(Vec::len), Some(1));
    assert!(!answer["lines"].to_string().contains("attempt 3 of 3"));
    let said = host
        .freezerd(&["log", &run, "--attempt", "4"])
        .exits(66)
        .stderr();
    assert!(
        said.contains("has no attempt 4: its attempts (action.attempt) are 1.1, 2.1, 2.2, 2.3"),
        "{said}"
    );
}

#[test]
fn a_process_that_an_attempt_left_behind_cannot_report_for_the_next_attempt() {
    let host = Host::new();
    let (late, gate) = (host.gate("late"), host.gate("gate"));
    let command = format!(
        "if [ $FREEZERD_ATTEMPT = 1 ]; then ({}; echo 'from the first') & exit 1; fi; {}",
        late.wait(),
        gate.wait()
    );
    host.put("a", now(vec![retried(exec(&command), 1, 0)]));
    let daemon = host.start();
    let run = daemon.says("a", "(attempt 2 of 2)").run.to_string();
    late.pass();
    let log = || host.freezerd(&["log", &run]).exits(0).stdout();
    eventually("it speaks", || log().contains("from the first"));
    assert!(
        log().contains(" exec, left behind: from the first\n"),
        "{}",
        log()
    );
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//success");
}

#[test]
fn a_wrong_or_missing_password_is_not_tried_again() {
    let host = Host::new();
    let source = host.file("source/file", "content");
    let container = host.path("container");
    let with = |pass_file: &str| {
        let mut action = backup(source.parent().expect("a parent"), &container);
        action["freezer_action"]["encrypt_pass_file"] = json!(host.path(pass_file));
        now(vec![retried(action, 3, 3600)])
    };
    for name in ["right", "wrong"] {
        let path = host.file(name, name);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(path, mode).unwrap();
    }
    let daemon = host.start();
    host.put("right", with("right"));
    daemon.says("right", "succeeded");
    for (job, reason) in [("wrong", "password"), ("missing", "pass file")] {
        host.put(job, with(job));
        let end = daemon.run_of(job);
        assert!(end.message.contains(reason), "{}", end.message);
        assert_eq!(host.state(job), "stop//fail");
        assert_eq!(host.attempts(end.run).len(), 1, "{job}");
    }
}

#[test]
fn a_run_whose_next_attempt_waits_for_a_slot_can_be_aborted() {
    let host = Host::new().env("FREEZERD_CONCURRENT_JOBS", "1");
    let (first, second) = (host.gate("first"), host.gate("second"));
    let fail = format!("{}; exit 1", first.wait());
    host.put("a", someday(vec![retried(exec(&fail), 1, 1)]));
    host.put("b", someday(vec![second.action()]));
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.says("a", "exec read");
    host.trigger("b");
    daemon.says("b", "waiting for a free slot");
    first.pass();
    daemon.says("a", "tried again at");
    daemon.says("a", "waiting for a free slot");
    assert_eq!(host.state("a"), "running//", "its first attempt was made");
    host.ask("abort", "a");
    assert_eq!(host.state("a"), "stop//aborted");
    second.pass();
    daemon.run_of("b");
    daemon.looks(&host);
    assert_eq!(host.attempts(run).len(), 1);
    assert_eq!(host.run(run)["result"], "aborted");
}

#[test]
fn requests_and_their_answers_survive_a_kill() {
    let host = Host::new();
    let gate = host.gate("gate");
    host.put("a", someday(vec![gate.action()]));
    let daemon = host.start();
    host.trigger("a");
    let answer = host.ask("stop", "a");
    daemon.kill();
    let told = host.json(&["why", "a"]);
    let event = &told["events"][0];
    assert_eq!(
        (&event["command"], &event["accepted"], &event["answer"]),
        (&json!("stop"), &json!(true), &json!(answer))
    );
    assert!(
        event["by"].as_str().is_some_and(|by| !by.is_empty()),
        "{event}"
    );
}

#[test]
fn a_run_that_waited_for_a_slot_for_hours_is_not_late() {
    // No catch-up is allowed for either job.
    let daily = |command: &str, minute: &str| {
        let mut action = exec(command);
        action["timeout"] = json!(60);
        let schedule = json!({
            "schedule_hour": "1", "schedule_minute": minute, "schedule_catch_up": "skip",
        });
        json!({"job_actions": [action], "job_schedule": schedule})
    };
    let files = [
        ("first".to_owned(), daily("one", "0")),
        ("second".to_owned(), daily("two", "1")),
    ];
    let midnight = new_year();
    let at = |hour: i64, minute: i64| midnight + TimeDelta::minutes(60 * hour + minute);
    let (mut scheduler, _) = scheduler(MemoryLedger::default(), 1, files, midnight);
    let started = |orders: Vec<Order>| -> Vec<String> {
        let spawns = orders.into_iter().filter_map(|order| match order {
            Order::Spawn(spawn) => Some(spawn.request.job_id),
            _ => None,
        });
        spawns.collect()
    };
    let orders = scheduler.handle(Message::Tick, at(1, 0)).unwrap();
    assert_eq!(started(orders), ["first"]);
    let orders = scheduler.handle(Message::Tick, at(1, 1)).unwrap();
    assert_eq!(started(orders), [""; 0]);
    let run = scheduler.ledger().runs[&2].clone();
    assert_eq!(
        run.waits_for.as_deref(),
        Some("waiting for a free slot (1 action at a time)")
    );
    let ended = Message::Ended {
        run: 1,
        action: 0,
        attempt: 1,
        end: reported(Verdict::Success),
    };
    let orders = scheduler.handle(ended, at(9, 0)).unwrap();
    assert_eq!(started(orders), ["second"], "eight hours later");
    let run = &scheduler.ledger().runs[&2];
    assert_eq!((run.trigger, run.due), (Trigger::Schedule, at(1, 1)));
    assert_eq!(run.reason, None);
    assert!(matches!(run.state, RunState::Running { .. }));
    assert_eq!(
        scheduler.ledger().attempts[&(2, 0, 1)].started,
        at(9, 0),
        "its timeout counts from here"
    );
}

#[test]
fn an_attempt_that_returned_its_slot_gets_it_again_although_nothing_new_is_started() {
    let at_one = json!({"job_actions": [exec("true")], "job_schedule": {"schedule_hour": "1"}});
    let files = ["first", "second"].map(|name| (name.to_owned(), at_one.clone()));
    let one = new_year() + TimeDelta::hours(1);
    let (mut scheduler, _) = scheduler(MemoryLedger::default(), 1, files, new_year());
    let mut runs = |message: Message| -> Vec<String> {
        let orders = scheduler.handle(message, one).unwrap();
        let about = orders.into_iter().filter_map(|order| match order {
            Order::Spawn(spawn) => Some(format!("start {}", spawn.request.run)),
            Order::SlotGiven { run } => Some(format!("go on {run}")),
            _ => None,
        });
        about.collect()
    };
    assert_eq!(runs(Message::Tick), ["start 1"]);
    assert_eq!(runs(Message::SlotReturned { run: 1 }), ["start 2"]);
    assert_eq!(runs(Message::Drain), [""; 0]);
    assert_eq!(runs(Message::SlotWanted { run: 1 }), [""; 0]);
    let ended = Message::Ended {
        run: 2,
        action: 0,
        attempt: 1,
        end: reported(Verdict::Success),
    };
    assert_eq!(runs(ended), ["go on 1"]);
}

#[test]
fn an_agent_may_open_as_many_files_as_the_host_allows_and_its_command_as_many_as_before() {
    let host = Host::new().job(
        "a",
        now(vec![exec(
            "echo soft $(ulimit -Sn) $(awk '/Max open files/ {print $4}' /proc/$PPID/limits)",
        )]),
    );
    let binary = env!("CARGO_BIN_EXE_freezerd");
    let mut command = std::process::Command::new("/bin/sh");
    let prepared = host.command(&[]);
    for (name, value) in prepared.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let script = format!("ulimit -Sn 300 && ulimit -Hn 3000 && exec {binary} run --once");
    let ran = command.arg("-c").arg(script).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let log = host.freezerd(&["log", "a"]).stdout();
    assert!(log.contains("exec: soft 300 3000"), "{log}");
}

#[test]
fn an_agent_is_told_the_zone_that_its_job_names_for_the_windows_of_limits() {
    let at_one = |zone: Option<&str>| {
        let schedule = json!({"schedule_hour": "1", "schedule_timezone": zone});
        json!({"job_actions": [exec("true")], "job_schedule": schedule})
    };
    let files = [
        ("named".to_owned(), at_one(Some("Etc/UTC"))),
        ("plain".to_owned(), at_one(None)),
    ];
    let midnight = new_year();
    let (mut scheduler, _) = scheduler(MemoryLedger::default(), 2, files, midnight);
    let orders = scheduler.handle(Message::Tick, midnight + TimeDelta::hours(1));
    let zones = orders.unwrap().into_iter().filter_map(|order| match order {
        Order::Spawn(spawn) => Some((spawn.request.job_id, spawn.request.zone)),
        _ => None,
    });
    let mut zones: Vec<(String, Option<String>)> = zones.collect();
    zones.sort();
    let named = ("named".to_owned(), Some("Etc/UTC".to_owned()));
    // Whoever starts the agent adds the zone of the settings.
    assert_eq!(zones, [named, ("plain".to_owned(), None)]);
}
