//! A tree: the entries of one directory, sorted by name. Its id is the hash of its JSON text, so restic and freezerd
//! must write the same bytes for the same directory.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::blob_name::{BlobKind, BlobName};
use super::error::{Damage, Error};
use super::node::{Node, NodeProblem};
use crate::storage::id::Id;

/// Puts a tree together, node by node.
pub struct TreeBuilder {
    text: Vec<u8>,
    last: Vec<u8>,
    count: usize,
}

impl TreeBuilder {
    /// A tree without nodes.
    pub fn new() -> TreeBuilder {
        TreeBuilder {
            text: b"{\"nodes\":[".to_vec(),
            last: Vec::new(),
            count: 0,
        }
    }

    /// Adds a node; its name is larger than all before.
    ///
    /// # Errors
    /// When it is not.
    pub fn add(&mut self, node: &Node) -> Result<(), NodeProblem> {
        if self.count > 0 {
            match node.name.as_slice().cmp(&self.last) {
                std::cmp::Ordering::Greater => self.text.push(b','),
                std::cmp::Ordering::Equal => return Err(NodeProblem::Duplicate),
                std::cmp::Ordering::Less => return Err(NodeProblem::Order),
            }
        }
        node.write(&mut self.text);
        self.last.clear();
        self.last.extend_from_slice(&node.name);
        self.count += 1;
        Ok(())
    }

    /// True if the tree has no node.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The tree's text. A line feed ends it, as in restic.
    pub fn finish(mut self) -> Vec<u8> {
        self.text.extend_from_slice(b"]}\n");
        self.text
    }
}

impl Default for TreeBuilder {
    fn default() -> TreeBuilder {
        TreeBuilder::new()
    }
}

/// Reads a tree and hands out one node after the other, with what is wrong with it. A node with a problem must not be
/// written to a file system. Only one node is in memory at a time.
///
/// # Errors
/// When the text cannot be read to its end; nodes may have been handed out before.
pub fn read(
    id: Id,
    text: &[u8],
    mut each: impl FnMut(Node, Option<NodeProblem>),
) -> Result<(), Error> {
    let name = BlobName {
        kind: BlobKind::Tree,
        id,
    };
    let mut last: Option<Vec<u8>> = None;
    let mut checked = |node: Node| {
        let order = match &last {
            Some(last) => match node.name.as_slice().cmp(last) {
                std::cmp::Ordering::Greater => None,
                std::cmp::Ordering::Equal => Some(NodeProblem::Duplicate),
                std::cmp::Ordering::Less => Some(NodeProblem::Order),
            },
            None => None,
        };
        let problem = node.problem().or(order);
        if order.is_none() {
            let last = last.get_or_insert_default();
            last.clear();
            last.extend_from_slice(&node.name);
        }
        each(node, problem);
    };
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    TreeSeed(&mut checked)
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|cause| Error::blob(Damage::Json, name).with(cause))
}

struct TreeSeed<'a, F>(&'a mut F);

impl<'de, F: FnMut(Node)> DeserializeSeed<'de> for TreeSeed<'_, F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Node)> Visitor<'de> for TreeSeed<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tree")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = false;
        while let Some(name) = map.next_key::<String>()? {
            if name != "nodes" {
                map.next_value::<IgnoredAny>()?;
            } else if std::mem::replace(&mut seen, true) {
                return Err(A::Error::duplicate_field("nodes"));
            } else {
                map.next_value_seed(NodesSeed(self.0))?;
            }
        }
        match seen {
            true => Ok(()),
            false => Err(A::Error::missing_field("nodes")),
        }
    }
}

struct NodesSeed<'a, F>(&'a mut F);

impl<'de, F: FnMut(Node)> DeserializeSeed<'de> for NodesSeed<'_, F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Old versions of restic wrote `null` for an empty directory.
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Node)> Visitor<'de> for NodesSeed<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of nodes")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut nodes: A) -> Result<(), A::Error> {
        while let Some(node) = nodes.next_element()? {
            self.0(node);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::node::NodeKind;

    fn read_all(text: &[u8]) -> Result<Vec<(Node, Option<NodeProblem>)>, Error> {
        let mut nodes = Vec::new();
        read(Id::of(text), text, |node, problem| {
            nodes.push((node, problem))
        })?;
        Ok(nodes)
    }

    const EXAMPLE: &str = concat!(
        r#"{"nodes":[{"name":"a\\xff\\\"b","type":"symlink","mode":134218239,"mtime":"2023-07-25T20:01:44.007465374+02:00","#,
        r#""atime":"0001-01-01T00:00:00Z","ctime":"1969-12-31T23:59:59.5Z","uid":1000,"gid":0,"user":"f\u003c0","#,
        r#""inode":33734827,"device_id":5,"size":7,"links":2,"linktarget":"\ufffdx","linktarget_raw":"/3g=","#,
        r#""extended_attributes":[{"name":"user.a","value":"AAE="},{"name":"user.b","value":null},{"name":"user.c","value":""}],"#,
        r#""generic_attributes":{"windows.creation_time":"AB"},"device":9,"content":null,"#,
        r#""subtree":"b26e315b0988ddcd1cee64c351d13a100fedbc9fdbb144a67d1b765ab280b4dc","error":"bad","new":{"x":[1, 2]}},"#,
        r#"{"name":"b","type":"file","mtime":"2023-07-25T20:01:44Z","atime":"2023-07-25T20:01:44Z","ctime":"2023-07-25T20:01:44Z","#,
        r#""uid":0,"gid":0,"content":["b26e315b0988ddcd1cee64c351d13a100fedbc9fdbb144a67d1b765ab280b4dc"]},"#,
        r#"{"name":"c","type":"file","mtime":"2023-07-25T20:01:44Z","atime":"2023-07-25T20:01:44Z","ctime":"2023-07-25T20:01:44Z","#,
        r#""uid":0,"gid":0,"content":[]}]}"#,
        "\n"
    );

    #[test]
    fn every_field_is_read_and_written_to_the_same_bytes() {
        let nodes = read_all(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(nodes[0].0.name, b"a\xff\"b");
        assert_eq!(nodes[0].0.link_target, b"\xffx");
        let mut tree = TreeBuilder::new();
        for (node, problem) in &nodes {
            assert_eq!(*problem, None);
            tree.add(node).unwrap();
        }
        assert_eq!(String::from_utf8(tree.finish()).unwrap(), EXAMPLE);
    }

    #[test]
    fn an_empty_tree_has_the_id_that_restic_gives_it() {
        assert_eq!(TreeBuilder::new().finish(), b"{\"nodes\":[]}\n");
        assert!(read_all(b"{\"nodes\":null}\n").unwrap().is_empty());
        assert!(
            read_all(b"{\"new\":1,\"nodes\":[],\"newer\":{}}")
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn names_that_lead_elsewhere_and_unknown_types_are_problems() {
        let node = |name: &str, kind: &str| {
            format!(r#"{{"name":"{name}","type":"{kind}","content":null}}"#)
        };
        let problem = |name: &str, kind: &str| {
            let text = format!("{{\"nodes\":[{}]}}", node(name, kind));
            read_all(text.as_bytes()).unwrap()[0].1
        };
        for name in ["", ".", "..", "a/b", "/", "a\\\\x00b", "\\\\x2e."] {
            assert_eq!(problem(name, "fifo"), Some(NodeProblem::Name), "{name}");
        }
        assert_eq!(problem("...", "fifo"), None);
        assert_eq!(problem("a", "irregular"), Some(NodeProblem::Kind));
        assert_eq!(problem("a", ""), Some(NodeProblem::Kind));
        assert_eq!(problem("a", "dir"), Some(NodeProblem::NoTree));
        let names = ["b", "b", "a", "c"]
            .map(|name| node(name, "fifo"))
            .join(",");
        let nodes = read_all(format!("{{\"nodes\":[{names}]}}").as_bytes()).unwrap();
        let problems: Vec<_> = nodes.iter().map(|(_, problem)| *problem).collect();
        assert_eq!(
            problems,
            [
                None,
                Some(NodeProblem::Duplicate),
                Some(NodeProblem::Order),
                None
            ]
        );
    }

    #[test]
    fn nodes_that_are_not_in_order_are_not_written() {
        let mut tree = TreeBuilder::new();
        let node = |name: &str| Node::new(name, NodeKind::Fifo);
        tree.add(&node("b")).unwrap();
        assert_eq!(tree.add(&node("b")), Err(NodeProblem::Duplicate));
        assert_eq!(tree.add(&node("a")), Err(NodeProblem::Order));
        tree.add(&node("c")).unwrap();
    }

    #[test]
    fn hostile_texts_are_damage() {
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        for text in [
            "",
            "[]",
            "{}",
            "{\"nodes\":[",
            "{\"nodes\":[1]}",
            "{\"nodes\":[],\"nodes\":[]}",
            "{\"nodes\":[]} x",
            r#"{"nodes":[{"name":"\\q"}]}"#,
            r#"{"nodes":[{"name":"a","size":18446744073709551616}]}"#,
            r#"{"nodes":[{"name":"a","mtime":"x"}]}"#,
            r#"{"nodes":[{"name":"a","content":["xy"]}]}"#,
            &deep,
        ] {
            let error = read_all(text.as_bytes()).unwrap_err();
            assert!(error.is_damage());
        }
    }

    #[test]
    fn no_mutated_bytes_make_it_panic() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..5000 {
            let mut text = EXAMPLE.as_bytes().to_vec();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..text.len());
                text[at] = random.u8(..);
            }
            let _ = read_all(&text);
            text.truncate(random.usize(..text.len()));
            let _ = read_all(&text);
        }
    }
}
