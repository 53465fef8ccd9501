//! From what happens to a job to the messages about it, and from the messages to their delivery.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::notice::Notice;
use super::outbox::Refusal;
use super::{Order, Scheduler};
use crate::job::{Job, Notify};
use crate::ledger::Ledger;
use crate::lifecycle::notices::{self, AtEnd, Audience, Facts, Telling};
use crate::record::{JobRecord, OutboxRow, OutboxState, RunRecord};
use crate::tell::message::Message;
use crate::tell::receiver::Receiver;
use crate::units;

impl<L: Ledger> Scheduler<L> {
    /// A run has started.
    pub(super) fn tell_of_start(&mut self, row: &RunRecord, notify: &Notify, now: DateTime<Utc>) {
        let audience = Audience::new(&self.policy.receivers, notify);
        let tellings = notices::every_run(None, audience);
        self.post_of_run(tellings.into_iter().collect(), row, now);
    }

    /// A row was closed. `made_up` says that another run makes up for it.
    pub(super) fn tell_of_end(
        &mut self,
        job: &mut JobRecord,
        row: &RunRecord,
        notify: &Notify,
        made_up: bool,
        now: DateTime<Utc>,
    ) {
        let audience = Audience::new(&self.policy.receivers, notify);
        let turn = notices::turn(row, made_up);
        let at_end = AtEnd {
            now,
            alarms: &job.past.alarms,
            unsent: &self.outbox.unsent_about(&job.job_id),
        };
        let tellings = turn.map(|turn| notices::after_run(&mut job.told, turn, audience, at_end));
        let mut tellings = tellings.unwrap_or_default();
        let of_run = notices::every_run(Some(row), audience);
        for name in of_run.iter().flat_map(|telling| &telling.to) {
            let run = row.number.to_string();
            if let Some(id) = self.outbox.take_start_of(name, &run) {
                self.batch.forget_message(id, name);
            }
        }
        tellings.extend(of_run);
        self.post_of_run(tellings, row, now);
    }

    /// Tells of the jobs that are overdue, and again of those whose trouble goes on.
    pub(super) fn tell_of_time(&mut self, now: DateTime<Utc>) {
        for job_id in self.jobs.to_look_at(now) {
            let Some(entry) = self.jobs.get(&job_id) else {
                continue;
            };
            let notify = entry.job.as_ref().map_or(&Notify::All, |job| &job.notify);
            let audience = Audience::new(&self.policy.receivers, notify);
            let unsent = self.outbox.unsent_about(&job_id);
            let (told, tellings) = notices::look(&entry.record, audience, &unsent, now);
            let mut record = entry.record.clone();
            record.told = told;
            for telling in tellings {
                let (subject, text) = notices::of_job(&telling, &record, self.facts(now));
                let message = self.message(&telling, subject, text, now);
                let message = Message {
                    job: Some(job_id.clone()),
                    ..message
                };
                self.post(&telling, &message, now);
            }
            self.put(record);
        }
    }

    fn post_of_run(&mut self, tellings: Vec<Telling>, row: &RunRecord, now: DateTime<Utc>) {
        for telling in tellings {
            let (subject, text) = notices::of_run(telling.kind, row, self.facts(now));
            let message = self.message(&telling, subject, text, now);
            let message = Message {
                job: Some(row.job_id.clone()),
                run: Some(row.number.to_string()),
                ..message
            };
            self.post(&telling, &message, now);
        }
    }

    fn message(
        &mut self,
        telling: &Telling,
        subject: String,
        text: String,
        now: DateTime<Utc>,
    ) -> Message {
        Message {
            id: self.outbox.new_id(),
            at: self.policy.zone.to_local(now),
            host: self.policy.client_id.clone(),
            job: None,
            run: None,
            kind: telling.kind,
            subject,
            text,
            log: None,
        }
    }

    /// Writes a row for each receiver.
    fn post(&mut self, telling: &Telling, message: &Message, now: DateTime<Utc>) {
        let receivers = self.policy.receivers.iter();
        for receiver in receivers.filter(|receiver| telling.to.contains(&receiver.name)) {
            let row = OutboxRow {
                message: message.clone(),
                receiver: receiver.name.clone(),
                made: now,
                state: OutboxState::Waiting {
                    next: notices::first_try(receiver, &self.policy.zone, now),
                    tries: 0,
                    since: None,
                    error: None,
                    refused: false,
                },
            };
            self.batch.message(row.clone());
            self.outbox.post(row);
        }
    }

    /// Orders what is to be sent now.
    pub(super) fn send_due(&mut self, now: DateTime<Utc>) {
        if self.is_stopping() || self.first_scan.is_some() {
            return;
        }
        let facts = Facts {
            host: &self.policy.client_id,
            zone: &self.policy.zone,
            now,
        };
        for delivery in self.outbox.due(&self.policy.receivers, facts) {
            self.batch.order(Order::Send(Box::new(delivery)));
        }
    }

    /// A delivery has come to its end.
    pub(super) fn delivered(
        &mut self,
        receiver: &str,
        ids: &[u64],
        result: Result<(), Refusal>,
        now: DateTime<Utc>,
    ) {
        let mut receivers = self.policy.receivers.iter();
        let Some(receiver) = receivers.find(|known| known.name == receiver) else {
            return;
        };
        let reason = result.as_ref().err().map(|refusal| refusal.reason.clone());
        let zone = &self.policy.zone;
        let outcome = self.outbox.delivered(receiver, ids, result, zone, now);
        if let Some(reason) = reason.filter(|_| outcome.first_refusal) {
            let name = &receiver.name;
            let text = format!("cannot tell {name}: {reason}; this is tried again for three days");
            self.batch.notice(Notice::Warning(text));
        }
        let name = receiver.name.clone();
        for id in outcome.gone {
            self.batch.forget_message(id, &name);
        }
        for row in outcome.rows {
            self.note_given_up(&row);
            self.batch.message(row);
        }
    }

    /// Somebody asks that these receivers, or all, are told again what they have not accepted. Whether that can be done, and
    /// the answer.
    pub(super) fn tell_again(&mut self, names: &[String], now: DateTime<Utc>) -> (bool, String) {
        let receivers = Arc::clone(&self.policy.receivers);
        let is_known = |name: &&String| receivers.iter().any(|it| it.name == **name);
        if let Some(name) = names.iter().find(|name| !is_known(name)) {
            let answer = format!(
                "the daemon has no receiver {name}: it reads freezerd.toml when it starts; restart it after a change"
            );
            return (false, answer);
        }
        let given_up = match self.ledger.given_up() {
            Ok(rows) => rows,
            Err(error) => return (false, error.to_string()),
        };
        let (mut sent, mut again, mut dropped) = (0, 0, 0);
        let is_meant = |it: &&Receiver| names.is_empty() || names.contains(&it.name);
        for receiver in receivers.iter().filter(is_meant) {
            let mine = given_up.iter().filter(|row| row.receiver == receiver.name);
            let (news, others): (Vec<OutboxRow>, Vec<OutboxRow>) = mine.cloned().partition(|row| {
                let job = row.message.job.as_deref();
                let job = job.and_then(|job| self.jobs.get(job));
                let last = job.and_then(|entry| entry.record.past.last_run.as_ref());
                notices::is_still_news(&row.message, receiver, last.map(|run| run.number))
            });
            again += news.len() as u64;
            dropped += others.len() as u64;
            for row in others {
                self.batch.forget_message(row.message.id, &row.receiver);
            }
            for row in self.outbox.try_again(&receiver.name, news, now) {
                sent += 1;
                self.batch.message(row);
            }
        }
        (true, words_of_again(sent, again, dropped))
    }

    /// After the start: what waits for a receiver that the settings do not have any more is given up.
    pub(super) fn give_up_for_others(&mut self, now: DateTime<Utc>) {
        for row in self.outbox.give_up_for_others(&self.policy.receivers, now) {
            self.note_given_up(&row);
            self.batch.message(row);
        }
    }

    fn note_given_up(&mut self, row: &OutboxRow) {
        if let OutboxState::GivenUp { reason, .. } = &row.state {
            self.batch.notice(Notice::Warning(format!(
                "{} is not told of \"{}\" any more: {reason}; `freezerd notify` lists what was given up, and with --retry \
                 sends it again",
                row.receiver, row.message.subject
            )));
        }
    }

    /// After the clock was set back.
    pub(super) fn hurry_messages(&mut self, now: DateTime<Utc>) {
        let (receivers, zone) = (&self.policy.receivers, &self.policy.zone);
        self.outbox.clock_set_back(receivers, zone, now);
    }

    /// The receivers that a job names and that do not exist.
    pub(super) fn unknown_receivers(&self, job: &Job) -> Vec<String> {
        let Notify::Only(names) = &job.notify else {
            return Vec::new();
        };
        let is_known = |name: &&String| self.policy.receivers.iter().any(|it| it.name == **name);
        names
            .iter()
            .filter(|name| !is_known(name))
            .cloned()
            .collect()
    }

    fn facts(&self, now: DateTime<Utc>) -> Facts<'_> {
        Facts {
            host: &self.policy.client_id,
            zone: &self.policy.zone,
            now,
        }
    }
}

/// What is sent again, for a person: how many messages, how many of them were given up, and how many are dropped.
fn words_of_again(sent: u64, again: u64, dropped: u64) -> String {
    let dropped = match dropped {
        0 => String::new(),
        1 => "; 1 message that was given up is out of date, and is dropped".to_owned(),
        dropped => {
            format!("; {dropped} messages that were given up are out of date, and are dropped")
        }
    };
    if sent == 0 {
        return format!(
            "no message waits because it was not accepted, and none is taken up again{dropped}"
        );
    }
    let sent = units::count(sent, "message is", "messages are");
    let again = match again {
        0 => String::new(),
        again => format!(", {again} of which had been given up"),
    };
    format!("{sent} sent now{again}; `freezerd notify` shows what comes of that{dropped}")
}
