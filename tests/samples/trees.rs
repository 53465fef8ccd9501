//! Repositories that are put together blob by blob, also such as no honest backup makes.

use std::sync::Arc;

use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::index::Index;
use freezerd::repository::index::file::IndexWriter;
use freezerd::repository::indexed::Indexed;
use freezerd::repository::key::cost::Cost;
use freezerd::repository::node::{Node, NodeKind};
use freezerd::repository::open::Repository;
use freezerd::repository::packer::{Encoder, Packer};
use freezerd::storage::id::Id;
use freezerd::storage::memory::Memory;

/// Stores blobs, one after the other.
pub struct Trees {
    repository: Repository,
    packer: Packer,
    index: Index,
    writer: IndexWriter,
}

impl Trees {
    /// In a new repository in memory.
    pub fn new() -> Trees {
        const COST: Cost = Cost { n: 16, r: 1, p: 1 };
        let memory = Arc::new(Memory::new());
        Trees::in_repository(Repository::init(memory, b"", COST).unwrap())
    }

    /// In a repository that is empty.
    pub fn in_repository(repository: Repository) -> Trees {
        Trees {
            repository,
            packer: Packer::new(1 << 20),
            index: Index::empty(),
            writer: IndexWriter::new(),
        }
    }

    /// Stores a blob.
    pub fn blob(&mut self, kind: BlobKind, content: &[u8]) -> Id {
        let id = Id::of(content);
        let name = BlobName { kind, id };
        let mut bytes = Vec::new();
        let cipher = &self.repository.cipher;
        let encoded = Encoder::new(3).encode(cipher, name, content, &mut bytes);
        self.packer.add(&encoded.unwrap(), &bytes);
        if self.packer.is_full() {
            self.flush();
        }
        id
    }

    /// Stores a tree with these nodes as they are: in this order, with these names.
    pub fn tree(&mut self, nodes: &[Node]) -> Id {
        let mut text = b"{\"nodes\":[".to_vec();
        for (at, node) in nodes.iter().enumerate() {
            if at > 0 {
                text.push(b',');
            }
            node.write(&mut text);
        }
        text.extend_from_slice(b"]}\n");
        self.blob(BlobKind::Tree, &text)
    }

    /// What follows is in another pack.
    pub fn flush(&mut self) {
        if let Some(pack) = self.packer.finish(&self.repository.cipher).unwrap() {
            pack.write(&*self.repository.storage).unwrap();
            self.index.insert(pack.id, &pack.blobs).unwrap();
            self.writer.add(pack.id, &pack.blobs);
        }
    }

    /// The repository with its index, which is not written.
    pub fn finish(mut self) -> Indexed {
        self.flush();
        Indexed {
            repository: self.repository,
            index: self.index,
            problems: Vec::new(),
        }
    }

    /// Writes the index.
    pub fn write(mut self) -> Repository {
        self.flush();
        let storage = &*self.repository.storage;
        storage.sync().unwrap();
        self.writer.write(storage, &self.repository.cipher).unwrap();
        self.repository
    }
}

/// A directory with ordinary permissions.
pub fn directory(name: &str, tree: Id) -> Node {
    Node {
        subtree: Some(tree),
        // Go's bit for a directory.
        mode: 0o755 | 1 << 31,
        ..Node::new(name, NodeKind::Directory)
    }
}

/// A file with one name. Its size is what this says, whatever its pieces have.
pub fn file(name: &str, size: u64, pieces: &[Id]) -> Node {
    Node {
        size,
        links: 1,
        mode: 0o644,
        content: Some(pieces.to_vec()),
        ..Node::new(name, NodeKind::File)
    }
}
