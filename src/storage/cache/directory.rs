//! The files of one repository in the cache: `index/ID`, `snapshots/ID`, `data/ID`, `keys/ID`, and `place`, which says
//! where the repository is.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::room::{PLACE, Room, TEMPORARY, repositories};
use super::{CacheFault, CachePlace, CacheStep, lock};
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Listed};

/// A file that was used tells so by its time, which is not set anew more often.
const USED_AGAIN: Duration = Duration::from_secs(60 * 60);

/// A key file has less than a kilobyte.
const LARGEST_KEY: u64 = 1 << 20;

/// No location is longer, in bytes.
const LONGEST_PLACE: u64 = 64 * 1024;

/// The cache of one repository.
pub(super) struct Directory {
    path: PathBuf,
    /// The location of the repository, for people.
    location: String,
    room: Room,
    /// The files whose content this process has compared with their names.
    verified: Mutex<HashMap<FileName, Stamp>>,
    /// Snapshots of which the server has another size.
    differ: Mutex<HashSet<Id>>,
    /// Nothing more can be written.
    full: AtomicBool,
}

/// Changes whenever the content of a file does.
type Stamp = (u64, u64, u64, i64, i64);

fn stamp(about: &fs::Metadata) -> Stamp {
    let (device, inode, size) = (about.dev(), about.ino(), about.len());
    (device, inode, size, about.ctime(), about.ctime_nsec())
}

impl Directory {
    /// Makes the directories that are missing.
    pub(super) fn open(
        place: &CachePlace,
        repository: Id,
        location: &str,
    ) -> Result<Directory, CacheFault> {
        make(&place.directory)?;
        refuse_foreign(&place.directory)?;
        let path = place.directory.join(repository.to_string());
        make(&path)?;
        refuse_foreign(&path)?;
        let directory = Directory::of(path, place, location);
        directory.note_use();
        Ok(directory)
    }

    fn of(path: PathBuf, place: &CachePlace, location: &str) -> Directory {
        Directory {
            path,
            location: location.to_owned(),
            room: Room::new(place.clone()),
            verified: Mutex::default(),
            differ: Mutex::default(),
            full: AtomicBool::new(false),
        }
    }

    /// The directory of the repository that was at this location when one was used there last.
    pub(super) fn at_location(place: &CachePlace, location: &str) -> Option<Directory> {
        refuse_foreign(&place.directory).ok()?;
        let used = |path: &PathBuf| {
            let note = path.join(PLACE);
            let known = read_place(&note).is_some_and(|text| text == location);
            known.then(|| fs::metadata(&note).ok()?.modified().ok())?
        };
        let found = repositories(&place.directory).into_iter();
        let found = found.filter_map(|path| Some((used(&path)?, path)));
        let (_, path) = found.max()?;
        refuse_foreign(&path).ok()?;
        Some(Directory::of(path, place, location))
    }

    /// The name and the content of the key that is kept.
    pub(super) fn key(&self) -> Option<(Id, Vec<u8>)> {
        let mut ids = self.ids(FileKind::Key).into_iter();
        ids.find_map(|id| {
            Some((
                id,
                self.read(FileName::new(FileKind::Key, id), LARGEST_KEY)?,
            ))
        })
    }

    fn path(&self, file: FileName) -> Option<PathBuf> {
        let kind = file.kind.directory()?;
        Some(self.path.join(kind).join(file.id.to_string()))
    }

    /// What is not known stays unknown: it is for people only.
    fn note_use(&self) {
        let path = self.path.join(PLACE);
        let known = read_place(&path).is_some_and(|text| text == self.location);
        if !known {
            let _ = write(&path, format!("{}\n", self.location).as_bytes());
        } else if let Some(opened) = open(&path) {
            let _ = opened.set_modified(SystemTime::now());
        }
    }

    /// A file whose content is what its name says. One that is not is removed.
    fn verified(&self, file: FileName) -> Option<File> {
        let path = self.path(file)?;
        let mut opened = open(&path)?;
        let about = opened.metadata().ok()?;
        if lock(&self.verified).get(&file) == Some(&stamp(&about)) {
            return Some(opened);
        }
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 128 << 10];
        loop {
            match opened.read(&mut buffer).ok()? {
                0 => break,
                count => hash.update(&buffer[..count]),
            }
        }
        if Id(hash.finalize().into()) != file.id {
            let _ = fs::remove_file(&path);
            return None;
        }
        self.note_verified(file, &opened);
        Some(opened)
    }

    fn note_verified(&self, file: FileName, opened: &File) {
        let Ok(about) = opened.metadata() else {
            return;
        };
        let is_old = about
            .modified()
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > USED_AGAIN));
        let about = match is_old && opened.set_modified(SystemTime::now()).is_ok() {
            true => opened.metadata().ok(),
            false => Some(about),
        };
        if let Some(about) = about {
            lock(&self.verified).insert(file, stamp(&about));
        }
    }

    /// Whether the file is there and has the right content.
    pub(super) fn has(&self, file: FileName) -> bool {
        self.verified(file).is_some()
    }

    /// The length of a file that is there.
    pub(super) fn size(&self, file: FileName) -> Option<u64> {
        self.verified(file)?
            .metadata()
            .ok()
            .map(|about| about.len())
    }

    /// The whole file; `None` if it is not there, or larger than `limit` bytes.
    pub(super) fn read(&self, file: FileName, limit: u64) -> Option<Vec<u8>> {
        if file.kind == FileKind::Snapshot && lock(&self.differ).contains(&file.id) {
            return None;
        }
        let path = self.path(file)?;
        let opened = open(&path)?;
        let size = opened.metadata().ok()?.len();
        if size > limit {
            return None;
        }
        let mut content = Vec::new();
        (&opened).take(size).read_to_end(&mut content).ok()?;
        if Id::of(&content) != file.id {
            let _ = fs::remove_file(&path);
            return None;
        }
        self.note_verified(file, &opened);
        Some(content)
    }

    /// Fills the buffer from a file; false if it is not there, or too short.
    pub(super) fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> bool {
        self.verified(file)
            .is_some_and(|opened| opened.read_exact_at(buffer, offset).is_ok())
    }

    /// Whether the last file could be written.
    pub(super) fn takes_more(&self) -> bool {
        !self.full.load(Ordering::Relaxed)
    }

    /// Writes a file, and removes others if there is no room. Does nothing after a failure, and with a file that has no
    /// room at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn store(&self, file: FileName, content: &[u8]) -> Result<(), CacheFault> {
        let Some(path) = self.path(file).filter(|_| self.takes_more()) else {
            return Ok(());
        };
        if !self.room.make_for(content.len() as u64) {
            // A smaller one may fit.
            return Ok(());
        }
        let written = match write(&path, content) {
            // The first one, or somebody has cleared the cache.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                if let Some(parent) = path.parent() {
                    make(parent)?;
                }
                self.note_use();
                write(&path, content)
            }
            written => written,
        };
        written.map_err(|cause| {
            self.full.store(true, Ordering::Relaxed);
            CacheFault {
                step: CacheStep::Write,
                path,
                cause: Some(cause),
            }
        })
    }

    /// Removes a file, if it is there.
    pub(super) fn forget(&self, file: FileName) {
        if let Some(path) = self.path(file) {
            let _ = fs::remove_file(path);
        }
    }

    /// Removes the files that the server does not have any more, and those of which it has another size: who reads one of
    /// them shall see the damage. A snapshot of another size is not read here either, but stays: nothing else on this host
    /// knows that it should be there.
    pub(super) fn keep_listed(&self, kind: FileKind, listed: &[Listed]) {
        let there = self.list(kind);
        if there.is_empty() {
            return;
        }
        let sizes: HashMap<Id, u64> = listed.iter().map(|file| (file.id, file.size)).collect();
        for kept in there {
            let size = sizes.get(&kept.id);
            if kind == FileKind::Snapshot && size.is_some() {
                let mut differ = lock(&self.differ);
                match size == Some(&kept.size) {
                    true => differ.remove(&kept.id),
                    false => differ.insert(kept.id),
                };
            } else if size != Some(&kept.size) {
                self.forget(FileName::new(kind, kept.id));
            }
        }
    }

    /// The files of a kind that are there, whatever their content is.
    pub(super) fn list(&self, kind: FileKind) -> Vec<Listed> {
        let listed = |id| {
            let about = fs::metadata(self.path(FileName::new(kind, id))?).ok()?;
            Some(Listed {
                id,
                size: about.len(),
                modified: None,
            })
        };
        self.ids(kind).into_iter().filter_map(listed).collect()
    }

    /// Removes all files of a kind but one.
    pub(super) fn keep_only(&self, file: FileName) {
        for id in self.ids(file.kind).into_iter().filter(|id| *id != file.id) {
            self.forget(FileName::new(file.kind, id));
        }
    }

    /// The files of a kind.
    fn ids(&self, kind: FileKind) -> Vec<Id> {
        let directory = kind.directory().map(|name| self.path.join(name));
        let entries = directory.into_iter().flat_map(fs::read_dir).flatten();
        entries
            .flatten()
            .filter_map(|entry| Id::parse_bytes(entry.file_name().as_encoded_bytes()).ok())
            .collect()
    }
}

/// Makes a directory and those above it, for their owner alone.
fn make(path: &Path) -> Result<(), CacheFault> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|cause| CacheFault {
        step: CacheStep::Create,
        path: path.to_owned(),
        cause: Some(cause),
    })
}

/// What others can change is not used, although it would be found out: they could fill the disk or make a link of it.
fn refuse_foreign(path: &Path) -> Result<(), CacheFault> {
    let failed = |step, cause| CacheFault {
        step,
        path: path.to_owned(),
        cause,
    };
    let about = fs::symlink_metadata(path).map_err(|cause| failed(CacheStep::Read, Some(cause)))?;
    let is_own = about.uid() == rustix::process::geteuid().as_raw();
    match about.is_dir() && is_own && about.mode() & 0o022 == 0 {
        true => Ok(()),
        false => Err(failed(CacheStep::Trust, None)),
    }
}

/// The location in a file [`PLACE`]; `None` if it is not a regular file.
pub(super) fn read_place(path: &Path) -> Option<String> {
    let mut text = String::new();
    let mut opened = open(path)?.take(LONGEST_PLACE);
    opened.read_to_string(&mut text).ok()?;
    Some(text.trim_end().to_owned())
}

/// A regular file.
fn open(path: &Path) -> Option<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let opened = opened.ok()?;
    opened.metadata().ok()?.is_file().then_some(opened)
}

/// Writes a file under another name and renames it. It is not synced: after a loss of power its content may be wrong, and
/// then it is not used.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut temporary = path.as_os_str().to_owned();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    temporary.push(format!("{TEMPORARY}{}-{count}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&temporary)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
