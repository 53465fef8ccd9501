//! Writing: a temporary name, the content, a sync, the final name, a sync of the directory.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::super::error::{Doing, Error, ErrorKind, Place};
use super::super::{FileKind, FileName};
use super::{Local, direct};
use crate::kill_point::{self, Point};

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

pub(super) fn create_layout(local: &Local) -> Result<(), Error> {
    create_directories(local, &local.root)?;
    for kind in FileKind::ALL {
        if let Some(name) = kind.directory() {
            create_directories(local, &local.root.join(name))?;
        }
    }
    super::protect::protect(local)?;
    Ok(())
}

/// Through what a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through {
    /// It is read again soon.
    PageCache,
    /// It is large and seldom read.
    Nothing,
}

/// Writes the file unless the same file exists.
pub(super) fn write(
    local: &Local,
    file: FileName,
    content: &[u8],
    through: Through,
) -> Result<(), Error> {
    let failed = |cause| Error::io(Doing::Write, Place::File(file), cause);
    let path = local.path(file);
    let (temporary, mut opened) = match create(&path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            // A directory of packs is made when its first pack comes.
            if let Some(directory) = path.parent() {
                create_directories(local, directory)?;
            }
            create(&path).map_err(failed)?
        }
        created => created.map_err(failed)?,
    };
    let written = match through {
        Through::PageCache => opened.write_all(content),
        Through::Nothing => direct::write_all(&mut opened, content),
    };
    let written = written
        .and_then(|()| opened.sync_all())
        .inspect(|()| kill_point::reached(Point::FileWritten))
        .and_then(|()| rename_new(&temporary, &path));
    match written {
        Ok(true) => sync_parent(local, &path),
        Ok(false) => {
            remove_temporary(&temporary);
            confirm_same(local, file, content)?;
            // The other writer may not have come to its own sync.
            sync_parent(local, &path)
        }
        Err(cause) => {
            remove_temporary(&temporary);
            Err(failed(cause))
        }
    }
}

/// A new file under a temporary name beside `path`.
fn create(path: &Path) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!("-tmp-{}-{count}", std::process::id()));
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&temporary);
        match opened {
            // A process of the same number left it.
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(cause),
            Ok(opened) => {
                let temporary = PathBuf::from(temporary);
                // The umask may have taken rights from the owner.
                if let Err(cause) = opened.set_permissions(Permissions::from_mode(FILE_MODE)) {
                    remove_temporary(&temporary);
                    return Err(cause);
                }
                return Ok((temporary, opened));
            }
        }
    }
}

/// Gives the file its final name. `false` when there is a file of that name, which is left as it is.
fn rename_new(from: &Path, to: &Path) -> io::Result<bool> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::EXIST) => Ok(false),
        // Not every file system can do this, NFS for example. A second name never replaces a file either.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {
            match fs::hard_link(from, to) {
                Ok(()) => fs::remove_file(from).map(|()| true),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                // Neither has it second names. Between the question and the answer another writer may come, with the
                // same content: the name is its hash.
                Err(_) if to.try_exists()? => Ok(false),
                Err(_) => fs::rename(from, to).map(|()| true),
            }
        }
        Err(cause) => Err(cause.into()),
    }
}

fn confirm_same(local: &Local, file: FileName, content: &[u8]) -> Result<(), Error> {
    use super::super::Storage;
    match local.read(file, content.len() as u64) {
        Ok(old) if old == content => Ok(()),
        Ok(_) => Err(Error::new(ErrorKind::Exists, Doing::Write, file)),
        Err(error) if error.kind == ErrorKind::TooLarge => {
            Err(Error::new(ErrorKind::Exists, Doing::Write, file))
        }
        Err(error) => Err(error),
    }
}

/// What cannot be removed now is swept later.
fn remove_temporary(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Makes the names in the directory of `path` durable.
pub(super) fn sync_parent(local: &Local, path: &Path) -> Result<(), Error> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    let parent = match parent.as_os_str().is_empty() {
        true => Path::new("."),
        false => parent,
    };
    match File::open(parent).and_then(|directory| directory.sync_all()) {
        Ok(()) => Ok(()),
        // Some network file systems do not sync directories.
        Err(cause) if cause.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        Err(cause) => Err(local.failed(Doing::Sync, parent, cause)),
    }
}

/// Makes a directory and those above it. Each new one is durable before the next is made in it.
fn create_directories(local: &Local, path: &Path) -> Result<(), Error> {
    let failed = |cause| local.failed(Doing::Create, path, cause);
    match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        Ok(()) => {
            fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE)).map_err(failed)?;
            sync_parent(local, path)
        }
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => match fs::metadata(path) {
            Ok(about) if about.is_dir() => Ok(()),
            Ok(_) => Err(failed(io::ErrorKind::NotADirectory.into())),
            Err(cause) => Err(failed(cause)),
        },
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            match path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty())
            {
                Some(parent) => {
                    create_directories(local, parent)?;
                    create_directories(local, path)
                }
                None => Err(failed(cause)),
            }
        }
        Err(cause) => Err(failed(cause)),
    }
}
