//! Restores, and an independent look at what came out.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use freezerd::repository::indexed::Indexed;
use freezerd::repository::open::Repository;
use freezerd::repository::snapshot::{self, Snapshot};
use freezerd::restore::error::Error;
use freezerd::restore::problem::ProblemKind;
use freezerd::restore::report::{Change, Report, RestoreObserver, Silent};
use freezerd::restore::select::{Filter, Selection};
use freezerd::restore::{Options, Request, restore};
use freezerd::storage::id::Id;
use freezerd::storage::local::Local;

use crate::restic_support::PASSWORD;

/// A request with everything at its default.
pub fn request<'a>(
    repository: &'a Indexed,
    snapshot: &'a Snapshot,
    target: &'a Path,
) -> Request<'a> {
    Request {
        repository,
        snapshot,
        target,
        selection: Selection::Whole,
        filter: Filter::default(),
        options: Options::default(),
        delete_extra: None,
        protected: &[],
        observer: &Silent,
    }
}

/// Restores with these options.
pub fn run(
    repository: &Indexed,
    snapshot: &Snapshot,
    target: &Path,
    options: Options,
) -> Result<Report, Error> {
    restore(&Request {
        options,
        ..request(repository, snapshot, target)
    })
}

pub const OVERWRITE: Options = Options {
    overwrite: true,
    dry_run: false,
    numeric_owner: false,
    verify: false,
    threads: 0,
    window: 0,
};

/// A directory in memory, where there is one: some file systems are slow for minutes after many removals.
pub fn in_memory() -> tempfile::TempDir {
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    directory.unwrap()
}

/// Keeps the changes that it is told.
#[derive(Default)]
pub struct Changes(Mutex<Vec<Change>>);

impl RestoreObserver for Changes {
    fn wants_changes(&self) -> bool {
        true
    }

    fn change(&self, change: Change) {
        self.0.lock().unwrap().push(change);
    }
}

impl Changes {
    pub fn sorted(&self) -> Vec<Change> {
        let mut changes = self.0.lock().unwrap().clone();
        changes.sort();
        changes
    }
}

/// The problems as `path: kind`, sorted.
pub fn problems(report: &Report) -> Vec<String> {
    let first = &report.problems.first;
    let mut lines: Vec<String> = first
        .iter()
        .map(|problem| format!("{}: {:?}", problem.path.display(), problem.kind))
        .collect();
    lines.sort();
    assert_eq!(lines.len() as u64, report.problems.total);
    lines
}

pub fn assert_whole(report: &Report) {
    assert_eq!(problems(report), [] as [&str; 0]);
    assert_eq!(report.not_restored, 0);
    assert_eq!(report.files, report.written + report.identical);
}

pub fn only_kind(report: &Report) -> ProblemKind {
    assert_eq!(report.problems.total, 1, "{:?}", report.problems);
    report.problems.first[0].kind.clone()
}

/// Opens a repository that restic made.
pub fn open(path: &Path) -> (Indexed, Vec<Snapshot>) {
    let storage = Arc::new(Local::new(path));
    let repository = Repository::open(storage, PASSWORD.as_bytes()).unwrap();
    let mut snapshots: Vec<Snapshot> = snapshot::read_all(&*repository.storage, &repository.cipher)
        .unwrap()
        .into_iter()
        .map(|(_, snapshot)| snapshot.unwrap())
        .collect();
    snapshots.sort_by_key(|snapshot| (snapshot.time.seconds, snapshot.time.nanoseconds));
    (Indexed::load(repository).unwrap(), snapshots)
}

/// Everything that a restore has to bring back, entry by entry; the top has the empty path.
pub type Look = BTreeMap<PathBuf, String>;

/// Looks at a tree without following a link.
pub fn look(top: &Path) -> Look {
    let mut look = Look::new();
    let mut groups: BTreeMap<(u64, u64), PathBuf> = BTreeMap::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(path) = pending.pop() {
        let full = top.join(&path);
        let about = fs::symlink_metadata(&full).unwrap();
        let kind = about.file_type();
        let mut line = format!(
            "{:o} {}:{} {}.{:09}",
            about.mode(),
            about.uid(),
            about.gid(),
            about.mtime(),
            about.mtime_nsec()
        );
        if kind.is_dir() {
            let mut names: Vec<_> = fs::read_dir(&full)
                .unwrap()
                .map(|entry| path.join(entry.unwrap().file_name()))
                .collect();
            // The first name of a group of links is the same in every look.
            names.sort();
            pending.extend(names.into_iter().rev());
        } else if kind.is_symlink() {
            line += &format!(" -> {:?}", fs::read_link(&full).unwrap());
        } else if kind.is_file() {
            let content = fs::read(&full).unwrap();
            line += &format!(" {} {}", content.len(), Id::of(&content));
        } else if kind.is_block_device() || kind.is_char_device() {
            line += &format!(" device {}", about.rdev());
        }
        if !kind.is_dir() && about.nlink() > 1 {
            let first = groups
                .entry((about.dev(), about.ino()))
                .or_insert(path.clone());
            line += &format!(" = {}", first.display());
        }
        for (name, value) in attributes(&full) {
            line += &format!(" {name}={value:02x?}");
        }
        look.insert(path, line);
    }
    look
}

fn attributes(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    let mut names = vec![0; 10_000];
    let length = rustix::fs::llistxattr(&*path, &mut names).unwrap_or(0);
    names.truncate(length);
    names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let name = String::from_utf8_lossy(name).into_owned();
            let mut value = vec![0; 70_000];
            let length = rustix::fs::lgetxattr(&*path, name.as_str(), &mut value).unwrap();
            value.truncate(length);
            (name, value)
        })
        .collect()
}

/// Compares two looks, and names the first entries that differ.
pub fn assert_same(expected: &Look, found: &Look) {
    let mut differing = Vec::new();
    for path in expected.keys().chain(found.keys()) {
        let (wanted, got) = (expected.get(path), found.get(path));
        if wanted != got {
            differing.push(format!("{path:?}:\n  {wanted:?}\n  {got:?}"));
        }
    }
    differing.truncate(10);
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// Without the top, which a restore into an existing directory leaves as it is.
pub fn below(mut look: Look) -> Look {
    look.remove(Path::new(""));
    look
}
