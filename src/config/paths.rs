//! Default places: those of a package for root, those of the XDG base directories for everybody else.

use std::path::PathBuf;

use super::{Origin, Raw};

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

/// `freezerd.toml` where nobody named one.
pub fn default_config() -> PathBuf {
    config_dir(is_root()).join("freezerd.toml")
}

pub(super) fn default_jobs_dir(root: bool) -> PathBuf {
    config_dir(root).join("jobs.d")
}

pub(super) fn default_state_dir(root: bool) -> PathBuf {
    if root {
        PathBuf::from("/var/lib/freezerd")
    } else {
        xdg("XDG_STATE_HOME", ".local/state")
    }
}

/// The runtime directory that goes with the default state directory; a state directory of its own brings its own.
pub(super) fn default_runtime_dir(state: &Raw, root: bool) -> Option<PathBuf> {
    if !matches!(
        state.origin,
        Origin::Default | Origin::ServiceManager { .. }
    ) {
        return None;
    }
    if root {
        return Some(PathBuf::from("/run/freezerd"));
    }
    std::env::var_os("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("freezerd"))
}
