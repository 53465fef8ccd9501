//! The commands of freezerd on the container of a place, and what a container holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use freezerd::repository::blob::BlobReader;
use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::indexed::Indexed;
use freezerd::repository::key::cost::Cost;
use freezerd::repository::node::NodeKind;
use freezerd::repository::open::Repository;
use freezerd::repository::snapshot::read_all;
use freezerd::repository::walk::{Met, Step, walk};
use freezerd::storage::id::Id;
use freezerd::storage::local::Local;
use serde_json::Value;

use crate::support::Place;

/// The password of the container.
pub const PASSWORD: &[u8] = b"correct horse";

/// Makes the container's repository, with a key that opens quickly.
pub fn make_repository(place: &Place) -> Repository {
    let storage = Arc::new(Local::new(place.path("container")));
    let cost = Cost {
        n: 1 << 10,
        ..Cost::LEAST
    };
    Repository::init(storage, PASSWORD, cost).unwrap()
}

pub fn open(place: &Place) -> Repository {
    let storage = Arc::new(Local::new(place.path("container")));
    Repository::open(storage, PASSWORD).unwrap()
}

/// What a command came to.
#[derive(Clone, Debug)]
pub struct Ran {
    /// `None`: a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    #[track_caller]
    pub fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    pub fn said(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}

/// Runs a command of freezerd on the container.
pub fn run(place: &Place, words: &[&str]) -> Ran {
    run_on(place, "pass", words)
}

/// The same, with the password in another file of the place.
pub fn run_on(place: &Place, pass_file: &str, words: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_freezerd"))
        .args(words)
        .arg("--container")
        .arg(place.path("container"))
        .arg("--encrypt-pass-file")
        .arg(place.path(pass_file))
        .env("FREEZERD_STATE_DIR", place.path("state"))
        .output()
        .unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The files in a directory of the container, or in the directories in it.
pub fn files(place: &Place, directory: &str) -> Vec<PathBuf> {
    let list = |path: PathBuf| fs::read_dir(path).unwrap().map(|it| it.unwrap().path());
    let (directories, mut files): (Vec<_>, Vec<_>) =
        list(place.path("container").join(directory)).partition(|it| it.is_dir());
    files.extend(directories.into_iter().flat_map(list));
    files.sort();
    files
}

/// The name of a file: its id.
pub fn id(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}

/// Writes to a file of a container, which is read-only.
pub fn overwrite(file: &Path, content: &[u8]) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(file, content).unwrap();
}

/// Changes a byte.
pub fn flip(file: &Path, at: usize) {
    let mut content = fs::read(file).unwrap();
    content[at] ^= 0xff;
    overwrite(file, &content);
}

/// The packs that have blobs of this kind.
pub fn packs_of(repository: &Repository, kind: BlobKind) -> Vec<Id> {
    let loaded = repository.load_index().unwrap();
    let mut packs = BTreeSet::new();
    loaded.index.by_pack().for_each(|pack, blobs| {
        if blobs.iter().any(|blob| blob.name.kind == kind) {
            packs.insert(pack);
        }
    });
    packs.into_iter().collect()
}

/// The file of a pack.
pub fn pack_file(place: &Place, pack: Id) -> PathBuf {
    let name = pack.to_string();
    place.path("container/data").join(&name[..2]).join(name)
}

/// The contents of all files that can be read, by their snapshots' times and their paths. A snapshot that is written anew
/// keeps its time.
pub fn readable(repository: &Repository) -> BTreeMap<(String, String), Vec<u8>> {
    let indexed = Indexed::load(repository.clone()).unwrap();
    let mut reader = BlobReader::new();
    let mut piece = Vec::new();
    let mut found = BTreeMap::new();
    for (_, snapshot) in read_all(&*repository.storage, &repository.cipher).unwrap() {
        let Ok(snapshot) = snapshot else { continue };
        let time = snapshot.time.to_string();
        let _: Option<()> = walk(&indexed, snapshot.tree, |path, met| {
            if let Met::Entry {
                node,
                problem: None,
            } = met
                && node.kind == NodeKind::File
            {
                let mut content = Vec::new();
                let whole = node.content.iter().flatten().all(|id| {
                    let kind = BlobKind::Data;
                    let read = indexed.read(&mut reader, BlobName { kind, id: *id }, &mut piece);
                    content.extend_from_slice(&piece);
                    read.is_ok()
                });
                if whole {
                    let path = String::from_utf8_lossy(path).into_owned();
                    found.insert((time.clone(), path), content);
                }
            }
            ControlFlow::Continue(Step::Enter)
        });
    }
    found
}
