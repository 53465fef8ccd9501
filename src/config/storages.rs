//! The sections `[storage.NAME]` of `freezerd.toml`: storages that jobs can name.

use std::path::Path;

use super::chosen::Origin;
use super::error::ConfigError;
use crate::job::storage::{NamedStorage, Storages, Value, is_reserved};

/// A storage and where it is defined.
#[derive(Clone, Debug)]
pub(super) struct Defined {
    pub name: String,
    pub storage: NamedStorage,
    pub origin: Origin,
}

/// Reads all sections below `storage`. `line_of` finds the line of a section, or of a key in it.
pub(super) fn read(
    value: &toml::Value,
    path: &Path,
    line_of: &dyn Fn(&str, Option<&str>) -> usize,
) -> Result<Vec<Defined>, ConfigError> {
    let wrong = |name: &str, key: Option<&str>, message: String| ConfigError::Storage {
        path: path.to_owned(),
        line: line_of(name, key),
        name: name.to_owned(),
        message,
    };
    let Some(table) = value.as_table() else {
        return Err(wrong(
            "NAME",
            None,
            "a storage is a section; write `[storage.NAME]`, and its keys below".to_owned(),
        ));
    };
    let mut storages = Vec::new();
    for (name, section) in table {
        let is_word = !name.is_empty()
            && name.len() <= 64
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_word || is_reserved(name) {
            let message = "a storage needs a name of letters, digits, `-` and `_` that is not the word of a kind";
            return Err(wrong(name, None, message.to_owned()));
        }
        let Some(section) = section.as_table() else {
            let message = format!("write `[storage.{name}]`, and its keys below");
            return Err(wrong(name, None, message));
        };
        let values = section
            .iter()
            .map(|(key, value)| (key.clone(), neutral(value)));
        let storage = NamedStorage::read(values.collect())
            .map_err(|fault| wrong(name, fault.key, fault.message))?;
        storages.push(Defined {
            name: name.clone(),
            storage,
            origin: Origin::File {
                path: path.to_owned(),
                line: line_of(name, None),
            },
        });
    }
    Ok(storages)
}

fn neutral(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::Text(text.clone()),
        toml::Value::Integer(number) => Value::Number(*number),
        toml::Value::Boolean(value) => Value::Switch(*value),
        toml::Value::Array(items) => {
            let words: Option<Vec<String>> = items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect();
            words.map_or(Value::Other, Value::Words)
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => Value::Other,
    }
}

/// The storages by their names.
pub(super) fn by_name(defined: &[Defined]) -> Storages {
    let pairs = defined
        .iter()
        .map(|defined| (defined.name.clone(), defined.storage.clone()));
    pairs.collect()
}

/// Where they are defined, in the order of their names.
pub(super) fn origins(defined: &[Defined]) -> Vec<Origin> {
    let mut sorted: Vec<&Defined> = defined.iter().collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    let origins = sorted.into_iter().map(|defined| defined.origin.clone());
    origins.collect()
}
