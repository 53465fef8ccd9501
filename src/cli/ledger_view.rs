//! Reads the ledger, with or without a running daemon.

use std::path::Path;

use crate::config::{Settings, paths};
use crate::control::daemon_lock;
use crate::control::layout::Layout;
use crate::job::derived_id;
use crate::ledger::{self, Damage, LedgerError, Reader, RedbLedger};
use crate::record::FileVerdict;

use super::exit::{Exit, Failure};

/// The installation that the settings name, opened for reading.
pub struct LedgerView {
    pub layout: Layout,
    /// Whether a daemon runs on it now.
    pub daemon: bool,
    /// A view of the ledger. It does not change while the daemon writes.
    pub reader: Reader,
    /// Sentences about data that is missing after a damage of the ledger; usually empty.
    pub notes: Vec<String>,
}

/// Opens the ledger for reading. After a crash the ledger needs a repair, which only a writer can do. If no daemon runs,
/// this function does the repair.
pub fn open(settings: &Settings) -> Result<LedgerView, Failure> {
    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    let daemon = daemon_lock::is_running(&layout);
    let path = layout.ledger();
    let notes = notes(&path);
    for note in &notes {
        eprintln!("Note: {note}");
    }
    let reader = match ledger::open_read_only(&path) {
        Ok(reader) => reader,
        Err(LedgerError::NeedsRepair { .. }) if !daemon => RedbLedger::open(&path)
            .map(drop)
            .and_then(|()| ledger::open_read_only(&path))
            .map_err(|error| explain(error, daemon))?,
        // The daemon closed the file after an error and tries to open it again.
        Err(LedgerError::NeedsRepair { .. }) => {
            return Err(Failure::new(
                Exit::TryAgain,
                format!(
                    "the daemon cannot write the ledger {} at the moment, and no command can read it until then; \
                     check the free space and the log of the daemon",
                    path.display()
                ),
            ));
        }
        Err(LedgerError::Missing { .. }) => {
            let mend = match system_daemon_is_hidden() {
                true => {
                    "the daemon of this host belongs to root: use `sudo` to ask it. A daemon of your own starts with `freezerd \
                     run`"
                }
                false => "start it with `freezerd run`, or name another directory with --state-dir",
            };
            return Err(Failure::new(
                Exit::NotFound,
                format!(
                    "freezerd has not run on {} yet; {mend}",
                    settings.state_dir.display()
                ),
            ));
        }
        Err(error) => return Err(explain(error, daemon)),
    };
    watch_for_panics(&path, daemon);
    Ok(LedgerView {
        layout,
        daemon,
        reader,
        notes,
    })
}

/// Adds to the error what to do about a damaged ledger.
fn explain(error: LedgerError, daemon: bool) -> Failure {
    let advice = match &error {
        LedgerError::Damaged { .. } if daemon => {
            "; restart the daemon: its next start keeps the damaged file under another name and creates a new ledger"
        }
        LedgerError::Damaged { .. } => {
            "; the next start of the daemon keeps the damaged file under another name and creates a new ledger"
        }
        LedgerError::Denied { .. } if system_daemon_is_hidden() => {
            "; the daemon of this host belongs to root: use `sudo`"
        }
        _ => "",
    };
    let failure = Failure::from(error);
    Failure::new(failure.exit, format!("{}{advice}", failure.message))
}

/// Whether this user is not root, on a host where root has a state directory.
pub fn system_daemon_is_hidden() -> bool {
    !rustix::process::geteuid().is_root() && paths::system_state_dir().exists()
}

/// Turns a panic of redb into an error message. redb does not check every page when it opens a file for reading, and
/// panics when it meets a damaged page.
fn watch_for_panics(path: &Path, daemon: bool) {
    let path = path.to_owned();
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let of_redb = |location: &std::panic::Location<'_>| location.file().contains("/redb-");
        if !info.location().is_some_and(of_redb) {
            return tell(info);
        }
        let error = LedgerError::Damaged {
            path: path.clone(),
            damage: Damage::SenselessPage,
        };
        let failure = explain(error, daemon);
        eprintln!("freezerd: {}", failure.message);
        std::process::exit(failure.exit as i32);
    }));
}

/// One note for each file that keeps damaged data of this ledger. A note disappears with its file.
pub fn notes(ledger: &Path) -> Vec<String> {
    let values = ledger::unreadable::kept(ledger).into_iter();
    let values = values.map(|(path, count)| {
        format!(
            "{} of the ledger could not be read, and {} kept in {}; to remove this note, delete that file when you no \
             longer need it",
            crate::units::count(count as u64, "value", "values"),
            if count == 1 { "is" } else { "are" },
            path.display()
        )
    });
    let asides = ledger::set_asides(ledger).into_iter();
    asides
        .map(|aside| {
            format!(
                "the ledger was found damaged on {}, and a new one was created; the earlier history is only in {}; to \
                 remove this note, delete that file when you no longer need it",
                aside.at.format("%F %T UTC"),
                aside.path.display()
            )
        })
        .chain(values)
        .collect()
}

impl Drop for LedgerView {
    /// Says that the output is incomplete if a value could not be read. This holds for every command.
    fn drop(&mut self) {
        let left_out = self.reader.left_out();
        if left_out > 0 {
            eprintln!(
                "Note: {} of the ledger cannot be read and left out of this output. `freezerd state check` lists them. \
                 The next start of the daemon moves them to a separate file.",
                crate::units::count(left_out as u64, "value", "values")
            );
        }
    }
}

impl LedgerView {
    /// The failure for a job that does not exist. It says whether the file of the job is invalid or belongs to another
    /// host; otherwise it suggests the most similar name.
    pub fn no_such_job(&self, name: &str) -> Failure {
        self.explain_absence(name).unwrap_or_else(Failure::from)
    }

    fn explain_absence(&self, name: &str) -> Result<Failure, LedgerError> {
        let files = self.reader.files()?;
        for file in &files {
            match &file.verdict {
                // Where no id can be read, the file is known by its name.
                FileVerdict::Invalid { job_id, report, .. }
                    if match job_id {
                        Some(job_id) => job_id == name,
                        None => derived_id(&file.file) == name,
                    } =>
                {
                    return Ok(Failure::new(
                        Exit::BadJobFile,
                        format!("{name} is not loaded: {} is invalid", file.file),
                    )
                    .with_details(report.clone()));
                }
                FileVerdict::Foreign { job_id, client_id } if job_id == name => {
                    return Ok(Failure::new(
                        Exit::NotFound,
                        format!(
                            "{name} ({}) is a job of the host {client_id}, not of this host",
                            file.file
                        ),
                    ));
                }
                _ => {}
            }
        }
        let known = self.reader.jobs()?.into_iter();
        let hint = known
            .map(|known| {
                (
                    strsim::damerau_levenshtein(name, &known.job_id),
                    known.job_id,
                )
            })
            .min()
            .filter(|(distance, _)| *distance <= 3)
            .map_or_else(
                || "`freezerd list` shows them".to_owned(),
                |(_, known)| format!("did you mean {known}?"),
            );
        Ok(Failure::new(
            Exit::NotFound,
            format!("there is no job {name}; {hint}"),
        ))
    }
}
