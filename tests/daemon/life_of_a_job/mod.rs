//! The life of a job: its status, events, results and retries, and the rows that record them.

mod abort;
mod failures;
mod file_state;
mod firings;
mod queued;
mod requests;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::harness::{Daemon, Gate, Host, exec, someday};

/// A job with one action, which waits at a gate.
fn gated(host: &Host, job: &str) -> Gate {
    let gate = host.gate(&format!("gate-of-{job}"));
    host.put(job, someday(vec![gate.action()]));
    gate
}

/// Triggers the job, and waits until its command runs. Returns the number of the run.
fn run_to_the_gate(host: &Host, daemon: &Daemon, job: &str) -> u64 {
    let run = host.trigger(job);
    daemon.says(job, &format!("run {run} started"));
    run
}

fn scheduled(schedule: Value, command: &str) -> Value {
    json!({"job_actions": [exec(command)], "job_schedule": schedule})
}

fn instant(value: &Value) -> DateTime<Utc> {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no instant"));
    text.parse().unwrap()
}

fn next(host: &Host, job: &str) -> Value {
    host.show(job)["x-freezerd"]["next"].clone()
}

fn exit_statuses(shown: &Value) -> Vec<&str> {
    let actions = shown["job_actions"].as_array().unwrap();
    actions
        .iter()
        .map(|action| action["exit_status"].as_str().unwrap_or("-"))
        .collect()
}
