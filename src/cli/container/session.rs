//! The run of a command that opens a container in its own process, from the lock to the exit code.

use std::io;
use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::output::{Output, Written, say};
use crate::agent::inspect::{Fault, Lock, Session, SessionError};
use crate::agent::reach::Reach;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::config::Settings;
use crate::escape::{harmless, harmless_json};
use crate::job::action::{Bandwidth, Container};

/// Why a command ended before its work was done.
pub enum Ended {
    Failed(Failure),
    /// The output cannot be written.
    Output(io::Error),
}

impl From<SessionError> for Ended {
    fn from(error: SessionError) -> Ended {
        use crate::inspect::dump::DumpError;
        match error {
            SessionError::Dump(DumpError::Output(error)) => Ended::Output(error),
            error => Ended::Failed(failure(&error)),
        }
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Ended {
        Ended::Failed(failure)
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Ended {
        Ended::Output(error)
    }
}

/// The failure of a command for an error, with the exit code that its kind has.
fn failure(error: &SessionError) -> Failure {
    let exit = match error.fault() {
        Fault::NotFound => Exit::NotFound,
        Fault::UnknownFormat => Exit::BadConfiguration,
        Fault::Denied => Exit::NotPermitted,
        Fault::Locked | Fault::Temporary => Exit::TryAgain,
        Fault::Damaged => Exit::RunFailed,
        Fault::Refused => Exit::Usage,
        Fault::Output => Exit::CannotCreate,
        Fault::Internal => Exit::Internal,
    };
    Failure::new(exit, harmless(&error.to_string()))
}

/// Opens the container, does the work, and removes the lock. When the reader of the output has gone, the process ends as
/// quietly as any other in a pipe.
pub fn run(
    settings: &Settings,
    container: &Container,
    lock: Lock,
    work: impl FnOnce(&Session) -> Result<Exit, Ended>,
) -> Result<Exit, Failure> {
    let reach = Reach::within(Bandwidth::default(), settings.bandwidth(), settings.zone())
        .with_cache(settings.cache().as_ref());
    run_within(container, &reach, lock, work)
}

/// As [`run`], with limits on what is read from the container and written to it, and with a cache or without one.
pub fn run_within(
    container: &Container,
    reach: &Reach,
    lock: Lock,
    work: impl FnOnce(&Session) -> Result<Exit, Ended>,
) -> Result<Exit, Failure> {
    let ended = match Session::open(container, reach, lock, &say) {
        Ok(session) => work(&session),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(exit) => Ok(exit),
        Err(Ended::Failed(failure)) => Err(failure),
        Err(Ended::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            crate::os::default_sigpipe();
            let _ = rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::PIPE,
            );
            Ok(Exit::Success)
        }
        Err(Ended::Output(error)) => Err(Failure::new(
            Exit::CannotCreate,
            format!("cannot write the output: {}", crate::os::reason(&error)),
        )),
    }
}

/// The exit code of a command that has printed everything: whether something could not be read.
pub fn finish(mut output: Output, session: &Session) -> Result<Exit, Ended> {
    if output.is_json() {
        for damaged in damaged(session) {
            ok(output.json(&json!({ "problem": damaged })))?;
        }
    }
    ok(output.flush())?;
    match output.problems() {
        0 => Ok(unless_damaged(session)),
        count => {
            let count = crate::units::count(count, "problem", "problems");
            say(&format!("the output is incomplete: {count}"));
            Ok(Exit::RunPartial)
        }
    }
}

/// Success, unless a file of the repository could not be read: then the output may lack something.
pub fn unless_damaged(session: &Session) -> Exit {
    match session.damaged().len() as u64 {
        0 => Exit::Success,
        count => {
            let count = crate::units::count(count, "file", "files");
            say(&format!(
                "the output may be incomplete: {count} of the container cannot be read; `freezerd repair` repairs what can be \
                 repaired"
            ));
            Exit::RunPartial
        }
    }
}

/// The files of the repository that could not be read, for JSON.
pub fn damaged(session: &Session) -> Vec<Value> {
    let files = session.damaged().into_iter();
    files
        .map(|it| json!({"file": it.file, "kind": "unreadable", "message": it.message}))
        .collect()
}

/// A write as a result.
pub fn ok(written: Written) -> Result<(), Ended> {
    match written {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(Ended::Output(error)),
    }
}

/// The end of a walk: `Some` is the error that ended it.
pub fn walked(ended: Option<io::Error>) -> Result<(), Ended> {
    match ended {
        None => Ok(()),
        Some(error) => Err(Ended::Output(error)),
    }
}

/// Prints an answer of one line at once.
pub fn print(line: &str) -> Result<(), Ended> {
    Ok(output::write_now(&harmless(line))?)
}

/// Prints an answer as a JSON document at once.
pub fn print_json(document: &Value) -> Result<(), Ended> {
    Ok(output::write_now(&harmless_json(&format!("{document:#}")))?)
}
