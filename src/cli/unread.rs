//! Job files that the daemon has not read yet.
//!
//! The daemon needs a moment for a new file. A command that comes directly after it would say that there is no such job.

use std::path::Path;
use std::time::{Duration, Instant};

use super::exit::{Exit, Failure};
use super::ledger_view::LedgerView;
use crate::config::Settings;
use crate::control::daemon_lock;
use crate::control::layout::Layout;
use crate::intake::Directory;
use crate::job::derived_id;
use crate::ledger::{self, LedgerError, Reader};

/// How long a command waits for the daemon to read a new file.
pub const SETTLING: Duration = Duration::from_secs(3);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until a running daemon has read the files that were just added to the jobs directory. Waits for nothing if the
/// ledger cannot be read: the command itself finds that out.
pub fn settle(settings: &Settings) {
    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    let asked = Instant::now();
    while asked.elapsed() < SETTLING
        && has_just_changed(&settings.jobs_dir)
        && daemon_lock::is_running(&layout)
    {
        let reader = ledger::open_read_only(&layout.ledger());
        let all_are_read = reader.and_then(|reader| Ok(unread(settings, &reader)?.is_empty()));
        if all_are_read.unwrap_or(true) {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

/// The names of the job files that no daemon has read, sorted. Empty if the directory cannot be listed.
pub fn unread(settings: &Settings, reader: &Reader) -> Result<Vec<String>, LedgerError> {
    let listed = Directory::open(&settings.jobs_dir, None);
    let names = listed.and_then(|(directory, _)| directory.names());
    let known = reader.files()?;
    let mut names: Vec<String> = names
        .unwrap_or_default()
        .into_iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.retain(|name| known.iter().all(|file| file.file != *name));
    Ok(names)
}

/// Why a file is not read, as the end of a sentence.
pub fn why(ledger: &LedgerView) -> &'static str {
    match ledger.daemon {
        true => "the daemon has not read it yet",
        false => "no daemon has read it yet",
    }
}

/// The failure for a job that does not exist. Its file may be there already.
pub fn no_such_job(settings: &Settings, ledger: &LedgerView, name: &str) -> Failure {
    let files = unread(settings, &ledger.reader).unwrap_or_default();
    match files.iter().find(|file| derived_id(file) == name) {
        Some(file) => Failure::new(
            Exit::NotFound,
            format!(
                "there is no job {name}: {} is there, and {}",
                settings.jobs_dir.join(file).display(),
                why(ledger)
            ),
        ),
        None => ledger.no_such_job(name),
    }
}

/// Whether a file was added to the directory or removed from it within the time [`SETTLING`].
pub fn has_just_changed(directory: &Path) -> bool {
    let modified = std::fs::metadata(directory).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age < SETTLING))
}
