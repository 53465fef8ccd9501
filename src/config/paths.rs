//! Default paths: those of the package for root, those of the XDG base directories for other users.

use std::path::PathBuf;

use super::chosen::Origin;

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn home() -> PathBuf {
    std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

fn xdg(variable: &str, fallback: &str) -> PathBuf {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .unwrap_or_else(|| home().join(fallback))
        .join("freezerd")
}

fn config_dir(root: bool) -> PathBuf {
    if root {
        PathBuf::from("/etc/freezerd")
    } else {
        xdg("XDG_CONFIG_HOME", ".config")
    }
}

/// The `freezerd.toml` that is read where none is named.
pub fn default_config() -> PathBuf {
    config_dir(is_root()).join("freezerd.toml")
}

pub(super) fn default_jobs_dir(root: bool) -> PathBuf {
    config_dir(root).join("jobs.d")
}

/// The state directory of a daemon that runs as root.
pub fn system_state_dir() -> PathBuf {
    default_state_dir(true)
}

pub(super) fn default_state_dir(root: bool) -> PathBuf {
    if root {
        PathBuf::from("/var/lib/freezerd")
    } else {
        xdg("XDG_STATE_HOME", ".local/state")
    }
}

/// The runtime directory that belongs to the default state directory. `None`: the user chose another state directory,
/// or the host has no such directory for users.
pub(super) fn default_runtime_dir(state_dir: &Origin, root: bool) -> Option<PathBuf> {
    if !matches!(state_dir, Origin::Default | Origin::ServiceManager { .. }) {
        return None;
    }
    if root {
        return Some(PathBuf::from("/run/freezerd"));
    }
    std::env::var_os("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("freezerd"))
}

/// The cache directory that belongs to the default state directory. `None`: the user chose another state directory.
pub(super) fn default_cache_dir(state_dir: &Origin, root: bool) -> Option<PathBuf> {
    if !matches!(state_dir, Origin::Default | Origin::ServiceManager { .. }) {
        return None;
    }
    Some(match root {
        true => PathBuf::from("/var/cache/freezerd"),
        false => xdg("XDG_CACHE_HOME", ".cache"),
    })
}
