//! The jobs directory as the daemon sees it: scans it, and says what changed.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::Critical;
use super::scheduler;
use super::standing_checks::StandingChecks;
use crate::config::Settings;
use crate::intake::{self, Catalog, Directory, FileChange, FileState, Trust};
use crate::job::check_policy::is_standing_check;
use crate::job::diagnostic::Diagnostic;
use crate::job::secret_text;
use crate::os;

/// The jobs directory, and what is known of its files.
pub struct JobsDir {
    path: PathBuf,
    trust: Trust,
    catalog: Catalog,
    checks: StandingChecks,
    /// The last complaint about the directory itself, so that it is not repeated after every scan.
    complaint: Option<UnreadableDir>,
}

/// The result of a scan.
pub struct Scan {
    /// The changes since the last scan.
    pub changes: Vec<FileChange>,
    /// A file was being written: scan again soon.
    pub unsettled: bool,
    /// The directory could not be read: scan again after a while.
    pub unreadable: bool,
}

impl JobsDir {
    /// Prepares the scans. The directory has to exist.
    pub fn open(settings: &Settings, left: &scheduler::StoredState) -> Result<JobsDir, Critical> {
        let path = settings.jobs_dir.clone();
        if !path.exists() {
            return Err(Critical::NoJobsDir { path });
        }
        let remembered: BTreeMap<String, intake::Remembered> = left
            .jobs
            .iter()
            .filter(|job| !job.file.as_deref().is_some_and(is_standing_check))
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
            checks: StandingChecks::new(settings),
            complaint: None,
        })
    }

    /// The scan at the start. A directory that cannot be read is an error, since all its jobs would be missing.
    pub fn first_scan(&mut self) -> Result<Vec<FileChange>, Critical> {
        match self.read() {
            Ok(states) => Ok(self.update(states)),
            Err(source) => Err(Critical::JobsDir {
                path: self.path.clone(),
                source,
            }),
        }
    }

    /// Any later scan. While the directory cannot be read, all jobs stay as they are.
    pub fn rescan(&mut self) -> Scan {
        let states = match self.read() {
            Ok(states) => states,
            Err(fault) => {
                if self.complaint.as_ref() != Some(&fault) {
                    tracing::error!(
                        "cannot read {}: {fault}; the jobs go on as they are",
                        self.path.display()
                    );
                    self.complaint = Some(fault);
                }
                return Scan {
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
            states = missing_twice(states, self.read().unwrap_or_default());
            unsettled |= states.len() != before;
        }
        Scan {
            changes: self.update(states),
            unsettled,
            unreadable: false,
        }
    }

    fn update(&mut self, states: Vec<(String, FileState)>) -> Vec<FileChange> {
        let holds_secret = |state: &FileState| match state {
            FileState::Content { bytes, .. } => secret_text::holds_secret(bytes),
            _ => false,
        };
        if states.iter().any(|(_, state)| holds_secret(state)) {
            os::forbid_core_files();
        }
        let mut changes = self.catalog.update(states);
        if !changes.is_empty() {
            changes.extend(self.checks.follow(&self.catalog));
        }
        changes
    }

    /// Reads the directory. It is opened anew each time, since another one may have its name now.
    fn read(&self) -> Result<Vec<(String, FileState)>, UnreadableDir> {
        let (directory, warnings) =
            Directory::open(&self.path, Some(self.trust.clone())).map_err(UnreadableDir)?;
        for warning in &warnings {
            tracing::debug!("{}: {}", self.path.display(), warning.message);
        }
        intake::scan(&directory, &self.catalog).map_err(UnreadableDir)
    }
}

/// Why the jobs directory cannot be read: what the intake says of it. `Display` is one line.
#[derive(Debug, PartialEq, Eq)]
pub struct UnreadableDir(Vec<Diagnostic>);

impl fmt::Display for UnreadableDir {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("; ")?;
            }
            formatter.write_str(&fault.message)?;
            if let Some(help) = &fault.help {
                write!(formatter, "; {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for UnreadableDir {}

fn is_gone(state: &(String, FileState)) -> bool {
    matches!(state.1, FileState::Gone)
}

/// What two readings in a row say together. A file that is renamed while its directory is listed may be in the list
/// under neither name. That must not remove its job, so a file is gone only when it is missing from both lists. A name
/// that is only in the second list belongs to the same rename.
fn missing_twice(
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
        assert_eq!(names(&missing_twice(vec![gone("a")], vec![])), []);
        assert_eq!(
            names(&missing_twice(vec![gone("a")], vec![gone("a")])),
            [("a", true)]
        );
    }

    #[test]
    fn the_new_name_of_a_rename_comes_with_the_old_ones_end() {
        assert_eq!(
            names(&missing_twice(vec![gone("a")], vec![gone("a"), here("b")])),
            [("a", true), ("b", false)]
        );
    }
}
