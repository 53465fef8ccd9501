//! `freezerd.toml`: flat `key = value` lines, and sections `[storage.NAME]`.

use std::path::Path;

use super::chosen::{Chosen, Origin};
use super::error::ConfigError;
use super::settings::SETTINGS;
use super::storages::{self, Defined};

/// What the file says.
#[derive(Default)]
pub(super) struct Content {
    pub values: Vec<Chosen>,
    pub storages: Vec<Defined>,
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
    let mut defined = Vec::new();
    for (name, value) in table {
        if name == "storage" {
            defined = storages::read(&value, path, &|name, key| line_of_storage(&text, name, key))?;
            continue;
        }
        let line = line_of_key(&text, &name);
        let written = name.replace('-', "_");
        let Some(setting) = SETTINGS.iter().find(|it| it.name == written) else {
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
        storages: defined,
    }))
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

fn line_of_key(text: &str, name: &str) -> usize {
    text.lines()
        .position(|line| {
            let line = line.trim_start().trim_start_matches('[');
            line.strip_prefix(name)
                .is_some_and(|rest| rest.trim_start().starts_with(['=', ']', '.']))
        })
        .map_or(1, |index| index + 1)
}

/// The line of a section `[storage.NAME]`, or of a key in it.
fn line_of_storage(text: &str, name: &str, key: Option<&str>) -> usize {
    let head: String = format!("[storage.{name}]");
    let is_head = |line: &str| {
        let plain: String = line
            .chars()
            .filter(|it| !it.is_whitespace() && !matches!(it, '"' | '\''))
            .collect();
        plain.starts_with(&head)
    };
    let Some(section) = text.lines().position(is_head) else {
        return line_of_key(text, "storage");
    };
    let below = text.lines().skip(section + 1);
    let in_section = below.take_while(|line| !line.trim_start().starts_with('['));
    let offset = key.and_then(|key| {
        in_section.into_iter().position(|line| {
            let rest = line.trim_start().strip_prefix(key);
            rest.is_some_and(|rest| rest.trim_start().starts_with('='))
        })
    });
    section + 1 + offset.map_or(0, |offset| offset + 1)
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
