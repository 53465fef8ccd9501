//! Starts rclone, and finds out why it does not start.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::child::Child;
use super::command::{command, output};
use super::socket::SocketDirectory;
use super::{Options, Tell, refusal};
use crate::storage::http;
use crate::storage::mask::masked;
use crate::storage::rest::Rest;

/// How often a socket is tried that nobody listens at yet.
const PAUSE: Duration = Duration::from_millis(20);

/// Why rclone does not serve.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "the program {program} is not there: install the package rclone, or name it with `program`"
    )]
    NotInstalled { program: String },
    #[error("the program {program} cannot be run: {}", crate::os::reason(source))]
    NotRun { program: String, source: io::Error },
    #[error("its private directory below {} cannot be made: {}", directory.display(), crate::os::reason(source))]
    Directory {
        directory: PathBuf,
        source: io::Error,
    },
    #[error("rclone cannot read its configuration{}: {said}", config_mend(*has_password))]
    Configuration { has_password: bool, said: String },
    #[error(
        "rclone knows no remote {remote:?}: `rclone config` defines one, and `rclone listremotes` lists them; if its configuration is not where rclone looks for it, name it with `config_file`"
    )]
    NoRemote { remote: String },
    #[error("rclone does not take the words of `arguments` of the storage: {said}")]
    Arguments { said: String },
    #[error("{}", refused(said))]
    Refused { said: String },
    #[error("rclone ended before it served: {said}")]
    Ended { said: String },
    #[error("rclone does not serve after {} s: {said}", after.as_secs())]
    Silent { after: Duration, said: String },
}

impl StartError {
    /// Whether it would be the same a little later.
    pub fn is_permanent(&self) -> bool {
        match self {
            StartError::NotInstalled { .. }
            | StartError::Configuration { .. }
            | StartError::NoRemote { .. }
            | StartError::Arguments { .. }
            | StartError::Refused { .. } => true,
            StartError::NotRun { .. }
            | StartError::Directory { .. }
            | StartError::Ended { .. }
            | StartError::Silent { .. } => false,
        }
    }
}

/// What to say of a server that refuses the login.
pub(super) fn refused(said: &str) -> String {
    format!(
        "the server does not accept the user or the password that rclone has for it (`rclone config` changes them): {said}"
    )
}

fn config_mend(has_password: bool) -> &'static str {
    match has_password {
        true => " with the password that `config_password_file`, or its like, names",
        false => " (if it is encrypted, name its password with `config_password_file`)",
    }
}

/// A running rclone, and the way to it.
pub(super) struct Server {
    pub(super) rest: Rest,
    pub(super) child: Child,
    /// Removed after the child has ended.
    _socket: Option<SocketDirectory>,
}

/// Where rclone listens.
enum Listens {
    /// At a socket in a private directory.
    Socket(SocketDirectory),
    /// At a port of this host, for who knows the password. rclone older than 1.61 knows nothing else.
    Port {
        user: &'static str,
        password: Zeroizing<String>,
    },
}

/// Starts rclone at a socket, or at a port if that does not work.
pub(super) fn start(options: &Options, tell: &Arc<Tell>) -> Result<Server, StartError> {
    let directory = SocketDirectory::new_in(&options.directory);
    let directory = directory.map_err(|source| StartError::Directory {
        directory: options.directory.clone(),
        source,
    })?;
    if let Some(directory) = directory {
        match serve(options, Listens::Socket(directory), tell) {
            // An older one does not know sockets.
            Err(StartError::Ended { .. }) => {}
            served => return served,
        }
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| StartError::Ended {
        said: error.to_string(),
    })?;
    let mut password = Zeroizing::new(String::new());
    for byte in random {
        password.push_str(&format!("{byte:02x}"));
    }
    let user = "freezerd";
    let served = serve(options, Listens::Port { user, password }, tell);
    match served {
        Err(StartError::Ended { said }) => Err(why(options, said)),
        served => served,
    }
}

fn serve(options: &Options, listens: Listens, tell: &Arc<Tell>) -> Result<Server, StartError> {
    let mut command = command(options);
    command
        .args(["serve", "restic", "--log-level", "NOTICE", "--addr"])
        // As `restic` does it: what is removed is not kept as an old version.
        .env("RCLONE_B2_HARD_DELETE", "true");
    match &listens {
        Listens::Socket(directory) => {
            let mut address = std::ffi::OsString::from("unix://");
            address.push(directory.socket());
            command.arg(address);
        }
        Listens::Port { user, password } => {
            command
                .arg("127.0.0.1:0")
                .env("RCLONE_USER", user)
                .env("RCLONE_PASS", password.as_str());
        }
    }
    // Options of the user follow. The place is never taken for one.
    command
        .args(&options.arguments)
        .arg("--")
        .arg(&options.remote);
    let (child, woken) = Child::start(command, Arc::clone(tell)).map_err(|source| {
        let program = options.program.clone();
        match source.kind() {
            io::ErrorKind::NotFound => StartError::NotInstalled { program },
            _ => StartError::NotRun { program, source },
        }
    })?;
    let deadline = Instant::now() + options.patience;
    let address = loop {
        if let Some(address) = served(&listens, &child) {
            break address;
        }
        if child.has_ended() {
            let said = said(options, &child);
            return Err(match refusal::is_refusal(&said) {
                true => StartError::Refused { said },
                false => StartError::Ended { said },
            });
        }
        if Instant::now() > deadline {
            let said = said(options, &child);
            let after = options.patience;
            return Err(StartError::Silent { after, said });
        }
        // A line, its end, or only the time.
        let _ = woken.recv_timeout(PAUSE);
    };
    for line in child.tell_lines() {
        tell(&line);
    }
    let (user, socket) = match listens {
        Listens::Socket(directory) => (None, Some(directory)),
        Listens::Port { user, password } => (Some((user.to_owned(), password)), None),
    };
    let rest = Rest::new(
        &address,
        http::Options {
            user,
            socket: socket.as_ref().map(SocketDirectory::socket),
            direct: true,
            stall: options.stall,
            connections: options.connections,
            pace: options.pace.clone(),
            ..http::Options::default()
        },
    )
    .map_err(|error| StartError::Ended {
        said: error.to_string(),
    })?;
    Ok(Server {
        rest,
        child,
        _socket: socket,
    })
}

/// Where it serves, once it does.
fn served(listens: &Listens, child: &Child) -> Option<String> {
    match listens {
        Listens::Socket(directory) => std::os::unix::net::UnixStream::connect(directory.socket())
            .is_ok()
            .then(|| "http://127.0.0.1/".to_owned()),
        Listens::Port { .. } => child.lines().iter().find_map(|line| address_in(line)),
    }
}

/// What rclone says before the places where it serves.
const SERVES: &str = "Serving restic REST API on ";

/// Whether a line says where it serves, which is of use to nobody else.
pub(super) fn says_where(line: &str) -> bool {
    line.contains(SERVES)
}

/// The address of the server in a line of rclone: `… on http://127.0.0.1:37033/`, in newer versions with brackets around.
fn address_in(line: &str) -> Option<String> {
    const HOST: &str = "http://127.0.0.1:";
    let (_, after) = line.split_once(SERVES)?;
    let (_, after) = after.split_once(HOST)?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let port: u16 = digits.parse().ok()?;
    Some(format!("{HOST}{port}/"))
}

/// Its last line, which says why it ended.
fn said(options: &Options, child: &Child) -> String {
    match child.lines().last() {
        Some(line) => masked(line, &options.secrets()),
        None => "it says nothing".to_owned(),
    }
}

/// Whether rclone refuses the arguments of the storage. It shows its help only if it takes them. Of older ones, the exit
/// code of every failure is the same.
fn refuses_arguments(options: &Options) -> bool {
    if options.arguments.is_empty() {
        return false;
    }
    let helped = |arguments: &[String]| {
        let mut command = command(options);
        command
            .args(["serve", "restic"])
            .args(arguments)
            .arg("--help")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        output(command).map(|(succeeded, _)| succeeded)
    };
    // A variable of the environment that it refuses is not the fault of the arguments.
    helped(&options.arguments) == Some(false) && helped(&[]) == Some(true)
}

/// Why rclone ends at once: it refuses the arguments, its configuration cannot be read, or does not have the remote, or
/// something else. It lists its remotes only if it can read its configuration.
fn why(options: &Options, said: String) -> StartError {
    if refuses_arguments(options) {
        return StartError::Arguments { said };
    }
    let Some(remote) = &options.configured else {
        return StartError::Ended { said };
    };
    let mut command = command(options);
    command
        .arg("listremotes")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let Some((succeeded, listed)) = output(command) else {
        return StartError::Ended { said };
    };
    if !succeeded {
        return StartError::Configuration {
            has_password: options.config_password.is_some(),
            said,
        };
    }
    let is_there = listed
        .lines()
        .any(|line| line.trim_end().strip_suffix(':') == Some(remote));
    // Older ones do not list those that the environment describes.
    let variable = format!(
        "RCLONE_CONFIG_{}_TYPE",
        remote.to_uppercase().replace('-', "_")
    );
    match is_there || std::env::var_os(variable).is_some() {
        true => StartError::Ended { said },
        false => StartError::NoRemote {
            remote: remote.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_server_is_in_a_line_of_both_versions() {
        for line in [
            "2026/11/27 03:31:29 NOTICE: Local file system at /x: Serving restic REST API on http://127.0.0.1:33365/",
            "2026/11/27 03:31:33 NOTICE: /x: Serving restic REST API on [http://127.0.0.1:33365/]",
        ] {
            assert_eq!(address_in(line).as_deref(), Some("http://127.0.0.1:33365/"));
        }
        for line in [
            "Serving restic REST API on []",
            "Serving restic REST API on http://evil.example:1/",
            "Serving restic REST API on http://127.0.0.1:99999/",
            "http://127.0.0.1:33365/",
        ] {
            assert_eq!(address_in(line), None);
        }
    }
}
