//! An answer of a server.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use ureq::Body;
use ureq::http::HeaderMap;
use ureq::http::header::{CONTENT_TYPE, RETRY_AFTER};

use super::super::FileKind;
use super::super::error::ErrorKind;
use super::super::limit::{Direction, Pace};
use super::body::Paced;
use super::{Failure, Way};

/// An answer, whose body is read as it arrives.
pub struct Answer {
    pub status: u16,
    /// In bytes, if the server says it.
    pub length: Option<u64>,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    pub(super) kind: FileKind,
    pub(super) stall: Duration,
    pub way: Way,
    pub(super) pace: Option<Arc<Pace>>,
}

impl Answer {
    /// A header of the answer, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long the server wants to be left alone, if it says it in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header(RETRY_AFTER.as_str())?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// The refusal that this answer is; its status decides about the kind.
    pub fn refusal(self) -> Failure {
        let (failure, after) = (self.of_status(), self.retry_after());
        self.finish();
        failure.until_later(after)
    }

    /// The refusal that this answer is, without the wish to be left alone.
    pub fn of_status(&self) -> Failure {
        Failure::status_on(self.status, self.way)
    }

    /// Whether the server calls itself rclone, which has peculiar answers.
    pub fn is_from_rclone(&self) -> bool {
        self.header("server")
            .is_some_and(|server| server.starts_with("rclone/"))
    }

    /// The type of the content without its parameters; empty if the server does not say it.
    pub fn content_type(&self) -> &str {
        let written = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        written.split(';').next().unwrap_or_default().trim()
    }

    /// The body, at the speed that the limits allow. [`Answer::body_failure`] understands an error of this reader.
    pub fn reader(&mut self) -> impl Read + '_ {
        Paced {
            inner: self.body.as_reader(),
            pace: self.pace.clone(),
            direction: Direction::Down,
            kind: self.kind,
        }
    }

    /// A failure of the body.
    pub fn body_failure(&self, error: std::io::Error) -> Failure {
        Failure::of(ureq::Error::from(error), self.stall, self.way)
    }

    /// Reads what is left of a short body, so that the connection can be used again.
    pub fn finish(mut self) {
        const LEFT: u64 = 16 * 1024;
        let _ = std::io::copy(&mut self.body.as_reader().take(LEFT), &mut std::io::sink());
    }

    /// Fills the buffer with the whole body of a range that begins at `offset`.
    ///
    /// # Errors
    /// `TooShort` when the server has less of it; `Unreachable` when the connection was cut; `Answer` when it is not this
    /// range.
    pub fn fill(mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        let too_short = || Failure::status(416);
        let starts_there = |range: &str| {
            let start = range
                .strip_prefix("bytes ")
                .and_then(|range| range.split('-').next());
            start.and_then(|start| start.parse().ok()) == Some(offset)
        };
        match self.header("content-range") {
            // Some servers forget the status.
            Some(range) if starts_there(range) => {}
            None if self.status == 206 => {}
            _ => return Err(Failure::answer("the server does not know ranges")),
        }
        if self
            .length
            .is_some_and(|length| length < buffer.len() as u64)
        {
            return Err(too_short());
        }
        let length_is_known = self.length.is_some();
        let mut filled = 0;
        while filled < buffer.len() {
            let read = self.reader().read(&mut buffer[filled..]);
            match read {
                // A body of an unknown length that ends is the rest of the file.
                Ok(0) if !length_is_known => return Err(too_short()),
                Ok(0) => {
                    let cut = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
                    return Err(self.body_failure(cut));
                }
                Ok(count) => filled += count,
                Err(error) => return Err(self.body_failure(error)),
            }
        }
        self.finish();
        Ok(())
    }

    /// The whole body.
    ///
    /// # Errors
    /// `TooLarge` when it has more than `limit` bytes; `Unreachable` when the connection was cut.
    pub fn whole(mut self, limit: u64) -> Result<Vec<u8>, Failure> {
        let too_large = || Failure::told(ErrorKind::TooLarge, "the file is too large".to_owned());
        if self.length.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut content = Vec::new();
        let read = self
            .reader()
            .take(limit.saturating_add(1))
            .read_to_end(&mut content);
        if let Err(error) = read {
            return Err(self.body_failure(error));
        }
        let size = content.len() as u64;
        if size > limit {
            return Err(too_large());
        }
        if self.length.is_some_and(|length| length != size) {
            let cut = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
            return Err(self.body_failure(cut));
        }
        Ok(content)
    }
}
