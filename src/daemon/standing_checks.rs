//! The checks that the settings ask for, as jobs beside those of the jobs directory.

use std::collections::BTreeMap;

use crate::config::Settings;
use crate::intake::{Catalog, FileChange, FileState, Stamp};
use crate::job::Host;
use crate::job::check_policy::{CheckPolicy, standing_checks};

/// The checks that follow from the jobs.
pub(super) struct StandingChecks {
    /// `None`: there are none.
    policy: Option<CheckPolicy>,
    host: Host,
    /// Their documents are its files.
    catalog: Catalog,
}

impl StandingChecks {
    /// Before the first scan of the jobs directory.
    pub fn new(settings: &Settings) -> StandingChecks {
        let host = settings.job_host();
        StandingChecks {
            policy: settings.check_policy(),
            catalog: Catalog::new(host.clone(), settings.client_id.clone(), BTreeMap::new()),
            host,
        }
    }

    /// Follows a change of the jobs.
    pub fn follow(&mut self, jobs: &Catalog) -> Vec<FileChange> {
        let Some(policy) = self.policy else {
            return Vec::new();
        };
        let mut states: BTreeMap<String, FileState> = self
            .catalog
            .files()
            .map(|name| (name.to_owned(), FileState::Gone))
            .collect();
        for check in standing_checks(policy, jobs.contents(), &self.host) {
            // Somebody has a job of the same id: that is theirs.
            if jobs.owner(&check.job_id).is_some() {
                continue;
            }
            let state = FileState::Content {
                stamp: Stamp::of_no_file(check.document.len()),
                bytes: check.document.into(),
                warnings: Vec::new(),
            };
            states.insert(check.name, state);
        }
        let mut changes = self.catalog.update(states.into_iter().collect());
        // A job that has taken over the id stays.
        changes.retain(|change| match change {
            FileChange::Gone { job_id, .. } => jobs.owner(job_id).is_none(),
            _ => true,
        });
        changes
    }
}
