//! A daemon that stops, and one that cannot write its ledger.

use std::fs;
use std::process::{Command, Stdio};

use chrono::Utc;
use rustix::process::Signal;
use serde_json::json;

use super::{gated, run_to_the_gate};
use crate::harness::{Daemon, Host, eventually, exec, is_alive, someday};

/// Limits the size of the files that the daemon can write.
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
    // A write beyond the limit must fail, and not end the daemon.
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
    // As a sender does it: the daemon must not read half of it.
    let hidden = host.path("state/events/.1-1.tmp");
    fs::write(&hidden, event.to_string()).unwrap();
    fs::rename(hidden, host.path("state/events/1-1.json")).unwrap();
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

#[test]
fn sigterm_ends_running_actions_records_them_and_the_next_start_catches_up() {
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
fn sigterm_kills_actions_that_do_not_end_within_the_grace_time() {
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
fn nothing_new_starts_while_the_daemon_stops() {
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
