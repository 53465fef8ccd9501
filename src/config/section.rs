//! The sections `[TABLE.NAME]` of `freezerd.toml`: their names, and their values in a neutral form.

use std::collections::BTreeMap;
use std::path::Path;

use super::chosen::Origin;
use super::error::ConfigError;
use super::setting::Setting;
use crate::job::storage::Value;

/// The sections below one table.
pub(super) struct Sections<'a> {
    /// The name of the table: `storage` in `[storage.NAME]`.
    pub table: &'static str,
    /// What a section defines, with its article.
    pub what: &'static str,
    /// Whether a section has a key of this name.
    pub has_key: fn(&str) -> bool,
    /// The setting that a key at the top of the file sets.
    pub setting: fn(&str) -> Option<&'static Setting>,
    pub path: &'a Path,
    /// The whole file.
    pub text: &'a str,
}

/// One section: its name, and the values of its keys.
pub(super) type Section = (String, BTreeMap<String, Value>);

impl Sections<'_> {
    /// Reads all sections below the table.
    pub fn read(&self, value: &toml::Value) -> Result<Vec<Section>, ConfigError> {
        let (table, what) = (self.table, self.what);
        let Some(sections) = value.as_table() else {
            let message =
                format!("{what} is a section; write `[{table}.NAME]`, and its keys below");
            return Err(self.wrong("NAME", None, message));
        };
        let mut read = Vec::new();
        for (name, section) in sections {
            let is_word = !name.is_empty()
                && name.len() <= 64
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            if !is_word {
                let message = format!("{what} needs a name of letters, digits, `-` and `_`");
                return Err(self.wrong(name, None, message));
            }
            let Some(section) = section.as_table() else {
                let message = format!(
                    "a key stands in a section with a name of its own: write `[{table}.NAME]`, where you choose the name, and \
                     the key below"
                );
                return Err(self.wrong(name, None, message));
            };
            for key in section.keys().filter(|key| !(self.has_key)(key)) {
                if let Some(setting) = (self.setting)(key) {
                    let message = format!(
                        "`{}` is a setting, and no key of {what}; a setting stands above the first section of the file",
                        setting.name
                    );
                    return Err(self.wrong(name, Some(key), message));
                }
            }
            let values = section
                .iter()
                .map(|(key, value)| (key.clone(), neutral(value)));
            read.push((name.clone(), values.collect()));
        }
        Ok(read)
    }

    /// The error of a section, or of a key in it.
    pub fn wrong(&self, name: &str, key: Option<&str>, message: String) -> ConfigError {
        ConfigError::Section {
            path: self.path.to_owned(),
            line: self.line(name, key),
            what: self.what.rsplit(' ').next().unwrap_or_default(),
            name: name.to_owned(),
            message,
        }
    }

    /// The line of the section, or of a key in it.
    fn line(&self, name: &str, key: Option<&str>) -> usize {
        let text = self.text;
        let head: String = format!("[{}.{name}]", self.table);
        let is_head = |line: &str| {
            let plain: String = line
                .chars()
                .filter(|it| !it.is_whitespace() && !matches!(it, '"' | '\''))
                .collect();
            plain.starts_with(&head)
        };
        let Some(section) = text.lines().position(is_head) else {
            return line_of_key(text, self.table);
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

    /// Where a section is.
    pub fn origin(&self, name: &str) -> Origin {
        Origin::File {
            path: self.path.to_owned(),
            line: self.line(name, None),
        }
    }
}

/// The line of a key at the top of the file, or of the first section below it.
pub(super) fn line_of_key(text: &str, name: &str) -> usize {
    text.lines()
        .position(|line| {
            let line = line.trim_start().trim_start_matches('[');
            line.strip_prefix(name)
                .is_some_and(|rest| rest.trim_start().starts_with(['=', ']', '.']))
        })
        .map_or(1, |index| index + 1)
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
