//! A third implementation of a server: `rclone serve ftp`, of a newer rclone than Debian's, which has left it out.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use freezerd::storage::ftp::{Ftp, Options};

use super::{PASSWORD, PATIENCE};

pub const USER: &str = "web1";

/// A running server, which ends with this value.
pub struct Rclone {
    process: Child,
    directory: tempfile::TempDir,
    pub port: u16,
}

impl Rclone {
    /// `None`, with a line that says so, if rclone is not installed.
    pub fn start() -> Option<Rclone> {
        let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/rclone");
        let found = Command::new(tool)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        if !found.status.success() {
            println!("SKIPPED: what rclone's FTP server does, because there is no such rclone");
            return None;
        }
        let program = String::from_utf8(found.stdout).unwrap();
        // It does not say which port the system gives to it. Another process may take this one, and so there are tries.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            if let Some(rclone) = Rclone::on(program.trim(), port) {
                return Some(rclone);
            }
        }
        panic!("rclone finds no free port");
    }

    /// `None` if the port is taken.
    fn on(program: &str, port: u16) -> Option<Rclone> {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let mut process = Command::new(program)
            .args(["serve", "ftp", "--addr"])
            .arg(format!("127.0.0.1:{port}"))
            .args(["--vfs-cache-mode", "writes", "--vfs-write-back", "0s", "-v"])
            .arg("--cache-dir")
            .arg(directory.path().join("cache"))
            .arg(&data)
            .env("RCLONE_USER", USER)
            .env("RCLONE_PASS", PASSWORD)
            .env("RCLONE_CONFIG", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            // Read to its end, so that the server never waits for a reader.
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let rclone = Rclone {
            process,
            directory,
            port,
        };
        while let Ok(line) = lines.recv_timeout(PATIENCE) {
            if line.contains("listening on") {
                return Some(rclone);
            }
        }
        None
    }

    /// The directory of a repository.
    pub fn files(&self, path: &str) -> PathBuf {
        self.directory.path().join("data").join(path)
    }

    /// How to reach a repository.
    pub fn options(&self, path: &str) -> Options {
        Options {
            directory: path.to_owned(),
            ..super::options(self.port, USER)
        }
    }

    /// A repository.
    pub fn storage(&self, path: &str) -> Ftp {
        Ftp::new(self.options(path)).unwrap()
    }
}

impl Drop for Rclone {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
