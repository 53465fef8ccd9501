//! The `log_file` of an action: a file of the user's, to which runs append.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{SecondsFormat, Utc};

use crate::control::mark;
use crate::intake::{Trust, UnsafePath, open_to_append};
use crate::job::diagnostic::quoted;
use crate::os;

/// How many bytes one run may append, whatever its number of actions and attempts.
const LIMIT: u64 = 16 * 1024 * 1024;

/// How many bytes of the last lines of an attempt are kept beyond the limit.
const END: usize = 256 * 1024;

/// How much a run may still append to log files. All its attempts share it.
#[derive(Clone, Debug)]
pub(super) struct Allowance(Arc<AtomicU64>);

impl Default for Allowance {
    fn default() -> Allowance {
        Allowance(Arc::new(AtomicU64::new(LIMIT)))
    }
}

impl Allowance {
    /// Takes this much, if there is as much.
    fn take(&self, bytes: u64) -> bool {
        let less = |left: u64| left.checked_sub(bytes);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}

/// An open `log_file`.
///
/// The file is never cut: others may write to it, too. So the last lines beyond the limit wait in memory until this value
/// is dropped.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    run: u64,
    allowance: Allowance,
    /// The last lines of an attempt that has reached the limit.
    end: VecDeque<String>,
    /// The sum of their sizes.
    end_bytes: usize,
    /// The bytes between the first lines and the last.
    left_out: u64,
    full: bool,
}

impl LogFile {
    /// Opens the file to append to it.
    ///
    /// # Errors
    /// When an untrusted user could have chosen the file, or the system refuses.
    pub(super) fn open(
        path: &Path,
        run: u64,
        trust: &Trust,
        allowance: Allowance,
    ) -> Result<LogFile, UnsafePath> {
        let mut file = open_to_append(path, trust)?;
        if ends_within_a_line(&file) {
            // If that fails, the first line fails, too.
            let _ = file.write_all(b"\n");
        }
        Ok(LogFile {
            path: path.to_owned(),
            file,
            run,
            allowance,
            end: VecDeque::new(),
            end_bytes: 0,
            left_out: 0,
            full: false,
        })
    }

    /// Appends a whole line.
    ///
    /// # Errors
    /// When the file cannot be written. The error says what follows from that.
    pub(super) fn append(&mut self, line: &str) -> Result<(), String> {
        self.append_line(line).map_err(|error| {
            format!(
                "cannot append to the log_file {}: {}; nothing more of this attempt is appended there, and `freezerd log {}` \
                 has all of it",
                quoted(&self.path.to_string_lossy()),
                os::reason(&error),
                self.run
            )
        })
    }

    fn append_line(&mut self, line: &str) -> io::Result<()> {
        if !self.full && self.allowance.take(line.len() as u64) {
            return self.file.write_all(line.as_bytes());
        }
        self.full = true;
        self.end_bytes += line.len();
        self.end.push_back(line.to_owned());
        while self.end_bytes > END
            && let Some(first) = self.end.pop_front()
        {
            self.end_bytes -= first.len();
            self.left_out += first.len() as u64;
        }
        Ok(())
    }

    /// Writes the last lines, after a line that says how much is left out before them.
    fn write_end(&mut self) -> io::Result<()> {
        if self.left_out > 0 {
            let stamp = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
            writeln!(
                self.file,
                "{stamp} {}: {} bytes are left out here: run {} has written {LIMIT} bytes to this file; `freezerd log {}` \
                 has more",
                mark::WRITER,
                self.left_out,
                self.run,
                self.run
            )?;
        }
        for line in self.end.drain(..) {
            self.file.write_all(line.as_bytes())?;
        }
        Ok(())
    }
}

/// Whether the last line has no end, because a disk was full or a writer was killed. What is appended would be a part of
/// it.
fn ends_within_a_line(file: &File) -> bool {
    let mut last = [b'\n'];
    let length = file.metadata().map_or(0, |about| about.len());
    // One that cannot be read is taken as it is.
    length > 0 && file.read_exact_at(&mut last, length - 1).is_ok() && last != [b'\n']
}

impl Drop for LogFile {
    fn drop(&mut self) {
        if let Err(error) = self.write_end() {
            tracing::warn!(
                run = self.run,
                "cannot append the end of the log to the log_file {}: {}; `freezerd log {}` has it",
                quoted(&self.path.to_string_lossy()),
                os::reason(&error),
                self.run
            );
        }
    }
}
