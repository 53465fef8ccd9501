//! Reading the ledger beside a daemon, or without one.

use crate::config::Settings;
use crate::control::layout::Layout;
use crate::control::presence;
use crate::store::record::FileVerdict;
use crate::store::{self, Reader, Store, StoreError};

use super::exit::{Exit, Failure};

/// The installation that the settings name, as a reader sees it.
pub struct Ledger {
    /// Its places.
    pub layout: Layout,
    /// A daemon works on it now.
    pub daemon: bool,
    /// The view.
    pub reader: Reader,
}

/// Opens the ledger for reading. After a crash only a writer may: where no daemon runs, this becomes it.
pub fn open(settings: &Settings) -> Result<Ledger, Failure> {
    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    let daemon = presence::is_running(&layout);
    let path = layout.ledger();
    let reader = match store::open_read_only(&path) {
        Ok(reader) => reader,
        Err(StoreError::NeedsRepair { .. }) if !daemon => {
            drop(Store::open(&path)?);
            store::open_read_only(&path)?
        }
        Err(StoreError::Missing { .. }) => {
            return Err(Failure::new(
                Exit::NotFound,
                format!(
                    "freezerd has not run on {} yet: start it with `freezerd run`, or name its --state-dir",
                    settings.state_dir.display()
                ),
            ));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Ledger {
        layout,
        daemon,
        reader,
    })
}

impl Ledger {
    /// Why there is no job of that name: its file is invalid, or another host's; or the nearest name is meant.
    pub fn no_such_job(&self, name: &str) -> Failure {
        self.explain_absence(name).unwrap_or_else(Failure::from)
    }

    fn explain_absence(&self, name: &str) -> Result<Failure, StoreError> {
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
