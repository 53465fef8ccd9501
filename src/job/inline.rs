//! A storage that the job itself describes, with Freezer's keys: `"storage": "s3"`, `access_key`, `secret_key` and so on.

use std::collections::BTreeMap;

use super::codes;
use super::command::Command;
use super::decode::{Field, Fields};
use super::diagnostic::{Diagnostic, quoted};
use super::json;
use super::keys::{ACTION_KEYS, Shape};
use super::storage::{JobFileSecret, NamedStorage, StorageKind, Value};
use super::timing;
use super::values::ValueReader;
use super::which_storage::NamedPlace;

impl ValueReader<'_> {
    /// The storage of this kind that the keys of the action describe, and the name of the container in it. `None` if the
    /// keys are wrong, which is reported.
    pub(super) fn inline_storage(
        &mut self,
        fields: &Fields<'_>,
        kind: StorageKind,
        container: &str,
    ) -> Option<(NamedStorage, String)> {
        let before = self.diagnostics.iter().filter(|it| it.is_error()).count();
        let mut values = BTreeMap::new();
        for field in fields.iter() {
            let Some(of_storage) = field.key.of_storage else {
                continue;
            };
            if !of_storage.kinds.contains(&kind) {
                continue;
            }
            if let Some(value) = self.storage_value(field) {
                values.insert(of_storage.key.to_owned(), value);
            }
        }
        if self.diagnostics.iter().filter(|it| it.is_error()).count() > before {
            return None;
        }
        values.insert("kind".to_owned(), Value::Text(kind.word().to_owned()));
        let mut name = container.to_owned();
        // Freezer's container is then a directory of the server.
        let is_directory = matches!(
            kind,
            StorageKind::Ftp | StorageKind::Ftps | StorageKind::Sftp
        );
        if is_directory
            && let Some(below) = container.strip_prefix('/')
            && !below.is_empty()
        {
            values.insert("directory".to_owned(), Value::Text("/".to_owned()));
            name = below.to_owned();
        }
        match NamedStorage::read(values) {
            Ok(storage) => Some((storage, name)),
            Err(fault) => {
                let written = fault
                    .key
                    .as_deref()
                    .and_then(|key| of_key(fields, kind, key));
                let at = written.or_else(|| fields.set("storage"));
                let span = at.map_or(fields.span.clone(), |field| field.node.span.clone());
                let help = match fault.example {
                    Some(example) => {
                        let key = key_of_jobs(example.key, kind);
                        format!("write for example `\"{key}\": {:?}`", example.value)
                    }
                    None => format!(
                        "`freezerd explain {}` shows an example",
                        codes::BAD_STORAGE.name
                    ),
                };
                self.report(
                    Diagnostic::error(codes::BAD_STORAGE, in_words_of_jobs(&fault.message, kind))
                        .at(span)
                        .label("this storage cannot be used")
                        .help(help),
                );
                None
            }
        }
    }

    /// The value, as `[storage.NAME]` would have it.
    fn storage_value(&mut self, field: &Field<'_>) -> Option<Value> {
        let given = Some(*field);
        if field.node.is_unset() && field.key.shape != Shape::Flag {
            return None;
        }
        let text_of = |path: std::path::PathBuf| Value::Text(path.to_string_lossy().into_owned());
        match field.key.shape {
            Shape::Flag => self.flag(given).map(Value::Switch),
            Shape::Number(_) => self.count(given).map(|number| Value::Number(number.into())),
            Shape::Path => self.path(given).map(text_of),
            Shape::Secret => self.secret(given).map(text_of),
            Shape::Command => self.command(given).map(|command| match command {
                Command::Shell(text) => Value::Text(text),
                Command::Words(words) => Value::Words(words),
            }),
            Shape::Words(_) => self.word(given).map(|word| Value::Text(word.to_owned())),
            Shape::Duration => timing::duration(given, self)
                .map(|duration| Value::Text(format!("{} seconds", duration.as_secs()))),
            // The secret would not be found in the text, which is remembered without it.
            Shape::SecretText if field.key_span.len() != field.written.len() + 2 => {
                self.report(
                    Diagnostic::error(
                        codes::BAD_STORAGE,
                        format!("the key {} has escapes", quoted(field.written)),
                    )
                    .at(field.key_span.clone())
                    .label("write it as it is"),
                );
                None
            }
            Shape::SecretText => match &field.node.value {
                json::Value::Text(_) | json::Value::Number(_) => {
                    Some(Value::InJobFile(JobFileSecret {
                        file: self.file(),
                        action: self.action,
                        key: field.key.name.to_owned(),
                    }))
                }
                _ => {
                    self.wrong_type(field, "a text", "");
                    None
                }
            },
            _ => self.text(given).map(Value::Text),
        }
    }

    /// Reports keys that describe a storage where the action does not describe this one.
    pub(super) fn keys_of_other_storages(&mut self, fields: &Fields<'_>, place: NamedPlace<'_>) {
        for field in fields.iter().filter(|field| !field.node.is_unset()) {
            let Some(of_storage) = field.key.of_storage else {
                continue;
            };
            let name = quoted(field.written);
            let words: Vec<String> = of_storage
                .kinds
                .iter()
                .map(|kind| format!("`\"storage\": \"{}\"`", kind.word()))
                .collect();
            let wanted = words.join(" or ");
            let (message, help) = match place {
                NamedPlace::InJob(kind) if of_storage.kinds.contains(&kind) => continue,
                // Freezer's jobs have these two everywhere.
                NamedPlace::Local | NamedPlace::Named(_) | NamedPlace::InJob(_)
                    if matches!(field.key.name, "proxy" | "insecure") =>
                {
                    let instead = match place {
                        NamedPlace::Named(_) => "the storage has this key in `freezerd.toml`",
                        _ => "this container needs no HTTP",
                    };
                    self.report(
                        Diagnostic::warning(codes::NO_EFFECT, format!("{name} has no effect here"))
                            .at(field.key_span.clone())
                            .label("accepted, and ignored")
                            .help(instead),
                    );
                    continue;
                }
                NamedPlace::InJob(kind) => (
                    format!("a storage of the kind {:?} has no {name}", kind.word()),
                    format!("it belongs to {wanted}: remove the key, or correct `storage`"),
                ),
                NamedPlace::Local => (
                    format!("{name} describes a storage, and the container is on this host"),
                    format!("add {wanted}, or remove the key"),
                ),
                NamedPlace::Named(_) => (
                    format!(
                        "{name} describes a storage, and `storage` names one that `freezerd.toml` describes"
                    ),
                    format!("remove the key; or write {wanted}, and all of the storage here"),
                ),
            };
            self.report(
                Diagnostic::error(codes::BAD_STORAGE, message)
                    .at(field.key_span.clone())
                    .label("which storage is meant?")
                    .help(help),
            );
        }
    }
}

/// The field that stands for a key of a storage.
fn of_key<'a>(fields: &Fields<'a>, kind: StorageKind, key: &str) -> Option<Field<'a>> {
    fields
        .iter()
        .find(|field| {
            field
                .key
                .of_storage
                .is_some_and(|of| of.key == key && of.kinds.contains(&kind))
        })
        .copied()
}

/// The name that a job has for a key of `[storage.NAME]`.
fn key_of_jobs(key: &'static str, kind: StorageKind) -> &'static str {
    let named = ACTION_KEYS.iter().find(|it| {
        it.of_storage
            .is_some_and(|of| of.key == key && of.kinds.contains(&kind))
    });
    named.map_or(key, |named| named.name)
}

/// A message about keys of `[storage.NAME]`, with the names that a job has for them.
fn in_words_of_jobs(message: &str, kind: StorageKind) -> String {
    let mut message = message.to_owned();
    for key in ACTION_KEYS {
        let Some(of_storage) = key.of_storage else {
            continue;
        };
        if of_storage.kinds.contains(&kind) && of_storage.key != key.name {
            let from = format!("`{}`", of_storage.key);
            message = message.replace(&from, &format!("`{}`", key.name));
        }
    }
    message
}
