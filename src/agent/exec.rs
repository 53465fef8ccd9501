//! Runs a command.
//!
//! It runs in the agent's process group, so that all processes that it starts can be ended with it. Its standard input
//! is empty, and both its outputs go to the agent's log unchanged. It cannot reach the daemon's pipe or the agent's
//! reports.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus};

use super::error::ActionError;
use super::exec_environment::VARIABLES;
use super::report::log;
use super::{Context, left_behind, outcome};
use crate::job::action::{self, Exec};
use crate::kill_point::{self, Point};
use crate::os;
use crate::protocol::{Outcome, Summary, Verdict};

/// What a service manager tells the daemon, and not the commands that it starts.
const NOT_INHERITED: [&str; 6] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
];

/// Runs one command.
pub fn run(context: &Context, work: &Exec) -> Result<Outcome, ActionError> {
    let (command, name) = prepare(&work.command)?;
    perform(context, command, name)
}

/// Runs the command of a drill in the directory with the restored files, which is removed afterwards: what the command has
/// left running ends, too.
pub fn run_on(
    context: &Context,
    command: &action::Command,
    restored: &Path,
    snapshot: &str,
) -> Result<Outcome, ActionError> {
    let (mut command, name) = prepare(command)?;
    command
        .current_dir(restored)
        .env("FREEZERD_DRILL_DIRECTORY", restored)
        .env("FREEZERD_DRILL_SNAPSHOT", snapshot);
    let before = left_behind::Before::look();
    let ended = perform(context, command, name);
    left_behind::end(&before, context.request.grace);
    context.termination.command_is_gone();
    if context.termination.is_requested() {
        wait_for_the_end();
    }
    ended
}

/// The log and the reason have this name, and not the command itself: it may hold a password.
fn perform(context: &Context, mut command: Command, name: String) -> Result<Outcome, ActionError> {
    if context.request.action.dry_run {
        log(&format!("would run {name}"));
        return Ok(outcome::success(Summary::default()));
    }
    let failed = |step, source| ActionError::Command {
        name: name.clone(),
        step,
        source,
    };
    let output = || io::stderr().as_fd().try_clone_to_owned().map(Stdio::from);
    command
        .stdin(Stdio::null())
        .stdout(output().map_err(|error| failed("gets no output", error))?)
        .stderr(output().map_err(|error| failed("gets no output", error))?);
    describe_run(context, &mut command);
    // Processes that outlive the command become children of this process, which can then wait for them.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    context.termination.command_runs(context.request.grace);
    log(&format!("running {name}"));
    let child = command
        .spawn()
        .map_err(|error| failed("cannot be started", error))?;
    kill_point::reached(Point::CommandStarted);
    let child = Pid::from_child(&child);
    let status = wait(context, child).map_err(|error| failed("cannot be waited for", error))?;
    kill_point::reached(Point::CommandEnded);
    Ok(outcome_of(&name, status))
}

fn prepare(command: &action::Command) -> Result<(Command, String), ActionError> {
    match command {
        action::Command::Shell(text) => {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(text);
            Ok((command, "the command".to_owned()))
        }
        action::Command::Words(words) => match words.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments);
                Ok((command, format!("the command {program}")))
            }
            None => Err(ActionError::CommandEmpty),
        },
    }
}

/// Sets the environment variables that describe the run.
fn describe_run(context: &Context, command: &mut Command) {
    let request = &context.request;
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    os::with_earlier_limits(command);
    for variable in &VARIABLES {
        command.env(variable.name, variable.value(request));
    }
}

/// Waits for the command. When the agent is told to end meanwhile, waits for all that the command has started; then
/// `termination` ends this process, and this function does not return.
fn wait(context: &Context, command: Pid) -> io::Result<WaitStatus> {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((child, status)))
                if child == command && !context.termination.is_requested() =>
            {
                return Ok(status);
            }
            Ok(Some((child, _))) if child == command => context.termination.command_has_ended(),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::CHILD) if context.termination.is_requested() => {
                context.termination.command_is_gone();
                wait_for_the_end();
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// `termination` ends this process.
fn wait_for_the_end() -> ! {
    loop {
        std::thread::park();
    }
}

fn outcome_of(name: &str, status: WaitStatus) -> Outcome {
    let summary = Summary {
        exit_code: status.exit_status(),
        signal: status.terminating_signal(),
        ..Summary::default()
    };
    let (verdict, reason) = match (status.exit_status(), status.terminating_signal()) {
        (Some(0), _) => return outcome::success(summary),
        (Some(126), _) => (
            Verdict::FailedForGood,
            format!("{name} ended with exit code 126: something in it cannot be executed"),
        ),
        (Some(127), _) => (
            Verdict::FailedForGood,
            format!(
                "{name} ended with exit code 127: something in it was not found; is the path complete?"
            ),
        ),
        (Some(code), _) => (
            Verdict::Failed,
            format!("{name} ended with exit code {code}"),
        ),
        (None, Some(signal)) => (
            Verdict::Failed,
            format!("{name} was ended by signal {signal}"),
        ),
        (None, None) => (Verdict::Failed, format!("{name} ended in an unknown way")),
    };
    Outcome {
        verdict,
        reason: Some(reason),
        ..outcome::success(summary)
    }
}
