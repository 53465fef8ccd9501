//! A finding: the result of one check of `freezerd doctor`.

use serde::Serialize;

/// How serious a finding is. The order is from harmless to serious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everything is as it should be.
    Ok,
    /// Information; nothing is wrong.
    Info,
    /// Something works now but is likely to fail later, or does not work as intended.
    Warning,
    /// Something does not work or is not secure.
    Error,
}

impl Level {
    /// The word for the level in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// The result of one check, in the format that `docs/commands.md` describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The kind of check: a word from the table in `docs/commands.md`.
    pub check: &'static str,
    pub level: Level,
    /// What was checked: a path, a job or a unit. Empty if the finding is about all jobs.
    pub subject: String,
    /// What was found, as a clause that follows the subject.
    pub message: String,
    /// What to do about it. `None` if there is nothing to do.
    pub help: Option<String>,
}

impl Finding {
    /// A finding without help.
    pub fn new(
        check: &'static str,
        level: Level,
        subject: impl ToString,
        message: impl Into<String>,
    ) -> Finding {
        Finding {
            check,
            level,
            subject: subject.to_string(),
            message: message.into(),
            help: None,
        }
    }

    /// The same finding with what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Finding {
        self.help = Some(help.into());
        self
    }
}
