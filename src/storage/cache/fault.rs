//! Why the cache is not used.

use std::path::PathBuf;
use std::{fmt, io};

/// What is wrong with the cache. No action fails for that.
#[derive(Debug)]
pub struct CacheFault {
    pub step: CacheStep,
    /// The file or directory.
    pub path: PathBuf,
    /// What the operating system said; `None` where it said nothing.
    pub cause: Option<io::Error>,
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheStep {
    /// To make a directory.
    Create,
    /// To open the directory or to look at what is in it.
    Read,
    /// To write a file.
    Write,
    /// To remove a file.
    Remove,
    /// Others could change what is in the directory: it does not belong to the user of this process, or others may write
    /// to it.
    Trust,
}

impl fmt::Display for CacheFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let step = match self.step {
            CacheStep::Create => "create",
            CacheStep::Read => "read",
            CacheStep::Write => "write",
            CacheStep::Remove => "remove",
            CacheStep::Trust => {
                return write!(
                    f,
                    "{path} does not belong to this user alone; `chown` and `chmod 700` it, or choose another cache_dir"
                );
            }
        };
        write!(f, "cannot {step} {path}")?;
        match &self.cause {
            Some(cause) => write!(f, ": {}", crate::os::reason(cause)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CacheFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}
