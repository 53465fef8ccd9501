//! The jobs directory as a whole: which files count, whether they can be trusted, and which of them is which job.
//!
//! Reading ([`Directory`]) touches the file system; deciding ([`Catalog`]) does not. The daemon and
//! `freezerd check` use the same two.

mod catalog;
mod change;
mod check;
mod directory;
mod lints;
mod names;
mod stamp;
mod trust;

pub use catalog::Catalog;
pub use change::{Change, Remembered};
pub use check::{CheckOptions, Checked, CheckedContent, CheckedFile, check};
pub use directory::{Directory, FileState, scan};
pub use names::counts as name_counts;
pub use stamp::{Digest, Stamp};
pub use trust::Trust;
