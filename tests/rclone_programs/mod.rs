//! Both versions of rclone, with a configuration that has one remote: `disk`, the directories of this host.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The password of the configuration. It is looked for in everything that freezerd writes.
pub const CONFIG_PASSWORD: &str = "canary-3kT8-rclone";

/// The oldest and the newest version: Debian's, which serves at a port, and PyPI's, which serves at a socket. What cannot
/// be had is said aloud.
pub fn programs() -> Vec<PathBuf> {
    let mut found = Vec::new();
    match Command::new("rclone").arg("version").output() {
        Ok(_) => found.push("rclone".into()),
        Err(_) => println!("SKIPPED: rclone is not installed"),
    }
    found.extend(newer());
    found
}

/// PyPI's.
pub fn newer() -> Option<PathBuf> {
    let ran = Command::new("tests/tools/rclone").output();
    let path = ran.ok().filter(|ran| ran.status.success()).map(|ran| {
        let path = ran.stdout.trim_ascii_end();
        std::path::absolute(OsStr::from_bytes(path)).unwrap()
    });
    if path.is_none() {
        println!("SKIPPED: the newer rclone cannot be had");
    }
    path
}

/// Writes a configuration, and returns its path.
pub fn configuration(directory: &Path) -> PathBuf {
    let file = directory.join("rclone.conf");
    std::fs::write(&file, "[disk]\ntype = local\n").unwrap();
    file
}

/// Encrypts a configuration with the password. Only the newer version can do that without being asked.
pub fn encrypt(newer: &Path, file: &Path) {
    let ran = Command::new(newer)
        .args(["config", "encryption", "set", "--config"])
        .arg(file)
        .args(["--password-command", &format!("echo {CONFIG_PASSWORD}")])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

/// The processes of rclone that have this text in their arguments.
pub fn processes_with(text: &str) -> Vec<Pid> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let is_one = line.contains("rclone\0serve\0restic") && line.contains(text);
        let pid = entry.file_name().to_str().and_then(|it| it.parse().ok());
        if let (true, Some(pid)) = (is_one, pid.and_then(Pid::from_raw)) {
            found.push(pid);
        }
    }
    found
}

/// Kills these processes.
pub fn kill(processes: &[Pid]) {
    for process in processes {
        let _ = kill_process(*process, Signal::KILL);
    }
}

/// A REST server at a socket, which ends with this value.
pub struct AtSocket {
    process: Child,
    directory: tempfile::TempDir,
}

impl AtSocket {
    /// `None`, with a line that says so, if the newer rclone cannot be had.
    pub fn start() -> Option<AtSocket> {
        let program = newer()?;
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let socket = directory.path().join("rest.sock");
        let process = Command::new(program)
            .args(["serve", "restic", "--cache-objects=false", "--addr"])
            .arg(format!("unix://{}", socket.display()))
            .arg(&data)
            .env("RCLONE_CONFIG", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = AtSocket { process, directory };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(std::time::Instant::now() < deadline, "it never serves");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Some(server)
    }

    /// The address of a repository, as `restic` has it after `rest:`.
    pub fn address(&self, path: &str) -> String {
        let socket = self.directory.path().join("rest.sock");
        format!("http+unix://{}:/{path}", socket.display())
    }
}

impl Drop for AtSocket {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
