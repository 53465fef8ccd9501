//! Which messages follow from the end of a run, and from time.

use chrono::{DateTime, TimeDelta, Utc};

use crate::job::Notify;
use crate::job::kind::WorkKind;
use crate::lifecycle::job::ending;
use crate::record::{Ending, ExitStatus, JobRecord, RunRecord, Standing, Told};
use crate::tell::kind::ReceiverKind;
use crate::tell::message::{Kind, Message};
use crate::tell::receiver::Receiver;

/// How long a due instant may pass without a run before receivers are told.
const NEVER_RAN: TimeDelta = TimeDelta::hours(1);

/// The receivers that a job tells.
#[derive(Clone, Copy, Debug)]
pub struct Audience<'a> {
    receivers: &'a [Receiver],
    notify: &'a Notify,
}

/// A message of this kind for these receivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    pub kind: Kind,
    /// Their names.
    pub to: Vec<String>,
}

/// What the end of a run means for the state of its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The job is well.
    Well,
    /// It is not, in this way.
    Trouble(Kind),
    /// A guard raised an alarm, and something is missing, too.
    PartialAlarm,
    /// The run succeeded, and there is little room for the next backups.
    LittleRoom,
    /// The run says nothing of it.
    Nothing,
}

impl<'a> Audience<'a> {
    /// Those of the receivers that the job names.
    pub fn new(receivers: &'a [Receiver], notify: &'a Notify) -> Audience<'a> {
        Audience { receivers, notify }
    }

    /// Those that are told of changes.
    fn of_changes(self) -> impl Iterator<Item = &'a Receiver> {
        self.all().filter(|receiver| !hears_every_run(receiver))
    }

    fn all(self) -> impl Iterator<Item = &'a Receiver> {
        let receivers = self.receivers.iter();
        receivers.filter(move |receiver| self.notify.names(&receiver.name))
    }
}

/// Whether the receiver is a check that waits for pings: it keeps the state of the job itself.
fn hears_every_run(receiver: &Receiver) -> bool {
    receiver.channel.kind() == ReceiverKind::Ping
}

/// Who wants to know of failures wants to know of all of them.
fn wants(receiver: &Receiver, kind: Kind) -> bool {
    let is_failure = matches!(kind, Kind::Check | Kind::Drill | Kind::Space);
    receiver.events.contains(&kind) || is_failure && receiver.events.contains(&Kind::Failed)
}

/// What the closed row means. `made_up` says that another run makes up for it.
pub fn turn(row: &RunRecord, made_up: bool) -> Turn {
    let is_dry = row.actions.iter().any(|action| action.dry_run);
    let is_alarmed = row.actions.iter().any(|action| action.alarm.is_some());
    match ending(row) {
        Ending::Success if is_dry => Turn::Nothing,
        Ending::Success if is_alarmed => Turn::Trouble(Kind::Guard),
        Ending::Success if has_little_room(row) => Turn::LittleRoom,
        Ending::Success => Turn::Well,
        // That something is missing is less than a source that looks damaged.
        Ending::Partial if is_alarmed => Turn::PartialAlarm,
        Ending::Partial => Turn::Trouble(Kind::Partial),
        Ending::Fail => Turn::Trouble(failure(row)),
        // The other run tells how it ends.
        Ending::Interrupted if made_up => Turn::Nothing,
        Ending::Interrupted => Turn::Trouble(Kind::Failed),
        // Somebody wanted that, or it never ran: that is told when the job is overdue.
        Ending::Aborted | Ending::Skipped => Turn::Nothing,
    }
}

/// Whether a container of the run has little room for the next backups.
pub(super) fn has_little_room(row: &RunRecord) -> bool {
    let rooms = row.actions.iter().filter_map(|action| action.room);
    rooms.into_iter().any(|room| room.is_little())
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
    } else if failed.iter().any(|action| action.no_space) {
        Kind::Space
    } else {
        Kind::Failed
    }
}

/// The messages that follow from the end of a run. `told` changes with it. `is_alarmed`: a guard's alarm waits until somebody
/// accepts it.
pub fn after_run(
    told: &mut Told,
    turn: Turn,
    is_alarmed: bool,
    audience: Audience<'_>,
    now: DateTime<Utc>,
) -> Vec<Telling> {
    let (kind, little_room) = match turn {
        Turn::Nothing => return Vec::new(),
        // Whatever has gone wrong since, the job is not well before somebody has answered.
        Turn::Well if is_alarmed && told.trouble.is_some() => {
            told.overdue = false;
            return succeeded(audience, &|_| false);
        }
        Turn::Well => return well(told, audience),
        Turn::Trouble(kind) => (kind, false),
        Turn::PartialAlarm => (Kind::Guard, false),
        Turn::LittleRoom => (Kind::Space, true),
    };
    if matches!(turn, Turn::Trouble(Kind::Guard) | Turn::LittleRoom) {
        // It was a success.
        told.overdue = false;
    }
    let before = (told.trouble.replace(kind), told.little_room);
    told.little_room = little_room;
    let changed = before != (Some(kind), little_room);
    let to = audience
        .of_changes()
        .filter(|receiver| wants(receiver, kind) && (changed || is_news(told, receiver, now)));
    let to: Vec<String> = to.map(|receiver| receiver.name.clone()).collect();
    note(told, &to, now);
    telling(kind, to)
}

/// A run that failed may have raised an alarm as well: that is told beside the failure.
pub fn alarm_of_failed(row: &RunRecord, turn: Turn, audience: Audience<'_>) -> Vec<Telling> {
    let is_alarmed = row.actions.iter().any(|action| action.alarm.is_some());
    let is_told = matches!(
        turn,
        Turn::Trouble(Kind::Guard) | Turn::PartialAlarm | Turn::Nothing
    );
    if !is_alarmed || is_told {
        return Vec::new();
    }
    let to = audience.of_changes().filter(|it| wants(it, Kind::Guard));
    telling(Kind::Guard, to.map(|it| it.name.clone()).collect())
}

/// The trouble is over. Those who were told of it are told of that, too.
fn well(told: &mut Told, audience: Audience<'_>) -> Vec<Telling> {
    let before = std::mem::take(told);
    let recovered = |receiver: &Receiver| {
        wants(receiver, Kind::Recovered) && before.receivers.contains_key(&receiver.name)
    };
    let to = audience.of_changes().filter(|it| recovered(it));
    let to = to.map(|receiver| receiver.name.clone()).collect();
    let mut tellings = telling(Kind::Recovered, to);
    tellings.extend(succeeded(audience, &recovered));
    tellings
}

/// A success, for those who want to hear of each and are not told something else.
fn succeeded(audience: Audience<'_>, is_told: &dyn Fn(&Receiver) -> bool) -> Vec<Telling> {
    let to = audience.of_changes();
    let to = to.filter(|receiver| wants(receiver, Kind::Succeeded) && !is_told(receiver));
    telling(
        Kind::Succeeded,
        to.map(|receiver| receiver.name.clone()).collect(),
    )
}

/// The message about a run for those that ask for its start (`None`), or that hear of the end of every run.
pub fn every_run(ended: Option<&RunRecord>, audience: Audience<'_>) -> Vec<Telling> {
    let kind = match ended {
        None => Kind::Started,
        Some(row) => match ending(row) {
            Ending::Skipped => return Vec::new(),
            Ending::Success => Kind::Succeeded,
            Ending::Partial => Kind::Partial,
            Ending::Fail | Ending::Aborted | Ending::Interrupted => Kind::Failed,
        },
    };
    let to = audience
        .all()
        .filter(|receiver| wants(receiver, kind) && (ended.is_none() || hears_every_run(receiver)));
    telling(kind, to.map(|receiver| receiver.name.clone()).collect())
}

/// Whether a message that was given up is worth sending after all. The start of a run is not: it was days ago. A check
/// that waits for pings knows only the last ping, so it has to be about the last run of its job, `last_run`.
pub fn is_still_news(message: &Message, receiver: &Receiver, last_run: Option<u64>) -> bool {
    let is_last = || {
        let run = message.run.as_ref().and_then(|run| run.parse().ok());
        run.is_some() && run == last_run
    };
    message.kind != Kind::Started && (!hears_every_run(receiver) || is_last())
}

/// From when on the job is overdue, if nothing happens: its last success is older than `max_age`, or it was due and has
/// not run since. A run that waits or goes on is not overdue before `max_age`.
pub fn overdue_at(record: &JobRecord) -> Option<DateTime<Utc>> {
    let by_hand = matches!(record.standing, Standing::Stopped | Standing::Removed);
    let never_ran = record.past.owed_since.filter(|since| {
        let ran = record.past.last_run.as_ref();
        record.run.is_none() && !by_hand && ran.is_none_or(|run| run.ended < *since)
    });
    let never_ran = never_ran.and_then(|since| since.checked_add_signed(NEVER_RAN));
    [record.too_old_at(), never_ran].into_iter().flatten().min()
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

/// The messages that follow from the time.
pub fn look(
    record: &JobRecord,
    audience: Audience<'_>,
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
        tellings.extend(telling(Kind::Overdue, to));
    }
    for receiver in audience.of_changes() {
        if let Some(kind) = repeated(&told, receiver)
            && repeat_at(&told, receiver).is_some_and(|at| at <= now)
        {
            let to = vec![receiver.name.clone()];
            note(&mut told, &to, now);
            tellings.extend(telling(kind, to));
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
fn repeat_at(told: &Told, receiver: &Receiver) -> Option<DateTime<Utc>> {
    let pause = TimeDelta::from_std(receiver.repeat?).ok()?;
    let pause = pause.max(TimeDelta::minutes(1));
    let last = told.receivers.get(&receiver.name)?;
    last.checked_add_signed(pause)
}

/// Whether the receiver does not know of the trouble, or wants to be told again by now.
fn is_news(told: &Told, receiver: &Receiver, now: DateTime<Utc>) -> bool {
    !told.receivers.contains_key(&receiver.name)
        || repeat_at(told, receiver).is_some_and(|at| at <= now)
}

fn note(told: &mut Told, to: &[String], now: DateTime<Utc>) {
    for name in to {
        told.receivers.insert(name.clone(), now);
    }
}

fn telling(kind: Kind, to: Vec<String>) -> Vec<Telling> {
    match to.is_empty() {
        true => Vec::new(),
        false => vec![Telling { kind, to }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::storage::Value;
    use crate::keep::guard::Alarm;
    use crate::keep::room::Room;
    use crate::record::{ActionRecord, OutboxState};
    use crate::samples::{action_record, minute as at, outbox_row, receiver, run_record};

    #[test]
    fn a_success_with_little_room_for_the_next_backups_is_no_success_without() {
        let row = |room: Option<Room>, alarm: Option<Alarm>| {
            let action = ActionRecord {
                exit_status: Some(ExitStatus::Success),
                room,
                alarm,
                ..action_record()
            };
            RunRecord {
                actions: vec![action],
                ..run_record(7, "job", at(60))
            }
        };
        let room = |free| Some(Room { free, adds: 10 });
        assert_eq!(turn(&row(None, None), false), Turn::Well);
        assert_eq!(turn(&row(room(1000), None), false), Turn::Well);
        assert_eq!(turn(&row(room(60), None), false), Turn::LittleRoom);
        let both = row(room(60), Some(Alarm::Shrink));
        assert_eq!(turn(&both, false), Turn::Trouble(Kind::Guard));
    }

    #[test]
    fn little_room_is_told_once_and_a_disk_that_is_full_then_all_the_same() {
        let receivers = [receiver("a", &[])];
        let audience = Audience::new(&receivers, &Notify::All);
        let mut told = Told {
            overdue: true,
            ..Told::default()
        };
        for (turn, expected) in [
            (Turn::LittleRoom, Some(Kind::Space)),
            (Turn::LittleRoom, None),
            (Turn::Trouble(Kind::Space), Some(Kind::Space)),
            (Turn::Trouble(Kind::Space), None),
            (Turn::LittleRoom, Some(Kind::Space)),
            (Turn::Well, Some(Kind::Recovered)),
        ] {
            let tellings = after_run(&mut told, turn, false, audience, at(1));
            let kinds: Vec<Kind> = tellings.iter().map(|it| it.kind).collect();
            assert_eq!(kinds, Vec::from_iter(expected), "{turn:?}");
            assert!(!told.overdue, "it succeeded");
        }
        assert!(told.is_well());
    }

    #[test]
    fn a_ping_that_was_given_up_is_worth_sending_only_if_no_run_has_followed() {
        let text = |value: &str| Value::Text(value.to_owned());
        let keys = [("type", text("ping")), ("url", text("http://localhost/x"))];
        let keys = keys.map(|(key, value)| (key.to_owned(), value));
        let pings = Receiver::read("pings", keys.into()).expect("a receiver");
        let mut message = outbox_row(5, "a", OutboxState::Sent { at: at(0) }).message;
        for (last, expected) in [(Some(5), true), (Some(6), false), (None, false)] {
            assert_eq!(is_still_news(&message, &pings, last), expected, "{last:?}");
            assert!(is_still_news(&message, &receiver("a", &[]), last));
        }
        message.kind = Kind::Started;
        assert!(!is_still_news(&message, &pings, Some(5)));
        assert!(!is_still_news(&message, &receiver("a", &[]), Some(5)));
    }
}
