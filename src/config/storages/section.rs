//! One section `[storage.NAME]`: its keys and their values.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use super::keys::STORAGE_KEYS;
use crate::job::command::Command;
use crate::job::secret;
use crate::job::storage::{
    Connection, NOT_SUPPORTED, NamedStorage, SecretSource, StorageKind, StoragePlace,
};
use crate::location::HttpAddress;

/// What is wrong with a key, in words. The message never repeats a value that may be a secret.
pub(super) struct Fault {
    pub key: Option<&'static str>,
    pub message: String,
}

fn fault<T>(key: &'static str, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault {
        key: Some(key),
        message: message.into(),
    })
}

/// The keys of one section.
pub(super) struct Section<'a> {
    pub table: &'a toml::Table,
}

impl Section<'_> {
    /// Reads all keys.
    pub(super) fn read(&self) -> Result<NamedStorage, Fault> {
        self.only_known_keys()?;
        let kind = self.kind()?;
        let place = match kind {
            StorageKind::Local => {
                return fault(
                    "kind",
                    "a local container needs no storage: write its path in the job",
                );
            }
            StorageKind::Rest => StoragePlace::Rest(self.required_address("endpoint")?),
        };
        let username = self.text("username")?;
        let password = self.password()?;
        if password.is_some() && username.is_none() {
            return fault("username", "a password needs a `username`");
        }
        if username.as_ref().is_some_and(|name| name.contains(':')) {
            return fault("username", "a user name for HTTP cannot contain a colon");
        }
        Ok(NamedStorage {
            place,
            connection: Connection {
                username,
                password,
                ca_file: self.path("ca_file")?,
                insecure: self.switch("insecure")?,
                proxy: self.address("proxy")?,
                connections: self.connections()?,
            },
        })
    }

    fn only_known_keys(&self) -> Result<(), Fault> {
        for name in self.table.keys() {
            if name == "password" {
                return Err(Fault {
                    key: None,
                    message: "a password does not belong into this file, which others can read: write it to a file of \
                              its own (chmod 600), and name that file with `password_file`"
                        .to_owned(),
                });
            }
            if STORAGE_KEYS.iter().any(|key| key.name == name) {
                continue;
            }
            let closest = STORAGE_KEYS
                .iter()
                .map(|key| (strsim::damerau_levenshtein(name, key.name), key.name))
                .min()
                .filter(|(distance, _)| *distance <= 3);
            let hint = match closest {
                Some((_, key)) => format!("; did you mean {key:?}?"),
                None => format!(
                    "; the keys are {}",
                    STORAGE_KEYS.map(|key| key.name).join(", ")
                ),
            };
            return Err(Fault {
                key: None,
                message: format!("there is no key {name:?}{hint}"),
            });
        }
        Ok(())
    }

    fn kind(&self) -> Result<StorageKind, Fault> {
        let kinds: Vec<&str> = StorageKind::ALL
            .iter()
            .filter(|kind| **kind != StorageKind::Local)
            .map(|kind| kind.word())
            .collect();
        let kinds = kinds.join(", ");
        let Some(word) = self.text("kind")? else {
            return Err(Fault {
                key: None,
                message: format!("the key `kind` is missing; the kinds are: {kinds}"),
            });
        };
        match StorageKind::of_word(&word) {
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
    fn text(&self, key: &'static str) -> Result<Option<String>, Fault> {
        match self.table.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) if text.is_empty() => Ok(None),
            Some(toml::Value::String(text)) if !text.contains(char::is_control) => {
                Ok(Some(text.clone()))
            }
            Some(_) => fault(key, format!("`{key}` takes a text")),
        }
    }

    fn switch(&self, key: &'static str) -> Result<bool, Fault> {
        match self.table.get(key) {
            None => Ok(false),
            Some(toml::Value::Boolean(value)) => Ok(*value),
            Some(_) => fault(key, format!("`{key}` takes true or false")),
        }
    }

    fn path(&self, key: &'static str) -> Result<Option<PathBuf>, Fault> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        match Path::new(&text).is_absolute() {
            true => Ok(Some(PathBuf::from(text))),
            false => fault(key, format!("`{key}` takes an absolute path")),
        }
    }

    fn address(&self, key: &'static str) -> Result<Option<HttpAddress>, Fault> {
        match self.text(key)?.as_deref().map(HttpAddress::parse) {
            None => Ok(None),
            Some(Ok(address)) => Ok(Some(address)),
            Some(Err(error)) => fault(key, format!("`{key}`: {error}")),
        }
    }

    fn required_address(&self, key: &'static str) -> Result<HttpAddress, Fault> {
        match self.address(key)? {
            Some(address) => Ok(address),
            None => Err(Fault {
                key: None,
                message: format!(
                    "the key `{key}` is missing; write for example `{key} = \"https://backup.example:8000/\"`"
                ),
            }),
        }
    }

    fn connections(&self) -> Result<Option<NonZeroU32>, Fault> {
        const KEY: &str = "connections";
        let Some(value) = self.table.get(KEY) else {
            return Ok(None);
        };
        let number = value
            .as_integer()
            .filter(|number| (1..=64).contains(number))
            .and_then(|number| u32::try_from(number).ok())
            .and_then(NonZeroU32::new);
        match number {
            Some(number) => Ok(Some(number)),
            None => fault(KEY, "`connections` takes a whole number from 1 to 64"),
        }
    }

    fn password(&self) -> Result<Option<SecretSource>, Fault> {
        let mut found = Vec::new();
        if let Some(text) = self.text("password_file")? {
            match secret::credential(&text) {
                Some(Ok(_)) => found.push(SecretSource::File(PathBuf::from(text))),
                Some(Err(wrong)) => return fault("password_file", wrong),
                None => found.extend(self.path("password_file")?.map(SecretSource::File)),
            }
        }
        if let Some(command) = self.command("password_command")? {
            found.push(SecretSource::Command(command));
        }
        if let Some(name) = self.text("password_env")? {
            if name.contains('=') {
                return fault(
                    "password_env",
                    "`password_env` takes the name of a variable",
                );
            }
            found.push(SecretSource::Environment(name));
        }
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => Err(Fault {
                key: None,
                message:
                    "a storage has one of `password_file`, `password_command` and `password_env`"
                        .to_owned(),
            }),
        }
    }

    fn command(&self, key: &'static str) -> Result<Option<Command>, Fault> {
        match self.table.get(key) {
            Some(toml::Value::Array(items)) => {
                let words: Option<Vec<String>> = items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned))
                    .collect();
                match words.filter(|words| words.first().is_some_and(|word| !word.is_empty())) {
                    Some(words) => Ok(Some(Command::Words(words))),
                    None => fault(key, format!("`{key}` takes a text, or a list of words")),
                }
            }
            _ => Ok(self.text(key)?.map(Command::Shell)),
        }
    }
}
