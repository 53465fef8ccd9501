//! Orphans: processes of an action that was cut off, because its daemon was killed or because the action was ended.
//! Most of them are in the agent's process group. This finds the others, by their environment.
//!
//! What an action started and left running when it came to its own end (a server, for example) stays.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, getpgid, pidfd_open, pidfd_send_signal};

use crate::limits::Groups;
use crate::protocol::{RunTag, agent_process};
use crate::record::{RunRecord, RunState};
use crate::units;

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long execve(2) may take to give a process its environment. Then a process without one counts as a stranger's.
const START: Duration = Duration::from_secs(1);

/// Kills what an earlier daemon left running of its open runs. It must not run beside what this daemon starts.
pub fn kill_of_open_runs(open_runs: &[RunRecord], ledger_id: &str, groups: Option<&Groups>) {
    let mut actions = Vec::new();
    for run in open_runs {
        let RunState::Running { action, .. } = run.state else {
            continue;
        };
        if let Some(groups) = groups {
            groups.clear(run.number);
        }
        actions.push((RunTag::new(ledger_id, run.number), action));
    }
    let killed = kill(&actions, None);
    if killed > 0 {
        let killed = units::count(killed as u64, "process", "processes");
        tracing::warn!("killed {killed} that an earlier freezerd left running");
    }
}

/// Kills every process of these actions (the run's tag, and the action's index), and waits until they are gone. Returns
/// how many processes it killed.
///
/// `killed_group` is a process group that was killed before. Its processes are waited for, but not counted: they may not
/// be gone yet.
pub fn kill(actions: &[(RunTag, u32)], killed_group: Option<Pid>) -> usize {
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
    let begin = Instant::now();
    let deadline = begin + PATIENCE;
    let mut count = 0;
    // A process may start another one while /proc is read. So it is read until nothing is left to kill.
    loop {
        let look = look(&wanted);
        for (pid, process) in &look.ours {
            // Asked before the signal, since a process that is gone has no group.
            let was_killed = killed_group.is_some() && getpgid(Some(*pid)).ok() == killed_group;
            if pidfd_send_signal(process, Signal::KILL).is_ok() {
                count += usize::from(!was_killed);
            }
        }
        for (_, process) in &look.ours {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = rustix::event::Timespec::try_from(left).ok();
            let _ = poll(&mut [PollFd::new(process, PollFlags::IN)], left.as_ref());
        }
        if look.ours.is_empty() {
            if !look.one_is_starting || begin.elapsed() >= START {
                return count;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        if Instant::now() >= deadline {
            return count;
        }
    }
}

/// What one reading of /proc finds.
struct Look {
    ours: Vec<(Pid, OwnedFd)>,
    /// A process is just being replaced by another program, so that nobody knows yet whose it is.
    one_is_starting: bool,
}

/// Finds the processes that have one of these pairs in their environment.
fn look(wanted: &[[Vec<u8>; 2]]) -> Look {
    let mut look = Look {
        ours: Vec::new(),
        one_is_starting: false,
    };
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        // Opened before the environment is read, so that both belong to the same process.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        let Ok(environment) = fs::read(entry.path().join("environ")) else {
            continue;
        };
        let has = |wanted: &Vec<u8>| environment.split(|byte| *byte == 0).any(|is| is == wanted);
        if wanted.iter().any(|wanted| wanted.iter().all(has)) {
            look.ours.push((pid, process));
        } else if environment.is_empty() && is_starting(&entry.path()) {
            look.one_is_starting = true;
        }
    }
    look
}

/// Whether a process is in the middle of execve(2): it has a program, and the kernel has not given it its arguments and
/// its environment yet. A thread of the kernel and a process that has ended have no program.
fn is_starting(process: &Path) -> bool {
    let no_arguments = fs::read(process.join("cmdline")).is_ok_and(|line| line.is_empty());
    no_arguments && fs::read_link(process.join("exe")).is_ok()
}
