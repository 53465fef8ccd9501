//! A whole repository of a hostile writer with the password. The bytes are parts that zero bytes separate; the first
//! byte of each says what it is: a tree, data, a snapshot, an index, a lock. `@` and a digit in a part stand for the id
//! of an earlier part, `@p` for that of the pack, so that the parts lead to each other. All that reads a repository
//! comes to an end, and names what is wrong.
#![no_main]

use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use freezerd::inspect::dump;
use freezerd::inspect::list::{Listed, list};
use freezerd::inspect::path::Target;
use freezerd::inspect::stats::Collector;
use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::check::check;
use freezerd::repository::check::share::Share;
use freezerd::repository::index::file::IndexWriter;
use freezerd::repository::indexed::Indexed;
use freezerd::repository::key::cost::Cost;
use freezerd::repository::lock::found_locks;
use freezerd::repository::open::Repository;
use freezerd::repository::packer::{Encoder, Packer};
use freezerd::repository::progress::Silent;
use freezerd::repository::snapshot::read_all;
use freezerd::repository::unpacked;
use freezerd::repository::walk::count;
use freezerd::storage::id::Id;
use freezerd::storage::memory::Memory;
use freezerd::storage::{FileKind, FileName, Storage};
use libfuzzer_sys::fuzz_target;

/// More would cost the fuzzer its time, and not find more.
const MOST_PARTS: usize = 16;
const MOST_PATHS: u64 = 300;

fuzz_target!(|bytes: &[u8]| {
    let repository = fresh();
    let roots = fill(&repository, bytes);
    let snapshots = read_all(&*repository.storage, &repository.cipher).expect("memory");
    let of_snapshots = snapshots.iter().flat_map(|(_, it)| it).map(|it| it.tree);
    let roots: Vec<Id> = roots.into_iter().chain(of_snapshots).collect();
    let _ = found_locks(&*repository.storage, &repository.cipher);
    let report = check(&repository, Share::All, &Silent).expect("memory");
    let indexed = Indexed::load(repository).expect("memory");
    for (root, is_snapshot) in roots
        .iter()
        .zip([false].into_iter().chain([true; MOST_PARTS]))
    {
        let counted = count(&indexed, *root);
        let contents = Collector::new(&indexed).snapshot(*root);
        // A tree whose text breaks off is counted in part.
        assert!(contents.directories <= counted.directories);
        if counted.unreadable == 0 {
            assert_eq!(contents.directories, counted.directories);
            assert_eq!(contents.files + contents.others, counted.files);
        }
        let unreadable = visit(&indexed, *root);
        if unreadable > 0 && is_snapshot {
            assert!(!report.is_clean());
        }
        if counted.files.saturating_add(counted.directories) <= MOST_PATHS {
            let _ = dump::archive(&indexed, b"/", &Target::Root(*root), &mut io::sink());
        }
    }
});

/// A repository without snapshots. Its key and its config are always the same.
fn fresh() -> Repository {
    static FILES: OnceLock<Vec<(FileName, Vec<u8>)>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let memory = Memory::new();
        let cost = Cost { n: 2, r: 1, p: 1 };
        Repository::init(Arc::new(memory.clone()), b"p", cost).expect("memory");
        let key = memory.list(FileKind::Key).expect("memory").files[0].id;
        [FileName::new(FileKind::Key, key), FileName::CONFIG]
            .map(|file| (file, memory.read(file, u64::MAX).expect("memory")))
            .to_vec()
    });
    let memory = Memory::new();
    for (file, content) in files {
        memory.write(*file, content).expect("memory");
    }
    Repository::open(Arc::new(memory), b"p").expect("our own repository")
}

/// Stores the parts. Returns the last tree.
fn fill(repository: &Repository, bytes: &[u8]) -> Option<Id> {
    let (storage, cipher) = (&*repository.storage, &*repository.cipher);
    let mut packer = Packer::new(1 << 20);
    let mut encoder = Encoder::new(3);
    let mut encoded = Vec::new();
    let mut ids: Vec<Id> = Vec::new();
    let mut last = None;
    let mut others = Vec::new();
    for part in bytes.split(|byte| *byte == 0).take(MOST_PARTS) {
        let Some((sort, text)) = part.split_first() else {
            continue;
        };
        let kind = match sort {
            b'T' => BlobKind::Tree,
            b'D' => BlobKind::Data,
            _ => {
                others.push((*sort, text));
                continue;
            }
        };
        let content = filled_in(text, &ids, None);
        let name = BlobName {
            kind,
            id: Id::of(&content),
        };
        encoded.clear();
        let blob = encoder
            .encode(cipher, name, &content, &mut encoded)
            .expect("random numbers");
        packer.add(&blob, &encoded);
        ids.push(name.id);
        if kind == BlobKind::Tree {
            last = Some(name.id);
        }
    }
    let pack = packer.finish(cipher).expect("random numbers");
    if let Some(pack) = &pack {
        pack.write(storage).expect("memory");
        let mut index = IndexWriter::new();
        index.add(pack.id, &pack.blobs);
        index.write(storage, cipher).expect("memory");
    }
    for (sort, text) in others {
        let kind = match sort {
            b'S' => FileKind::Snapshot,
            b'I' => FileKind::Index,
            b'L' => FileKind::Lock,
            _ => continue,
        };
        let text = filled_in(text, &ids, pack.as_ref().map(|pack| pack.id));
        // The same part twice is the same file only if the random numbers are.
        unpacked::write(storage, cipher, kind, &text).expect("memory");
    }
    last
}

/// The text with ids in the place of `@0`, `@1` and so on, and of `@p`.
fn filled_in(text: &[u8], ids: &[Id], pack: Option<Id>) -> Vec<u8> {
    let mut filled = Vec::with_capacity(text.len() + 64);
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        let id = match (byte, rest.as_slice().first()) {
            (b'@', Some(b'p')) => pack,
            (b'@', Some(digit @ b'0'..=b'9')) => ids.get(usize::from(digit - b'0')).copied(),
            _ => None,
        };
        match id {
            Some(id) => {
                filled.extend_from_slice(&id.hex());
                rest.next();
            }
            None => filled.push(*byte),
        }
    }
    filled
}

/// Lists everything below a tree, up to a limit. Returns how many directories could not be read.
fn visit(indexed: &Indexed, root: Id) -> u64 {
    let mut left = MOST_PATHS;
    let mut unreadable = 0;
    let ended = list(indexed, root, b"/", true, |listed| {
        if matches!(listed, Listed::Unreadable { .. }) {
            unreadable += 1;
        }
        left -= 1;
        match left {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    assert!(ended.is_ok());
    unreadable
}
