//! Reads a storage that rclone reaches.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::fields::{Fault, Fields, fault, general};
use super::secret_keys::CONFIG_PASSWORD;
use super::{Connection, SecretSource, StoragePlace};
use crate::location::RclonePlace;

/// How rclone is run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct RcloneConnection {
    /// A path, or a name that is looked up in `PATH`; `None`: `rclone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The file of rclone's configuration; `None`: the one that rclone looks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_file: Option<PathBuf>,
    /// The password of an encrypted configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_password: Option<SecretSource>,
    /// Further options of `rclone serve restic`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
}

pub(super) fn read(fields: &Fields) -> Result<(StoragePlace, Connection), Fault> {
    let Some(remote) = fields.text("remote")? else {
        return general(
            "the key `remote` is missing; write for example `remote = \"drive:backups\"`; `rclone listremotes` lists the \
             remotes",
        );
    };
    let place = RclonePlace::parse(&remote)
        .or_else(|error| fault("remote", format!("`remote`: {error}")))?;
    let program = fields.text("program")?;
    if let Some(program) = &program
        && program.contains('/')
        && !program.starts_with('/')
    {
        return fault(
            "program",
            "`program` takes an absolute path, or the name of a program",
        );
    }
    let own = RcloneConnection {
        program,
        config_file: fields.path("config_file")?,
        config_password: fields.secret(CONFIG_PASSWORD)?,
        arguments: fields.words("arguments")?,
    };
    let connection = Connection {
        connections: fields.number("connections", 64)?,
        timeout: fields.timeout()?,
        rclone: Some(Box::new(own)).filter(|own| **own != RcloneConnection::default()),
        ..Connection::default()
    };
    Ok((StoragePlace::Rclone(place), connection))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{NamedStorage, Value};

    fn read(keys: &[(&str, Value)]) -> Result<NamedStorage, String> {
        let kind = ("kind", Value::Text("rclone".to_owned()));
        let values: BTreeMap<String, Value> = std::iter::once(&kind)
            .chain(keys)
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        NamedStorage::read(values).map_err(|fault| fault.message)
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_container_is_a_directory_in_the_remote() {
        let storage = read(&[("remote", text("drive:backups"))]).unwrap();
        let location = storage.place.container("www/a b").unwrap();
        assert_eq!(location.to_string(), "rclone:drive:backups/www/a b");
        assert_eq!(storage.exposure(), None);
        assert!(storage.connection.is_empty());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_not_repeated() {
        let remote = ("remote", text("drive:"));
        for (keys, told) in [
            (vec![], "`remote` is missing"),
            (vec![("remote", text("/srv/canary"))], "a colon"),
            (vec![("remote", text("d,pass=canary:"))], "parameters"),
            (
                vec![remote.clone(), ("config_password", text("canary"))],
                "config_password_file",
            ),
            (
                vec![remote.clone(), ("program", text("bin/rclone"))],
                "absolute path",
            ),
            (
                vec![remote.clone(), ("config_file", text("rclone.conf"))],
                "absolute path",
            ),
            (
                vec![remote.clone(), ("arguments", text("--fast-list"))],
                "list of words",
            ),
            (
                vec![remote.clone(), ("timeout", Value::Number(0))],
                "`timeout`",
            ),
            (
                vec![remote, ("endpoint", text("https://h/"))],
                "has no `endpoint`",
            ),
        ] {
            let message = read(&keys).unwrap_err();
            assert!(message.contains(told), "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
    }

    #[test]
    fn the_words_of_arguments_are_not_shown() {
        let words = vec!["--x-secret=canary".to_owned(), "--fast-list".to_owned()];
        let storage = read(&[
            ("remote", text("drive:")),
            ("arguments", Value::Words(words)),
        ])
        .unwrap();
        let shown = format!("{:?}", storage.shown);
        assert!(shown.contains("2 words"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}
