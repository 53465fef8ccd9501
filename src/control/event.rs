//! Event files: the requests of the command line to the daemon.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use crate::kill_point::{self, Point};
use crate::os;
use crate::protocol::OpenAlarm;

/// What a request asks the daemon to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Put the job on its schedule, or back on it.
    Start,
    /// Take the job off its schedule. An open run finishes first.
    Stop,
    /// End the job's run now, and take the job off its schedule.
    Abort,
    /// Remove the job. An open run finishes first.
    Remove,
    /// Run the job once, now.
    Trigger,
    /// Tell receivers again what they have not accepted.
    Notify,
    /// Somebody has accepted snapshots of the job that look as if its source were damaged.
    Accept,
}

impl Command {
    /// The name of the command on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Command::Start => "start",
            Command::Stop => "stop",
            Command::Abort => "abort",
            Command::Remove => "remove",
            Command::Trigger => "trigger",
            Command::Notify => "notify",
            Command::Accept => "accept",
        }
    }
}

/// The content of an event file: one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFile {
    /// The time in nanoseconds and the sender's process id. The ledger holds the answer under this id.
    pub id: String,
    pub command: Command,
    /// Empty: it is not about a job.
    pub job_id: String,
    /// Of [`Command::Notify`]: the names of the receivers. Empty: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<String>,
    /// Of [`Command::Accept`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<OpenAlarm>,
    /// The name of the user who asks, for example `root (sudo anna)`, or `uid 1000` for a user without a name.
    pub by: String,
    /// When the request was made.
    pub at: DateTime<Utc>,
}

/// The largest size of an event file, in bytes. A larger file is refused.
const LIMIT: u64 = 64 * 1024;

/// A sender writes an event under a hidden name and renames it at once. When a hidden file is older than this, its
/// sender was killed.
const ABANDONED: Duration = Duration::from_secs(60);

impl EventFile {
    /// A new request of the user who runs this process.
    pub fn new(command: Command, job_id: &str) -> EventFile {
        let now = Utc::now();
        let uid = rustix::process::getuid().as_raw();
        let by = match std::env::var("SUDO_USER") {
            Ok(user) if uid == 0 => format!("root (sudo {user})"),
            _ => os::user_name(uid).unwrap_or_else(|| format!("uid {uid}")),
        };
        EventFile {
            id: format!(
                "{}-{}",
                now.timestamp_nanos_opt().unwrap_or_default(),
                std::process::id()
            ),
            command,
            job_id: job_id.to_owned(),
            receivers: Vec::new(),
            alarms: Vec::new(),
            by,
            at: now,
        }
    }

    /// A new request to tell these receivers again, or all of them.
    pub fn notify(receivers: &[String]) -> EventFile {
        EventFile {
            receivers: receivers.to_vec(),
            ..EventFile::new(Command::Notify, "")
        }
    }

    /// Word that these alarms of a job were accepted.
    pub fn accept(job_id: &str, alarms: Vec<OpenAlarm>) -> EventFile {
        EventFile {
            alarms,
            ..EventFile::new(Command::Accept, job_id)
        }
    }

    /// Writes the event file for the daemon and returns its path. The file gets its name only after it is on disk.
    pub fn send(&self, layout: &Layout) -> io::Result<PathBuf> {
        let dir = layout.events();
        let hidden = dir.join(format!(".{}.tmp", self.id));
        let path = dir.join(format!("{}.json", self.id));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&hidden)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        kill_point::reached(Point::EventWritten);
        fs::rename(&hidden, &path)?;
        File::open(&dir)?.sync_all()?;
        kill_point::reached(Point::EventSent);
        Ok(path)
    }
}

/// Files of the events directory, each with its path, and either its event or why it is invalid.
pub type Waiting = Vec<(PathBuf, Result<EventFile, String>)>;

/// The first `most` files in the events directory: those with the name of an event come first, the oldest first. True if
/// there are more.
pub fn waiting(layout: &Layout, most: usize) -> io::Result<(Waiting, bool)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(layout.events())? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden || path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        found.push(path);
    }
    found.sort_by_cached_key(|path| (!is_named_as_event(path), path.clone()));
    let more = found.len() > most;
    let waiting = found
        .into_iter()
        .take(most)
        .map(|path| {
            let event = read(&path);
            (path, event)
        })
        .collect();
    Ok((waiting, more))
}

/// Whether the file's name is the id of an event: two numbers.
fn is_named_as_event(path: &Path) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    path.file_stem()
        .and_then(|stem| stem.to_str())
        .and_then(|stem| stem.split_once('-'))
        .is_some_and(|(time, process)| number(time) && number(process))
}

/// Removes the hidden files of senders that were killed.
pub fn sweep(layout: &Layout) {
    for entry in fs::read_dir(layout.events())
        .into_iter()
        .flatten()
        .flatten()
    {
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let old = modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED));
        if hidden && old {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn read(path: &Path) -> Result<EventFile, String> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)
        .map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() || metadata.len() > LIMIT {
        return Err("it is not a small regular file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(LIMIT)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}
