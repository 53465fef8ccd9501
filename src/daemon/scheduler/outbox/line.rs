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
}

impl Line {
    /// Keeps a row that waits, in the place of an older one of its number.
    pub fn put(&mut self, row: OutboxRow) {
        let id = row.message.id;
        self.take(id);
        if let OutboxState::Waiting { next, .. } = row.state {
            self.order.insert((next, id));
            self.rows.insert(id, row);
        }
    }

    /// Takes a row out.
    pub fn take(&mut self, id: u64) -> Option<OutboxRow> {
        let row = self.rows.remove(&id)?;
        if let OutboxState::Waiting { next, .. } = row.state {
            self.order.remove(&(next, id));
        }
        Some(row)
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
