//! JSON with a place for every value: a reader that goes on after a fault, so that a file's faults are all told
//! at once.
//!
//! What it accepts without a fault is exactly what `serde_json` accepts; a test holds the two together.

use std::ops::Range;

use super::diagnostic::Diagnostic;

mod blanks;
mod brackets;
mod closings;
mod reader;
mod scalars;
mod texts;

/// A range of bytes of the file.
pub type Span = Range<usize>;

/// The deepest nesting that is read: one less than where `serde_json` gives up.
pub const DEPTH_LIMIT: usize = 127;

/// After so many faults the rest of a file is not worth reading.
const FAULT_LIMIT: usize = 40;

/// One value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// From the value's first byte to its last.
    pub span: Span,
    /// The value.
    pub value: Value,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it is written.
    Number(String),
    /// A text.
    Text(Text),
    /// A list.
    List(Vec<Node>),
    /// An object, its members in the file's order, duplicates included.
    Object(Vec<Member>),
    /// Something that could not be read, and of which that was said.
    Broken,
}

/// A text with its escapes resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The text.
    pub content: String,
    /// The file has it byte for byte, so that a place in `content` is a place in the file.
    pub plain: bool,
}

/// One `"key": value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The key.
    pub key: String,
    /// Where the key stands, quotes included.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

/// All that could be read of a file.
#[derive(Clone, Debug)]
pub struct Document {
    /// The value; `None` where there is none at all.
    pub root: Option<Node>,
    /// What is wrong with the file as JSON.
    pub faults: Vec<Diagnostic>,
    /// The brackets or quotes do not pair up, so that what was read may not be what was meant.
    pub structure_lost: bool,
}

impl Node {
    /// The members, if this is an object.
    pub fn members(&self) -> Option<&[Member]> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The first member of that name, if this is an object.
    pub fn get(&self, key: &str) -> Option<&Member> {
        self.members()?.iter().find(|member| member.key == key)
    }

    /// `null`, `false` or an empty text: what stands for "not set" where no flag is expected.
    pub fn is_unset(&self) -> bool {
        match &self.value {
            Value::Null | Value::Bool(false) => true,
            Value::Text(text) => text.content.trim().is_empty(),
            _ => false,
        }
    }

    /// What this is, with its article, for a sentence.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
            Value::Broken => "something unreadable",
        }
    }

    /// Whether two values mean the same, numbers and texts of the same look included.
    pub fn same_as(&self, other: &Node) -> bool {
        match (&self.value, &other.value) {
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a.content == b.content,
            (Value::Number(number), Value::Text(text))
            | (Value::Text(text), Value::Number(number)) => *number == text.content,
            (Value::Bool(flag), Value::Text(text)) | (Value::Text(text), Value::Bool(flag)) => text
                .content
                .eq_ignore_ascii_case(if *flag { "true" } else { "false" }),
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_as(b))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b)
                        .all(|(a, b)| a.key == b.key && a.node.same_as(&b.node))
            }
            (a, b) => a == b,
        }
    }

    /// The value as `serde_json` has it; of a key that is given twice, the last one.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null | Value::Broken => serde_json::Value::Null,
            Value::Bool(flag) => serde_json::Value::Bool(*flag),
            Value::Number(number) => {
                serde_json::from_str(number).unwrap_or(serde_json::Value::Null)
            }
            Value::Text(text) => serde_json::Value::String(text.content.clone()),
            Value::List(nodes) => nodes.iter().map(Node::to_json).collect(),
            Value::Object(members) => members
                .iter()
                .map(|member| (member.key.clone(), member.node.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// Reads a file. Every span lies within `text`.
pub fn read(text: &str) -> Document {
    reader::Reader::new(text).document()
}
