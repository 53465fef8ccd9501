//! What people ask for: start, stop, abort, remove, trigger.

use chrono::{DateTime, Utc};

use super::notice::Notice;
use super::{Order, Scheduler};
use crate::control::event::{Command, EventFile};
use crate::job::Event;
use crate::ledger::{Ledger, Write};
use crate::lifecycle::job as life;
use crate::record::{EventRecord, FileVerdict};

impl<L: Ledger> Scheduler<L> {
    pub(super) fn asked(&mut self, event: EventFile, now: DateTime<Utc>) {
        if self.was_answered(&event.id) {
            // The file outlived its answer: nothing is done twice.
            self.orders.push(Order::Answered { event: event.id });
            return;
        }
        let (accepted, answer) = self.carry_out(&event, now);
        let run = (event.command == Command::Trigger && accepted)
            .then(|| {
                self.jobs
                    .get(&event.job_id)
                    .and_then(|entry| entry.record.run)
            })
            .flatten()
            .map(|run| run.number);
        let record = EventRecord {
            id: event.id.clone(),
            command: event.command.name().to_owned(),
            job_id: event.job_id.clone(),
            by: event.by.clone(),
            handled: now,
            accepted,
            answer: answer.clone(),
            run,
        };
        self.batch.event(record);
        self.orders.push(Order::Answered { event: event.id });
        self.tell(Notice::Asked {
            job_id: event.job_id,
            command: event.command.name().to_owned(),
            by: event.by,
            answer,
            accepted,
        });
    }

    fn was_answered(&self, id: &str) -> bool {
        self.ledger.answered(id).unwrap_or(false)
            || self
                .batch
                .writes()
                .iter()
                .any(|write| matches!(write, Write::Event(event) if event.id == id))
    }

    fn carry_out(&mut self, event: &EventFile, now: DateTime<Utc>) -> (bool, String) {
        if self.stopping {
            return (
                false,
                "freezerd is stopping; ask again once it is back".to_owned(),
            );
        }
        let Some(entry) = self.jobs.get(&event.job_id) else {
            return (false, self.unknown(&event.job_id));
        };
        let Some(job) = entry.job.clone() else {
            return (
                false,
                "its file is invalid, and so is what was kept of it; mend the file".to_owned(),
            );
        };
        let record = entry.record.clone();
        let asked = match event.command {
            Command::Start => Event::Start,
            Command::Stop => Event::Stop,
            Command::Abort => Event::Abort,
            Command::Remove => Event::Remove,
            Command::Trigger => {
                let answer = life::trigger(record, now);
                self.apply(answer.step, now);
                return (answer.accepted, answer.text);
            }
        };
        let answer = life::ask(record, asked, self.clockwork(&job, entry.delay), now);
        self.apply(answer.step, now);
        (answer.accepted, answer.text)
    }

    /// No job of that name: the files may know why.
    fn unknown(&self, job_id: &str) -> String {
        for file in self.files.values() {
            match &file.verdict {
                FileVerdict::Foreign {
                    job_id: foreign,
                    client_id,
                } if foreign == job_id => {
                    return format!("is a job of {client_id}, not of this host");
                }
                FileVerdict::Invalid {
                    job_id: Some(invalid),
                    ..
                } if invalid == job_id => {
                    return format!("never loaded: {} is invalid; mend it first", file.file);
                }
                _ => {}
            }
        }
        "there is no such job".to_owned()
    }
}
