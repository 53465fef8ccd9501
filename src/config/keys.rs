//! The table of settings: one row a setting, read by the file's reader, the environment, `config show` and the
//! manual.

use super::{Origin, Raw, paths};

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As in `freezerd.toml`.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
}

impl Key {
    /// The command line's form: `--jobs-dir`.
    pub fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    /// The environment's form: `FREEZERD_JOBS_DIR`.
    pub fn variable(&self) -> String {
        format!("FREEZERD_{}", self.name.to_ascii_uppercase())
    }
}

/// Every setting there is, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    Key {
        name: "jobs_dir",
        help: "where job files are dropped",
    },
    Key {
        name: "state_dir",
        help: "where the ledger, event files and logs live",
    },
    Key {
        name: "runtime_dir",
        help: "where the progress of running actions is shown",
    },
    Key {
        name: "container_root",
        help: "where containers live that a job names without a path",
    },
    Key {
        name: "client_id",
        help: "who this host is: a job with another client_id is not run here",
    },
    Key {
        name: "timezone",
        help: "the zone of schedules that do not name one; local: the host's",
    },
    Key {
        name: "concurrent_jobs",
        help: "how many actions run at the same time",
    },
    Key {
        name: "stop_grace",
        help: "how long an action that is told to end may take before it is killed",
    },
    Key {
        name: "stall_timeout",
        help: "how long an action may show no progress before it is ended; off: for ever",
    },
    Key {
        name: "memory_limit",
        help: "how much memory an action and its command may use; off: any",
    },
    Key {
        name: "cpu_limit",
        help: "how much of a processor they may use, in percent of one; off: all",
    },
    Key {
        name: "rescan_interval",
        help: "the pause between two looks at the whole jobs directory",
    },
    Key {
        name: "history_age",
        help: "how old a past run may become before it is forgotten, with its log",
    },
    Key {
        name: "history_runs",
        help: "how many past runs of each job are kept",
    },
    Key {
        name: "trusted_owners",
        help: "user ids, beside root's and the daemon's own, that job files may belong to",
    },
    Key {
        name: "disable_exec",
        help: "refuse jobs that run commands",
    },
    Key {
        name: "metrics_dir",
        help: "where freezerd.prom and status.json are kept for monitoring; empty: nowhere",
    },
    Key {
        name: "log_format",
        help: "auto, human, json or journal",
    },
    Key {
        name: "log_level",
        help: "error, warn, info, debug or trace",
    },
];

/// The built-in value; systemd's directories where it names them.
pub(super) fn default(key: &'static str) -> Raw {
    let service = match key {
        "state_dir" => Some("STATE_DIRECTORY"),
        "runtime_dir" => Some("RUNTIME_DIRECTORY"),
        _ => None,
    };
    if let Some(variable) = service
        && let Ok(text) = std::env::var(variable)
        && !text.is_empty()
    {
        return Raw {
            key,
            // systemd separates several directories by colons; the first is ours.
            text: text.split(':').next().unwrap_or_default().to_owned(),
            origin: Origin::ServiceManager {
                variable: variable.to_owned(),
            },
        };
    }
    Raw {
        key,
        text: built_in(key, paths::is_root()),
        origin: Origin::Default,
    }
}

/// The built-in value, for root or for another user.
fn built_in(key: &str, root: bool) -> String {
    match key {
        "jobs_dir" => paths::default_jobs_dir(root).display().to_string(),
        "state_dir" => paths::default_state_dir(root).display().to_string(),
        "client_id" => gethostname::gethostname().to_string_lossy().into_owned(),
        "timezone" => "local".to_owned(),
        "concurrent_jobs" => "2".to_owned(),
        "stop_grace" => "30 seconds".to_owned(),
        "stall_timeout" | "memory_limit" | "cpu_limit" => "off".to_owned(),
        "rescan_interval" => "60 seconds".to_owned(),
        "history_age" => "400 days".to_owned(),
        "history_runs" => "10000".to_owned(),
        "disable_exec" => "false".to_owned(),
        "log_format" => "auto".to_owned(),
        "log_level" => "info".to_owned(),
        // The rest is empty, or follows the state directory.
        _ => String::new(),
    }
}

/// What each setting is for root where nobody says otherwise, for the manual and the package's `freezerd.toml`. The
/// client id, which is the host's name, is empty.
pub fn packaged() -> Vec<(&'static Key, String)> {
    let mut chosen: Vec<Raw> = KEYS
        .iter()
        .map(|key| Raw {
            key: key.name,
            text: built_in(key.name, true),
            origin: Origin::Default,
        })
        .collect();
    settle_dependent(&mut chosen, true);
    KEYS.iter()
        .zip(chosen)
        .map(|(key, raw)| match key.name {
            "client_id" => (key, String::new()),
            _ => (key, raw.text),
        })
        .collect()
}

/// Fills the defaults that depend on where the state directory ended up.
pub(super) fn settle_dependent(chosen: &mut [Raw], root: bool) {
    let Some(state) = chosen.iter().find(|raw| raw.key == "state_dir").cloned() else {
        return;
    };
    for raw in chosen {
        if raw.origin != Origin::Default || !raw.text.is_empty() {
            continue;
        }
        let below = match raw.key {
            "container_root" => "containers",
            "runtime_dir" => {
                if let Some(path) = paths::default_runtime_dir(&state, root) {
                    raw.text = path.display().to_string();
                    continue;
                }
                "runtime"
            }
            _ => continue,
        };
        raw.text = std::path::Path::new(&state.text)
            .join(below)
            .display()
            .to_string();
    }
}
