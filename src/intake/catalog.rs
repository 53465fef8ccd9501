//! Which file is which job: pure decisions over what was read.
//!
//! A file *claims* a job id. The first to claim it owns it; a file that turns bad keeps its last good version and its
//! claim; when an owner lets go, the next file that waits for the id takes over in the same step.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::change::{Change, Remembered};
use super::directory::FileState;
use super::stamp::{Digest, Stamp};
use crate::job::codes;
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::{Host, Job, Spans, parse};

/// All that is known of the files of a jobs directory.
#[derive(Debug)]
pub struct Catalog {
    host: Host,
    client_id: String,
    files: BTreeMap<String, Entry>,
    /// Which file each job id belongs to.
    owners: BTreeMap<String, String>,
    remembered: BTreeMap<String, Remembered>,
    /// The remembered job of each file.
    remembered_of: HashMap<String, String>,
    batches: u64,
}

/// One file.
#[derive(Debug)]
struct Entry {
    stamp: Option<Stamp>,
    latest: Latest,
    /// The version that holds: the latest one, or the last good one before the file turned bad. Its id is owned by
    /// this file.
    in_force: Option<Good>,
    /// The batch in which it first claimed the id that it claims now.
    since: u64,
}

/// A version of a file that is a job of this host.
#[derive(Clone, Debug)]
struct Good {
    job: Arc<Job>,
    digest: Digest,
    bytes: Arc<[u8]>,
    warnings: Vec<Diagnostic>,
    spans: Spans,
}

/// The newest content of a file.
#[derive(Debug)]
enum Latest {
    /// A job, which is in force.
    Loaded,
    /// A job that cannot be in force because its id belongs to another file, which was told.
    Waiting { good: Good, told: Option<String> },
    /// No job of this host.
    Other,
}

/// What a batch said of a file, until the end of the batch.
enum News {
    Good,
    Bad {
        job_id: Option<String>,
        diagnostics: Vec<Diagnostic>,
        bytes: Arc<[u8]>,
    },
    Foreign {
        job_id: String,
        client_id: String,
        warnings: Vec<Diagnostic>,
        bytes: Arc<[u8]>,
    },
    Gone,
}

/// What a file's content is.
enum Said {
    Good(Good),
    Other(News),
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

    /// The files that it knows, in order.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The jobs that are in force, in the order of their ids, each with its file.
    pub fn jobs(&self) -> impl Iterator<Item = (&str, &Arc<Job>)> {
        self.owners.values().filter_map(|file| {
            let good = self.files.get(file)?.in_force.as_ref()?;
            Some((file.as_str(), &good.job))
        })
    }

    /// The file that owns a job id.
    pub fn owner(&self, job_id: &str) -> Option<&str> {
        self.owners.get(job_id).map(String::as_str)
    }

    /// The jobs of an earlier process that no file has now. To be asked once the whole directory was taken in.
    pub fn lost(&self) -> impl Iterator<Item = &str> {
        self.remembered
            .keys()
            .map(String::as_str)
            .filter(|id| !self.owners.contains_key(*id))
    }

    /// Whether a file was read since it was changed last.
    pub fn is_current(&self, file: &str, stamp: Option<&Stamp>) -> bool {
        let known = self.files.get(file).and_then(|entry| entry.stamp.as_ref());
        known.is_some() && known == stamp
    }

    /// Takes in what was read of some files, all at once, and says what that changes. A file that is
    /// [`FileState::Changing`] stays as it was.
    pub fn update(&mut self, changes: Vec<(String, FileState)>) -> Vec<Change> {
        self.batches += 1;
        // Of a file that comes twice, only the last state counts: the one before is not there any more.
        let states: BTreeMap<String, FileState> = changes.into_iter().collect();
        let mut news = BTreeMap::new();
        // Ids that lost their file, each with the file that it was.
        let mut released = BTreeMap::new();
        for (file, state) in states {
            if let Some(said) = self.take_in(&file, state, &mut released) {
                news.insert(file, said);
            }
        }
        self.hand_out(&mut news, &mut released);
        let mut told = Vec::new();
        for (file, news) in news {
            self.tell(file, news, &mut told);
        }
        self.tell_waiting(&mut told);
        for (job_id, file) in released {
            if !self.owners.contains_key(&job_id) {
                told.push(Change::Gone { job_id, file });
            }
        }
        told
    }

    /// Notes what one file says now. `None`: nothing new.
    fn take_in(
        &mut self,
        file: &str,
        state: FileState,
        released: &mut BTreeMap<String, String>,
    ) -> Option<News> {
        let (stamp, said) = match state {
            FileState::Changing => return None,
            FileState::Gone => {
                let entry = self.files.remove(file)?;
                if let Some(good) = entry.in_force {
                    self.release(good.job.id.clone(), file, released);
                }
                return Some(News::Gone);
            }
            FileState::Refused { stamp, diagnostics } => {
                let bytes = Arc::from([].as_slice());
                (
                    stamp,
                    Said::Other(News::Bad {
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
            } => (Some(stamp), self.judge(file, bytes, warnings)),
        };
        let mut entry = match self.files.remove(file) {
            Some(entry) => entry,
            None => self.new_entry(file),
        };
        entry.stamp = stamp;
        let news = match said {
            Said::Good(good) => self.take_in_good(file, good, &mut entry, released),
            Said::Other(news) => {
                entry.latest = Latest::Other;
                if matches!(news, News::Foreign { .. })
                    && let Some(good) = entry.in_force.take()
                {
                    self.release(good.job.id.clone(), file, released);
                }
                Some(news)
            }
        };
        self.files.insert(file.to_owned(), entry);
        news
    }

    fn take_in_good(
        &mut self,
        file: &str,
        good: Good,
        entry: &mut Entry,
        released: &mut BTreeMap<String, String>,
    ) -> Option<News> {
        let claimed = match (&entry.latest, &entry.in_force) {
            (Latest::Waiting { good, .. }, _) | (_, Some(good)) => Some(good.job.id.as_str()),
            _ => None,
        };
        if claimed != Some(good.job.id.as_str()) {
            entry.since = self.batches;
        }
        match &entry.in_force {
            Some(old) if old.job.id == good.job.id => {
                let unchanged = matches!(entry.latest, Latest::Loaded)
                    && old.digest == good.digest
                    && old.warnings == good.warnings;
                entry.in_force = Some(good);
                entry.latest = Latest::Loaded;
                (!unchanged).then_some(News::Good)
            }
            old => {
                // It lets go of the id that it had, and gets it back below if it cannot have the new one.
                if let Some(old) = old {
                    self.release(old.job.id.clone(), file, released);
                }
                entry.latest = Latest::Waiting { good, told: None };
                Some(News::Good)
            }
        }
    }

    fn release(&mut self, job_id: String, file: &str, released: &mut BTreeMap<String, String>) {
        self.owners.remove(&job_id);
        released.insert(job_id, file.to_owned());
    }

    /// A file that is seen for the first time. What an earlier process had of it is in force, if its id is free.
    fn new_entry(&mut self, file: &str) -> Entry {
        let in_force = self
            .last_good(file)
            .filter(|good| !self.owners.contains_key(&good.job.id));
        if let Some(good) = &in_force {
            self.owners.insert(good.job.id.clone(), file.to_owned());
        }
        Entry {
            stamp: None,
            latest: Latest::Other,
            in_force,
            since: self.batches,
        }
    }

    /// The last good version of a file from before this process, where there is one.
    fn last_good(&self, file: &str) -> Option<Good> {
        let remembered = self.remembered.get(self.remembered_of.get(file)?)?;
        match self.judge(file, remembered.content.clone()?, Vec::new()) {
            Said::Good(good) => Some(good),
            Said::Other(_) => None,
        }
    }

    fn judge(&self, file: &str, bytes: Arc<[u8]>, mut warnings: Vec<Diagnostic>) -> Said {
        let parsed = parse(&bytes, base_name(file), &self.host);
        warnings.extend(parsed.diagnostics);
        let Some(job) = parsed.job else {
            return Said::Other(News::Bad {
                job_id: parsed.job_id,
                diagnostics: warnings,
                bytes,
            });
        };
        match &job.client_id {
            Some(client_id) if *client_id != self.client_id => Said::Other(News::Foreign {
                job_id: job.id.clone(),
                client_id: client_id.clone(),
                warnings,
                bytes,
            }),
            _ => Said::Good(Good {
                digest: Digest::of(&bytes),
                job: Arc::new(job),
                bytes,
                warnings,
                spans: parsed.spans,
            }),
        }
    }

    /// Gives the ids that are free to the files that wait for them.
    fn hand_out(
        &mut self,
        news: &mut BTreeMap<String, News>,
        released: &mut BTreeMap<String, String>,
    ) {
        loop {
            let takers = self.takers();
            if takers.is_empty() {
                break;
            }
            for file in takers {
                let Some(entry) = self.files.get_mut(&file) else {
                    continue;
                };
                let latest = std::mem::replace(&mut entry.latest, Latest::Loaded);
                if let Latest::Waiting { good, .. } = latest {
                    self.owners.insert(good.job.id.clone(), file.clone());
                    let old = entry.in_force.replace(good);
                    // What it held on to while it waited is free now, maybe for another file that waits.
                    if let Some(old) = old
                        && self.owners.get(&old.job.id) == Some(&file)
                    {
                        self.release(old.job.id.clone(), &file, released);
                    }
                    news.insert(file, News::Good);
                }
            }
        }
        // A file that was edited to an id that it cannot have keeps what it had, if that is still free.
        for (file, entry) in &mut self.files {
            if let (Latest::Waiting { .. }, Some(old)) = (&entry.latest, &entry.in_force)
                && self.owners.get(&old.job.id) != Some(file)
            {
                if self.owners.contains_key(&old.job.id) {
                    entry.in_force = None;
                } else {
                    self.owners.insert(old.job.id.clone(), file.clone());
                    released.remove(&old.job.id);
                }
            }
        }
    }

    /// For each id that is free and waited for, the file that gets it.
    fn takers(&self) -> Vec<String> {
        let mut waiting: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (file, entry) in &self.files {
            if let Latest::Waiting { good, .. } = &entry.latest
                && !self.owners.contains_key(&good.job.id)
            {
                waiting.entry(good.job.id.as_str()).or_default().push(file);
            }
        }
        let first = |(id, files): (&str, Vec<&str>)| self.first_of(id, &files).map(str::to_owned);
        waiting.into_iter().filter_map(first).collect()
    }

    /// Who gets a free id: its owner in an earlier process, else who has claimed it longest, else the first by name.
    fn first_of<'a>(&self, id: &str, files: &[&'a str]) -> Option<&'a str> {
        let remembered = self
            .remembered
            .get(id)
            .map(|remembered| remembered.file.as_str());
        files.iter().copied().min_by_key(|file| {
            let since = self.files.get(*file).map_or(u64::MAX, |entry| entry.since);
            (Some(*file) != remembered, since, *file)
        })
    }

    /// Says what a file is now. Files that wait are told of afterwards.
    fn tell(&self, file: String, news: News, told: &mut Vec<Change>) {
        let entry = self.files.get(&file);
        let in_force = entry.and_then(|entry| entry.in_force.as_ref());
        match news {
            News::Gone => told.push(Change::FileGone { file }),
            News::Foreign {
                job_id,
                client_id,
                warnings,
                bytes,
            } => {
                told.push(Change::Foreign {
                    file,
                    job_id,
                    client_id,
                    warnings,
                    bytes,
                });
            }
            News::Good => {
                if let (Some(Latest::Loaded), Some(good)) =
                    (entry.map(|entry| &entry.latest), in_force)
                {
                    told.push(loaded(&file, good));
                }
            }
            News::Bad {
                job_id,
                diagnostics,
                bytes,
            } => {
                let kept = in_force.map(|good| good.job.id.clone());
                if let (Some(good), Some(entry)) = (in_force, entry)
                    && entry.since == self.batches
                {
                    // What an earlier process had; this one has not loaded it yet.
                    told.push(loaded(&file, good));
                }
                let job_id = job_id.or_else(|| kept.clone());
                told.push(Change::Invalid {
                    file,
                    job_id,
                    kept,
                    diagnostics,
                    bytes,
                });
            }
        }
    }

    /// Tells of each file that waits who is in its way, unless it was told that already.
    fn tell_waiting(&mut self, changes: &mut Vec<Change>) {
        for (file, entry) in &mut self.files {
            let Latest::Waiting { good, told } = &mut entry.latest else {
                continue;
            };
            let Some(owner) = self.owners.get(&good.job.id) else {
                continue;
            };
            if told.as_ref() == Some(owner) {
                continue;
            }
            *told = Some(owner.clone());
            let mut diagnostics = good.warnings.clone();
            diagnostics.push(duplicate(good, owner));
            changes.push(Change::Invalid {
                file: file.clone(),
                job_id: Some(good.job.id.clone()),
                kept: entry.in_force.as_ref().map(|good| good.job.id.clone()),
                diagnostics,
                bytes: good.bytes.clone(),
            });
        }
    }
}

fn duplicate(good: &Good, owner: &str) -> Diagnostic {
    let id = quoted(&good.job.id);
    let fault = Diagnostic::error(
        codes::DUPLICATE_JOB_ID,
        format!("the job id {id} belongs to {} already", quoted(owner)),
    );
    match &good.spans.job_id {
        Some(span) => fault.at(span.clone()).label("taken").help("change this id, or remove one of the two files"),
        None => fault.help(format!(
            "without a `job_id` this file's name makes it {id}: rename it, give it a `job_id`, or remove one of the two files"
        )),
    }
}

fn loaded(file: &str, good: &Good) -> Change {
    Change::Loaded {
        file: file.to_owned(),
        job: good.job.clone(),
        digest: good.digest,
        bytes: good.bytes.clone(),
        warnings: good.warnings.clone(),
    }
}

/// A file's name without directories.
fn base_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}
