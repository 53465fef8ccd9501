//! Finds secrets in the file itself.

use super::codes;
use super::diagnostic::{Diagnostic, quoted};
use super::json::{Member, Node, Value};
use super::secret_text::{self, SECRET_NAMES};
use super::values::ValueReader;

/// Warns about every secret in a node and below it. The message does not repeat the secret.
pub(super) fn secrets(node: &Node, values: &mut ValueReader<'_>) {
    match &node.value {
        Value::Object(members) => {
            for member in members {
                let name = member.key.to_lowercase().replace('-', "_");
                let named = SECRET_NAMES
                    .iter()
                    .any(|secret| name == *secret || name.ends_with(&format!("_{secret}")));
                if secret_text::is_secret(&member.key)
                    && matches!(member.node.value, Value::Text(_) | Value::Number(_))
                    && !member.node.is_unset()
                {
                    warn_of_own(member, values);
                } else if secret_text::is_a_name(&member.key) {
                    // It names a key or a file.
                } else if named
                    && !member.node.is_unset()
                    && matches!(member.node.value, Value::Text(_) | Value::Number(_))
                {
                    warn(
                        &member.node,
                        format!("{} holds a secret", quoted(&member.key)),
                        values,
                    );
                } else {
                    secrets(&member.node, values);
                }
            }
        }
        Value::List(nodes) => nodes.iter().for_each(|node| secrets(node, values)),
        Value::Text(text) => {
            if let Some(kind) = secret_in(&text.content) {
                warn(node, format!("this text seems to contain {kind}"), values);
            }
        }
        _ => {}
    }
}

fn warn(node: &Node, message: String, values: &mut ValueReader<'_>) {
    values.report(
        Diagnostic::warning(codes::SECRET_IN_FILE, message)
            .at(node.span.clone())
            .label("everybody who can read the file can read it, and lists and logs show it")
            .help("put it into a file that only its user can read, and name that file, or let a command read it"),
    );
}

/// Warns about a secret in a key that is for one. The daemon remembers and shows the file without it.
fn warn_of_own(member: &Member, values: &mut ValueReader<'_>) {
    let key = member.key.replace('-', "_");
    values.report(
        Diagnostic::warning(
            codes::SECRET_IN_FILE,
            format!("{} is a secret in the job file", quoted(&member.key)),
        )
        .at(member.key_span.clone())
        .label("everybody who can read the file can read it")
        .help(format!(
            "write it to a file that only its user can read, and name that file: `\"{key}_file\": \"/etc/freezerd/{key}\"`"
        )),
    );
}

/// Texts that are followed by a secret.
const MARKS: [&str; 9] = [
    "password=",
    "passwd=",
    "pgpassword=",
    "mysql_pwd=",
    "restic_password=",
    "secret_key=",
    "api_key=",
    "token=",
    "--password ",
];

/// The kind of secret that a text seems to contain.
fn secret_in(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let lower = text.to_lowercase();
    for mark in MARKS {
        for (place, _) in lower.match_indices(mark) {
            let value = lower
                .get(place + mark.len()..)
                .unwrap_or("")
                .trim_start_matches(['"', '\'']);
            // A variable, or the output of a command, is not a secret.
            if !matches!(
                value.chars().next(),
                None | Some('$' | '`' | ' ' | '&' | ';')
            ) {
                return Some("a password");
            }
        }
    }
    // scheme://user:password@host
    let after = lower.split_once("://")?.1;
    let authority = after.split(['/', ' ', '"', '\'']).next().unwrap_or("");
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    (!password.is_empty() && !password.starts_with('$')).then_some("a password")
}
