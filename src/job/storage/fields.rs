//! The keys of one storage and their values, as they are written in `freezerd.toml`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::keys::storage_keys;
use super::secret_keys::{SECRETS, SecretKeys};
use super::{JobFileSecret, NOT_SUPPORTED, SecretSource, StorageKind};
use crate::job::command::Command;
use crate::job::rate_limit::{EXPECTED, RateLimit};
use crate::job::secret;
use crate::job::unknown_key::unknown_key;
use crate::location::HttpAddress;
use crate::schedule::interval::parse_duration;

/// A value, whatever language it is written in.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(i64),
    Switch(bool),
    Words(Vec<String>),
    /// A secret that is in a job file.
    InJobFile(JobFileSecret),
    /// Nothing that any key takes.
    Other,
}

/// What is wrong with a key, in words. The message never repeats a value that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// As it is written; `None`: it is about all keys together.
    pub key: Option<String>,
    pub message: String,
    /// How a key that is missing may look.
    pub example: Option<Example>,
}

/// A key that may be added, and a value for it. Who tells the fault knows the language of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    pub key: &'static str,
    pub value: &'static str,
}

impl Fault {
    /// What is told of it where the keys are in `freezerd.toml`.
    pub fn in_toml(&self) -> String {
        let message = &self.message;
        match self.example {
            None => message.clone(),
            Some(Example { key, value }) => {
                format!("{message}; write for example `{key} = {value:?}`")
            }
        }
    }
}

/// Whether the key is a limit in bytes a second.
fn is_limit(key: &str) -> bool {
    matches!(key, "upload_limit" | "download_limit")
}

/// A fault of one key.
pub(super) fn fault<T>(key: &str, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault {
        key: Some(key.to_owned()),
        message: message.into(),
        example: None,
    })
}

/// A fault of the storage as a whole.
pub(super) fn general<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault {
        key: None,
        message: message.into(),
        example: None,
    })
}

/// The storage lacks a key that it cannot do without.
pub(super) fn missing<T>(key: &'static str, value: &'static str) -> Result<T, Fault> {
    Err(Fault {
        key: None,
        message: format!("the key `{key}` is missing"),
        example: Some(Example { key, value }),
    })
}

/// The keys of one storage. All of them belong to its kind.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub kind: StorageKind,
    values: BTreeMap<String, Value>,
}

impl Fields {
    /// Finds out the kind and whether it takes these keys.
    pub fn new(values: BTreeMap<String, Value>) -> Result<Fields, Fault> {
        let mut fields = Fields {
            kind: StorageKind::Local,
            values,
        };
        for (name, value) in &fields.values {
            if !matches!(value, Value::InJobFile(_)) {
                is_known(name)?;
            }
        }
        fields.kind = fields.read_kind()?;
        for key in storage_keys() {
            if fields.values.contains_key(key.name) && !key.kinds.contains(&fields.kind) {
                let kind = fields.kind.word();
                return fault(
                    key.name,
                    format!("a storage of the kind {kind:?} has no `{}`", key.name),
                );
            }
        }
        Ok(fields)
    }

    /// The keys with their values, in the order of the table. None of them is a secret: of a password, they say where
    /// it is.
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let is_command = |name| SECRETS.iter().any(|secret| secret.command == name);
        storage_keys()
            .filter_map(|key| {
                let value = match self.values.get(key.name)? {
                    // The words of a command may hold a secret.
                    _ if is_command(key.name) => "(a command)".to_owned(),
                    Value::Text(text) if text.is_empty() => return None,
                    Value::Text(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    Value::Switch(value) => value.to_string(),
                    Value::Words(windows) if is_limit(key.name) => windows.join(", "),
                    // These may hold one, too, against all advice.
                    Value::Words(words) => format!("({} words)", words.len()),
                    Value::InJobFile(_) | Value::Other => return None,
                };
                Some((key.name, value))
            })
            .collect()
    }

    fn read_kind(&self) -> Result<StorageKind, Fault> {
        let kinds: Vec<&str> = StorageKind::ALL
            .iter()
            .filter(|kind| **kind != StorageKind::Local)
            .map(|kind| kind.word())
            .collect();
        let kinds = kinds.join(", ");
        let Some(word) = self.text("kind")? else {
            return general(format!("the key `kind` is missing; the kinds are: {kinds}"));
        };
        match StorageKind::of_word(&word) {
            Some(StorageKind::Local) => fault(
                "kind",
                "a local container needs no storage: write its path in the job",
            ),
            Some(kind) => Ok(kind),
            None if NOT_SUPPORTED.contains(&word.as_str()) => fault(
                "kind",
                format!("this version does not support the kind {word:?}; it supports: {kinds}"),
            ),
            None => fault(
                "kind",
                format!("{word:?} is not a kind of storage; the kinds are: {kinds}"),
            ),
        }
    }

    /// A text; an empty one counts as absent.
    pub fn text(&self, key: &'static str) -> Result<Option<String>, Fault> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::Text(text)) if text.is_empty() => Ok(None),
            Some(Value::Text(text)) if !text.contains(char::is_control) => Ok(Some(text.clone())),
            Some(_) => fault(key, format!("`{key}` takes a text")),
        }
    }

    /// True or false; absent means false.
    pub fn switch(&self, key: &'static str) -> Result<bool, Fault> {
        Ok(self.choice(key)?.unwrap_or(false))
    }

    /// True or false, if it is said.
    pub fn choice(&self, key: &'static str) -> Result<Option<bool>, Fault> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::Switch(value)) => Ok(Some(*value)),
            Some(_) => fault(key, format!("`{key}` takes true or false")),
        }
    }

    /// An absolute path.
    pub fn path(&self, key: &'static str) -> Result<Option<PathBuf>, Fault> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        match Path::new(&text).is_absolute() {
            true => Ok(Some(PathBuf::from(text))),
            false => fault(key, format!("`{key}` takes an absolute path")),
        }
    }

    /// An absolute path, or `%d/NAME` for a credential of the service.
    pub fn file_or_credential(&self, key: &'static str) -> Result<Option<PathBuf>, Fault> {
        let text = self.text(key)?;
        match text.as_deref().and_then(secret::credential) {
            Some(Ok(_)) => Ok(text.map(PathBuf::from)),
            Some(Err(wrong)) => fault(key, wrong),
            None => self.path(key),
        }
    }

    /// The address of a directory on an HTTP server.
    pub fn address(&self, key: &'static str) -> Result<Option<HttpAddress>, Fault> {
        match self.text(key)?.as_deref().map(HttpAddress::parse) {
            None => Ok(None),
            Some(Ok(address)) => Ok(Some(address)),
            Some(Err(error)) => fault(key, format!("`{key}`: {error}")),
        }
    }

    /// For how many seconds nothing may move on a connection: up to a day.
    pub fn timeout(&self) -> Result<Option<NonZeroU32>, Fault> {
        self.number("timeout", 24 * 60 * 60)
    }

    /// For how long an action waits for a server that cannot be reached; zero: it does not.
    pub fn network_wait(&self) -> Result<Option<Duration>, Fault> {
        const KEY: &str = "network_wait";
        if let Some(Value::Number(0)) = self.values.get(KEY) {
            return Ok(Some(Duration::ZERO));
        }
        match self.text(KEY)?.as_deref().map(str::trim) {
            None => Ok(None),
            Some("off" | "0") => Ok(Some(Duration::ZERO)),
            Some(text) => match parse_duration(text) {
                Ok(limit) => Ok(Some(limit)),
                Err(_) => fault(
                    KEY,
                    format!("`{KEY}` takes a duration such as \"10 minutes\", or \"off\""),
                ),
            },
        }
    }

    /// A time that is longer than nothing.
    pub fn duration(&self, key: &'static str) -> Result<Option<Duration>, Fault> {
        match self.text(key)?.as_deref().map(parse_duration) {
            None => Ok(None),
            Some(Ok(duration)) if !duration.is_zero() => Ok(Some(duration)),
            Some(_) => fault(
                key,
                format!("`{key}` takes a duration such as \"12 hours\""),
            ),
        }
    }

    /// A rate in bytes a second, or windows; absent means that nothing is said.
    pub fn rate_limit(&self, key: &'static str) -> Result<Option<RateLimit>, Fault> {
        let limit = match self.values.get(key) {
            None => return Ok(None),
            Some(Value::Text(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::Text(text)) => RateLimit::parse(text),
            Some(Value::Number(number)) => RateLimit::parse(&number.to_string()),
            Some(Value::Words(windows)) => RateLimit::of_texts(windows.iter().map(String::as_str)),
            Some(_) => return fault(key, format!("`{key}` takes {EXPECTED}")),
        };
        match limit {
            Ok(limit) => Ok(Some(limit)),
            Err(wrong) => fault(key, format!("`{key}` {wrong}; {}", wrong.fault.help())),
        }
    }

    /// A list of words; absent means none.
    pub fn words(&self, key: &'static str) -> Result<Vec<String>, Fault> {
        match self.values.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Words(words)) if !words.iter().any(|word| word.contains('\0')) => {
                Ok(words.clone())
            }
            Some(_) => fault(key, format!("`{key}` takes a list of words")),
        }
    }

    /// A whole number from 1 to `most`.
    pub fn number(&self, key: &'static str, most: u32) -> Result<Option<NonZeroU32>, Fault> {
        let number = match self.values.get(key) {
            None => return Ok(None),
            Some(Value::Number(number)) => u32::try_from(*number).ok(),
            Some(_) => None,
        };
        let number = number.filter(|number| *number <= most);
        match number.and_then(NonZeroU32::new) {
            Some(number) => Ok(Some(number)),
            None => fault(
                key,
                format!("`{key}` takes a whole number from 1 to {most}"),
            ),
        }
    }

    /// Where a secret is.
    pub fn secret(&self, keys: SecretKeys) -> Result<Option<SecretSource>, Fault> {
        let mut found = Vec::new();
        if let Some(Value::InJobFile(secret)) = self.values.get(keys.name) {
            found.push(SecretSource::JobFile(secret.clone()));
        }
        if let Some(text) = self.text(keys.file)? {
            match secret::credential(&text) {
                Some(Ok(_)) => found.push(SecretSource::File(PathBuf::from(text))),
                Some(Err(wrong)) => return fault(keys.file, wrong),
                None => found.extend(self.path(keys.file)?.map(SecretSource::File)),
            }
        }
        if let Some(command) = self.command(keys.command)? {
            found.push(SecretSource::Command(command));
        }
        if let Some(name) = self.text(keys.variable)? {
            if name.contains('=') {
                let key = keys.variable;
                return fault(key, format!("`{key}` takes the name of a variable"));
            }
            found.push(SecretSource::Environment(name));
        }
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => general(format!(
                "a storage has one of `{}`, `{}` and `{}`",
                keys.file, keys.command, keys.variable
            )),
        }
    }

    fn command(&self, key: &'static str) -> Result<Option<Command>, Fault> {
        match self.values.get(key) {
            Some(Value::Words(words)) => match words.first().is_some_and(|word| !word.is_empty()) {
                true => Ok(Some(Command::Words(words.clone()))),
                false => fault(key, format!("`{key}` takes a text, or a list of words")),
            },
            _ => Ok(self.text(key)?.map(Command::Shell)),
        }
    }
}

/// Refuses what is no key of any storage.
fn is_known(name: &str) -> Result<(), Fault> {
    if let Some(secret) = SECRETS.iter().find(|secret| secret.name == name) {
        return fault(
            name,
            format!(
                "a secret such as `{name}` does not belong into this file, which others can read: write it to a file of its \
             own (chmod 600), and name that file with `{}`",
                secret.file
            ),
        );
    }
    if storage_keys().any(|key| key.name == name) {
        return Ok(());
    }
    let known: Vec<&str> = storage_keys().map(|key| key.name).collect();
    fault(name, unknown_key(name, &known))
}
