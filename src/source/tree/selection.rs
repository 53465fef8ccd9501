//! What of a source is backed up.

use crate::source::patterns::Patterns;

/// What is left out, and what may be missing.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub exclude: Patterns,
    /// What may be unreadable without a problem.
    pub ignore_unreadable: Patterns,
    /// A directory that has one of these files is kept with this file alone.
    pub exclude_if_present: Vec<Marker>,
    /// Stays on the file system of the top. A directory where another one is mounted is kept, and is empty.
    pub one_file_system: bool,
    /// Leaves out files with more bytes.
    pub larger_than: Option<u64>,
    /// Directories that are left out, by device and inode: the repository itself.
    pub left_out: Vec<(u64, u64)>,
    /// Backs up what symbolic links lead to, in their place.
    pub follow_links: bool,
}

/// A file that marks its directory as not worth a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    pub name: Vec<u8>,
    /// What the file must begin with; empty when its name is enough.
    pub header: Vec<u8>,
}

impl Marker {
    /// `CACHEDIR.TAG`, as the Cache Directory Tagging Specification has it.
    pub fn cache_directory() -> Marker {
        Marker {
            name: b"CACHEDIR.TAG".to_vec(),
            header: b"Signature: 8a477f597d28d172789f06886806bc55".to_vec(),
        }
    }
}
