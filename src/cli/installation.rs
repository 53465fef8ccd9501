//! Reading the ledger beside a daemon, or without one.

use std::path::Path;

use crate::config::Settings;
use crate::control::layout::Layout;
use crate::control::presence;
use crate::ledger::{self, Damage, LedgerError, Reader, RedbLedger};
use crate::record::FileVerdict;

use super::exit::{Exit, Failure};

/// The installation that the settings name, as a reader sees it.
pub struct Installation {
    /// Its places.
    pub layout: Layout,
    /// A daemon works on it now.
    pub daemon: bool,
    /// The view.
    pub reader: Reader,
    /// What whoever reads it has to know.
    pub notes: Vec<String>,
}

/// Opens the ledger for reading. After a crash only a writer may: where no daemon runs, this becomes it.
pub fn open(settings: &Settings) -> Result<Installation, Failure> {
    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    let daemon = presence::is_running(&layout);
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
        // It closed the file after a failure and tries again and again to open it.
        Err(LedgerError::NeedsRepair { .. }) => {
            return Err(Failure::new(
                Exit::TryAgain,
                format!(
                    "the daemon cannot write the ledger {} just now, and nobody can read it until it can: is there \
                     space left? Its log says why",
                    path.display()
                ),
            ));
        }
        Err(LedgerError::Missing { .. }) => {
            return Err(Failure::new(
                Exit::NotFound,
                format!(
                    "freezerd has not run on {} yet: start it with `freezerd run`, or name its --state-dir",
                    settings.state_dir.display()
                ),
            ));
        }
        Err(error) => return Err(explain(error, daemon)),
    };
    watch_for_panics(&path, daemon);
    Ok(Installation {
        layout,
        daemon,
        reader,
        notes,
    })
}

/// What a ledger that cannot be read needs.
fn explain(error: LedgerError, daemon: bool) -> Failure {
    let mend = match &error {
        LedgerError::Damaged { .. } if daemon => {
            "; restart the daemon: it puts the ledger aside and begins a new one"
        }
        LedgerError::Damaged { .. } => {
            "; the daemon's next start puts it aside and begins a new one"
        }
        _ => "",
    };
    let failure = Failure::from(error);
    Failure::new(failure.exit, format!("{}{mend}", failure.message))
}

/// redb trusts what it wrote and does not check every page for a reader: where it stumbles over bytes that somebody
/// else put there, the command ends with a word.
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

/// That history is missing, as long as the ledger that has it lies beside.
pub fn notes(ledger: &Path) -> Vec<String> {
    let values = ledger::unreadable::kept(ledger).into_iter();
    let values = values.map(|(path, count)| {
        format!(
            "{} of the ledger could not be read, and {} kept in {}; once that is not needed any more, delete it, and \
             this note goes",
            crate::units::count(count as u64, "value", "values"),
            if count == 1 { "is" } else { "are" },
            path.display()
        )
    });
    let asides = ledger::set_asides(ledger).into_iter();
    asides
        .map(|aside| {
            format!(
                "the ledger was found damaged on {}, and a new one was begun: what was before stands in {} alone; \
                 once that is not needed any more, delete it, and this note goes",
                aside.at.format("%F %T UTC"),
                aside.path.display()
            )
        })
        .chain(values)
        .collect()
}

impl Drop for Installation {
    /// Whatever was asked, the answer is not whole where a value could not be read.
    fn drop(&mut self) {
        let left_out = self.reader.left_out();
        if left_out > 0 {
            eprintln!(
                "Note: {} of the ledger cannot be read and left out here; `freezerd state check` names them, and the \
                 daemon's next start keeps them aside.",
                crate::units::count(left_out as u64, "value", "values")
            );
        }
    }
}

impl Installation {
    /// Why there is no job of that name: its file is invalid, or another host's; or the nearest name is meant.
    pub fn no_such_job(&self, name: &str) -> Failure {
        self.explain_absence(name).unwrap_or_else(Failure::from)
    }

    fn explain_absence(&self, name: &str) -> Result<Failure, LedgerError> {
        for file in self.reader.files()? {
            match file.verdict {
                FileVerdict::Invalid {
                    job_id: Some(job_id),
                    report,
                    ..
                } if job_id == name => {
                    return Ok(Failure::new(
                        Exit::BadJobFile,
                        format!("{name} is not loaded: {} is invalid\n{report}", file.file),
                    ));
                }
                FileVerdict::Foreign { job_id, client_id } if job_id == name => {
                    return Ok(Failure::new(
                        Exit::NotFound,
                        format!(
                            "{name} ({}) is a job of {client_id}, not of this host",
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
