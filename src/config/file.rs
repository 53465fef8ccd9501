//! `freezerd.toml`: flat `key = value` lines, and sections `[storage.NAME]` and `[notify.NAME]`.

use std::path::Path;

use super::chosen::{Chosen, Origin};
use super::error::ConfigError;
use super::receivers;
use super::section::{Sections, line_of_key};
use super::setting::Setting;
use super::settings::SETTINGS;
use super::storages::{self, Defined};
use crate::tell::receiver::Receiver;

/// What the file says.
#[derive(Default)]
pub(super) struct Content {
    pub values: Vec<Chosen>,
    pub storages: Vec<Defined>,
    pub receivers: Vec<(Receiver, Origin)>,
}

/// Reads the file; `None` when it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Content>, ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(ConfigError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    let line_of = |offset: usize| {
        text.bytes()
            .take(offset)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1
    };
    let table: toml::Table =
        text.parse()
            .map_err(|error: toml::de::Error| ConfigError::Syntax {
                path: path.to_owned(),
                line: error.span().map_or(1, |span| line_of(span.start)),
                message: error.message().to_owned(),
            })?;

    let mut values = Vec::new();
    let mut storages = Vec::new();
    let mut receivers = Vec::new();
    for (name, value) in table {
        let sections = |table, what, has_key| Sections {
            table,
            what,
            has_key,
            setting: setting_named,
            path,
            text: &text,
        };
        match name.as_str() {
            "storage" => {
                let sections = sections("storage", "a storage", storages::has_key);
                storages = storages::read(&value, &sections)?;
                continue;
            }
            "notify" => {
                let sections = sections("notify", "a receiver", receivers::has_key);
                receivers = receivers::read(&value, &sections)?;
                continue;
            }
            _ => {}
        }
        let line = line_of_key(&text, &name);
        let Some(setting) = setting_named(&name) else {
            return Err(ConfigError::UnknownKey {
                path: path.to_owned(),
                line,
                hint: suggestion(&name),
                key: name,
            });
        };
        let origin = Origin::File {
            path: path.to_owned(),
            line,
        };
        if value.is_table() {
            return Err(ConfigError::Value {
                key: setting.name,
                value: "[…]".to_owned(),
                origin,
                message: format!("this is a section; write `{} = …`", setting.name),
            });
        }
        values.push(Chosen {
            setting,
            text: plain(&value),
            origin,
        });
    }
    Ok(Some(Content {
        values,
        storages,
        receivers,
    }))
}

/// The setting that a key at the top of the file sets.
fn setting_named(key: &str) -> Option<&'static Setting> {
    let name = key.replace('-', "_");
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// A value in the form that the command line takes: items of an array are joined by commas.
fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(value) => value.to_string(),
        toml::Value::Datetime(moment) => moment.to_string(),
        toml::Value::Table(_) => "(a table)".to_owned(),
    }
}

fn suggestion(name: &str) -> String {
    let name = name.replace('-', "_");
    SETTINGS
        .iter()
        .map(|it| (strsim::damerau_levenshtein(&name, it.name), it.name))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map_or_else(
            || "; `freezerd config show` lists them".to_owned(),
            |(_, key)| format!("; did you mean {key:?}?"),
        )
}
