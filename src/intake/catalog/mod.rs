//! The catalog decides which file is which job. It is pure: others read the files.
//!
//! A file *claims* a job id. The first file that claims an id owns it. A file that turns bad keeps its last good
//! version and its id. When an owner gives up its id, a file that waits for the id takes over in the same step.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::change::{FileChange, Remembered};
use super::file_state::FileState;
use super::stamp::{Digest, Stamp};
use crate::job::diagnostic::Diagnostic;
use crate::job::{Host, Job, parse};

mod claims;
mod entry;
mod report;

use entry::{Content, Entry, Latest, News, Version};

/// The files of a jobs directory and the jobs that they are.
#[derive(Debug)]
pub struct Catalog {
    host: Host,
    client_id: String,
    files: BTreeMap<String, Entry>,
    /// The file that owns each job id.
    owners: BTreeMap<String, String>,
    /// What an earlier process knew, by job id.
    remembered: BTreeMap<String, Remembered>,
    /// The job id that each file owned in an earlier process.
    remembered_of: HashMap<String, String>,
    /// How many batches were taken in so far.
    batches: u64,
}

impl Catalog {
    /// An empty catalog for a host. `remembered` is what an earlier process knew, by job id.
    pub fn new(
        host: Host,
        client_id: impl Into<String>,
        remembered: BTreeMap<String, Remembered>,
    ) -> Catalog {
        Catalog {
            host,
            client_id: client_id.into(),
            files: BTreeMap::new(),
            owners: BTreeMap::new(),
            remembered_of: remembered
                .iter()
                .map(|(job_id, remembered)| (remembered.file.clone(), job_id.clone()))
                .collect(),
            remembered,
            batches: 0,
        }
    }

    /// The names of all known files, sorted.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The jobs in force with their files, sorted by job id.
    pub fn jobs(&self) -> impl Iterator<Item = (&str, &Arc<Job>)> {
        self.owners.values().filter_map(|file| {
            let version = self.files.get(file)?.in_force.as_ref()?;
            Some((file.as_str(), &version.job))
        })
    }

    /// The contents in force with their files, sorted by job id.
    pub fn contents(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.owners.values().filter_map(|file| {
            let version = self.files.get(file)?.in_force.as_ref()?;
            Some((file.as_str(), &*version.bytes))
        })
    }

    /// The file that owns a job id.
    pub fn owner(&self, job_id: &str) -> Option<&str> {
        self.owners.get(job_id).map(String::as_str)
    }

    /// The jobs of an earlier process that no file has now. The answer counts only after the whole directory was taken
    /// in.
    pub fn lost(&self) -> impl Iterator<Item = &str> {
        self.remembered
            .keys()
            .map(String::as_str)
            .filter(|id| !self.owners.contains_key(*id))
    }

    /// Whether the file was read after its last change. `stamp` is the file's present stamp.
    pub fn is_current(&self, file: &str, stamp: Option<&Stamp>) -> bool {
        let known = self.files.get(file).and_then(|entry| entry.stamp.as_ref());
        known.is_some() && known == stamp
    }

    /// Takes in what was read of some files as one batch, and returns what that changes. A file that is
    /// [`FileState::Changing`] stays as it was.
    pub fn update(&mut self, batch: Vec<(String, FileState)>) -> Vec<FileChange> {
        self.batches += 1;
        // If a file comes twice, only its last state counts: the earlier one is out of date.
        let states: BTreeMap<String, FileState> = batch.into_iter().collect();
        let mut news = BTreeMap::new();
        // Job ids that lost their file, each with that file.
        let mut released = BTreeMap::new();
        for (file, state) in states {
            if let Some(item) = self.take_in(&file, state, &mut released) {
                news.insert(file, item);
            }
        }
        self.hand_out(&mut news, &mut released);
        let mut changes = Vec::new();
        for (file, news) in news {
            self.report_file(file, news, &mut changes);
        }
        self.report_waiting(&mut changes);
        for (job_id, file) in released {
            if !self.owners.contains_key(&job_id) {
                changes.push(FileChange::Gone { job_id, file });
            }
        }
        changes
    }

    /// Takes in one file. `None`: nothing changed.
    fn take_in(
        &mut self,
        file: &str,
        state: FileState,
        released: &mut BTreeMap<String, String>,
    ) -> Option<News> {
        let (stamp, content) = match state {
            FileState::Changing => return None,
            FileState::Gone => {
                let entry = self.files.remove(file)?;
                if let Some(version) = entry.in_force {
                    self.release(version.job.id.clone(), file, released);
                }
                return Some(News::Gone);
            }
            FileState::Refused { stamp, diagnostics } => {
                let bytes = Arc::from([].as_slice());
                (
                    stamp,
                    Content::Other(News::Bad {
                        job_id: None,
                        diagnostics,
                        bytes,
                    }),
                )
            }
            FileState::Content {
                bytes,
                stamp,
                warnings,
            } => (Some(stamp), self.read_content(file, bytes, warnings)),
        };
        let mut entry = match self.files.remove(file) {
            Some(entry) => entry,
            None => self.new_entry(file),
        };
        entry.stamp = stamp;
        let news = match content {
            Content::Job(version) => self.take_in_job(file, version, &mut entry, released),
            Content::Other(news) => {
                entry.latest = Latest::NoJob;
                if matches!(news, News::Foreign { .. })
                    && let Some(version) = entry.in_force.take()
                {
                    self.release(version.job.id.clone(), file, released);
                }
                Some(news)
            }
        };
        self.files.insert(file.to_owned(), entry);
        news
    }

    /// Takes in a file that is a job of this host. Its id may belong to another file.
    fn take_in_job(
        &mut self,
        file: &str,
        version: Version,
        entry: &mut Entry,
        released: &mut BTreeMap<String, String>,
    ) -> Option<News> {
        let claimed = match (&entry.latest, &entry.in_force) {
            (Latest::Waiting { version, .. }, _) | (_, Some(version)) => {
                Some(version.job.id.as_str())
            }
            _ => None,
        };
        if claimed != Some(version.job.id.as_str()) {
            entry.since = self.batches;
        }
        match &entry.in_force {
            Some(old) if old.job.id == version.job.id => {
                let unchanged = matches!(entry.latest, Latest::InForce)
                    && old.digest == version.digest
                    && old.warnings == version.warnings;
                entry.in_force = Some(version);
                entry.latest = Latest::InForce;
                (!unchanged).then_some(News::Job)
            }
            old => {
                // The file gives up its old id. `hand_out` gives it back if the new one is taken.
                if let Some(old) = old {
                    self.release(old.job.id.clone(), file, released);
                }
                entry.latest = Latest::Waiting {
                    version,
                    reported: None,
                };
                Some(News::Job)
            }
        }
    }

    /// The entry of a file that is new to this process. Its last good version of an earlier process is in force, if
    /// that version's id is free.
    fn new_entry(&mut self, file: &str) -> Entry {
        let in_force = self
            .last_good(file)
            .filter(|version| !self.owners.contains_key(&version.job.id));
        if let Some(version) = &in_force {
            self.owners.insert(version.job.id.clone(), file.to_owned());
        }
        Entry {
            stamp: None,
            latest: Latest::NoJob,
            in_force,
            since: self.batches,
        }
    }

    /// The last good version of a file that an earlier process knew.
    fn last_good(&self, file: &str) -> Option<Version> {
        let remembered = self.remembered.get(self.remembered_of.get(file)?)?;
        match self.read_content(file, remembered.content.clone()?, Vec::new()) {
            Content::Job(version) => Some(version),
            Content::Other(_) => None,
        }
    }

    /// Parses a file's bytes. `warnings` are those of the file itself, as of its owner and mode.
    fn read_content(&self, file: &str, bytes: Arc<[u8]>, mut warnings: Vec<Diagnostic>) -> Content {
        let parsed = parse(&bytes, base_name(file), &self.host);
        warnings.extend(parsed.diagnostics);
        let Some(job) = parsed.job else {
            return Content::Other(News::Bad {
                job_id: parsed.job_id,
                diagnostics: warnings,
                bytes,
            });
        };
        match &job.client_id {
            Some(client_id) if *client_id != self.client_id => Content::Other(News::Foreign {
                job_id: job.id.clone(),
                client_id: client_id.clone(),
                warnings,
                bytes,
            }),
            _ => Content::Job(Version {
                digest: Digest::of(&bytes),
                job: Arc::new(job),
                bytes,
                warnings,
                spans: parsed.spans,
            }),
        }
    }
}

/// A file's name without directories.
fn base_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}
