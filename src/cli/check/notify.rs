//! Looks for receivers that a job names, and that `freezerd.toml` does not have.

use crate::config::Settings;
use crate::intake::{CheckedContent, CheckedFile};
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::{Notify, codes};

/// Adds a warning for each. The job loads without it.
pub(super) fn look_at(checked: &mut CheckedFile, settings: &Settings) {
    let CheckedContent::Job(job) = &checked.content else {
        return;
    };
    let Notify::Only(names) = &job.notify else {
        return;
    };
    let known: Vec<&str> = settings
        .receivers
        .iter()
        .map(|(receiver, _)| receiver.name.as_str())
        .collect();
    for name in names {
        if known.contains(&name.as_str()) {
            continue;
        }
        let help = match known.is_empty() {
            true => "a section `[notify.NAME]` in freezerd.toml defines a receiver".to_owned(),
            false => format!("freezerd.toml has {}", known.join(", ")),
        };
        checked.diagnostics.push(
            Diagnostic::warning(
                codes::UNKNOWN_RECEIVER,
                format!(
                    "`notify` names {}, and there is no such receiver",
                    quoted(name)
                ),
            )
            .help(help),
        );
    }
}
