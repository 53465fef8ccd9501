//! The answers to event files: start, stop, abort, remove, trigger, notify, accept.

use chrono::{DateTime, Utc};

use super::notice::Notice;
use super::{Order, Scheduler};
use crate::control::event::{Command, EventFile};
use crate::job::Event;
use crate::ledger::Ledger;
use crate::lifecycle::job::{self as life, Answer};
use crate::record::{EventRecord, FileVerdict};
use crate::units;

impl<L: Ledger> Scheduler<L> {
    /// Carries out an event, keeps the answer, and lets the event's file go.
    pub(super) fn answer_event(&mut self, event: EventFile, now: DateTime<Utc>) {
        if self.was_answered(&event.id) {
            // The file was still there after its answer: nothing is done twice.
            self.batch.order(Order::Answered { event: event.id });
            return;
        }
        let (accepted, answer) = self.carry_out(&event, now);
        let run = (event.command == Command::Trigger && accepted)
            .then(|| self.jobs.open_run(&event.job_id))
            .flatten()
            .map(|run| run.number);
        self.batch.event(EventRecord {
            id: event.id.clone(),
            command: event.command.name().to_owned(),
            job_id: event.job_id.clone(),
            by: event.by.clone(),
            handled: now,
            accepted,
            answer: answer.clone(),
            run,
        });
        self.batch.order(Order::Answered { event: event.id });
        self.batch.notice(Notice::Asked {
            job_id: event.job_id,
            command: event.command.name().to_owned(),
            by: event.by,
            answer,
            accepted,
        });
    }

    fn was_answered(&self, id: &str) -> bool {
        self.ledger.answered(id).unwrap_or(false) || self.batch.answers(id)
    }

    /// Whether the event was accepted, and the answer in one sentence.
    fn carry_out(&mut self, event: &EventFile, now: DateTime<Utc>) -> (bool, String) {
        if self.is_stopping() {
            return (
                false,
                "freezerd is stopping; ask again once it is back".to_owned(),
            );
        }
        let asked = match event.command {
            Command::Notify => return self.tell_again(&event.receivers, now),
            Command::Trigger | Command::Accept => None,
            Command::Start => Some(Event::Start),
            Command::Stop => Some(Event::Stop),
            Command::Abort => Some(Event::Abort),
            Command::Remove => Some(Event::Remove),
        };
        if self.jobs.get(&event.job_id).is_none() {
            return (false, self.why_unknown(&event.job_id));
        }
        if event.command == Command::Accept {
            return self.accepted(event);
        }
        let Some(loaded) = self.loaded(&event.job_id) else {
            return (
                false,
                "its file is invalid, and so is what was kept of it; correct the file".to_owned(),
            );
        };
        let record = loaded.record.clone();
        let Answer {
            step,
            accepted,
            text,
        } = match asked {
            Some(event) => life::ask(record, event, loaded.clockwork, now),
            None => life::trigger(record, now),
        };
        self.apply(step, now);
        (accepted, text)
    }

    /// Alarms of a job were accepted in their container. The record of the job follows.
    fn accepted(&mut self, event: &EventFile) -> (bool, String) {
        self.update(&event.job_id, |mut record| {
            let is_running = record.run.is_some();
            record.past.alarms.accept(&event.alarms, is_running);
            record
        });
        let count = units::count(event.alarms.len() as u64, "alarm is", "alarms are");
        (true, format!("{count} accepted"))
    }

    /// Why there is no job with this id. The files may say.
    fn why_unknown(&self, job_id: &str) -> String {
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
                    return format!("never loaded: {} is invalid; correct it first", file.file);
                }
                _ => {}
            }
        }
        "there is no such job".to_owned()
    }
}
