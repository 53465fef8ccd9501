//! `vsftpd`, one process for each connection.
//!
//! The test accepts the connections and hands each to a `vsftpd` of its own. So no port has to be chosen, and a test can
//! cut connections, freeze them and refuse them. The user is `anonymous`, who needs a password here and no right of root.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use freezerd::storage::ftp::{Ftp, Options, Tls};
use freezerd::storage::http::Trust;
use rustix::process::{Pid, Signal, kill_process_group};

use super::PASSWORD;
use crate::certificate;

const PROGRAM: &str = "/usr/sbin/vsftpd";

/// The only user.
pub const USER: &str = "anonymous";

/// A running server, which ends with this value.
pub struct Server {
    directory: tempfile::TempDir,
    pub port: u16,
    tls: Tls,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    connections: Vec<Connection>,
    count: usize,
    /// New connections are refused when there are so many.
    most: Option<usize>,
    refused: usize,
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
    /// A server without TLS. `None`, with a line that says so, if vsftpd is not installed.
    pub fn start() -> Option<Server> {
        Server::with(Tls::None, "")
    }

    /// A server with more lines in its configuration. With TLS, it demands that data resumes the session of the control
    /// connection.
    pub fn with(tls: Tls, lines: &str) -> Option<Server> {
        if !Path::new(PROGRAM).exists() {
            println!("SKIPPED: what an FTP server does, because {PROGRAM} is not installed");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path();
        for name in ["data", "empty"] {
            std::fs::create_dir(top.join(name)).unwrap();
        }
        std::fs::write(top.join("passwords"), format!("{PASSWORD}\n")).unwrap();
        if tls != Tls::None && !certificate::make(top) {
            return None;
        }
        let encrypted = match tls {
            Tls::None => "NO",
            Tls::Explicit | Tls::Implicit => "YES",
        };
        let implicit = if tls == Tls::Implicit { "YES" } else { "NO" };
        let named = Command::new("id").arg("-un").output().unwrap();
        let me = String::from_utf8(named.stdout).unwrap();
        let top = top.display();
        let config = format!(
            "listen=NO\nanonymous_enable=YES\nlocal_enable=NO\nwrite_enable=YES\nanon_upload_enable=YES\n\
             anon_mkdir_write_enable=YES\nanon_other_write_enable=YES\nanon_world_readable_only=NO\nanon_umask=077\n\
             anon_root={top}/data\nftp_username={}\nsecure_email_list_enable=YES\nemail_password_file={top}/passwords\n\
             run_as_launching_user=YES\nallow_writeable_chroot=YES\nsecure_chroot_dir={top}/empty\nseccomp_sandbox=NO\n\
             isolate=NO\nisolate_network=NO\nconnect_from_port_20=NO\nmax_login_fails=3\ndelay_failed_login=0\n\
             ssl_enable={encrypted}\nimplicit_ssl={implicit}\nallow_anon_ssl={encrypted}\n\
             force_anon_data_ssl={encrypted}\nforce_anon_logins_ssl={encrypted}\nrequire_ssl_reuse={encrypted}\n\
             rsa_cert_file={top}/cert.pem\nrsa_private_key_file={top}/key.pem\nssl_ciphers=HIGH\n{lines}\n",
            me.trim()
        );
        std::fs::write(directory.path().join("config"), config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            port: listener.local_addr().unwrap().port(),
            tls,
            state: Arc::default(),
            directory,
        };
        let (state, config) = (Arc::clone(&server.state), server.file("config"));
        std::thread::spawn(move || {
            for mut socket in listener.incoming().map_while(Result::ok) {
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
                    state.refused += 1;
                    let _ = socket.write_all(b"421 There are too many connected users.\r\n");
                    continue;
                }
                state.connections.push(serve(socket, &config));
            }
        });
        Some(server)
    }

    /// A file of the server.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The directory of a repository.
    pub fn files(&self, path: &str) -> PathBuf {
        self.directory.path().join("data").join(path)
    }

    /// The certificate that proves who the server is.
    pub fn trust(&self) -> Trust {
        match self.tls {
            Tls::None => Trust::System,
            Tls::Explicit | Tls::Implicit => {
                Trust::Pem(std::fs::read(self.file("cert.pem")).unwrap())
            }
        }
    }

    /// How to reach a repository.
    pub fn options(&self, path: &str) -> Options {
        Options {
            directory: path.to_owned(),
            tls: self.tls,
            trust: self.trust(),
            ..super::options(self.port, USER)
        }
    }

    /// A repository.
    pub fn storage(&self, path: &str) -> Ftp {
        Ftp::new(self.options(path)).unwrap()
    }

    /// How many connections were made.
    pub fn count(&self) -> usize {
        self.state.lock().unwrap().count
    }

    /// How many connections were refused.
    pub fn refused(&self) -> usize {
        self.state.lock().unwrap().refused
    }

    /// How many connections there are.
    pub fn open(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        state
            .connections
            .retain_mut(|it| matches!(it.process.try_wait(), Ok(None)));
        state.connections.len()
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
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.file("config"));
        self.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(socket: TcpStream, config: &Path) -> Connection {
    let end = || Stdio::from(OwnedFd::from(socket.try_clone().unwrap()));
    let process = Command::new(PROGRAM)
        .arg(config)
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .process_group(0)
        .spawn()
        .unwrap();
    Connection { socket, process }
}
