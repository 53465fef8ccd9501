//! How an agent is started: the one command line, environment and request line, for the daemon and for a command.

use std::fmt::Display;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};

use super::{AgentLoss, Heard, Outcome, Report, Request};

/// What a service manager tells the daemon is not for its agents.
const NOT_INHERITED: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// The environment by which the processes of an action are found: its agent has it, and all that the agent starts.
pub fn environment(run_tag: impl Display, action: u32) -> [(&'static str, String); 2] {
    [
        ("FREEZERD_RUN_TAG", run_tag.to_string()),
        ("FREEZERD_ACTION", action.to_string()),
    ]
}

/// The command that starts the agent for this request, in a process group of its own. Its input and its reports are
/// pipes; the caller decides where its log goes.
pub fn command(request: &Request) -> Command {
    // The running program itself, also when a newer one has replaced its file.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("freezerd")
        .arg("agent")
        .envs(environment(&request.run_tag, request.action_index))
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    command
}

/// The line that the agent reads from its standard input. The pipe must stay open as long as the agent is wanted.
///
/// # Errors
/// When the request is not valid as JSON; a path that is not UTF-8 is not.
pub fn request_line(request: &Request) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    Ok(line)
}

/// Lets an agent perform the request, and waits in this thread for its end. For commands that need no daemon: what
/// breaks the engine then breaks only the agent. The agent's log goes to standard error.
///
/// # Errors
/// When the agent cannot be started, or ends without an outcome.
pub fn perform(request: &Request, mut on_report: impl FnMut(Report)) -> Result<Outcome, AgentLoss> {
    let mut heard = Heard::default();
    let status = hear(request, |line| {
        // A line that is not a report says nothing of the end.
        if let Ok(report) = heard.line(line) {
            on_report(report);
        }
    })
    .map_err(AgentLoss::NotStarted)?;
    heard.end(status, None)
}

/// Starts the agent and gives each line of its output to `on_line`, until it has ended.
fn hear(request: &Request, mut on_line: impl FnMut(&str)) -> io::Result<io::Result<ExitStatus>> {
    let line = request_line(request)?;
    let mut child = command(request).spawn()?;
    // Dropped at the end of this function: the end of the pipe would tell the agent that nobody waits for it.
    let mut stdin = child.stdin.take();
    if let Some(stdin) = &mut stdin {
        // An agent that is gone already is noticed by its end.
        let _ = stdin.write_all(&line);
    }
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            on_line(&String::from_utf8_lossy(&line));
        }
    }
    Ok(child.wait())
}
