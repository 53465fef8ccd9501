//! Notices that the state directory or the ledger is not the daemon's any more: deleted, moved, replaced or overwritten.
//!
//! A daemon that went on would keep nothing, and a second one could start beside it and run every job again. So it ends,
//! and leaves its ledger to the next start.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::control::daemon_lock::{self, DaemonLock};
use crate::control::layout::Layout;
use crate::ledger::{Copy, LedgerError, check_copy, check_pages, open_read_only, set_aside};

/// Two writes to a file may have the same time, if less than this lies between them: that of the coarsest file system.
const SAME_TIME: Duration = Duration::from_secs(2);

/// The shortest time from one look at all pages to the next.
const BETWEEN_PROOFS: Duration = Duration::from_secs(3);

/// The looks at all pages take at most one part in this many of the time.
const SHARE: u32 = 20;

/// The start of the ledger's file: it names the newest commit, with a checksum over all pages.
const HEAD: usize = 512;

/// The length of redb's magic number, which is at the beginning and never changes.
const MAGIC: usize = 9;

/// The state that a daemon relies on is not there any more.
#[derive(Debug, thiserror::Error)]
pub enum StateLost {
    /// The state directory does not exist any more.
    #[error("the state directory {path} was deleted or moved while the daemon ran")]
    DirectoryGone { path: PathBuf },
    /// Another directory has its name.
    #[error(
        "another directory is in the place of the state directory {path} while the daemon runs"
    )]
    DirectoryReplaced { path: PathBuf },
    /// The ledger does not exist any more.
    #[error("the ledger {path} was deleted or moved while the daemon ran")]
    LedgerGone { path: PathBuf },
    /// Another file has the ledger's name.
    #[error("another file is in the place of the ledger {path} while the daemon runs")]
    LedgerReplaced { path: PathBuf },
    /// Another program wrote to the ledger.
    #[error("another program wrote to the ledger {path} while the daemon ran")]
    LedgerOverwritten { path: PathBuf },
    /// Another daemon has locked the state directory.
    #[error("the lock file {path} was deleted, and another daemon has made a new one")]
    LockTaken { path: PathBuf },
}

/// What the ledger's file was after the daemon's last write.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    length: u64,
    modified: (i64, i64),
    head: Vec<u8>,
}

impl Content {
    /// Whether the file became shorter, or begins with another magic number: both are rarely the daemon's own doing.
    fn is_strange_after(&self, earlier: &Content) -> bool {
        self.length < earlier.length || self.head.get(..MAGIC) != earlier.head.get(..MAGIC)
    }
}

/// Watches over the daemon's state directory.
pub(super) struct StateGuard {
    layout: Layout,
    lock: DaemonLock,
    directory: Identity,
    /// Stays readable when its name is gone.
    ledger: File,
    content: Content,
    /// The last write left what the daemon hardly ever writes.
    is_strange: bool,
    /// The daemon's last write whose outcome nobody has read: somebody else may have written at the same time. The size
    /// and the time of the file do not tell the two apart.
    in_doubt: Option<Instant>,
    /// The instant in the daemon's last commit. `None` if it is not certain.
    last_commit: Option<DateTime<Utc>>,
    proof: Option<Proof>,
    /// All pages are not read again before this instant.
    next_proof: Instant,
}

/// A thread that checks all pages of a copy of the ledger.
struct Proof {
    begun: Instant,
    /// False if the pages do not belong together, or the last commit is not the daemon's.
    is_own: JoinHandle<bool>,
}

/// The device and inode of a file.
type Identity = (u64, u64);

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// `None` only where it is certain that nothing has this name.
fn look(path: &std::path::Path) -> Option<io::Result<Metadata>> {
    match fs::metadata(path) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            None
        }
        found => Some(found),
    }
}

impl StateGuard {
    /// Watches over the state directory that this lock is for. The ledger has to exist.
    ///
    /// # Errors
    /// When the directory or the ledger cannot be read.
    pub(super) fn new(layout: &Layout, lock: DaemonLock) -> io::Result<StateGuard> {
        let ledger = File::open(layout.ledger())?;
        Ok(StateGuard {
            layout: layout.clone(),
            lock,
            directory: identity(&fs::metadata(layout.state())?),
            content: content(&ledger)?,
            is_strange: false,
            in_doubt: None,
            last_commit: None,
            proof: None,
            next_proof: Instant::now(),
            ledger,
        })
    }

    /// Takes note of what the daemon itself has written to the ledger, and of the instant in its last commit.
    pub(super) fn wrote(&mut self, last_commit: Option<DateTime<Utc>>) {
        self.last_commit = last_commit;
        if let Ok(content) = content(&self.ledger)
            && content != self.content
        {
            self.is_strange |= content.is_strange_after(&self.content);
            self.in_doubt = Some(Instant::now());
            self.content = content;
        }
    }

    /// Checks that what the daemon wrote is in the ledger, and nothing else. A thread reads all pages, so the loop only
    /// copies them.
    ///
    /// # Errors
    /// When another program wrote to the ledger at the same time as the daemon.
    pub(super) fn prove(&mut self) -> Result<(), StateLost> {
        self.finish_proof().inspect_err(tell)?;
        let now = Instant::now();
        if self.in_doubt.is_none() || self.proof.is_some() || now < self.next_proof {
            return Ok(());
        }
        let Ok(copy) = Copy::of(&self.ledger) else {
            return Ok(());
        };
        let (path, last_commit) = (self.layout.ledger(), self.last_commit);
        let check = move || match check_copy(&path, copy) {
            // An older ledger is whole, too.
            Ok(found) => last_commit.is_none() || found == last_commit,
            Err(error) => !matches!(error, LedgerError::Damaged { .. }),
        };
        if let Ok(is_own) = thread::Builder::new().spawn(check) {
            // Somebody may still write without changing the time.
            self.in_doubt = self.in_doubt.filter(|wrote| now < *wrote + SAME_TIME);
            self.proof = Some(Proof { begun: now, is_own });
        }
        Ok(())
    }

    /// Takes what a thread has found out, if there is one and it has ended.
    fn finish_proof(&mut self) -> Result<(), StateLost> {
        let Some(Proof { begun, is_own }) = self.proof.take_if(|proof| proof.is_own.is_finished())
        else {
            return Ok(());
        };
        self.next_proof = Instant::now() + (begun.elapsed() * SHARE).max(BETWEEN_PROOFS);
        match is_own.join() {
            Ok(false) => Err(StateLost::LedgerOverwritten {
                path: self.layout.ledger(),
            }),
            _ => Ok(()),
        }
    }

    /// Checks that the directory and the ledger are the daemon's own. Costs a few system calls.
    ///
    /// # Errors
    /// When they are not. The ledger was then written again, where that is possible, and the log says so.
    pub(super) fn check(&mut self) -> Result<(), StateLost> {
        self.find_loss().inspect_err(|lost| {
            tell(lost);
            match self.rescue(lost) {
                Ok(true) => tracing::error!(
                    "the ledger was written again to {}: the next start goes on from there. If the state directory was \
                     moved on purpose, delete this file and name the new directory with --state-dir",
                    self.layout.ledger().display()
                ),
                Ok(false) => {}
                Err(error) => tracing::error!("the ledger could not be written again: {error}"),
            }
        })
    }

    /// Creates the directories and the lock file again that were deleted from the state directory.
    ///
    /// # Errors
    /// When another daemon has the lock.
    pub(super) fn mend(&mut self) -> Result<(), StateLost> {
        let layout = &self.layout;
        let missing = |path: &PathBuf| look(path).is_none();
        if let Some(path) = [layout.events(), layout.logs(), layout.progress_dir()]
            .into_iter()
            .find(missing)
        {
            match layout.create() {
                Ok(()) => tracing::warn!("{} was deleted; it is created again", path.display()),
                Err(error) => tracing::debug!("{error}"),
            }
        }
        let path = layout.lock();
        let is_own = match (look(&path), self.lock.metadata()) {
            (None, _) => false,
            (Some(Ok(found)), Ok(own)) => identity(&found) == identity(&own),
            (Some(Err(_)), _) | (_, Err(_)) => true,
        };
        if is_own {
            return Ok(());
        }
        match DaemonLock::claim(layout) {
            Ok(lock) => {
                tracing::warn!("{} was deleted; it is created again", path.display());
                self.lock = lock;
                Ok(())
            }
            Err(daemon_lock::DaemonLockError::Taken { .. }) => Err(StateLost::LockTaken { path }),
            Err(error) => {
                tracing::debug!("{error}");
                Ok(())
            }
        }
    }

    fn find_loss(&mut self) -> Result<(), StateLost> {
        let directory = || self.layout.state().to_owned();
        match look(self.layout.state()) {
            None => return Err(StateLost::DirectoryGone { path: directory() }),
            Some(Ok(found)) if identity(&found) != self.directory => {
                return Err(StateLost::DirectoryReplaced { path: directory() });
            }
            Some(_) => {}
        }
        let path = self.layout.ledger();
        let Ok(own) = self.ledger.metadata() else {
            return Ok(());
        };
        match look(&path) {
            None => return Err(StateLost::LedgerGone { path }),
            Some(Ok(found)) if identity(&found) != identity(&own) => {
                return Err(StateLost::LedgerReplaced { path });
            }
            Some(_) => {}
        }
        let is_unchanged =
            (own.len(), modified(&own)) == (self.content.length, self.content.modified);
        if is_unchanged && !self.is_strange {
            return Ok(());
        }
        let Ok(content) = content(&self.ledger) else {
            return Ok(());
        };
        let is_same = content.length == self.content.length && content.head == self.content.head;
        if !is_same || matches!(check_pages(&path), Err(LedgerError::Damaged { .. })) {
            return Err(StateLost::LedgerOverwritten { path });
        }
        if !is_unchanged {
            tracing::warn!(
                "the time of the ledger {} was changed; its content is whole",
                path.display()
            );
        }
        self.is_strange = false;
        self.content = content;
        Ok(())
    }

    /// Writes the ledger again, unless there is another one. True if it was written.
    fn rescue(&self, lost: &StateLost) -> io::Result<bool> {
        let replaced = match lost {
            StateLost::LedgerOverwritten { .. } | StateLost::LockTaken { .. } => return Ok(false),
            StateLost::DirectoryReplaced { .. } if daemon_lock::is_running(&self.layout) => {
                return Ok(false);
            }
            StateLost::LedgerReplaced { .. } => true,
            StateLost::DirectoryGone { .. }
            | StateLost::DirectoryReplaced { .. }
            | StateLost::LedgerGone { .. } => false,
        };
        let path = self.layout.ledger();
        self.layout.create().map_err(io::Error::other)?;
        if replaced {
            if open_read_only(&path).is_ok() {
                // Somebody put another ledger there, maybe an older one on purpose.
                return Ok(false);
            }
            let aside = set_aside(&path, Utc::now()).map_err(io::Error::other)?;
            tracing::error!("what is in its place is kept as {}", aside.path.display());
        }
        let hidden = path.with_extension("redb.rescued");
        let mut copy = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&hidden)?;
        io::copy(
            &mut ReadAt {
                file: &self.ledger,
                at: 0,
            },
            &mut copy,
        )?;
        copy.sync_all()?;
        match renameat_with(CWD, &hidden, CWD, &path, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(rustix::io::Errno::EXIST) => {
                fs::remove_file(&hidden)?;
                return Ok(false);
            }
            // Some file systems cannot do that.
            Err(_) => {
                fs::hard_link(&hidden, &path)?;
                fs::remove_file(&hidden)?;
            }
        }
        File::open(self.layout.state())?.sync_all()?;
        Ok(true)
    }
}

fn tell(lost: &StateLost) {
    tracing::error!("{lost}; nothing more is started, and this daemon ends");
}

/// Reads a file from its beginning, whatever its position.
struct ReadAt<'a> {
    file: &'a File,
    at: u64,
}

impl io::Read for ReadAt<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

fn content(ledger: &File) -> io::Result<Content> {
    let metadata = ledger.metadata()?;
    let mut head = vec![0; HEAD];
    let read = ledger.read_at(&mut head, 0)?;
    head.truncate(read);
    Ok(Content {
        length: metadata.len(),
        modified: modified(&metadata),
        head,
    })
}

fn modified(metadata: &Metadata) -> (i64, i64) {
    (metadata.mtime(), metadata.mtime_nsec())
}
