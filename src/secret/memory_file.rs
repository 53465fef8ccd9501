//! A secret in memory, as a file without a name: this process and its agents read it by a path, and it ends with this
//! process.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, memfd_create};

/// What the name of such a file begins with, before the path that the user gave.
const PREFIX: &str = "freezerd:";

/// The longest part of the path in the name, in bytes. The kernel takes 249 for the whole name.
const LONGEST: usize = 200;

/// Keeps what was read at `given`. Returns the path under which it can be read.
///
/// # Errors
/// When there is no memory.
pub fn write(given: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let shown = given.as_os_str().as_bytes();
    let name = [PREFIX.as_bytes(), &shown[..shown.len().min(LONGEST)]].concat();
    let mut memory = File::from(memfd_create(name, MemfdFlags::CLOEXEC)?);
    memory.set_permissions(Permissions::from_mode(0o600))?;
    memory.write_all(content)?;
    let path = format!("/proc/{}/fd/{}", std::process::id(), memory.as_raw_fd());
    // It stays open until this process ends.
    let _ = memory.into_raw_fd();
    Ok(path.into())
}

/// The path that the user gave.
pub fn as_given(path: &Path) -> PathBuf {
    original(path).unwrap_or_else(|| path.to_owned())
}

/// Whether this is the path of a file in memory.
pub fn is_one(path: &Path) -> bool {
    original(path).is_some()
}

fn original(path: &Path) -> Option<PathBuf> {
    if !path.starts_with("/proc") {
        return None;
    }
    let target = fs::read_link(path).ok()?;
    let name = target.to_str()?.strip_prefix("/memfd:")?;
    let given = name.strip_prefix(PREFIX)?;
    Some(given.strip_suffix(" (deleted)").unwrap_or(given).into())
}
