//! What waits for one receiver.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::lifecycle::notices::GIVE_UP_AFTER;
use crate::record::{OutboxRow, OutboxState};

/// Nothing is given up before a receiver has refused so many times in a row: a clock that jumps ahead is not an outage.
const LEAST_REFUSALS: u32 = 18;

/// What waits for one receiver.
#[derive(Default)]
pub(super) struct Line {
    pub rows: BTreeMap<u64, OutboxRow>,
    /// The rows in the order in which they are sent.
    pub order: BTreeSet<(DateTime<Utc>, u64)>,
    /// The rows that are being sent.
    pub sending: Vec<u64>,
    /// How many tries in a row the receiver has refused.
    pub refusals: u32,
    /// After a refusal, nothing is sent before this instant.
    pub rests_until: Option<DateTime<Utc>>,
    /// The rows that the receiver has refused while it accepts others, each with the newest row of that moment: rows up to
    /// that one do not wait for it.
    passed: BTreeMap<u64, u64>,
    /// How many rows wait about each job.
    jobs: BTreeMap<String, usize>,
}

impl Line {
    /// Keeps a row that waits, in the place of an older one of its number.
    pub fn put(&mut self, row: OutboxRow) {
        let id = row.message.id;
        self.take(id);
        if let OutboxState::Waiting { next, .. } = row.state {
            self.order.insert((next, id));
            if let Some(job) = &row.message.job {
                *self.jobs.entry(job.clone()).or_default() += 1;
            }
            self.rows.insert(id, row);
        }
    }

    /// Takes a row out.
    pub fn take(&mut self, id: u64) -> Option<OutboxRow> {
        let row = self.rows.remove(&id)?;
        if let OutboxState::Waiting { next, .. } = row.state {
            self.order.remove(&(next, id));
        }
        if let Some(job) = &row.message.job
            && let Some(count) = self.jobs.get_mut(job)
        {
            *count -= 1;
            if *count == 0 {
                self.jobs.remove(job);
            }
        }
        Some(row)
    }

    /// Whether a row about this job waits.
    pub fn is_about(&self, job: &str) -> bool {
        self.jobs.contains_key(job)
    }

    /// The row that is sent first where this one is due: the oldest refused one about the same job that it must not pass.
    pub fn before(&self, id: u64) -> u64 {
        let Some(job) = self.rows.get(&id).and_then(|it| it.message.job.as_ref()) else {
            return id;
        };
        let must_wait = |(older, row): &(&u64, &OutboxRow)| {
            let passed = self.passed.get(older).is_some_and(|newest| id <= *newest);
            row.is_refused() && !passed && row.message.job.as_ref() == Some(job)
        };
        let mut older = self.rows.range(..id);
        older.find(must_wait).map_or(id, |(older, _)| *older)
    }

    /// The receiver refuses these rows, and may accept others. What waits now does not wait for them any more, nor for what
    /// was refused before of the same job.
    pub fn let_pass(&mut self, ids: &[u64]) {
        let Some(newest) = self.rows.last_key_value().map(|(id, _)| *id) else {
            return;
        };
        let rows = &self.rows;
        self.passed.retain(|id, _| rows.contains_key(id));
        let job_of = |id: &u64| rows.get(id).and_then(|row| row.message.job.as_ref());
        let jobs: BTreeSet<_> = ids.iter().filter_map(job_of).collect();
        for (id, passed) in &mut self.passed {
            if job_of(id).is_some_and(|job| jobs.contains(job)) {
                *passed = newest;
            }
        }
        self.passed.extend(ids.iter().map(|id| (*id, newest)));
    }

    /// The receiver knows only the last state of a job, and has accepted these rows: it would take what it refused before of
    /// the same jobs for the state of now. Takes such rows out, and returns their numbers.
    pub fn drop_before(&mut self, accepted: &[OutboxRow]) -> Vec<u64> {
        let newest = accepted.iter().map(|row| row.message.id).max().unwrap_or(0);
        let is_old = |row: &OutboxRow| {
            let mut later = accepted.iter().map(|it| &it.message);
            later.any(|it| it.job == row.message.job && it.id > row.message.id)
        };
        let older = self.rows.range(..newest).filter(|(_, row)| is_old(row));
        let old: Vec<u64> = older.map(|(id, _)| *id).collect();
        old.iter().for_each(|id| drop(self.take(*id)));
        old
    }

    /// When the next row is sent. `None` while another one is.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        let (next, _) = self.order.first().filter(|_| self.sending.is_empty())?;
        Some(self.rests_until.map_or(*next, |until| until.max(*next)))
    }

    /// Gives up what should have been sent long ago. Returns the rows as they are now.
    pub fn give_up(&mut self, reason: &str, now: DateTime<Utc>) -> Vec<OutboxRow> {
        let refusals = self.refusals;
        let is_old = |row: &&OutboxRow| match row.state {
            OutboxState::Waiting {
                next, since, tries, ..
            } => {
                let long_ago = now - since.unwrap_or(next) >= GIVE_UP_AFTER;
                long_ago && refusals.max(tries) >= LEAST_REFUSALS
            }
            _ => false,
        };
        let old = self.rows.values().filter(is_old);
        let old: Vec<u64> = old.map(|row| row.message.id).collect();
        let taken = old.into_iter().filter_map(|id| self.take(id));
        taken
            .map(|row| OutboxRow {
                state: OutboxState::GivenUp {
                    at: now,
                    reason: reason.to_owned(),
                },
                ..row
            })
            .collect()
    }

    /// What the receiver has refused, and what waits behind it, is sent as soon as possible, with these rows that were given
    /// up. The pauses begin anew. Returns these rows as they are now; those that are being sent are not among them.
    pub fn try_again(&mut self, given_up: Vec<OutboxRow>, now: DateTime<Utc>) -> Vec<OutboxRow> {
        self.refusals = 0;
        self.rests_until = None;
        for row in given_up {
            let state = OutboxState::Waiting {
                next: now,
                tries: 0,
                since: None,
                error: None,
                refused: false,
            };
            self.put(OutboxRow { state, ..row });
        }
        self.hurry(now, DateTime::<Utc>::MAX_UTC);
        let due = self.order.range(..=(now, u64::MAX));
        let due = due.filter(|(_, id)| !self.sending.contains(id));
        due.filter_map(|(_, id)| self.rows.get(id).cloned())
            .collect()
    }

    /// What waits only because the receiver has refused it is sent as soon as possible, and everything else at this
    /// instant at the latest.
    pub fn hurry(&mut self, now: DateTime<Utc>, latest: DateTime<Utc>) {
        let hurried: Vec<(u64, DateTime<Utc>)> = self
            .rows
            .values()
            .filter_map(|row| match row.state {
                OutboxState::Waiting { tries, next, .. } if tries > 0 => {
                    (next > now).then_some((row.message.id, now))
                }
                OutboxState::Waiting { next, .. } => {
                    (next > latest).then_some((row.message.id, latest))
                }
                OutboxState::Sent { .. } | OutboxState::GivenUp { .. } => None,
            })
            .collect();
        for (id, at) in hurried {
            if let Some(mut row) = self.take(id) {
                if let OutboxState::Waiting { next, .. } = &mut row.state {
                    *next = at;
                }
                self.put(row);
            }
        }
    }
}
