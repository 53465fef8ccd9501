//! A real server for restic's REST protocol on this host: `rclone serve restic`.

#![allow(dead_code, reason = "each test program uses its own part")]

pub mod faulty;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The only user of every server.
pub const USER: &str = "web1";

/// A password that is looked for in everything that freezerd writes.
pub const PASSWORD: &str = "canary-5vQ0-rest";

/// Longer than a server takes to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, which ends with this value.
pub struct Server {
    process: Child,
    directory: tempfile::TempDir,
    /// `127.0.0.1:PORT`.
    pub authority: String,
    scheme: &'static str,
    /// The certificate that a client must trust.
    pub certificate: Option<PathBuf>,
}

impl Server {
    /// A server without TLS. `None`, with a line that says so, if rclone is not installed.
    pub fn start() -> Option<Server> {
        Server::with(&[], None)
    }

    /// A server that refuses to replace or remove files.
    pub fn append_only() -> Option<Server> {
        Server::with(&["--append-only"], None)
    }

    /// A server with TLS and a certificate of its own for `localhost` and 127.0.0.1.
    pub fn with_tls() -> Option<Server> {
        let directory = tempfile::tempdir().unwrap();
        if !crate::certificate::make(directory.path()) {
            return None;
        }
        let certificate = directory.path().join("cert.pem");
        let key = directory.path().join("key.pem");
        let flags = [
            "--cert",
            certificate.to_str().unwrap(),
            "--key",
            key.to_str().unwrap(),
        ];
        Server::with(&flags, Some(directory))
    }

    fn with(flags: &[&str], certificates: Option<tempfile::TempDir>) -> Option<Server> {
        let directory = certificates.unwrap_or_else(|| tempfile::tempdir().unwrap());
        let data = directory.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let started = Command::new("rclone")
            // Its memory of files would hide what a test changes on the disk.
            .args(["serve", "restic", "--cache-objects=false"])
            .args(["--addr", "127.0.0.1:0"])
            .args(flags)
            .arg(&data)
            .env("RCLONE_USER", USER)
            .env("RCLONE_PASS", PASSWORD)
            .env("RCLONE_CONFIG", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut process = match started {
            Ok(process) => process,
            Err(error) => {
                println!("SKIPPED: what a REST server does, because rclone does not run: {error}");
                return None;
            }
        };
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (sender, authorities) = mpsc::channel();
        std::thread::spawn(move || {
            // Read to its end, so that the server never waits for a reader.
            for line in stderr.lines().map_while(Result::ok) {
                let found = line
                    .split_once("REST API on ")
                    .and_then(|(_, address)| address.split_once("://"))
                    .map(|(_, rest)| rest.trim_end_matches([']', '/']).to_owned());
                if let Some(authority) = found {
                    let _ = sender.send(authority);
                }
            }
        });
        let authority = authorities
            .recv_timeout(PATIENCE)
            .expect("rclone says where it serves");
        let certificate = Some(directory.path().join("cert.pem")).filter(|file| file.exists());
        Some(Server {
            process,
            directory,
            authority,
            scheme: if certificate.is_some() {
                "https"
            } else {
                "http"
            },
            certificate,
        })
    }

    /// The address of a repository.
    pub fn address(&self, path: &str) -> String {
        format!("{}://{}/{path}/", self.scheme, self.authority)
    }

    /// Where the files of a repository lie on the server.
    pub fn files(&self, path: &str) -> PathBuf {
        self.directory.path().join("data").join(path)
    }

    /// The directory of the server's own files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The repository as `restic` names it, which has the password in it.
    pub fn for_restic(&self, path: &str) -> String {
        format!(
            "rest:{}://{USER}:{PASSWORD}@{}/{path}/",
            self.scheme, self.authority
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
