//! The reasons why a limit has no effect on this host.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::ResourceLimits;

/// Limits that are set but not enforced by the kernel.
#[derive(Debug)]
pub struct NoEffect {
    /// The limits that have no effect. The others are `None`.
    pub(super) limits: ResourceLimits,
    pub(super) why: Why,
}

#[derive(Debug)]
pub(super) enum Why {
    /// The host has no cgroup v2 hierarchy, or mounts only a part that does not contain this process.
    NoHierarchy,
    /// The kernel's files about this process cannot be read.
    GroupUnknown(io::Error),
    /// The group of this process is not delegated to it.
    NotDelegated(PathBuf),
    /// The processes of the delegated group cannot be moved into a group below it.
    NotDivisible(PathBuf, io::Error),
    /// The group does not offer the controller.
    NoController {
        controller: &'static str,
        group: PathBuf,
    },
    /// The kernel refuses to enable a controller for the groups of runs.
    ControllerRefused {
        /// The text that enables the controller: `+memory`.
        switch: &'static str,
        group: PathBuf,
        error: io::Error,
    },
}

impl fmt::Display for NoEffect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = match (self.limits.memory, self.limits.cpu) {
            (Some(_), Some(_)) => "memory_limit and cpu_limit have",
            (Some(_), None) => "memory_limit has",
            _ => "cpu_limit has",
        };
        write!(formatter, "{names} no effect: {}", self.why)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::NoHierarchy => formatter.write_str("this host has no cgroup v2 hierarchy"),
            Why::GroupUnknown(error) => write!(
                formatter,
                "the control group of this process is unknown: {error}"
            ),
            Why::NotDelegated(group) => write!(
                formatter,
                "the control group {} is not delegated to freezerd; run it as a systemd unit with \
                 `Delegate=cpu memory`",
                group.display()
            ),
            Why::NotDivisible(group, error) => write!(
                formatter,
                "the control group {} cannot be divided: {error}",
                group.display()
            ),
            Why::NoController { controller, group } => write!(
                formatter,
                "the {controller} controller is not available in {}",
                group.display()
            ),
            Why::ControllerRefused {
                switch,
                group,
                error,
            } => write!(
                formatter,
                "cannot write {switch} to cgroup.subtree_control in {}: {error}",
                group.display()
            ),
        }
    }
}
