//! The target of a restore: opens and makes it, and refuses one that must not be written or deleted.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};

use super::directories::Origin;
use super::directory::{self, Identity, UNFINISHED_DIRECTORY};
use super::error::{Doing, Error, ErrorKind, NoDelete};
use super::metadata;

/// The target, opened.
pub struct Target {
    pub descriptor: OwnedFd,
    pub identity: Identity,
    pub origin: Origin,
    /// The mode that it had, if it was changed to let the restore in.
    pub mode_before: Option<u32>,
}

impl Target {
    /// Puts the mode back, if it was changed.
    pub fn lock_again(&self) {
        if let Some(mode) = self.mode_before {
            let _ = metadata::set_mode(&self.descriptor, mode);
        }
    }
}

/// The devices and inodes of those of the paths that exist.
pub fn identities(paths: &[PathBuf]) -> Vec<Identity> {
    paths.iter().filter_map(|path| identity_of(path)).collect()
}

fn identity_of(path: &Path) -> Option<Identity> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Refuses a target that is a protected directory or lies in one. The target may be a link, or may not exist yet, so
/// the directories that it is in are compared by device and inode.
///
/// # Errors
/// `Protected`.
pub fn refuse_protected(target: &Path, protected: &[Identity]) -> Result<(), Error> {
    let existing = target.ancestors().find_map(|path| {
        // The parent of a relative path of one name is empty.
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        path.canonicalize().ok()
    });
    let is_protected = |path: &Path| identity_of(path).is_some_and(|id| protected.contains(&id));
    match existing.is_some_and(|path| path.ancestors().any(is_protected)) {
        true => Err(Error::new(ErrorKind::Protected, Doing::OpenTarget, target)),
        false => Ok(()),
    }
}

/// Refuses a target in which nothing may be deleted.
///
/// # Errors
/// `Delete` with the reason.
pub fn refuse_delete(target: &Path, protected: &[PathBuf]) -> Result<(), Error> {
    let refused = |reason| Error::new(ErrorKind::Delete(reason), Doing::Delete, target);
    let (Some(identity), Ok(real)) = (identity_of(target), target.canonicalize()) else {
        // It does not exist, so there is nothing to delete.
        return Ok(());
    };
    if Some(identity) == identity_of(Path::new("/")) {
        return Err(refused(NoDelete::Root));
    }
    let is_target = |path: &Path| identity_of(path) == Some(identity);
    let holds = |path: &PathBuf| {
        path.canonicalize()
            .is_ok_and(|path| path.ancestors().any(is_target))
    };
    if protected.iter().any(holds) {
        return Err(refused(NoDelete::HoldsProtected));
    }
    // Without the list of mounts, each directory that is removed is still asked whether it is one.
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    if mount_points(&mounts).any(|mount| mount != real && mount.starts_with(&real)) {
        return Err(refused(NoDelete::HoldsMountPoint));
    }
    Ok(())
}

/// The mount points in the text of `/proc/self/mountinfo`: the fifth field, with blanks as octal numbers.
fn mount_points(text: &[u8]) -> impl Iterator<Item = PathBuf> + '_ {
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter_map(|line| {
        let field = line.split(|byte| *byte == b' ').nth(4)?;
        let mut path = Vec::with_capacity(field.len());
        let mut rest = field;
        while let Some((first, after)) = rest.split_first() {
            let octal = after.get(..3).filter(|_| *first == b'\\');
            let number = octal
                .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
            match number {
                Some(byte) => {
                    path.push(byte);
                    rest = &after[3..];
                }
                None => {
                    path.push(*first);
                    rest = after;
                }
            }
        }
        Some(PathBuf::from(std::ffi::OsString::from_vec(path)))
    })
}

/// Opens the target. It may be a link: whoever names one means what it points to. `None`: it does not exist. With
/// `may_unlock`, a target of this user gets a mode that lets the user in.
///
/// # Errors
/// When it is not a directory, or cannot be opened.
pub fn open(target: &Path, may_unlock: bool) -> Result<Option<Target>, Error> {
    let failed = |error| Error::io(Doing::OpenTarget, target, error);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut mode_before = None;
    let descriptor = match rustix::fs::open(target, flags, Mode::empty()) {
        Ok(descriptor) => descriptor,
        Err(rustix::io::Errno::ACCESS) if may_unlock => {
            let (descriptor, mode) =
                open_own(target).map_err(|error| Error::io(Doing::OpenTarget, target, error))?;
            mode_before = Some(mode);
            descriptor
        }
        Err(rustix::io::Errno::NOENT) if fs::symlink_metadata(target).is_err() => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut found = rustix::fs::fstat(&descriptor).map_err(failed)?;
    match mode_before {
        Some(mode) => found.st_mode = found.st_mode & !0o7777 | mode,
        None if may_unlock => mode_before = directory::unlock(&descriptor, &found, 0o700),
        None => {}
    }
    let origin = match directory::is_unfinished_directory(&found, None) {
        true => Origin::Unfinished,
        false => Origin::Existed,
    };
    Ok(Some(Target {
        identity: directory::identity(&found),
        descriptor,
        origin,
        mode_before,
    }))
}

/// Opens a target of this user whose mode keeps the user out. Returns the mode that it had, too.
fn open_own(target: &Path) -> io::Result<(OwnedFd, u32)> {
    let real = target.canonicalize()?;
    let (Some(above), Some(name)) = (real.parent(), real.file_name()) else {
        return Err(io::ErrorKind::PermissionDenied.into());
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let above = rustix::fs::open(above, flags, Mode::empty())?;
    directory::open_own(above, name, FileType::Directory, 0o700)
}

/// Makes the target, and the directories that it is in.
///
/// # Errors
/// When it cannot be made.
pub fn create(target: &Path) -> Result<Target, Error> {
    let failed = |error| Error::io(Doing::CreateTarget, target, error);
    if let Some(above) = target.parent().filter(|path| !path.as_os_str().is_empty()) {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o755);
        builder.create(above).map_err(failed)?;
    }
    let made = match DirBuilder::new().mode(UNFINISHED_DIRECTORY).create(target) {
        Ok(()) => true,
        // With `..` behind a directory that did not exist before, the target may exist now.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(failed(error)),
    };
    let opened = open(target, true)?.ok_or_else(|| {
        let gone = rustix::io::Errno::NOENT;
        Error::io(Doing::OpenTarget, target, gone)
    })?;
    Ok(Target {
        origin: if made { Origin::Made } else { opened.origin },
        ..opened
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_with_their_blanks() {
        let text = b"36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw\n\
                     37 35 98:0 / /a\\134b rw - ext3 x rw\nshort line\n";
        let found: Vec<PathBuf> = mount_points(text).collect();
        assert_eq!(found, [PathBuf::from("/mnt 2"), PathBuf::from("/a\\b")]);
    }

    #[test]
    fn nothing_is_deleted_in_the_root_directory_or_around_what_is_protected() {
        let kind = |target: &Path, protected: &[PathBuf]| {
            refuse_delete(target, protected).map_err(|error| error.kind)
        };
        let root = Err(ErrorKind::Delete(NoDelete::Root));
        assert_eq!(kind(Path::new("/"), &[]), root);
        assert_eq!(kind(Path::new("/usr/.."), &[]), root);
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("a/container")).unwrap();
        let protected = [top.path().join("a/container")];
        let holds = Err(ErrorKind::Delete(NoDelete::HoldsProtected));
        assert_eq!(kind(top.path(), &protected), holds);
        assert_eq!(kind(&top.path().join("a"), &protected), holds);
        assert_eq!(kind(&top.path().join("b"), &protected), Ok(()));
        let inside = top.path().join("a/container/x/y");
        let identities = identities(&protected);
        let refused = refuse_protected(&inside, &identities).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Protected);
        assert!(refuse_protected(&top.path().join("a/x"), &identities).is_ok());
    }
}
