//! A scheduler that has just loaded some jobs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use freezerd::daemon::scheduler::{Message, Order, Scheduler, StoredState};
use freezerd::intake::{Catalog, FileChange};
use freezerd::ledger::Ledger;
use freezerd::schedule::zone::Zone;
use serde_json::Value;

use super::{content, host, policy};

/// What a new catalog says of the files `NAME.json`.
pub fn loaded(files: impl IntoIterator<Item = (String, Value)>) -> Vec<FileChange> {
    let files = files
        .into_iter()
        .enumerate()
        .map(|(number, (name, document))| {
            let bytes = document.to_string().into_bytes();
            (format!("{name}.json"), content(number as u64, bytes.into()))
        });
    Catalog::new(host(Zone::utc()), "host", BTreeMap::new()).update(files.collect())
}

/// A scheduler with these files, and what it orders at once.
pub fn scheduler<L: Ledger>(
    ledger: L,
    slots: usize,
    files: impl IntoIterator<Item = (String, Value)>,
    now: DateTime<Utc>,
) -> (Scheduler<L>, Vec<Order>) {
    let mut scheduler = Scheduler::new(ledger, policy(slots), StoredState::default());
    let orders = scheduler.handle(Message::Files(loaded(files)), now);
    (scheduler, orders.expect("the ledger works"))
}

/// Names for jobs that have none: `job0`, `job1`, …
pub fn numbered(
    documents: impl IntoIterator<Item = Value>,
) -> impl Iterator<Item = (String, Value)> {
    let documents = documents.into_iter().enumerate();
    documents.map(|(number, document)| (format!("job{number}"), document))
}
