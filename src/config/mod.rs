//! The program's settings: flags over environment over `freezerd.toml` over defaults, each value knowing where it
//! came from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::job::Host;
use crate::limits::ResourceLimits;
use crate::schedule::interval::parse_duration;
use crate::schedule::zone::Zone;

mod file;
mod keys;
mod limits;
pub mod paths;

pub use keys::{KEYS, Key, packaged};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// A flag on the command line.
    Flag {
        /// With its dashes.
        flag: String,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// `freezerd.toml`.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The service manager's environment, as `STATE_DIRECTORY`.
    ServiceManager {
        /// The variable that it sets.
        variable: String,
    },
    /// What the program has built in.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag { flag } => write!(f, "flag {flag}"),
            Origin::Environment { variable } => write!(f, "environment {variable}"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::ServiceManager { variable } => write!(f, "systemd {variable}"),
            Origin::Default => write!(f, "default"),
        }
    }
}

/// A setting's text before it is understood.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub key: &'static str,
    pub text: String,
    pub origin: Origin,
}

/// What stands between the user and a working configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there and cannot be read.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file was named on the command line or in the environment, and is not there.
    #[error("there is no configuration file {path}; leave it out to run on defaults")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is not TOML.
    #[error("{path}:{line}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the reader expected.
        message: String,
    },
    /// A key that no setting has.
    #[error("{path}:{line}: there is no setting {key:?}{hint}")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// `; did you mean …?`, or nothing.
        hint: String,
    },
    /// A value that its setting cannot take.
    #[error("{key} = {value:?} ({origin}): {message}")]
    Value {
        /// The setting.
        key: &'static str,
        /// What was given.
        value: String,
        /// Where.
        origin: Origin,
        /// What was expected.
        message: String,
    },
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Journal under systemd, human lines otherwise.
    Auto,
    /// One plain line an event.
    Human,
    /// One JSON object an event.
    Json,
    /// The journal's native protocol.
    Journal,
}

/// Every setting, understood.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where job files are dropped.
    pub jobs_dir: PathBuf,
    /// The ledger, event files and logs.
    pub state_dir: PathBuf,
    /// Progress of running actions; lost at boot.
    pub runtime_dir: PathBuf,
    /// Where containers live that a job names without a path.
    pub container_root: PathBuf,
    /// A job with another `client_id` is not run here.
    pub client_id: String,
    /// The zone of schedules that do not name one; `None`: the host's.
    pub timezone: Option<Zone>,
    /// Actions that run at the same time.
    pub concurrent_jobs: usize,
    /// How long a child that is told to end may take.
    pub stop_grace: Duration,
    /// How long an action may show no progress; `None`: for ever.
    pub stall_timeout: Option<Duration>,
    /// What an action and its command may use of the host.
    pub limits: ResourceLimits,
    /// The pause between two looks at the whole jobs directory.
    pub rescan_interval: Duration,
    /// A past run that is older is forgotten.
    pub history_age: Duration,
    /// How many past runs of a job are kept.
    pub history_runs: u64,
    /// User ids beside root's and the daemon's that job files may belong to.
    pub trusted_owners: Vec<u32>,
    /// Jobs with an `exec` action are refused.
    pub disable_exec: bool,
    /// Where the state is shown to monitoring; `None`: nowhere.
    pub metrics_dir: Option<PathBuf>,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// The least important level that is logged.
    pub log_level: tracing::Level,
    /// Each setting's text and origin, in the order of [`KEYS`].
    pub effective: Vec<Effective>,
}

/// One line of `freezerd config show`.
#[derive(Clone, Debug, Serialize)]
pub struct Effective {
    /// The setting.
    pub key: &'static str,
    /// Its text.
    pub value: String,
    /// Where that came from.
    pub origin: Origin,
}

/// Values given on the command line: a setting's key and its text.
pub type Flags = Vec<(&'static str, String)>;

impl Settings {
    /// Puts the layers on top of each other.
    ///
    /// `config` is the file named by `--config`; without it `FREEZERD_CONFIG`, else the default place, which
    /// need not exist.
    pub fn load(flags: &Flags, config: Option<&Path>) -> Result<Settings, ConfigError> {
        let named = config
            .map(Path::to_path_buf)
            .or_else(|| std::env::var_os("FREEZERD_CONFIG").map(PathBuf::from));
        let from_file = match named {
            Some(path) => file::read(&path)?.ok_or(ConfigError::Missing { path })?,
            None => file::read(&paths::default_config())?.unwrap_or_default(),
        };
        let mut chosen = Vec::with_capacity(KEYS.len());
        for key in KEYS {
            let flag = flags.iter().find(|(name, _)| *name == key.name);
            let variable = key.variable();
            let raw = if let Some((_, text)) = flag {
                Raw {
                    key: key.name,
                    text: text.clone(),
                    origin: Origin::Flag { flag: key.flag() },
                }
            } else if let Ok(text) = std::env::var(&variable) {
                Raw {
                    key: key.name,
                    text,
                    origin: Origin::Environment { variable },
                }
            } else if let Some(raw) = from_file.iter().find(|raw| raw.key == key.name) {
                raw.clone()
            } else {
                keys::default(key.name)
            };
            chosen.push(raw);
        }
        // The default places below the state directory follow it when only that was moved.
        keys::settle_dependent(&mut chosen, paths::is_root());
        understand(chosen)
    }

    /// What this host adds to a job file.
    pub fn job_host(&self) -> Host {
        Host {
            // A working directory that is gone: relative paths are then refused where they are used.
            working_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            container_root: self.container_root.clone(),
            host_name: gethostname::gethostname().to_string_lossy().into_owned(),
            zone: self.zone(),
            disable_exec: self.disable_exec,
        }
    }

    /// The zone that schedules without one of their own use.
    pub fn zone(&self) -> Zone {
        self.timezone.clone().unwrap_or_else(Zone::local)
    }
}

fn understand(chosen: Vec<Raw>) -> Result<Settings, ConfigError> {
    let find = |key: &str| {
        chosen
            .iter()
            .find(|raw| raw.key == key)
            .expect("every key of the table was chosen")
    };
    let path = |key: &str| -> Result<PathBuf, ConfigError> {
        let raw = find(key);
        if raw.text.is_empty() {
            return Err(refuse(raw, "a path was expected"));
        }
        std::path::absolute(&raw.text).map_err(|error| refuse(raw, &error.to_string()))
    };
    let duration = |key: &str| -> Result<Duration, ConfigError> {
        let raw = find(key);
        parse_duration(&raw.text).map_err(|_| {
            refuse(
                raw,
                "expected a duration such as \"30 seconds\" or \"5 minutes\"",
            )
        })
    };

    let concurrent = find("concurrent_jobs");
    let concurrent_jobs = concurrent
        .text
        .parse()
        .ok()
        .filter(|jobs| (1..=256).contains(jobs))
        .ok_or_else(|| refuse(concurrent, "expected a whole number from 1 to 256"))?;
    let runs = find("history_runs");
    let history_runs = runs
        .text
        .parse()
        .ok()
        .filter(|runs| *runs >= 1)
        .ok_or_else(|| refuse(runs, "expected a whole number from 1 up"))?;
    let timezone = find("timezone");
    let zone = match timezone.text.as_str() {
        "" | "local" => None,
        name => Some(Zone::named(name).map_err(|error| refuse(timezone, &error.to_string()))?),
    };
    let client = find("client_id");
    if client.text.is_empty() {
        return Err(refuse(client, "a name was expected"));
    }
    let stall = find("stall_timeout");
    let stall_timeout = match limits::is_off(&stall.text) {
        true => None,
        false => Some(duration("stall_timeout")?).filter(|limit| !limit.is_zero()),
    };
    let limits = ResourceLimits {
        memory: limits::memory(find("memory_limit"))?,
        cpu: limits::cpu(find("cpu_limit"))?,
    };
    let disable_exec = find("disable_exec");
    let format = find("log_format");
    let level = find("log_level");
    let owners = find("trusted_owners");

    Ok(Settings {
        jobs_dir: path("jobs_dir")?,
        state_dir: path("state_dir")?,
        runtime_dir: path("runtime_dir")?,
        container_root: path("container_root")?,
        client_id: client.text.clone(),
        timezone: zone,
        concurrent_jobs,
        stop_grace: duration("stop_grace")?,
        stall_timeout,
        limits,
        rescan_interval: duration("rescan_interval")?,
        history_age: duration("history_age")?,
        history_runs,
        trusted_owners: owners
            .text
            .split(',')
            .map(str::trim)
            .filter(|owner| !owner.is_empty())
            .map(|owner| {
                owner
                    .parse()
                    .map_err(|_| refuse(owners, "expected user ids (numbers), separated by commas"))
            })
            .collect::<Result<_, _>>()?,
        disable_exec: match disable_exec.text.as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(refuse(disable_exec, "expected true or false")),
        },
        metrics_dir: match find("metrics_dir").text.as_str() {
            "" => None,
            _ => Some(path("metrics_dir")?),
        },
        log_format: match format.text.as_str() {
            "auto" => LogFormat::Auto,
            "human" => LogFormat::Human,
            "json" => LogFormat::Json,
            "journal" => LogFormat::Journal,
            _ => return Err(refuse(format, "expected auto, human, json or journal")),
        },
        log_level: level
            .text
            .parse()
            .map_err(|_| refuse(level, "expected error, warn, info, debug or trace"))?,
        effective: chosen
            .into_iter()
            .map(|raw| Effective {
                key: raw.key,
                value: raw.text,
                origin: raw.origin,
            })
            .collect(),
    })
}

fn refuse(raw: &Raw, message: &str) -> ConfigError {
    ConfigError::Value {
        key: raw.key,
        value: raw.text.clone(),
        origin: raw.origin.clone(),
        message: message.to_owned(),
    }
}
