//! How an agent is started: one command line, environment and first line, for the daemon and for a command.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::os;

use super::{
    AgentLoss, Heard, ListError, ListRequest, Listing, Outcome, Report, Request, RunTag, Task,
};

/// What a service manager tells the daemon is not for its agents.
const NOT_INHERITED: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// How long a list may go without progress. A disk that spins up takes some ten seconds.
const LIST_PATIENCE: Duration = Duration::from_secs(60);

/// The environment by which the processes of an action are found: its agent has it, and all that the agent starts.
pub fn environment(run_tag: &RunTag, action: u32) -> [(&'static str, String); 2] {
    [
        ("FREEZERD_RUN_TAG", run_tag.to_string()),
        ("FREEZERD_ACTION", action.to_string()),
    ]
}

/// The command that starts the agent for this request, in a process group of its own. Its input and its reports are
/// pipes; the caller decides where its log goes.
pub fn command(request: &Request) -> Command {
    let mut command = agent_command();
    command.envs(environment(&request.run_tag, request.action_index));
    command
}

/// The line that the agent reads from its standard input. The pipe must stay open as long as the agent is wanted.
///
/// # Errors
/// When a path is not UTF-8.
pub fn first_line(task: &Task) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(task)?;
    line.push(b'\n');
    Ok(line)
}

/// Lets an agent perform the request, and waits in this thread for its end. The agent's log goes to standard error.
///
/// # Errors
/// When the agent cannot be started, or ends without an outcome.
pub fn perform(request: Request, mut on_report: impl FnMut(Report)) -> Result<Outcome, AgentLoss> {
    let mut heard = Heard::default();
    let command = command(&request);
    let task = Task::Perform(Box::new(request));
    let status = hear_reports(command, &task, None, |line| {
        // A line that is not a report says nothing of the end.
        if let Ok(report) = heard.line(line) {
            on_report(report);
        }
    })?;
    heard.end(status, None)
}

/// Lets an agent list the snapshots of a container. A repository that crashes the engine, and a disk that
/// does not answer, then cost only the agent. Its log is discarded.
///
/// # Errors
/// When the container cannot be listed, and when the agent is lost or shows no progress for a minute.
pub fn list(request: ListRequest) -> Result<Listing, ListError> {
    let mut heard = Heard::default();
    let mut listing = Listing::default();
    let mut command = agent_command();
    command.stderr(Stdio::null());
    let place = request.container.location.clone();
    let task = Task::List(Box::new(request));
    let status = hear_reports(command, &task, Some(LIST_PATIENCE), |line| {
        match heard.line(line) {
            Ok(Report::Snapshot(snapshot)) => listing.snapshots.push(snapshot),
            Ok(Report::UnreadableSnapshot(damaged)) => listing.unreadable.push(damaged),
            _ => {}
        }
    })
    .map_err(|loss| ListError::Agent {
        place: place.clone(),
        loss,
    })?;
    heard.end_of_list(status, place)?;
    Ok(listing)
}

fn agent_command() -> Command {
    // The running program itself, also when a newer one has replaced its file.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("freezerd")
        .arg("agent")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    os::with_earlier_limits(&mut command);
    command
}

/// Starts the agent and gives each line of its output to `on_line` until it ends. Kills it when no line comes for as long
/// as the patience; `None`: waits for ever.
fn hear_reports(
    mut command: Command,
    task: &Task,
    patience: Option<Duration>,
    mut on_line: impl FnMut(&str),
) -> Result<io::Result<ExitStatus>, AgentLoss> {
    let line = first_line(task).map_err(|error| AgentLoss::NotStarted(error.into()))?;
    let mut child = command.spawn().map_err(AgentLoss::NotStarted)?;
    // Dropped at the end of this function: the end of the pipe would tell the agent that nobody waits for it.
    let mut stdin = child.stdin.take();
    if let Some(stdin) = &mut stdin {
        // An agent that is gone already is noticed by its end.
        let _ = stdin.write_all(&line);
    }
    let lines = lines_of(&mut child);
    loop {
        let line = match patience {
            None => lines.recv().map_err(mpsc::RecvTimeoutError::from),
            Some(patience) => lines.recv_timeout(patience),
        };
        match line {
            Ok(line) => on_line(&line),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(child.wait()),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                kill(&child);
                // No wait for its end: a process that waits for a dead disk cannot be killed.
                return Err(AgentLoss::Silent(patience.unwrap_or_default()));
            }
        }
    }
}

/// The lines of the agent's output, which a thread of its own reads.
fn lines_of(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                if sender
                    .send(String::from_utf8_lossy(&line).into_owned())
                    .is_err()
                {
                    return;
                }
            }
        });
    }
    lines
}

fn kill(child: &Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::action::Container;
    use crate::location::Location;

    fn task() -> Task {
        Task::List(Box::new(ListRequest {
            container: Container {
                connection: Default::default(),
                name: "c".to_owned(),
                location: Location::Local("/c".into()),
                pass_file: None,
            },
            host: None,
            backup_name: None,
            cache: None,
            open: true,
        }))
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    #[test]
    fn each_line_is_heard_and_then_the_end() {
        let mut heard = Vec::new();
        let patience = Some(Duration::from_secs(60));
        let status = hear_reports(
            shell("echo one; printf two; exit 3"),
            &task(),
            patience,
            |line| {
                heard.push(line.to_owned());
            },
        );
        assert_eq!(heard, ["one", "two"]);
        assert_eq!(status.unwrap().unwrap().code(), Some(3));
    }

    #[test]
    fn an_agent_without_progress_is_killed() {
        let patience = Duration::from_millis(50);
        let script = shell("echo one; exec sleep 1000");
        let loss = hear_reports(script, &task(), Some(patience), |_| {}).unwrap_err();
        assert!(matches!(loss, AgentLoss::Silent(after) if after == patience));
    }

    #[test]
    fn the_agent_gets_the_task_and_an_open_pipe() {
        let mut heard = Vec::new();
        // The second read would end at once if the pipe were closed.
        let script = "read -r task; echo \"$task\"; timeout 0.1 cat; echo $?";
        hear_reports(shell(script), &task(), None, |line| {
            heard.push(line.to_owned())
        })
        .unwrap()
        .unwrap();
        let [task_line, code] = &heard[..] else {
            panic!("{heard:?}")
        };
        assert_eq!(serde_json::from_str::<Task>(task_line).unwrap(), task());
        assert_eq!(code, "124", "timeout(1) had to end it");
    }
}
