//! Limits the memory and the processor time of runs. Each run gets a control group (cgroup v2) below the group that the
//! service manager delegated to the daemon.
//!
//! Runs do not depend on limits. When the host has no cgroup v2, or delegates no group to freezerd, the daemon says so
//! once and runs without limits. All functions read and write small files below a directory: the kernel's, or one of a
//! test.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

mod groups;
mod host;
mod no_effect;
#[cfg(test)]
mod tests;

pub use groups::{Group, Groups, OutOfMemory, PAUSE};
pub use no_effect::NoEffect;

use host::HostGroups;
use no_effect::Why;

/// The limits of a run and of all processes that it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Memory in bytes. `None`: no limit.
    pub memory: Option<u64>,
    /// Processor time in percent of one processor. `None`: no limit.
    pub cpu: Option<u32>,
}

impl ResourceLimits {
    /// Whether no limit is set.
    pub fn is_off(&self) -> bool {
        *self == ResourceLimits::default()
    }

    fn only_memory(self) -> ResourceLimits {
        ResourceLimits { cpu: None, ..self }
    }

    fn only_cpu(self) -> ResourceLimits {
        ResourceLimits {
            memory: None,
            ..self
        }
    }
}

/// Finds the delegated group of the daemon and prepares it for the groups of runs. Returns the groups, or `None` when
/// none are possible, and the limits that have no effect.
///
/// Changes nothing when no limit is set.
pub fn set_up(limits: ResourceLimits) -> (Option<Groups>, Vec<NoEffect>) {
    if limits.is_off() {
        return (None, Vec::new());
    }
    let divided = HostGroups::read()
        .map_err(Why::GroupUnknown)
        .and_then(|host| delegated_group(&host, host::is_delegated))
        .and_then(|root| {
            Groups::divide(&root, limits).map_err(|error| Why::NotDivisible(root, error))
        });
    match divided {
        Ok((groups, missing)) => (Some(groups), missing),
        Err(why) => (None, vec![NoEffect { limits, why }]),
    }
}

/// The limits that this host cannot enforce for any process.
pub fn unavailable(limits: ResourceLimits) -> Vec<NoEffect> {
    if limits.is_off() {
        return Vec::new();
    }
    match HostGroups::read().ok().and_then(|host| host.mount()) {
        None => vec![NoEffect {
            limits,
            why: Why::NoHierarchy,
        }],
        Some(mount) => offered(&mount, limits).1,
    }
}

fn delegated_group(
    host: &HostGroups,
    is_delegated: impl Fn(&Path) -> bool,
) -> Result<PathBuf, Why> {
    let own = host.own_group().ok_or(Why::NoHierarchy)?;
    host::delegated(&own, is_delegated).ok_or(Why::NotDelegated(own))
}

/// The limits that the controllers of a group can enforce, and those that have no effect.
fn offered(group: &Path, limits: ResourceLimits) -> (ResourceLimits, Vec<NoEffect>) {
    let controllers = fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    let offers = |name| controllers.split_whitespace().any(|one| one == name);
    let mut possible = limits;
    let mut missing = Vec::new();
    let no_effect = |limits, controller| NoEffect {
        limits,
        why: Why::NoController {
            controller,
            group: group.to_owned(),
        },
    };
    if limits.memory.is_some() && !offers("memory") {
        possible.memory = None;
        missing.push(no_effect(limits.only_memory(), "memory"));
    }
    if limits.cpu.is_some() && !offers("cpu") {
        possible.cpu = None;
        missing.push(no_effect(limits.only_cpu(), "cpu"));
    }
    (possible, missing)
}

/// Creates a directory, unless it exists.
fn make(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}
