//! Opens a file that a job names for writing, so that no other user can choose which file it is.
//!
//! Whoever may write to a directory on the way can put a link or a file of their own there. So every directory is opened
//! without following links, and its owner and mode are checked on the open descriptor.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

use crate::intake::trust::{Trust, shell_quoted};
use crate::job::diagnostic::quoted;

/// The most links on the way, as in the kernel.
const LINKS: usize = 40;

/// How often a file is opened again that others create and remove at the same moments.
const TRIES: u32 = 100;

/// The one directory that a group of the system may write to: Ubuntu's log service creates its files there.
const SYSTEM_LOGS: (&str, &str) = ("/var/log", "syslog");

/// Why a file is not opened for writing.
#[derive(Debug)]
pub struct UnsafePath {
    /// The component at fault.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: PathFault,
}

/// What is wrong with a component of a path.
#[derive(Debug, PartialEq, Eq)]
pub enum PathFault {
    /// A directory belongs to this user, who is not trusted.
    DirectoryOwner(u32),
    /// Others may write to a directory with this mode, which has no sticky bit.
    DirectoryMode(u32),
    /// A symbolic link belongs to this user, who is not trusted.
    LinkOwner(u32),
    /// The last component is a symbolic link.
    Link,
    /// More symbolic links than the kernel would follow.
    Links,
    /// The file is in a directory of many users, and belongs to this one, who is not trusted.
    FileOwner(u32),
    /// The file is in a directory of many users, and has more than one name.
    HardLink,
    /// The last component is not a regular file.
    NotAFile,
    /// The system refuses.
    System(Errno),
}

impl std::error::Error for UnsafePath {}

impl fmt::Display for UnsafePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = quoted(&self.path.to_string_lossy());
        match self.fault {
            PathFault::DirectoryOwner(owner) => write!(
                out,
                "the directory {path} belongs to user {owner}, who could put a link there; choose a file in a directory of \
                 your own, or name the user in `trusted_owners`"
            ),
            PathFault::DirectoryMode(mode) => write!(
                out,
                "others may write to the directory {path} (mode {mode:04o}) and could put a link there; `chmod go-w {}`, or \
                 choose a file in another directory",
                shell_quoted(&self.path)
            ),
            PathFault::LinkOwner(owner) => write!(
                out,
                "{path} is a symbolic link of user {owner}, who is not a trusted user; name the file itself"
            ),
            PathFault::Link => write!(
                out,
                "{path} is a symbolic link, and links are not followed here; name the file that it points to"
            ),
            PathFault::Links => write!(out, "{path} leads through too many symbolic links"),
            PathFault::FileOwner(owner) => write!(
                out,
                "{path} belongs to user {owner}, who is not a trusted user, and everybody can put files into this directory; \
                 remove the file, or choose a file in another directory"
            ),
            PathFault::HardLink => write!(
                out,
                "{path} has a second name (a hard link), and others can put files into this directory; remove it, or choose \
                 a file in another directory"
            ),
            PathFault::NotAFile => write!(out, "{path} is not a regular file"),
            PathFault::System(error) => {
                write!(
                    out,
                    "{path}: {}",
                    crate::os::reason(&std::io::Error::from(error))
                )
            }
        }
    }
}

/// Opens a file to append to it, or creates it for its owner alone.
///
/// # Errors
/// When a user who is not trusted could have chosen which file this is, or when the system refuses.
pub fn open_to_append(path: &Path, trust: &Trust) -> Result<File, UnsafePath> {
    let place = Place::find(path, trust)?;
    place.check_file(trust)?;
    let file = place.open().map_err(|error| match error {
        Errno::LOOP => place.fault(PathFault::Link),
        error => place.fault(PathFault::System(error)),
    })?;
    // Another file may have the name since the first look.
    let stat = fstat(&file).map_err(|error| place.fault(PathFault::System(error)))?;
    place.check_stat(&stat, trust)?;
    Ok(file.into())
}

/// What [`open_to_append`] would refuse. Changes nothing. That the file or a directory does not exist is no fault.
pub fn fault_of(path: &Path, trust: &Trust) -> Option<UnsafePath> {
    Place::find(path, trust)
        .and_then(|place| place.check_file(trust))
        .err()
        .filter(|refused| refused.fault != PathFault::System(Errno::NOENT))
}

/// The directory of a file, found without help of untrusted users.
struct Place {
    directory: OwnedFd,
    name: OsString,
    path: PathBuf,
    /// Others can create files in the directory.
    shared: bool,
}

impl Place {
    fn find(path: &Path, trust: &Trust) -> Result<Place, UnsafePath> {
        let refuse = |path: &Path, fault| UnsafePath {
            path: path.to_owned(),
            fault,
        };
        let Some(name) = path.file_name() else {
            return Err(refuse(path, PathFault::NotAFile));
        };
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = || {
            rustix::fs::open("/", flags, Mode::empty())
                .map_err(|error| refuse(Path::new("/"), PathFault::System(error)))
        };
        let mut directory = root()?;
        let mut walked = PathBuf::from("/");
        let mut shared = judge(&directory, &walked, trust)?;
        let mut pending: VecDeque<OsString> = names(path.parent().unwrap_or(path));
        let mut links = 0;
        while let Some(next) = pending.pop_front() {
            let here = walked.join(&next);
            let system = |error| refuse(&here, PathFault::System(error));
            let entry = openat(&directory, &next, flags, Mode::empty()).map_err(system)?;
            let stat = fstat(&entry).map_err(system)?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
                links += 1;
                if links > LINKS {
                    return Err(refuse(&here, PathFault::Links));
                }
                if !trust.trusts(stat.st_uid) {
                    return Err(refuse(&here, PathFault::LinkOwner(stat.st_uid)));
                }
                let target = readlinkat(&entry, "", Vec::new()).map_err(system)?;
                let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                if target.is_absolute() {
                    directory = root()?;
                    walked = PathBuf::from("/");
                }
                for name in names(&target).into_iter().rev() {
                    pending.push_front(name);
                }
                continue;
            }
            shared = judge(&entry, &here, trust)?;
            directory = entry;
            if next == ".." {
                walked.pop();
            } else {
                walked = here;
            }
        }
        Ok(Place {
            directory,
            name: name.to_owned(),
            path: walked.join(name),
            shared,
        })
    }

    fn fault(&self, fault: PathFault) -> UnsafePath {
        UnsafePath {
            path: self.path.clone(),
            fault,
        }
    }

    /// Opens the file, or creates it. It can be read, too, if its mode permits that.
    fn open(&self) -> Result<OwnedFd, Errno> {
        let flags =
            OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let open = |more| openat(&self.directory, &self.name, flags | more, mode);
        let mut tries = 0;
        loop {
            // With CREATE, the kernel refuses a file of another user in a directory of many, even that of a trusted user
            // (fs.protected_regular).
            let opened = match open(OFlags::RDWR) {
                Err(Errno::ACCESS) => open(OFlags::WRONLY),
                Err(Errno::NOENT) => open(OFlags::RDWR | OFlags::CREATE | OFlags::EXCL),
                opened => opened,
            };
            tries += 1;
            // Somebody else created it at the same moment.
            if opened.as_ref().err() != Some(&Errno::EXIST) || tries == TRIES {
                return opened;
            }
        }
    }

    /// Checks the file, if there is one. To open a device may have an effect, so this comes first.
    fn check_file(&self, trust: &Trust) -> Result<(), UnsafePath> {
        match statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => self.check_stat(&stat, trust),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.fault(PathFault::System(error))),
        }
    }

    fn check_stat(&self, stat: &Stat, trust: &Trust) -> Result<(), UnsafePath> {
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Symlink {
            return Err(self.fault(PathFault::Link));
        }
        if kind != FileType::RegularFile {
            return Err(self.fault(PathFault::NotAFile));
        }
        if self.shared && !trust.trusts(stat.st_uid) {
            return Err(self.fault(PathFault::FileOwner(stat.st_uid)));
        }
        if self.shared && stat.st_nlink > 1 {
            return Err(self.fault(PathFault::HardLink));
        }
        Ok(())
    }
}

/// The names in a path, in order. `..` is one of them: after a link it is not where the text says.
fn names(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsStr::from_bytes(b"..").to_owned()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// Checks a directory on the way. True if others can create files in it, but cannot rename or remove those of other users.
fn judge(directory: &OwnedFd, path: &Path, trust: &Trust) -> Result<bool, UnsafePath> {
    let refuse = |fault| UnsafePath {
        path: path.to_owned(),
        fault,
    };
    let stat = fstat(directory).map_err(|error| refuse(PathFault::System(error)))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(refuse(PathFault::System(Errno::NOTDIR)));
    }
    if !trust.trusts(stat.st_uid) {
        return Err(refuse(PathFault::DirectoryOwner(stat.st_uid)));
    }
    let mode = stat.st_mode & 0o7777;
    let others_write = mode & 0o002 != 0;
    let group_writes = mode & 0o020 != 0 && trust.own_group != Some(stat.st_gid);
    if !others_write && !group_writes {
        return Ok(false);
    }
    let sticky = mode & 0o1000 != 0;
    let system_logs = || {
        !others_write
            && path == Path::new(SYSTEM_LOGS.0)
            && crate::os::group_name(stat.st_gid).as_deref() == Some(SYSTEM_LOGS.1)
    };
    if sticky || system_logs() {
        return Ok(true);
    }
    Err(refuse(PathFault::DirectoryMode(mode)))
}

#[cfg(test)]
mod tests;
