//! The containers that the jobs use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::earlier_names::Own;
use crate::intake::{Checked, CheckedContent};
use crate::job::action::{Container, Work};
use crate::location::Location;

/// A container, and the jobs that use it with the same pass file.
#[derive(Clone, Debug)]
pub struct Used {
    pub container: Container,
    pub jobs: Vec<String>,
    /// The jobs whose backups do not create a new repository if an earlier one is gone.
    pub faithful: Vec<String>,
    /// The backups of the jobs.
    pub backups: Vec<Own>,
}

/// The containers of all valid jobs: once for each pass file that jobs use with it.
pub fn of_jobs(checked: &Checked) -> Vec<Used> {
    let mut found: BTreeMap<(Location, Option<PathBuf>), Used> = BTreeMap::new();
    for file in &checked.files {
        let CheckedContent::Job(job) = &file.content else {
            continue;
        };
        for action in &job.actions {
            let Some((container, _)) = action.action.work.container() else {
                continue;
            };
            let key = (container.location.clone(), container.pass_file.clone());
            let used = found.entry(key).or_insert_with(|| Used {
                container: container.clone(),
                jobs: Vec::new(),
                faithful: Vec::new(),
                backups: Vec::new(),
            });
            used.backups.extend(Own::of(&job.id, &action.action.work));
            if !used.jobs.contains(&job.id) {
                used.jobs.push(job.id.clone());
            }
            let creates_anew = match &action.action.work {
                Work::Backup(work) => work.allow_new_container,
                Work::Copy(work) => work.allow_new_container,
                _ => true,
            };
            if !creates_anew {
                used.faithful.push(job.id.clone());
            }
        }
    }
    found.into_values().collect()
}
