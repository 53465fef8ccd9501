//! The daemon stops or is killed, and starts again: no due occurrence is lost, and nothing is done twice.

mod cut_off;
mod cut_off_backup;
mod missed;
mod no_daemon;
mod stopping;

use std::fs;

use crate::harness::{Gate, Host, eventually, exec, someday};

/// A job whose command writes its own and its agent's process id, and then waits at a gate.
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

/// Triggers such a job, and waits until its command runs. Returns the run and its processes.
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
