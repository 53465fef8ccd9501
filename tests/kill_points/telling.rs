//! The scenario of a message to a receiver.

use std::collections::BTreeSet;

use freezerd::record::{OutboxRow, OutboxState};
use serde_json::Value;

use super::harness::exec;
use super::scenarios::{Scenario, due};

/// A job that fails, and a receiver that is told of it.
pub const TELLING: Scenario = Scenario {
    name: "telling",
    prepare: |host| {
        let receiver = "[notify.admins]\ntype = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"cat >> heard\"]\n";
        host.file("freezerd.toml", receiver);
        host.put("job", due(vec![exec("exit 1")]));
    },
    between: |_| {},
    settled: |_, reader| {
        let outbox = reader.outbox().unwrap_or_default();
        !outbox.is_empty() && !outbox.iter().any(OutboxRow::waits)
    },
    roles: &["daemon"],
    judge: |host, reader| {
        let heard = host.read("work/heard");
        let messages = heard.lines().map(|line| {
            let message: Value = serde_json::from_str(line).expect("JSON");
            (message["id"].to_string(), message["kind"].to_string())
        });
        let distinct: BTreeSet<(String, String)> = messages.collect();
        assert_eq!(
            distinct.len(),
            1,
            "one message, and the same if it came twice: {heard}"
        );
        let outbox = reader.outbox().expect("the messages");
        assert_eq!(outbox.len(), 1, "{outbox:#?}");
        assert!(matches!(outbox[0].state, OutboxState::Sent { .. }));
    },
};
