//! Objects and lists, and what goes wrong between their parts: commas, colons and brackets.

use super::reader::Reader;
use super::{Member, Node, Span, Value};
use crate::job::codes;
use crate::job::diagnostic::quoted;

/// What stands before the next part of an object or a list.
#[derive(Clone, Copy)]
enum Before {
    /// The opening bracket.
    Opening,
    /// A comma, at this byte.
    Comma(usize),
    /// A part, which ended at this byte.
    Part(usize),
    /// Something that was skipped, of which that was said.
    Rubbish,
}

impl Reader<'_> {
    pub(super) fn object(&mut self) -> Node {
        let start = self.at;
        if !self.enter(b'{') {
            return Node {
                span: start..start,
                value: Value::Broken,
            };
        }
        let members = self.members(true);
        self.open.pop();
        Node {
            span: start..self.at,
            value: Value::Object(members),
        }
    }

    /// Whether the file begins with a member instead of the object around it, as the snippets in Freezer's
    /// documentation do.
    pub(super) fn begins_without_braces(&self) -> bool {
        if self.peek() != Some(b'"') {
            return false;
        }
        let rest = self.bytes.get(self.at + 1..).unwrap_or(&[]);
        let Some(close) = rest.iter().position(|byte| matches!(byte, b'"' | b'\n')) else {
            return false;
        };
        let mut after = rest
            .iter()
            .skip(close + 1)
            .skip_while(|byte| byte.is_ascii_whitespace());
        rest.get(close) == Some(&b'"') && after.next() == Some(&b':')
    }

    /// A whole file of members, with no braces around them.
    pub(super) fn members_without_braces(&mut self) -> Node {
        let start = self.at;
        let key_end = self
            .bytes
            .iter()
            .skip(start + 1)
            .position(|byte| *byte == b'"');
        let key = start..key_end.map_or(start, |length| start + length + 2);
        let name = quoted(self.slice(key.clone()).trim_matches('"'));
        self.fault(
            codes::MISSING_OUTER_BRACES,
            key,
            "the braces around the whole file are missing",
            format!("the file begins with {name} itself"),
            "write `{` before this, and `}` at the end of the file",
        );
        let members = self.members(false);
        Node {
            span: start..self.at,
            value: Value::Object(members),
        }
    }

    /// Members up to and with the closing brace, or up to the end of the file where none is expected.
    fn members(&mut self, braced: bool) -> Vec<Member> {
        let mut members = Vec::new();
        let mut before = Before::Opening;
        loop {
            self.blanks();
            match self.peek() {
                None => {
                    if braced {
                        self.file_ends();
                    }
                    return members;
                }
                Some(b'}') if braced => {
                    self.trailing_comma(before, '}');
                    self.at += 1;
                    return members;
                }
                Some(b']') if self.is_open(b'[') => {
                    self.missing_closing('}', ']');
                    return members;
                }
                Some(byte @ (b'}' | b']')) => self.stray_bracket(byte),
                Some(b',') => before = self.comma(before),
                Some(_) if self.ellipsis() => self.comma_after_ellipsis(before),
                Some(_) => {
                    if let Before::Part(end) = before
                        && !self.between_parts(end, true)
                    {
                        before = Before::Rubbish;
                        continue;
                    }
                    let start = self.at;
                    let member = self.member();
                    if self.at == start {
                        // Whatever this is, the walk must go on.
                        self.step();
                    }
                    before = match member {
                        Some(_) => Before::Part(self.end_of_part()),
                        None => Before::Rubbish,
                    };
                    members.extend(member);
                }
            }
        }
    }

    pub(super) fn list(&mut self) -> Node {
        let start = self.at;
        if !self.enter(b'[') {
            return Node {
                span: start..start,
                value: Value::Broken,
            };
        }
        let mut nodes = Vec::new();
        let mut before = Before::Opening;
        loop {
            self.blanks();
            match self.peek() {
                None => {
                    self.file_ends();
                    break;
                }
                Some(b']') => {
                    self.trailing_comma(before, ']');
                    self.at += 1;
                    break;
                }
                Some(b'}') if self.is_open(b'{') => {
                    self.missing_closing(']', '}');
                    break;
                }
                Some(byte @ b'}') => self.stray_bracket(byte),
                Some(b',') => before = self.comma(before),
                Some(_) if self.ellipsis() => self.comma_after_ellipsis(before),
                Some(_) => {
                    if let Before::Part(end) = before
                        && !self.between_parts(end, false)
                    {
                        before = Before::Rubbish;
                        continue;
                    }
                    let start = self.at;
                    nodes.push(self.value());
                    if self.at == start {
                        self.step();
                    }
                    before = Before::Part(self.end_of_part());
                }
            }
        }
        self.open.pop();
        Node {
            span: start..self.at,
            value: Value::List(nodes),
        }
    }

    /// One `"key": value`. `None` where there was no such thing, of which that was said.
    fn member(&mut self) -> Option<Member> {
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
                // `"action: "backup",`: the quote that closes the key was forgotten, and all quotes after it in
                // this line are off by one.
                let written = self.slice(key_span.clone());
                let colon = key_span.start + written.find(':').unwrap_or(written.len());
                self.structure_lost = true;
                self.fault(
                    codes::UNTERMINATED_TEXT,
                    key_span.start..colon,
                    "the quote that ends this key is missing",
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
                "one colon too many",
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

    /// The key that begins here.
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
                    "a value without a key",
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
                    format!("{} without a key", node.kind()),
                    "expected `\"key\":` before this",
                    "",
                );
                None
            }
            _ => self.odd_key(),
        }
    }

    /// What stands between two parts without a comma: nothing (the comma was forgotten: true), or rubbish.
    fn between_parts(&mut self, end: usize, in_object: bool) -> bool {
        let begins_part = match self.peek() {
            Some(b'"' | b'\'') => true,
            Some(b'{' | b'[' | b'0'..=b'9' | b'-') => !in_object,
            _ if in_object => self.word_before_colon(),
            _ => self.at_literal(),
        };
        if begins_part {
            let what = if in_object { "members" } else { "values" };
            self.fault(
                codes::MISSING_COMMA,
                end..end,
                format!("the comma between two {what} is missing"),
                "expected `,` here",
                "",
            );
            return true;
        }
        let start = self.at;
        if matches!(self.peek(), Some(b'{' | b'[')) {
            self.value();
        } else {
            self.skip_rubbish();
        }
        let span = start..self.at.max(start + 1).min(self.bytes.len().max(start));
        let closing = if in_object { '}' } else { ']' };
        self.fault(
            codes::UNEXPECTED_TEXT,
            span,
            "this does not belong here",
            format!("expected `,` or `{closing}`"),
            "a value ends at its closing quote or bracket; words belong inside of the quotes",
        );
        false
    }

    fn comma(&mut self, before: Before) -> Before {
        let comma = self.at;
        self.at += 1;
        match before {
            Before::Part(_) | Before::Rubbish => return Before::Comma(comma),
            Before::Opening => self.fault(
                codes::EXTRA_COMMA,
                comma..comma + 1,
                "a comma with nothing before it",
                "remove this comma",
                "",
            ),
            Before::Comma(_) => self.fault(
                codes::EXTRA_COMMA,
                comma..comma + 1,
                "two commas with nothing between them",
                "remove this comma",
                "",
            ),
        }
        before
    }

    /// `..., ` counts as a part where a comma would otherwise be one too many.
    fn comma_after_ellipsis(&mut self, before: Before) {
        self.blanks();
        if self.peek() == Some(b',') && !matches!(before, Before::Part(_) | Before::Rubbish) {
            self.at += 1;
        }
    }

    fn trailing_comma(&mut self, before: Before, closing: char) {
        if let Before::Comma(comma) = before {
            self.fault(
                codes::TRAILING_COMMA,
                comma..comma + 1,
                format!("a comma before the closing `{closing}`"),
                "remove this comma",
                "JSON wants a comma between two members, and none after the last",
            );
        }
    }

    /// The end of what was read last, blanks and comments excluded.
    fn end_of_part(&self) -> usize {
        let read = self.slice(0..self.at);
        read.trim_end_matches([' ', '\t', '\r', '\n']).len()
    }

    fn is_open(&self, bracket: u8) -> bool {
        self.open
            .iter()
            .rev()
            .skip(1)
            .any(|(open, _)| *open == bracket)
    }

    /// Whether the end of the file is told of in any case.
    fn end_is_near(&self) -> bool {
        self.end_told || !self.open.is_empty()
    }
}
