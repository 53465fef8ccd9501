//! Secrets, from where a storage, a container or a receiver of notices says they are. They are never shown, and never leave
//! this process.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::job::action::Command;
use crate::job::storage::{JobFileSecret, SecretSource};
use crate::job::{SIZE_LIMIT, secret_text};
use crate::os;

pub mod memory_file;
#[doc(hidden)]
pub mod password;

use password::{PassFileError, Role};

/// How long a command may take to print a secret.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest secret, in bytes.
const LIMIT: u64 = 64 * 1024;

/// Why there is no secret. The messages name the place of the secret and nothing that was read there. They follow the name of
/// its key.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error(transparent)]
    File(#[from] PassFileError),
    #[error("the file {} is not UTF-8 text", _0.display())]
    FileNotUtf8(PathBuf),
    #[error("the variable {0} of the environment, which should hold it, is not set")]
    NotSet(String),
    #[error("the variable {0} of the environment, which should hold it, is not UTF-8 text")]
    NotUtf8(String),
    #[error("`{key}` in the job file {} cannot be read: {}", path.display(), os::reason(source))]
    JobFile {
        key: String,
        path: PathBuf,
        source: io::Error,
    },
    #[error("the job file {} does not hold `{key}` now, or cannot be understood", path.display())]
    NotInJobFile { key: String, path: PathBuf },
    #[error("the command that prints it {0}")]
    Command(CommandFault),
}

/// What is wrong with a command that should print a secret.
#[derive(Debug, thiserror::Error)]
pub enum CommandFault {
    #[error("cannot be run: {}", os::reason(_0))]
    NotRun(#[source] io::Error),
    #[error("failed ({0})")]
    Failed(std::process::ExitStatus),
    #[error("did not end within {} s", PATIENCE.as_secs())]
    TooSlow,
    #[error("prints nothing, or something other than one line of text")]
    Unusable,
}

/// Reads a secret. `tell` gets warnings about its file.
///
/// # Errors
/// When it cannot be had.
pub fn read(source: &SecretSource, tell: &dyn Fn(&str)) -> Result<Zeroizing<String>, SecretError> {
    password::forbid_core_files();
    match source {
        SecretSource::File(path) => {
            let secret = password::in_file_for(Role::Other, path, tell)?;
            match std::str::from_utf8(secret.as_bytes()) {
                Ok(text) => Ok(Zeroizing::new(text.to_owned())),
                Err(_) => Err(SecretError::FileNotUtf8(path.clone())),
            }
        }
        SecretSource::JobFile(secret) => in_job_file(secret),
        SecretSource::Environment(name) => match std::env::var(name) {
            Ok(value) => Ok(Zeroizing::new(value)),
            Err(std::env::VarError::NotPresent) => Err(SecretError::NotSet(name.clone())),
            Err(std::env::VarError::NotUnicode(_)) => Err(SecretError::NotUtf8(name.clone())),
        },
        SecretSource::Command(command) => printed(command, PATIENCE).map_err(SecretError::Command),
    }
}

/// A secret that a job file holds.
fn in_job_file(secret: &JobFileSecret) -> Result<Zeroizing<String>, SecretError> {
    let (key, path) = (secret.key.clone(), secret.file.clone());
    let failed = |source| SecretError::JobFile {
        key: key.clone(),
        path: path.clone(),
        source,
    };
    // As the daemon opens it: no link is followed, and no FIFO is waited for.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
        .open(&secret.file)
        .map_err(failed)?;
    let is_file = file.metadata().map_err(failed)?.is_file();
    if !is_file {
        return Err(failed(io::Error::other("it is not a regular file")));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(SIZE_LIMIT as u64)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    secret_text::in_file(&bytes, secret.action, &secret.key)
        .ok_or(SecretError::NotInJobFile { key, path })
}

/// What a command prints, without its last line end. What it says on standard error goes to the log.
fn printed(command: &Command, patience: Duration) -> Result<Zeroizing<String>, CommandFault> {
    let mut process = match command {
        Command::Shell(text) => {
            let mut process = Process::new("/bin/sh");
            process.arg("-c").arg(text);
            process
        }
        Command::Words(words) => {
            let mut words = words.iter();
            let program = words.next().ok_or(CommandFault::Unusable)?;
            let mut process = Process::new(program);
            process.args(words);
            process
        }
    };
    let mut child = process
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(CommandFault::NotRun)?;
    let Some(stdout) = child.stdout.take() else {
        return Err(CommandFault::Unusable);
    };
    // The output ends when the command ends, unless it left a process that still holds it.
    let (sender, read) = mpsc::channel();
    std::thread::spawn(move || {
        let mut content = Zeroizing::new(Vec::new());
        let result = stdout.take(LIMIT + 1).read_to_end(&mut content);
        let _ = sender.send(result.map(|_| content));
    });
    let content = match read.recv_timeout(patience) {
        Ok(Ok(content)) => content,
        Ok(Err(error)) => return Err(end(child, CommandFault::NotRun(error))),
        Err(_) => return Err(end(child, CommandFault::TooSlow)),
    };
    if content.len() as u64 > LIMIT {
        return Err(end(child, CommandFault::Unusable));
    }
    let status = child.wait().map_err(CommandFault::NotRun)?;
    if !status.success() {
        return Err(CommandFault::Failed(status));
    }
    let text = std::str::from_utf8(&content).map_err(|_| CommandFault::Unusable)?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text.is_empty() || text.contains(['\n', '\0']) {
        true => Err(CommandFault::Unusable),
        false => Ok(Zeroizing::new(text.to_owned())),
    }
}

fn end(mut child: Child, fault: CommandFault) -> CommandFault {
    let _ = child.kill();
    let _ = child.wait();
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(text: &str) -> Result<Zeroizing<String>, CommandFault> {
        printed(&Command::Shell(text.to_owned()), LONG)
    }

    #[test]
    fn a_command_prints_a_secret_without_its_last_line_end() {
        assert_eq!(*shell("echo secret").unwrap(), "secret");
        assert_eq!(*shell("printf 'two words'").unwrap(), "two words");
        let words = ["printf", "%s", "a b"].map(str::to_owned).to_vec();
        assert_eq!(*printed(&Command::Words(words), LONG).unwrap(), "a b");
    }

    #[test]
    fn a_command_that_fails_gives_no_secret() {
        for (text, fault) in [
            ("echo secret; exit 3", "failed (exit status: 3)"),
            ("true", "prints nothing"),
            ("echo a; echo b", "other than one line of text"),
            ("head -c 100000 /dev/zero", "other than one line of text"),
        ] {
            let error = SecretError::Command(shell(text).unwrap_err()).to_string();
            assert!(error.contains(fault), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let missing = Command::Words(vec!["/no/such/program".to_owned()]);
        assert!(matches!(
            printed(&missing, LONG),
            Err(CommandFault::NotRun(_))
        ));
        let slow = Command::Words(vec!["sleep".to_owned(), "1000".to_owned()]);
        assert!(matches!(
            printed(&slow, Duration::from_millis(20)),
            Err(CommandFault::TooSlow)
        ));
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let source = SecretSource::Environment("FREEZERD_NO_SUCH_VARIABLE".to_owned());
        let error = read(&source, &|_| ()).unwrap_err().to_string();
        assert!(error.contains("FREEZERD_NO_SUCH_VARIABLE"), "{error}");
    }
}
