//! Reading the ledger beside a daemon, or without one.

use crate::config::Settings;
use crate::control::layout::Layout;
use crate::control::presence;
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

/// No job of that name; the nearest one may be meant.
pub fn no_such_job(job_id: &str, known: impl Iterator<Item = String>) -> Failure {
    let hint = known
        .map(|known| (strsim::damerau_levenshtein(job_id, &known), known))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map_or_else(
            || "`freezerd list` shows them".to_owned(),
            |(_, known)| format!("did you mean {known}?"),
        );
    Failure::new(Exit::NotFound, format!("there is no job {job_id}; {hint}"))
}
