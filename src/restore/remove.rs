//! Removes an entry with all that is in it: follows no link, leaves no file system, and spares what is protected.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, StatxAttributes, StatxFlags};

use super::directory::{self, Identity};
use super::problem::Stays;

/// Whether an entry stays: its path below the target, and whether it is a directory. A directory in which something
/// stays, stays too.
pub type Keep<'a> = dyn Fn(&Path, bool) -> bool + Sync + 'a;

/// What is spared.
pub struct Guard<'a> {
    /// Directories that are never removed or changed.
    pub protected: &'a [Identity],
    pub keep: Option<&'a Keep<'a>>,
    /// A directory with something in it.
    pub not_empty: bool,
}

/// Why something was not removed.
#[derive(Debug)]
pub struct NotRemoved {
    pub stays: Stays,
    pub cause: Option<io::Error>,
}

/// What was removed, or would be.
#[derive(Debug, Default)]
pub struct Removed {
    pub entries: u64,
    /// The paths of these entries below the target, without what was in them. What was in a directory that stayed is
    /// named by itself.
    pub gone: Vec<PathBuf>,
    /// As `gone`, without the entry itself: what was in it.
    pub inside: Vec<PathBuf>,
    /// Whether something stayed, and with it the entry itself.
    pub kept: bool,
    /// What ended the removal early. Before, everything was looked at, so that it is rare.
    pub failed: Option<NotRemoved>,
}

impl From<io::Error> for NotRemoved {
    fn from(cause: io::Error) -> NotRemoved {
        NotRemoved {
            stays: Stays::Refused,
            cause: Some(cause),
        }
    }
}

impl From<rustix::io::Errno> for NotRemoved {
    fn from(error: rustix::io::Errno) -> NotRemoved {
        io::Error::from(error).into()
    }
}

/// A directory that is being emptied.
struct Level {
    name: OsString,
    names: std::vec::IntoIter<OsString>,
    identity: Identity,
    kept: bool,
    /// How many paths had been removed before it.
    gone_before: usize,
}

/// Removes the entry. Looks at everything in it first: where something is in the way, nothing is removed. `path` is that
/// of the entry below the target. With `only_look`, counts and removes nothing.
///
/// # Errors
/// When a file system is mounted in it, or something protected is in it, or the system refuses to show it. Nothing was
/// removed then.
pub fn remove(
    parent: &OwnedFd,
    name: &OsStr,
    path: &Path,
    guard: &Guard<'_>,
    only_look: bool,
) -> Result<Removed, NotRemoved> {
    let mut found = sweep(parent, name, path, guard, false);
    match found.failed.take() {
        Some(failed) => Err(failed),
        None if only_look => Ok(found),
        None => Ok(sweep(parent, name, path, guard, true)),
    }
}

fn sweep(parent: &OwnedFd, name: &OsStr, path: &Path, guard: &Guard<'_>, act: bool) -> Removed {
    let mut sweep = Sweep {
        parent,
        guard,
        act,
        path: path.parent().unwrap_or(Path::new("")).to_owned(),
        levels: Vec::new(),
        current: None,
        removed: Removed::default(),
    };
    sweep.removed.failed = sweep.run(name.to_owned()).err();
    sweep.removed
}

/// One way through a tree. Few descriptors are open at a time, however deep it is.
struct Sweep<'a> {
    /// The directory of the entry.
    parent: &'a OwnedFd,
    guard: &'a Guard<'a>,
    act: bool,
    /// The path of the directory that the sweep is in.
    path: PathBuf,
    levels: Vec<Level>,
    /// That directory; `None` outside of the entry.
    current: Option<OwnedFd>,
    removed: Removed,
}

impl Sweep<'_> {
    fn run(&mut self, name: OsString) -> Result<(), NotRemoved> {
        self.visit(name)?;
        while let Some(level) = self.levels.last_mut() {
            match level.names.next() {
                Some(name) => self.visit(name)?,
                None => self.leave()?,
            }
        }
        Ok(())
    }

    fn here(&self) -> &OwnedFd {
        self.current.as_ref().unwrap_or(self.parent)
    }

    fn keep_here(&mut self) {
        match self.levels.last_mut() {
            Some(level) => level.kept = true,
            None => self.removed.kept = true,
        }
    }

    /// Removes an entry that is not a directory, or enters it.
    fn visit(&mut self, name: OsString) -> Result<(), NotRemoved> {
        let Some(found) = directory::status(self.here(), &name)? else {
            return Ok(());
        };
        let is_directory = directory::kind(&found) == FileType::Directory;
        let identity = directory::identity(&found);
        if self.guard.protected.contains(&identity) {
            return Err(stays(Stays::Protected));
        }
        self.path.push(&name);
        if self
            .guard
            .keep
            .is_some_and(|keep| keep(&self.path, is_directory))
        {
            self.path.pop();
            self.keep_here();
            return Ok(());
        }
        if is_directory {
            let opened = directory::open_known(self.here(), &name, identity)?;
            if is_mount_point(&opened)? {
                return Err(stays(Stays::MountPoint));
            }
            let mut names: Vec<OsString> = directory::names(&opened)?.into_iter().collect();
            names.sort();
            if self.guard.not_empty && !names.is_empty() {
                return Err(stays(Stays::NotEmpty));
            }
            self.levels.push(Level {
                name,
                names: names.into_iter(),
                identity,
                kept: false,
                gone_before: self.removed.gone.len(),
            });
            self.current = Some(opened);
            return Ok(());
        }
        if self.act {
            rustix::fs::unlinkat(self.here(), &name, AtFlags::empty())?;
        }
        self.removed.entries += 1;
        self.removed.gone.push(self.path.clone());
        self.path.pop();
        Ok(())
    }

    /// Goes to the directory above, and removes the one that it comes from.
    fn leave(&mut self) -> Result<(), NotRemoved> {
        let Some(done) = self.levels.pop() else {
            return Ok(());
        };
        let path = self.path.clone();
        self.path.pop();
        self.current = match (self.levels.last(), &self.current) {
            (Some(above), Some(from)) => Some(directory::open_known(
                from,
                OsStr::new(".."),
                above.identity,
            )?),
            _ => None,
        };
        if done.kept {
            self.keep_here();
            return Ok(());
        }
        if self.act {
            rustix::fs::unlinkat(self.here(), &done.name, AtFlags::REMOVEDIR)?;
        }
        self.removed.entries += 1;
        let inside = self.removed.gone.split_off(done.gone_before);
        if self.levels.is_empty() {
            self.removed.inside = inside;
        }
        self.removed.gone.push(path);
        Ok(())
    }
}

fn stays(stays: Stays) -> NotRemoved {
    NotRemoved { stays, cause: None }
}

/// Whether a file system is mounted on this directory. A part of the same file system that is mounted there counts, too.
fn is_mount_point(directory: &OwnedFd) -> io::Result<bool> {
    let flags = AtFlags::EMPTY_PATH;
    let about = rustix::fs::statx(directory, "", flags, StatxFlags::TYPE)?;
    if about
        .stx_attributes_mask
        .contains(StatxAttributes::MOUNT_ROOT)
    {
        return Ok(about.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    }
    // Kernels before 5.8 do not tell; another device does.
    let above = rustix::fs::statat(directory, "..", AtFlags::empty())?;
    Ok(rustix::fs::fstat(directory)?.st_dev != above.st_dev)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    fn open(path: &Path) -> OwnedFd {
        fs::File::open(path).unwrap().into()
    }

    #[test]
    fn a_removal_follows_no_link_and_spares_what_is_protected() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("precious"), "x").unwrap();
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("old/deep")).unwrap();
        symlink(outside.path(), top.path().join("old/link")).unwrap();
        fs::create_dir_all(top.path().join("holder/container")).unwrap();
        fs::write(top.path().join("holder/rubbish"), "x").unwrap();
        let about = fs::metadata(top.path().join("holder/container")).unwrap();
        let guard = Guard {
            protected: &[(about.dev(), about.ino())],
            keep: None,
            not_empty: false,
        };
        let run = |name: &str, look| {
            remove(
                &open(top.path()),
                OsStr::new(name),
                Path::new(name),
                &guard,
                look,
            )
        };
        assert_eq!(run("old", true).unwrap().entries, 3);
        assert!(top.path().join("old").exists());
        assert_eq!(run("old", false).unwrap().entries, 3);
        assert!(!top.path().join("old").exists());
        assert!(outside.path().join("precious").exists());
        assert_eq!(run("holder", false).unwrap_err().stays, Stays::Protected);
        assert!(top.path().join("holder/rubbish").exists());
        let nothing = run("nothing", false).unwrap();
        assert_eq!((nothing.entries, nothing.kept), (0, false));
    }

    #[test]
    fn a_directory_that_is_not_empty_can_be_spared() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("full/x")).unwrap();
        fs::create_dir(top.path().join("empty")).unwrap();
        let guard = Guard {
            protected: &[],
            keep: None,
            not_empty: true,
        };
        let run = |name: &str| {
            let name = OsStr::new(name);
            remove(&open(top.path()), name, Path::new(name), &guard, false)
        };
        assert_eq!(run("full").unwrap_err().stays, Stays::NotEmpty);
        assert!(top.path().join("full/x").exists());
        assert_eq!(run("empty").unwrap().entries, 1);
    }

    #[test]
    fn what_is_kept_keeps_the_directories_above_it() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("x/a/b")).unwrap();
        fs::create_dir_all(top.path().join("x/c")).unwrap();
        fs::write(top.path().join("x/a/b/kept.o"), "x").unwrap();
        fs::write(top.path().join("x/a/b/gone.c"), "x").unwrap();
        let keep = |path: &Path, is_directory: bool| {
            assert_eq!(is_directory, path.extension().is_none(), "{path:?}");
            path == Path::new("x/a/b/kept.o")
        };
        let guard = Guard {
            protected: &[],
            keep: Some(&keep),
            not_empty: false,
        };
        let name = OsStr::new("x");
        let removed = remove(&open(top.path()), name, Path::new("x"), &guard, false).unwrap();
        assert_eq!((removed.entries, removed.kept), (2, true));
        assert_eq!(removed.gone, [Path::new("x/a/b/gone.c"), Path::new("x/c")]);
        assert!(top.path().join("x/a/b/kept.o").exists());
        assert!(!top.path().join("x/c").exists());
    }
}
