//! The jobs directory on disk: listing it, and reading its files safely.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;

use super::file_state::FileState;
use super::names::is_job_file;
use super::stamp::Stamp;
use super::trust::{Subject, Trust, shell_quoted};
use crate::job::SIZE_LIMIT;
use crate::job::codes;
use crate::job::diagnostic::Diagnostic;

/// The jobs directory, held open. All files are looked up in this directory, even if its path is changed meanwhile.
#[derive(Debug)]
pub struct Directory {
    handle: OwnedFd,
    path: PathBuf,
    trust: Option<Trust>,
}

impl Directory {
    /// Opens the jobs directory and checks its owner and mode. Returns warnings about it too. Without `trust`, no owner
    /// and no mode is checked, neither of the directory nor of its files.
    ///
    /// # Errors
    ///
    /// The reasons why the directory cannot be used: it does not exist, it is not a directory, it cannot be opened, or
    /// others may write to it.
    pub fn open(
        path: &Path,
        trust: Option<Trust>,
    ) -> Result<(Directory, Vec<Diagnostic>), Vec<Diagnostic>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let unusable = |fault: Errno| vec![unreadable(Subject::Directory, path, fault)];
        let handle = rustix::fs::open(path, flags, Mode::empty()).map_err(unusable)?;
        let stat = fstat(&handle).map_err(unusable)?;
        let judged = trust.as_ref().map_or_else(Vec::new, |trust| {
            trust.check(&stat, path, Subject::Directory)
        });
        if judged.iter().any(Diagnostic::is_error) {
            return Err(judged);
        }
        Ok((
            Directory {
                handle,
                path: path.to_owned(),
                trust,
            },
            judged,
        ))
    }

    /// The same directory with other rules of trust for its files.
    pub(super) fn with_trust(self, trust: Option<Trust>) -> Directory {
        Directory { trust, ..self }
    }

    /// The path under which the directory was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the job files, sorted.
    ///
    /// # Errors
    ///
    /// The reasons why the directory cannot be listed.
    pub fn names(&self) -> Result<Vec<OsString>, Vec<Diagnostic>> {
        let unusable = |fault: Errno| vec![unreadable(Subject::Directory, &self.path, fault)];
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle).map_err(unusable)? {
            let entry = entry.map_err(unusable)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if is_job_file(name) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The stamp of the file that has this name now. `None`: there is no such file, or `stat` fails.
    pub fn stamp(&self, name: &OsStr) -> Option<Stamp> {
        statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)
            .ok()
            .map(|stat| Stamp::of(&stat))
    }

    /// Reads a file. This never blocks and never follows a link. The checks apply to the file that is open.
    pub fn read(&self, name: &OsStr) -> FileState {
        let path = self.path.join(name);
        let refused = |stat: Option<&Stat>, diagnostic: Diagnostic| FileState::Refused {
            stamp: stat.map(Stamp::of),
            diagnostics: vec![diagnostic],
        };
        if name.as_bytes().contains(&b'/') || name.is_empty() {
            return FileState::Gone;
        }
        // Opening a device may have an effect, so the kind of file is checked before opening, and again after it.
        let seen = match statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return FileState::Gone,
            Err(fault) => return refused(None, unreadable(Subject::File, &path, fault)),
        };
        if let Some(fault) = wrong_kind(&seen, &path) {
            return refused(Some(&seen), fault);
        }
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let handle = match openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return FileState::Gone,
            // The file was replaced by a link meanwhile.
            Err(Errno::LOOP) => return FileState::Changing,
            Err(fault) => return refused(Some(&seen), unreadable(Subject::File, &path, fault)),
        };
        let before = match fstat(&handle) {
            Ok(stat) => stat,
            Err(fault) => return refused(Some(&seen), unreadable(Subject::File, &path, fault)),
        };
        if let Some(fault) = wrong_kind(&before, &path) {
            return refused(Some(&before), fault);
        }
        let judged = self
            .trust
            .as_ref()
            .map_or_else(Vec::new, |trust| trust.check(&before, &path, Subject::File));
        if judged.iter().any(Diagnostic::is_error) {
            return FileState::Refused {
                stamp: Some(Stamp::of(&before)),
                diagnostics: judged,
            };
        }
        let size = u64::try_from(before.st_size).unwrap_or(0);
        if size > SIZE_LIMIT as u64 {
            let fault = Diagnostic::error(
                codes::FILE_TOO_LARGE,
                format!("the file has {size} bytes, and a job file has at most {SIZE_LIMIT}"),
            );
            return refused(
                Some(&before),
                fault.help("a job takes a few hundred bytes: is this the right file?"),
            );
        }
        let mut file = File::from(handle);
        let mut bytes = Vec::with_capacity(size as usize);
        // Reading one byte more than the size shows whether the file grew.
        if let Err(fault) = file.by_ref().take(size + 1).read_to_end(&mut bytes) {
            let fault = Errno::from_io_error(&fault).unwrap_or(Errno::IO);
            return refused(Some(&before), unreadable(Subject::File, &path, fault));
        }
        let unchanged = fstat(&file).is_ok_and(|after| Stamp::of(&after) == Stamp::of(&before));
        if !unchanged || bytes.len() as u64 != size {
            return FileState::Changing;
        }
        FileState::Content {
            bytes: bytes.into(),
            stamp: Stamp::of(&before),
            warnings: judged,
        }
    }
}

/// The reason to refuse anything that is not a regular file.
fn wrong_kind(stat: &Stat, path: &Path) -> Option<Diagnostic> {
    let shell = shell_quoted(path);
    let not_a_file = |what: &str, help: String| {
        Some(
            Diagnostic::error(
                codes::NOT_A_FILE,
                format!("this is {what}, not a regular file"),
            )
            .help(help),
        )
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => None,
        FileType::Symlink => Some(
            Diagnostic::error(codes::SYMBOLIC_LINK, "this is a symbolic link, and symbolic links are not followed")
                .help(format!("put the file itself here: `cp --remove-destination \"$(readlink -f {shell})\" {shell}`")),
        ),
        FileType::Directory => {
            not_a_file("a directory", "subdirectories of the jobs directory are not read: give this one a name that does not end in `.json` or `.conf`".to_owned())
        }
        FileType::Fifo => not_a_file("a named pipe", format!("`rm {shell}`")),
        FileType::Socket => not_a_file("a socket", format!("`rm {shell}`")),
        _ => not_a_file("a device", format!("`rm {shell}`")),
    }
}

fn unreadable(what: Subject, path: &Path, fault: Errno) -> Diagnostic {
    let reason = std::io::Error::from(fault);
    let diagnostic = Diagnostic::error(
        codes::UNREADABLE,
        format!("the {what} cannot be read: {reason}"),
    );
    let shell = shell_quoted(path);
    match fault {
        Errno::ACCESS | Errno::PERM if what == Subject::File => diagnostic.help(format!(
            "let the daemon's user read it: `chmod u+r {shell}`, and check its owner"
        )),
        Errno::ACCESS | Errno::PERM => diagnostic.help(format!(
            "let the daemon's user read it: `chmod u+rx {shell}`, and check its owner"
        )),
        Errno::NOENT => diagnostic.help(format!("`mkdir -p {shell}`, or name another directory")),
        _ => diagnostic,
    }
}
