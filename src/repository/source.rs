//! A file tree as the engine reads it: the walk, which counts and names everything that it cannot read.
//!
//! The engine drops what it cannot read with a line in its own log. Here every entry that is found is either handed
//! over or named as a problem, and a file is opened before it is described: its metadata and its content are those
//! of one and the same inode, even where files are replaced while the backup runs.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustic_core::{
    ErrorKind, ReadSource, ReadSourceEntry, ReadSourceOpen, RusticError, RusticResult,
};

use super::monitor::{Monitor, ProblemList};
use super::node::{self, Names};
use super::pattern::Patterns;
use crate::os;

/// What the walk and all readers share.
pub(super) struct Shared {
    /// The file or directory to back up.
    pub top: PathBuf,
    /// What to leave out.
    pub exclude: Patterns,
    /// What may be unreadable.
    pub ignore_unreadable: Patterns,
    /// The repository's own directory (device and inode), which is left out.
    pub container: Option<(u64, u64)>,
    /// Who is told.
    pub monitor: Arc<dyn Monitor>,
    /// What went wrong.
    pub problems: ProblemList,
    /// What went wrong and does not matter.
    pub ignored: AtomicU64,
    /// Entries other than directories that were handed over, and their bytes.
    pub files: AtomicU64,
    /// Their bytes.
    pub bytes: AtomicU64,
    /// Of these, files that turned out to be unreadable later.
    pub lost: AtomicU64,
    /// The engine stopped reading a file before its end: it will fail, so the walk may as well end.
    pub engine_gave_up: AtomicBool,
}

impl Shared {
    /// The metadata of an entry. Links are not followed, except when the top itself is one: whoever names a link as
    /// the source means what it points to.
    fn examine(&self, path: &Path) -> io::Result<Metadata> {
        if path == self.top {
            fs::metadata(path)
        } else {
            fs::symlink_metadata(path)
        }
    }

    /// Names a path that is missing from the snapshot, or not whole in it.
    fn problem(&self, path: &Path, reason: impl Into<String>) {
        if self.ignore_unreadable.cover(&self.top, path) {
            self.ignored.fetch_add(1, Ordering::Relaxed);
            self.monitor.log(&format!(
                "{}: {} (ignored, as the job asks)",
                path.display(),
                reason.into()
            ));
        } else {
            self.problems.add(path, reason, &*self.monitor);
        }
    }
}

/// The tree.
pub(super) struct TreeSource(pub Arc<Shared>);

impl ReadSource for TreeSource {
    type Open = OpenFile;
    type Iter = Walk;

    /// Counts all that there is to do. Called once, beside the walk proper.
    fn size(&self) -> RusticResult<Option<u64>> {
        let (files, bytes) = measure(&self.0);
        self.0.monitor.total(Some(files), None);
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
            Err(error) => self.unreadable(&path, "the directory cannot be listed", &error),
        }
    }

    /// Describes one entry; `None` when it is left out or cannot be read.
    fn visit(&mut self, path: &Path) -> Option<ReadSourceEntry<OpenFile>> {
        let mut metadata = match self.shared.examine(path) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.unreadable(path, "cannot be examined", &error);
                return None;
            }
        };
        let is_container = self.shared.container == Some((metadata.dev(), metadata.ino()));
        if metadata.is_dir() && is_container {
            self.shared.monitor.log(&format!(
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
                    self.shared
                        .problem(path, "changed its type while it was being backed up");
                    return None;
                }
                Err(error) => {
                    self.unreadable(path, "cannot be opened", &error);
                    return None;
                }
            }
        }
        // The root has no name; every other path that comes here ends in one.
        let name = path.file_name().unwrap_or_default();
        match node::node(path, name, &metadata, &mut self.names) {
            Ok((node, missing)) => {
                for reason in missing {
                    self.shared.problem(path, reason);
                }
                if !metadata.is_dir() {
                    self.shared.files.fetch_add(1, Ordering::Relaxed);
                    self.shared
                        .bytes
                        .fetch_add(node.meta.size, Ordering::Relaxed);
                    self.shared.monitor.advance(1, 0);
                }
                Some(ReadSourceEntry {
                    path: path.to_path_buf(),
                    node,
                    open,
                })
            }
            Err(error) => {
                self.unreadable(path, "cannot be examined", &error);
                None
            }
        }
    }

    /// Opens a regular file without following a link and without waiting for anybody. `None`: it is no regular file
    /// any more.
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

    fn unreadable(&self, path: &Path, what: &str, error: &io::Error) {
        if error.kind() == io::ErrorKind::NotFound {
            self.shared.problem(path, "vanished while the backup ran");
        } else {
            self.shared
                .problem(path, format!("{what}: {}", os::reason(error)));
        }
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
                // A link on the way to the source: the engine puts a plain directory in its place.
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

/// A file that the walk opened.
pub(super) struct OpenFile {
    file: File,
    size: u64,
    path: PathBuf,
    shared: Arc<Shared>,
}

impl ReadSourceOpen for OpenFile {
    type Reader = Reader;

    fn open(self) -> RusticResult<Reader> {
        Ok(Reader {
            left: self.size,
            file: self.file,
            path: self.path,
            shared: self.shared,
            finished: self.size == 0,
        })
    }
}

/// Reads a file up to the size that it had when it was opened: what is written to it later belongs to the next
/// backup.
pub(super) struct Reader {
    file: File,
    left: u64,
    path: PathBuf,
    shared: Arc<Shared>,
    finished: bool,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            self.finished |= self.left == 0;
            return Ok(0);
        }
        let length = buffer
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        match self.file.read(&mut buffer[..length]) {
            Ok(0) => {
                self.finished = true;
                self.left = 0;
                self.shared
                    .problem(&self.path, "became shorter while it was being read");
                Ok(0)
            }
            Ok(count) => {
                self.left -= count as u64;
                self.finished = self.left == 0;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.finished = true;
                self.shared.lost.fetch_add(1, Ordering::Relaxed);
                self.shared.problem(
                    &self.path,
                    format!("cannot be read: {}", os::reason(&error)),
                );
                Err(error)
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.finished {
            self.shared.engine_gave_up.store(true, Ordering::Relaxed);
        }
    }
}

/// Walks the tree without an engine, for a dry run: afterwards the shared counts say what a backup would have found.
pub(super) fn rehearse(shared: &Arc<Shared>) -> RusticResult<()> {
    for entry in Walk::new(Arc::clone(shared)) {
        entry.map_err(|error| RusticError::with_source(ErrorKind::InputOutput, "walk", error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Silent;
    use crate::repository::monitor::Problem;

    fn shared(top: &Path) -> Arc<Shared> {
        Arc::new(Shared {
            top: top.to_path_buf(),
            exclude: Patterns::default(),
            ignore_unreadable: Patterns::new(&["may-go"]),
            container: None,
            monitor: Arc::new(Silent),
            problems: ProblemList::default(),
            ignored: AtomicU64::new(0),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            engine_gave_up: AtomicBool::new(false),
        })
    }

    /// Walks until this name comes.
    fn walk_to(walk: &mut Walk, name: &str) -> ReadSourceEntry<OpenFile> {
        walk.map(|entry| entry.unwrap())
            .find(|entry| entry.path.file_name().is_some_and(|found| found == name))
            .unwrap()
    }

    fn problems(shared: &Shared) -> Vec<(String, String)> {
        let problems = shared.problems.take().first;
        problems
            .into_iter()
            .map(|Problem { path, reason }| {
                (
                    path.rsplit('/').next().unwrap_or_default().to_owned(),
                    reason,
                )
            })
            .collect()
    }

    #[test]
    fn a_file_that_vanishes_between_the_list_and_its_turn_is_a_problem() {
        let top = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c", "may-go"] {
            fs::write(top.path().join(name), name).unwrap();
        }
        let shared = shared(top.path());
        let mut walk = Walk::new(Arc::clone(&shared));
        walk_to(&mut walk, "a");
        fs::remove_file(top.path().join("b")).unwrap();
        fs::remove_file(top.path().join("may-go")).unwrap();
        assert_eq!(walk.count(), 1);
        assert_eq!(
            problems(&shared),
            [("b".to_owned(), "vanished while the backup ran".to_owned())]
        );
        assert_eq!(
            (
                shared.ignored.load(Ordering::Relaxed),
                shared.files.load(Ordering::Relaxed)
            ),
            (1, 2)
        );
    }

    #[test]
    fn a_file_that_is_replaced_after_its_turn_is_backed_up_as_it_was() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("file");
        fs::write(&path, "before").unwrap();
        let shared = shared(top.path());
        let entry = walk_to(&mut Walk::new(Arc::clone(&shared)), "file");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "something quite different").unwrap();
        let mut content = String::new();
        entry
            .open
            .unwrap()
            .open()
            .unwrap()
            .read_to_string(&mut content)
            .unwrap();
        assert_eq!((content.as_str(), entry.node.meta.size), ("before", 6));
        assert_eq!(problems(&shared), []);
    }

    #[test]
    fn a_file_that_grows_is_cut_at_its_size_and_one_that_shrinks_is_a_problem() {
        let top = tempfile::tempdir().unwrap();
        for name in ["grows", "shrinks"] {
            fs::write(top.path().join(name), "0123456789").unwrap();
        }
        let shared = shared(top.path());
        let mut walk = Walk::new(Arc::clone(&shared));
        let (grows, shrinks) = (walk_to(&mut walk, "grows"), walk_to(&mut walk, "shrinks"));
        fs::write(top.path().join("grows"), "0123456789and more").unwrap();
        fs::write(top.path().join("shrinks"), "0123").unwrap();
        let read = |entry: ReadSourceEntry<OpenFile>| {
            let mut content = String::new();
            entry
                .open
                .unwrap()
                .open()
                .unwrap()
                .read_to_string(&mut content)
                .unwrap();
            content
        };
        assert_eq!(read(grows), "0123456789");
        assert_eq!(read(shrinks), "0123");
        let expected = (
            "shrinks".to_owned(),
            "became shorter while it was being read".to_owned(),
        );
        assert_eq!(problems(&shared), [expected]);
        assert!(!shared.engine_gave_up.load(Ordering::Relaxed));
    }

    #[test]
    fn an_engine_that_stops_in_the_middle_of_a_file_ends_the_walk() {
        let top = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            fs::write(top.path().join(name), "0123456789").unwrap();
        }
        let shared = shared(top.path());
        let mut walk = Walk::new(Arc::clone(&shared));
        let mut reader = walk_to(&mut walk, "a").open.unwrap().open().unwrap();
        reader.read_exact(&mut [0; 3]).unwrap();
        drop(reader);
        assert!(walk.next().is_none());
    }

    #[test]
    fn fifos_and_links_are_described_and_not_opened() {
        let top = tempfile::tempdir().unwrap();
        let fifo = top.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        std::os::unix::fs::symlink("nowhere", top.path().join("link")).unwrap();
        let shared = shared(top.path());
        let entries: Vec<_> = Walk::new(Arc::clone(&shared))
            .map(|entry| entry.unwrap())
            .collect();
        assert!(entries.iter().all(|entry| entry.open.is_none()));
        assert_eq!(
            (
                shared.files.load(Ordering::Relaxed),
                problems(&shared).len()
            ),
            (2, 0)
        );
    }
}
