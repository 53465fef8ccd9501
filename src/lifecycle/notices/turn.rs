//! Which messages follow from the start and the end of a run.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::audience::{Audience, Telling, hears_every_run, wants};
use super::time::{note, repeat_at};
use crate::job::kind::WorkKind;
use crate::keep::room::Room;
use crate::lifecycle::job::ending;
use crate::record::{Ending, ExitStatus, PastAlarms, RunRecord, Told};
use crate::tell::message::Kind;
use crate::tell::receiver::Receiver;

/// What the end of a run means for the state of its job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// How it failed, if it did.
    pub failure: Option<Kind>,
    /// A guard raised an alarm in it.
    pub is_alarmed: bool,
    /// A container has little room for the next backups.
    pub little_room: bool,
}

/// What is known when a run has ended.
#[derive(Clone, Copy, Debug)]
pub struct AtEnd<'a> {
    pub now: DateTime<Utc>,
    /// The alarms that nobody has accepted.
    pub alarms: &'a PastAlarms,
    /// The receivers for which a message about the job waits.
    pub unsent: &'a BTreeSet<String>,
}

impl Turn {
    /// The one trouble that is told first and remembered. A source that looks damaged is more than that something is
    /// missing, and less than a run that failed altogether.
    fn trouble(self) -> Option<Kind> {
        match self.failure {
            None | Some(Kind::Partial) if self.is_alarmed => Some(Kind::Guard),
            None if self.little_room => Some(Kind::Space),
            failure => failure,
        }
    }

    /// Little room is told, unless there is none left at all.
    fn tells_of_little_room(self) -> bool {
        self.little_room && self.failure != Some(Kind::Space)
    }
}

/// What the closed row means. `None`: nothing. `made_up` says that another run makes up for it.
pub fn turn(row: &RunRecord, made_up: bool) -> Option<Turn> {
    let is_dry = row.actions.iter().any(|action| action.dry_run);
    let failure = match ending(row) {
        Ending::Success if is_dry => return None,
        Ending::Success => None,
        Ending::Partial => Some(Kind::Partial),
        Ending::Fail => Some(failure(row)),
        // The other run tells how it ends.
        Ending::Interrupted if made_up => return None,
        Ending::Interrupted => Some(Kind::Failed),
        // Somebody wanted that, or it never ran: that is told when the job is overdue.
        Ending::Aborted | Ending::Skipped => return None,
    };
    Some(Turn {
        failure,
        is_alarmed: row.actions.iter().any(|action| action.alarm.is_some()),
        little_room: has_little_room(row),
    })
}

/// Whether a container of the run has little room for the next backups.
pub(super) fn has_little_room(row: &RunRecord) -> bool {
    let mut rooms = row.actions.iter().filter_map(|action| action.room);
    rooms.any(|room: Room| room.is_little())
}

/// Whether an action of the run failed because a disk or a quota is full.
pub(super) fn had_no_space(row: &RunRecord) -> bool {
    let mut actions = row.actions.iter();
    actions.any(|action| action.exit_status == Some(ExitStatus::Fail) && action.no_space)
}

/// [`Kind::Check`] where nothing but checks failed, and so on.
fn failure(row: &RunRecord) -> Kind {
    let actions = row.actions.iter();
    let failed: Vec<_> = actions
        .filter(|action| action.exit_status == Some(ExitStatus::Fail))
        .collect();
    let only = |kind: WorkKind| {
        !failed.is_empty() && failed.iter().all(|action| action.kind == kind.word())
    };
    if only(WorkKind::Check) {
        Kind::Check
    } else if only(WorkKind::Drill) {
        Kind::Drill
    } else if had_no_space(row) {
        Kind::Space
    } else {
        Kind::Failed
    }
}

/// The messages that follow from the end of a run. `told` changes with it.
pub fn after_run(
    told: &mut Told,
    turn: Turn,
    audience: Audience<'_>,
    at_end: AtEnd<'_>,
) -> Vec<Telling> {
    if turn.failure.is_none() {
        told.overdue = false;
    }
    // A run that was cut off after its backup has raised an alarm as well: the backup after it finds the alarm.
    let mut alarms = at_end.alarms.iter();
    let is_alarmed = turn.is_alarmed || alarms.any(|it| !told.alarms.contains(&it.snapshot));
    let turn = Turn { is_alarmed, ..turn };
    let alarms = at_end.alarms.iter();
    told.alarms = alarms.map(|alarm| alarm.snapshot.clone()).collect();
    let Some(kind) = turn.trouble() else {
        if !told.alarms.is_empty() {
            // Whatever has gone wrong since, the job is not well before somebody has answered.
            told.trouble = Some(Kind::Guard);
            told.little_room = false;
            return Vec::from_iter(succeeded(audience, &|_| false));
        }
        return well(told, audience);
    };
    let before = (told.trouble.replace(kind), told.little_room);
    told.little_room = turn.tells_of_little_room();
    let is_space = kind == Kind::Space;
    // Each alarm waits for an answer of its own.
    let is_new = kind == Kind::Guard || is_space && before.1 != told.little_room;
    let changed = before.0 != Some(kind) || is_new;
    let room_is_new = told.little_room && !before.1 && !is_space;
    let heard = told.clone();
    let is_news = |receiver: &Receiver| {
        let repeat = repeat_at(&heard, receiver).is_some_and(|at| at <= at_end.now);
        !heard.receivers.contains_key(&receiver.name)
            || repeat && !at_end.unsent.contains(&receiver.name)
    };
    let mut tell = |kind: Kind, is_told: &dyn Fn(&Receiver) -> bool| {
        let to = audience.of_changes();
        let to = to.filter(|receiver| wants(receiver, kind) && is_told(receiver));
        let to: Vec<String> = to.map(|receiver| receiver.name.clone()).collect();
        note(told, &to, at_end.now);
        Telling::any(kind, to)
    };
    let mut tellings = Vec::from_iter(tell(kind, &|receiver| changed || is_news(receiver)));
    // An alarm and little room are told beside another trouble.
    if turn.is_alarmed && kind != Kind::Guard {
        tellings.extend(tell(Kind::Guard, &|_| true));
    }
    if room_is_new {
        tellings.extend(tell(Kind::Space, &|_| true));
    }
    tellings
}

/// The trouble is over. Those who were told of it are told of that, too.
fn well(told: &mut Told, audience: Audience<'_>) -> Vec<Telling> {
    let before = std::mem::take(told);
    let recovered = |receiver: &Receiver| {
        wants(receiver, Kind::Recovered) && before.receivers.contains_key(&receiver.name)
    };
    let to = audience.of_changes().filter(|it| recovered(it));
    let to = to.map(|receiver| receiver.name.clone()).collect();
    let recovery = Telling::any(Kind::Recovered, to);
    let others = succeeded(audience, &recovered);
    recovery.into_iter().chain(others).collect()
}

/// A success, for those who want to hear of each and are not told something else.
fn succeeded(audience: Audience<'_>, is_told: &dyn Fn(&Receiver) -> bool) -> Option<Telling> {
    let to = audience.of_changes();
    let to = to.filter(|receiver| wants(receiver, Kind::Succeeded) && !is_told(receiver));
    let to = to.map(|receiver| receiver.name.clone()).collect();
    Telling::any(Kind::Succeeded, to)
}

/// The message about a run for those that ask for its start (`None`), or that hear of the end of every run.
pub fn every_run(ended: Option<&RunRecord>, audience: Audience<'_>) -> Option<Telling> {
    let kind = match ended {
        None => Kind::Started,
        Some(row) => match ending(row) {
            Ending::Skipped => return None,
            Ending::Success => Kind::Succeeded,
            Ending::Partial => Kind::Partial,
            Ending::Fail | Ending::Aborted | Ending::Interrupted => Kind::Failed,
        },
    };
    let to = audience
        .all()
        .filter(|receiver| wants(receiver, kind) && (ended.is_none() || hears_every_run(receiver)));
    Telling::any(kind, to.map(|receiver| receiver.name.clone()).collect())
}
