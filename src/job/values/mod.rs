//! Reads values: as loosely as the documents of Freezer write them, and as strictly as a backup needs.

use super::Host;
use super::codes;
use super::decode::Field;
use super::diagnostic::{Diagnostic, quoted};
use super::json::{Node, Value};
use super::keys::suggested_word;
use super::words::WordOf;

mod check;
mod keep;
mod numbers;
mod own_rules;
mod paths;
mod rate_limit;
mod selection;
mod shares;

pub(super) use selection::{MOST_BYTES, WrittenPatterns};

/// Reads values, and collects what is wrong with them.
///
/// Each reader returns `None` where the value is unset or wrong. A wrong value is reported.
pub(super) struct ValueReader<'h> {
    pub host: &'h Host,
    /// The name of the file, without directories.
    file_name: String,
    /// Which action is read, from 0.
    pub action: usize,
    pub diagnostics: Vec<Diagnostic>,
}

impl<'h> ValueReader<'h> {
    /// A reader of values of this file.
    pub fn new(host: &'h Host, file_name: &str) -> ValueReader<'h> {
        ValueReader {
            host,
            file_name: file_name.to_owned(),
            action: 0,
            diagnostics: Vec::new(),
        }
    }
}

impl ValueReader<'_> {
    /// Where the file is, if it is in the jobs directory.
    pub fn file(&self) -> std::path::PathBuf {
        self.host.jobs_dir.join(&self.file_name)
    }

    /// Adds a diagnostic.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports a value whose form is wrong. An empty `help` is left out.
    pub(in crate::job) fn wrong_type(
        &mut self,
        field: &Field<'_>,
        expected: &str,
        help: impl Into<String>,
    ) {
        if field.node.value == Value::Broken {
            return;
        }
        let mut wrong = Diagnostic::error(
            codes::WRONG_TYPE,
            format!(
                "{} takes {expected}, and this is {}",
                quoted(field.written),
                field.node.kind()
            ),
        )
        .at(head(field.node))
        .label(format!("expected {expected}"));
        let help = help.into();
        if !help.is_empty() {
            wrong = wrong.help(help);
        }
        self.report(wrong);
    }

    /// The value as a text. `None` if it is absent or not a text; the latter is reported.
    pub fn text(&mut self, field: Option<Field<'_>>) -> Option<String> {
        let field = field?;
        match &field.node.value {
            _ if field.node.is_unset() => None,
            Value::Text(text) => Some(text.content.clone()),
            Value::Number(number) => Some(number.clone()),
            Value::Bool(_) => {
                self.wrong_type(&field, "a text", "`false` or `null` leave it unset");
                None
            }
            Value::List(nodes) => {
                let help = one_of_list(&field, nodes);
                self.wrong_type(&field, "a text", help);
                None
            }
            _ => {
                self.wrong_type(&field, "a text", "");
                None
            }
        }
    }

    /// The value as a boolean. `None` if it is absent or not a boolean; the latter is reported.
    pub fn flag(&mut self, field: Option<Field<'_>>) -> Option<bool> {
        let field = field?;
        match &field.node.value {
            Value::Bool(flag) => Some(*flag),
            Value::Null => None,
            Value::Text(text) => match text.content.trim().to_ascii_lowercase().as_str() {
                "" => None,
                "true" => Some(true),
                "false" | "none" => Some(false),
                "yes" | "on" | "1" => {
                    self.wrong_type(&field, "`true` or `false`", "write `true`");
                    None
                }
                "no" | "off" | "0" => {
                    self.wrong_type(&field, "`true` or `false`", "write `false`");
                    None
                }
                _ => {
                    self.wrong_type(&field, "`true` or `false`", "");
                    None
                }
            },
            Value::Number(number) => {
                let help = match number.as_str() {
                    "1" => "write `true`",
                    "0" => "write `false`",
                    _ => "",
                };
                self.wrong_type(&field, "`true` or `false`", help);
                None
            }
            _ => {
                self.wrong_type(&field, "`true` or `false`", "");
                None
            }
        }
    }

    /// One of the words of the key.
    pub fn word(&mut self, field: Option<Field<'_>>) -> Option<&'static str> {
        let field = field?;
        let words = field.key.shape.words()?;
        let written = match &field.node.value {
            _ if field.node.is_unset() => return None,
            Value::Text(text) => text.content.trim(),
            _ => {
                self.wrong_type(&field, "a word", choices(words));
                return None;
            }
        };
        if let Some((word, _)) = words.iter().find(|(word, _)| *word == written) {
            return Some(word);
        }
        let fault = Diagnostic::error(
            codes::BAD_WORD,
            format!("{} is not a known {}", quoted(written), field.key.name),
        )
        .at(field.node.span.clone());
        let suggestion = suggested_word(written, words.iter().map(|(word, _)| *word));
        self.report(if written.contains('|') {
            fault.label("a choice, not a value").help(format!(
                "`|` separates the choices in documentation: keep one; {}",
                choices(words)
            ))
        } else if let Some(suggestion) = suggestion {
            fault
                .label("unknown word")
                .help(format!("did you mean `{suggestion}`?"))
        } else {
            fault.label("unknown word").help(choices(words))
        });
        None
    }

    /// The value that a table has for the word.
    pub fn value_of_word<T: Copy>(
        &mut self,
        field: Option<Field<'_>>,
        table: &[WordOf<T>],
    ) -> Option<T> {
        let written = self.word(field)?;
        table
            .iter()
            .find(|(word, _, _)| *word == written)
            .map(|(_, value, _)| *value)
    }
}

/// The span to point at for a value: all of a plain value, the first bracket of a list or an object.
pub(super) fn head(node: &Node) -> std::ops::Range<usize> {
    match node.value {
        Value::List(_) | Value::Object(_) => node.span.start..node.span.start + 1,
        _ => node.span.clone(),
    }
}

/// What to write in place of a list where a key takes one text.
fn one_of_list(field: &Field<'_>, nodes: &[Node]) -> String {
    match nodes {
        [node] => match &node.value {
            Value::Text(text) => format!(
                "write it without brackets: {}",
                quoted(&format!("\"{}\"", text.content))
            ),
            _ => "write it without brackets".to_owned(),
        },
        _ if field.key.name == "container" => {
            "an action has one container: write an action for each of them".to_owned()
        }
        _ => "write one text; for several, write an action for each".to_owned(),
    }
}

fn choices(words: &[(&str, &str)]) -> String {
    let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
    match words.as_slice() {
        [only] => format!("the only choice is {only}"),
        _ => format!("the choices are {}", words.join(", ")),
    }
}
