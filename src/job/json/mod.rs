//! A JSON reader that knows the place of every value and continues after a fault. So it reports all faults of a file
//! at once.
//!
//! It accepts without a fault exactly what `serde_json` accepts. A test compares the two.

use std::ops::Range;

use super::diagnostic::Diagnostic;

mod blanks;
mod closings;
mod commas;
mod members;
mod objects;
mod reader;
mod scalars;
mod texts;

/// A range of bytes of the file.
pub type Span = Range<usize>;

/// The most levels of brackets. `serde_json` refuses one level more.
pub const DEPTH_LIMIT: usize = 127;

/// The most faults of a file that are reported. Then the reader stops.
const FAULT_LIMIT: usize = 40;

/// One value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The bytes of the value.
    pub span: Span,
    pub value: Value,
}

/// A value of JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(Text),
    List(Vec<Node>),
    /// In the order of the file. A key may be there twice.
    Object(Vec<Member>),
    /// Something unreadable, which was reported.
    Broken,
}

/// A text with its escapes resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    pub content: String,
    /// Whether the file has the same bytes, so that a place in `content` is a place in the file.
    pub plain: bool,
}

/// One `"key": value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub key: String,
    /// The bytes of the key with its quotes.
    pub key_span: Span,
    pub node: Node,
}

/// What could be read of a file.
#[derive(Clone, Debug)]
pub struct Document {
    /// `None`: there is no value at all.
    pub root: Option<Node>,
    /// The faults of the file's JSON.
    pub faults: Vec<Diagnostic>,
    /// Whether brackets or quotes do not match, so that the values may be wrong.
    pub structure_lost: bool,
}

impl Node {
    /// `None` if this is not an object.
    pub fn members(&self) -> Option<&[Member]> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The first member with this key. `None` if there is none, or if this is not an object.
    pub fn get(&self, key: &str) -> Option<&Member> {
        self.members()?.iter().find(|member| member.key == key)
    }

    /// True for `null`, `false` and an empty text. They mean "not set" for a key that is not a flag.
    pub fn is_unset(&self) -> bool {
        match &self.value {
            Value::Null | Value::Bool(false) => true,
            Value::Text(text) => text.content.trim().is_empty(),
            _ => false,
        }
    }

    /// The type of the value with its article, for a sentence.
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

    /// Whether two values mean the same. A number and a text that look the same are the same.
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

    /// The value for `serde_json`. If a key is given twice, its last value counts.
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

/// Reads the text of a file. Every span is within `text`.
pub fn read(text: &str) -> Document {
    reader::Reader::new(text).document()
}
