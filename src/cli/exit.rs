//! Exit codes, after sysexits(3), and the errors that carry them.

use std::process::ExitCode;

use serde_json::json;

/// How the program ends. `docs/commands.md` has the same table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for is done.
    Success = 0,
    /// A run failed.
    RunFailed = 1,
    /// A run ended with something missing in its backup or restore.
    RunPartial = 3,
    /// The doctor has warnings, and no error.
    Warnings = 4,
    /// The doctor found an error.
    Errors = 5,
    /// The command line is wrong.
    Usage = 64,
    /// A job file is invalid.
    BadJobFile = 65,
    /// There is no such job, run or file.
    NotFound = 66,
    /// No daemon is running.
    NoDaemon = 69,
    /// A fault of the program's own.
    Internal = 70,
    /// Something cannot be created.
    CannotCreate = 73,
    /// Not now; try again.
    TryAgain = 75,
    /// This user may not.
    NotPermitted = 77,
    /// The configuration is wrong.
    BadConfiguration = 78,
    /// The daemon made way: start it again.
    Renew = 79,
}

impl Exit {
    /// Every code, in order, with what it means: for the help and the manual.
    pub const ALL: [(Exit, &'static str); 15] = [
        (Exit::Success, "done; of `run --once`: every run succeeded"),
        (Exit::RunFailed, "a run, or a restore by hand, failed"),
        (
            Exit::RunPartial,
            "a run ended with something missing in its backup or restore, and none failed worse",
        ),
        (Exit::Warnings, "`doctor` has warnings, and no error"),
        (Exit::Errors, "`doctor` found an error"),
        (Exit::Usage, "the command line is wrong"),
        (
            Exit::BadJobFile,
            "a job file is invalid, or an export, or the ledger does not hold together (`state check`)",
        ),
        (Exit::NotFound, "there is no such job, run, file or ledger"),
        (Exit::NoDaemon, "no daemon is running"),
        (Exit::Internal, "a fault of freezerd's own"),
        (Exit::CannotCreate, "something cannot be created"),
        (
            Exit::TryAgain,
            "not now: another daemon has the state directory, the daemon did not answer, or it refused what was asked",
        ),
        (Exit::NotPermitted, "this user may not"),
        (Exit::BadConfiguration, "the configuration is wrong"),
        (
            Exit::Renew,
            "the daemon made way for a newer version (SIGUSR1), and is to be started again",
        ),
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// A command's failure: the code, what happened to what, and the mend.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// What happened, to what.
    pub message: String,
}

impl Failure {
    /// A failure with this code and message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure {
            exit,
            message: message.into(),
        }
    }

    /// Tells the person, or the program that asked for JSON.
    pub fn report(&self, as_json: bool) {
        if as_json {
            let error = json!({"error": {"exit_code": self.exit as u8, "message": self.message}});
            println!("{error:#}");
        }
        eprintln!("freezerd: {}", self.message);
    }
}

/// An I/O error on a path, with the code that fits it.
pub fn io_failure(what: &str, path: &std::path::Path, error: &std::io::Error) -> Failure {
    let exit = match error.kind() {
        std::io::ErrorKind::NotFound => Exit::NotFound,
        std::io::ErrorKind::PermissionDenied => Exit::NotPermitted,
        _ => Exit::Internal,
    };
    Failure::new(exit, format!("cannot {what} {}: {error}", path.display()))
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Failure {
        Failure::new(Exit::BadConfiguration, error.to_string())
    }
}

impl From<crate::ledger::LedgerError> for Failure {
    fn from(error: crate::ledger::LedgerError) -> Failure {
        use crate::ledger::LedgerError;
        let exit = match &error {
            LedgerError::Missing { .. } => Exit::NotFound,
            LedgerError::InUse { .. } | LedgerError::NeedsRepair { .. } => Exit::TryAgain,
            LedgerError::Format { .. } => Exit::BadConfiguration,
            LedgerError::Denied { .. } => Exit::NotPermitted,
            LedgerError::Full { .. } => Exit::CannotCreate,
            LedgerError::Older { .. } => Exit::TryAgain,
            _ => Exit::Internal,
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<crate::daemon::Critical> for Failure {
    fn from(error: crate::daemon::Critical) -> Failure {
        use crate::control::presence::PresenceError;
        use crate::daemon::Critical;
        let denied =
            |source: &std::io::Error| source.kind() == std::io::ErrorKind::PermissionDenied;
        let exit = match error {
            Critical::Create { ref source, .. }
            | Critical::Presence(PresenceError::Lock { ref source, .. })
                if denied(source) =>
            {
                Exit::NotPermitted
            }
            Critical::NoJobsDir { .. } => Exit::NotFound,
            Critical::JobsDir { .. } => Exit::NotPermitted,
            Critical::Create { .. } | Critical::Presence(PresenceError::Lock { .. }) => {
                Exit::CannotCreate
            }
            Critical::Presence(PresenceError::Taken { .. }) => Exit::TryAgain,
            Critical::Ledger(error) => return error.into(),
            Critical::System { .. } => Exit::Internal,
        };
        Failure::new(exit, error.to_string())
    }
}
