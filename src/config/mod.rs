//! The settings of the program: flags over environment over `freezerd.toml` over defaults. Each value knows where it
//! came from.

use std::path::{Path, PathBuf};

use crate::job::Host;
use crate::schedule::zone::Zone;

mod built_in;
mod checks;
mod chosen;
mod error;
mod file;
mod limits;
mod log_format;
pub mod paths;
mod prunes;
mod read;
mod receivers;
mod section;
mod setting;
mod settings;
mod storages;

use chosen::Chosen;

pub use built_in::packaged;
pub use chosen::Origin;
pub use error::ConfigError;
pub use log_format::LogFormat;
pub use setting::{Form, Setting};
pub use settings::{SETTINGS, Settings};

/// Values that the command line gives: the name of a setting, and its text.
pub type Flags = Vec<(&'static str, String)>;

impl Settings {
    /// Chooses a text for each setting, and reads the texts.
    ///
    /// `config` is the file that `--config` names. Without it, `FREEZERD_CONFIG` names the file; without that, it is
    /// the default file, which need not exist.
    ///
    /// # Errors
    /// When the file cannot be used, a setting cannot have the value that was chosen for it, or two do not fit together.
    pub fn load(flags: &Flags, config: Option<&Path>) -> Result<Settings, ConfigError> {
        let named = config
            .map(Path::to_path_buf)
            .or_else(|| std::env::var_os("FREEZERD_CONFIG").map(PathBuf::from));
        let from_file = match named {
            Some(path) => file::read(&path)?.ok_or(ConfigError::Missing { path })?,
            None => file::read(&paths::default_config())?.unwrap_or_default(),
        };
        let mut chosen = SETTINGS
            .each_ref()
            .map(|setting| choose(setting, flags, &from_file.values));
        built_in::follow_state_dir(&mut chosen, paths::is_root());
        let settings = settings::understand(chosen, &from_file.storages, from_file.receivers)?;
        checks::fit(&settings.chosen)?;
        Ok(settings)
    }

    /// What this host adds to a job file.
    pub fn job_host(&self) -> Host {
        // A working directory that is gone: relative paths are refused where they are used.
        let working_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Host {
            jobs_dir: working_dir.join(&self.jobs_dir),
            working_dir,
            container_root: self.container_root.clone(),
            host_name: gethostname::gethostname().to_string_lossy().into_owned(),
            zone: self.zone(),
            disable_exec: self.disable_exec,
            storages: self.storages.clone(),
        }
    }

    /// The zone of schedules that do not name one.
    pub fn zone(&self) -> Zone {
        self.timezone.clone().unwrap_or_else(Zone::local)
    }
}

/// The text that wins for one setting.
fn choose(setting: &'static Setting, flags: &Flags, from_file: &[Chosen]) -> Chosen {
    let variable = setting.variable();
    if let Some((_, text)) = flags.iter().find(|(name, _)| *name == setting.name) {
        return Chosen {
            setting,
            text: text.clone(),
            origin: Origin::Flag {
                flag: setting.flag(),
            },
        };
    }
    if let Ok(text) = std::env::var(&variable) {
        return Chosen {
            setting,
            text,
            origin: Origin::Environment { variable },
        };
    }
    match from_file.iter().find(|it| it.setting.name == setting.name) {
        Some(chosen) => chosen.clone(),
        None => built_in::default(setting),
    }
}
