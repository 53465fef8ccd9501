//! Objects and lists: their parts up to the closing bracket.

use super::commas::Preceding;
use super::reader::Reader;
use super::{Member, Node, Value};
use crate::job::codes;
use crate::job::diagnostic::quoted;

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

    /// Whether the file begins with a member and not with a brace, as the examples in Freezer's documentation.
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

    /// Reads a whole file of members without braces around them.
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
            format!("the file begins with {name}"),
            "write `{` before this and `}` at the end of the file",
        );
        let members = self.members(false);
        Node {
            span: start..self.at,
            value: Value::Object(members),
        }
    }

    /// Reads members up to the closing brace and steps over it. Without `braced`, reads up to the end of the file.
    fn members(&mut self, braced: bool) -> Vec<Member> {
        let mut members = Vec::new();
        let mut before = Preceding::Opening;
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
                    if let Preceding::Part(end) = before
                        && !self.between_parts(end, true)
                    {
                        before = Preceding::Unreadable;
                        continue;
                    }
                    let start = self.at;
                    let member = self.member();
                    if self.at == start {
                        // An endless loop must not be possible.
                        self.step();
                    }
                    before = match member {
                        Some(_) => Preceding::Part(self.end_of_part()),
                        None => Preceding::Unreadable,
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
        let mut before = Preceding::Opening;
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
                    if let Preceding::Part(end) = before
                        && !self.between_parts(end, false)
                    {
                        before = Preceding::Unreadable;
                        continue;
                    }
                    let start = self.at;
                    nodes.push(self.value());
                    if self.at == start {
                        self.step();
                    }
                    before = Preceding::Part(self.end_of_part());
                }
            }
        }
        self.open.pop();
        Node {
            span: start..self.at,
            value: Value::List(nodes),
        }
    }

    /// Whether such a bracket is open outside the innermost one.
    fn is_open(&self, bracket: u8) -> bool {
        self.open
            .iter()
            .rev()
            .skip(1)
            .any(|(open, _)| *open == bracket)
    }
}
