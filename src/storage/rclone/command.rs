//! Commands of rclone: with the configuration of the storage, and without what is the environment's.

use std::io::Read;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::Options;

/// How long rclone may take to list something.
const LIST_PATIENCE: Duration = Duration::from_secs(20);

/// What belongs to the server or to its log in the environment, and is this program's to say.
const NOT_INHERITED: [&str; 22] = [
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "RCLONE_ADDR",
    "RCLONE_AUTH_KEY",
    "RCLONE_BASEURL",
    "RCLONE_CERT",
    "RCLONE_CLIENT_CA",
    "RCLONE_HTPASSWD",
    "RCLONE_KEY",
    "RCLONE_LOG_FILE",
    "RCLONE_LOG_LEVEL",
    "RCLONE_PRIVATE_REPOS",
    "RCLONE_QUIET",
    "RCLONE_STDIO",
    "RCLONE_SYSLOG",
    "RCLONE_USER_FROM_HEADER",
    "RCLONE_USE_JSON_LOG",
    "RCLONE_VERBOSE",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// The command, without what it does.
pub(super) fn command(options: &Options) -> Command {
    let mut command = Command::new(&options.program);
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    if let Some(file) = &options.config_file {
        command.env("RCLONE_CONFIG", file);
    }
    if let Some(password) = &options.config_password {
        command.env("RCLONE_CONFIG_PASS", password.as_str());
    }
    // Nobody is there to be asked.
    command.env("RCLONE_ASK_PASSWORD", "false");
    command
}

/// Whether a command succeeds, and what it prints to the one output that is a pipe. `None`: that cannot be told.
pub(super) fn output(command: Command) -> Option<(bool, String)> {
    output_within(command, LIST_PATIENCE)
}

fn output_within(mut command: Command, patience: Duration) -> Option<(bool, String)> {
    const MOST: u64 = 1024 * 1024;
    crate::os::die_with_parent(&mut command);
    let mut child = command.spawn().ok()?;
    let printed: Box<dyn Read + Send> = match (child.stdout.take(), child.stderr.take()) {
        (Some(stdout), _) => Box::new(stdout),
        (None, stderr) => Box::new(stderr?),
    };
    let (sender, read) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut content = Vec::new();
        let _ = printed.take(MOST).read_to_end(&mut content);
        let _ = sender.send(content);
    });
    let began = Instant::now();
    let content = read.recv_timeout(patience);
    // It may have closed its output, and go on.
    let left = patience.saturating_sub(began.elapsed());
    if content.is_err() || !ends_within(&child, left) {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    let text = String::from_utf8_lossy(&content.ok()?).into_owned();
    Some((status.success(), text))
}

fn ends_within(child: &Child, patience: Duration) -> bool {
    let Ok(process) = pidfd_open(Pid::from_child(child), PidfdFlags::empty()) else {
        return false;
    };
    let patience = Timespec::try_from(patience).ok();
    let mut polled = [PollFd::new(&process, PollFlags::IN)];
    // What is interrupted too early is only asked less patiently.
    poll(&mut polled, patience.as_ref()).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    fn shell(script: &str, patience: Duration) -> Option<(bool, String)> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        output_within(command, patience)
    }

    #[test]
    fn what_a_command_prints_is_known_only_when_it_ends() {
        let long = Duration::from_secs(60);
        assert_eq!(shell("echo a", long), Some((true, "a\n".to_owned())));
        assert_eq!(shell("exit 1", long), Some((false, String::new())));
        let short = Duration::from_millis(100);
        assert_eq!(shell("exec sleep 1000", short), None);
        let closed = shell("echo a; exec >&-; exec sleep 1000", short);
        assert_eq!(closed.map(|(succeeded, _)| succeeded), Some(false));
        let endless = shell("exec yes", long).unwrap();
        assert!(!endless.0 && endless.1.starts_with("y\n"));
    }
}
