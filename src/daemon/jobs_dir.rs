//! The daemon's hand in the jobs directory: looks, and says what changed.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::Critical;
use super::scheduler::Remembered as Left;
use crate::config::Settings;
use crate::intake::{self, Catalog, Directory, FileChange, FileState, Trust};
use crate::job::diagnostic::Diagnostic;

/// The jobs directory and what is known of it.
pub struct JobsDir {
    path: PathBuf,
    trust: Trust,
    catalog: Catalog,
    /// What was last said about the directory itself, so that it is not said at every look.
    complaint: Option<String>,
}

/// What a look found.
pub struct Look {
    /// The changes since the last one.
    pub changes: Vec<FileChange>,
    /// A file was being written: look again soon.
    pub unsettled: bool,
    /// The directory could not be read: look again after a while.
    pub unreadable: bool,
}

impl JobsDir {
    /// Prepares to look; the directory has to be there.
    pub fn open(settings: &Settings, left: &Left) -> Result<JobsDir, Critical> {
        let path = settings.jobs_dir.clone();
        if !path.exists() {
            return Err(Critical::NoJobsDir { path });
        }
        let remembered: BTreeMap<String, intake::Remembered> = left
            .jobs
            .iter()
            .filter_map(|job| {
                let known = intake::Remembered {
                    file: job.file.clone()?,
                    content: Some(Arc::from(job.document.as_bytes())),
                };
                Some((job.job_id.clone(), known))
            })
            .collect();
        Ok(JobsDir {
            path,
            trust: Trust::of_process(settings.trusted_owners.clone()),
            catalog: Catalog::new(settings.job_host(), settings.client_id.clone(), remembered),
            complaint: None,
        })
    }

    /// The look at start: a directory that cannot be read ends the program, since all its jobs would be missing.
    pub fn first_look(&mut self) -> Result<Vec<FileChange>, Critical> {
        match self.scan() {
            Ok(states) => Ok(self.catalog.update(states)),
            Err(message) => Err(Critical::JobsDir {
                path: self.path.clone(),
                message,
            }),
        }
    }

    /// Any later look. While the directory cannot be read, all jobs stay as they are.
    pub fn look(&mut self) -> Look {
        let states = match self.scan() {
            Ok(states) => states,
            Err(message) => {
                if self.complaint.as_ref() != Some(&message) {
                    tracing::error!(
                        "cannot read {}: {message}; the jobs go on as they are",
                        self.path.display()
                    );
                    self.complaint = Some(message);
                }
                return Look {
                    changes: Vec::new(),
                    unsettled: false,
                    unreadable: true,
                };
            }
        };
        if self.complaint.take().is_some() {
            tracing::info!("{} can be read again", self.path.display());
        }
        let changing = |state: &(String, FileState)| matches!(state.1, FileState::Changing);
        let mut unsettled = states.iter().any(changing);
        let mut states = states;
        if states.iter().any(is_gone) {
            let before = states.len();
            states = gone_twice(states, self.scan().unwrap_or_default());
            unsettled |= states.len() != before;
        }
        Look {
            changes: self.catalog.update(states),
            unsettled,
            unreadable: false,
        }
    }

    /// Opened anew each time: another directory may have taken its place.
    fn scan(&self) -> Result<Vec<(String, FileState)>, String> {
        let (directory, warnings) = Directory::open(&self.path, Some(self.trust.clone()))
            .map_err(|faults| in_a_line(&faults))?;
        for warning in &warnings {
            tracing::debug!("{}: {}", self.path.display(), warning.message);
        }
        intake::scan(&directory, &self.catalog).map_err(|faults| in_a_line(&faults))
    }
}

fn in_a_line(faults: &[Diagnostic]) -> String {
    faults
        .iter()
        .map(|fault| match &fault.help {
            Some(help) => format!("{}; {help}", fault.message),
            None => fault.message.clone(),
        })
        .collect::<Vec<_>>()
        .join("; ")
}

fn is_gone(state: &(String, FileState)) -> bool {
    matches!(state.1, FileState::Gone)
}

/// A file that is renamed while its directory is listed may be in the list under neither name. Its job must not go
/// for that: who is gone is gone in two lists, and a name that is only in the second belongs to the same rename.
fn gone_twice(
    first: Vec<(String, FileState)>,
    second: Vec<(String, FileState)>,
) -> Vec<(String, FileState)> {
    let (gone, there): (Vec<_>, Vec<_>) = second.into_iter().partition(is_gone);
    let gone: HashSet<String> = gone.into_iter().map(|(file, _)| file).collect();
    let mut sure: Vec<(String, FileState)> = first
        .into_iter()
        .filter(|state| !is_gone(state) || gone.contains(&state.0))
        .collect();
    let known: HashSet<String> = sure.iter().map(|(file, _)| file.clone()).collect();
    sure.extend(there.into_iter().filter(|(file, _)| !known.contains(file)));
    sure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone(file: &str) -> (String, FileState) {
        (file.to_owned(), FileState::Gone)
    }

    fn here(file: &str) -> (String, FileState) {
        (file.to_owned(), FileState::Changing)
    }

    fn names(states: &[(String, FileState)]) -> Vec<(&str, bool)> {
        states
            .iter()
            .map(|state| (state.0.as_str(), is_gone(state)))
            .collect()
    }

    #[test]
    fn a_name_that_one_list_missed_is_not_gone() {
        assert_eq!(names(&gone_twice(vec![gone("a")], vec![])), []);
        assert_eq!(
            names(&gone_twice(vec![gone("a")], vec![gone("a")])),
            [("a", true)]
        );
    }

    #[test]
    fn the_new_name_of_a_rename_comes_with_the_old_ones_end() {
        assert_eq!(
            names(&gone_twice(vec![gone("a")], vec![gone("a"), here("b")])),
            [("a", true), ("b", false)]
        );
    }
}
