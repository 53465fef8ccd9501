//! What goes wrong with single paths of a source, while the work as a whole goes on.

use std::fmt;
use std::io;

use crate::os;

/// What is wrong with a path. `Display` gives the sentence, without the path.
#[derive(Debug)]
pub enum SourceFault {
    /// The operating system refused a step on the way to the content.
    Unreadable { step: ReadStep, cause: io::Error },
    /// It was listed, and is gone.
    Vanished,
    /// It was a directory, a file or something else when it was listed, and is of another type now.
    ChangedType,
    /// Its content changed again and again while it was read: what is in the snapshot never was in the file at one
    /// time.
    ChangedWhileRead,
    /// It became shorter while it was read: the snapshot has what was left.
    BecameShorter,
    /// An extended attribute, or the list of them where there is no name.
    AttributeUnreadable {
        name: Option<String>,
        cause: io::Error,
    },
    /// The format keeps names of extended attributes as UTF-8. The name is shown with the other bytes replaced.
    AttributeName { name: String },
    /// The format keeps times of the years 0 to 9999. The nearest of these years is in the snapshot.
    TimeOutOfRange,
}

/// A step on the way to an entry's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadStep {
    Examine,
    Open,
    /// The directory that the entry is in.
    OpenDirectory,
    List,
    Read,
}

impl SourceFault {
    /// The fault for an error of the operating system's.
    pub fn io(step: ReadStep, cause: io::Error) -> SourceFault {
        match cause.kind() {
            io::ErrorKind::NotFound => SourceFault::Vanished,
            _ => SourceFault::Unreadable { step, cause },
        }
    }
}

impl fmt::Display for ReadStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ReadStep::Examine => "cannot be examined",
            ReadStep::Open => "cannot be opened",
            ReadStep::OpenDirectory => "its directory cannot be opened",
            ReadStep::List => "the directory cannot be listed",
            ReadStep::Read => "cannot be read",
        })
    }
}

impl fmt::Display for SourceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceFault::Unreadable { step, cause } => write!(f, "{step}: {}", os::reason(cause)),
            SourceFault::Vanished => f.write_str("vanished while the backup ran"),
            SourceFault::ChangedType => f.write_str("changed its type while it was backed up"),
            SourceFault::ChangedWhileRead => f.write_str("changed while it was read"),
            SourceFault::BecameShorter => f.write_str("became shorter while it was read"),
            SourceFault::AttributeUnreadable { name, cause } => {
                match name {
                    Some(name) => write!(f, "its extended attribute {name}")?,
                    None => f.write_str("the list of its extended attributes")?,
                }
                write!(f, " cannot be read: {}", os::reason(cause))
            }
            SourceFault::AttributeName { name } => {
                let reason = "cannot be kept: its name is not UTF-8";
                write!(f, "its extended attribute {name} {reason}")
            }
            SourceFault::TimeOutOfRange => {
                f.write_str("one of its times is not in the years 0 to 9999 and cannot be kept")
            }
        }
    }
}
