//! `abort` ends a run and all processes that it started.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::exit_statuses;
use crate::harness::{Gate, Host, eventually, exec, is_alive, someday};

#[test]
fn abort_ends_the_running_action_now_and_then_stops() {
    let host = Host::new();
    let going = host.gate("going");
    // The command needs a moment to end, so that the test can see the state meanwhile.
    let command = format!(
        "trap '{}; exit 1' TERM; echo $$ > '{}'; while :; do sleep 1; done",
        going.wait(),
        host.path("pid").display()
    );
    host.put("a", someday(vec![exec(&command), exec("true")]));
    let daemon = host.start();
    let run = host.trigger("a");
    eventually("its command runs", || {
        host.path("pid").exists() && host.read("pid").ends_with('\n')
    });
    host.ask("abort", "a");
    assert_eq!(host.state("a"), "aborting/abort/");
    going.pass();
    let end = daemon.run_of("a");
    assert!(end.message.contains("was aborted"), "{}", end.message);
    assert_eq!(host.state("a"), "stop//aborted");
    assert_eq!(exit_statuses(&host.show("a")), ["fail", "-"]);
    assert_eq!(host.run(run)["result"], "aborted");
    assert!(!is_alive(&host.read("pid")), "the command is gone");
}

#[test]
fn abort_kills_a_command_that_ignores_it_and_all_processes_that_it_started() {
    let host = Host::new().env("FREEZERD_STOP_GRACE", "1 second");
    let gate = host.gate("gate");
    let command = format!(
        "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ >> {pids}; read -r _ < {gate}' & echo $$ >> {pids}; read -r _ < {gate}",
        pids = host.path("pids").display(),
        gate = host.path("gate").display()
    );
    host.put("a", someday(vec![exec(&command)]));
    let daemon = host.start();
    host.trigger("a");
    eventually("both run", || {
        host.path("pids").exists() && host.read("pids").lines().count() == 2
    });
    host.ask("abort", "a");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//aborted");
    eventually("they are gone", || !host.read("pids").lines().any(is_alive));
    drop(gate);
}

/// A script that writes its process id, and then waits at a gate and ignores signals.
fn stray(host: &Host, name: &str, gate: &Gate) -> String {
    let pid = host.path(name);
    let script = format!(
        "trap '' TERM HUP; echo $$ > '{}'; {}",
        pid.display(),
        gate.wait()
    );
    let script = host.file(&format!("{name}.sh"), &script);
    format!("setsid sh '{}'", script.display())
}

fn pid_of(host: &Host, name: &str) -> String {
    eventually("it runs", || {
        host.path(name).exists() && host.read(name).ends_with('\n')
    });
    host.read(name)
}

#[test]
fn processes_that_left_the_group_end_with_an_attempt_that_is_ended_or_lost() {
    for how in ["abort", "timeout", "a lost agent"] {
        let host = Host::new().env("FREEZERD_STOP_GRACE", "1 second");
        let gate = host.gate("gate");
        let mut action = exec(&format!(
            "echo $PPID > '{}'; {} & {}",
            host.path("agent").display(),
            stray(&host, "stray", &gate),
            gate.wait()
        ));
        if how == "timeout" {
            action["timeout"] = json!(3);
        }
        host.put("a", someday(vec![action]));
        let daemon = host.start();
        let run = host.trigger("a");
        let pid = pid_of(&host, "stray");
        match how {
            "abort" => drop(host.ask("abort", "a")),
            "a lost agent" => {
                let agent = Pid::from_raw(pid_of(&host, "agent").trim().parse().unwrap());
                kill_process(agent.unwrap(), Signal::KILL).unwrap();
            }
            _ => {}
        }
        daemon.run_of("a");
        assert!(!is_alive(&pid), "{how}");
        let log = host.freezerd(&["log", &run.to_string()]).exits(0).stdout();
        assert!(
            log.contains("killed 1 process that had left the action's process group"),
            "{how}: {log}"
        );
    }
}

#[test]
fn background_processes_of_an_earlier_action_survive_an_abort_of_its_run_and_a_kill() {
    for kill in [false, true] {
        let host = Host::new().env("FREEZERD_STOP_GRACE", "1 second");
        let gate = host.gate("gate");
        let server = exec(&format!(
            "{} >/dev/null 2>&1 &",
            stray(&host, "server", &gate)
        ));
        host.put("a", someday(vec![server, gate.action()]));
        let daemon = host.start();
        host.trigger("a");
        let pid = pid_of(&host, "server");
        daemon.says("a", "exec done");
        daemon.says("a", "exec");
        let daemon = if kill {
            daemon.kill();
            host.start()
        } else {
            host.ask("abort", "a");
            daemon.run_of("a");
            daemon
        };
        daemon.looks(&host);
        assert!(is_alive(&pid), "killed: {kill}");
        gate.pass();
        gate.pass();
        gate.pass();
    }
}

#[test]
fn abort_is_refused_when_no_run_is_active() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let _daemon = host.start();
    let refusal = host.freezerd(&["abort", "a"]).exits(75).stderr();
    assert!(refusal.contains("no run to abort"), "{refusal}");
    assert!(refusal.contains("`freezerd stop`"), "{refusal}");
    assert_eq!(host.state("a"), "scheduled//");
    host.ask("stop", "a");
    let refusal = host.freezerd(&["abort", "a"]).exits(75).stderr();
    assert!(refusal.contains("it is stopped already"), "{refusal}");
}

#[test]
fn start_during_an_abort_puts_the_job_back_on_its_schedule_after_it() {
    let host = Host::new();
    let going = host.gate("going");
    let command = format!(
        "trap '{}; exit 1' TERM; : > '{}'; while :; do sleep 1; done",
        going.wait(),
        host.path("up").display()
    );
    host.put("a", someday(vec![exec(&command)]));
    let daemon = host.start();
    host.trigger("a");
    eventually("its command runs", || host.path("up").exists());
    host.ask("abort", "a");
    host.ask("start", "a");
    assert_eq!(host.state("a"), "aborting/start/");
    going.pass();
    daemon.run_of("a");
    assert_eq!(host.state("a"), "scheduled//aborted");
}

#[test]
fn the_result_is_aborted_even_when_an_action_had_failed_before() {
    let host = Host::new();
    let gate = host.gate("gate");
    let mut waiting = gate.action();
    waiting["mandatory"] = json!(true);
    host.put("a", someday(vec![exec("false"), waiting]));
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "exec failed");
    daemon.says("a", "exec read");
    host.ask("abort", "a");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//aborted");
}

#[test]
fn after_an_abort_mandatory_actions_run_and_the_job_says_that_it_stands_still() {
    let host = Host::new();
    let gate = host.gate("gate");
    let ran = host.path("work/ran");
    let mut last = exec(&format!("echo $FREEZERD_RESULT >> {}", ran.display()));
    last["mandatory"] = json!(true);
    host.put(
        "a",
        someday(vec![gate.action(), exec("echo skipped"), last]),
    );
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "exec read");
    let answer = host.ask("abort", "a");
    assert!(answer.contains("`freezerd start a`"), "{answer}");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//aborted");
    assert_eq!(std::fs::read_to_string(&ran).unwrap(), "fail\n");
    let log = host.freezerd(&["log", "a"]).stdout();
    assert!(!log.contains("skipped"), "{log}");
    let doctor = host.freezerd(&["doctor", "--no-containers"]).stdout();
    assert!(
        doctor.contains("somebody aborted its last run") && doctor.contains("freezerd start a"),
        "{doctor}"
    );
    let status = host.freezerd(&["status"]).stdout();
    assert!(
        status.contains("1 off the schedule since an abort"),
        "{status}"
    );
    host.ask("start", "a");
    let doctor = host.freezerd(&["doctor", "--no-containers"]).stdout();
    assert!(!doctor.contains("somebody aborted"), "{doctor}");
}

#[test]
fn a_second_abort_ends_the_mandatory_actions_too() {
    let host = Host::new();
    let gate = host.gate("gate");
    let second = host.gate("second");
    let mut mandatory = second.action();
    mandatory["mandatory"] = json!(true);
    let mut third = exec("echo never");
    third["mandatory"] = json!(true);
    host.put("a", someday(vec![gate.action(), mandatory, third]));
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "exec read");
    host.ask("abort", "a");
    daemon.says("a", "exec read");
    host.ask("abort", "a");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//aborted");
    assert!(!host.freezerd(&["log", "a"]).stdout().contains("never"));
}
