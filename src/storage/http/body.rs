//! A body that passes no faster than the limits allow.

use std::io::{self, Read};
use std::sync::Arc;

use super::super::FileKind;
use super::super::limit::{Direction, Pace};

/// The most bytes that pass at once where there is a limit.
const PIECE: usize = 64 * 1024;

/// A reader whose bytes wait for the pace.
pub(super) struct Paced<R> {
    pub inner: R,
    pub pace: Option<Arc<Pace>>,
    pub direction: Direction,
    pub kind: FileKind,
}

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(pace) = &self.pace else {
            return self.inner.read(buffer);
        };
        let piece = match pace.limits(self.direction) {
            true => buffer.len().min(PIECE),
            false => buffer.len(),
        };
        let count = self.inner.read(&mut buffer[..piece])?;
        pace.pass(self.direction, self.kind, count);
        Ok(count)
    }
}
