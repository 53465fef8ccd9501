//! `restic` as the judge of the repository format: both versions of it read what we write, and we read what they write
//! and write it again to the same bytes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use freezerd::repository::blob::BlobReader;
use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::index::file::IndexWriter;
use freezerd::repository::node::{Node, NodeKind};
use freezerd::repository::open::Repository;
use freezerd::repository::packer::{DEFAULT_TARGET, Encoder, Packer};
use freezerd::repository::snapshot::{Snapshot, read_all};
use freezerd::repository::time::Time;
use freezerd::repository::tree::{self, TreeBuilder};
use freezerd::repository::{pack, unpacked};
use freezerd::storage::id::Id;
use freezerd::storage::local::Local;
use freezerd::storage::{FileKind, FileName};

use odd_tree::odd_tree;
use restic_support::{PASSWORD, init, restics};

mod odd_tree;
mod restic_support;

fn open(repository: &Path) -> Repository {
    Repository::open(Arc::new(Local::new(repository)), PASSWORD.as_bytes()).unwrap()
}

/// Reads everything in a repository, compares each blob with its id and each tree with its text written again.
/// Returns how many trees there were.
fn read_everything(repository: &Repository) -> usize {
    let (storage, cipher) = (&*repository.storage, &repository.cipher);
    let loaded = repository.load_index().unwrap();
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    let mut by_pack = BTreeMap::new();
    loaded.index.by_pack().for_each(|pack, blobs| {
        by_pack.insert(pack, blobs.to_vec());
    });
    let listing = storage.list(FileKind::Pack).unwrap();
    assert_eq!(listing.strays, []);
    let mut reader = BlobReader::new();
    let mut content = Vec::new();
    let mut trees = 0;
    for listed in &listing.files {
        let header = pack::read_header(storage, cipher, listed.id, listed.size).unwrap();
        assert_eq!(header, by_pack[&listed.id]);
        let whole = storage
            .read(FileName::new(FileKind::Pack, listed.id), u64::MAX)
            .unwrap();
        assert_eq!(Id::of(&whole), listed.id);
        assert_eq!(pack::header_of(cipher, &whole).unwrap(), header);
        for blob in &header {
            reader
                .read(storage, cipher, listed.id, blob, &mut content)
                .unwrap();
            if blob.name.kind == BlobKind::Tree {
                trees += 1;
                read_again(blob.name.id, &content);
            }
        }
    }
    assert_eq!(listing.files.len(), by_pack.len());
    for (id, snapshot) in read_all(storage, cipher).unwrap() {
        let snapshot = snapshot.unwrap();
        let name = FileName::new(FileKind::Snapshot, id);
        let document = unpacked::read(storage, cipher, name).unwrap();
        assert_eq!(
            String::from_utf8(serde_json::to_vec(&snapshot).unwrap()).unwrap(),
            String::from_utf8(document).unwrap()
        );
        let tree = BlobName {
            kind: BlobKind::Tree,
            id: snapshot.tree,
        };
        assert!(loaded.index.contains(tree));
    }
    trees
}

fn read_again(id: Id, text: &[u8]) {
    let mut builder = TreeBuilder::new();
    tree::read(id, text, |node, problem| {
        assert_eq!(problem, None, "{node:?}");
        builder.add(&node).unwrap();
    })
    .unwrap();
    let mut text = String::from_utf8(text.to_vec()).unwrap();
    // Before version 0.16, restic lost the bytes of a link that are not UTF-8. What is left of them is a character, which
    // Go does not escape either when it writes the tree again.
    if !text.contains("linktarget_raw") {
        text = text.replace("\\ufffd", "\u{fffd}");
    }
    assert_eq!(String::from_utf8(builder.finish()).unwrap(), text);
}

#[test]
fn what_restic_wrote_is_read_and_written_again_to_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    odd_tree(&source);
    for (at, restic) in restics().iter().enumerate() {
        // The zone's offset stands in every time of a tree.
        for zone in ["UTC", "Europe/Berlin", "America/St_Johns"] {
            let path = directory
                .path()
                .join(format!("{at}-{}", zone.replace('/', "-")));
            restic.run(&path, &["init"]);
            let ran = restic
                .command(&path, PASSWORD)
                .env("TZ", zone)
                .args(["backup", "--tag", "a,b", "--exclude", "*.o"])
                .arg(&source)
                .output()
                .unwrap();
            assert!(
                ran.status.success(),
                "{}",
                String::from_utf8_lossy(&ran.stderr)
            );
            assert!(read_everything(&open(&path)) >= 4);
        }
    }
}

#[test]
fn repositories_of_both_versions_that_are_kept_are_read() {
    for version in ["0.14", "0.18"] {
        let kept = Path::new("tests/data").join(format!("restic-{version}"));
        assert!(read_everything(&open(&kept)) >= 3, "{version}");
    }
}

/// Writes a snapshot of a few files by hand. Returns its id.
fn write_snapshot(repository: &Repository) -> Id {
    let (storage, cipher) = (&*repository.storage, &repository.cipher);
    let mut encoder = Encoder::new(3);
    let mut packers = [Packer::new(DEFAULT_TARGET), Packer::new(DEFAULT_TARGET)];
    let mut bytes = Vec::new();
    let mut save = |kind: BlobKind, content: &[u8]| {
        let name = BlobName {
            kind,
            id: Id::of(content),
        };
        bytes.clear();
        let encoded = encoder.encode(cipher, name, content, &mut bytes).unwrap();
        packers[kind as usize].add(&encoded, &bytes);
        name.id
    };
    let mut random = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = (0..700_000).map(|_| random.u8(..)).collect();
    let text = b"some text\n".repeat(9999);
    let time = Time {
        seconds: 1_700_000_000,
        nanoseconds: 123_000_000,
        offset_minutes: 60,
    };
    let stamp = |node: &mut Node, mode: u32| {
        (node.mtime, node.atime, node.ctime) = (time, time, time);
        node.mode = mode;
    };
    let mut inner = TreeBuilder::new();
    let mut file = Node::new(&b"file \xff <\n>"[..], NodeKind::File);
    stamp(&mut file, 0o640);
    file.size = (noise.len() + text.len()) as u64;
    file.links = 1;
    file.content = Some(vec![
        save(BlobKind::Data, &noise),
        save(BlobKind::Data, &text),
    ]);
    inner.add(&file).unwrap();
    let mut link = Node::new("link", NodeKind::Symlink);
    stamp(&mut link, 0o777 | 1 << 27);
    link.link_target = b"file".to_vec();
    inner.add(&link).unwrap();
    let inner = save(BlobKind::Tree, &inner.finish());
    let mut root = TreeBuilder::new();
    let mut directory = Node::new("directory", NodeKind::Directory);
    stamp(&mut directory, 0o750 | 1 << 31);
    directory.subtree = Some(inner);
    root.add(&directory).unwrap();
    let tree = save(BlobKind::Tree, &root.finish());

    let mut index = IndexWriter::new();
    for packer in &mut packers {
        let pack = packer.finish(cipher).unwrap().unwrap();
        pack.write(storage).unwrap();
        index.add(pack.id, &pack.blobs);
    }
    storage.sync().unwrap();
    index.write(storage, cipher).unwrap();
    storage.sync().unwrap();
    let mut snapshot = Snapshot::new(time, tree, vec!["/directory".into()]);
    snapshot.hostname = "here".into();
    snapshot.program_version = "freezerd".into();
    snapshot.write(storage, cipher).unwrap()
}

#[test]
fn both_versions_of_restic_accept_what_we_write() {
    for restic in restics() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let repository = init(&path);
        let snapshot = write_snapshot(&repository);
        assert_eq!(read_everything(&repository), 2);
        let check = restic.run(&path, &["check", "--read-data"]);
        assert!(check.contains("no errors were found"), "{check}");
        let listed = restic.run(&path, &["ls", &snapshot.to_string()]);
        assert!(listed.contains("/directory/link"), "{listed}");
        let target = directory.path().join("target");
        restic.run(
            &path,
            &["restore", "latest", "--target", target.to_str().unwrap()],
        );
        let file = target
            .join("directory")
            .join(OsStr::from_bytes(b"file \xff <\n>"));
        let about = fs::metadata(&file).unwrap();
        assert_eq!(about.len(), 700_000 + 99_990);
        assert_eq!(about.mode() & 0o7777, 0o640);
        assert_eq!(
            (about.mtime(), about.mtime_nsec()),
            (1_700_000_000, 123_000_000)
        );
        let link = fs::read_link(target.join("directory/link")).unwrap();
        assert_eq!(link, Path::new("file"));
        // It goes on with it: a backup, and a prune that packs again.
        restic.run(&path, &["backup", target.to_str().unwrap()]);
        restic.run(
            &path,
            &["forget", "--keep-last", "1", "--group-by", "", "--prune"],
        );
        restic.run(&path, &["check", "--read-data"]);
        read_everything(&open(&path));
    }
}

#[test]
fn a_repository_of_version_1_is_read_and_not_written() {
    for restic in restics() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        restic.run(&path, &["init", "--repository-version", "1"]);
        restic.run(&path, &["backup", "src/storage"]);
        let repository = open(&path);
        assert_eq!(repository.config.version, 1);
        assert!(read_everything(&repository) >= 3);
        assert!(repository.writable().is_err());
    }
}

#[test]
fn what_we_make_belongs_to_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("repository");
    write_snapshot(&init(&path));
    let mut paths = vec![path];
    while let Some(path) = paths.pop() {
        let about = fs::symlink_metadata(&path).unwrap();
        assert!(!about.file_type().is_fifo());
        if about.is_dir() {
            assert_eq!(about.mode() & 0o7777, 0o700, "{}", path.display());
            paths.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            assert_eq!(about.mode() & 0o7777, 0o600, "{}", path.display());
        }
    }
}
