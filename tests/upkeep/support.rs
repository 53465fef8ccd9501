//! Small repositories in memory: snapshots are written to them, and everything in them is read back.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use freezerd::repository::blob::BlobReader;
use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::check::check;
use freezerd::repository::check::report::Report;
use freezerd::repository::check::share::Share;
use freezerd::repository::index::file::IndexWriter;
use freezerd::repository::indexed::Indexed;
use freezerd::repository::key::cost::Cost;
use freezerd::repository::node::{Node, NodeKind};
use freezerd::repository::open::Repository;
use freezerd::repository::packer::{Encoder, Packer};
use freezerd::repository::progress::Silent;
use freezerd::repository::prune::error::PruneError;
use freezerd::repository::prune::plan::{MaxUnused, Options};
use freezerd::repository::prune::{Pruned, prune};
use freezerd::repository::snapshot::{Snapshot, read_all};
use freezerd::repository::time::Time;
use freezerd::repository::tree::TreeBuilder;
use freezerd::repository::walk::{Met, Step, walk};
use freezerd::storage::id::Id;
use freezerd::storage::memory::Memory;
use freezerd::storage::{FileKind, FileName, Storage};

/// Files by their paths, with the pieces of their content.
pub type Files = BTreeMap<String, Vec<Vec<u8>>>;

/// What a snapshot restores to: contents by their paths, or why one cannot be read.
pub type Restored = BTreeMap<String, Result<Vec<u8>, String>>;

pub struct World {
    pub memory: Memory,
    pub repository: Repository,
    /// The size at which packs are closed: small, so that there are many.
    pub pack_size: usize,
}

pub fn open(memory: &Memory) -> Repository {
    Repository::open(Arc::new(memory.clone()), b"p").unwrap()
}

impl World {
    pub fn new() -> World {
        World::on(Memory::new())
    }

    pub fn on(memory: Memory) -> World {
        let cost = Cost { n: 16, r: 1, p: 1 };
        let repository = Repository::init(Arc::new(memory.clone()), b"p", cost).unwrap();
        World {
            memory,
            repository,
            pack_size: 3000,
        }
    }

    /// Stores blobs that the repository does not have, a pack for each kind or more, and an index.
    pub fn store(&self, blobs: &[(BlobKind, Vec<u8>)]) {
        let (storage, cipher) = (&*self.repository.storage, &self.repository.cipher);
        let known = self.repository.load_index().unwrap().index;
        let mut packers = [Packer::new(self.pack_size), Packer::new(self.pack_size)];
        let mut encoder = Encoder::new(3);
        let mut index = IndexWriter::new();
        let mut stored = std::collections::BTreeSet::new();
        let mut write = |packer: &mut Packer| {
            if let Some(pack) = packer.finish(cipher).unwrap() {
                pack.write(storage).unwrap();
                index.add(pack.id, &pack.blobs);
            }
        };
        for (kind, content) in blobs {
            let name = BlobName {
                kind: *kind,
                id: Id::of(content),
            };
            if known.contains(name) || !stored.insert(name) {
                continue;
            }
            let mut bytes = Vec::new();
            let encoded = encoder.encode(cipher, name, content, &mut bytes).unwrap();
            let packer = &mut packers[*kind as usize];
            packer.add(&encoded, &bytes);
            if packer.is_full() {
                write(packer);
            }
        }
        packers.iter_mut().for_each(&mut write);
        storage.sync().unwrap();
        index.write(storage, cipher).unwrap();
        storage.sync().unwrap();
    }

    /// A snapshot of these files, in directories as their paths say.
    pub fn backup(&self, files: &Files) -> Id {
        let mut blobs = Vec::new();
        let tree = tree(files, &mut blobs);
        self.store(&blobs);
        self.snapshot(tree)
    }

    pub fn snapshot(&self, tree: Id) -> Id {
        let (storage, cipher) = (&*self.repository.storage, &self.repository.cipher);
        let snapshot = Snapshot::new(Time::utc(0, 0), tree, vec!["/".into()]);
        snapshot.write(storage, cipher).unwrap()
    }

    pub fn forget(&self, snapshot: Id) {
        let storage = &*self.repository.storage;
        storage
            .remove(FileName::new(FileKind::Snapshot, snapshot))
            .unwrap();
        storage.sync().unwrap();
    }

    /// All files of the storage.
    pub fn names(&self) -> Vec<FileName> {
        let of_kind = |kind: FileKind| {
            let files = self.memory.list(kind).unwrap().files;
            files
                .into_iter()
                .map(move |file| FileName::new(kind, file.id))
        };
        FileKind::ALL.into_iter().flat_map(of_kind).collect()
    }

    pub fn count(&self, kind: FileKind) -> usize {
        self.memory.list(kind).unwrap().files.len()
    }

    /// The packs that have a blob with this content.
    pub fn packs_of(&self, kind: BlobKind, content: &[u8]) -> Vec<Id> {
        let id = Id::of(content);
        let index = self.repository.load_index().unwrap().index;
        index
            .lookup(BlobName { kind, id })
            .map(|location| location.pack)
            .collect()
    }

    /// The same files on another storage, which may delay its writes.
    pub fn copy_to(&self, memory: Memory) -> World {
        for name in self.names() {
            let content = self.memory.read(name, u64::MAX).unwrap();
            memory.write(name, &content).unwrap();
        }
        memory.sync().unwrap();
        World {
            repository: open(&memory),
            memory,
            pack_size: self.pack_size,
        }
    }

    pub fn copy(&self) -> World {
        self.copy_to(Memory::new())
    }

    pub fn restore_all(&self) -> BTreeMap<Id, Restored> {
        restore_all(&self.repository)
    }

    pub fn check(&self) -> Report {
        check(&self.repository, Share::All, &Silent).unwrap()
    }

    pub fn prune(&self) -> Result<Pruned, PruneError> {
        self.prune_with(&THOROUGH)
    }

    pub fn prune_with(&self, options: &Options) -> Result<Pruned, PruneError> {
        let confirm = || Ok(());
        prune(&self.repository, options, Duration::ZERO, &confirm, &Silent)
    }

    /// The repository is clean, and has nothing that no snapshot needs.
    pub fn assert_tidy(&self) {
        let report = self.check();
        assert!(report.is_clean(), "{:?}", report.damage);
        assert_eq!(report.notes, []);
        assert!(report.losses.is_empty());
        let rehearsed = self.prune().unwrap();
        let summary = rehearsed.summary;
        assert_eq!((summary.unused_bytes, summary.packs_unindexed), (0, 0));
        assert_eq!(summary.packs_kept, summary.packs, "{summary:?}");
    }
}

/// Leaves nothing that is not needed.
pub const THOROUGH: Options = Options {
    max_unused: MaxUnused::Bytes(0),
    max_repack: None,
    small: 0,
    compress_data: false,
};

/// Builds the trees for these files and adds all blobs to `blobs`. Returns the root.
pub fn tree(files: &Files, blobs: &mut Vec<(BlobKind, Vec<u8>)>) -> Id {
    let mut directories: BTreeMap<&str, Files> = BTreeMap::new();
    let mut nodes = BTreeMap::new();
    for (path, pieces) in files {
        if let Some((directory, rest)) = path.split_once('/') {
            let below = directories.entry(directory).or_default();
            below.insert(rest.to_owned(), pieces.clone());
            continue;
        }
        let mut node = Node::new(path.as_str(), NodeKind::File);
        node.size = pieces.iter().map(|piece| piece.len() as u64).sum();
        node.content = Some(pieces.iter().map(|piece| Id::of(piece)).collect());
        blobs.extend(pieces.iter().map(|piece| (BlobKind::Data, piece.clone())));
        nodes.insert(path.clone(), node);
    }
    for (directory, files) in directories {
        let mut node = Node::new(directory, NodeKind::Directory);
        node.subtree = Some(tree(&files, blobs));
        nodes.insert(directory.to_owned(), node);
    }
    let mut builder = TreeBuilder::new();
    for node in nodes.values() {
        builder.add(node).unwrap();
    }
    let text = builder.finish();
    let id = Id::of(&text);
    blobs.push((BlobKind::Tree, text));
    id
}

/// Reads every file of every snapshot.
pub fn restore_all(repository: &Repository) -> BTreeMap<Id, Restored> {
    let indexed = Indexed::load(repository.clone()).unwrap();
    let snapshots = read_all(&*repository.storage, &repository.cipher).unwrap();
    let readable = snapshots
        .into_iter()
        .filter_map(|(id, snapshot)| Some((id, snapshot.ok()?.tree)));
    readable
        .map(|(id, tree)| (id, restore(&indexed, tree)))
        .collect()
}

fn restore(indexed: &Indexed, root: Id) -> Restored {
    let mut restored = Restored::new();
    let mut reader = BlobReader::new();
    let mut piece = Vec::new();
    let _: Option<()> = walk(indexed, root, |path, met| {
        let path = String::from_utf8_lossy(path).into_owned();
        match met {
            Met::Unreadable { error, .. } => {
                restored.insert(path, Err(error.to_string()));
            }
            Met::Entry { node, problem } => {
                if let Some(problem) = problem {
                    restored.insert(path, Err(format!("{problem:?}")));
                } else if node.kind == NodeKind::File {
                    let mut content = Ok(Vec::new());
                    for id in node.content.iter().flatten() {
                        let kind = BlobKind::Data;
                        let name = BlobName { kind, id: *id };
                        match indexed.read(&mut reader, name, &mut piece) {
                            Ok(()) => {
                                content = content.map(|content| [&content[..], &piece].concat());
                            }
                            Err(error) => content = Err(error.to_string()),
                        }
                    }
                    restored.insert(path, content);
                }
            }
            Met::Left { .. } => {}
        }
        ControlFlow::Continue(Step::Enter)
    });
    restored
}

/// Some files, of which two sets with the same seed are the same.
pub fn some_files(random: &mut fastrand::Rng, count: usize) -> Files {
    let mut files = Files::new();
    for _ in 0..count {
        let path = match random.u8(..3) {
            0 => format!("file{}", random.u8(..20)),
            1 => format!("dir{}/file{}", random.u8(..3), random.u8(..20)),
            _ => format!("dir{}/deep/er/file{}", random.u8(..3), random.u8(..9)),
        };
        files.insert(path, some_pieces(random));
    }
    files
}

pub fn some_pieces(random: &mut fastrand::Rng) -> Vec<Vec<u8>> {
    let pieces = random.usize(0..4);
    // From a small set, so that files share some of them.
    let piece = |random: &mut fastrand::Rng| {
        let mut piece = fastrand::Rng::with_seed(random.u64(..60));
        let length = piece.usize(1..900);
        (0..length).map(|_| piece.u8(..)).collect()
    };
    (0..pieces).map(|_| piece(random)).collect()
}

/// A repository with several generations of files, of which some snapshots are forgotten.
pub fn with_garbage(seed: u64) -> World {
    let world = World::new();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut files = some_files(&mut random, 25);
    let mut snapshots = Vec::new();
    for _ in 0..6 {
        snapshots.push(world.backup(&files));
        let paths: Vec<String> = files.keys().cloned().collect();
        for path in paths {
            match random.u8(..5) {
                0 => drop(files.remove(&path)),
                1 => drop(files.insert(path, some_pieces(&mut random))),
                _ => {}
            }
        }
        files.append(&mut some_files(&mut random, 3));
    }
    for snapshot in snapshots.into_iter().step_by(2) {
        world.forget(snapshot);
    }
    world
}
