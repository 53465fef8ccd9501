//! `freezerd notify`: the messages that wait, and those that were given up.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::cli::exit::{Exit, Failure};
use crate::cli::table::Table;
use crate::cli::{ledger_view, logging, output};
use crate::config::Settings;
use crate::record::{OutboxRow, OutboxState};
use crate::schedule::zone::Zone;
use crate::tell::message::Kind;
use crate::units;

/// Lists the messages to the receivers with these names, or to all.
pub(super) fn run(settings: &Settings, names: &[String], as_json: bool) -> Result<Exit, Failure> {
    let ledger = ledger_view::open(settings)?;
    let mut rows = ledger.reader.outbox()?;
    rows.retain(|row| names.is_empty() || names.contains(&row.receiver));
    if as_json {
        let messages: Vec<Value> = rows.iter().map(to_json).collect();
        output::json(&json!({ "daemon": ledger.daemon, "messages": messages }));
        return Ok(Exit::Success);
    }
    let (zone, now) = (settings.zone(), Utc::now());
    let asked_again = asked_again(&rows);
    let mut table = Table::new(&["MESSAGE", "RECEIVER", "MADE", "SUBJECT", ""]);
    let mut sent: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &rows {
        let again = asked_again.get(&*row.receiver).copied();
        let Some(state) = state(row, again, now, &zone) else {
            *sent.entry(&row.receiver).or_default() += 1;
            continue;
        };
        table.row(vec![
            row.message.id.to_string(),
            row.receiver.clone(),
            logging::moment(Some(row.made), &zone),
            row.message.subject.clone(),
            state,
        ]);
    }
    if table.is_empty() {
        println!("No message waits, and none was given up.");
    } else {
        table.print();
    }
    if !ledger.daemon && rows.iter().any(OutboxRow::waits) {
        println!("No daemon is running, so nothing is sent now.");
    }
    if rows.iter().any(OutboxRow::is_given_up) {
        println!(
            "`freezerd notify --retry` sends messages again that were given up, and drops those that are out of date."
        );
    }
    for (receiver, count) in sent {
        let count = units::count(count, "message", "messages");
        let besides = match hears_every_run(settings, receiver) {
            true => ", beside those of starts and successes, which are not kept",
            false => "",
        };
        println!("{receiver} has accepted {count} in the last 30 days{besides}.");
    }
    Ok(Exit::Success)
}

/// Whether the receiver gets messages that are not kept once they are sent.
fn hears_every_run(settings: &Settings, receiver: &str) -> bool {
    let known = settings.receivers.iter().map(|(known, _)| known);
    let mut mine = known.filter(|known| known.name == receiver);
    mine.any(|it| {
        [Kind::Started, Kind::Succeeded]
            .iter()
            .any(|kind| it.events.contains(kind))
    })
}

/// When each receiver that has refused a message is asked again, at the latest. After a refusal a receiver is left alone for
/// a while. No row says how long, but it is over when what was refused is due again.
fn asked_again(rows: &[OutboxRow]) -> BTreeMap<&str, DateTime<Utc>> {
    let mut again: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    for row in rows {
        if let OutboxState::Waiting { next, .. } = row.state
            && row.tries() > 0
        {
            let known = again.entry(&row.receiver).or_insert(next);
            *known = next.max(*known);
        }
    }
    again
}

/// What became of the message; `None`: it was sent. `again`: when its receiver is asked again, at the latest.
fn state(
    row: &OutboxRow,
    again: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    zone: &Zone,
) -> Option<String> {
    let moment = |at| logging::moment(Some(at), zone);
    match &row.state {
        OutboxState::Waiting {
            next, tries, error, ..
        } => {
            let due = match again.filter(|again| *again > now) {
                _ if *next > now => format!("due at {}", moment(*next)),
                Some(again) => format!(
                    "due; its receiver is asked again at {} at the latest",
                    moment(again)
                ),
                None => "due now".to_owned(),
            };
            let tried = error.as_ref().map_or_else(String::new, |error| {
                let tries = units::count(u64::from(*tries), "try", "tries");
                format!(", after {tries}: {error}")
            });
            Some(due + &tried)
        }
        OutboxState::GivenUp { reason, .. } => Some(format!("given up: {reason}")),
        OutboxState::Sent { .. } => None,
    }
}

fn to_json(row: &OutboxRow) -> Value {
    let message = &row.message;
    let mut document = json!({
        "message": message.id,
        "id": message.key(),
        "receiver": row.receiver,
        "kind": message.kind,
        "job": message.job,
        "run": message.run,
        "subject": message.subject,
        "made": row.made,
        "state": null,
        "next": null,
        "tries": null,
        "over": row.over(),
        "error": null,
    });
    match &row.state {
        OutboxState::Waiting {
            next, tries, error, ..
        } => {
            document["state"] = "waiting".into();
            document["next"] = json!(next);
            document["tries"] = json!(tries);
            document["error"] = json!(error);
        }
        OutboxState::Sent { .. } => document["state"] = "sent".into(),
        OutboxState::GivenUp { reason, .. } => {
            document["state"] = "given_up".into();
            document["error"] = json!(reason);
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{minute as at, outbox_row};

    fn waiting(id: u64, receiver: &str, next: DateTime<Utc>, tries: u32) -> OutboxRow {
        let error = (tries > 0).then(|| "nobody is there".to_owned());
        let state = OutboxState::Waiting {
            next,
            tries,
            since: None,
            error,
            refused: false,
        };
        outbox_row(id, receiver, state)
    }

    #[test]
    fn a_message_that_is_due_waits_for_the_one_that_its_receiver_has_refused() {
        let rows = [
            waiting(1, "a", at(70), 3),
            waiting(2, "a", at(40), 0),
            waiting(3, "b", at(40), 0),
            waiting(4, "b", at(90), 0),
            waiting(5, "c", at(59), 1),
            waiting(6, "c", at(40), 0),
        ];
        let again = asked_again(&rows);
        let said = rows.each_ref().map(|row| {
            let again = again.get(&*row.receiver).copied();
            state(row, again, at(60), &Zone::utc()).expect("it waits")
        });
        assert_eq!(
            said,
            [
                "due at 2026-01-01 01:10:00, after 3 tries: nobody is there",
                "due; its receiver is asked again at 2026-01-01 01:10:00 at the latest",
                "due now",
                "due at 2026-01-01 01:30:00",
                "due now, after 1 try: nobody is there",
                "due now",
            ]
        );
    }
}
