//! Numbers and words, right and wrong ones.

use super::reader::Reader;
use super::{Node, Span, Text, Value};
use crate::job::codes;
use crate::job::diagnostic::{name_of_character, quoted};

impl<'a> Reader<'a> {
    pub(super) fn number(&mut self) -> Node {
        let start = self.at;
        while let Some(byte) = self.peek() {
            let part = byte.is_ascii_alphanumeric()
                || matches!(byte, b'+' | b'-' | b'.' | b'_')
                || (byte == b':'
                    && self
                        .peek_at(self.at + 1)
                        .is_some_and(|next| next.is_ascii_digit()));
            if !part {
                break;
            }
            self.at += 1;
        }
        let written = self.slice(start..self.at);
        let span = start..self.at;
        let finite = written.parse::<f64>().is_ok_and(f64::is_finite);
        if is_number(written) && finite {
            return Node {
                span,
                value: Value::Number(written.to_owned()),
            };
        }
        let (label, help) = if is_number(written) {
            (
                "too large",
                "no number in a job file is that large".to_owned(),
            )
        } else if written.contains(':') || written.matches('-').count() > 1 {
            (
                "a date must be a text",
                format!("put it in quotes: `\"{}\"`", short(written)),
            )
        } else if written.trim_start_matches('-').starts_with("0x") {
            ("hexadecimal", "write the number in decimal".to_owned())
        } else if written.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            (
                "not a number",
                format!("put a text in quotes: `\"{}\"`", short(written)),
            )
        } else {
            let plain = written.trim_start_matches('+').replace('_', "");
            let digits = plain
                .trim_start_matches('-')
                .trim_start_matches('0')
                .trim_end_matches('.');
            let digits = if digits.is_empty() || digits.starts_with('.') {
                format!("0{digits}")
            } else {
                digits.to_owned()
            };
            let sign = if plain.starts_with('-') { "-" } else { "" };
            (
                "not a JSON number",
                format!("write `{sign}{}`", short(&digits)),
            )
        };
        self.fault(
            codes::BAD_NUMBER,
            span.clone(),
            format!("{} is not a JSON number", quoted(written)),
            label,
            help,
        );
        Node {
            span,
            value: Value::Broken,
        }
    }

    /// Reads a value that JSON does not have: a word, a text in wrong quotes, an unexpected character.
    pub(super) fn odd_value(&mut self) -> Node {
        let start = self.at;
        if let Some((content, span)) = self.other_quotes() {
            return Node {
                span,
                value: Value::Text(Text {
                    content,
                    plain: false,
                }),
            };
        }
        let word = self.word();
        if word.is_empty() {
            let character = self.character().unwrap_or(' ');
            self.skip_unreadable();
            let span = start..self.at;
            self.fault(
                codes::UNEXPECTED_TEXT,
                span.clone(),
                format!("a value cannot begin with {}", name_of_character(character)),
                "expected a value",
                "a value is a text in quotes, a number, `true`, `false`, `null`, a `[list]` or an `{object}`",
            );
            return Node {
                span,
                value: Value::Broken,
            };
        }
        let span = start..self.at;
        match word {
            "true" => {
                return Node {
                    span,
                    value: Value::Bool(true),
                };
            }
            "false" => {
                return Node {
                    span,
                    value: Value::Bool(false),
                };
            }
            "null" => {
                return Node {
                    span,
                    value: Value::Null,
                };
            }
            _ => {}
        }
        let meant = match word.to_ascii_lowercase().as_str() {
            "true" => Some(("true", Value::Bool(true))),
            "false" => Some(("false", Value::Bool(false))),
            "null" | "none" | "nil" | "undefined" => Some(("null", Value::Null)),
            _ => None,
        };
        if let Some((meant, value)) = meant {
            self.fault(
                codes::BARE_WORD,
                span.clone(),
                format!("in JSON, {} is `{meant}`", quoted(word)),
                format!("write `{meant}`"),
                "",
            );
            return Node { span, value };
        }
        if matches!(self.peek(), Some(b'"' | b'\'')) && self.peek_at(self.at - 1) != Some(b' ') {
            // `word"`: only the first quote is missing.
            self.at += 1;
            self.structure_lost = true;
            self.fault(
                codes::BARE_WORD,
                start..self.at,
                "the opening quote of this text is missing",
                "expected `\"` before this",
                format!("write `\"{}\"`", short(word)),
            );
            return Node {
                span: start..self.at,
                value: Value::Broken,
            };
        }
        let help = match word {
            "int" | "timestamp" | "float" | "number" => {
                "in documentation this word stands for a number: write the number".to_owned()
            }
            "secs" | "seconds" => {
                "in documentation this word stands for a number of seconds: write the number"
                    .to_owned()
            }
            "bool" | "boolean" => {
                "in documentation this word stands for `true` or `false`: write one of them"
                    .to_owned()
            }
            "string" | "str" | "datetime" => {
                "in documentation this word stands for a text: write the text, in quotes".to_owned()
            }
            "yes" | "on" | "Yes" | "On" => "write `true`".to_owned(),
            "no" | "off" | "No" | "Off" => "write `false`".to_owned(),
            _ => format!("write `\"{}\"`", short(word)),
        };
        self.fault(
            codes::BARE_WORD,
            span.clone(),
            format!("{} has no quotes", quoted(word)),
            "not a JSON value",
            help,
        );
        // `int (seconds)`, `string ["one", "other"]`: the rest describes the value too, and one message is enough.
        self.rest_of_line();
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        if matches!(self.peek(), Some(b'[' | b'{')) {
            self.value();
        }
        Node {
            span,
            value: Value::Broken,
        }
    }

    /// Steps over the text of this line up to a quote, a bracket or a separator.
    fn rest_of_line(&mut self) {
        let rest = self
            .slice(self.at..self.line_end(self.at))
            .trim_start_matches([' ', '\t']);
        let ends = [',', ':', '"', '\'', '{', '}', '[', ']', '#', '/'];
        if rest.is_empty() || rest.starts_with(ends) {
            return;
        }
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.skip_unreadable();
    }

    /// Reads a key that JSON does not have: a word, or a text in wrong quotes. `None`: there is none.
    pub(super) fn odd_key(&mut self) -> Option<(String, Span)> {
        let start = self.at;
        if let Some(found) = self.other_quotes() {
            return Some(found);
        }
        let word = self.word().to_owned();
        let span = start..self.at;
        if word.is_empty() {
            self.skip_unreadable();
            self.fault(
                codes::UNEXPECTED_TEXT,
                start..self.at,
                "unexpected text",
                "expected a key in quotes",
                "",
            );
            return None;
        }
        self.blanks();
        if self.peek() == Some(b':') {
            self.fault(
                codes::UNQUOTED_KEY,
                span.clone(),
                format!("the key {} has no quotes", quoted(&word)),
                format!("write `\"{}\"`", short(&word)),
                "",
            );
            return Some((word, span));
        }
        self.at = span.end;
        self.rest_of_line();
        let span = start..self.at;
        let written = quoted(self.slice(span.clone()));
        self.fault(
            codes::BARE_WORD,
            span,
            format!("{written} is not a member of the object"),
            "expected `\"key\": value`",
            "",
        );
        None
    }

    /// Reports and reads a text in single or typographic quotes. `None`: there is none.
    fn other_quotes(&mut self) -> Option<(String, Span)> {
        let start = self.at;
        let open = self.character()?;
        let closing: &[char] = match open {
            '\'' => &['\''],
            '`' => &['`', '\''],
            '“' | '”' | '„' | '«' => &['“', '”', '»', '"'],
            '‘' | '’' => &['‘', '’', '\''],
            _ => return None,
        };
        let line = self.slice(start + open.len_utf8()..self.line_end(start));
        let length = line
            .find(closing)
            .unwrap_or_else(|| line.trim_end_matches([',', ' ']).len());
        let content = line.get(..length).unwrap_or("").to_owned();
        let quote = line
            .get(length..)
            .and_then(|rest| rest.chars().next())
            .filter(|it| closing.contains(it));
        self.at = start + open.len_utf8() + length + quote.map_or(0, char::len_utf8);
        let span = start..self.at;
        let kind = if open == '\'' { "single" } else { "such" };
        self.fault(
            codes::OTHER_QUOTES,
            span.clone(),
            format!("a text in JSON does not have {kind} quotes"),
            "write `\"` before and after",
            "",
        );
        Some((content, span))
    }

    /// Reads a word. It may be empty.
    fn word(&mut self) -> &'a str {
        let start = self.at;
        while let Some(character) = self.character() {
            if !(character.is_alphanumeric()
                || matches!(character, '_' | '-' | '.' | '/' | '$' | '~' | '@' | '*'))
            {
                break;
            }
            self.step();
        }
        self.slice(start..self.at)
    }

    /// Whether a word with a colon after it begins here.
    pub(super) fn word_before_colon(&self) -> bool {
        let rest = self.slice(self.at..self.bytes.len());
        let word =
            rest.trim_start_matches(|it: char| it.is_alphanumeric() || matches!(it, '_' | '-'));
        word.len() < rest.len() && word.trim_start_matches([' ', '\t']).starts_with(':')
    }

    pub(super) fn at_literal(&self) -> bool {
        let rest = self.slice(self.at..self.bytes.len());
        ["true", "false", "null", "True", "False", "None"]
            .iter()
            .any(|word| rest.starts_with(word))
    }
}

/// Whether a text has the form of a JSON number.
fn is_number(written: &str) -> bool {
    let unsigned = written.strip_prefix('-').unwrap_or(written);
    let integer = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    if integer == 0 || (integer > 1 && unsigned.starts_with('0')) {
        return false;
    }
    let mut rest = unsigned.get(integer..).unwrap_or("");
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return false;
        }
        rest = fraction.get(digits..).unwrap_or("");
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let digits = exponent.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return false;
        }
        rest = exponent.get(digits..).unwrap_or("");
    }
    rest.is_empty()
}

/// A piece of the file for a help line: short, and without control characters.
fn short(written: &str) -> String {
    quoted(written).trim_matches('`').to_owned()
}
