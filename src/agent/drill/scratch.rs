//! The directory that a drill restores into: made for it alone, and removed at its end, also when the drill is told to end. A
//! drill that was killed leaves it; the next one that uses the same place removes it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::FlockOperation;

use crate::agent::error::ActionError;
use crate::agent::report::{escaped, log};
use crate::agent::termination::Termination;
use crate::os;
use crate::units;

/// How the names of these directories begin.
const BEGINNING: &str = "freezerd-drill-";

/// The file that marks such a directory. It is locked as long as the drill goes on.
const MARK: &str = "lock";

/// Its name until it is locked.
const UNMARKED: &str = "lock.new";

/// The directory in it that is the target of the restore.
const DATA: &str = "data";

/// A directory without a mark belongs to a drill that begins just now, unless it is older.
const BEGINS_WITHIN: Duration = Duration::from_secs(60 * 60);

/// How often a drill that is told to end tries to remove its directory.
const GIVE_UP_TRIES: u32 = 100;
const GIVE_UP_PAUSE: Duration = Duration::from_millis(20);

/// What a file takes beside its content, and an empty one.
const BLOCK: u64 = 4096;

/// The directory of one drill.
pub(super) struct Scratch {
    directory: PathBuf,
    _lock: File,
}

/// Where the directories of drills are made, if a job does not say it.
pub(super) fn default_place() -> PathBuf {
    let named = std::env::var_os("TMPDIR").filter(|it| !it.is_empty());
    named.map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

/// Finds out whether so much fits below a directory. `by_hand`: no job asks.
///
/// # Errors
/// When it does not, and when the directory cannot be examined.
pub(super) fn has_room(
    above: &Path,
    entries: u64,
    bytes: u64,
    by_hand: bool,
) -> Result<(), ActionError> {
    let about = rustix::fs::statvfs(above)
        .map_err(|error| ActionError::io("examine the scratch directory", above, error.into()))?;
    let needed = bytes.saturating_add(entries.saturating_mul(BLOCK));
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    // A file system that makes inodes as it needs them says 0.
    let has_inodes = about.f_files == 0 || about.f_favail >= entries;
    if needed <= free && has_inodes {
        return Ok(());
    }
    Err(ActionError::ScratchTooSmall {
        by_hand,
        directory: above.to_owned(),
        what: match needed <= free {
            true => units::count(entries, "entry", "entries"),
            false => units::bytes(needed),
        },
        free: match needed <= free {
            true => units::count(about.f_favail, "inode", "inodes"),
            false => units::bytes(free),
        },
    })
}

impl Scratch {
    /// Makes a directory that only this user can enter. `tag` names the run.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(above: &Path, tag: &str) -> Result<Scratch, ActionError> {
        let mut number = std::process::id();
        let directory = loop {
            let directory = above.join(format!("{BEGINNING}{tag}-{number}"));
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => break directory,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    number = number.wrapping_add(1);
                }
                Err(error) => {
                    return Err(ActionError::io("make the directory", &directory, error));
                }
            }
        };
        let failed = |error| ActionError::io("lock the scratch directory", &directory, error);
        let lock = mark(&directory).map_err(failed)?;
        Ok(Scratch {
            directory,
            _lock: lock,
        })
    }

    /// Removes it also when this process is told to end.
    pub fn ends_with(&self, termination: &Termination) {
        termination.cleans_up(&self.directory, give_up);
    }

    /// The target of the restore. The restore makes it.
    pub fn data(&self) -> PathBuf {
        self.directory.join(DATA)
    }

    /// Removes the directory with all that is in it. A failure is told: the space is not free again.
    pub fn remove(self) {
        if let Err(error) = remove(&self.directory) {
            log(&format!(
                "warning: the scratch directory {} cannot be removed: {}; the next drill there tries again",
                escaped(&self.directory),
                os::reason(&error)
            ));
        }
    }
}

/// Makes the mark, under its name only when it is locked: nobody takes the directory for one that was left.
fn mark(directory: &Path) -> io::Result<File> {
    let unmarked = directory.join(UNMARKED);
    let lock = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unmarked)?;
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    fs::rename(unmarked, directory.join(MARK))?;
    Ok(lock)
}

/// Removes what earlier drills have left below this directory: only directories of this user that have the mark, and in
/// which no drill is at work.
pub(super) fn sweep(above: &Path) {
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        let is_named = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(BEGINNING));
        let directory = entry.path();
        if !is_named || !is_left(&directory) {
            continue;
        }
        match remove(&directory) {
            Ok(()) => log(&format!(
                "removed {}, which an earlier drill had left",
                escaped(&directory)
            )),
            Err(error) => log(&format!(
                "warning: {}, which an earlier drill had left, cannot be removed: {}",
                escaped(&directory),
                os::reason(&error)
            )),
        }
    }
}

fn is_left(directory: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let Ok(about) = fs::symlink_metadata(directory) else {
        return false;
    };
    if !about.is_dir() || about.uid() != own || about.mode() & 0o077 != 0 {
        return false;
    }
    let opened = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(directory.join(MARK));
    match opened {
        Ok(lock) => rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok(),
        // The mark goes last, so nothing else is in it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let age = about
                .modified()
                .ok()
                .and_then(|time| SystemTime::now().duration_since(time).ok());
            age.is_some_and(|age| age > BEGINS_WITHIN)
        }
        Err(_) => false,
    }
}

/// Removes the directory. The mark goes last: what is left of an interrupted removal is found by the next drill.
fn remove(directory: &Path) -> io::Result<()> {
    let data = directory.join(DATA);
    match fs::remove_dir_all(&data) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // An ordinary user cannot empty a directory that has been restored without write permission.
            open_up(&data)?;
            fs::remove_dir_all(&data)?;
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for name in [UNMARKED, MARK] {
        match fs::remove_file(directory.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::remove_dir(directory)
}

/// Removes the directory of a drill that is told to end. Its threads may go on to write for a moment.
fn give_up(directory: &Path) {
    for _ in 0..GIVE_UP_TRIES {
        if remove(directory).is_ok() || !directory.exists() {
            return;
        }
        std::thread::sleep(GIVE_UP_PAUSE);
    }
    log(&format!(
        "the scratch directory {} is left; the next drill there removes it",
        escaped(directory)
    ));
}

/// Makes all directories writable for their owner. No link is followed.
fn open_up(top: &Path) -> io::Result<()> {
    let mut todo = vec![top.to_owned()];
    while let Some(directory) = todo.pop() {
        fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                todo.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(above: &Path) -> Vec<String> {
        let entries = fs::read_dir(above).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    /// A directory as a drill that was killed leaves it.
    fn left(above: &Path) -> PathBuf {
        let Scratch { directory, _lock } = Scratch::make(above, "1-1").unwrap();
        fs::create_dir_all(directory.join("data/sub")).unwrap();
        fs::write(directory.join("data/sub/file"), "x").unwrap();
        fs::set_permissions(directory.join("data/sub"), Permissions::from_mode(0o500)).unwrap();
        directory
    }

    #[test]
    fn what_a_drill_left_goes_and_one_that_is_at_work_stays() {
        let above = tempfile::tempdir().unwrap();
        left(above.path());
        let at_work = Scratch::make(above.path(), "1-2").unwrap();
        sweep(above.path());
        assert_eq!(names(above.path()).len(), 1);
        assert!(at_work.directory.exists());
        at_work.remove();
        assert!(names(above.path()).is_empty());
    }

    #[test]
    fn nothing_goes_that_has_no_mark_or_is_not_a_directory_of_ours() {
        let above = tempfile::tempdir().unwrap();
        let unmarked = above.path().join("freezerd-drill-mine");
        fs::create_dir(&unmarked).unwrap();
        fs::set_permissions(&unmarked, Permissions::from_mode(0o700)).unwrap();
        fs::write(unmarked.join("letter"), "dear").unwrap();
        let open = left(above.path());
        fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let target = left(elsewhere.path());
        std::os::unix::fs::symlink(&target, above.path().join("freezerd-drill-link")).unwrap();
        fs::write(above.path().join("freezerd-drill-file"), "").unwrap();
        let before = names(above.path());
        sweep(above.path());
        assert_eq!(names(above.path()), before);
        assert!(target.join("data/sub/file").exists());
    }

    #[test]
    fn what_does_not_fit_is_found_before() {
        let above = tempfile::tempdir().unwrap();
        has_room(above.path(), 1, 1, false).unwrap();
        for (by_hand, named, other) in [
            (true, "--scratch", "`scratch`"),
            (false, "`scratch`", "--scratch"),
        ] {
            let error = has_room(above.path(), 1, u64::MAX / 2, by_hand).unwrap_err();
            let said = error.to_string();
            assert!(said.contains(named) && !said.contains(other), "{said}");
        }
    }
}
