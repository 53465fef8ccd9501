//! Backs up, and reads back what a snapshot has.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use freezerd::archive::ahead::WalkAhead;
use freezerd::archive::report::Report;
use freezerd::archive::{self, BackupObserver, Options};
use freezerd::repository::blob::BlobReader;
use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::error::Error;
use freezerd::repository::indexed::Indexed;
use freezerd::repository::node::{Node, NodeKind};
use freezerd::repository::open::Repository;
use freezerd::repository::snapshot::Snapshot;
use freezerd::repository::time::Time;
use freezerd::repository::walk::{Met, Step, walk};
use freezerd::source::tree::Tree;
use freezerd::source::tree::selection::Selection;
use freezerd::storage::id::Id;
use freezerd::storage::{FileKind, Listed};

struct Silent;

impl BackupObserver for Silent {
    fn total(&self, _: u64, _: u64) {}

    fn advance(&self, _: u64, _: u64) {}
}

/// A source without a selection.
pub fn tree(top: &Path) -> Tree {
    Tree {
        top: top.to_owned(),
        selection: Selection::default(),
    }
}

/// Backs up with this parent.
pub fn try_back_up(
    repository: &Repository,
    sources: Vec<Tree>,
    parent: Option<(Id, &Snapshot)>,
) -> Result<Report, Error> {
    let packs = repository.storage.list(FileKind::Pack)?.files;
    back_up_beside(repository, sources, parent, &packs)
}

/// Backs up with this parent, and with a list of the packs of before.
pub fn back_up_beside(
    repository: &Repository,
    sources: Vec<Tree>,
    parent: Option<(Id, &Snapshot)>,
    packs: &[Listed],
) -> Result<Report, Error> {
    let walk = WalkAhead::begin(sources.clone());
    let mut indexed = Indexed::load(repository.clone())?;
    let options = Options {
        compression_level: 3,
        parent,
        workers: 2,
        confirm: &|| Ok(()),
        packs,
        describe: &|_, _| {
            let paths = sources
                .iter()
                .map(|source| source.top.to_string_lossy().into_owned());
            Snapshot::new(Time::now(), Id::default(), paths.collect())
        },
        observer: &Silent,
    };
    archive::backup(&mut indexed, walk, &options)
}

/// Backs up one path, and expects that nothing is missing.
pub fn back_up(repository: &Repository, top: &Path, parent: Option<&Report>) -> Report {
    let parent = parent.map(|report| (report.id, &report.snapshot));
    let report = try_back_up(repository, vec![tree(top)], parent).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    report
}

/// The content of a file, read from the repository.
pub fn content(repository: &Indexed, node: &Node) -> Vec<u8> {
    let mut reader = BlobReader::new();
    let mut all = Vec::new();
    let mut chunk = Vec::new();
    for id in node.content.iter().flatten() {
        let kind = BlobKind::Data;
        repository
            .read(&mut reader, BlobName { kind, id: *id }, &mut chunk)
            .unwrap();
        all.extend_from_slice(&chunk);
    }
    all
}

/// Every entry of a snapshot, by its path from the root. All trees must be whole.
pub fn entries(repository: &Indexed, snapshot: &Snapshot) -> BTreeMap<PathBuf, Node> {
    let mut all = BTreeMap::new();
    walk(
        repository,
        snapshot.tree,
        |path, met| -> ControlFlow<(), Step> {
            match met {
                Met::Entry { node, problem } => {
                    assert_eq!(problem, None);
                    let path = Path::new("/").join(OsStr::from_bytes(path));
                    all.insert(path, node.clone());
                }
                Met::Left { .. } => {}
                Met::Unreadable { error, .. } => panic!("{error}"),
            }
            ControlFlow::Continue(Step::Enter)
        },
    );
    all
}

/// The tree of a directory in a snapshot. The directories above it may change at any time.
pub fn subtree(repository: &Repository, snapshot: &Snapshot, path: &Path) -> Id {
    let indexed = Indexed::load(repository.clone()).unwrap();
    entries(&indexed, snapshot)[path].subtree.unwrap()
}

/// Loads the repository, and compares all that a snapshot has with what is in the file system.
pub fn assert_is_in(repository: &Repository, snapshot: &Snapshot, top: &Path) {
    let indexed = Indexed::load(repository.clone()).unwrap();
    let mut entries = entries(&indexed, snapshot);
    entries.retain(|path, _| path.starts_with(top));
    let mut waiting = vec![top.to_owned()];
    while let Some(path) = waiting.pop() {
        let node = entries
            .remove(&path)
            .unwrap_or_else(|| panic!("{} is missing", path.display()));
        compare(&indexed, &path, &node);
        if node.kind == NodeKind::Directory {
            for entry in fs::read_dir(&path).unwrap() {
                waiting.push(entry.unwrap().path());
            }
        }
    }
    assert!(entries.is_empty(), "{:?}", entries.keys());
}

fn compare(repository: &Indexed, path: &Path, node: &Node) {
    let about = fs::symlink_metadata(path).unwrap();
    let kind = about.file_type();
    assert_eq!(
        node.mode & 0o777,
        about.mode() & 0o777,
        "{}",
        path.display()
    );
    assert_eq!((node.uid, node.gid), (about.uid(), about.gid()));
    assert_eq!(node.inode, about.ino());
    assert_eq!(
        (node.mtime.seconds, i64::from(node.mtime.nanoseconds)),
        (about.mtime(), about.mtime_nsec()),
        "{}",
        path.display()
    );
    let expected = if kind.is_dir() {
        NodeKind::Directory
    } else if kind.is_symlink() {
        let target = fs::read_link(path).unwrap();
        assert_eq!(node.link_target, target.as_os_str().as_bytes());
        NodeKind::Symlink
    } else if kind.is_fifo() {
        NodeKind::Fifo
    } else if kind.is_socket() {
        NodeKind::Socket
    } else if kind.is_char_device() {
        NodeKind::CharacterDevice
    } else if kind.is_block_device() {
        NodeKind::BlockDevice
    } else {
        assert!(
            content(repository, node) == fs::read(path).unwrap(),
            "{}",
            path.display()
        );
        assert_eq!(node.size, about.len());
        NodeKind::File
    };
    assert_eq!(node.kind, expected);
    assert_eq!(
        node.attributes.len(),
        attribute_count(path),
        "{}",
        path.display()
    );
}

fn attribute_count(path: &Path) -> usize {
    let mut names = [0; 4096];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap();
    names[..length].iter().filter(|byte| **byte == 0).count()
}
