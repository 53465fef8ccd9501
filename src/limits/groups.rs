//! The control groups of runs. Each run whose agent is at work has one.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::host::DAEMON_LEAF;
use super::no_effect::{NoEffect, Why};
use super::{ResourceLimits, make, offered};
use crate::units;

/// The period for which the kernel limits processor time, in microseconds. This is the kernel's default.
const PERIOD: u64 = 100_000;

/// How many times the processes of a group are listed and moved out of it. New processes may appear meanwhile.
const ROUNDS: usize = 10;

/// How long killed processes may take to leave their group.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pause between two tries to remove a group whose processes were killed.
pub const PAUSE: Duration = Duration::from_millis(10);

/// The group that was delegated to the daemon. The groups of runs are below it.
#[derive(Clone, Debug)]
pub struct Groups {
    root: PathBuf,
    /// The limits that the kernel enforces.
    pub(super) limits: ResourceLimits,
}

impl Groups {
    /// Moves the processes of the group into a leaf and enables the controllers. A group that contains a process cannot
    /// enable controllers for groups below it.
    pub(super) fn divide(
        root: &Path,
        limits: ResourceLimits,
    ) -> io::Result<(Groups, Vec<NoEffect>)> {
        let leaf = root.join(DAEMON_LEAF);
        make(&leaf)?;
        for _ in 0..ROUNDS {
            let here = fs::read_to_string(root.join("cgroup.procs"))?;
            if here.trim().is_empty() {
                break;
            }
            for process in here.lines() {
                match fs::write(leaf.join("cgroup.procs"), process) {
                    // The process has ended in the meantime.
                    Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                    other => other?,
                }
            }
        }
        let (mut limits, mut missing) = offered(root, limits);
        let switches = [
            ("+memory", limits.memory.is_some()),
            ("+cpu", limits.cpu.is_some()),
        ];
        for (switch, wanted) in switches {
            if !wanted {
                continue;
            }
            // One write for each controller: the kernel may refuse one and accept the other.
            let Err(error) = fs::write(root.join("cgroup.subtree_control"), switch) else {
                continue;
            };
            let without = if switch == "+memory" {
                let without = limits.only_memory();
                limits.memory = None;
                without
            } else {
                let without = limits.only_cpu();
                limits.cpu = None;
                without
            };
            missing.push(NoEffect {
                limits: without,
                why: Why::ControllerRefused {
                    switch,
                    group: root.to_owned(),
                    error,
                },
            });
        }
        let groups = Groups {
            root: root.to_owned(),
            limits,
        };
        groups.sweep();
        Ok((groups, missing))
    }

    /// Puts an agent into the group of its run. Call this before the agent gets its request, so that all processes that
    /// it starts are in the group too.
    pub fn place(&self, run: u64, agent: Pid) -> io::Result<Group> {
        self.sweep();
        let group = Group {
            dir: self.of_run(run),
            limit: self.limits.memory,
            before: Killings::default(),
        };
        make(&group.dir)?;
        let placed = self.limit(&group.dir).and_then(|()| {
            let agent = agent.as_raw_nonzero().to_string();
            fs::write(group.dir.join("cgroup.procs"), agent)
        });
        if let Err(error) = placed {
            let _ = fs::remove_dir(&group.dir);
            return Err(error);
        }
        let before = group.killings();
        Ok(Group { before, ..group })
    }

    fn limit(&self, group: &Path) -> io::Result<()> {
        if let Some(bytes) = self.limits.memory {
            // Do not set `memory.high`: it can slow a run down without end. A run that fails with a reason is better.
            // Before it kills a process, the kernel drops cached files in any case.
            fs::write(group.join("memory.max"), bytes.to_string())?;
            // Swapping would only move the load to the host's disk. Some kernels do not have this file. Without it, the
            // run can use some swap.
            let _ = fs::write(group.join("memory.swap.max"), "0");
            // The kernel then kills all processes of the run: half of a pipeline must not continue.
            fs::write(group.join("memory.oom.group"), "1")?;
        }
        if let Some(percent) = self.limits.cpu {
            let quota = u64::from(percent) * PERIOD / 100;
            fs::write(group.join("cpu.max"), format!("{quota} {PERIOD}"))?;
        }
        Ok(())
    }

    /// Kills the processes that an earlier daemon left in the group of a run, and removes the group.
    pub fn clear(&self, run: u64) {
        let group = Group {
            dir: self.of_run(run),
            limit: None,
            before: Killings::default(),
        };
        if !group.dir.exists() {
            return;
        }
        group.kill();
        let deadline = Instant::now() + PATIENCE;
        while !group.remove() && Instant::now() < deadline {
            std::thread::sleep(PAUSE);
        }
    }

    /// Removes the groups of runs that contain no process. The kernel refuses to remove the others.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name
                .to_str()
                .and_then(|name| name.strip_prefix("run-"))
                .is_some_and(|run| run.parse::<u64>().is_ok())
            {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }

    fn of_run(&self, run: u64) -> PathBuf {
        self.root.join(format!("run-{run}"))
    }
}

/// The group of one run, while an attempt of it is at work.
#[derive(Debug)]
pub struct Group {
    dir: PathBuf,
    /// The memory limit, in bytes.
    limit: Option<u64>,
    /// The counts at the start of the attempt. An earlier attempt of the run may have used the same group.
    before: Killings,
}

/// Counts from the `memory.events` file of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Killings {
    /// How many times the group reached its own limit and the kernel could not free any memory.
    at_limit: u64,
    /// How many of its processes the kernel killed because the group or the host had no memory left.
    killed: u64,
}

impl Group {
    /// Kills every process of the group, including those that left the agent's process group.
    pub fn kill(&self) {
        // Kernels before 5.14 do not have this file. The caller kills the process group in any case.
        let _ = fs::write(self.dir.join("cgroup.kill"), "1");
    }

    /// Whose memory ran out, if the kernel killed a process of the group for that reason during the attempt. `None`: it
    /// killed none.
    pub fn out_of_memory(&self) -> Option<OutOfMemory> {
        let now = self.killings();
        if now.killed <= self.before.killed {
            return None;
        }
        Some(match self.limit {
            Some(limit) if now.at_limit > self.before.at_limit => OutOfMemory::Run { limit },
            _ => OutOfMemory::Host,
        })
    }

    /// Removes the group, unless a process is left in it. Returns whether the group is gone.
    pub fn remove(&self) -> bool {
        match fs::remove_dir(&self.dir) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    fn killings(&self) -> Killings {
        let events = fs::read_to_string(self.dir.join("memory.events")).unwrap_or_default();
        let count = |name: &str| {
            events
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
                .unwrap_or(0)
        };
        Killings {
            at_limit: count("oom"),
            killed: count("oom_kill"),
        }
    }
}

/// Whose memory ran out when the kernel killed a process of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfMemory {
    /// The run used more than its `memory_limit`.
    Run {
        /// The `memory_limit` in bytes.
        limit: u64,
    },
    /// The host had no memory left.
    Host,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutOfMemory::Run { limit } => write!(
                formatter,
                "killed: used more than memory_limit, {}",
                units::memory(*limit)
            ),
            OutOfMemory::Host => formatter.write_str("killed: the host ran out of memory"),
        }
    }
}
