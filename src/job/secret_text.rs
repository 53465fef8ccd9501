//! The secrets that a job file itself holds, such as `secret_key`. They stay in the file: what is remembered, shown or
//! told of the file does not have them, and the agent reads the file when it needs one.
//!
//! They are found in the text, and not in its objects, so that they are found in a file that is broken, too.

use std::borrow::Cow;
use std::ops::Range;

use zeroize::Zeroizing;

use super::diagnostic::Diagnostic;
use super::json::{self, Node, Value};
use super::keys::{ACTION_KEYS, Object, Shape};

/// What stands for a secret.
pub const MASK: &str = "***";

/// A shorter text may be anything.
const SHORTEST: usize = 3;

/// Whether a key, as it is written, holds a secret.
pub(super) fn is_secret(written: &str) -> bool {
    Object::Action
        .find(written)
        .is_some_and(|key| key.shape == Shape::SecretText)
}

/// Whether a key of an action says where a secret is, or who uses it, and not what it is.
pub(super) fn is_a_name(written: &str) -> bool {
    Object::Action
        .find(written)
        .is_some_and(|key| key.of_storage.is_some() && key.shape != Shape::SecretText)
}

/// The last words of keys that hold a secret.
pub(super) const SECRET_NAMES: [&str; 9] = [
    "password",
    "pass",
    "passwd",
    "secret_key",
    "access_key",
    "api_key",
    "token",
    "secret",
    "passphrase",
];

/// The keys whose values are addresses. One with a user and a password in it is refused, and is a secret.
const ADDRESSES: [&str; 2] = ["endpoint", "proxy"];

/// Whether an address, as it is written, has a user in it.
fn has_user(written: &str) -> bool {
    let plain = written.replace("\\/", "/");
    let authority = plain.split_once("://").map(|(_, rest)| rest);
    authority
        .and_then(|rest| rest.split(['/', '?', '#', '\n']).next())
        .is_some_and(|authority| authority.contains('@'))
}

/// Where the values of the keys of secrets are, with their quotes, in the order of the text.
pub(super) fn places(text: &str) -> Vec<Range<usize>> {
    let names = ACTION_KEYS
        .iter()
        .filter(|key| key.shape == Shape::SecretText)
        .map(|key| key.name);
    let plain: String = text.replace('-', "_");
    let mut found = Vec::new();
    for name in names {
        for (start, _) in plain.match_indices(name) {
            found.extend(value_after(text, start + name.len()));
        }
    }
    for name in ADDRESSES {
        for (start, _) in plain.match_indices(name) {
            let value = value_after(text, start + name.len());
            found.extend(value.filter(|place| has_user(&text[place.clone()])));
        }
    }
    found.sort_by_key(|place| place.start);
    found
}

/// The value after a key that ends here. `None`: it is not a key, or its value leaves it unset.
fn value_after(text: &str, end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..)?;
    let after = rest.strip_prefix(['"', '\'']);
    let (is_quoted, rest) = (after.is_some(), after.unwrap_or(rest).trim_start());
    let rest = match rest.chars().next()? {
        ':' | '=' => &rest[1..],
        // The colon is missing.
        '"' | '\'' if is_quoted => rest,
        _ => return None,
    };
    let value = rest.trim_start();
    let start = text.len() - value.len();
    let length = match value.chars().next()? {
        quote @ ('"' | '\'') => {
            let mut is_escaped = false;
            let closing = value.char_indices().skip(1).find(|(_, letter)| {
                let ends = (*letter == quote && !is_escaped) || *letter == '\n';
                is_escaped = *letter == '\\' && !is_escaped;
                ends
            });
            closing.map_or(value.len(), |(at, letter)| match letter {
                '\n' => at,
                letter => at + letter.len_utf8(),
            })
        }
        '[' => value.find(']').map_or(value.len(), |at| at + 1),
        '{' => value.find('}').map_or(value.len(), |at| at + 1),
        _ => value.find([',', '}', ']', '\n']).unwrap_or(value.len()),
    };
    let written = value[..length].trim_end();
    let is_unset = matches!(written, "" | "null" | "false" | "\"\"" | "''");
    (!is_unset).then_some(start..start + written.len())
}

/// Whether the bytes of a file hold a secret.
pub fn holds_secret(bytes: &[u8]) -> bool {
    !places(&String::from_utf8_lossy(bytes)).is_empty()
}

/// The text without its secrets. It is still the text of the same job.
pub fn masked(text: &str) -> Cow<'_, str> {
    let places = places(text);
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    for place in places {
        if place.start < done {
            continue;
        }
        masked.push_str(&text[done..place.start]);
        masked.push_str(&format!("\"{MASK}\""));
        done = place.end;
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
}

/// A document without its secrets.
pub(super) fn without_secrets(mut document: serde_json::Value) -> serde_json::Value {
    // The parser bounds the depth of a file.
    fn hide(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => {
                for (key, value) in members {
                    let is_set = value.is_string() || value.is_number();
                    let is_login =
                        ADDRESSES.contains(&key.as_str()) && value.as_str().is_some_and(has_user);
                    match is_login || is_secret(key) && is_set {
                        true => *value = MASK.into(),
                        false => hide(value),
                    }
                }
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(hide),
            _ => {}
        }
    }
    hide(&mut document);
    document
}

/// Where the values of keys are whose names look like that of a secret. freezerd may not know such a key.
fn likely_places(text: &str) -> Vec<Range<usize>> {
    let plain = text.to_ascii_lowercase().replace('-', "_");
    let mut found = Vec::new();
    for name in SECRET_NAMES {
        for (start, _) in plain.match_indices(name) {
            // `password_file` and `compass` are other words.
            let is_whole = !plain[..start].ends_with(|letter: char| letter.is_alphanumeric());
            let is_key = text[start + name.len()..].starts_with('"');
            if is_whole && is_key && !is_name_of_key(&text[..start], name) {
                found.extend(value_after(text, start + name.len()));
            }
        }
    }
    found
}

/// Whether the key that ends with this word names a user, a key or a file.
fn is_name_of_key(before: &str, word: &str) -> bool {
    let start = before.rfind('"').map_or(0, |at| at + 1);
    is_a_name(&format!("{}{word}", &before[start..]))
}

/// The bytes of a file with asterisks in place of its secrets, so that all else stays in its place.
pub(super) fn blanked(bytes: &[u8]) -> Cow<'_, [u8]> {
    // Each byte that is not UTF-8 becomes one byte here, too.
    let text: Cow<'_, str> = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| ascii(*byte)).collect()),
    };
    let mut places = places(&text);
    places.extend(likely_places(&text));
    if places.is_empty() {
        return Cow::Borrowed(bytes);
    }
    let mut blanked = bytes.to_vec();
    for place in places {
        blanked[place].fill(b'*');
    }
    Cow::Owned(blanked)
}

fn ascii(byte: u8) -> char {
    match byte.is_ascii() {
        true => char::from(byte),
        false => '?',
    }
}

/// What a message may say of a text: it does not have these secrets.
pub(super) struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    /// Those of this text.
    pub(super) fn of(text: &str) -> Secrets {
        let mut secrets = Vec::new();
        for place in places(text) {
            let written = &text[place];
            // As it is written, with its escapes resolved, and each text of a list.
            secrets.push(written.trim_matches(['"', '\'']).to_owned());
            secrets.extend(serde_json::from_str::<String>(written));
            if written.starts_with(['[', '{']) {
                let parts = written.split(['"', '\'', '[', ']', '{', '}', ',', ':']);
                secrets.extend(parts.map(|part| part.trim().to_owned()));
            }
        }
        let secrets = secrets.into_iter().map(Zeroizing::new);
        Secrets(secrets.filter(|it| it.len() >= SHORTEST).collect())
    }

    /// The diagnostics without them.
    pub(super) fn hidden(&self, mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
        for diagnostic in &mut diagnostics {
            self.mask(&mut diagnostic.message);
            diagnostic.label.iter_mut().for_each(|it| self.mask(it));
            diagnostic.help.iter_mut().for_each(|it| self.mask(it));
        }
        diagnostics
    }

    /// Takes them out of a message.
    fn mask(&self, message: &mut String) {
        for secret in &self.0 {
            if message.contains(secret.as_str()) {
                *message = message.replace(secret.as_str(), MASK);
            }
        }
    }
}

/// The secret under a key of an action, counted from 0, or of the `action_defaults`. `None`: the file does not hold it, or
/// cannot be understood.
pub fn in_file(bytes: &[u8], action: usize, key: &str) -> Option<Zeroizing<String>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let document = json::read(text);
    if document.structure_lost {
        return None;
    }
    let root = document.root.as_ref()?;
    let job = root.get("job").map_or(root, |wrapper| &wrapper.node);
    let own = under(job, Object::Job, "job_actions")
        .and_then(|actions| match &actions.value {
            Value::List(nodes) => nodes.get(action),
            _ => (action == 0).then_some(actions),
        })
        .and_then(|entry| under(entry, Object::Entry, "freezer_action"))
        .and_then(|action| under(action, Object::Action, key))
        .filter(|node| node.value != Value::Null);
    let node = match own {
        Some(node) => node,
        None => under(
            under(job, Object::Job, "action_defaults")?,
            Object::Action,
            key,
        )?,
    };
    match &node.value {
        Value::Text(text) if !text.content.is_empty() => Some(Zeroizing::new(text.content.clone())),
        Value::Number(number) => Some(Zeroizing::new(number.clone())),
        _ => None,
    }
}

/// The value of a key, however it is written.
fn under<'a>(node: &'a Node, object: Object, name: &str) -> Option<&'a Node> {
    let members = node.members()?.iter();
    members
        .filter(|member| object.find(&member.key).is_some_and(|key| key.name == name))
        .map(|member| &member.node)
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_a_secret() {
        for address in [
            "http://user:canary@host/x",
            r"https:\/\/canary@host",
            "://a:canary@b",
        ] {
            let text = format!(r#"{{"endpoint": "{address}", "proxy": "http://host:1/@x"}}"#);
            let masked = masked(&text);
            assert_eq!(
                masked,
                r#"{"endpoint": "***", "proxy": "http://host:1/@x"}"#
            );
            assert!(holds_secret(text.as_bytes()));
            let document = serde_json::from_str(&text).unwrap();
            let expected: serde_json::Value = serde_json::from_str(&masked).unwrap();
            assert_eq!(without_secrets(document), expected);
        }
        assert!(!holds_secret(
            br#"{"endpoint": "https://host:9000", "command": "psql x://u:p@h"}"#
        ));
    }

    #[test]
    fn a_remembered_text_has_no_secret_and_is_the_same_job() {
        let text = r#"{"job_actions": [{"freezer_action": {"secret-key": "can\"ary", "secret_key_file": "/k",
            "ssh_password" : 4711, "description": "secret_key"}}], "action_defaults": {"secret_key": null}}"#;
        let masked = masked(text);
        assert!(
            !masked.contains("ary") && !masked.contains("4711"),
            "{masked}"
        );
        assert!(masked.contains(r#""secret-key": "***", "secret_key_file": "/k""#));
        assert!(masked.contains(r#""secret_key": null"#));
        assert!(json::read(&masked).faults.is_empty(), "{masked}");
        assert_eq!(blanked(text.as_bytes()).len(), text.len());
    }

    #[test]
    fn the_value_of_an_unknown_key_that_is_named_like_a_secret_is_not_shown() {
        let text = r#"{"password":"canary1", "Encrypt-Password" : "canary2", "api_key": 4711, "access_key": "user",
            "encrypt_pass_file": "/p", "compass": "north"}"#;
        let shown = String::from_utf8(blanked(text.as_bytes()).into_owned()).unwrap();
        assert!(
            !shown.contains("canary") && !shown.contains("4711"),
            "{shown}"
        );
        for known in ["user", "/p", "north"] {
            assert!(shown.contains(known), "{shown}");
        }
        // It is remembered as it is: a program may need it.
        assert_eq!(masked(text), text);
    }

    #[test]
    fn a_secret_in_a_broken_file_is_found_too() {
        for text in [
            "{\"secret_key\": \"canary",
            "{\"secret_key\": canary, \"x\": 1",
            "{secret_key: 'canary'",
            "\"ssh-password\" = canary }",
            "{\"secret_key\":\n\n  \"canary\",",
            "{\"secret_key\" \"canary\"}",
            "{\"secret_key\": [\n\"canary\"\n]}",
            "{\"secret_key\": {\"x\": \"canary\"}}",
        ] {
            let masked = String::from_utf8(blanked(text.as_bytes()).into_owned()).unwrap();
            assert!(!masked.contains("canary"), "{masked}");
            let mut message = "write \"canary\"".to_owned();
            Secrets::of(text).mask(&mut message);
            assert!(!message.contains("canary"), "{message}");
        }
        let text = b"{\"\xff\": 1, \"secret_key\": \"canary\"}";
        assert!(!blanked(text).windows(6).any(|it| it == b"canary"));
    }

    #[test]
    fn the_secret_of_an_action_is_its_own_or_that_of_the_defaults() {
        let text = br#"{"job": {"action_defaults": {"secret_key": "of all"}, "job_actions": [
            {"freezer_action": {"secret-key": "own"}},
            {"freezer_action": {"secret_key": null}},
            {"freezer_action": {"ssh_password": 12}}]}}"#;
        let found = |action, key| in_file(text, action, key).map(|it| it.to_string());
        assert_eq!(found(0, "secret_key").as_deref(), Some("own"));
        assert_eq!(found(1, "secret_key").as_deref(), Some("of all"));
        assert_eq!(found(2, "ssh_password").as_deref(), Some("12"));
        assert_eq!(found(0, "ssh_password"), None);
        let single = br#"{"job_actions": {"freezer_action": {"secret_key": "s"}}}"#;
        assert_eq!(*in_file(single, 0, "secret_key").unwrap(), "s");
        assert!(in_file(b"{\"job_actions\": [", 0, "secret_key").is_none());
    }
}
