//! Reads a pipe line by line.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::Notify;

/// Lines of a bounded length.
pub struct Lines<R> {
    reader: BufReader<R>,
    partial: Vec<u8>,
    limit: usize,
    /// Notified of all output, whole lines or not.
    pulse: Arc<Notify>,
    /// More may come.
    pub open: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The lines of a pipe. A line that is longer than `limit` bytes is cut in pieces. `pulse` is notified of all output,
    /// whole lines or not.
    pub fn new(reader: R, limit: usize, pulse: Arc<Notify>) -> Lines<R> {
        Lines {
            reader: BufReader::new(reader),
            partial: Vec::new(),
            limit,
            pulse,
            open: true,
        }
    }

    /// The next line without its line end; `None` at the end. Safe to cancel: nothing that was read is lost.
    pub async fn next(&mut self) -> Option<String> {
        while self.open {
            let Ok(buffer) = self.reader.fill_buf().await else {
                self.open = false;
                break;
            };
            if buffer.is_empty() {
                self.open = false;
                break;
            }
            self.pulse.notify_one();
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let room = self.limit.saturating_sub(self.partial.len());
            let (take, whole) = match newline {
                Some(at) if at < room => (at, true),
                _ if buffer.len() >= room => (room, false),
                _ => (buffer.len(), false),
            };
            self.partial.extend_from_slice(&buffer[..take]);
            self.reader.consume(take + usize::from(whole));
            if whole || self.partial.len() >= self.limit {
                return Some(self.take());
            }
        }
        (!self.partial.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let bytes = std::mem::take(&mut self.partial);
        String::from_utf8_lossy(&bytes)
            .trim_end_matches('\r')
            .to_owned()
    }
}
