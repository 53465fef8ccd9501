//! What of a source is backed up.

use std::fmt;

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
    /// Further file systems that are never left out, by their device.
    pub other_devices: Vec<u64>,
    /// File systems that are left out wherever they are mounted below the top, by their device: those of the kernel.
    pub closed_devices: Vec<u64>,
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

/// Why a text does not name a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerFault {
    /// Nothing is before the colon.
    NoName,
    /// The name has a slash or a NUL byte, or is `.` or `..`: no file in a directory is called so.
    NoSuchName,
}

impl fmt::Display for MarkerFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            MarkerFault::NoName => "the name of the file is missing",
            MarkerFault::NoSuchName => "no file in a directory has such a name",
        })
    }
}

impl Marker {
    /// Reads `NAME` or `NAME:HEADER`, as restic's `--exclude-if-present` does. The header is everything behind the first
    /// colon.
    ///
    /// # Errors
    /// When no file can have this name.
    pub fn parse(text: &str) -> Result<Marker, MarkerFault> {
        let (name, header) = text.split_once(':').unwrap_or((text, ""));
        if name.is_empty() {
            return Err(MarkerFault::NoName);
        }
        if matches!(name, "." | "..") || name.contains(['/', '\0']) {
            return Err(MarkerFault::NoSuchName);
        }
        Ok(Marker {
            name: name.into(),
            header: header.into(),
        })
    }

    /// `CACHEDIR.TAG`, as the Cache Directory Tagging Specification has it.
    pub fn cache_directory() -> Marker {
        Marker {
            name: b"CACHEDIR.TAG".to_vec(),
            header: b"Signature: 8a477f597d28d172789f06886806bc55".to_vec(),
        }
    }
}

/// Why an entry is not in the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut<'a> {
    /// This pattern matches it. The text is as it was written.
    Pattern(&'a str),
    /// Its directory has this marker. The name of the entry is empty: all entries but the marker are left out.
    Marker(&'a Marker),
    /// The file has this number of bytes, which is more than the limit.
    TooLarge(u64),
    /// It lies on another file system. Of a directory, only what is in it is left out.
    OtherFileSystem,
    /// It is one of the directories that are always left out.
    Itself,
}
