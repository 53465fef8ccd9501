//! The keys of one receiver and their values, as they are written in `freezerd.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::keys::receiver_keys;
use super::kind::ReceiverKind;
use super::message::Kind;
use super::secret::{self, Secret, SecretKeys};
use super::times::{DIGEST_EXPECTED, DigestTime, QUIET_EXPECTED, QuietHours};
use crate::job::command::Command;
use crate::job::secret::credential;
use crate::job::storage::{Fault, SecretSource, Value};
use crate::job::unknown_key::unknown_key;
use crate::location::HttpAddress;
use crate::schedule::interval::parse_duration;

/// The longest time that a receiver may take to accept a message.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// A fault of one key.
pub(super) fn fault<T>(key: &str, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault {
        key: Some(key.to_owned()),
        message: message.into(),
        example: None,
    })
}

/// A fault of the receiver as a whole.
pub(super) fn general<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault {
        key: None,
        message: message.into(),
        example: None,
    })
}

/// The keys of one receiver. All of them belong to its type.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub kind: ReceiverKind,
    values: BTreeMap<String, Value>,
}

impl Fields {
    /// Finds out the type and whether it takes these keys.
    pub fn new(values: BTreeMap<String, Value>) -> Result<Fields, Fault> {
        for name in values.keys() {
            is_known(name)?;
        }
        let kind = read_kind(values.get("type"))?;
        for key in receiver_keys() {
            if values.contains_key(key.name) && !key.kinds.contains(&kind) {
                let word = kind.word();
                return fault(
                    key.name,
                    format!("a receiver of the type {word:?} has no `{}`", key.name),
                );
            }
        }
        Ok(Fields { kind, values })
    }

    /// The keys with their values, in the order of the table. None of them is a secret: of a secret, they say where it is.
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        receiver_keys()
            .filter_map(|key| {
                let secret = secret::ALL.iter().find(|it| it.has(key.name));
                let is_secret = secret.is_some_and(|it| it.name == key.name)
                    && !(key.name == "url" && self.url_is_open());
                let is_command = secret.is_some_and(|it| it.command == key.name);
                let value = match self.values.get(key.name)? {
                    Value::Text(text) if text.is_empty() => return None,
                    _ if is_secret => "(in this file)".to_owned(),
                    // The words of a command, and the headers of a request, may hold a secret.
                    _ if is_command => "(a command)".to_owned(),
                    Value::Words(words) if key.is_open => words.join(", "),
                    Value::Words(words) => format!("({} words)", words.len()),
                    Value::Text(text) if key.is_open => text.clone(),
                    Value::Text(_) => "(a text)".to_owned(),
                    Value::Number(number) => number.to_string(),
                    Value::Switch(value) => value.to_string(),
                    Value::InJobFile(_) | Value::Other => return None,
                };
                Some((key.name, value))
            })
            .collect()
    }

    /// Whether the address is that of a server, and no secret.
    fn url_is_open(&self) -> bool {
        matches!(self.kind, ReceiverKind::Ntfy | ReceiverKind::Gotify)
    }

    /// A text without control characters; an empty one counts as absent.
    pub fn text(&self, key: &'static str) -> Result<Option<String>, Fault> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::Text(text)) if text.is_empty() => Ok(None),
            Some(Value::Text(text)) if !text.contains(char::is_control) => Ok(Some(text.clone())),
            Some(_) => fault(key, format!("`{key}` takes a text")),
        }
    }

    /// A text that the receiver cannot do without.
    pub fn needed(&self, key: &'static str, example: &str) -> Result<String, Fault> {
        match self.text(key)? {
            Some(text) => Ok(text),
            None => general(format!(
                "the key `{key}` is missing; write for example `{key} = \"{example}\"`"
            )),
        }
    }

    /// A text of several lines.
    pub fn lines(&self, key: &'static str) -> Result<Option<&str>, Fault> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => fault(key, format!("`{key}` takes a text")),
        }
    }

    /// True or false; absent means false.
    pub fn switch(&self, key: &'static str) -> Result<bool, Fault> {
        match self.values.get(key) {
            None => Ok(false),
            Some(Value::Switch(value)) => Ok(*value),
            Some(_) => fault(key, format!("`{key}` takes true or false")),
        }
    }

    /// A text, or a list of texts; absent means none.
    pub fn words(&self, key: &'static str) -> Result<Vec<String>, Fault> {
        let words = match self.values.get(key) {
            None => Vec::new(),
            Some(Value::Text(text)) => vec![text.clone()],
            Some(Value::Words(words)) => words.clone(),
            Some(_) => return fault(key, format!("`{key}` takes a list of texts")),
        };
        match words.iter().any(|word| word.contains(char::is_control)) {
            true => fault(key, format!("`{key}` takes texts of one line")),
            false => Ok(words),
        }
    }

    /// The number of a port.
    pub fn port(&self, key: &'static str) -> Result<Option<u16>, Fault> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::Number(number)) => match u16::try_from(*number) {
                Ok(port @ 1..) => Ok(Some(port)),
                _ => fault(key, format!("`{key}` takes a number from 1 to 65535")),
            },
            Some(_) => fault(key, format!("`{key}` takes a number from 1 to 65535")),
        }
    }

    /// An absolute path.
    pub fn path(&self, key: &'static str) -> Result<Option<PathBuf>, Fault> {
        match self.text(key)? {
            None => Ok(None),
            Some(text) if Path::new(&text).is_absolute() => Ok(Some(PathBuf::from(text))),
            Some(_) => fault(key, format!("`{key}` takes an absolute path")),
        }
    }

    /// The address of a server, which is no secret.
    pub fn address(&self, key: &'static str) -> Result<Option<HttpAddress>, Fault> {
        match self.text(key)?.as_deref().map(HttpAddress::parse) {
            None => Ok(None),
            Some(Ok(address)) => Ok(Some(address)),
            Some(Err(error)) => fault(key, format!("`{key}`: {error}")),
        }
    }

    /// A span of time, or `off`.
    pub fn duration_or_off(&self, key: &'static str) -> Result<Option<Duration>, Fault> {
        let expected = format!("`{key}` takes a duration such as \"6 hours\", or \"off\"");
        match self.text(key)?.as_deref() {
            None | Some("off") => Ok(None),
            Some(text) => match parse_duration(text) {
                Ok(span) if !span.is_zero() => Ok(Some(span)),
                _ => fault(key, expected),
            },
        }
    }

    /// How long the receiver has to accept a message.
    pub fn timeout(&self) -> Result<Option<Duration>, Fault> {
        let key = "timeout";
        match self.text(key)?.as_deref().map(parse_duration) {
            None => Ok(None),
            Some(Ok(span)) if !span.is_zero() && span <= LONGEST => Ok(Some(span)),
            Some(_) => fault(
                key,
                format!("`{key}` takes a duration from \"1 second\" to \"10 minutes\""),
            ),
        }
    }

    /// The kinds of messages; `None`: nothing is said.
    pub fn events(&self) -> Result<Option<BTreeSet<Kind>>, Fault> {
        let key = "events";
        if !self.values.contains_key(key) {
            return Ok(None);
        }
        let mut events = BTreeSet::new();
        for word in self.words(key)? {
            match Kind::of_word(&word) {
                Some(kind) => events.extend([kind]),
                None if word == "all" => events.extend(Kind::ALL),
                None => {
                    let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
                    return fault(
                        key,
                        format!(
                            "{word:?} is not a kind of message; the kinds are: {}, all",
                            words.join(", ")
                        ),
                    );
                }
            }
        }
        match events.is_empty() {
            true => fault(
                key,
                "without any kind of message, the receiver gets nothing",
            ),
            false => Ok(Some(events)),
        }
    }

    /// Times at which the receiver is left alone.
    pub fn quiet_hours(&self) -> Result<Vec<QuietHours>, Fault> {
        let key = "quiet_hours";
        let read = self
            .words(key)?
            .iter()
            .map(|text| QuietHours::parse(text))
            .collect::<Option<Vec<QuietHours>>>();
        match read {
            Some(hours) => Ok(hours),
            None => fault(key, format!("`{key}` takes {QUIET_EXPECTED}")),
        }
    }

    /// When the receiver gets a summary.
    pub fn digest(&self) -> Result<Option<DigestTime>, Fault> {
        let key = "digest";
        match self.text(key)?.as_deref() {
            None | Some("off") => Ok(None),
            Some(text) => match DigestTime::parse(text) {
                Some(time) => Ok(Some(time)),
                None => fault(key, format!("`{key}` takes {DIGEST_EXPECTED}")),
            },
        }
    }

    /// A secret, or where it is.
    pub fn secret(&self, keys: SecretKeys) -> Result<Option<Secret>, Fault> {
        let mut found = Vec::new();
        if let Some(text) = self.text(keys.name)? {
            found.push(Secret::Written(Zeroizing::new(text)));
        }
        if let Some(text) = self.text(keys.file)? {
            let path = match credential(&text) {
                Some(Ok(_)) => Some(PathBuf::from(text)),
                Some(Err(wrong)) => return fault(keys.file, wrong),
                None => self.path(keys.file)?,
            };
            found.extend(path.map(|path| Secret::Kept(SecretSource::File(path))));
        }
        if let Some(command) = self.command(keys.command)? {
            found.push(Secret::Kept(SecretSource::Command(command)));
        }
        if let Some(name) = self.text(keys.variable)? {
            if name.contains('=') {
                let key = keys.variable;
                return fault(key, format!("`{key}` takes the name of a variable"));
            }
            found.push(Secret::Kept(SecretSource::Environment(name)));
        }
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => general(format!(
                "a receiver has one of `{}`, `{}`, `{}` and `{}`",
                keys.file, keys.command, keys.variable, keys.name
            )),
        }
    }

    /// A secret that the receiver cannot do without.
    pub fn needed_secret(&self, keys: SecretKeys) -> Result<Secret, Fault> {
        match self.secret(keys)? {
            Some(secret) => Ok(secret),
            None => general(format!(
                "it needs `{0}`, such as `{0} = \"%d/{1}\"`, or `{2}`",
                keys.file, keys.name, keys.command
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

fn read_kind(value: Option<&Value>) -> Result<ReceiverKind, Fault> {
    let words: Vec<&str> = ReceiverKind::ALL.iter().map(|kind| kind.word()).collect();
    let words = words.join(", ");
    let Some(Value::Text(word)) = value else {
        return general(format!("the key `type` is missing; the types are: {words}"));
    };
    match ReceiverKind::of_word(word) {
        Some(kind) => Ok(kind),
        None => fault(
            "type",
            format!("{word:?} is not a type of receiver; the types are: {words}"),
        ),
    }
}

/// Refuses what is no key of any receiver.
fn is_known(name: &str) -> Result<(), Fault> {
    if receiver_keys().any(|key| key.name == name) {
        return Ok(());
    }
    if name == "kind" {
        return fault(name, "there is no key \"kind\"; did you mean \"type\"?");
    }
    let known: Vec<&str> = receiver_keys().map(|key| key.name).collect();
    fault(name, unknown_key(name, &known))
}
