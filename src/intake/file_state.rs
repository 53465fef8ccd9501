//! The result of reading a job file.

use std::sync::Arc;

use super::stamp::Stamp;
use crate::job::diagnostic::Diagnostic;

/// The result of reading a job file.
#[derive(Clone, Debug)]
pub enum FileState {
    /// The whole file was read, and did not change meanwhile.
    Content {
        bytes: Arc<[u8]>,
        stamp: Stamp,
        /// Warnings about the file itself, as about its owner and mode.
        warnings: Vec<Diagnostic>,
    },
    /// The file was not read. The diagnostics say why.
    Refused {
        /// `None` if not even `stat` succeeded.
        stamp: Option<Stamp>,
        diagnostics: Vec<Diagnostic>,
    },
    /// The file changed while it was read. Read it again a little later.
    Changing,
    /// The file does not exist.
    Gone,
}
