//! What the doctor says: one finding for each thing that it looked at.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing is wrong.
    Info,
    /// It works, and may not for long, or not as it is meant.
    Warning,
    /// Something does not work, or is not safe.
    Error,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// One thing that was looked at, and what to do about it. As documented in `docs/commands.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing: one of the words of the documentation.
    pub check: &'static str,
    pub level: Level,
    /// Which thing: a path, a job, a unit.
    pub subject: String,
    /// How it is.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
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

    pub fn help(mut self, help: impl Into<String>) -> Finding {
        self.help = Some(help.into());
        self
    }
}
