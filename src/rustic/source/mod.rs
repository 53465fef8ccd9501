//! A file tree as the engine reads it: the walk, which counts and names everything that it cannot read.
//!
//! The engine's own walk leaves out what it cannot read, and says so only in its log. Here every entry is either handed
//! over or named as a problem. A file is opened before it is described, so its metadata and its content belong to the
//! same inode, even when files are replaced while the backup runs.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustic_core::{ErrorKind, ReadSource, ReadSourceEntry, RusticError, RusticResult};

mod reader;

use reader::OpenFile;

use super::node::{self, Names};
use super::observer::Observer;
use super::pattern::Patterns;
use super::problem::{PathFault, ProblemList, ReadStep};

/// What the walk and all readers share.
pub(super) struct Shared {
    /// The file or directory to back up.
    pub top: PathBuf,
    /// What to leave out.
    pub exclude: Patterns,
    /// What may be unreadable without a problem.
    pub ignore_unreadable: Patterns,
    /// The repository's own directory (device and inode), which is left out.
    pub container: Option<(u64, u64)>,
    pub observer: Arc<dyn Observer>,
    pub problems: ProblemList,
    /// How many problems there were that do not matter, beside `problems`.
    pub ignored: AtomicU64,
    /// Entries other than directories that were handed over.
    pub files: AtomicU64,
    /// The bytes of these.
    pub bytes: AtomicU64,
    /// How many of `files` failed later, while they were read.
    pub lost: AtomicU64,
    /// The engine stopped reading a file before its end. It will fail, so the walk ends.
    pub engine_gave_up: AtomicBool,
}

impl Shared {
    /// The metadata of an entry. Links are not followed, except when the top itself is one: a job that names a link as
    /// its source means what it points to.
    fn examine(&self, path: &Path) -> io::Result<Metadata> {
        if path == self.top {
            fs::metadata(path)
        } else {
            fs::symlink_metadata(path)
        }
    }

    /// Names a path that is missing from the snapshot, or not whole in it.
    fn problem(&self, path: &Path, fault: PathFault) {
        if self.ignore_unreadable.cover(&self.top, path) {
            self.ignored.fetch_add(1, Ordering::Relaxed);
            self.observer.log(&format!(
                "{}: {fault} (ignored, as the job asks)",
                path.display()
            ));
        } else {
            self.problems.add(path, fault, &*self.observer);
        }
    }
}

/// The tree, for the engine.
pub(super) struct TreeSource(pub Arc<Shared>);

impl ReadSource for TreeSource {
    type Open = OpenFile;
    type Iter = Walk;

    /// Counts what there is to do. Called once, while the walk runs.
    fn size(&self) -> RusticResult<Option<u64>> {
        let (files, bytes) = measure(&self.0);
        self.0.observer.total(Some(files), None);
        Ok(Some(bytes))
    }

    fn entries(&self) -> Walk {
        Walk::new(Arc::clone(&self.0))
    }
}

/// Counts the files of the tree and their bytes, as far as directories can be read. Opens nothing.
fn measure(shared: &Shared) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    let mut pending = vec![shared.top.clone()];
    while let Some(path) = pending.pop() {
        shared.observer.pulse();
        let Ok(metadata) = shared.examine(&path) else {
            continue;
        };
        if !metadata.is_dir() {
            files += 1;
            if metadata.is_file() {
                bytes += metadata.len();
            }
        } else if shared.container != Some((metadata.dev(), metadata.ino())) {
            for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
                let path = entry.path();
                if !shared.exclude.matches(&shared.top, &path) {
                    pending.push(path);
                }
            }
        }
    }
    (files, bytes)
}

/// Walks the tree: each directory before what is in it, entries in the order of their names' bytes.
pub(super) struct Walk {
    shared: Arc<Shared>,
    names: Names,
    /// The directories above the top, so that their owners and modes are kept, and then the top itself.
    first: VecDeque<PathBuf>,
    /// The directories that the walk is in, each with what is left of it.
    stack: Vec<(PathBuf, std::vec::IntoIter<OsString>)>,
}

impl Walk {
    /// A walk from the root of the file system to the top, and through all below it.
    pub fn new(shared: Arc<Shared>) -> Self {
        let mut first: VecDeque<PathBuf> = shared
            .top
            .ancestors()
            .filter(|path| path.file_name().is_some())
            .map(Path::to_path_buf)
            .collect();
        first.make_contiguous().reverse();
        let mut walk = Walk {
            shared,
            names: Names::default(),
            first,
            stack: Vec::new(),
        };
        if walk.first.is_empty() {
            // The root of the file system has no name, and so no entry of its own.
            let top = walk.shared.top.clone();
            walk.enter(top);
        }
        walk
    }

    /// Lists a directory and goes on in it.
    fn enter(&mut self, path: PathBuf) {
        let names = fs::read_dir(&path).and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<io::Result<Vec<_>>>()
        });
        match names {
            Ok(mut names) => {
                names.sort_unstable_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
                self.stack.push((path, names.into_iter()));
            }
            Err(error) => self.unreadable(&path, ReadStep::ListSource, error),
        }
    }

    /// Describes one entry; `None` when it is left out or cannot be read.
    fn visit(&mut self, path: &Path) -> Option<ReadSourceEntry<OpenFile>> {
        let mut metadata = match self.shared.examine(path) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.unreadable(path, ReadStep::Examine, error);
                return None;
            }
        };
        let is_container = self.shared.container == Some((metadata.dev(), metadata.ino()));
        if metadata.is_dir() && is_container {
            self.shared.observer.log(&format!(
                "leaving out {}: it is the container itself",
                path.display()
            ));
            return None;
        }
        let mut open = None;
        if metadata.is_file() {
            match self.open(path) {
                Ok(Some((file, opened))) => {
                    metadata = opened;
                    open = Some(OpenFile {
                        file,
                        size: metadata.len(),
                        path: path.to_path_buf(),
                        shared: Arc::clone(&self.shared),
                    });
                }
                Ok(None) => {
                    self.shared.problem(path, PathFault::ChangedType);
                    return None;
                }
                Err(error) => {
                    self.unreadable(path, ReadStep::Open, error);
                    return None;
                }
            }
        }
        // The root has no name; every other path ends in one.
        let name = path.file_name().unwrap_or_default();
        match node::node(path, name, &metadata, &mut self.names) {
            Ok((node, missing)) => {
                for fault in missing {
                    self.shared.problem(path, fault);
                }
                if !metadata.is_dir() {
                    self.shared.files.fetch_add(1, Ordering::Relaxed);
                    self.shared
                        .bytes
                        .fetch_add(node.meta.size, Ordering::Relaxed);
                    self.shared.observer.advance(1, 0);
                } else {
                    self.shared.observer.pulse();
                }
                Some(ReadSourceEntry {
                    path: path.to_path_buf(),
                    node,
                    open,
                })
            }
            Err(error) => {
                self.unreadable(path, ReadStep::Examine, error);
                None
            }
        }
    }

    /// Opens a regular file without following a link, and without waiting for another process. `None`: it is no longer
    /// a regular file.
    fn open(&self, path: &Path) -> io::Result<Option<(File, Metadata)>> {
        let follow = if path == self.shared.top {
            0
        } else {
            libc::O_NOFOLLOW
        };
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(follow | libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENXIO)) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        Ok(metadata.is_file().then_some((file, metadata)))
    }

    fn unreadable(&self, path: &Path, step: ReadStep, source: io::Error) {
        self.shared.problem(
            path,
            match source.kind() {
                io::ErrorKind::NotFound => PathFault::Vanished,
                _ => PathFault::Unreadable { step, source },
            },
        );
    }
}

impl Iterator for Walk {
    type Item = RusticResult<ReadSourceEntry<OpenFile>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.shared.engine_gave_up.load(Ordering::Relaxed) {
                return None;
            }
            let (path, above) = if let Some(path) = self.first.pop_front() {
                let above = path != self.shared.top;
                (path, above)
            } else {
                let (directory, names) = self.stack.last_mut()?;
                let Some(name) = names.next() else {
                    self.stack.pop();
                    continue;
                };
                let path = directory.join(name);
                if self.shared.exclude.matches(&self.shared.top, &path) {
                    continue;
                }
                (path, false)
            };
            if above && !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
                // A link on the way to the source: the engine makes a plain directory of it.
                continue;
            }
            if let Some(entry) = self.visit(&path) {
                if entry.node.is_dir() && !above {
                    self.enter(path);
                }
                return Some(Ok(entry));
            }
        }
    }
}

/// Walks the tree without an engine, for a dry run. Afterwards the shared counts say what a backup would have found.
pub(super) fn rehearse(shared: &Arc<Shared>) -> RusticResult<()> {
    for entry in Walk::new(Arc::clone(shared)) {
        entry.map_err(|error| RusticError::with_source(ErrorKind::InputOutput, "walk", error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
