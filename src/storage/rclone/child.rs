//! The process of rclone. It ends with this process, however that ends.

use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::Tell;
use crate::os;

/// How long rclone has to end when it is asked to.
const GRACE: Duration = Duration::from_secs(2);

/// The longest line of rclone's log that is taken, in bytes.
const LONGEST_LINE: u64 = 8 * 1024;

/// How long its last lines may take to arrive when it has ended.
const LAST_LINES: Duration = Duration::from_secs(1);

/// How many lines are kept: the first ones, and the last one.
const KEPT_LINES: usize = 200;

/// A running rclone. It is ended with this value.
#[derive(Debug)]
pub(super) struct Child {
    process: OwnedFd,
    end: Mutex<Receiver<io::Result<ExitStatus>>>,
    ended: Mutex<bool>,
    log: Arc<Log>,
}

/// What rclone writes to its standard error: lines that wait until it is known whether it serves, then a log.
struct Log {
    lines: Mutex<Lines>,
    tell: Arc<Tell>,
}

/// Where lines go.
enum Lines {
    /// They are kept, and the sender wakes who waits for them.
    Waiting(Vec<String>, SyncSender<()>),
    /// They are told at once.
    Told,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Log")
    }
}

impl Log {
    fn take(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *lines {
            Lines::Waiting(kept, wake) => {
                // The last one often says why it ends.
                kept.truncate(KEPT_LINES - 1);
                kept.push(line);
                let _ = wake.try_send(());
            }
            Lines::Told => (self.tell)(&line),
        }
    }

    fn ends(&self) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Lines::Waiting(_, wake) = &*lines {
            let _ = wake.try_send(());
        }
    }
}

impl Child {
    /// Starts it. `woken` gets something whenever it has written a line, and when it ends.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(super) fn start(
        mut command: Command,
        tell: Arc<Tell>,
    ) -> io::Result<(Child, Receiver<()>)> {
        // A group of its own: a Ctrl-C in a terminal is for this process, which then still removes its lock.
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        os::with_earlier_limits(&mut command);
        os::die_with_parent(&mut command);
        // One call is enough to wake who waits, however many lines there are.
        let (wake, woken) = mpsc::sync_channel(1);
        let log = Arc::new(Log {
            lines: Mutex::new(Lines::Waiting(Vec::new(), wake)),
            tell,
        });
        let (started, start) = mpsc::sync_channel(1);
        let (ended, end) = mpsc::channel();
        let (of_thread, of_wait) = (Arc::clone(&log), Arc::clone(&log));
        // The kernel ties the life of the child to the thread that starts it. This one lives as long as the child.
        std::thread::Builder::new()
            .name("rclone".to_owned())
            .spawn(move || {
                let mut child = match command.spawn() {
                    Ok(child) => child,
                    Err(error) => return drop(started.send(Err(error))),
                };
                // Until it is waited for, no other process can have its number.
                let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty());
                if process.is_err() {
                    let _ = child.kill();
                }
                let _ = started.send(process.map_err(Into::into));
                let (read, is_read) = mpsc::channel::<()>();
                if let Some(stderr) = child.stderr.take() {
                    std::thread::spawn(move || {
                        read_lines(stderr, &of_thread);
                        drop(read);
                    });
                }
                let end = child.wait();
                // What it wrote last says why. A process that it started may hold its standard error for longer.
                let _ = is_read.recv_timeout(LAST_LINES);
                let _ = ended.send(end);
                of_wait.ends();
            })?;
        let process = start
            .recv()
            .map_err(|_| io::Error::other("the thread of rclone has ended"))??;
        let child = Child {
            process,
            end: Mutex::new(end),
            ended: Mutex::new(false),
            log,
        };
        Ok((child, woken))
    }

    /// The lines that it wrote until now, while they wait.
    pub(super) fn lines(&self) -> Vec<String> {
        let lines = self.log.lines.lock();
        match &*lines.unwrap_or_else(PoisonError::into_inner) {
            Lines::Waiting(kept, _) => kept.clone(),
            Lines::Told => Vec::new(),
        }
    }

    /// From now on, lines are told. Returns those that waited.
    pub(super) fn tell_lines(&self) -> Vec<String> {
        let lines = self.log.lines.lock();
        let mut lines = lines.unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *lines, Lines::Told) {
            Lines::Waiting(kept, _) => kept,
            Lines::Told => Vec::new(),
        }
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.ends_within(Duration::ZERO)
    }

    fn ends_within(&self, patience: Duration) -> bool {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if !*ended {
            let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
            *ended = match end.recv_timeout(patience) {
                Ok(_) | Err(RecvTimeoutError::Disconnected) => true,
                Err(RecvTimeoutError::Timeout) => false,
            };
        }
        *ended
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        for signal in [Signal::TERM, Signal::KILL] {
            // One that is gone needs no signal.
            let _ = pidfd_send_signal(&self.process, signal);
            if self.ends_within(GRACE) {
                return;
            }
        }
    }
}

/// Gives each line to the log, until the end. A line that is too long is taken in pieces.
fn read_lines(stderr: ChildStderr, log: &Log) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut stderr)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end();
                if !text.is_empty() {
                    log.take(text.to_owned());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_lines_without_end_the_first_ones_and_the_last_one_are_kept() {
        let (wake, woken) = mpsc::sync_channel(1);
        let log = Log {
            lines: Mutex::new(Lines::Waiting(Vec::new(), wake)),
            tell: Arc::new(Box::new(|_| ())),
        };
        for number in 0..10_000 {
            log.take(number.to_string());
        }
        log.ends();
        assert_eq!(woken.try_iter().count(), 1);
        let lines = log.lines.lock().unwrap();
        let Lines::Waiting(kept, _) = &*lines else {
            panic!("they are told")
        };
        assert_eq!(kept.len(), KEPT_LINES);
        assert_eq!((kept[0].as_str(), kept[199].as_str()), ("0", "9999"));
    }
}
