//! Messages that do not reach their receiver.

use std::collections::BTreeMap;

use super::finding::{Finding, Level};
use crate::record::{OutboxRow, OutboxState};
use crate::units;

/// What is wrong with the messages to one receiver.
#[derive(Default)]
struct Trouble<'a> {
    refused: u64,
    given_up: u64,
    reason: &'a str,
}

/// One finding for each receiver that does not accept its messages.
pub fn findings(outbox: &[OutboxRow]) -> Vec<Finding> {
    let mut troubles: BTreeMap<&str, Trouble<'_>> = BTreeMap::new();
    for row in outbox {
        let (reason, given_up) = match &row.state {
            OutboxState::Waiting {
                error: Some(error), ..
            } => (error, false),
            OutboxState::GivenUp { reason, .. } => (reason, true),
            OutboxState::Waiting { .. } | OutboxState::Sent { .. } => continue,
        };
        let trouble = troubles.entry(&row.receiver).or_default();
        trouble.refused += u64::from(!given_up);
        trouble.given_up += u64::from(given_up);
        trouble.reason = reason;
    }
    troubles
        .into_iter()
        .map(|(receiver, trouble)| finding(receiver, &trouble))
        .collect()
}

fn finding(receiver: &str, trouble: &Trouble<'_>) -> Finding {
    let mut parts = Vec::new();
    if trouble.given_up > 0 {
        let count = units::count(trouble.given_up, "message was", "messages were");
        parts.push(format!("{count} given up"));
    }
    if trouble.refused > 0 {
        let count = units::count(trouble.refused, "message waits", "messages wait");
        parts.push(format!("{count}, because it was not accepted yet"));
    }
    let message = format!("{}: {}", parts.join(", and "), trouble.reason);
    Finding::new("notify", Level::Warning, receiver, message).help(
        "`freezerd notify` lists the messages; correct the receiver in freezerd.toml, restart the daemon, and then \
         `freezerd notify --retry` sends them again",
    )
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
        };
        let given_up = OutboxState::GivenUp {
            at: at(0),
            reason: "it is gone".to_owned(),
        };
        let sent = OutboxState::Sent { at: at(0) };
        let found = findings(&[
            outbox_row(1, "a", waiting(Some("nobody is there"))),
            outbox_row(2, "a", given_up),
            outbox_row(3, "b", waiting(None)),
            outbox_row(4, "b", sent),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].check, found[0].level), ("notify", Level::Warning));
        assert_eq!(found[0].subject, "a");
        assert!(found[0].message.contains("1 message was given up"));
    }
}
