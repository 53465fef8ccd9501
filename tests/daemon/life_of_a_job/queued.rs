//! A run that waits for its first slot.

use super::{gated, run_to_the_gate};
use crate::harness::{Daemon, Gate, Host, exec, someday};

/// A host with one slot, which the job `holder` uses, and a run of `a` that waits for the slot.
fn queued() -> (Host, Daemon, Gate, u64) {
    let host = Host::new()
        .env("FREEZERD_CONCURRENT_JOBS", "1")
        .job("a", someday(vec![exec("true")]));
    let gate = gated(&host, "holder");
    let daemon = host.start();
    run_to_the_gate(&host, &daemon, "holder");
    let run = host.trigger("a");
    daemon.says("a", "waiting for a free slot");
    (host, daemon, gate, run)
}

#[test]
fn a_run_that_waits_for_its_first_slot_does_not_show_as_running() {
    let (host, daemon, gate, run) = queued();
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(host.run(run)["state"], "queued");
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.state("a"), "scheduled//success");
}

#[test]
fn stop_and_remove_close_the_row_of_a_run_that_has_not_started() {
    for (command, state) in [("stop", "stop//"), ("remove", "removed//")] {
        let (host, daemon, gate, run) = queued();
        host.ask(command, "a");
        assert_eq!(host.state("a"), state);
        let row = host.run(run);
        assert_eq!(row["state"], "skipped");
        assert!(
            row["reason"]
                .as_str()
                .unwrap()
                .contains("before it started"),
            "{row:#}"
        );
        gate.pass();
        daemon.run_of("holder");
        daemon.looks(&host);
        assert_eq!(host.attempts(run), [], "{command}: it never started");
    }
}

#[test]
fn abort_closes_the_row_of_a_run_that_has_not_started_as_aborted() {
    let (host, _daemon, _gate, run) = queued();
    host.ask("abort", "a");
    assert_eq!(host.state("a"), "stop//aborted");
    assert_eq!(host.run(run)["result"], "aborted");
    assert_eq!(host.attempts(run), []);
}

#[test]
fn deleting_a_file_closes_the_row_of_a_run_that_has_not_started() {
    let (host, daemon, _gate, run) = queued();
    host.delete("a");
    daemon.says("a", "gone");
    let row = host.run(run);
    assert_eq!(row["state"], "skipped");
    assert!(
        row["reason"].as_str().unwrap().contains("deleted"),
        "{row:#}"
    );
}
