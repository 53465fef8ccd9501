//! What goes wrong with single entries while the restore goes on.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::repository::error::Error as RepositoryError;
use crate::repository::node::NodeProblem;

/// One entry that is not as in the snapshot, and why.
#[derive(Debug)]
pub struct Problem {
    /// Below the target; empty for the target itself.
    pub path: PathBuf,
    pub kind: ProblemKind,
    /// What the operating system or the repository said.
    pub cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Problem {
    /// Whether the content is out of reach: then nobody knows whether it is damaged.
    pub fn is_out_of_reach(&self) -> bool {
        let cause = self.cause.as_ref();
        cause
            .and_then(|cause| cause.downcast_ref::<RepositoryError>())
            .is_some_and(RepositoryError::is_out_of_reach)
    }
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The snapshot has an entry that must not be written.
    Entry(NodeProblem),
    /// The tree of this directory cannot be read: nothing in it is restored.
    Tree,
    /// A piece of the file cannot be read. The file was not written.
    Content,
    /// The pieces of the file, all of them whole, do not have the length that the snapshot records. The file was
    /// written as its pieces are.
    Size,
    /// It existed, differs, and was kept.
    Kept(Difference),
    NotMade,
    NotWritten,
    /// What exists could not be opened, listed or read.
    NotExamined,
    /// What is in its place was not removed.
    NotReplaced(Stays),
    /// The snapshot does not hold it, and it was not removed.
    NotRemoved(Stays),
    /// The content is restored, a part of the metadata is not.
    Metadata(Part),
    /// It is one of the directories that a restore never enters.
    Protected,
    /// Nothing was deleted, because something else could not be restored: what is left in the target may be all that
    /// there is of it.
    ExtrasKept,
    /// Found when the restored file was read again.
    Unverified(Difference),
    /// The counts do not add up: fewer files were dealt with than the snapshot holds.
    Unaccounted,
}

/// What differs first between an entry and the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// There is nothing of that name.
    Missing,
    /// A directory in place of a file, for example.
    Type,
    Content,
    Owner,
    Mode,
    Times,
    Attributes,
}

/// A part of an entry's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Owner,
    Mode,
    Times,
    /// An extended attribute by its name.
    Attribute(String),
    /// An extended attribute that the snapshot does not have.
    NoAttribute(String),
}

/// The parts that could not be set, each with what the operating system said.
pub type Missing = Vec<(Part, io::Error)>;

/// Why something stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// A file system is mounted there.
    MountPoint,
    /// It is, or holds, a directory that a restore never touches.
    Protected,
    /// It is a directory with something in it, and nothing may be deleted.
    NotEmpty,
    /// Something in it is to stay, because the backup had left it out.
    Spared,
    /// The operating system refused.
    Refused,
}

impl Problem {
    /// A problem without a cause.
    pub fn new(path: PathBuf, kind: ProblemKind) -> Problem {
        Problem {
            path,
            kind,
            cause: None,
        }
    }
}

impl ProblemKind {
    /// Whether something that the snapshot holds is missing in the target because of it.
    pub fn is_loss(&self) -> bool {
        !matches!(
            self,
            ProblemKind::Metadata(_) | ProblemKind::Size | ProblemKind::NotRemoved(_)
        )
    }
}

/// The problems of a restore: the first thousand, and the count of all.
#[derive(Debug, Default)]
pub struct Problems {
    pub first: Vec<Problem>,
    pub total: u64,
}

impl Problems {
    /// How many are kept.
    pub const KEPT: usize = 1000;

    /// True if nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// Problems that several threads find.
#[derive(Debug, Default)]
pub struct ProblemList(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    problems: Problems,
    loss: bool,
}

impl ProblemList {
    /// Counts one, and keeps it while there is room.
    pub fn add(&self, problem: Problem) {
        let mut list = self.lock();
        list.problems.total += 1;
        list.loss |= problem.kind.is_loss();
        if list.problems.first.len() < Problems::KEPT {
            list.problems.first.push(problem);
        }
    }

    /// Whether anything that the snapshot holds was not restored so far.
    pub fn has_loss(&self) -> bool {
        self.lock().loss
    }

    /// Takes out all that were found so far.
    pub fn take(&self) -> Problems {
        std::mem::take(&mut self.lock().problems)
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Difference::Missing => "it is missing",
            Difference::Type => "it has another type",
            Difference::Content => "its content differs",
            Difference::Owner => "its owner differs",
            Difference::Mode => "its mode differs",
            Difference::Times => "its modification time differs",
            Difference::Attributes => "its extended attributes differ",
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Owner => f.write_str("the owner"),
            Part::Mode => f.write_str("the mode"),
            Part::Times => f.write_str("the times"),
            Part::Attribute(name) => write!(f, "the extended attribute {name}"),
            Part::NoAttribute(name) => write!(f, "the absence of the extended attribute {name}"),
        }
    }
}

impl fmt::Display for Stays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stays::MountPoint => "a file system is mounted there",
            Stays::Protected => "a protected directory is in it",
            Stays::Spared => "something in it was left out of the backup",
            Stays::NotEmpty => "it is a directory that is not empty, and `delete_extra` (`--delete-extra`) is not set",
            Stays::Refused => "the system refused",
        })
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProblemKind::Entry(problem) => write!(f, "not restored: {problem}"),
            ProblemKind::Tree => f.write_str("what is in it cannot be read from the repository"),
            ProblemKind::Content => f.write_str("its content cannot be read from the repository"),
            ProblemKind::Size => f.write_str("its content does not have the recorded length"),
            ProblemKind::Kept(difference) => write!(f, "exists and was kept: {difference}"),
            ProblemKind::NotMade => f.write_str("cannot be created"),
            ProblemKind::NotWritten => f.write_str("cannot be written"),
            ProblemKind::NotExamined => f.write_str("what exists cannot be examined"),
            ProblemKind::NotReplaced(stays) => write!(f, "cannot be replaced: {stays}"),
            ProblemKind::NotRemoved(stays) => write!(f, "cannot be removed: {stays}"),
            ProblemKind::Metadata(part) => write!(f, "{part} cannot be set"),
            ProblemKind::Protected => f.write_str("not restored: it is a protected directory"),
            ProblemKind::ExtrasKept => {
                f.write_str("nothing was deleted, because something else could not be restored")
            }
            ProblemKind::Unverified(difference) => {
                write!(
                    f,
                    "is not as in the snapshot after the restore: {difference}"
                )
            }
            ProblemKind::Unaccounted => {
                f.write_str("fewer files were dealt with than the snapshot holds")
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.kind)?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}
