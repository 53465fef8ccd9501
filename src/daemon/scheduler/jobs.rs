//! The jobs that the scheduler knows, and the timeline of their next firings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::job::Job;
use crate::lifecycle::notices::{self, Audience};
use crate::record::{JobRecord, OpenRun};
use crate::tell::receiver::Receiver;

/// One job: its record, and what its content means.
pub(super) struct Entry {
    pub record: JobRecord,
    /// `None` when neither the file nor the remembered content can be read.
    pub job: Option<Arc<Job>>,
    /// The job's jitter on this host.
    pub delay: TimeDelta,
    /// The job's instant in the timeline.
    indexed: Option<DateTime<Utc>>,
    /// The instant at which receivers are told something of the job, if nothing happens before.
    looked_at: Option<DateTime<Utc>>,
}

impl Entry {
    pub(super) fn new(record: JobRecord, job: Option<Arc<Job>>, delay: TimeDelta) -> Entry {
        Entry {
            record,
            job,
            delay,
            indexed: None,
            looked_at: None,
        }
    }
}

/// All jobs. A change of a record goes through [`Jobs::put`], which keeps the timeline true.
pub(super) struct Jobs {
    entries: BTreeMap<String, Entry>,
    /// The next firing of each job that has one.
    timeline: BTreeSet<(DateTime<Utc>, String)>,
    /// Jobs that do not fire again in this process: each has had its one run (`Policy::only_until`).
    served: BTreeSet<String>,
    receivers: Arc<[Receiver]>,
    /// When receivers are told something of a job, if nothing happens before.
    looks: BTreeSet<(DateTime<Utc>, String)>,
}

impl Jobs {
    /// No jobs yet. The receivers are told of them.
    pub(super) fn new(receivers: Arc<[Receiver]>) -> Jobs {
        Jobs {
            entries: BTreeMap::new(),
            timeline: BTreeSet::new(),
            served: BTreeSet::new(),
            receivers,
            looks: BTreeSet::new(),
        }
    }

    pub(super) fn get(&self, job_id: &str) -> Option<&Entry> {
        self.entries.get(job_id)
    }

    pub(super) fn get_mut(&mut self, job_id: &str) -> Option<&mut Entry> {
        self.entries.get_mut(job_id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.entries.iter()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The run that the job has now.
    pub(super) fn open_run(&self, job_id: &str) -> Option<OpenRun> {
        self.get(job_id).and_then(|entry| entry.record.run)
    }

    /// Whether somebody aborted this run of the job.
    pub(super) fn is_aborting(&self, job_id: &str, run: u64) -> bool {
        self.open_run(job_id)
            .is_some_and(|open| open.number == run && open.aborting)
    }

    /// Adds a job. It gets its place in the timeline with the first [`Jobs::put`].
    pub(super) fn insert(&mut self, entry: Entry) {
        self.entries.insert(entry.record.job_id.clone(), entry);
    }

    /// Replaces the record of a known job; true when the record differs from the old one.
    pub(super) fn put(&mut self, record: &JobRecord) -> bool {
        let Some(entry) = self.entries.get_mut(&record.job_id) else {
            return false;
        };
        let differs = entry.record != *record;
        if differs {
            entry.record = record.clone();
        }
        let next = record
            .next
            .filter(|_| entry.job.is_some() && !self.served.contains(&record.job_id));
        if entry.indexed != next {
            if let Some(at) = entry.indexed {
                self.timeline.remove(&(at, record.job_id.clone()));
            }
            if let Some(at) = next {
                self.timeline.insert((at, record.job_id.clone()));
            }
            entry.indexed = next;
        }
        let look = entry.job.as_ref().and_then(|job| {
            let audience = Audience::new(&self.receivers, &job.notify);
            notices::next_look(record, audience)
        });
        if entry.looked_at != look {
            if let Some(at) = entry.looked_at {
                self.looks.remove(&(at, record.job_id.clone()));
            }
            if let Some(at) = look {
                self.looks.insert((at, record.job_id.clone()));
            }
            entry.looked_at = look;
        }
        differs
    }

    pub(super) fn remove(&mut self, job_id: &str) {
        let Some(entry) = self.entries.remove(job_id) else {
            return;
        };
        if let Some(at) = entry.indexed {
            self.timeline.remove(&(at, job_id.to_owned()));
        }
        if let Some(at) = entry.looked_at {
            self.looks.remove(&(at, job_id.to_owned()));
        }
    }

    /// From its next [`Jobs::put`] on, the job does not fire again in this process.
    pub(super) fn mark_served(&mut self, job_id: &str) {
        self.served.insert(job_id.to_owned());
    }

    /// The earliest firing of all jobs.
    pub(super) fn next_firing(&self) -> Option<DateTime<Utc>> {
        self.timeline.first().map(|(at, _)| *at)
    }

    /// The earliest instant at which receivers are told something, if nothing happens before.
    pub(super) fn next_look(&self) -> Option<DateTime<Utc>> {
        self.looks.first().map(|(at, _)| *at)
    }

    /// The jobs of which receivers are told something by now.
    pub(super) fn to_look_at(&self, now: DateTime<Utc>) -> Vec<String> {
        self.looks
            .range(..=(now, "\u{10ffff}".to_owned()))
            .map(|(_, job_id)| job_id.clone())
            .collect()
    }

    /// The jobs that fire at `until` or earlier, the earliest first.
    pub(super) fn firing_until(&self, until: DateTime<Utc>) -> Vec<String> {
        self.timeline
            .range(..=(until, "\u{10ffff}".to_owned()))
            .map(|(_, job_id)| job_id.clone())
            .collect()
    }
}
