//! The exit codes, which follow sysexits(3), and the errors that have one.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::output;
use crate::config::ConfigError;
use crate::control::daemon_lock::DaemonLockError;
use crate::control::layout::CannotCreate;
use crate::ledger::LedgerError;

/// The exit codes. `docs/commands.md` has the same table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The command did everything that it was asked to do.
    Success = 0,
    /// A run or a restore by hand failed, or what a command needs from a container is damaged.
    RunFailed = 1,
    /// The backup or restore of a run is incomplete, or a command could not read a part of a container.
    RunPartial = 3,
    /// `doctor` found warnings but no errors.
    Warnings = 4,
    /// `doctor` found an error.
    Errors = 5,
    /// The command line is wrong.
    Usage = 64,
    /// A job file or an export is invalid, or the ledger is inconsistent.
    BadJobFile = 65,
    /// The job, run, file, container, snapshot or ledger does not exist.
    NotFound = 66,
    /// No daemon is running.
    NoDaemon = 69,
    /// An error in freezerd itself.
    Internal = 70,
    /// Something cannot be created.
    CannotCreate = 73,
    /// The command cannot be done now but may succeed later.
    TryAgain = 75,
    /// This user has no permission, or the password of a container is wrong.
    NotPermitted = 77,
    /// The configuration is wrong, or something has a format that this version does not know.
    BadConfiguration = 78,
    /// The daemon ended to make room for a newer version. The service manager starts it again.
    Renew = 79,
}

impl Exit {
    /// Every code in ascending order with its meaning, for the manual pages.
    pub const ALL: [(Exit, &'static str); 15] = [
        (Exit::Success, "done; for `run --once`: every run succeeded"),
        (
            Exit::RunFailed,
            "a run failed, a restore by hand failed, or what a command needs from a container is damaged",
        ),
        (
            Exit::RunPartial,
            "the backup or restore of a run is incomplete (`partial`), and no run failed in another way; or a command could \
             not read a part of a container, and its output is incomplete",
        ),
        (Exit::Warnings, "`doctor` found warnings but no errors"),
        (Exit::Errors, "`doctor` found an error"),
        (Exit::Usage, "the command line is wrong"),
        (
            Exit::BadJobFile,
            "a job file or an export is invalid, or the ledger is inconsistent (`state check`)",
        ),
        (
            Exit::NotFound,
            "the job, run, file, container, snapshot or ledger does not exist",
        ),
        (Exit::NoDaemon, "no daemon is running"),
        (Exit::Internal, "an internal error of freezerd"),
        (Exit::CannotCreate, "something cannot be created"),
        (
            Exit::TryAgain,
            "try again later: another daemon uses the state directory, the daemon did not answer or refused the request, or \
             it cannot write the ledger at the moment, or another process has the container locked",
        ),
        (
            Exit::NotPermitted,
            "this user has no permission, or the password of a container is wrong",
        ),
        (
            Exit::BadConfiguration,
            "the configuration is wrong; or a ledger or a container has a format that this version does not know",
        ),
        (
            Exit::Renew,
            "the daemon ended to make room for a newer version (SIGUSR1); start it again",
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
    /// One sentence without a full stop: what happened, to which object, and what to do about it. It is shown as one
    /// line, whatever it names.
    pub message: String,
    /// Lines that follow it, such as the errors of a job file.
    details: String,
}

impl Failure {
    /// A failure with its exit code and its message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure {
            exit,
            message: message.into(),
            details: String::new(),
        }
    }

    /// The same failure, with these lines after its message.
    pub fn with_details(mut self, lines: String) -> Failure {
        self.details = lines;
        self
    }

    /// Writes the message to standard error. With `as_json` it also writes an object to standard output: on one line
    /// after `lines` of JSON.
    pub fn report(&self, as_json: bool, lines: bool) {
        if as_json {
            let message = match self.details.as_str() {
                "" => self.message.clone(),
                details => format!("{}\n{details}", self.message),
            };
            let error = json!({"error": {"exit_code": self.exit as u8, "message": message}});
            // Nobody may read it any more. The exit code is still there.
            match lines {
                true => output::document(&format!("{error}\n")),
                false => output::json(&error),
            }
        }
        eprintln!("freezerd: {}", self.message);
        if !self.details.is_empty() {
            eprint!("{}\n", self.details.trim_end_matches('\n'));
        }
    }
}

/// The failure of a command that met this error at standard output, so that nobody has got its output whole. `None` if the
/// reader has gone away by itself, as `head` does.
pub(super) fn unwritten(error: &io::Error) -> Option<Failure> {
    (error.kind() != io::ErrorKind::BrokenPipe).then(|| {
        Failure::new(
            Exit::CannotCreate,
            format!(
                "cannot write to standard output: {}",
                crate::os::reason(error)
            ),
        )
    })
}

/// Makes a failure from an I/O error on a path: `cannot {what} {path}: {error}`. The exit code depends on the kind of
/// the error.
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

impl From<DaemonLockError> for Failure {
    fn from(error: DaemonLockError) -> Failure {
        let exit = match &error {
            DaemonLockError::Taken { .. } => Exit::TryAgain,
            DaemonLockError::Lock { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => Exit::NotPermitted,
                _ => Exit::CannotCreate,
            },
        };
        Failure::new(exit, error.to_string())
    }
}
