//! SIGUSR1: the daemon makes way for a newer version.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::json;

use super::Manager;
use crate::harness::{Host, eventually, exec, now, someday};

/// The exit code that tells the service manager to start the newer version.
const START_AGAIN: i32 = 79;

#[test]
fn sigusr1_lets_a_running_action_succeed_and_then_makes_way() {
    let host = Host::new();
    let gate = host.gate("gate");
    // Both actions of the run must succeed before the daemon exits.
    host.put("a", someday(vec![gate.action(), gate.action()]));
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, None);
    manager.hears_of("READY=1");
    let run = host.trigger("a");
    daemon.says("a", "started");
    daemon.signal(Signal::USR1);
    manager.hears_of("makes way for a new start when nothing runs");
    // The daemon continues as usual: what becomes due meanwhile runs too.
    host.put("b", now(vec![exec("true")]));
    assert!(daemon.run_of("b").message.contains("succeeded"));
    gate.pass();
    gate.pass();
    assert_eq!(daemon.end().code(), Some(START_AGAIN));
    assert_eq!(host.run(run)["result"], "success");
    assert_eq!(host.run(run)["state"], "ended");
    assert_eq!(host.history("b").len(), 1);
    // The next daemon continues.
    let daemon = host.start();
    let run = host.trigger("a");
    gate.pass();
    gate.pass();
    assert!(daemon.run_of("a").message.contains("succeeded"));
    assert_eq!(host.run(run)["trigger"], "manual");
    assert_eq!(host.history("a").len(), 2, "nothing was made up for");
}

#[test]
fn sigusr1_makes_way_at_once_where_nothing_runs() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, None);
    manager.hears_of("READY=1");
    daemon.signal(Signal::USR1);
    manager.hears_of("STATUS=making way for a new start");
    assert_eq!(daemon.end().code(), Some(START_AGAIN));
}

#[test]
fn after_a_second_sigusr1_nothing_new_starts_and_the_next_daemon_runs_what_became_due() {
    let host = Host::new();
    let gate = host.gate("gate");
    host.put("a", someday(vec![gate.action(), exec("true")]));
    let daemon = host.start();
    let cut = host.trigger("a");
    daemon.says("a", "started");
    daemon.signal(Signal::USR1);
    daemon.until(|line| line.message.contains("asked to make way"));
    daemon.signal(Signal::USR1);
    daemon.until(|line| line.message.contains("nothing new is started"));
    host.put("b", now(vec![exec("true")]));
    eventually("b is claimed", || {
        host.jobs().contains(&"b".to_owned()) && host.history("b").len() == 1
    });
    assert_eq!(host.history("b")[0]["state"], "queued");
    gate.pass();
    assert_eq!(daemon.end().code(), Some(START_AGAIN));
    // The run stopped between its two actions. Nothing is repeated, and nothing is lost.
    let daemon = host.start();
    assert!(daemon.run_of("a").message.contains("succeeded"));
    assert!(daemon.run_of("b").message.contains("succeeded"));
    assert_eq!(host.run(cut)["result"], "success");
    assert_eq!(host.attempts(cut).len(), 2, "each action once");
    assert_eq!(host.history("a").len(), 1);
    assert_eq!(host.history("b").len(), 1);
}

#[test]
fn a_retry_that_waits_for_its_interval_continues_to_wait_in_the_next_daemon() {
    let host = Host::new();
    let mark = host.path("mark");
    let command = format!("test -e '{}'", mark.display());
    let mut action = exec(&command);
    action["max_retries"] = json!(1);
    action["max_retries_interval"] = json!(3);
    host.put("a", someday(vec![action]));
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.says("a", "failed after");
    daemon.signal(Signal::USR1);
    assert_eq!(daemon.end().code(), Some(START_AGAIN));
    assert_eq!(host.run(run)["state"], "waiting");
    fs::write(&mark, "").unwrap();
    let daemon = host.start();
    assert!(daemon.run_of("a").message.contains("succeeded"));
    assert_eq!(host.attempts(run).len(), 2);
}

#[test]
fn a_daemon_whose_program_was_replaced_on_disk_continues_with_agents_of_its_own_version() {
    let host = Host::new();
    let program = host.path("freezerd");
    // By another process: a file that is open for writing, here or in a child of another test, cannot be started.
    let mut copy = std::process::Command::new("cp");
    let copied = copy.arg(env!("CARGO_BIN_EXE_freezerd")).arg(&program);
    assert!(copied.status().unwrap().success());
    let known = host.command(&["run", "--log-format", "json"]);
    let mut command = std::process::Command::new(&program);
    command.args(known.get_args()).env_clear();
    for (name, value) in known.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let daemon = host.launch_command(command);
    daemon.until(|line| line.message.starts_with("ready"));
    // As dpkg and rpm do it: a new file is renamed over the program.
    host.file("new", "#!/bin/sh\nexit 1\n");
    fs::set_permissions(host.path("new"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(host.path("new"), &program).unwrap();
    host.put("a", now(vec![exec("true")]));
    assert!(daemon.run_of("a").message.contains("succeeded"));
}

#[test]
fn sigterm_stops_a_daemon_that_was_about_to_make_way() {
    let host = Host::new();
    let gate = host.gate("gate");
    host.put("a", someday(vec![gate.action()]));
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.says("a", "started");
    daemon.signal(Signal::USR1);
    assert!(
        daemon.stop().success(),
        "stopped is stopped, not started again"
    );
    assert_eq!(host.run(run)["state"], "interrupted");
}
