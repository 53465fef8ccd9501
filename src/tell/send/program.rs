//! Programs of this host that get a message: commands, and `sendmail`.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::error::SendError;
use crate::tell::channel::Sendmail;
use crate::tell::message::Message;
use crate::tell::receiver::Receiver;

/// The most of its standard error that is read, in bytes.
const SAID: u64 = 64 * 1024;

/// The longest last line that is told, in characters.
const LINE: usize = 200;

/// What a process that the program left behind may still say.
const LEFT: Duration = Duration::from_millis(200);

/// The variables that a command gets, and what each holds.
pub const VARIABLES: [(&str, &str); 8] = [
    (
        "FREEZERD_NOTICE_ID",
        "the name of the message, the same if it is delivered again",
    ),
    (
        "FREEZERD_NOTICE_AT",
        "the time, such as `2026-11-27T02:31:00+01:00`",
    ),
    ("FREEZERD_NOTICE_HOST", "the name of this host"),
    (
        "FREEZERD_NOTICE_JOB",
        "the id of the job; empty if it is not about one",
    ),
    (
        "FREEZERD_NOTICE_RUN",
        "the run; empty if it is not about one",
    ),
    ("FREEZERD_NOTICE_KIND", "the kind, such as `failed`"),
    ("FREEZERD_NOTICE_SEVERITY", "`info`, `warning` or `error`"),
    ("FREEZERD_NOTICE_SUBJECT", "the subject, one line"),
];

/// Runs a command, which gets the message as JSON.
pub(super) async fn tell(
    words: &[String],
    receiver: &Receiver,
    message: &Message,
) -> Result<(), SendError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(SendError::Internal);
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, value) in VARIABLES.iter().map(|(name, _)| *name).zip([
        message.key(),
        message.at.to_rfc3339(),
        message.host.clone(),
        message.job.clone().unwrap_or_default(),
        message.run.clone().unwrap_or_default(),
        message.kind.word().to_owned(),
        message.kind.severity().word().to_owned(),
        message.subject.clone(),
    ]) {
        // No variable can hold a zero byte.
        command.env(name, value.replace('\0', ""));
    }
    let document = format!("{}\n", message.to_json(receiver.log));
    run(program, command, document.as_bytes(), receiver.timeout).await
}

/// A mail as it goes over the wire.
#[cfg_attr(
    not(feature = "mail"),
    allow(dead_code, reason = "this build composes none")
)]
pub(super) struct Composed {
    pub sender: String,
    pub recipients: Vec<String>,
    pub text: Vec<u8>,
}

/// Gives a mail to `sendmail`. The addresses are in the command line, and no line of the mail ends it.
pub(super) async fn hand_over(
    sendmail: &Sendmail,
    letter: &Composed,
    limit: Duration,
) -> Result<(), SendError> {
    let mut command = Command::new(&sendmail.program);
    command
        .args(["-i", "-f", &letter.sender, "--"])
        .args(&letter.recipients);
    run(&sendmail.program, command, &letter.text, limit).await
}

/// Runs a program in a process group of its own. When its time is over, the whole group is killed.
async fn run(
    program: &str,
    mut command: Command,
    input: &[u8],
    limit: Duration,
) -> Result<(), SendError> {
    let not_run = |source: io::Error| SendError::NotRun {
        program: program.to_owned(),
        source,
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(not_run)?;
    let group = child.id().and_then(|id| Pid::from_raw(id as i32));
    match timeout(limit, end_of(&mut child, input)).await {
        Ok(Ok((status, _))) if status.success() => Ok(()),
        Ok(Ok((status, last_line))) => Err(SendError::Failed {
            program: program.to_owned(),
            status,
            last_line,
        }),
        Ok(Err(error)) => Err(not_run(error)),
        Err(_) => {
            if let Some(group) = group {
                let _ = kill_process_group(group, Signal::KILL);
            }
            Err(SendError::Silent(limit))
        }
    }
}

/// How the program ended, and the last line of its standard error.
async fn end_of(child: &mut Child, input: &[u8]) -> io::Result<(std::process::ExitStatus, String)> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    // A program that accepts a message need not read it.
    let write = async {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(input).await;
        }
    };
    let mut said = Vec::new();
    let read = async {
        if let Some(stderr) = stderr {
            let _ = stderr.take(SAID).read_to_end(&mut said).await;
        }
    };
    let status = {
        let talk = async { tokio::join!(write, read) };
        tokio::pin!(talk);
        tokio::select! {
            status = child.wait() => {
                let _ = timeout(LEFT, &mut talk).await;
                status?
            }
            // It has closed its ends, and may still be working.
            _ = &mut talk => child.wait().await?,
        }
    };
    Ok((status, last_line(&said)))
}

fn last_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let line = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty());
    line.unwrap_or_default().chars().take(LINE).collect()
}
