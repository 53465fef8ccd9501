//! How an agent ended that did not report its own end.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use crate::limits::OutOfMemory;
use crate::units;

/// How an agent ended that did not report its own end. Displayed as a sentence for people.
#[derive(Debug)]
pub enum AgentLoss {
    NotStarted(io::Error),
    /// The kernel killed it, or its command, for memory.
    OutOfMemory(OutOfMemory),
    Panicked {
        /// What broke, for people.
        message: String,
    },
    /// It showed no progress for so long, and was killed.
    Silent(Duration),
    ExitCode(i32),
    Signal(i32),
    /// The system says neither an exit code nor a signal.
    Unexplained,
    /// How it ended cannot be found out.
    Unknown(io::Error),
}

impl From<io::Result<ExitStatus>> for AgentLoss {
    fn from(status: io::Result<ExitStatus>) -> AgentLoss {
        match status.map(|status| (status.code(), status.signal())) {
            Ok((Some(code), _)) => AgentLoss::ExitCode(code),
            Ok((None, Some(signal))) => AgentLoss::Signal(signal),
            Ok((None, None)) => AgentLoss::Unexplained,
            Err(error) => AgentLoss::Unknown(error),
        }
    }
}

impl fmt::Display for AgentLoss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AgentLoss::NotStarted(error) => write!(formatter, "cannot start the agent: {error}"),
            AgentLoss::OutOfMemory(whose) => whose.fmt(formatter),
            AgentLoss::Panicked { message } => formatter.write_str(message),
            AgentLoss::Silent(patience) => write!(
                formatter,
                "no progress for {}: the disk, the server or the repository does not answer",
                units::duration(*patience)
            ),
            AgentLoss::ExitCode(code) => write!(
                formatter,
                "the agent ended with exit code {code} and without a result"
            ),
            AgentLoss::Signal(libc::SIGKILL) => formatter.write_str(
                "the agent was killed (signal 9), perhaps because memory ran out; see the kernel's log",
            ),
            AgentLoss::Signal(signal) => {
                write!(formatter, "the agent was ended by signal {signal}")
            }
            AgentLoss::Unexplained => formatter.write_str("the agent ended without a result"),
            AgentLoss::Unknown(error) => write!(formatter, "the agent was lost: {error}"),
        }
    }
}
