//! Which file owns which job id.

use std::collections::BTreeMap;

use super::Catalog;
use super::entry::{Latest, News};

impl Catalog {
    /// Takes an id away from its file.
    pub(super) fn release(
        &mut self,
        job_id: String,
        file: &str,
        released: &mut BTreeMap<String, String>,
    ) {
        self.owners.remove(&job_id);
        released.insert(job_id, file.to_owned());
    }

    /// Gives the free ids to the files that wait for them.
    pub(super) fn hand_out(
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
                let latest = std::mem::replace(&mut entry.latest, Latest::InForce);
                if let Latest::Waiting { version, .. } = latest {
                    self.owners.insert(version.job.id.clone(), file.clone());
                    let old = entry.in_force.replace(version);
                    // The id that the file kept while it waited is free now. Another file may wait for it.
                    if let Some(old) = old
                        && self.owners.get(&old.job.id) == Some(&file)
                    {
                        self.release(old.job.id.clone(), &file, released);
                    }
                    news.insert(file, News::Job);
                }
            }
        }
        // A file that was changed to an id that is taken keeps its old id, if that is still free.
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

    /// The file that gets each free id that some file waits for.
    fn takers(&self) -> Vec<String> {
        let mut waiting: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (file, entry) in &self.files {
            if let Latest::Waiting { version, .. } = &entry.latest
                && !self.owners.contains_key(&version.job.id)
            {
                waiting
                    .entry(version.job.id.as_str())
                    .or_default()
                    .push(file);
            }
        }
        let first = |(id, files): (&str, Vec<&str>)| self.first_of(id, &files).map(str::to_owned);
        waiting.into_iter().filter_map(first).collect()
    }

    /// The file that gets a free id: its owner in an earlier process, else the file that has claimed it for the
    /// longest time, else the first by name.
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
}
