//! A running agent, as the daemon holds it: started with its request and its limits, asked to end, killed.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::kill_point::{self, Point};
use crate::limits::{self, Group, Groups, OutOfMemory};
use crate::protocol::{Request, Task, agent_process};

/// How long killed processes may take to leave their control group.
const PATIENCE: Duration = Duration::from_secs(1);

/// A running agent. It leads its process group.
pub struct AgentHandle {
    pub child: Child,
    pid: Pid,
    /// Lines for the agent. Its pipe is closed when this value is dropped: that tells it that its daemon is gone.
    lines: mpsc::UnboundedSender<Vec<u8>>,
    /// `None`: the agent runs without limits.
    group: Option<Group>,
}

/// The agent's outputs.
pub struct Outputs {
    pub reports: ChildStdout,
    pub log: ChildStderr,
}

impl AgentHandle {
    /// Starts an agent. An error to limit it is given to `without_limits`, and the agent runs all the same.
    ///
    /// # Errors
    /// When the agent cannot be started.
    pub fn start(
        request: &Request,
        groups: Option<&Groups>,
        without_limits: impl FnOnce(io::Error),
    ) -> io::Result<(AgentHandle, Outputs)> {
        let line = agent_process::first_line(&Task::Perform(Box::new(request.clone())))?;
        kill_point::reached(Point::SpawnBegins);
        let mut command = agent_process::command(request);
        command.stderr(Stdio::piped());
        let mut child = Command::from(command).spawn()?;
        kill_point::reached(Point::Spawned);
        let gone = || io::Error::other("it was gone at once");
        let pid = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw)
            .ok_or_else(gone)?;
        // The agent does nothing before it has its request.
        let group =
            groups.and_then(|groups| groups.place(request.run, pid).map_err(without_limits).ok());
        let outputs = Outputs {
            reports: child.stdout.take().ok_or_else(gone)?,
            log: child.stderr.take().ok_or_else(gone)?,
        };
        // A task of its own: a request that does not fit into the pipe waits for its reader, and an agent that hangs must
        // not delay its own timeout or abort. (Waiting for the child would close a pipe that is still the child's.)
        let mut stdin = child.stdin.take().ok_or_else(gone)?;
        let (lines, mut further) = mpsc::unbounded_channel::<Vec<u8>>();
        tokio::spawn(async move {
            // An agent that is gone already is noticed by its end.
            let _ = stdin.write_all(&line).await;
            kill_point::reached(Point::RequestSent);
            while let Some(line) = further.recv().await {
                let _ = stdin.write_all(&line).await;
            }
        });
        let handle = AgentHandle {
            child,
            pid,
            lines,
            group,
        };
        Ok((handle, outputs))
    }

    /// Asks the agent alone to end; it asks its command. If the daemon asked the command, that could end before the
    /// agent knows why, and its end would look like a failure of its own.
    pub fn ask_to_end(&self) {
        // An agent that is gone needs no signal.
        let _ = kill_process(self.pid, Signal::TERM);
        kill_point::reached(Point::EndAsked);
    }

    /// Tells the agent that it has a slot again.
    pub fn give_slot(&self) {
        let _ = self.lines.send(b"\n".to_vec());
    }

    /// The process group that the agent leads.
    pub fn process_group(&self) -> Pid {
        self.pid
    }

    /// Kills the agent and what it started: its process group, and what has left that but not its control group.
    pub fn kill(&self) {
        let _ = kill_process_group(self.pid, Signal::KILL);
        if let Some(group) = &self.group {
            group.kill();
        }
    }

    /// Gives the control group back, once the agent has ended. Returns whether the kernel killed a process of it for
    /// memory. `killed` says that all processes of the group were killed.
    pub async fn leave_group(self, killed: bool) -> Option<OutOfMemory> {
        let group = self.group?;
        let out_of_memory = group.out_of_memory();
        let _ = timeout(PATIENCE, async {
            // Killed processes need a moment to be gone. What a command left behind on purpose keeps the group.
            while !group.remove() && (killed || out_of_memory.is_some()) {
                sleep(limits::PAUSE).await;
            }
        })
        .await;
        out_of_memory
    }
}
