//! What an earlier daemon's agents left running. An agent dies with its daemon; its command may need a moment, or
//! have been left behind when both were killed at once.

use std::fs;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// Kills every process of these runs, found by the tag in its environment, and waits until they are gone. Returns
/// how many there were.
pub fn kill(run_tags: &[String]) -> usize {
    if run_tags.is_empty() {
        return 0;
    }
    let wanted: Vec<Vec<u8>> = run_tags
        .iter()
        .map(|tag| format!("FREEZERD_RUN_TAG={tag}").into_bytes())
        .collect();
    let mut killed = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        // The descriptor comes first: it then stands for the process whose environment is read.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        let Ok(environment) = fs::read(entry.path().join("environ")) else {
            continue;
        };
        let ours = environment
            .split(|byte| *byte == 0)
            .any(|variable| wanted.iter().any(|wanted| wanted == variable));
        if ours && pidfd_send_signal(&process, Signal::KILL).is_ok() {
            killed.push(process);
        }
    }
    let deadline = Instant::now() + PATIENCE;
    for process in &killed {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = rustix::event::Timespec::try_from(left).ok();
        let _ = poll(&mut [PollFd::new(process, PollFlags::IN)], left.as_ref());
    }
    killed.len()
}
