//! What a backup would leave out, for a command. Opens no repository and writes nothing.

use std::ops::ControlFlow;
use std::path::PathBuf;

use super::super::error::ActionError;
use super::source::Sources;
use crate::job::action::Backup;
use crate::source::problem::SourceFault;
use crate::source::tree::left_out::{Told, walk};
use crate::source::tree::selection::LeftOut;

/// What a backup would leave out.
#[derive(Debug, Default)]
pub struct LeftOutList {
    /// The first ones, in the order of the walk. What lies in a directory that is left out is not listed.
    pub first: Vec<LeftOutPath>,
    /// How many there are.
    pub total: u64,
    /// The first paths that could not be examined. The backup would be partial.
    pub unreadable: Vec<(PathBuf, SourceFault)>,
    /// How many of those there are.
    pub unreadable_total: u64,
}

/// A path that a backup would leave out.
#[derive(Debug, PartialEq)]
pub struct LeftOutPath {
    pub path: PathBuf,
    pub reason: LeftOutReason,
}

/// Why a backup would leave a path out.
#[derive(Debug, PartialEq)]
pub enum LeftOutReason {
    /// This pattern of `exclude` or `exclude_from` matches it.
    Pattern(String),
    /// The directory has this file, as `NAME` or `NAME:HEADER`. Everything else in it is left out.
    Marker(String),
    /// The file has this number of bytes.
    TooLarge(u64),
    /// Another file system is mounted there. The directory itself is backed up.
    OtherFileSystem,
    /// It is the container of the backup.
    Container,
}

/// Walks the sources of a backup, and lists at most `most` of the paths that it would leave out.
///
/// # Errors
/// Where the backup would fail before it begins: a source is missing, a file of patterns cannot be read.
pub fn left_out(
    work: &Backup,
    most: usize,
    tell: &dyn Fn(&str),
) -> Result<LeftOutList, ActionError> {
    let sources = Sources::examine(work, tell)?;
    let container = work.container.location.local();
    let mut list = LeftOutList::default();
    for tree in sources.trees(work, container, &|_| ()) {
        let end = walk(&tree, &mut |path, told| {
            match told {
                Told::LeftOut(why) => {
                    list.total += 1;
                    if list.first.len() < most {
                        let reason = reason(why);
                        list.first.push(LeftOutPath { path, reason });
                    }
                }
                Told::Fault(fault) => {
                    list.unreadable_total += 1;
                    if list.unreadable.len() < most {
                        list.unreadable.push((path, fault));
                    }
                }
            }
            ControlFlow::Continue(())
        });
        if end.is_break() {
            break;
        }
    }
    Ok(list)
}

fn reason(why: LeftOut<'_>) -> LeftOutReason {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match why {
        LeftOut::Pattern(pattern) => LeftOutReason::Pattern(pattern.to_owned()),
        LeftOut::Marker(marker) if marker.header.is_empty() => {
            LeftOutReason::Marker(text(&marker.name))
        }
        LeftOut::Marker(marker) => {
            LeftOutReason::Marker(format!("{}:{}", text(&marker.name), text(&marker.header)))
        }
        LeftOut::TooLarge(bytes) => LeftOutReason::TooLarge(bytes),
        LeftOut::OtherFileSystem => LeftOutReason::OtherFileSystem,
        LeftOut::Itself => LeftOutReason::Container,
    }
}
