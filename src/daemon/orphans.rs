//! Kills what an action left running that was cut short: its daemon was killed, or it was ended. Most of that is in the
//! agent's process group. This finds the rest, by the environment.
//!
//! What an action started and left running on purpose, such as a server, stays: the action came to its own end.

use std::fs;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::protocol::agent_process;

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// Kills every process of these actions (the run's tag, and the action's index), and waits until they are gone. Returns
/// how many there were.
pub fn kill(actions: &[(String, u32)]) -> usize {
    if actions.is_empty() {
        return 0;
    }
    let wanted: Vec<[Vec<u8>; 2]> = actions
        .iter()
        .map(|(run_tag, action)| {
            agent_process::environment(run_tag, *action)
                .map(|(name, value)| format!("{name}={value}").into())
        })
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
        let has = |wanted: &Vec<u8>| environment.split(|byte| *byte == 0).any(|is| is == wanted);
        let ours = wanted.iter().any(|wanted| wanted.iter().all(has));
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
