//! What follows from time: a job becomes overdue, and a trouble lasts.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::audience::{Audience, Telling, wants};
use crate::record::{JobRecord, Standing, Told};
use crate::tell::message::Kind;
use crate::tell::receiver::Receiver;

/// How long a due instant may pass without a run, and a run of a job that is too old may wait or go on, before receivers
/// are told.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// From when on receivers are told that the job is overdue, if nothing happens: its last success is older than `max_age`,
/// or it was due and has not run since. A run that waits or goes on has an hour to mend that: after the host was off, a
/// run makes up for what was missed.
pub fn overdue_at(record: &JobRecord) -> Option<DateTime<Utc>> {
    let by_hand = matches!(record.standing, Standing::Stopped | Standing::Removed);
    let never_ran = record.past.owed_since.filter(|since| {
        let ran = record.past.last_run.as_ref();
        record.run.is_none() && !by_hand && ran.is_none_or(|run| run.ended < *since)
    });
    let never_ran = never_ran.and_then(|since| since.checked_add_signed(PATIENCE));
    let run = record.run.and_then(|run| run.since);
    let patient = run.and_then(|since| since.checked_add_signed(PATIENCE));
    let too_old = record.too_old_at();
    let too_old = too_old.map(|at| patient.map_or(at, |patient| at.max(patient)));
    [too_old, never_ran].into_iter().flatten().min()
}

/// When [`look`] has something to say, if nothing happens.
pub fn next_look(record: &JobRecord, audience: Audience<'_>) -> Option<DateTime<Utc>> {
    audience.of_changes().next()?;
    let told = &record.told;
    let overdue = overdue_at(record).filter(|_| !told.overdue);
    let repeats = audience.of_changes().filter_map(|receiver| {
        repeated(told, receiver)?;
        repeat_at(told, receiver)
    });
    overdue.into_iter().chain(repeats).min()
}

/// The messages that follow from the time. A receiver is not told again while a message about the job waits for it: `unsent`
/// are the names of such receivers.
pub fn look(
    record: &JobRecord,
    audience: Audience<'_>,
    unsent: &BTreeSet<String>,
    now: DateTime<Utc>,
) -> (Told, Vec<Telling>) {
    let mut told = record.told.clone();
    let mut tellings = Vec::new();
    if !told.overdue && overdue_at(record).is_some_and(|at| at <= now) {
        told.overdue = true;
        let to = audience
            .of_changes()
            .filter(|receiver| wants(receiver, Kind::Overdue));
        let to: Vec<String> = to.map(|receiver| receiver.name.clone()).collect();
        note(&mut told, &to, now);
        tellings.extend(Telling::any(Kind::Overdue, to));
    }
    for receiver in audience.of_changes() {
        if let Some(kind) = repeated(&told, receiver)
            && repeat_at(&told, receiver).is_some_and(|at| at <= now)
        {
            let telling = Telling::again(kind, receiver);
            note(&mut told, &telling.to, now);
            if !unsent.contains(&receiver.name) {
                tellings.push(telling);
            }
        }
    }
    (told, tellings)
}

/// Of what a receiver is told again.
fn repeated(told: &Told, receiver: &Receiver) -> Option<Kind> {
    let overdue = told.overdue.then_some(Kind::Overdue);
    let mut kinds = [overdue, told.trouble].into_iter().flatten();
    kinds.find(|kind| wants(receiver, *kind))
}

/// When a receiver is told again of the trouble that it knows.
pub(super) fn repeat_at(told: &Told, receiver: &Receiver) -> Option<DateTime<Utc>> {
    let pause = TimeDelta::from_std(receiver.repeat?).ok()?;
    let pause = pause.max(TimeDelta::minutes(1));
    let last = told.receivers.get(&receiver.name)?;
    last.checked_add_signed(pause)
}

/// These are told now.
pub(super) fn note(told: &mut Told, to: &[String], now: DateTime<Utc>) {
    for name in to {
        told.receivers.insert(name.clone(), now);
    }
}
