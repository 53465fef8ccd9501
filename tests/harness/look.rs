//! Waiting for, and reading, what no event reports: files, processes, users.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::PATIENCE;

/// Waits until a condition holds that no event reports. It checks the condition again and again.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(
            Instant::now() < deadline,
            "this did not happen in time: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The content of a directory: each path with its kind and mode, owner, time and content.
pub fn tree(top: &Path) -> BTreeMap<PathBuf, (u32, u32, i64, i64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![top.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path).expect("something there");
        let content = if metadata.is_symlink() {
            fs::read_link(&path)
                .expect("a link")
                .into_os_string()
                .into_encoded_bytes()
        } else if metadata.is_dir() {
            let entries = fs::read_dir(&path).expect("a directory");
            pending.extend(entries.map(|entry| entry.expect("an entry").path()));
            Vec::new()
        } else {
            fs::read(&path).expect("a file")
        };
        let name = path.strip_prefix(top).expect("below the top").to_owned();
        let (mode, owner) = (metadata.mode(), metadata.uid());
        found.insert(
            name,
            (
                mode,
                owner,
                metadata.mtime(),
                metadata.mtime_nsec(),
                content,
            ),
        );
    }
    found
}

/// Whether a process runs. A process that has ended and was not reaped yet does not run.
pub fn is_alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| {
        !stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('Z'))
    })
}

/// Whether the tests run as root, who can read everything.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
