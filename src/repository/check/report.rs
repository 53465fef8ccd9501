//! What a check found.

use std::fmt;

use crate::repository::blob_name::BlobName;
use crate::repository::error::Error;
use crate::repository::lock::Found;
use crate::repository::node::NodeProblem;
use crate::storage::id::Id;
use crate::storage::{Stray, StrayKind};

use super::lost::Loss;

/// Everything that a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// What is damaged or missing.
    pub damage: Vec<Damaged>,
    /// What is unusual and costs nothing.
    pub notes: Vec<Note>,
    /// How many more findings of both kinds there are than the lists hold.
    pub left_out: u64,
    /// What cannot be restored, for each snapshot that is hurt.
    pub losses: Vec<Loss>,
    /// Those that can be read.
    pub snapshots: u64,
    /// The different trees of all snapshots.
    pub trees: u64,
    /// The packs of the storage.
    pub packs: u64,
    /// The packs that were read whole.
    pub packs_read: u64,
    pub bytes_read: u64,
    /// They are not judged: who works on the repository now has a lock.
    pub locks: Vec<Found>,
}

impl Report {
    /// True if nothing is damaged and nothing is missing.
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }

    /// Whether a pack that was read whole is not what it must be.
    pub fn has_damaged_data(&self) -> bool {
        self.damage.iter().any(|damaged| match damaged {
            Damaged::Pack(fault) => {
                fault.unreadable.is_some()
                    || fault.content
                    || fault.header.is_some()
                    || fault.bad_blobs > 0
            }
            _ => false,
        })
    }

    /// Takes out an error that says nothing about a file, because the file is out of reach: then nobody knows whether
    /// it is damaged.
    pub(super) fn take_out_of_reach(&mut self) -> Option<Error> {
        let is_it = |damaged: &Damaged| match damaged {
            Damaged::File(error) | Damaged::Tree { error, .. } => error.is_out_of_reach(),
            _ => false,
        };
        let at = self.damage.iter().position(is_it)?;
        match self.damage.swap_remove(at) {
            Damaged::File(error) | Damaged::Tree { error, .. } => Some(error),
            _ => None,
        }
    }

    /// The packs that are there and damaged, for a repair.
    pub fn damaged_packs(&self) -> Vec<Id> {
        let faults = self.damage.iter().filter_map(|damaged| match damaged {
            Damaged::Pack(fault) if !fault.missing => Some(fault.pack),
            _ => None,
        });
        faults.collect()
    }
}

/// Something that is damaged or missing.
#[derive(Debug)]
pub enum Damaged {
    /// A config, key, index or snapshot file that cannot be read. The error names it.
    File(Error),
    Pack(PackFault),
    /// A tree that cannot be read, or that no index names.
    Tree {
        tree: Id,
        error: Error,
    },
    /// An entry of a tree that cannot be used.
    Node {
        tree: Id,
        name: Vec<u8>,
        problem: NodeProblem,
    },
    /// A piece of a file that no index names.
    Blob(BlobName),
}

/// All that is wrong with one pack.
#[derive(Debug, Default)]
pub struct PackFault {
    pub pack: Id,
    /// An index names it, and the storage does not have it.
    pub missing: bool,
    /// The size that the index asks for, and the size that it has.
    pub size: Option<(u64, u64)>,
    /// It cannot be read as a whole.
    pub unreadable: Option<Error>,
    /// Its content does not match its name.
    pub content: bool,
    pub header: Option<HeaderFault>,
    /// The first of its blobs that are not what they must be.
    pub blobs: Vec<(BlobName, Error)>,
    /// How many blobs are not what they must be.
    pub bad_blobs: u64,
}

/// What is wrong with the list of blobs at the end of a pack.
#[derive(Debug)]
pub enum HeaderFault {
    Unreadable(Error),
    /// The index describes the pack differently.
    Differs,
}

/// Something unusual that costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A pack that no index names, as an interrupted backup leaves it. A prune removes it.
    Unindexed { pack: Id, size: u64 },
    /// A pack that is there, and that the storage did not list.
    Unlisted(Id),
    /// A pack with trees and data, as old versions of restic wrote them. A prune splits it.
    Mixed(Id),
    /// What is not a file of the repository.
    Stray(Stray),
    /// A file whose size is not that of its pieces, all of which are there. restic wrote such trees when a file changed.
    Size {
        tree: Id,
        name: Vec<u8>,
        /// In bytes, as the tree has it.
        size: u64,
        /// In bytes, of all pieces.
        content: u64,
    },
}

impl PackFault {
    /// True if something is wrong.
    pub fn is_any(&self) -> bool {
        self.missing
            || self.size.is_some()
            || self.unreadable.is_some()
            || self.content
            || self.header.is_some()
            || self.bad_blobs > 0
    }
}

impl fmt::Display for PackFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pack {}", self.pack)?;
        if self.missing {
            return f.write_str(" is missing");
        }
        let mut separator = " is damaged: ";
        let mut part = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
            f.write_str(std::mem::replace(&mut separator, "; "))?;
            f.write_fmt(text)
        };
        if let Some((expected, found)) = self.size {
            part(
                f,
                format_args!("it has {found} bytes instead of {expected}"),
            )?;
        }
        if let Some(error) = &self.unreadable {
            part(f, format_args!("{error}"))?;
        }
        if self.content {
            part(f, format_args!("its content does not match its name"))?;
        }
        match &self.header {
            Some(HeaderFault::Unreadable(error)) => {
                part(f, format_args!("its header cannot be read: {error}"))?;
            }
            Some(HeaderFault::Differs) => {
                part(f, format_args!("the index describes it differently"))?;
            }
            None => {}
        }
        match (self.bad_blobs, self.blobs.first()) {
            (0, _) | (_, None) => Ok(()),
            (1, Some((_, error))) => part(f, format_args!("{error}")),
            (count, Some((_, error))) => part(
                f,
                format_args!("{count} blobs are damaged; the first: {error}"),
            ),
        }
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damaged::File(error) => write!(f, "{error}"),
            Damaged::Pack(fault) => write!(f, "{fault}"),
            Damaged::Tree { error, .. } => write!(f, "{error}"),
            Damaged::Node {
                tree,
                name,
                problem,
            } => f.write_str(&problem.sentence(*tree, name)),
            Damaged::Blob(blob) => write!(f, "no index names {blob}, which a file needs"),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Unindexed { pack, .. } => {
                write!(f, "no index names the pack {pack}")
            }
            Note::Unlisted(pack) => {
                write!(f, "the storage did not list the pack {pack}, but has it")
            }
            Note::Mixed(pack) => {
                write!(f, "the pack {pack} has trees and data")
            }
            Note::Stray(Stray {
                path,
                kind: StrayKind::NotAFile,
            }) => {
                write!(
                    f,
                    "{path} has the name of a file of the repository, and is none: move it away"
                )
            }
            Note::Stray(stray) => {
                write!(
                    f,
                    "{} is not an ordinary file of the repository",
                    stray.path
                )
            }
            Note::Size {
                tree,
                name,
                size,
                content,
            } => write!(
                f,
                "the file {:?} of the tree {tree} has {content} bytes of content instead of {size}",
                String::from_utf8_lossy(name)
            ),
        }
    }
}
