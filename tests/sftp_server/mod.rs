//! A real server for SFTP on this host: OpenSSH's `sshd`, one process for each connection.
//!
//! The test accepts the connections and hands each to an `sshd` of its own. So no port has to be chosen, and a test can
//! cut connections, freeze them and refuse them.

#![allow(dead_code, reason = "each test program uses its own part")]

pub mod rclone;
pub mod strange;

use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::sftp::{Key, KnownHosts, Options, Sftp};
use rustix::process::{Pid, Signal, kill_process_group};

const SSHD: &str = "/usr/sbin/sshd";

/// The passphrase of the key `protected`.
pub const PASSPHRASE: &str = "canary-7hT2-passphrase";

/// A running server, which ends with this value.
pub struct Server {
    directory: tempfile::TempDir,
    pub port: u16,
    pub user: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    connections: Vec<Connection>,
    count: usize,
    /// New connections are closed at once when there are so many.
    most: Option<usize>,
}

struct Connection {
    socket: TcpStream,
    process: Child,
}

impl Connection {
    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        let _ = kill_process_group(group.unwrap(), signal);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        self.signal(Signal::KILL);
        let _ = self.process.wait();
    }
}

impl Server {
    /// A server that lets the user of the tests in. `None`, with a line that says so, if sshd is not installed.
    pub fn start() -> Option<Server> {
        Server::with("")
    }

    /// A server with more lines in its configuration.
    pub fn with(lines: &str) -> Option<Server> {
        if !Path::new(SSHD).exists() {
            println!("SKIPPED: what an SFTP server does, because {SSHD} is not installed");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path();
        std::fs::create_dir(top.join("data")).unwrap();
        for entry in std::fs::read_dir(keys()).unwrap().flatten() {
            std::fs::copy(entry.path(), top.join(entry.file_name())).unwrap();
        }
        let public = |name: &str| std::fs::read_to_string(top.join(name).with_extension("pub"));
        let allowed = ["user", "rsa", "protected"].map(|name| public(name).unwrap());
        std::fs::write(top.join("authorized"), allowed.concat()).unwrap();
        let top = top.display();
        let config = format!(
            "HostKey {top}/host\nHostKey {top}/host_ecdsa\nAuthorizedKeysFile {top}/authorized\nStrictModes no\nUsePAM no\n\
             PermitRootLogin prohibit-password\nPidFile none\nSubsystem sftp internal-sftp\n{lines}\n"
        );
        std::fs::write(directory.path().join("config"), config).unwrap();
        // The scripts of the system make it when its own server starts.
        if rustix::process::getuid().is_root() {
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            port: listener.local_addr().unwrap().port(),
            user: me(),
            state: Arc::default(),
            directory,
        };
        let (state, config) = (Arc::clone(&server.state), server.file("config"));
        let log = server.file("log");
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let mut state = state.lock().unwrap();
                if !config.exists() {
                    return;
                }
                state.count += 1;
                // Those that have ended make room.
                state
                    .connections
                    .retain_mut(|it| matches!(it.process.try_wait(), Ok(None)));
                if state
                    .most
                    .is_some_and(|most| state.connections.len() >= most)
                {
                    continue;
                }
                let connection = serve(socket, &config, &log);
                state.connections.push(connection);
            }
        });
        Some(server)
    }

    /// A file of the server, or of its users: the secret keys are `user`, `rsa`, `protected` and `stranger`, which is not
    /// let in.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The directory of a repository.
    pub fn files(&self, path: &str) -> PathBuf {
        self.directory.path().join("data").join(path)
    }

    /// The line by which a key of the server is known.
    pub fn known_host(&self, key: &str) -> String {
        let public = std::fs::read_to_string(self.file(key).with_extension("pub")).unwrap();
        format!("[127.0.0.1]:{} {public}", self.port)
    }

    /// How to reach a repository.
    pub fn options(&self, path: &str) -> Options {
        Options {
            directory: self.files(path).to_str().unwrap().to_owned(),
            keys: vec![self.key("user", None)],
            ..options(self.port, &self.user, &self.known_host("host"))
        }
    }

    /// A secret key.
    pub fn key(&self, name: &str, passphrase: Option<&str>) -> Key {
        let path = self.file(name);
        let text = std::fs::read_to_string(&path).unwrap();
        Key::read(path, &text, passphrase).unwrap()
    }

    /// A repository.
    pub fn storage(&self, path: &str) -> Sftp {
        Sftp::new(self.options(path)).unwrap()
    }

    /// How many connections were made.
    pub fn count(&self) -> usize {
        self.state.lock().unwrap().count
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.state.lock().unwrap().connections.clear();
    }

    /// From now on there are at most so many connections.
    pub fn allow(&self, most: Option<usize>) {
        self.state.lock().unwrap().most = most;
    }

    /// All connections stay, and nothing moves on them any more.
    pub fn freeze(&self) {
        for connection in &self.state.lock().unwrap().connections {
            connection.signal(Signal::STOP);
        }
    }

    /// What the server says.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// The repository as `restic` names it, and the options that let it in.
    pub fn for_restic(&self, path: &str) -> (String, String) {
        let known = self.file("known_hosts");
        std::fs::write(&known, self.known_host("host")).unwrap();
        let name = format!(
            "sftp://{}@127.0.0.1:{}/{}",
            self.user,
            self.port,
            self.files(path).display()
        );
        let command = format!(
            "sftp.command=ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile={} -i {} -p {} \
             {}@127.0.0.1 -s sftp",
            known.display(),
            self.file("user").display(),
            self.port,
            self.user,
        );
        (name, command)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cut();
        let _ = std::fs::remove_file(self.file("config"));
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Options without anything to log in with.
pub fn options(port: u16, user: &str, known_host: &str) -> Options {
    Options {
        host: "127.0.0.1".to_owned(),
        port,
        user: user.to_owned(),
        directory: String::new(),
        keys: Vec::new(),
        agent: None,
        password: None,
        known_hosts: vec![KnownHosts {
            path: "/known_hosts".into(),
            content: known_host.to_owned(),
        }],
        new_hosts: "/known_hosts".into(),
        connections: Concurrency::untold(5),
        stall: Duration::from_secs(60),
        pace: None,
    }
}

/// The directory of the keys that all servers of this program share: to make one of RSA takes a second.
fn keys() -> &'static Path {
    static KEYS: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = KEYS.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        for (name, kind, passphrase) in [
            ("host", "ed25519", ""),
            ("host_ecdsa", "ecdsa", ""),
            ("user", "ed25519", ""),
            ("rsa", "rsa", ""),
            ("protected", "ed25519", PASSPHRASE),
            ("stranger", "ed25519", ""),
        ] {
            make_key(&directory.path().join(name), kind, passphrase);
        }
        directory
    });
    made.path()
}

/// Makes a secret key and, beside it, the public one.
pub fn make_key(path: &Path, kind: &str, passphrase: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f"])
        .arg(path)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// The user of this process.
fn me() -> String {
    let named = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(named.stdout).unwrap().trim().to_owned()
}

fn serve(socket: TcpStream, config: &Path, log: &Path) -> Connection {
    let end = || OwnedFd::from(socket.try_clone().unwrap());
    let process = Command::new(SSHD)
        .args(["-i", "-f"])
        .arg(config)
        .arg("-E")
        .arg(log)
        .stdin(Stdio::from(end()))
        .stdout(Stdio::from(end()))
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    Connection { socket, process }
}
