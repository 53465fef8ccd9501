//! `freezerd notify`: the messages that wait, and those that were given up.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::exit::{Exit, Failure};
use crate::cli::table::Table;
use crate::cli::{ledger_view, logging, output};
use crate::config::Settings;
use crate::record::{OutboxRow, OutboxState};
use crate::schedule::zone::Zone;
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
    let zone = settings.zone();
    let mut table = Table::new(&["MESSAGE", "RECEIVER", "MADE", "SUBJECT", ""]);
    let mut sent: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &rows {
        let Some(state) = state(row, &zone) else {
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
    if rows.iter().any(OutboxRow::is_given_up) {
        println!("`freezerd notify --retry` sends messages again that were given up.");
    }
    for (receiver, count) in sent {
        let count = units::count(count, "message", "messages");
        println!("{receiver} has accepted {count} in the last 30 days.");
    }
    Ok(Exit::Success)
}

/// What became of the message; `None`: it was sent.
fn state(row: &OutboxRow, zone: &Zone) -> Option<String> {
    match &row.state {
        OutboxState::Waiting {
            next, tries, error, ..
        } => {
            let next = logging::moment(Some(*next), zone);
            let tried = error.as_ref().map_or_else(String::new, |error| {
                let tries = units::count(u64::from(*tries), "try", "tries");
                format!(" after {tries}: {error}")
            });
            Some(format!("waits until {next}{tried}"))
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
