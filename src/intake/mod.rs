//! The jobs directory as a whole: which files are job files, which files are trusted, and which file is which job.
//!
//! [`Directory`] reads the file system, [`Catalog`] decides. The daemon and `freezerd check` use the same two.

mod catalog;
mod change;
mod check;
mod directory;
mod file_state;
mod lints;
mod names;
mod scan;
mod stamp;
mod trust;
mod trusted_path;

pub use catalog::Catalog;
pub use change::{FileChange, Remembered};
pub use check::{CheckOptions, Checked, CheckedContent, CheckedFile, check};
pub use directory::Directory;
pub use file_state::FileState;
pub use names::is_job_file;
pub use scan::scan;
pub use stamp::{Digest, Stamp};
pub use trust::Trust;
pub use trusted_path::{PathFault, UnsafePath, open_to_append};
