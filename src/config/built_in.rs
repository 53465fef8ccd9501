//! The default values, which are built into the program.

use std::path::Path;

use super::chosen::{Chosen, Origin};
use super::paths;
use super::setting::{BuiltIn, Setting};
use super::settings::SETTINGS;

/// The default of one setting: the directory of systemd where it names one, else the built-in value.
pub(super) fn default(setting: &'static Setting) -> Chosen {
    let service = setting.service_variable.and_then(|variable| {
        let text = std::env::var(variable).ok()?;
        (!text.is_empty()).then_some((variable, text))
    });
    match service {
        Some((variable, text)) => Chosen {
            setting,
            // systemd separates several directories by colons. The first one is ours.
            text: text.split(':').next().unwrap_or_default().to_owned(),
            origin: Origin::ServiceManager {
                variable: variable.to_owned(),
            },
        },
        None => built_in(setting, paths::is_root()),
    }
}

/// The built-in value, for root or for another user. What depends on the state directory stays empty.
fn built_in(setting: &'static Setting, root: bool) -> Chosen {
    let text = match setting.built_in {
        BuiltIn::Text(text) => text.to_owned(),
        BuiltIn::JobsDir => paths::default_jobs_dir(root).display().to_string(),
        BuiltIn::StateDir => paths::default_state_dir(root).display().to_string(),
        BuiltIn::HostName => gethostname::gethostname().to_string_lossy().into_owned(),
        BuiltIn::RuntimeDir | BuiltIn::CacheDir | BuiltIn::BelowState(_) => String::new(),
    };
    Chosen {
        setting,
        text,
        origin: Origin::Default,
    }
}

/// Fills the defaults that depend on the state directory, once that is known.
pub(super) fn follow_state_dir(chosen: &mut [Chosen], root: bool) {
    let state = |it: &&Chosen| it.setting.built_in == BuiltIn::StateDir;
    let Some(state) = chosen.iter().find(state).cloned() else {
        return;
    };
    let below = |name: &str| Path::new(&state.text).join(name);
    for it in chosen.iter_mut().filter(|it| it.origin == Origin::Default) {
        let path = match it.setting.built_in {
            BuiltIn::BelowState(name) => below(name),
            BuiltIn::RuntimeDir => {
                paths::default_runtime_dir(&state.origin, root).unwrap_or_else(|| below("runtime"))
            }
            BuiltIn::CacheDir => {
                paths::default_cache_dir(&state.origin, root).unwrap_or_else(|| below("cache"))
            }
            BuiltIn::Text(_) | BuiltIn::JobsDir | BuiltIn::StateDir | BuiltIn::HostName => continue,
        };
        it.text = path.display().to_string();
    }
}

/// The default of each setting for root, for the manual and for the `freezerd.toml` of the package. The client id,
/// which is the host's name, is empty.
pub fn packaged() -> Vec<(&'static Setting, String)> {
    let mut chosen: Vec<Chosen> = SETTINGS
        .iter()
        .map(|setting| built_in(setting, true))
        .collect();
    follow_state_dir(&mut chosen, true);
    chosen
        .into_iter()
        .map(|it| match it.setting.built_in {
            BuiltIn::HostName => (it.setting, String::new()),
            _ => (it.setting, it.text),
        })
        .collect()
}
