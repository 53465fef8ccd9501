//! What goes wrong with single paths while the work as a whole goes on.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::Error;
use super::observer::Observer;
use crate::os;

/// One path, and what is wrong with it.
#[derive(Debug)]
pub struct PathProblem {
    /// As the operating system knows it: absolute where the source or the target is.
    pub path: PathBuf,
    pub fault: PathFault,
}

/// What is wrong with a path. The variant is the kind, `source` the cause, and `Display` the sentence, without the
/// path.
#[derive(Debug, thiserror::Error)]
pub enum PathFault {
    /// The operating system refused a step on the way to its content.
    #[error("{step}: {}", os::reason(source))]
    Unreadable { step: ReadStep, source: io::Error },

    /// In a snapshot: a name such as `../x`, which leads out of the target.
    #[error("has a name that leads elsewhere; not restored")]
    UnsafeName,
    /// In a snapshot: a directory that names no tree.
    #[error("has no content in the snapshot; run a check")]
    NoContent,
    /// In the repository: the list of a directory's entries.
    #[error("what is in it cannot be read: {source}")]
    EntriesUnreadable { source: Box<Error> },
    /// In the repository: a file's data.
    #[error("its content cannot be read: {source}")]
    ContentUnreadable { source: Box<Error> },
    /// Something else is there, and nothing may be replaced.
    #[error("exists and differs; kept")]
    Differs,
    #[error("cannot be created: {}", os::reason(source))]
    NotCreated { source: io::Error },
    #[error("cannot be written: {}", os::reason(source))]
    NotWritten { source: io::Error },
    #[error("cannot be replaced: {source}")]
    NotReplaced { source: NotRemoved },
    #[error("cannot be removed: {source}")]
    NotRemoved { source: NotRemoved },
    #[error("{part} cannot be set: {}", os::reason(source))]
    MetadataNotSet {
        part: MetadataPart,
        source: io::Error,
    },
    /// The counts of a restore do not add up.
    #[error("of {files} files in the snapshot only {handled} were dealt with")]
    Unaccounted { files: u64, handled: u64 },
}

/// A step on the way to an entry's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadStep {
    Examine,
    Open,
    /// A directory that was made and filled, to set its metadata.
    OpenAgain,
    /// The directory that the entry is in.
    OpenParent,
    /// A directory of the target.
    ListTarget,
    /// A file of the target with what the snapshot holds.
    Compare,
}

impl fmt::Display for ReadStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            ReadStep::Examine => "cannot be examined",
            ReadStep::Open => "cannot be opened",
            ReadStep::OpenAgain => "cannot be opened again",
            ReadStep::OpenParent => "its directory cannot be opened",
            ReadStep::ListTarget => "cannot be listed",
            ReadStep::Compare => "cannot be compared",
        })
    }
}

/// A part of an entry's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataPart {
    Owner,
    Mode,
    Times,
    Attribute(String),
    /// The entry has an attribute that the snapshot does not have.
    NoAttribute(String),
}

impl fmt::Display for MetadataPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MetadataPart::Owner => formatter.write_str("the owner"),
            MetadataPart::Mode => formatter.write_str("the mode"),
            MetadataPart::Times => formatter.write_str("the times"),
            MetadataPart::Attribute(name) => write!(formatter, "the extended attribute {name}"),
            MetadataPart::NoAttribute(name) => {
                write!(formatter, "the absence of the attribute {name}")
            }
        }
    }
}

/// Why something stays in the target.
#[derive(Debug, thiserror::Error)]
pub enum NotRemoved {
    #[error("a file system is mounted there")]
    MountPoint,
    /// It is the container, or holds it.
    #[error("the container is in it")]
    Container,
    #[error("{}", os::reason(source))]
    Refused { source: io::Error },
}

/// All problems of one piece of work: the first thousand in full, and the count of all.
#[derive(Debug, Default)]
pub struct Problems {
    pub first: Vec<PathProblem>,
    pub total: u64,
}

impl Problems {
    /// How many are kept in full.
    pub const KEPT: usize = 1000;

    /// Whether nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Counts one, and keeps it while there is room. Returns whether it was kept.
    pub(super) fn add(&mut self, path: PathBuf, fault: PathFault) -> bool {
        self.total += 1;
        let keep = self.first.len() < Self::KEPT;
        if keep {
            self.first.push(PathProblem { path, fault });
        }
        keep
    }
}

/// Problems, collected from several threads.
#[derive(Debug, Default)]
pub(super) struct ProblemList(Mutex<Problems>);

impl ProblemList {
    /// Adds one, and logs it if it is among those that are kept.
    pub fn add(&self, path: &Path, fault: PathFault, observer: &dyn Observer) {
        let line = format!("{}: {fault}", path.display());
        if self.lock().add(path.to_owned(), fault) {
            observer.log(&line);
        }
    }

    /// Takes out all that were found so far.
    pub fn take(&self) -> Problems {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Problems> {
        // A thread that panicked while adding left at worst a count without its path.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
