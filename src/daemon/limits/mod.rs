//! What an action may use of the host: a control group (cgroup v2) for each run, below the one that the service
//! manager has handed to the daemon.
//!
//! Limits are a guard and no precondition: where the host has no such groups, or has not handed one over, that is
//! said once, and runs go on without limits. Everything here works below a directory that is given, by reading and
//! writing small files: the kernel's own, or a test's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::config::Limits;
use crate::units;

mod host;
#[cfg(test)]
mod tests;

use host::{LEAF, Telling};

/// The period that processor time is dealt out in, in microseconds. The kernel's own default.
const PERIOD: u64 = 100_000;

/// How often a group is asked for its processes while they are moved out of it.
const ROUNDS: usize = 10;

/// How long processes that were just killed may take to leave their group.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pause between two looks at them.
pub const PAUSE: Duration = Duration::from_millis(10);

/// The daemon's part of the control groups.
#[derive(Clone, Debug)]
pub struct Groups {
    root: PathBuf,
    /// Those that the kernel enforces.
    limits: Limits,
}

/// Finds the daemon's group and makes it ready; what cannot be had is returned in words.
///
/// Without limits nothing is touched.
pub fn set_up(limits: Limits) -> (Option<Groups>, Vec<String>) {
    if limits.is_off() {
        return (None, Vec::new());
    }
    let found = Telling::read()
        .map_err(|error| format!("this process's control group cannot be told: {error}"))
        .and_then(|telling| find(&telling, host::is_delegated));
    match found {
        Ok(root) => match Groups::divide(&root, limits) {
            Ok((groups, missing)) => (Some(groups), missing),
            Err(error) => {
                let why = format!(
                    "the control group {} cannot be divided: {error}",
                    root.display()
                );
                (None, vec![without_effect(limits, &why)])
            }
        },
        Err(why) => (None, vec![without_effect(limits, &why)]),
    }
}

/// Which of the limits this host could not enforce for anybody, in words: for who looks at the settings.
pub fn unavailable(limits: Limits) -> Vec<String> {
    if limits.is_off() {
        return Vec::new();
    }
    match Telling::read().ok().and_then(|telling| telling.mount()) {
        None => vec![without_effect(limits, NO_HIERARCHY)],
        Some(mount) => offered(&mount, limits).1,
    }
}

const NO_HIERARCHY: &str = "this host has no cgroup v2 hierarchy";

fn find(telling: &Telling, is_delegated: impl Fn(&Path) -> bool) -> Result<PathBuf, String> {
    let own = telling.own_group().ok_or(NO_HIERARCHY)?;
    host::handed_over(&own, is_delegated).ok_or_else(|| {
        format!(
            "the control group {} is not freezerd's to divide; run it as a systemd unit with `Delegate=cpu memory`",
            own.display()
        )
    })
}

fn without_effect(limits: Limits, why: &str) -> String {
    let names = match (limits.memory, limits.cpu) {
        (Some(_), Some(_)) => "memory_limit and cpu_limit have",
        (Some(_), None) => "memory_limit has",
        _ => "cpu_limit has",
    };
    format!("{names} no effect: {why}")
}

/// Which of the limits the controllers of a group can enforce, and what is to be said of the others.
fn offered(group: &Path, limits: Limits) -> (Limits, Vec<String>) {
    let controllers = fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    let mut possible = limits;
    let mut missing = Vec::new();
    let offers = |name| controllers.split_whitespace().any(|one| one == name);
    let why = |name| {
        format!(
            "the {name} controller is not available in {}",
            group.display()
        )
    };
    if limits.memory.is_some() && !offers("memory") {
        possible.memory = None;
        let one = Limits {
            cpu: None,
            ..limits
        };
        missing.push(without_effect(one, &why("memory")));
    }
    if limits.cpu.is_some() && !offers("cpu") {
        possible.cpu = None;
        let one = Limits {
            memory: None,
            ..limits
        };
        missing.push(without_effect(one, &why("cpu")));
    }
    (possible, missing)
}

impl Groups {
    /// Moves whoever is in the group into a leaf, so that it may have controllers for others, and switches those on.
    fn divide(root: &Path, limits: Limits) -> io::Result<(Groups, Vec<String>)> {
        let leaf = root.join(LEAF);
        make(&leaf)?;
        for _ in 0..ROUNDS {
            let here = fs::read_to_string(root.join("cgroup.procs"))?;
            if here.trim().is_empty() {
                break;
            }
            for process in here.lines() {
                match fs::write(leaf.join("cgroup.procs"), process) {
                    // Gone meanwhile.
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
            // One by one: a refusal of one is none of the other.
            let Err(error) = fs::write(root.join("cgroup.subtree_control"), switch) else {
                continue;
            };
            let mut one = limits;
            if switch == "+memory" {
                limits.memory = None;
                one.cpu = None;
            } else {
                limits.cpu = None;
                one.memory = None;
            }
            let why = format!("{switch} in {}: {error}", root.display());
            missing.push(without_effect(one, &why));
        }
        let groups = Groups {
            root: root.to_owned(),
            limits,
        };
        groups.sweep();
        Ok((groups, missing))
    }

    /// Puts an agent that has not begun yet into its run's group: whatever it starts is in there, too.
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
            // No `memory.high` below it: that slows a process down for ever, and a run that ends with its reason is
            // worth more than one that never does. What is cached of files goes first in any case.
            fs::write(group.join("memory.max"), bytes.to_string())?;
            // What is swapped out instead would only hurt the host in another place. Not every kernel has swap, or
            // this switch; without it the limit is a little wider.
            let _ = fs::write(group.join("memory.swap.max"), "0");
            // All of the run or nothing: half a pipe that goes on would be worse than none.
            fs::write(group.join("memory.oom.group"), "1")?;
        }
        if let Some(percent) = self.limits.cpu {
            let quota = u64::from(percent) * PERIOD / 100;
            fs::write(group.join("cpu.max"), format!("{quota} {PERIOD}"))?;
        }
        Ok(())
    }

    /// Kills whatever an earlier daemon left in a run's group, and removes that.
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

    /// Removes the groups of runs that nothing is left of. The kernel keeps those that are in use.
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

fn make(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// The group of one run, while an attempt of it runs.
#[derive(Debug)]
pub struct Group {
    dir: PathBuf,
    limit: Option<u64>,
    /// What the kernel had killed in it before: an earlier attempt may have left it behind.
    before: Killings,
}

/// What the kernel tells of a group's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Killings {
    /// How often the group was out of its own memory.
    at_limit: u64,
    /// How many of its processes were killed for memory, the group's or the host's.
    killed: u64,
}

impl Group {
    /// Kills all that is in the group, also what has left the agent's process group.
    pub fn kill(&self) {
        // Kernels before 5.14 do not have it; the process group is killed in any case.
        let _ = fs::write(self.dir.join("cgroup.kill"), "1");
    }

    /// Why the kernel killed somebody in this group during the attempt, if it did.
    pub fn out_of_memory(&self) -> Option<String> {
        let now = self.killings();
        if now.killed <= self.before.killed {
            return None;
        }
        Some(match self.limit {
            Some(limit) if now.at_limit > self.before.at_limit => format!(
                "killed: used more than memory_limit, {}",
                units::memory(limit)
            ),
            _ => "killed: the host ran out of memory".to_owned(),
        })
    }

    /// Removes the group, unless something of the run is left in it. True: it is gone.
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
