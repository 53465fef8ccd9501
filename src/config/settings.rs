//! The table of settings: one row for each setting.
//!
//! The flag, the environment variable, the line in `freezerd.toml`, `config show`, the manual page and the sample file
//! all come from the row. The field of [`Settings`] comes from it too, so a row without a field does not exist.

use std::path::PathBuf;
use std::time::Duration;

use super::checks;
use super::chosen::{Chosen, Origin};
use super::error::ConfigError;
use super::limits;
use super::log_format::LogFormat;
use super::prunes;
use super::read;
use super::setting::{BuiltIn, Form, Setting};
use super::storages::{self, Defined};
use crate::job::action::{Bandwidth, Cache};
use crate::job::check_policy::{CheckPolicy, DataWithin, Every};
use crate::job::prune_budget::PruneBudget;
use crate::job::rate_limit::RateLimit;
use crate::job::storage::Storages;
use crate::job::window::Window;
use crate::limits::ResourceLimits;
use crate::schedule::zone::Zone;
use crate::tell::receiver::Receiver;

/// Makes [`SETTINGS`], [`Settings`] and [`understand`] from the rows.
macro_rules! settings {
    ($($name:ident: $type:ty = $reader:path => $row:expr;)*) => {
        const COUNT: usize = [$(stringify!($name)),*].len();

        /// Every setting, in the order in which they are shown.
        pub static SETTINGS: [Setting; COUNT] = [$($row.named(stringify!($name))),*];

        /// The value of every setting.
        #[derive(Clone, Debug)]
        pub struct Settings {
            $(pub $name: $type,)*
            /// The storages that `freezerd.toml` defines.
            pub storages: Storages,
            /// Where each of them is defined, in the order of their names.
            pub storage_origins: Vec<Origin>,
            /// The receivers of notices, in the order of their names, each with where it is defined.
            pub receivers: Vec<(Receiver, Origin)>,
            /// The text and the origin of each value, in the order of [`SETTINGS`].
            pub chosen: Vec<Chosen>,
        }

        /// Reads the chosen texts, in the order of [`SETTINGS`].
        ///
        /// # Errors
        /// When a setting cannot have the value that was chosen for it.
        pub(super) fn understand(
            chosen: [Chosen; COUNT],
            defined: &[Defined],
            receivers: Vec<(Receiver, Origin)>,
        ) -> Result<Settings, ConfigError> {
            let [$($name),*] = &chosen;
            Ok(Settings {
                storages: storages::by_name(defined),
                storage_origins: storages::origins(defined),
                receivers,
                $($name: $reader($name)?,)*
                chosen: chosen.to_vec(),
            })
        }
    };
}

settings! {
    jobs_dir: PathBuf = read::path =>
        Setting::new(Form::Text, "DIR", "the directory of the job files")
            .example("/srv/freezerd/jobs.d").built_in(BuiltIn::JobsDir).common();

    state_dir: PathBuf = read::path =>
        Setting::new(Form::Text, "DIR", "the directory of the ledger, the event files and the logs")
            .example("/srv/freezerd/state")
            .built_in(BuiltIn::StateDir)
            .service_variable("STATE_DIRECTORY")
            .common();

    runtime_dir: PathBuf = read::path =>
        Setting::new(Form::Text, "DIR", "the directory of the progress files of running actions")
            .example("/run/freezerd-test")
            .built_in(BuiltIn::RuntimeDir)
            .service_variable("RUNTIME_DIRECTORY");

    container_root: PathBuf = read::path =>
        Setting::new(Form::Text, "DIR", "the directory of containers that a job gives by a name instead of a path")
            .example("/mnt/backup")
            .built_in(BuiltIn::BelowState("containers"));

    cache_dir: PathBuf = read::path =>
        Setting::new(Form::Text, "DIR", "the directory of the cache of containers that are not on this host")
            .example("/srv/freezerd/cache")
            .built_in(BuiltIn::CacheDir)
            .service_variable("CACHE_DIRECTORY");

    // Bytes; `None`: no cache.
    cache_size: Option<u64> = read::cache_size =>
        Setting::new(Form::Text, "SIZE", "the space that the cache may take on the disk, such as 5 GiB; off: no cache")
            .example("20 GiB").default("5 GiB");

    client_id: String = read::name =>
        Setting::new(Form::Text, "NAME", "the name of this host: a job with another client_id does not run here")
            .built_in(BuiltIn::HostName)
            .default_in_words("the host's name")
            .example("web1");

    // `None`: the host's zone.
    timezone: Option<Zone> = read::zone =>
        Setting::new(Form::Text, "ZONE", "the time zone of jobs that have no schedule_timezone")
            .example("Europe/Berlin")
            .default("local")
            .default_in_words("the host's")
            .common();

    concurrent_jobs: usize = read::concurrent_jobs =>
        Setting::new(Form::Number, "N", "the maximum number of actions that run at the same time")
            .example("1").default("2");

    stop_grace: Duration = read::duration =>
        Setting::new(Form::Text, "DURATION", "the time that an action has to end before it is killed")
            .example("5 minutes")
            .default("30 seconds");

    // `None`: an action may stall for any time.
    stall_timeout: Option<Duration> = read::duration_or_off =>
        Setting::new(Form::Text, "DURATION", "end an action that makes no progress for this long; off: never")
            .example("30 minutes")
            .default("off");

    // Zero: the network is not waited for.
    network_wait: Duration = read::duration_or_zero =>
        Setting::new(Form::Text, "DURATION", "the time that an action waits for a server that cannot be reached when the action begins; off: do not wait")
            .example("30 minutes")
            .default("10 minutes");

    // `None`: no limit.
    upload_limit: Option<RateLimit> = limits::rate =>
        Setting::new(Form::Text, "RATE", "the bytes a second that an action writes to a container that is not on this host, such as 10M, or windows such as mon-fri 08:00-18:00 2M, 20M; off: no limit")
            .example("mon-fri 08:00-18:00 2M, 20M")
            .default("off");

    // `None`: no limit.
    download_limit: Option<RateLimit> = limits::rate =>
        Setting::new(Form::Text, "RATE", "the bytes a second that an action reads from a container that is not on this host, as upload_limit; off: no limit")
            .example("50M")
            .default("off");

    // Bytes; `None`: no limit.
    memory_limit: Option<u64> = limits::memory =>
        Setting::new(Form::Text, "SIZE", "the memory that a run and all its processes may use, such as 2 GiB; off: no limit")
            .example("2 GiB")
            .default("off");

    // Percent of one processor; `None`: no limit.
    cpu_limit: Option<u32> = limits::cpu =>
        Setting::new(Form::Text, "PERCENT", "the processor time that a run and all its processes may use, 150 % is one and a half processors; off: no limit")
            .example("150 %")
            .default("off");

    rescan_interval: Duration = read::duration =>
        Setting::new(Form::Text, "DURATION", "the time between two scans of the whole jobs directory")
            .example("5 minutes")
            .default("60 seconds");

    history_age: Duration = read::duration =>
        Setting::new(Form::Text, "DURATION", "the age at which a past run and its log are deleted")
            .example("100 days")
            .default("400 days");

    history_runs: u64 = read::history_runs =>
        Setting::new(Form::Number, "N", "the number of past runs that are kept for each job")
            .example("1000").default("10000");

    trusted_owners: Vec<u32> = read::user_ids =>
        Setting::new(Form::List, "UID,…", "the ids of users who may own job files, in addition to root and the user of the daemon")
            .example("1000");

    disable_exec: bool = read::switch =>
        Setting::new(Form::Switch, "", "refuse jobs that run commands")
            .example("true").default("false");

    // `None`: never.
    check_every: Option<Every> = checks::every =>
        Setting::new(Form::Word, "PERIOD", "how often each container of a backup is checked that no job checks: day, week, month or never")
            .example("month").default("week");

    check_data_within: DataWithin = checks::data_within =>
        Setting::new(Form::Text, "DURATION", "the time within which these checks read all data, at least as long as the time between two of them (7 days for week, 31 days for month); auto: 90 days, and never from S3, Swift and rclone, whose traffic may cost money; off: never")
            .example("180 days").default("auto");

    check_window: Window = checks::window =>
        Setting::new(Form::Text, "FROM-TO", "the hours in which these checks start; 00:00-24:00: at any time; one that was missed, because the host was off for example, is made up for as soon as freezerd runs again, also outside of these hours")
            .example("22:00-06:00").default("01:00-05:00");

    // Percent of the container.
    prune_waste: f64 = prunes::waste =>
        Setting::new(Form::Text, "SHARE", "the share of a container that the data of removed snapshots may take until a backup prunes it: an estimate")
            .example("10%").default("5%");

    prune_every: Duration = read::duration =>
        Setting::new(Form::Text, "DURATION", "the time after a prune at which a backup that removes snapshots prunes the container again, whatever it may free")
            .example("30 days").default("7 days");

    // `None`: at any time.
    prune_window: Option<Window> = prunes::window =>
        Setting::new(Form::Text, "FROM-TO", "the hours in which such a prune begins; any: at any time")
            .example("22:00-06:00").default("any");

    // `None`: nowhere.
    metrics_dir: Option<PathBuf> = read::path_or_empty =>
        Setting::new(Form::Text, "DIR", "the directory where the daemon writes freezerd.prom and status.json for monitoring")
            .example("/var/lib/prometheus/node-exporter")
            .default_in_words("nowhere");

    log_format: LogFormat = read::log_format =>
        Setting::new(Form::Word, "FORMAT", "the format of the log: auto, human, json or journal")
            .example("json").default("auto");

    log_level: tracing::Level = read::log_level =>
        Setting::new(Form::Word, "LEVEL", "the least important messages to log: error, warn, info, debug or trace")
            .example("debug").default("info");
}

impl Settings {
    /// The cache of containers away from this host; `None`: there is none.
    pub fn cache(&self) -> Option<Cache> {
        Some(Cache {
            directory: self.cache_dir.clone(),
            size: self.cache_size?,
        })
    }

    /// The limits on the data to and from containers, where neither a job nor a storage says it.
    pub fn bandwidth(&self) -> Bandwidth {
        Bandwidth {
            upload: self.upload_limit.clone(),
            download: self.download_limit.clone(),
        }
    }

    /// How containers are checked that no job checks; `None`: not at all.
    pub fn check_policy(&self) -> Option<CheckPolicy> {
        Some(CheckPolicy {
            every: self.check_every?,
            data: self.check_data_within,
            window: self.check_window,
        })
    }

    /// When an action that removes snapshots prunes its container, if the action does not say it.
    pub fn prune_budget(&self) -> PruneBudget {
        PruneBudget {
            waste_percent: self.prune_waste,
            every: self.prune_every,
            window: self.prune_window,
        }
    }

    /// The name of the zone of schedules and windows that name none; `None`: the zone of the host.
    pub fn zone_name(&self) -> Option<String> {
        Some(self.timezone.as_ref()?.name().to_owned())
    }

    /// The limits for each action and everything that it starts.
    pub fn limits(&self) -> ResourceLimits {
        ResourceLimits {
            memory: self.memory_limit,
            cpu: self.cpu_limit,
        }
    }
}
