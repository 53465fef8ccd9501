//! The daemon's hand in the jobs directory: looks, and says what changed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::Critical;
use super::scheduler::Remembered as Left;
use crate::config::Settings;
use crate::intake::{self, Catalog, Change, Directory, FileState, Trust};
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
    pub changes: Vec<Change>,
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
    pub fn first_look(&mut self) -> Result<Vec<Change>, Critical> {
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
        let unsettled = states
            .iter()
            .any(|(_, state)| matches!(state, FileState::Changing));
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
