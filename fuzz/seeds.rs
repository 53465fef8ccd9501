//! Writes the seeds of the fuzzers into `corpus`: what the repositories in `tests/data` hold, decrypted, and some texts.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use freezerd::repository::blob::{BlobReader, PackedBlob};
use freezerd::repository::blob_name::BlobKind;
use freezerd::repository::open::Repository;
use freezerd::repository::pack;
use freezerd::repository::unpacked;
use freezerd::storage::id::Id;
use freezerd::storage::local::Local;
use freezerd::storage::{FileKind, FileName};

const LOCK: &str = r#"{"time":"2026-01-02T03:04:05.678901234+01:00","exclusive":false,"hostname":"web1","username":"root","pid":4711,"uid":1,"gid":2}"#;

fn main() {
    for version in ["restic-0.14", "restic-0.18"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/data")
            .join(version);
        let storage = Arc::new(Local::new(&path));
        let repository = Repository::open(storage, b"correct horse").expect("the repository");
        small_files(&repository);
        let trees = packs(&repository);
        seed("repository", &whole(&repository, trees));
    }
    texts();
}

fn seed(target: &str, content: &[u8]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&directory).expect("the directory");
    fs::write(directory.join(Id::of(content).to_string()), content).expect("the seed");
}

fn small_files(repository: &Repository) {
    let (storage, cipher) = (&*repository.storage, &repository.cipher);
    let read = |file| storage.read(file, u64::MAX).expect("the file");
    let list = |kind| storage.list(kind).expect("the list").files;
    let mut config = read(FileName::CONFIG);
    seed("documents", cipher.open(&mut config).expect("the config"));
    for (kind, target) in [
        (FileKind::Index, "index"),
        (FileKind::Snapshot, "documents"),
    ] {
        for file in list(kind) {
            let file = FileName::new(kind, file.id);
            seed(
                target,
                &unpacked::read(storage, cipher, file).expect("the document"),
            );
            let mut content = read(file);
            seed(
                "unpacked",
                cipher.open(&mut content).expect("the plain text"),
            );
        }
    }
    for key in list(FileKind::Key) {
        let text = String::from_utf8(read(FileName::new(FileKind::Key, key.id))).expect("JSON");
        seed(
            "key_file",
            text.replace("\"N\":32768", "\"N\":2").as_bytes(),
        );
    }
    let packs: Vec<_> = list(FileKind::Pack)
        .iter()
        .map(|pack| serde_json::json!({ "name": pack.id.to_string(), "size": pack.size }))
        .collect();
    seed("listing", &serde_json::to_vec(&packs).expect("a document"));
    for list in [
        "total 2\r\n-rw------- 1 u g 7 Nov 27 03:15 a b\r\nlrwxrwxrwx 1 u g 7 2026-11-27 03:15 x -> y\r\n",
        "type=cdir; .\r\ntype=file;size=7;modify=20261127031500; a\r\n",
        "11-27-26  03:15AM       <DIR>          data\r\n11-27-2026  03:15PM            1234 a b\r\n",
    ] {
        seed("ftp_list", list.as_bytes());
    }
}

/// Seeds of everything in packs. Returns the trees with their ids.
fn packs(repository: &Repository) -> Vec<(Id, Vec<u8>)> {
    let (storage, cipher) = (&*repository.storage, &repository.cipher);
    let mut trees = Vec::new();
    let mut reader = BlobReader::new();
    for listed in storage.list(FileKind::Pack).expect("the list").files {
        let file = FileName::new(FileKind::Pack, listed.id);
        let mut pack = storage.read(file, u64::MAX).expect("the pack");
        let blobs = pack::header_of(cipher, &pack).expect("the header");
        let end = pack.len() - 4;
        let start = end - (pack::header_size(&blobs) - 4);
        let header = cipher.open(&mut pack[start..end]).expect("the header");
        let size = (start as u32).to_le_bytes();
        seed("pack_header", &[&size[..], header].concat());
        for blob in &blobs {
            let PackedBlob { offset, length, .. } = *blob;
            let sealed = &mut pack[offset as usize..][..length as usize];
            let mut again = sealed.to_vec();
            let plain = cipher.open(sealed).expect("the blob");
            if plain.len() < 4096 {
                let length = blob.raw_length.to_le_bytes();
                seed("blob", &[&length[..], plain].concat());
            }
            if blob.name.kind == BlobKind::Tree {
                let mut text = Vec::new();
                reader
                    .decode(cipher, blob, &mut again, &mut text)
                    .expect("the tree");
                seed("tree", &text);
                trees.push((blob.name.id, text));
            }
        }
    }
    trees
}

/// The trees as parts that name each other, a snapshot of the last one, and a lock.
fn whole(repository: &Repository, mut trees: Vec<(Id, Vec<u8>)>) -> Vec<u8> {
    let (storage, cipher) = (&*repository.storage, &repository.cipher);
    let mut text = String::new();
    let mut done: Vec<Id> = Vec::new();
    let place = |done: &[Id], text: &str| {
        let places = done.iter().enumerate();
        places.fold(text.to_owned(), |text, (place, id)| {
            text.replace(&id.to_string(), &format!("@{place}"))
        })
    };
    // A tree comes behind those that it names.
    while let Some(at) = trees.iter().position(|(_, tree)| {
        let tree = String::from_utf8_lossy(tree);
        trees.iter().all(|(id, _)| !tree.contains(&id.to_string()))
    }) {
        let (id, tree) = trees.remove(at);
        let tree = String::from_utf8(tree).expect("JSON");
        text += &format!("T{}\0", place(&done, &tree));
        done.push(id);
    }
    for file in storage.list(FileKind::Snapshot).expect("the list").files {
        let file = FileName::new(FileKind::Snapshot, file.id);
        let document = unpacked::read(storage, cipher, file).expect("the document");
        let document = String::from_utf8(document).expect("JSON");
        text += &format!("S{}\0", place(&done, &document));
    }
    text += &format!("L{LOCK}\0");
    text +=
        r#"I{"packs":[{"id":"@p","blobs":[{"id":"@0","type":"tree","offset":9,"length":99}]}]}"#;
    text.into_bytes()
}

fn texts() {
    seed("documents", LOCK.as_bytes());
    let key = BASE64.encode([7; 16]);
    let long = BASE64.encode([7; 32]);
    let keys = format!(r#"{{"mac":{{"k":"{key}","r":"{key}"}},"encrypt":"{long}"}}"#);
    seed("key_file", keys.as_bytes());
    for text in [
        "/srv/backups",
        "file:///srv/%ff/x",
        "rest:https://backup.example:8000/web1/",
        "https://[::1]:8000/a%20b/",
        "2026-01-02T03:04:05.678901234+01:00",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "12.5 MiB",
        "CACHEDIR.TAG:Signature: 8a47",
    ] {
        seed("texts", text.as_bytes());
    }
    seed(
        "patterns",
        b"*.o\n/a/**/x[a-c]\n!keep?\n**/b/\n[[:digit:]!]\\*\n/srv/data/y\n\0a/b/xa\0keep1\0b\0x.o\0y",
    );
    for content in [
        &b" secret\r\n"[..],
        b"\xef\xbb\xbfsecret\n",
        b"\xff\xfes\0\xfc\0",
    ] {
        seed("pass_file", content);
    }
    let data = r#"D0123456789"#;
    let tree = r#"T{"nodes":[{"name":"f","type":"file","mode":420,"mtime":"2026-01-02T03:04:05Z","atime":"2026-01-02T03:04:05Z","ctime":"2026-01-02T03:04:05Z","uid":0,"gid":0,"size":10,"links":2,"inode":5,"device_id":1,"content":["@0"],"extended_attributes":[{"name":"user.a","value":"AAE="}]},{"name":"l","type":"symlink","mode":134218239,"mtime":"2026-01-02T03:04:05Z","atime":"2026-01-02T03:04:05Z","ctime":"2026-01-02T03:04:05Z","uid":0,"gid":0,"linktarget":"f"}]}"#;
    let root = r#"T{"nodes":[{"name":"a","type":"dir","mode":2147484141,"mtime":"2026-01-02T03:04:05Z","atime":"2026-01-02T03:04:05Z","ctime":"2026-01-02T03:04:05Z","uid":0,"gid":0,"subtree":"@1"},{"name":"b","type":"dir","mode":2147484141,"mtime":"2026-01-02T03:04:05Z","atime":"2026-01-02T03:04:05Z","ctime":"2026-01-02T03:04:05Z","uid":0,"gid":0,"subtree":"@1"}]}"#;
    let snapshot = r#"S{"time":"2026-01-02T03:04:05Z","tree":"@2","paths":["/a"],"hostname":"h"}"#;
    seed(
        "repository",
        [data, tree, root, snapshot].join("\0").as_bytes(),
    );
}
