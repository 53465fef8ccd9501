//! One member of an object: its key, its colon and its value.

use super::reader::Reader;
use super::{Member, Node, Span, Value};
use crate::job::codes;
use crate::job::diagnostic::quoted;

impl Reader<'_> {
    /// Reads one `"key": value`. `None`: there is none, and that was reported.
    pub(super) fn member(&mut self) -> Option<Member> {
        let (key, key_span) = self.key()?;
        self.blanks();
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(b'=') => {
                let start = self.at;
                self.at += if self.peek_at(start + 1) == Some(b'>') {
                    2
                } else {
                    1
                };
                self.fault(
                    codes::MISSING_COLON,
                    start..self.at,
                    "a key and its value are separated by a colon",
                    "write `:` here",
                    "",
                );
            }
            None | Some(b',' | b'}' | b']') => {
                if self.peek().is_some() || !self.end_is_near() {
                    let name = quoted(&key);
                    self.fault(
                        codes::MISSING_VALUE,
                        key_span.clone(),
                        format!("{name} has no value"),
                        "expected `: value` after this",
                        "",
                    );
                }
                return None;
            }
            Some(_) if key.contains(':') && self.peek() != Some(b'"') => {
                // `"action: "backup",`: the closing quote of the key is missing, so every later quote of this line
                // opens where it should close.
                let written = self.slice(key_span.clone());
                let colon = key_span.start + written.find(':').unwrap_or(written.len());
                self.structure_lost = true;
                self.fault(
                    codes::UNTERMINATED_TEXT,
                    key_span.start..colon,
                    "the closing quote of this key is missing",
                    "expected `\"` before the colon",
                    "",
                );
                let end = self.line_end(self.at);
                self.at = if self.peek_at(end - 1) == Some(b',') {
                    end - 1
                } else {
                    end
                };
                return None;
            }
            Some(_) => {
                let name = quoted(&key);
                self.fault(
                    codes::MISSING_COLON,
                    key_span.end..key_span.end,
                    format!("the colon after {name} is missing"),
                    "expected `:` here",
                    "",
                );
            }
        }
        let colon = self.at;
        self.blanks();
        if self.peek() == Some(b':') {
            let second = self.at;
            self.at += 1;
            self.fault(
                codes::UNEXPECTED_TEXT,
                second..second + 1,
                "there is one colon too many",
                "remove this",
                "",
            );
            self.blanks();
        }
        match self.peek() {
            None => Some(Member {
                key,
                key_span,
                node: Node {
                    span: colon..colon,
                    value: Value::Broken,
                },
            }),
            Some(b',' | b'}' | b']') => {
                let name = quoted(&key);
                self.fault(
                    codes::MISSING_VALUE,
                    colon..colon,
                    format!("the value of {name} is missing"),
                    "expected a value here",
                    "write `null` to leave it unset",
                );
                Some(Member {
                    key,
                    key_span,
                    node: Node {
                        span: colon..colon,
                        value: Value::Broken,
                    },
                })
            }
            Some(_) if self.ellipsis() => {
                let span = colon..self.at;
                Some(Member {
                    key,
                    key_span,
                    node: Node {
                        span,
                        value: Value::Broken,
                    },
                })
            }
            Some(_) => {
                let node = self.value();
                Some(Member {
                    key,
                    key_span,
                    node,
                })
            }
        }
    }

    /// Reads a key. `None`: there is none, and that was reported.
    fn key(&mut self) -> Option<(String, Span)> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                let (text, span) = self.string();
                Some((text.content, span))
            }
            Some(b':') => {
                self.at += 1;
                self.fault(
                    codes::MISSING_KEY_NAME,
                    start..start + 1,
                    "this value has no key",
                    "expected `\"key\"` before this",
                    "",
                );
                self.blanks();
                if !matches!(self.peek(), None | Some(b',' | b'}' | b']')) {
                    self.value();
                }
                None
            }
            Some(b'{' | b'[') => {
                let node = self.value();
                self.fault(
                    codes::MISSING_KEY_NAME,
                    start..start + 1,
                    format!("{} has no key", node.kind()),
                    "expected `\"key\":` before this",
                    "",
                );
                None
            }
            _ => self.odd_key(),
        }
    }

    /// Whether a missing end is or will be reported.
    fn end_is_near(&self) -> bool {
        self.end_reported || !self.open.is_empty()
    }
}
