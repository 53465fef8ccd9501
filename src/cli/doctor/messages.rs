//! Messages that do not reach their receiver.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::finding::{Finding, Level};
use crate::record::{OutboxRow, OutboxState};
use crate::units;

/// What is wrong with the messages to one receiver.
#[derive(Default)]
struct Trouble<'a> {
    refused: u64,
    /// Is due, and waits for what was refused.
    behind: u64,
    given_up: u64,
    reason: &'a str,
    /// The receiver was there, and refused the message of the reason.
    is_refusal: bool,
}

/// What can be seen of a receiver without sending anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing is wrong with it here.
    Fine,
    /// A secret, a file or a program of it is missing: a finding of its own says which.
    Broken,
}

/// One finding for each receiver that does not accept its messages. `receivers` are those of the settings.
pub fn findings(
    outbox: &[OutboxRow],
    receivers: &BTreeMap<&str, Seen>,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let mut troubles: BTreeMap<&str, Trouble<'_>> = BTreeMap::new();
    for row in outbox {
        let (reason, given_up, is_refusal) = match &row.state {
            OutboxState::Waiting {
                error: Some(error),
                refused,
                ..
            } => (error, false, *refused),
            OutboxState::GivenUp { reason, .. } => (reason, true, false),
            OutboxState::Waiting { .. } | OutboxState::Sent { .. } => continue,
        };
        let trouble = troubles.entry(&row.receiver).or_default();
        trouble.refused += u64::from(!given_up);
        trouble.given_up += u64::from(given_up);
        trouble.reason = reason;
        trouble.is_refusal = is_refusal;
    }
    for row in outbox {
        if let OutboxState::Waiting {
            error: None, next, ..
        } = &row.state
            && *next <= now
            && let Some(trouble) = troubles.get_mut(&*row.receiver)
        {
            trouble.behind += u64::from(trouble.refused > 0);
        }
    }
    troubles
        .into_iter()
        .map(|(receiver, trouble)| finding(receiver, &trouble, receivers.get(receiver).copied()))
        .collect()
}

fn finding(receiver: &str, trouble: &Trouble<'_>, seen: Option<Seen>) -> Finding {
    let mut parts = Vec::new();
    if trouble.given_up > 0 {
        let count = units::count(trouble.given_up, "message was", "messages were");
        parts.push(format!("{count} given up"));
    }
    if trouble.refused > 0 {
        let refused = units::count(trouble.refused, "message was", "messages were");
        let behind = match trouble.behind {
            0 => String::new(),
            1 => " (1 more waits behind)".to_owned(),
            more => format!(" ({more} more wait behind)"),
        };
        parts.push(format!("{refused} not accepted yet{behind}"));
    }
    let message = format!("{}: {}", parts.join(", and "), trouble.reason);
    Finding::new("notify", Level::Warning, receiver, message).help(help(receiver, trouble, seen))
}

/// What to do, by what can be seen of the receiver. `None`: the settings do not have it.
fn help(receiver: &str, trouble: &Trouble<'_>, seen: Option<Seen>) -> String {
    let retry = format!("`freezerd notify --retry {receiver}` sends the messages again");
    match seen {
        None => format!(
            "freezerd.toml has no [notify.{receiver}] any more; if that is right, there is nothing to do; if not, write the \
             section again, restart the daemon, and then {retry}"
        ),
        Some(Seen::Broken) => format!(
            "correct what is said of the receiver {receiver} above; after a change of freezerd.toml, restart the daemon; \
             then {retry}"
        ),
        Some(Seen::Fine) if trouble.is_refusal => format!(
            "the receiver is there and refuses this: `freezerd notify --test {receiver}` says what to correct in freezerd.toml or \
             at the receiver; after a change of freezerd.toml, restart the daemon; then {retry}"
        ),
        Some(Seen::Fine) if trouble.given_up == 0 => format!(
            "what waits is sent again by itself until the receiver accepts it; `freezerd notify --test {receiver}` says whether it \
             does now, and `freezerd notify --retry {receiver}` waits no longer"
        ),
        Some(Seen::Fine) => format!(
            "`freezerd notify --test {receiver}` says whether it accepts messages now, and what to do where it does not; \
             then {retry} at once"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{minute as at, outbox_row};

    #[test]
    fn each_receiver_that_does_not_accept_its_messages_is_a_warning() {
        let waiting = |error: Option<&str>| OutboxState::Waiting {
            next: at(1),
            tries: 1,
            since: Some(at(0)),
            error: error.map(str::to_owned),
            refused: error == Some("no"),
        };
        let given_up = OutboxState::GivenUp {
            at: at(0),
            reason: "it is gone".to_owned(),
        };
        let sent = OutboxState::Sent { at: at(0) };
        let outbox = [
            outbox_row(1, "a", waiting(Some("nobody is there"))),
            outbox_row(2, "a", given_up.clone()),
            outbox_row(8, "a", waiting(None)),
            outbox_row(3, "b", waiting(None)),
            outbox_row(4, "b", sent),
            outbox_row(5, "c", waiting(Some("no secret"))),
            outbox_row(6, "c", waiting(Some("no secret"))),
            outbox_row(7, "gone", given_up),
            outbox_row(8, "refuses", waiting(Some("no"))),
            outbox_row(9, "silent", waiting(Some("nobody is there"))),
        ];
        let receivers = [
            ("a", Seen::Fine),
            ("b", Seen::Fine),
            ("c", Seen::Broken),
            ("refuses", Seen::Fine),
            ("silent", Seen::Fine),
        ];
        let found = findings(&outbox, &receivers.into(), at(2));
        let said: Vec<(&str, &str)> = found
            .iter()
            .map(|it| (it.subject.as_str(), it.message.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (
                    "a",
                    "1 message was given up, and 1 message was not accepted yet (1 more waits behind): it is gone"
                ),
                ("c", "2 messages were not accepted yet: no secret"),
                ("gone", "1 message was given up: it is gone"),
                ("refuses", "1 message was not accepted yet: no"),
                ("silent", "1 message was not accepted yet: nobody is there"),
            ]
        );
        let is_of = |it: &Finding| (it.check, it.level) == ("notify", Level::Warning);
        assert!(found.iter().all(is_of), "{found:?}");
        for (finding, mend) in found.iter().zip([
            "`freezerd notify --test a` says whether it accepts messages now",
            "correct what is said of the receiver c above",
            "freezerd.toml has no [notify.gone] any more",
            "the receiver is there and refuses this",
            "what waits is sent again by itself",
        ]) {
            let help = finding.help.as_deref().unwrap_or_default();
            assert!(help.contains(mend), "{help}");
        }
    }
}
