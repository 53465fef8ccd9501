//! Values, read as loosely as Freezer's documents write them, and as strictly as a backup needs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Host;
use super::codes;
use super::decode::Field;
use super::diagnostic::{Diagnostic, quoted};
use super::json::{Node, Value};
use super::keys::{Shape, suggested_word};
use super::secret;

/// Reads values and collects what is wrong with them.
pub(super) struct Judge<'h> {
    pub host: &'h Host,
    pub diagnostics: Vec<Diagnostic>,
}

impl Judge<'_> {
    pub fn tell(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// A value of a form that its key does not take.
    fn wrong_type(&mut self, field: &Field<'_>, expected: &str, help: impl Into<String>) {
        if field.node.value == Value::Broken {
            return;
        }
        let mut fault = Diagnostic::error(
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
            fault = fault.help(help);
        }
        self.tell(fault);
    }

    /// A text; `None` where it is unset or wrong.
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
            _ => {
                self.wrong_type(&field, "a text", "");
                None
            }
        }
    }

    /// A flag; `None` where it is unset or wrong.
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

    /// A number within the bounds that the table has for the key; `None` where it is unset or wrong.
    pub fn number(&mut self, field: Option<Field<'_>>) -> Option<f64> {
        let field = field?;
        let Shape::Number {
            least,
            most,
            whole,
            unit,
        } = field.key.shape
        else {
            return None;
        };
        let written = match &field.node.value {
            _ if field.node.is_unset() => return None,
            Value::Number(number) => number.as_str(),
            Value::Text(text) => text.content.trim(),
            _ => {
                self.wrong_type(&field, &format!("a number of {unit}"), "");
                return None;
            }
        };
        let Some(number) = plain_number(written) else {
            let help = match (unit, duration_words(written)) {
                ("seconds", Some(seconds)) => {
                    format!("it is a number of seconds: write `{seconds}`")
                }
                ("days", Some(seconds)) => format!(
                    "it is a number of days: write `{}`",
                    seconds as f64 / 86_400.0
                ),
                _ => String::new(),
            };
            self.wrong_type(&field, &format!("a number of {unit}"), help);
            return None;
        };
        let fault = if whole && number.fract() != 0.0 {
            Some((format!("takes a whole number of {unit}"), String::new()))
        } else if number < least {
            let help = if least > 0.0 {
                "write `null`, or leave it out, for none"
            } else {
                ""
            };
            Some((format!("takes at least {least} {unit}"), help.to_owned()))
        } else if number > most {
            Some((format!("takes at most {most} {unit}"), String::new()))
        } else {
            None
        };
        if let Some((wants, help)) = fault {
            let mut fault = Diagnostic::error(
                codes::OUT_OF_RANGE,
                format!("{} {wants}", quoted(field.written)),
            )
            .at(field.node.span.clone())
            .label(format!("{number} is out of range"));
            if !help.is_empty() {
                fault = fault.help(help);
            }
            self.tell(fault);
            return None;
        }
        Some(number)
    }

    /// A whole number.
    pub fn count(&mut self, field: Option<Field<'_>>) -> Option<u32> {
        // In bounds and whole, as the table has it for every key that this is called for.
        self.number(field).map(|number| number as u32)
    }

    /// A number of seconds.
    pub fn seconds(&mut self, field: Option<Field<'_>>) -> Option<Duration> {
        self.number(field)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    /// A moment in Unix seconds; 0 and less are none.
    pub fn timestamp(&mut self, field: Option<Field<'_>>) -> Option<i64> {
        let field = field?;
        let number = match &field.node.value {
            _ if field.node.is_unset() => return None,
            Value::Number(number) => plain_number(number),
            Value::Text(text) => plain_number(text.content.trim()),
            _ => None,
        };
        match number {
            Some(number) if number <= 0.0 => None,
            // The year 9999 ends then; the cast is exact below it.
            Some(number) if number < 253_402_300_800.0 => Some(number as i64),
            _ => {
                self.wrong_type(&field, "a number of seconds since 1970", "");
                None
            }
        }
    }

    /// One of the words that the table has for the key; `None` where it is unset or wrong.
    pub fn word(&mut self, field: Option<Field<'_>>) -> Option<&'static str> {
        let field = field?;
        let Shape::Words(words) = field.key.shape else {
            return None;
        };
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
            format!("{} is no {} that is known", quoted(written), field.key.name),
        )
        .at(field.node.span.clone());
        let suggestion = suggested_word(written, words.iter().map(|(word, _)| *word));
        self.tell(if written.contains('|') {
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

    /// An absolute path; `None` where it is unset or wrong.
    pub fn path(&mut self, field: Option<Field<'_>>) -> Option<PathBuf> {
        let field = field?;
        let written = self.text(Some(field))?;
        self.absolute(&field, &written)
    }

    /// The path of a secret: absolute, or a credential, as it is written; `None` where it is unset or wrong.
    pub fn secret(&mut self, field: Option<Field<'_>>) -> Option<PathBuf> {
        let field = field?;
        let written = self.text(Some(field))?;
        match secret::credential(&written) {
            None => self.absolute(&field, &written),
            Some(Ok(_)) => Some(PathBuf::from(written)),
            Some(Err(fault)) => {
                self.tell(
                    Diagnostic::error(codes::BAD_PATH, fault)
                        .at(field.node.span.clone())
                        .label("not a credential as it stands")
                        .help(
                            "write `%d/NAME`, with the NAME of a `LoadCredential=NAME:FILE` of freezerd's unit",
                        ),
                );
                None
            }
        }
    }

    /// What a path of the file means: absolute as it is, else below the working directory.
    pub fn absolute(&mut self, field: &Field<'_>, written: &str) -> Option<PathBuf> {
        let name = quoted(field.written);
        let fault = |code, message: String, help: String| {
            Diagnostic::error(code, message)
                .at(field.node.span.clone())
                .label("not a path as it stands")
                .help(help)
        };
        if written.contains('\0') {
            self.tell(fault(
                codes::BAD_PATH,
                format!("{name} has a NUL byte in its path"),
                "no path of Linux can".to_owned(),
            ));
            return None;
        }
        if written.starts_with('~') || written.starts_with('$') {
            let kind = if written.starts_with('~') {
                "`~` is"
            } else {
                "variables are"
            };
            self.tell(fault(
                codes::UNEXPANDED_PATH,
                format!("{kind} not filled in: {name} is taken literally"),
                "write the whole path, as `/home/ada/documents`".to_owned(),
            ));
            return None;
        }
        let mut characters = written.chars();
        if characters.next().is_some_and(|it| it.is_ascii_alphabetic())
            && characters.next() == Some(':')
            && matches!(characters.next(), Some('\\' | '/'))
        {
            self.tell(fault(
                codes::BAD_PATH,
                format!("{name} is a path of Windows"),
                "write a path of this host, as `/home`".to_owned(),
            ));
            return None;
        }
        // The components leave out `.`, doubled slashes and a slash at the end.
        let path = Path::new(written);
        if path.is_absolute() {
            return Some(path.components().collect());
        }
        let resolved: PathBuf = self.host.working_dir.join(path).components().collect();
        self.tell(
            Diagnostic::warning(codes::RELATIVE_PATH, format!("{name} is a relative path"))
                .at(field.node.span.clone())
                .label(format!("taken as {}", quoted(&resolved.to_string_lossy())))
                .help("write the path in full, from `/`, so that it does not depend on where the daemon was started"),
        );
        Some(resolved)
    }

    /// Shell patterns: one, or a list.
    pub fn patterns(&mut self, field: Option<Field<'_>>) -> Vec<String> {
        let Some(field) = field else {
            return Vec::new();
        };
        let Value::List(nodes) = &field.node.value else {
            return self.text(Some(field)).into_iter().collect();
        };
        let mut patterns = Vec::new();
        for node in nodes {
            match &node.value {
                Value::Text(text) if !text.content.is_empty() => {
                    patterns.push(text.content.clone())
                }
                _ => self.wrong_type(
                    &Field { node, ..field },
                    "a pattern, or a list of patterns",
                    "",
                ),
            }
        }
        patterns
    }
}

/// Where to point for a value: all of a short one, the first bracket of a long one.
pub(super) fn head(node: &Node) -> std::ops::Range<usize> {
    match node.value {
        Value::List(_) | Value::Object(_) => node.span.start..node.span.start + 1,
        _ => node.span.clone(),
    }
}

fn choices(words: &[(&str, &str)]) -> String {
    let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
    match words.as_slice() {
        [only] => format!("the only choice is {only}"),
        _ => format!("the choices are {}", words.join(", ")),
    }
}

/// A decimal number as documents write them; no `inf`, no `nan`.
fn plain_number(written: &str) -> Option<f64> {
    let decimal =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
    let number: f64 = if written.bytes().all(decimal) {
        written.parse().ok()?
    } else {
        return None;
    };
    number.is_finite().then_some(number)
}

/// Seconds of something like `5 minutes` or `2h`, for a hint.
fn duration_words(written: &str) -> Option<u64> {
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = written.get(..digits)?.parse().ok()?;
    let unit = match written.get(digits..)?.trim().to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        _ => return None,
    };
    number.checked_mul(unit)
}
