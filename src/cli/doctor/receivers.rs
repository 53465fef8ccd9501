//! The receivers of notices: whether their secrets and programs are there. Nothing is sent.

use super::finding::{Finding, Level};
use crate::cli::notify::look::look;
use crate::config::Settings;
use crate::units;

/// What is wrong with each receiver, and which are fine.
pub fn findings(settings: &Settings) -> Vec<Finding> {
    let found = look(settings);
    let mut findings = Vec::new();
    for (receiver, _) in &settings.receivers {
        let name = &receiver.name;
        let own: Vec<_> = found.iter().filter(|it| it.receiver == *name).collect();
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
    findings
}
