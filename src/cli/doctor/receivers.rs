//! The receivers of notices: whether their secrets and programs are there. Nothing is sent.

use std::collections::BTreeMap;

use super::finding::{Finding, Level};
use super::messages::Seen;
use crate::cli::notify::look::look;
use crate::config::Settings;
use crate::units;

/// What is wrong with each receiver, and which are fine; and for each name whether the receiver can get messages at all.
pub fn findings(settings: &Settings) -> (Vec<Finding>, BTreeMap<&str, Seen>) {
    let found = look(settings);
    let mut seen = BTreeMap::new();
    let mut findings = Vec::new();
    for (receiver, _) in &settings.receivers {
        let name = &receiver.name;
        let own: Vec<_> = found.iter().filter(|it| it.name == *name).collect();
        let is_broken = own.iter().any(|it| it.is_broken);
        let state = if is_broken { Seen::Broken } else { Seen::Fine };
        seen.insert(name.as_str(), state);
        if own.is_empty() {
            let kinds = units::count(
                receiver.events.len() as u64,
                "kind of message",
                "kinds of messages",
            );
            let message = format!(
                "{}: gets {kinds}; `freezerd notify --test {name}` tries it out",
                receiver.channel.kind().word()
            );
            findings.push(Finding::new("receiver", Level::Ok, name, message));
        }
        findings.extend(own.into_iter().map(|it| {
            let level = match it.is_broken {
                true => Level::Error,
                false => Level::Warning,
            };
            Finding::new("receiver", level, name, it.message.clone()).help(it.help.clone())
        }));
    }
    (findings, seen)
}
