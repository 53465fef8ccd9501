//! One file of the source, as the engine reads it.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustic_core::{ReadSourceOpen, RusticResult};

use super::Shared;
use crate::rustic::problem::{PathFault, ReadStep};

/// A file that the walk opened.
pub struct OpenFile {
    pub file: File,
    /// Its size when it was opened.
    pub size: u64,
    pub path: PathBuf,
    pub shared: Arc<Shared>,
}

impl ReadSourceOpen for OpenFile {
    type Reader = Reader;

    fn open(self) -> RusticResult<Reader> {
        Ok(Reader {
            left: self.size,
            file: self.file,
            path: self.path,
            shared: self.shared,
            finished: self.size == 0,
        })
    }
}

/// Reads a file up to the size that it had when it was opened. Data that is appended later belongs to the next backup.
pub struct Reader {
    file: File,
    left: u64,
    path: PathBuf,
    shared: Arc<Shared>,
    finished: bool,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            self.finished |= self.left == 0;
            return Ok(0);
        }
        let length = buffer
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        match self.file.read(&mut buffer[..length]) {
            Ok(0) => {
                self.finished = true;
                self.left = 0;
                self.shared.problem(&self.path, PathFault::BecameShorter);
                Ok(0)
            }
            Ok(count) => {
                self.left -= count as u64;
                self.finished = self.left == 0;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.finished = true;
                self.shared.lost.fetch_add(1, Ordering::Relaxed);
                // For the engine; the problem keeps the error itself.
                let again = match error.raw_os_error() {
                    Some(number) => io::Error::from_raw_os_error(number),
                    None => error.kind().into(),
                };
                self.shared.problem(
                    &self.path,
                    PathFault::Unreadable {
                        step: ReadStep::Read,
                        source: error,
                    },
                );
                Err(again)
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.finished {
            self.shared.engine_gave_up.store(true, Ordering::Relaxed);
        }
    }
}
