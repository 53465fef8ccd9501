//! The stall watch: it ends an attempt that shows no progress, and no other.

use std::fs::{self, File};

use chrono::{DateTime, Utc};
use freezerd::record::AttemptEnd;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{Daemon, Gate, Host, backup, eventually, exec, is_alive, now, someday};

/// An action with its own stall timeout.
fn watched(mut action: Value, seconds: u32) -> Value {
    action["stall_timeout"] = json!(seconds);
    action
}

fn gated(host: &Host, job: &str, stall_timeout: Option<u32>) -> Gate {
    let gate = host.gate(&format!("gate-of-{job}"));
    let action = match stall_timeout {
        Some(seconds) => watched(gate.action(), seconds),
        None => gate.action(),
    };
    host.put(job, someday(vec![action]));
    gate
}

/// How the attempts of a run ended, as the ledger records it.
fn ends(host: &Host, run: u64) -> Vec<Value> {
    let attempts = host.attempts(run);
    let how = |attempt: &freezerd::record::AttemptRecord| json!(attempt.end)["how"].clone();
    attempts.iter().map(how).collect()
}

#[test]
fn a_command_that_writes_nothing_for_its_stall_timeout_is_ended_and_tried_again() {
    let host = Host::new();
    let gate = host.gate("gate");
    let mut action = watched(gate.action(), 1);
    action["max_retries"] = json!(1);
    action["max_retries_interval"] = json!(0);
    let daemon = host.start();
    host.put("a", now(vec![action]));
    let end = daemon.run_of("a");
    assert!(
        end.message
            .contains("exec: no progress for 1.0 s, its stall_timeout"),
        "{}",
        end.message
    );
    assert_eq!(host.state("a"), "stop//fail");
    assert_eq!(ends(&host, end.run), ["stalled", "stalled"]);
    assert_eq!(
        host.attempts(end.run)[0].end,
        Some(AttemptEnd::Stalled { seconds: 1.0 })
    );
    let reason = host.run(end.run)["reason"].clone();
    assert!(reason.as_str().unwrap().contains("no progress"), "{reason}");
    let attempts = host.json(&["log", "a"])["attempts"].clone();
    assert_eq!(attempts[1]["how"], "stalled");
    assert_eq!(
        attempts[1]["reason"],
        "exec: no progress for 1.0 s, its stall_timeout"
    );
}

#[test]
fn the_output_of_a_command_is_its_progress_even_without_a_line_end() {
    let host = Host::new();
    let dots = "for i in $(seq 24); do printf .; sleep 0.25; done";
    host.put("a", now(vec![watched(exec(dots), 4)]));
    let daemon = host.start();
    let end = daemon.run_of("a");
    assert!(end.message.contains("succeeded"), "{}", end.message);
    let attempt = &host.attempts(end.run)[0];
    let took = attempt.ended.unwrap() - attempt.started;
    assert!(took.num_seconds() > 4, "or nothing is proved: {took}");
}

#[test]
fn the_setting_applies_to_jobs_without_a_stall_timeout_and_0_turns_it_off_for_one() {
    let host = Host::new().env("FREEZERD_STALL_TIMEOUT", "1 second");
    let patient = gated(&host, "patient", Some(0));
    let _quiet = gated(&host, "quiet", None);
    let daemon = host.start();
    host.trigger("patient");
    daemon.says("patient", "exec read");
    let run = host.trigger("quiet");
    daemon.run_of("quiet");
    assert_eq!(ends(&host, run), ["stalled"]);
    assert_eq!(host.state("patient"), "running//");
    patient.pass();
    daemon.run_of("patient");
    assert_eq!(host.state("patient"), "scheduled//success");
}

#[test]
fn without_a_stall_timeout_no_attempt_is_watched() {
    let host = Host::new();
    let shown = host.json(&["config", "show"]);
    assert_eq!(shown["settings"]["stall_timeout"]["value"], "off");
    let patient = gated(&host, "patient", None);
    let _quiet = gated(&host, "quiet", Some(1));
    let daemon = host.start();
    host.trigger("patient");
    daemon.says("patient", "exec read");
    host.trigger("quiet");
    let end = daemon.run_of("quiet");
    assert!(end.message.contains("no progress"), "{}", end.message);
    patient.pass();
    daemon.run_of("patient");
    assert_eq!(host.state("patient"), "scheduled//success");
}

#[test]
fn a_daemon_that_was_suspended_itself_takes_no_silence_for_a_stall() {
    let host = Host::new();
    let ticks = host.path("ticks");
    let command = format!(
        "while ! test -e '{}'; do echo tick | tee -a '{}'; sleep 0.1; done",
        host.path("enough").display(),
        ticks.display()
    );
    host.put("a", someday(vec![watched(exec(&command), 3)]));
    let daemon = host.start();
    host.trigger("a");
    let count = || {
        fs::read_to_string(&ticks)
            .unwrap_or_default()
            .lines()
            .count()
    };
    eventually("it ticks", || count() > 0);
    daemon.signal(Signal::STOP);
    let before = count();
    // For longer than the stall timeout: a tick takes at least a tenth of a second.
    eventually("it ticks on", || count() > before + 50);
    daemon.signal(Signal::CONT);
    let before = count();
    eventually("it ticks on", || count() > before + 20);
    host.file("enough", "");
    let end = daemon.run_of("a");
    assert!(end.message.contains("succeeded"), "{}", end.message);
}

/// The process id of the agent of the daemon's only run.
fn agent_of(daemon: &Daemon) -> Pid {
    let daemon = daemon.id().to_string();
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .find_map(|entry| {
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let (_, rest) = stat.rsplit_once(") ")?;
            let parent = rest.split(' ').nth(1)?;
            let pid = entry.file_name().to_str()?.parse().ok()?;
            Pid::from_raw(pid).filter(|_| parent == daemon)
        })
        .expect("an agent")
}

#[test]
fn a_backup_continues_while_it_reads_bytes_and_is_ended_when_it_reads_none() {
    let host = Host::new().env("FREEZERD_STOP_GRACE", "1 second");
    // A sparse file: it uses no space on the disk, and takes longer to read than any test.
    fs::create_dir(host.path("source")).unwrap();
    let huge = File::create(host.path("source/huge")).unwrap();
    huge.set_len(2000 << 30).unwrap();
    let action = backup(&host.path("source"), &host.path("container"));
    host.put("a", someday(vec![watched(action, 5)]));
    let daemon = host.start();
    let run = host.trigger("a");
    let instant = |value: &Value| -> Option<DateTime<Utc>> { value.as_str()?.parse().ok() };
    eventually("it works for longer than its stall timeout", || {
        let progress = host.show("a")["x-freezerd"]["progress"].clone();
        let times = (instant(&progress["started"]), instant(&progress["updated"]));
        matches!(times, (Some(started), Some(updated)) if (updated - started).num_seconds() > 6)
    });
    let agent = agent_of(&daemon);
    kill_process(agent, Signal::STOP).unwrap();
    let end = daemon.run_of("a");
    assert!(
        end.message
            .contains("backup: no progress for 5.0 s, its stall_timeout"),
        "{}",
        end.message
    );
    assert_eq!(ends(&host, run), ["stalled"]);
    eventually("it is gone, although it could heed nothing", || {
        !is_alive(&agent.as_raw_nonzero().to_string())
    });
}

#[test]
fn a_stall_timeout_is_beside_the_action_or_in_it_and_two_values_are_refused() {
    let host = Host::new();
    let mut action = exec("true");
    action["freezer_action"]["stall_timeout"] = json!("90");
    host.put("good", now(vec![action.clone()]));
    host.freezerd(&["check"]).exits(0);
    host.put("bad", now(vec![watched(action, 60)]));
    let said = host.freezerd(&["check"]).exits(65);
    let said = said.stdout() + &said.stderr();
    assert!(
        said.contains(
            "`stall_timeout` is given beside `freezer_action` and in it, with two values"
        ),
        "{said}"
    );
    host.delete("bad");
    host.put("bad", now(vec![watched(exec("true"), 0)]));
    host.freezerd(&["check"]).exits(0);
    let shown = host.freezerd(&["schema"]).exits(0).stdout();
    assert!(shown.contains("\"stall_timeout\""));
}
