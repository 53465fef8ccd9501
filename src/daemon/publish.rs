//! The files for monitoring: `freezerd.prom` and `status.json` in `metrics_dir`.
//!
//! A thread of its own makes them from committed rows, so the loop only opens a reader of the ledger. They are made once
//! a second at most, and less often when that takes long. When nothing happens they are made once a minute, so that
//! their age shows that the daemon is alive.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::control::daemon_lock::Holder;
use crate::kill_point::{self, Point};
use crate::ledger::{Reader, RedbLedger};
use crate::status::{self, Facts, Status};

/// The shortest time from one publication to the next.
const PAUSE: Duration = Duration::from_secs(1);

/// Making the files takes at most one part in this many of the time.
const SHARE: u32 = 20;

/// The longest time from one publication to the next.
const REFRESH: Duration = Duration::from_secs(60);

/// Keeps the files up to date.
pub struct Publisher {
    dir: PathBuf,
    daemon: Holder,
    /// How many commits had been made when the last one was noted.
    commits: u64,
    pace: Pace,
    /// The thread that makes the files now.
    work: Option<JoinHandle<Made>>,
    /// The last publication failed, and a warning says so.
    failing: bool,
}

/// Whether the files could be written, and how long it took to make them.
type Made = (Result<(), (PathBuf, io::Error)>, Duration);

impl Publisher {
    /// A publisher of this daemon, which starts now. It has written nothing yet.
    pub fn new(dir: &Path) -> Publisher {
        Publisher {
            dir: dir.to_owned(),
            daemon: Holder::this(Utc::now()),
            commits: 0,
            pace: Pace::begin(Instant::now()),
            work: None,
            failing: false,
        }
    }

    /// Notes how many commits have been made.
    pub fn committed(&mut self, commits: u64) {
        if commits != self.commits {
            self.commits = commits;
            self.pace.changed();
        }
    }

    /// Waits until [`Publisher::publish`] has something to do.
    pub async fn next(&mut self) {
        if let Some(work) = &mut self.work {
            let made = work.await;
            self.work = None;
            if let Ok(made) = made {
                self.note(made);
            }
        }
        sleep_until(self.pace.due).await;
    }

    /// Begins to make the files anew, unless a thread makes them already.
    pub fn publish(&mut self, ledger: &RedbLedger) {
        if self.work.is_some() {
            return;
        }
        self.pace.begun(Instant::now());
        // The loop reports a ledger that cannot be read. The files then grow old.
        let Ok(reader) = ledger.reader() else { return };
        let dir = self.dir.clone();
        let daemon = Some(self.daemon.clone());
        self.work = Some(tokio::task::spawn_blocking(move || {
            make(&dir, reader, daemon)
        }));
    }

    /// Makes the files for the last time: they say that no daemon runs.
    pub async fn end(mut self, ledger: &RedbLedger) {
        if let Some(work) = self.work.take() {
            let _ = work.await;
        }
        if let Ok(reader) = ledger.reader() {
            let made = make(&self.dir, reader, None);
            self.note(made);
        }
    }

    fn note(&mut self, (result, took): Made) {
        self.pace.made(Instant::now(), took);
        tracing::debug!("made what monitoring sees in {} ms", took.as_millis());
        match result {
            Ok(()) if self.failing => {
                self.failing = false;
                tracing::info!("{} shows the state again", self.dir.display());
            }
            Err((path, error)) if !self.failing => {
                self.failing = true;
                tracing::warn!(
                    "cannot write {}: {}; monitoring sees an old state until it can be written again (metrics_dir)",
                    path.display(),
                    crate::os::reason(&error)
                );
            }
            _ => {}
        }
    }
}

/// Decides when the files are made next.
#[derive(Clone, Copy, Debug)]
struct Pace {
    due: Instant,
    /// Not before this instant, whatever happens.
    earliest: Instant,
}

impl Pace {
    fn begin(now: Instant) -> Pace {
        Pace {
            due: now,
            earliest: now,
        }
    }

    /// There is something new to publish.
    fn changed(&mut self) {
        self.due = self.due.min(self.earliest);
    }

    /// The files begin to be made.
    fn begun(&mut self, now: Instant) {
        self.earliest = now + PAUSE;
        self.due = now + REFRESH;
    }

    /// The files were made, in the time `took`.
    fn made(&mut self, now: Instant, took: Duration) {
        self.earliest = self.earliest.max(now + took * SHARE);
        self.due = self.due.max(self.earliest);
    }
}

fn make(dir: &Path, reader: Reader, daemon: Option<Holder>) -> Made {
    let begun = std::time::Instant::now();
    let facts = Facts::read(&reader);
    drop(reader);
    let result = match facts {
        Ok(facts) => write(dir, &Status::of(&facts, daemon, now())),
        // The loop reports it, too.
        Err(error) => Err((dir.to_owned(), io::Error::other(error.to_string()))),
    };
    (result, begun.elapsed())
}

fn now() -> DateTime<Utc> {
    use chrono::SubsecRound;
    Utc::now().trunc_subsecs(3)
}

fn write(dir: &Path, status: &Status) -> Result<(), (PathBuf, io::Error)> {
    // One level only, so that a mistyped path is not created.
    match DirBuilder::new().mode(0o755).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err((dir.to_owned(), error));
        }
        _ => {}
    }
    for (name, text) in [
        ("freezerd.prom", status::prometheus(status)),
        ("status.json", status.to_json()),
    ] {
        replace(dir, name, &text).map_err(|error| (dir.join(name), error))?;
    }
    Ok(())
}

/// Replaces a file. Readers see the whole old file or the whole new one. The file is not flushed, since it is worthless
/// after a crash.
fn replace(dir: &Path, name: &str, text: &str) -> io::Result<()> {
    let hidden = dir.join(format!(".{name}.tmp"));
    // Somebody else may own the directory: a file or link that exists under this name is not written to.
    match fs::remove_file(&hidden) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&hidden)?;
    // Others have to read the file, whatever the umask is.
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(text.as_bytes())?;
    kill_point::reached(Point::StatusWritten);
    fs::rename(&hidden, dir.join(name))?;
    kill_point::reached(Point::StatusShown);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn however_much_is_committed_the_files_are_made_once_a_second_at_most() {
        let start = Instant::now();
        let mut pace = Pace::begin(start);
        assert_eq!(pace.due, start, "at once, the first time");
        pace.begun(start);
        pace.changed();
        pace.made(start + MS, MS);
        pace.changed();
        assert_eq!(pace.due, start + PAUSE);
        pace.begun(start + PAUSE);
        pace.changed();
        assert_eq!(pace.due, start + 2 * PAUSE);
    }

    #[test]
    fn what_takes_long_is_made_less_often() {
        let start = Instant::now();
        let mut pace = Pace::begin(start);
        pace.begun(start);
        // It changed again before they were done.
        pace.changed();
        pace.made(start + 500 * MS, 500 * MS);
        assert_eq!(pace.due, start + 500 * MS + 500 * MS * SHARE);
        pace.changed();
        assert_eq!(pace.due, start + 500 * MS + 500 * MS * SHARE);
    }

    #[test]
    fn when_nothing_happens_they_are_made_once_a_minute() {
        let start = Instant::now();
        let mut pace = Pace::begin(start);
        pace.begun(start);
        pace.made(start + MS, MS);
        assert_eq!(pace.due, start + REFRESH);
    }
}
