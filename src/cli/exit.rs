//! Exit codes, after sysexits(3), and the errors that carry them.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::config::ConfigError;
use crate::control::layout::CannotCreate;
use crate::control::presence::PresenceError;
use crate::ledger::LedgerError;

/// How the program ends. `docs/commands.md` has the same table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was asked for is done.
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
    /// A fault in freezerd itself.
    Internal = 70,
    /// Something cannot be created.
    CannotCreate = 73,
    /// It cannot be done now, and may succeed later.
    TryAgain = 75,
    /// This user has no permission.
    NotPermitted = 77,
    /// The configuration is wrong.
    BadConfiguration = 78,
    /// The daemon made way for a newer version and is to be started again.
    Renew = 79,
}

impl Exit {
    /// Every code in order with its meaning, for the help and the manual.
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

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// What happened, to what, and what to do about it.
    pub message: String,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure {
            exit,
            message: message.into(),
        }
    }

    /// Writes the message to standard error and, where JSON is asked for, an object to standard output.
    pub fn report(&self, as_json: bool) {
        if as_json {
            let error = json!({"error": {"exit_code": self.exit as u8, "message": self.message}});
            println!("{error:#}");
        }
        eprintln!("freezerd: {}", self.message);
    }
}

/// A failure for an I/O error on a path: `cannot {what} {path}: …`.
pub fn io_failure(what: &str, path: &Path, error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::NotFound => Exit::NotFound,
        io::ErrorKind::PermissionDenied => Exit::NotPermitted,
        _ => Exit::Internal,
    };
    Failure::new(exit, format!("cannot {what} {}: {error}", path.display()))
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::new(Exit::BadConfiguration, error.to_string())
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Failure {
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

impl From<CannotCreate> for Failure {
    fn from(error: CannotCreate) -> Failure {
        let exit = match error.source.kind() {
            io::ErrorKind::PermissionDenied => Exit::NotPermitted,
            _ => Exit::CannotCreate,
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<PresenceError> for Failure {
    fn from(error: PresenceError) -> Failure {
        let exit = match &error {
            PresenceError::Taken { .. } => Exit::TryAgain,
            PresenceError::Lock { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => Exit::NotPermitted,
                _ => Exit::CannotCreate,
            },
        };
        Failure::new(exit, error.to_string())
    }
}
