//! Another implementation of a server: `rclone serve sftp`, with a password.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use freezerd::storage::sftp::{Options, Sftp};

use super::{make_key, options};

pub const USER: &str = "web1";

/// A password that is looked for in everything that freezerd writes.
pub const PASSWORD: &str = "canary-9xK4-sftp";

/// Longer than a server takes to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, which ends with this value.
pub struct Rclone {
    process: Child,
    directory: tempfile::TempDir,
    pub port: u16,
}

impl Rclone {
    /// `None`, with a line that says so, if rclone is not installed.
    pub fn start() -> Option<Rclone> {
        let directory = tempfile::tempdir().unwrap();
        let host = directory.path().join("host");
        make_key(&host, "ed25519", "");
        let data = directory.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let started = Command::new("rclone")
            .args(["serve", "sftp", "--addr", "127.0.0.1:0"])
            .arg("--key")
            .arg(&host)
            // Its memory of directories would hide what a test changes on the disk.
            .args(["--dir-cache-time", "0s", "--vfs-cache-mode", "writes"])
            .arg("--cache-dir")
            .arg(directory.path().join("cache"))
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
                println!(
                    "SKIPPED: what rclone's SFTP server does, because rclone does not run: {error}"
                );
                return None;
            }
        };
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (sender, ports) = mpsc::channel();
        std::thread::spawn(move || {
            // Read to its end, so that the server never waits for a reader.
            for line in stderr.lines().map_while(Result::ok) {
                let found = line
                    .split_once("listening on ")
                    .and_then(|(_, address)| address.trim().rsplit_once(':'))
                    .and_then(|(_, port)| port.parse().ok());
                if let Some(port) = found {
                    let _ = sender.send(port);
                }
            }
        });
        let port = ports
            .recv_timeout(PATIENCE)
            .expect("rclone says where it serves");
        Some(Rclone {
            process,
            directory,
            port,
        })
    }

    /// The directory of a repository.
    pub fn files(&self, path: &str) -> PathBuf {
        self.directory.path().join("data").join(path)
    }

    /// The line by which the key of the server is known.
    pub fn known_host(&self) -> String {
        let public = std::fs::read_to_string(self.directory.path().join("host.pub")).unwrap();
        format!("[127.0.0.1]:{} {public}", self.port)
    }

    /// How to reach a repository.
    pub fn options(&self, path: &str) -> Options {
        Options {
            directory: path.to_owned(),
            password: Some(PASSWORD.to_owned().into()),
            ..options(self.port, USER, &self.known_host())
        }
    }

    /// A repository.
    pub fn storage(&self, path: &str) -> Sftp {
        Sftp::new(self.options(path)).unwrap()
    }
}

impl Drop for Rclone {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
