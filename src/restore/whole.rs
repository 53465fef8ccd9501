//! Restores one entry from beginning to end: looks at what exists, compares it, keeps or replaces it.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use rustix::fs::{Advice, AtFlags, FileType, Mode, Stat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::attributes::Bearer;
use super::directories::Origin;
use super::directory;
use super::entry::Entry;
use super::hands::{Hands, piece_length};
use super::links::First;
use super::metadata;
use super::problem::{Difference, ProblemKind};
use super::readable::Readable;
use super::report::{ChangeKind, add};
use super::restorer::{Failed, Mode as RestoreMode, Outcome, Restorer};
use crate::repository::node::NodeKind;
use crate::storage::id::Id;

/// How much of a file is compared at a time.
const COMPARED_AT_ONCE: usize = 128 * 1024;

/// How what exists relates to the entry.
enum Compared {
    /// The content is the same. Files have a descriptor.
    Same(Option<Readable>),
    Differs(Difference),
}

impl Restorer<'_> {
    /// The directory of an entry.
    pub fn parent(&self, entry: &Entry) -> Result<Arc<OwnedFd>, Failed> {
        self.directories
            .open(entry.directory)
            .map_err(|error| Failed::io(ProblemKind::NotExamined, error))
    }

    /// Restores an entry, whatever exists.
    pub fn whole(&self, hands: &mut Hands, entry: &Entry) -> Result<Outcome, Failed> {
        let (origin, _) = self.directories.origin(entry.directory);
        let found = match origin {
            Origin::Lost | Origin::Unmade => return Err(Failed::WithDirectory),
            Origin::Absent => None,
            _ => self.found(entry)?,
        };
        let Some(found) = found else {
            return self.make(hands, entry, origin);
        };
        let parent = self.parent(entry)?;
        let difference = match self.compare(hands, &parent, entry, &found)? {
            Compared::Same(_) if self.mode == RestoreMode::Verify => {
                add(&self.tally.verified, 1);
                return Ok(Outcome::Identical);
            }
            Compared::Same(file) => match self.accept(&parent, entry, file, &found, origin)? {
                Some(outcome) => return Ok(outcome),
                None => Difference::Content,
            },
            Compared::Differs(difference) => difference,
        };
        if self.mode == RestoreMode::Verify {
            return Err(Failed::problem(ProblemKind::Unverified(difference)));
        }
        if !self.overwrite && !left_by_us(origin, &found, entry) {
            return Err(Failed::problem(ProblemKind::Kept(difference)));
        }
        self.change(entry.directory, &entry.name, ChangeKind::Replace);
        self.make_room(&parent, entry, &found)?;
        match self.acts() {
            true => self.put(hands, &parent, entry, true),
            false => Ok(Outcome::Written(entry.size)),
        }
    }

    fn found(&self, entry: &Entry) -> Result<Option<Stat>, Failed> {
        if !entry.exists {
            return Ok(None);
        }
        let parent = self.parent(entry)?;
        directory::status(&parent, &entry.name)
            .map_err(|error| Failed::io(ProblemKind::NotExamined, error))
    }

    /// Restores an entry where there is nothing.
    fn make(&self, hands: &mut Hands, entry: &Entry, origin: Origin) -> Result<Outcome, Failed> {
        if self.mode == RestoreMode::Verify {
            let missing = ProblemKind::Unverified(Difference::Missing);
            return Err(Failed::problem(missing));
        }
        self.change(entry.directory, &entry.name, ChangeKind::Create);
        if origin == Origin::Absent || !self.acts() {
            return Ok(Outcome::Written(entry.size));
        }
        let parent = self.parent(entry)?;
        self.put(hands, &parent, entry, false)
    }

    fn put(
        &self,
        hands: &mut Hands,
        parent: &OwnedFd,
        entry: &Entry,
        replace: bool,
    ) -> Result<Outcome, Failed> {
        match entry.kind {
            NodeKind::File => self.write(hands, parent, entry, replace),
            _ => self.special(parent, entry, replace),
        }
    }

    /// Removes a directory that is in the way. Anything else is replaced by a rename.
    fn make_room(&self, parent: &OwnedFd, entry: &Entry, found: &Stat) -> Result<(), Failed> {
        if directory::kind(found) != FileType::Directory {
            return Ok(());
        }
        self.clear_way(parent, entry.directory, &entry.name)
    }

    fn compare(
        &self,
        hands: &mut Hands,
        parent: &OwnedFd,
        entry: &Entry,
        found: &Stat,
    ) -> Result<Compared, Failed> {
        let failed = |error: io::Error| Failed::io(ProblemKind::NotExamined, error);
        let kind = directory::kind(found);
        let same = match entry.kind {
            NodeKind::File if kind == FileType::RegularFile => {
                return match self.compare_file(hands, parent, entry, found) {
                    Ok(compared) => Ok(compared),
                    // What cannot be read can be replaced.
                    Err(_) if self.overwrite => Ok(Compared::Differs(Difference::Content)),
                    Err(error) => Err(failed(error)),
                };
            }
            NodeKind::Symlink if kind == FileType::Symlink => {
                let link = rustix::fs::readlinkat(parent, &entry.name, Vec::new())
                    .map_err(|error| failed(error.into()))?;
                link.as_bytes() == entry.target
            }
            NodeKind::BlockDevice if kind == FileType::BlockDevice => found.st_rdev == entry.device,
            NodeKind::CharacterDevice if kind == FileType::CharacterDevice => {
                found.st_rdev == entry.device
            }
            NodeKind::Fifo if kind == FileType::Fifo => true,
            NodeKind::Socket if kind == FileType::Socket => true,
            _ => return Ok(Compared::Differs(Difference::Type)),
        };
        Ok(match same {
            true => Compared::Same(None),
            false => Compared::Differs(Difference::Content),
        })
    }

    /// Compares a file with its pieces. Reads only the file: the id of a piece is the hash of its content.
    fn compare_file(
        &self,
        hands: &mut Hands,
        parent: &OwnedFd,
        entry: &Entry,
        found: &Stat,
    ) -> io::Result<Compared> {
        let differs = Ok(Compared::Differs(Difference::Content));
        let mut lengths = entry
            .content
            .iter()
            .map(|id| piece_length(self.repository, *id));
        let length = lengths.try_fold(0_u64, |sum, length| sum.checked_add(length?));
        if length.is_none_or(|length| u64::try_from(found.st_size) != Ok(length)) {
            return differs;
        }
        let may_unlock = self.mode != RestoreMode::DryRun;
        let mut readable = Readable::open(parent, &entry.name, may_unlock)?;
        let file = &mut readable.file;
        if self.mode == RestoreMode::Verify {
            // Read what is on the disk, not what is still in memory. It is a request: nothing is lost if it is refused.
            let _ = rustix::fs::fadvise(&*file, 0, None, Advice::DontNeed);
        }
        hands.scratch.resize(COMPARED_AT_ONCE, 0);
        for id in &entry.content {
            let Some(mut left) = piece_length(self.repository, *id) else {
                return differs;
            };
            let mut hash = Sha256::new();
            while left > 0 {
                let most = COMPARED_AT_ONCE.min(usize::try_from(left).unwrap_or(usize::MAX));
                let part = &mut hands.scratch[..most];
                match file.read_exact(part) {
                    Ok(()) => hash.update(part),
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return differs,
                    Err(error) => return Err(error),
                }
                left -= most as u64;
            }
            if Id(hash.finalize().into()) != *id {
                return differs;
            }
        }
        match file.read(&mut [0])? {
            0 => Ok(Compared::Same(Some(readable))),
            _ => differs,
        }
    }

    /// Gives what exists and has the right content the right metadata. `None`: a new copy is needed, because a change
    /// would show under another name, too.
    fn accept(
        &self,
        parent: &OwnedFd,
        entry: &Entry,
        mut readable: Option<Readable>,
        found: &Stat,
        origin: Origin,
    ) -> Result<Option<Outcome>, Failed> {
        let is_link = entry.kind == NodeKind::Symlink;
        let wanted = &entry.metadata;
        let bearer = match &readable {
            Some(readable) => Bearer::Open(readable.file.as_fd()),
            None => Bearer::named(parent.as_fd(), &entry.name),
        };
        let difference = metadata::difference(&bearer, found, is_link, wanted, &self.owners)
            .map_err(|error| Failed::io(ProblemKind::NotExamined, error))?;
        let is_shared = found.st_nlink > 1;
        let Some(difference) = difference else {
            let own = !self.overwrite || !is_shared || entry.link.is_some() || readable.is_none();
            return Ok(own.then_some(Outcome::Identical));
        };
        if !self.overwrite && !left_by_us(origin, found, entry) {
            return Err(Failed::problem(ProblemKind::Kept(difference)));
        }
        if is_shared {
            return Ok(None);
        }
        self.change(entry.directory, &entry.name, ChangeKind::Update);
        add(&self.tally.updated, 1);
        if self.acts() {
            let missing = match &mut readable {
                Some(readable) => {
                    readable.keep_mode();
                    metadata::set(&readable.file, wanted, &self.owners, true)
                }
                None => {
                    let name = &entry.name;
                    metadata::set_unopened(parent, name, is_link, wanted, &self.owners, true)
                }
            };
            let path = || self.directories.path(entry.directory, &entry.name);
            self.note_missing(path, missing);
        }
        Ok(Some(Outcome::Identical))
    }

    /// Makes a symbolic link, a device, a FIFO or a socket.
    fn special(&self, parent: &OwnedFd, entry: &Entry, replace: bool) -> Result<Outcome, Failed> {
        let private = Mode::RUSR | Mode::WUSR;
        let temporary = directory::unfinished_name();
        let node = |kind, device| rustix::fs::mknodat(parent, &temporary, kind, private, device);
        let made = match entry.kind {
            NodeKind::Symlink => {
                let target = std::ffi::OsStr::from_bytes(&entry.target);
                rustix::fs::symlinkat(target, parent, &temporary)
            }
            NodeKind::BlockDevice => node(FileType::BlockDevice, entry.device),
            NodeKind::CharacterDevice => node(FileType::CharacterDevice, entry.device),
            NodeKind::Fifo => node(FileType::Fifo, 0),
            NodeKind::Socket => node(FileType::Socket, 0),
            NodeKind::File | NodeKind::Directory | NodeKind::Other(_) => {
                return Err(Failed::problem(ProblemKind::NotMade));
            }
        };
        made.map_err(|error| Failed::io(ProblemKind::NotMade, error))?;
        let is_link = entry.kind == NodeKind::Symlink;
        let wanted = &entry.metadata;
        let (origin, default_acl) = self.directories.origin(entry.directory);
        // As for a file: a FIFO, a device and a socket get a list from a directory that has a default one.
        let clean = default_acl || !origin.is_ours();
        let missing =
            metadata::set_unopened(parent, &temporary, is_link, wanted, &self.owners, clean);
        self.name_it(parent, entry, &temporary, replace)?;
        self.note_missing(
            || self.directories.path(entry.directory, &entry.name),
            missing,
        );
        Ok(Outcome::Written(0))
    }

    fn name_it(
        &self,
        parent: &OwnedFd,
        entry: &Entry,
        temporary: &std::ffi::OsStr,
        replace: bool,
    ) -> Result<(), Failed> {
        let failed = match directory::rename(parent, temporary, &entry.name, replace) {
            Ok(true) => return Ok(()),
            Ok(false) => Failed::problem(ProblemKind::Kept(Difference::Content)),
            Err(error) => Failed::io(ProblemKind::NotMade, error),
        };
        let _ = rustix::fs::unlinkat(parent, temporary, AtFlags::empty());
        Err(failed)
    }

    /// Restores another name of a file that was restored. Where no link can be made, it becomes a file of its own.
    pub fn link(&self, hands: &mut Hands, first: &First, entry: &Entry) -> Result<Outcome, Failed> {
        let (origin, _) = self.directories.origin(entry.directory);
        if self.mode == RestoreMode::Verify || matches!(origin, Origin::Lost | Origin::Absent) {
            return self.whole(hands, entry);
        }
        let origin_of_all = match first.exists {
            true => {
                let above = self.directories.open(first.directory);
                let above = above.map_err(|error| Failed::io(ProblemKind::NotExamined, error))?;
                match directory::status(&above, &first.name) {
                    Ok(Some(status)) => Some((above, directory::identity(&status))),
                    _ => return self.whole(hands, entry),
                }
            }
            false => None,
        };
        let found = self.found(entry)?;
        let kind = match &found {
            None => ChangeKind::Create,
            Some(found) => {
                let identity = directory::identity(found);
                if origin_of_all
                    .as_ref()
                    .is_some_and(|(_, first)| *first == identity)
                {
                    return Ok(Outcome::Identical);
                }
                if !self.overwrite && !left_by_us(origin, found, entry) {
                    // A file of its own with the same content is kept, and any other, too.
                    return self.whole(hands, entry);
                }
                ChangeKind::Replace
            }
        };
        let Some((above, _)) = origin_of_all.filter(|_| self.acts()) else {
            self.change(entry.directory, &entry.name, kind);
            return Ok(Outcome::Written(0));
        };
        let parent = self.parent(entry)?;
        let temporary = found.as_ref().map(|_| directory::unfinished_name());
        let name = temporary.as_ref().unwrap_or(&entry.name);
        match rustix::fs::linkat(&above, &first.name, &parent, name, AtFlags::empty()) {
            Ok(()) => {}
            // Too many links, another file system below the target, or a file system without links.
            Err(Errno::MLINK | Errno::XDEV | Errno::PERM | Errno::OPNOTSUPP) => {
                return self.whole(hands, entry);
            }
            Err(Errno::EXIST) => {
                return Err(Failed::problem(ProblemKind::Kept(Difference::Content)));
            }
            Err(error) => return Err(Failed::io(ProblemKind::NotMade, error)),
        }
        self.change(entry.directory, &entry.name, kind);
        if let (Some(found), Some(temporary)) = (&found, &temporary) {
            if let Err(failed) = self.make_room(&parent, entry, found) {
                let _ = rustix::fs::unlinkat(&parent, temporary, AtFlags::empty());
                return Err(failed);
            }
            self.name_it(&parent, entry, temporary, true)?;
        }
        Ok(Outcome::Written(0))
    }
}

/// Whether a restore that was killed left it: the content or the metadata may be wrong.
fn left_by_us(origin: Origin, found: &Stat, entry: &Entry) -> bool {
    origin == Origin::Unfinished && directory::is_unfinished_file(found, entry.metadata.uid)
}
