//! Damaged and hostile repositories: what is read is never believed without a check, costs bounded memory, and what is
//! wrong is named by its file.

use std::sync::Arc;

use freezerd::repository::blob::{BlobReader, PackedBlob};
use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::config::Config;
use freezerd::repository::crypto::{Cipher, SecretKeys};
use freezerd::repository::error::{Damage, ErrorKind};
use freezerd::repository::index::file::{self, IndexWriter};
use freezerd::repository::key::cost::Cost;
use freezerd::repository::lock::{LockFile, found_locks};
use freezerd::repository::node::{Node, NodeKind, NodeProblem};
use freezerd::repository::open::Repository;
use freezerd::repository::packer::{Encoder, Packer};
use freezerd::repository::snapshot::{Snapshot, read_all};
use freezerd::repository::time::Time;
use freezerd::repository::tree::{self, TreeBuilder};
use freezerd::repository::{pack, unpacked};
use freezerd::storage::id::Id;
use freezerd::storage::memory::Memory;
use freezerd::storage::{FileKind, FileName, Storage};

const COST: Cost = Cost { n: 16, r: 1, p: 1 };

/// A repository with one snapshot of an empty file.
fn small() -> (Memory, Repository) {
    let memory = Memory::new();
    let storage: Arc<dyn Storage> = Arc::new(memory.clone());
    let repository = Repository::init(storage, b"p", COST).unwrap();
    let cipher = &repository.cipher;
    let mut tree = TreeBuilder::new();
    tree.add(&Node::new("file", NodeKind::File)).unwrap();
    let text = tree.finish();
    let name = BlobName {
        kind: BlobKind::Tree,
        id: Id::of(&text),
    };
    let mut bytes = Vec::new();
    let encoded = Encoder::new(3)
        .encode(cipher, name, &text, &mut bytes)
        .unwrap();
    let mut packer = Packer::new(1);
    packer.add(&encoded, &bytes);
    let pack = packer.finish(cipher).unwrap().unwrap();
    pack.write(&memory).unwrap();
    let mut index = IndexWriter::new();
    index.add(pack.id, &pack.blobs);
    index.write(&memory, cipher).unwrap();
    let snapshot = Snapshot::new(Time::utc(0, 0), name.id, vec!["/file".into()]);
    snapshot.write(&memory, cipher).unwrap();
    (memory, repository)
}

fn files(memory: &Memory) -> Vec<FileName> {
    let mut files = Vec::new();
    for kind in FileKind::ALL {
        let listed = memory.list(kind).unwrap().files;
        files.extend(listed.iter().map(|file| FileName::new(kind, file.id)));
    }
    files
}

/// Everything that reads; returns every sentence about something wrong.
fn read_everything(memory: &Memory) -> Vec<String> {
    let storage: Arc<dyn Storage> = Arc::new(memory.clone());
    let repository = match Repository::open(storage, b"p") {
        Ok(repository) => repository,
        Err(error) => return vec![error.to_string()],
    };
    let cipher = &repository.cipher;
    let mut wrong = Vec::new();
    let key = &repository.key.problems;
    wrong.extend(key.iter().map(ToString::to_string));
    let loaded = repository.load_index().unwrap();
    wrong.extend(loaded.problems.iter().map(ToString::to_string));
    let mut reader = BlobReader::new();
    let mut content = Vec::new();
    for listed in memory.list(FileKind::Pack).unwrap().files {
        match pack::read_header(memory, cipher, listed.id, listed.size) {
            Err(error) => wrong.push(error.to_string()),
            Ok(blobs) => {
                for blob in blobs {
                    let read = reader.read(memory, cipher, listed.id, &blob, &mut content);
                    wrong.extend(read.err().map(|error| format!("{}: {error}", listed.id)));
                }
            }
        }
    }
    for (_, snapshot) in read_all(memory, cipher).unwrap() {
        wrong.extend(snapshot.err().map(|error| error.to_string()));
    }
    found_locks(memory, cipher).unwrap();
    wrong
}

#[test]
fn every_damage_to_every_file_is_noticed_and_named() {
    let (memory, _) = small();
    assert_eq!(read_everything(&memory), Vec::<String>::new());
    let files = files(&memory);
    assert_eq!(files.len(), 5);
    let mut random = fastrand::Rng::with_seed(11);
    for name in &files {
        let good = memory.read(*name, 1 << 20).unwrap();
        let other = files.iter().find(|other| *other != name).unwrap();
        let mut damages = vec![
            Vec::new(),
            good[..good.len() / 2].to_vec(),
            good[..good.len() - 1].to_vec(),
            [&good[..], b"x"].concat(),
            memory.read(*other, 1 << 20).unwrap(),
        ];
        for _ in 0..60 {
            let mut flipped = good.clone();
            let at = random.usize(..flipped.len());
            flipped[at] ^= 1 << random.u32(..8);
            damages.push(flipped);
        }
        for damage in damages {
            memory.damage(*name, damage);
            let wrong = read_everything(&memory);
            let named = wrong.iter().any(|text| text.contains(&name.to_string()));
            let id = name.id.to_string();
            let named = named || wrong.iter().any(|text| text.contains(&id));
            assert!(named, "{name}: {wrong:?}");
        }
        memory.damage(*name, good);
    }
    assert_eq!(read_everything(&memory), Vec::<String>::new());
}

#[test]
fn no_mutated_document_makes_a_parser_panic() {
    let id = Id::of(b"x");
    let snapshot =
        serde_json::to_vec(&Snapshot::new(Time::utc(0, 5), id, vec!["/a".into()])).unwrap();
    let config = serde_json::to_vec(&Config::new().unwrap()).unwrap();
    let lock = br#"{"time":"2015-06-27T12:18:51.759239612+02:00","exclusive":false,"hostname":"k","username":"f","pid":1,"uid":1000}"#;
    let mut random = fastrand::Rng::with_seed(12);
    for document in [&snapshot[..], &config, lock] {
        for _ in 0..4000 {
            let mut bad = document.to_vec();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..bad.len());
                bad[at] = random.u8(..);
            }
            bad.truncate(random.usize(bad.len() / 2..=bad.len()));
            let _ = Snapshot::parse(&bad);
            let _ = Config::parse(&bad);
            let _ = serde_json::from_slice::<LockFile>(&bad);
            let _ = file::parse(&bad, |_, _| {});
            let _ = tree::read(id, &bad, |_, _| {});
        }
    }
}

#[test]
fn sixty_thousand_nested_values_do_not_overflow_the_stack() {
    let deep = format!("{}{}", "{\"nodes\":[".repeat(60_000), "]}".repeat(60_000));
    let id = Id::of(deep.as_bytes());
    // The inner ones are a field that is not known: its text is kept, and nothing goes down into it.
    let mut problems = Vec::new();
    tree::read(id, deep.as_bytes(), |_, problem| problems.push(problem)).unwrap();
    assert_eq!(problems, [Some(NodeProblem::Name)]);
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(60_000), "]".repeat(60_000));
    assert!(Snapshot::parse(deep.as_bytes()).is_err());
    assert!(Config::parse(deep.as_bytes()).is_err());
    assert!(file::parse(deep.as_bytes(), |_, _| {}).is_err());
}

#[test]
fn an_index_that_announces_gigabytes_costs_no_memory() {
    let cipher = Cipher::new(&SecretKeys::random().unwrap());
    let memory = Memory::new();
    let pack = Id::of(b"pack");
    memory
        .write(FileName::new(FileKind::Pack, pack), &[7; 100])
        .unwrap();
    let blob = |length, raw_length| PackedBlob {
        name: BlobName {
            kind: BlobKind::Tree,
            id: Id::of(b"blob"),
        },
        offset: 0,
        length,
        raw_length,
    };
    let before = peak_memory();
    let mut content = Vec::new();
    for blob in [
        blob(u32::MAX, 0),
        blob(3 << 30, u32::MAX),
        blob(0, 0),
        blob(100, u32::MAX),
    ] {
        let mut reader = BlobReader::new();
        assert!(
            reader
                .read(&memory, &cipher, pack, &blob, &mut content)
                .is_err()
        );
    }
    // A bomb whose id, length and code are right: 80 MiB of zeros in a few kilobytes.
    let zeros = vec![0; 80 << 20];
    let name = BlobName {
        kind: BlobKind::Data,
        id: Id::of(&zeros),
    };
    let mut bytes = Vec::new();
    let encoded = Encoder::new(3)
        .encode(&cipher, name, &zeros, &mut bytes)
        .unwrap();
    drop(zeros);
    let bomb = PackedBlob {
        name,
        ..blob(encoded.length, encoded.raw_length)
    };
    let error = BlobReader::new()
        .decode(&cipher, &bomb, &mut bytes, &mut content)
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert!(content.capacity() < 1 << 20);
    assert!(peak_memory() - before < 300 << 20);
}

/// The most memory that this process ever had, in bytes.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kilobytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}

#[test]
fn a_document_that_is_a_bomb_is_damage() {
    let (memory, repository) = small();
    let cipher = &repository.cipher;
    let mut text = vec![b' '; 70 << 20];
    text[0] = b'{';
    let id = unpacked::write(&memory, cipher, FileKind::Snapshot, &text).unwrap();
    let error = Snapshot::read(&memory, cipher, id).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Damaged(Damage::Compression));
    assert!(error.to_string().contains(&id.to_string()));
    // The other snapshot is read as before.
    let all = read_all(&memory, cipher).unwrap();
    assert_eq!(
        all.iter().filter(|(_, snapshot)| snapshot.is_ok()).count(),
        1
    );
}
