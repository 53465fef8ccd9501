//! Makes the directories of the snapshot, and opens those that exist.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{FileType, Mode, Stat};
use rustix::io::Errno;

use super::attributes;
use super::directories::{DirectoryId, Origin};
use super::directory::{self, UNFINISHED_DIRECTORY};
use super::metadata;
use super::problem::{Difference, ProblemKind};
use super::report::ChangeKind;
use super::restorer::{Failed, Mode as RestoreMode, Restorer};
use crate::kill_point::{self, Point};

/// A directory that exists now.
struct Entered {
    descriptor: OwnedFd,
    found: Stat,
    origin: Origin,
}

impl Restorer<'_> {
    /// Makes or opens a directory, after those above it. What cannot be made is lost, and is a problem.
    pub fn ensure(&self, id: DirectoryId) -> Origin {
        for unmade in self.directories.unmade(id) {
            if let Err(failed) = self.make_directory(unmade) {
                self.directories.set(unmade, Origin::Lost, false, None);
                let path = || self.directories.path(unmade, OsStr::new(""));
                match failed {
                    Failed::Problem(kind, cause) => self.problem(path(), kind, cause),
                    Failed::Fatal(error) => self.fail(&path(), error),
                    Failed::WithDirectory => {}
                }
            }
        }
        self.directories.origin(id).0
    }

    fn make_directory(&self, id: DirectoryId) -> Result<(), Failed> {
        let (Some(above), name) = self.directories.place(id) else {
            return Ok(());
        };
        let (above_origin, above_acl) = self.directories.origin(above);
        match above_origin {
            Origin::Lost | Origin::Unmade => return Err(Failed::WithDirectory),
            Origin::Absent => return self.absent(id, above, &name),
            Origin::Made | Origin::Unfinished | Origin::Existed => {}
        }
        let parent = self
            .directories
            .open(above)
            .map_err(|error| Failed::io(ProblemKind::NotExamined, error))?;
        // In a new directory there is most likely nothing.
        if above_origin == Origin::Made
            && self.acts()
            && let Some(entered) = self.make_new(&parent, &name)?
        {
            self.change(above, &name, ChangeKind::Create);
            self.entered(id, entered, above_acl);
            return Ok(());
        }
        let found = directory::status(&parent, &name)
            .map_err(|error| Failed::io(ProblemKind::NotExamined, error))?;
        match found {
            Some(found) if directory::kind(&found) == FileType::Directory => {
                return self.enter_existing(id, above, &parent, &name);
            }
            Some(_) if self.mode == RestoreMode::Verify => {
                let kind = ProblemKind::Unverified(Difference::Type);
                return Err(Failed::problem(kind));
            }
            Some(_) if !self.overwrite => {
                return Err(Failed::problem(ProblemKind::Kept(Difference::Type)));
            }
            Some(_) => {
                self.change(above, &name, ChangeKind::Replace);
                self.clear_way(&parent, above, &name)?;
                if !self.acts() {
                    self.directories.set(id, Origin::Absent, false, None);
                    return Ok(());
                }
            }
            None if !self.acts() => return self.absent(id, above, &name),
            None => self.change(above, &name, ChangeKind::Create),
        }
        match self.make_new(&parent, &name)? {
            Some(entered) => {
                self.entered(id, entered, above_acl);
                Ok(())
            }
            // Another process made it just now.
            None => self.enter_existing(id, above, &parent, &name),
        }
    }

    fn absent(&self, id: DirectoryId, above: DirectoryId, name: &OsStr) -> Result<(), Failed> {
        if self.mode == RestoreMode::Verify {
            let kind = ProblemKind::Unverified(Difference::Missing);
            return Err(Failed::problem(kind));
        }
        self.change(above, name, ChangeKind::Create);
        self.directories.set(id, Origin::Absent, false, None);
        Ok(())
    }

    /// `None`: there is something of that name.
    fn make_new(&self, parent: &OwnedFd, name: &OsStr) -> Result<Option<Entered>, Failed> {
        let failed = |error| Failed::io(ProblemKind::NotMade, error);
        match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(UNFINISHED_DIRECTORY)) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(None),
            Err(error) => return Err(failed(error.into())),
        }
        kill_point::reached(Point::EntryMade);
        let descriptor = directory::open(parent, name).map_err(failed)?;
        let found = rustix::fs::fstat(&descriptor).map_err(|error| failed(error.into()))?;
        Ok(Some(Entered {
            descriptor,
            found,
            origin: Origin::Made,
        }))
    }

    fn enter_existing(
        &self,
        id: DirectoryId,
        above: DirectoryId,
        parent: &OwnedFd,
        name: &OsStr,
    ) -> Result<(), Failed> {
        let failed = |error| Failed::io(ProblemKind::NotExamined, error);
        let (descriptor, mode_before) = self.open_existing(parent, name).map_err(failed)?;
        let mut found = rustix::fs::fstat(&descriptor).map_err(|error| failed(error.into()))?;
        if let Some(mode) = mode_before {
            found.st_mode = found.st_mode & !0o7777 | mode;
        }
        if self.protected.contains(&directory::identity(&found)) {
            if let Some(mode) = mode_before {
                let _ = metadata::set_mode(&descriptor, mode);
            }
            return Err(Failed::problem(ProblemKind::Protected));
        }
        if let Some(mode) = mode_before {
            self.directories.unlocked(id, mode);
        }
        let owner = self
            .directories
            .with_metadata(id, |wanted| Some(wanted.uid));
        let origin = match directory::is_unfinished_directory(&found, owner) {
            true => Origin::Unfinished,
            false => Origin::Existed,
        };
        let compared = match self.mode {
            RestoreMode::Verify => None,
            _ if origin == Origin::Unfinished => None,
            _ => self.directories.with_metadata(id, |wanted| {
                let difference =
                    metadata::directory_difference(&descriptor, &found, wanted, &self.owners);
                difference.transpose()
            }),
        };
        let path = || self.directories.path(above, name);
        match compared {
            None => {}
            Some(Ok(_)) if self.overwrite => self.change(above, name, ChangeKind::Update),
            Some(Ok(difference)) => self.problem(path(), ProblemKind::Kept(difference), None),
            // Setting them says what is wrong.
            Some(Err(_)) if self.overwrite => {}
            Some(Err(error)) => self.problem(path(), ProblemKind::NotExamined, Some(error.into())),
        }
        if origin == Origin::Existed && !self.overwrite {
            self.directories.drop_metadata(id);
        }
        let default_acl = attributes::has_default_acl(&descriptor);
        let entered = Entered {
            descriptor,
            found,
            origin,
        };
        self.entered(id, entered, default_acl);
        Ok(())
    }

    /// Opens a directory. Where this user has no access to a directory of the user's own, the user gets it, as a first
    /// restore may have set its mode. Returns the mode that it had then.
    fn open_existing(&self, parent: &OwnedFd, name: &OsStr) -> io::Result<(OwnedFd, Option<u32>)> {
        let bits = match self.mode {
            RestoreMode::DryRun => return Ok((directory::open(parent, name)?, None)),
            RestoreMode::Restore => 0o700,
            RestoreMode::Verify => 0o500,
        };
        match directory::open(parent, name) {
            Ok(descriptor) => {
                let found = rustix::fs::fstat(&descriptor)?;
                let is_protected = self.protected.contains(&directory::identity(&found));
                let mode = match is_protected {
                    true => None,
                    false => directory::unlock(&descriptor, &found, bits),
                };
                Ok((descriptor, mode))
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let kind = FileType::Directory;
                let (descriptor, mode) = directory::open_own(parent, name, kind, bits)?;
                Ok((descriptor, Some(mode)))
            }
            Err(error) => Err(error),
        }
    }

    fn entered(&self, id: DirectoryId, entered: Entered, default_acl: bool) {
        let identity = directory::identity(&entered.found);
        let opened = Some((Arc::new(entered.descriptor), identity));
        self.directories
            .set(id, entered.origin, default_acl, opened);
    }
}
