//! What a batch changed: the reports of single files and of the files that wait for an id.

use super::Catalog;
use super::entry::{Latest, News, Version};
use crate::intake::change::FileChange;
use crate::job::codes;
use crate::job::diagnostic::{Diagnostic, quoted};

impl Catalog {
    /// Reports what a file is now. The files that wait are reported afterwards.
    pub(super) fn report_file(&self, file: String, news: News, changes: &mut Vec<FileChange>) {
        let entry = self.files.get(&file);
        let in_force = entry.and_then(|entry| entry.in_force.as_ref());
        match news {
            News::Gone => changes.push(FileChange::FileGone { file }),
            News::Foreign {
                job_id,
                client_id,
                warnings,
                bytes,
            } => {
                changes.push(FileChange::Foreign {
                    file,
                    job_id,
                    client_id,
                    warnings,
                    bytes,
                });
            }
            News::Job => {
                if let (Some(Latest::InForce), Some(version)) =
                    (entry.map(|entry| &entry.latest), in_force)
                {
                    changes.push(loaded(&file, version));
                }
            }
            News::Bad {
                job_id,
                diagnostics,
                bytes,
            } => {
                let kept = in_force.map(|version| version.job.id.clone());
                if let (Some(version), Some(entry)) = (in_force, entry)
                    && entry.since == self.batches
                {
                    // The version is from an earlier process. This process has not loaded it yet.
                    changes.push(loaded(&file, version));
                }
                let job_id = job_id.or_else(|| kept.clone());
                changes.push(FileChange::Invalid {
                    file,
                    job_id,
                    kept,
                    diagnostics,
                    bytes,
                });
            }
        }
    }

    /// Reports which file owns the id that another file waits for, unless that was reported before.
    pub(super) fn report_waiting(&mut self, changes: &mut Vec<FileChange>) {
        for (file, entry) in &mut self.files {
            let Latest::Waiting { version, reported } = &mut entry.latest else {
                continue;
            };
            let Some(owner) = self.owners.get(&version.job.id) else {
                continue;
            };
            if reported.as_ref() == Some(owner) {
                continue;
            }
            *reported = Some(owner.clone());
            let mut diagnostics = version.warnings.clone();
            diagnostics.push(duplicate(version, owner));
            changes.push(FileChange::Invalid {
                file: file.clone(),
                job_id: Some(version.job.id.clone()),
                kept: entry
                    .in_force
                    .as_ref()
                    .map(|version| version.job.id.clone()),
                diagnostics,
                bytes: version.bytes.clone(),
            });
        }
    }
}

fn duplicate(version: &Version, owner: &str) -> Diagnostic {
    let id = quoted(&version.job.id);
    let fault = Diagnostic::error(
        codes::DUPLICATE_JOB_ID,
        format!("the job id {id} already belongs to {}", quoted(owner)),
    );
    match &version.spans.job_id {
        Some(span) => fault.at(span.clone()).label("taken").help("change this id, or remove one of the two files"),
        None => fault.help("the job id comes from the file's name: rename the file, give it a `job_id`, or remove one of the two files"),
    }
}

fn loaded(file: &str, version: &Version) -> FileChange {
    FileChange::Loaded {
        file: file.to_owned(),
        job: version.job.clone(),
        digest: version.digest,
        bytes: version.bytes.clone(),
        warnings: version.warnings.clone(),
    }
}
