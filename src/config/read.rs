//! The readers of the settings: from a text to a value.
//!
//! Each takes the chosen text and fails with what the setting expects instead.

use std::path::PathBuf;
use std::time::Duration;

use super::chosen::Chosen;
use super::error::ConfigError;
use super::log_format::LogFormat;
use crate::job::rate_limit::RateFault;
use crate::job::window::Window;
use crate::schedule::interval::parse_duration;
use crate::schedule::zone::Zone;
use crate::units;

/// Whether the text says that there is no limit.
pub(super) fn is_off(text: &str) -> bool {
    matches!(text.trim(), "" | "off")
}

/// A path, made absolute.
pub(super) fn path(chosen: &Chosen) -> Result<PathBuf, ConfigError> {
    if chosen.text.is_empty() {
        return Err(ConfigError::refuse(chosen, "expected a path"));
    }
    // As in a job file. Nobody means a directory of this name.
    if chosen.text.starts_with(['~', '$']) {
        return Err(ConfigError::refuse(
            chosen,
            "`~` and variables are not expanded here; write the full path, for example /home/ada/freezerd",
        ));
    }
    std::path::absolute(&chosen.text)
        .map_err(|error| ConfigError::refuse(chosen, error.to_string()))
}

/// A path; empty: none.
pub(super) fn path_or_empty(chosen: &Chosen) -> Result<Option<PathBuf>, ConfigError> {
    match chosen.text.as_str() {
        "" => Ok(None),
        _ => path(chosen).map(Some),
    }
}

/// A size in bytes; `off`: none.
pub(super) fn cache_size(chosen: &Chosen) -> Result<Option<u64>, ConfigError> {
    if is_off(&chosen.text) {
        return Ok(None);
    }
    match units::parse_bytes(&chosen.text) {
        Some(bytes) if bytes > 0 => Ok(Some(bytes)),
        _ => Err(ConfigError::refuse(
            chosen,
            "expected a size such as \"5 GiB\" or \"500 MiB\", or off",
        )),
    }
}

/// A name that is not empty.
pub(super) fn name(chosen: &Chosen) -> Result<String, ConfigError> {
    if chosen.text.is_empty() {
        return Err(ConfigError::refuse(chosen, "expected a name"));
    }
    Ok(chosen.text.clone())
}

/// A time zone; `local` or empty: none.
pub(super) fn zone(chosen: &Chosen) -> Result<Option<Zone>, ConfigError> {
    match chosen.text.as_str() {
        "" | "local" => Ok(None),
        name => match Zone::named(name) {
            Ok(zone) => Ok(Some(zone)),
            Err(error) => {
                let advice = error.advice_for_offset();
                let similar = || Some(format!("did you mean `{}`?", error.suggestion.as_ref()?));
                let advice = advice.or_else(similar);
                let advice = advice.map_or_else(String::new, |advice| format!("; {advice}"));
                Err(ConfigError::refuse(chosen, format!("{error}{advice}")))
            }
        },
    }
}

pub(super) fn duration(chosen: &Chosen) -> Result<Duration, ConfigError> {
    parse_duration(&chosen.text).map_err(|_| {
        ConfigError::refuse(
            chosen,
            "expected a duration such as \"30 seconds\" or \"5 minutes\"",
        )
    })
}

/// A duration; `off`, empty and zero: none.
pub(super) fn duration_or_off(chosen: &Chosen) -> Result<Option<Duration>, ConfigError> {
    if is_off(&chosen.text) {
        return Ok(None);
    }
    Ok(Some(duration(chosen)?).filter(|limit| !limit.is_zero()))
}

/// A duration; `off`, empty and `0`: zero.
pub(super) fn duration_or_zero(chosen: &Chosen) -> Result<Duration, ConfigError> {
    match chosen.text.trim() {
        "0" => Ok(Duration::ZERO),
        _ => Ok(duration_or_off(chosen)?.unwrap_or_default()),
    }
}

pub(super) fn concurrent_jobs(chosen: &Chosen) -> Result<usize, ConfigError> {
    let number = chosen.text.parse().ok();
    number
        .filter(|number| (1..=256).contains(number))
        .ok_or_else(|| ConfigError::refuse(chosen, "expected a whole number from 1 to 256"))
}

pub(super) fn history_runs(chosen: &Chosen) -> Result<u64, ConfigError> {
    let number = chosen.text.parse().ok();
    number
        .filter(|number| *number >= 1)
        .ok_or_else(|| ConfigError::refuse(chosen, "expected a whole number, at least 1"))
}

/// Two times of the day; `expected` names the forms that the setting takes.
pub(super) fn window(
    chosen: &Chosen,
    expected: &str,
    whole_day: &str,
) -> Result<Window, ConfigError> {
    Window::parse(&chosen.text).map_err(|fault| match fault {
        RateFault::Empty(_) => ConfigError::refuse(
            chosen,
            format!(
                "a window that ends when it begins is empty; write {whole_day} for the whole day"
            ),
        ),
        _ => ConfigError::refuse(chosen, expected),
    })
}

/// User ids, separated by commas.
pub(super) fn user_ids(chosen: &Chosen) -> Result<Vec<u32>, ConfigError> {
    chosen
        .text
        .split(',')
        .map(str::trim)
        .filter(|owner| !owner.is_empty())
        .map(|owner| {
            owner.parse().map_err(|_| {
                ConfigError::refuse(chosen, "expected user ids (numbers), separated by commas")
            })
        })
        .collect()
}

pub(super) fn switch(chosen: &Chosen) -> Result<bool, ConfigError> {
    match chosen.text.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ConfigError::refuse(chosen, "expected true or false")),
    }
}

pub(super) fn log_format(chosen: &Chosen) -> Result<LogFormat, ConfigError> {
    match chosen.text.as_str() {
        "auto" => Ok(LogFormat::Auto),
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        "journal" => Ok(LogFormat::Journal),
        _ => Err(ConfigError::refuse(
            chosen,
            "expected auto, human, json or journal",
        )),
    }
}

pub(super) fn log_level(chosen: &Chosen) -> Result<tracing::Level, ConfigError> {
    chosen
        .text
        .parse()
        .map_err(|_| ConfigError::refuse(chosen, "expected error, warn, info, debug or trace"))
}
