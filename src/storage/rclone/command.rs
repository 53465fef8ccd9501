//! Commands of rclone: with the configuration of the storage, and without what is the environment's.

use std::io::Read;
use std::process::Command;
use std::time::Duration;

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
pub(super) fn output(mut command: Command) -> Option<(bool, String)> {
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
    let content = read.recv_timeout(LIST_PATIENCE);
    if content.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    let text = String::from_utf8_lossy(&content.ok()?).into_owned();
    Some((status.success(), text))
}
