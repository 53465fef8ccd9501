//! The messages to receivers that are not sent yet. Each is a row in the transaction of what it tells of, and is sent after
//! it. A receiver gets one message at a time, the oldest first. One that does not accept a message is left alone for a
//! while, and no other receiver waits for it. Where it refuses only this message, messages about other jobs follow, and one
//! about the same job follows after another try of the refused one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::lifecycle::notices::{self, AFTER_A_REFUSAL, Facts};
use crate::record::{OutboxRow, OutboxState};
use crate::schedule::zone::Zone;
use crate::tell::message::{Kind, Message};
use crate::tell::receiver::Receiver;

mod line;

use line::Line;

/// How many receivers are sent to at the same time.
const AT_ONCE: usize = 4;

/// A message to send.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The name of the receiver.
    pub receiver: String,
    /// The rows that are sent with it: several, if it is a digest.
    pub ids: Vec<u64>,
    pub message: Message,
}

/// Why a message was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A sentence for people.
    pub reason: String,
    /// How long the receiver wants to be left alone.
    pub wait: Option<Duration>,
    /// The receiver is there, and refuses this message. It may accept others.
    pub of_message: bool,
}

/// What waits to be sent.
#[derive(Default)]
pub(super) struct Outbox {
    lines: BTreeMap<String, Line>,
    /// The number of the newest message.
    last: u64,
}

/// What became of a delivery.
pub(super) struct Outcome {
    /// The rows as they are now.
    pub rows: Vec<OutboxRow>,
    /// The rows that nobody asks for any more.
    pub gone: Vec<u64>,
    /// The receiver refused, and had accepted the message before, if there was one.
    pub first_refusal: bool,
}

impl Outbox {
    /// Takes over what an earlier daemon left.
    pub fn remember(&mut self, rows: Vec<OutboxRow>, last: u64) {
        self.last = last;
        for row in rows.into_iter().filter(OutboxRow::waits) {
            self.last = self.last.max(row.message.id);
            if let OutboxState::Waiting { tries, .. } = row.state {
                let line = self.lines.entry(row.receiver.clone()).or_default();
                line.refusals = line.refusals.max(tries);
                line.put(row);
            }
        }
    }

    /// The number for a new message.
    pub fn new_id(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Adds a message that is to be sent.
    pub fn post(&mut self, row: OutboxRow) {
        let line = self.lines.entry(row.receiver.clone()).or_default();
        line.put(row);
    }

    /// The receivers for which a message about this job waits.
    pub fn unsent_about(&self, job: &str) -> BTreeSet<String> {
        let lines = self.lines.iter().filter(|(_, line)| line.is_about(job));
        lines.map(|(receiver, _)| receiver.clone()).collect()
    }

    /// Takes out a message about the start of this run that is not being sent: its end is known.
    pub fn take_start_of(&mut self, receiver: &str, run: &str) -> Option<u64> {
        let line = self.lines.get_mut(receiver)?;
        let start = line.rows.values().find(|row| {
            row.message.kind == Kind::Started && row.message.run.as_deref() == Some(run)
        });
        let id = start
            .map(|row| row.message.id)
            .filter(|id| !line.sending.contains(id))?;
        line.take(id);
        Some(id)
    }

    /// When something is to be sent, if nothing else happens.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        if self.sending() >= AT_ONCE {
            return None;
        }
        self.lines.values().filter_map(Line::next).min()
    }

    /// To how many receivers something is being sent.
    pub fn sending(&self) -> usize {
        let busy = self.lines.values().filter(|line| !line.sending.is_empty());
        busy.count()
    }

    /// What is to be sent now.
    pub fn due(&mut self, receivers: &[Receiver], facts: Facts<'_>) -> Vec<Delivery> {
        let mut found = Vec::new();
        let mut free = AT_ONCE.saturating_sub(self.sending());
        for receiver in receivers {
            let Some(line) = self.lines.get_mut(&receiver.name) else {
                continue;
            };
            if free == 0 || line.next().is_none_or(|next| next > facts.now) {
                continue;
            }
            let due = line.order.range(..=(facts.now, u64::MAX));
            let mut ids: Vec<u64> = due.map(|(_, id)| *id).collect();
            // In the order in which it happened: what was refused is due later than what came after it.
            ids.sort_unstable();
            if receiver.digest.is_none() {
                ids.truncate(1);
                ids.iter_mut().for_each(|id| *id = line.before(*id));
            }
            let rows: Vec<OutboxRow> = ids
                .iter()
                .filter_map(|id| line.rows.get(id).cloned())
                .collect();
            let Some(message) = message(&rows, receiver, facts) else {
                continue;
            };
            line.sending.clone_from(&ids);
            free -= 1;
            found.push(Delivery {
                receiver: receiver.name.clone(),
                ids,
                message,
            });
        }
        found
    }

    /// A delivery has come to its end.
    pub fn delivered(
        &mut self,
        receiver: &Receiver,
        ids: &[u64],
        result: Result<(), Refusal>,
        zone: &Zone,
        now: DateTime<Utc>,
    ) -> Outcome {
        let mut outcome = Outcome {
            rows: Vec::new(),
            gone: Vec::new(),
            first_refusal: false,
        };
        let Some(line) = self.lines.get_mut(&receiver.name) else {
            return outcome;
        };
        line.sending.clear();
        let taken: Vec<OutboxRow> = ids.iter().filter_map(|id| line.take(*id)).collect();
        match result {
            Ok(()) => {
                line.refusals = 0;
                line.rests_until = None;
                let is_state = notices::hears_every_run(receiver) && receiver.digest.is_none();
                if is_state {
                    outcome.gone.extend(line.drop_before(&taken));
                }
                for mut row in taken {
                    if is_of_every_run(row.message.kind) {
                        outcome.gone.push(row.message.id);
                        continue;
                    }
                    row.state = OutboxState::Sent { at: now };
                    outcome.rows.push(row);
                }
                line.hurry(now, DateTime::<Utc>::MAX_UTC);
            }
            Err(refusal) => {
                outcome.first_refusal = line.refusals == 0;
                line.refusals = line.refusals.saturating_add(1);
                let first = ids.first().copied().unwrap_or(0);
                let mine = taken.iter().map(OutboxRow::tries).max().unwrap_or(0);
                let tries = match refusal.of_message {
                    true => (first, mine.saturating_add(1)),
                    false => (first, line.refusals),
                };
                let until = notices::next_try(receiver, zone, tries, refusal.wait, now);
                let rest = match refusal.of_message {
                    true => now + AFTER_A_REFUSAL,
                    false => until,
                };
                line.rests_until = Some(rest);
                for mut row in taken {
                    row.state = refused(&row, until, &refusal, now);
                    line.put(row.clone());
                    outcome.rows.push(row);
                }
                if refusal.of_message {
                    line.let_pass(ids);
                }
                let given_up = line.give_up(&refusal.reason, now);
                outcome.rows.extend(given_up);
            }
        }
        outcome
    }

    /// Somebody asks that a receiver is told at once what it has not accepted, and these rows that were given up. Returns the
    /// rows that are sent because of it, as they are now.
    pub fn try_again(
        &mut self,
        receiver: &str,
        given_up: Vec<OutboxRow>,
        now: DateTime<Utc>,
    ) -> Vec<OutboxRow> {
        let line = self.lines.entry(receiver.to_owned()).or_default();
        line.try_again(given_up, now)
    }

    /// Gives up what waits for receivers that do not exist any more. Returns the rows as they are now.
    pub fn give_up_for_others(
        &mut self,
        receivers: &[Receiver],
        now: DateTime<Utc>,
    ) -> Vec<OutboxRow> {
        let known = |name: &str| receivers.iter().any(|receiver| receiver.name == name);
        let mut given_up = Vec::new();
        self.lines.retain(|name, line| {
            if known(name) {
                return true;
            }
            for mut row in std::mem::take(&mut line.rows).into_values() {
                row.state = OutboxState::GivenUp {
                    at: now,
                    reason: format!("freezerd.toml has no receiver {name} any more"),
                };
                given_up.push(row);
            }
            false
        });
        given_up
    }

    /// After the clock was set back, and after a start, nothing waits for an instant that another clock chose.
    pub fn clock_set_back(&mut self, receivers: &[Receiver], zone: &Zone, now: DateTime<Utc>) {
        for receiver in receivers {
            if let Some(line) = self.lines.get_mut(&receiver.name) {
                line.rests_until = None;
                line.hurry(now, notices::first_try(receiver, zone, now));
            }
        }
    }
}

/// Whether there is such a message for each run. So many are not kept once they are sent.
fn is_of_every_run(kind: Kind) -> bool {
    matches!(kind, Kind::Started | Kind::Succeeded)
}

/// The state of a message that was refused, and is sent again.
fn refused(
    row: &OutboxRow,
    next: DateTime<Utc>,
    refusal: &Refusal,
    now: DateTime<Utc>,
) -> OutboxState {
    let (tries, since) = match row.state {
        OutboxState::Waiting { tries, since, .. } => (tries, since.unwrap_or(now)),
        _ => (0, now),
    };
    OutboxState::Waiting {
        next,
        tries: tries.saturating_add(1),
        since: Some(since),
        error: Some(refusal.reason.clone()),
        refused: refusal.of_message,
    }
}

/// The message that is sent for these rows: the one of the row, or a digest.
fn message(rows: &[OutboxRow], receiver: &Receiver, facts: Facts<'_>) -> Option<Message> {
    let last = rows.last()?;
    if receiver.digest.is_none() {
        return Some(last.message.clone());
    }
    let (subject, text) = notices::digest(rows, facts);
    Some(Message {
        // The same as long as it stands for the same messages.
        id: last.message.id,
        at: last.message.at,
        host: facts.host.to_owned(),
        job: None,
        run: None,
        kind: Kind::Digest,
        subject,
        text,
        log: None,
    })
}

#[cfg(test)]
mod tests;
