//! Repositories in memory, made by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::index::Index;
use freezerd::repository::indexed::Indexed;
use freezerd::repository::key::cost::Cost;
use freezerd::repository::node::{Node, NodeKind};
use freezerd::repository::open::Repository;
use freezerd::repository::packer::{Encoder, Packer};
use freezerd::repository::snapshot::Snapshot;
use freezerd::repository::time::Time;
use freezerd::repository::tree::TreeBuilder;
use freezerd::storage::id::Id;
use freezerd::storage::memory::Memory;

/// Stores pieces and trees, and makes a repository of them at the end.
pub struct Made {
    pub memory: Memory,
    repository: Repository,
    packers: [Packer; 2],
    index: Index,
    /// The pack of each blob, once it is written.
    pub packs: BTreeMap<Id, Id>,
}

impl Made {
    pub fn new() -> Made {
        Made::on(Memory::new())
    }

    /// On a storage away from this host.
    pub fn far() -> Made {
        Made::on(Memory::new().far())
    }

    fn on(memory: Memory) -> Made {
        let cost = Cost { n: 16, r: 1, p: 1 };
        Made {
            repository: Repository::init(Arc::new(memory.clone()), b"", cost).unwrap(),
            memory,
            packers: [Packer::new(1 << 20), Packer::new(1 << 20)],
            index: Index::empty(),
            packs: BTreeMap::new(),
        }
    }

    fn add(&mut self, kind: BlobKind, content: &[u8]) -> Id {
        let name = BlobName {
            kind,
            id: Id::of(content),
        };
        if self.packs.contains_key(&name.id) {
            return name.id;
        }
        let mut bytes = Vec::new();
        let cipher = &self.repository.cipher;
        let encoded = Encoder::new(3).encode(cipher, name, content, &mut bytes);
        self.packers[kind as usize].add(&encoded.unwrap(), &bytes);
        // Only the key counts before the pack is written.
        self.packs.insert(name.id, name.id);
        if self.packers[kind as usize].is_full() {
            self.flush(kind);
        }
        name.id
    }

    /// Ends the pack: what follows goes into another one.
    pub fn flush(&mut self, kind: BlobKind) {
        let cipher = &self.repository.cipher;
        if let Some(pack) = self.packers[kind as usize].finish(cipher).unwrap() {
            pack.write(&*self.repository.storage).unwrap();
            self.index.insert(pack.id, &pack.blobs).unwrap();
            for blob in &pack.blobs {
                self.packs.insert(blob.name.id, pack.id);
            }
        }
    }

    pub fn data(&mut self, content: &[u8]) -> Id {
        self.add(BlobKind::Data, content)
    }

    /// A file of these pieces.
    pub fn file(&mut self, name: &str, pieces: &[&[u8]]) -> Node {
        Node {
            size: pieces.iter().map(|piece| piece.len() as u64).sum(),
            content: Some(pieces.iter().map(|piece| self.data(piece)).collect()),
            ..plain(name, NodeKind::File)
        }
    }

    pub fn directory(&mut self, name: &str, nodes: &[Node]) -> Node {
        directory(name, self.tree(nodes))
    }

    /// A tree of nodes in the order of their names.
    pub fn tree(&mut self, nodes: &[Node]) -> Id {
        let mut tree = TreeBuilder::new();
        for node in nodes {
            tree.add(node).unwrap();
        }
        self.raw_tree(&tree.finish())
    }

    pub fn raw_tree(&mut self, text: &[u8]) -> Id {
        self.add(BlobKind::Tree, text)
    }

    /// The repository, and a snapshot of these nodes.
    pub fn finish(mut self, nodes: &[Node]) -> (Indexed, Snapshot) {
        let tree = self.tree(nodes);
        self.finish_tree(tree)
    }

    pub fn finish_tree(mut self, tree: Id) -> (Indexed, Snapshot) {
        self.flush(BlobKind::Data);
        self.flush(BlobKind::Tree);
        let indexed = Indexed {
            repository: self.repository,
            index: self.index,
            problems: Vec::new(),
        };
        (indexed, Snapshot::new(Time::utc(0, 0), tree, Vec::new()))
    }
}

/// A node with ordinary metadata.
pub fn plain(name: &str, kind: NodeKind) -> Node {
    let go_type = match kind {
        NodeKind::Directory => 1 << 31,
        NodeKind::Symlink => 1 << 27,
        _ => 0,
    };
    Node {
        mode: go_type | 0o755,
        mtime: Time::utc(1_500_000_000, 123_456_789),
        atime: Time::utc(1_500_000_001, 1),
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        ..Node::new(name, kind)
    }
}

pub fn directory(name: &str, tree: Id) -> Node {
    Node {
        subtree: Some(tree),
        ..plain(name, NodeKind::Directory)
    }
}
