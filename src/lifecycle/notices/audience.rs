//! Who is told of a job.

use crate::job::Notify;
use crate::tell::kind::ReceiverKind;
use crate::tell::message::Kind;
use crate::tell::receiver::Receiver;

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
    /// They know it already: it is told again because it lasts.
    pub again: bool,
    /// Their names.
    pub to: Vec<String>,
}

impl<'a> Audience<'a> {
    /// Those of the receivers that the job names.
    pub fn new(receivers: &'a [Receiver], notify: &'a Notify) -> Audience<'a> {
        Audience { receivers, notify }
    }

    /// Those that are told of changes.
    pub(super) fn of_changes(self) -> impl Iterator<Item = &'a Receiver> {
        self.all().filter(|receiver| !hears_every_run(receiver))
    }

    pub(super) fn all(self) -> impl Iterator<Item = &'a Receiver> {
        let receivers = self.receivers.iter();
        receivers.filter(move |receiver| self.notify.names(&receiver.name))
    }
}

/// Whether the receiver is a check that waits for pings: it keeps the state of the job itself.
pub fn hears_every_run(receiver: &Receiver) -> bool {
    receiver.channel.kind() == ReceiverKind::Ping
}

/// Who wants to know of failures wants to know of all of them.
pub(super) fn wants(receiver: &Receiver, kind: Kind) -> bool {
    let is_failure = matches!(kind, Kind::Check | Kind::Drill | Kind::Space);
    receiver.events.contains(&kind) || is_failure && receiver.events.contains(&Kind::Failed)
}

impl Telling {
    /// This kind of message for these receivers: none if there are no receivers.
    pub(super) fn any(kind: Kind, to: Vec<String>) -> Option<Telling> {
        let again = false;
        (!to.is_empty()).then_some(Telling { kind, again, to })
    }

    /// This kind of message once more, for a receiver that had it before.
    pub(super) fn again(kind: Kind, receiver: &Receiver) -> Telling {
        Telling {
            kind,
            again: true,
            to: vec![receiver.name.clone()],
        }
    }
}
