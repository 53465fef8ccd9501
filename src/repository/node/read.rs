//! A node from its JSON object. Fields are read as they come: nothing is held twice.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Attribute, Node, NodeKind, UNSET};
use crate::repository::go_text::unquote;
use crate::storage::id::Id;

/// Why a node cannot be used, although its JSON can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeProblem {
    /// The name is empty, `.`, `..`, or holds a slash or a zero byte: it leads out of its directory.
    Name,
    /// There is a node of this name before it in the tree.
    Duplicate,
    /// It stands before a node whose name is smaller.
    Order,
    /// The type is not known.
    Kind,
    /// A directory without a tree.
    NoTree,
    /// A file without a list of its content.
    NoContent,
}

impl NodeProblem {
    /// Names the entry and the problem.
    pub fn sentence(self, tree: Id, name: &[u8]) -> String {
        let name = String::from_utf8_lossy(name);
        format!("the entry {name:?} of the tree {tree} cannot be used: {self}")
    }
}

/// As the end of a sentence: `cannot be used: its type is not known`.
impl fmt::Display for NodeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NodeProblem::Name => "its name leads out of its directory",
            NodeProblem::Duplicate => "another entry has the same name",
            NodeProblem::Order => "it is not at its place in the order of the names",
            NodeProblem::Kind => "its type is not known",
            NodeProblem::NoTree => "the directory has no list of its entries",
            NodeProblem::NoContent => "the file has no list of its content",
        })
    }
}

impl Node {
    /// What is wrong with the node by itself.
    pub fn problem(&self) -> Option<NodeProblem> {
        let name = self.name.as_slice();
        if matches!(name, b"" | b"." | b"..") || name.iter().any(|byte| matches!(byte, b'/' | 0)) {
            return Some(NodeProblem::Name);
        }
        match self.kind {
            NodeKind::Other(_) => Some(NodeProblem::Kind),
            NodeKind::Directory if self.subtree.is_none() => Some(NodeProblem::NoTree),
            // restic writes `null` for an empty file in some versions.
            NodeKind::File if self.content.is_none() && self.size > 0 => {
                Some(NodeProblem::NoContent)
            }
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_map(NodeVisitor)
    }
}

struct NodeVisitor;

/// A value that Go leaves at its default when it is `null`.
fn value<'de, T: Deserialize<'de> + Default, A: MapAccess<'de>>(
    map: &mut A,
) -> Result<T, A::Error> {
    Ok(map.next_value::<Option<T>>()?.unwrap_or_default())
}

/// A text that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Cow<'de, str>, A::Error> {
    let text = map.next_value::<Option<Text<'de>>>()?;
    Ok(text.map(|text| text.0).unwrap_or_default())
}

fn bytes<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Vec<u8>>, A::Error> {
    match map.next_value::<Option<Text<'de>>>()? {
        None => Ok(None),
        Some(text) => BASE64
            .decode(text.0.as_bytes())
            .map(Some)
            .map_err(A::Error::custom),
    }
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut node = Node::new("", NodeKind::Other(String::new()));
        let mut raw_target = None;
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            match &*name {
                "name" => node.name = unquote(&text(&mut map)?).map_err(A::Error::custom)?,
                "type" => node.kind = NodeKind::from_word(&text(&mut map)?),
                "mode" => node.mode = value(&mut map)?,
                "mtime" => node.mtime = map.next_value::<Option<_>>()?.unwrap_or(UNSET),
                "atime" => node.atime = map.next_value::<Option<_>>()?.unwrap_or(UNSET),
                "ctime" => node.ctime = map.next_value::<Option<_>>()?.unwrap_or(UNSET),
                "uid" => node.uid = value(&mut map)?,
                "gid" => node.gid = value(&mut map)?,
                "user" => node.user = value(&mut map)?,
                "group" => node.group = value(&mut map)?,
                "inode" => node.inode = value(&mut map)?,
                "device_id" => node.device_id = value(&mut map)?,
                "size" => node.size = value(&mut map)?,
                "links" => node.links = value(&mut map)?,
                "linktarget" => node.link_target = text(&mut map)?.into_owned().into_bytes(),
                "linktarget_raw" => raw_target = bytes(&mut map)?,
                "extended_attributes" => node.attributes = value(&mut map)?,
                "generic_attributes" => {
                    node.generic_attributes = map
                        .next_value::<Option<Box<RawValue>>>()?
                        .map(|raw| raw.get().into());
                }
                "device" => node.device = value(&mut map)?,
                "content" => node.content = map.next_value()?,
                "subtree" => node.subtree = map.next_value()?,
                "error" => node.error = value(&mut map)?,
                _ => {
                    let raw = map.next_value::<&RawValue>()?.get().into();
                    node.other.push((name.into_owned(), raw));
                }
            }
        }
        if let Some(raw) = raw_target {
            node.link_target = raw;
        }
        Ok(node)
    }
}

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Attribute, D::Error> {
        struct AttributeVisitor;

        impl<'de> Visitor<'de> for AttributeVisitor {
            type Value = Attribute;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an extended attribute")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attribute, A::Error> {
                let mut attribute = Attribute {
                    name: String::new(),
                    value: None,
                };
                while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
                    match &*name {
                        "name" => attribute.name = value(&mut map)?,
                        "value" => attribute.value = bytes(&mut map)?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(attribute)
            }
        }

        deserializer.deserialize_map(AttributeVisitor)
    }
}
