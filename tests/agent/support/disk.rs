//! A small file system, which fills up quickly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::is_root;

/// A mounted file system of a given size. Dropping it unmounts it.
pub struct SmallDisk(pub PathBuf);

impl SmallDisk {
    /// Mounts a file system. `None`, with a line that says so, if that is not permitted.
    pub fn mount(path: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mounted = is_root()
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
                .arg(path)
                .status()
                .is_ok_and(|status| status.success());
        if !mounted {
            eprintln!(
                "SKIPPED: what happens on a full disk, because only root can mount a small one"
            );
            return None;
        }
        Some(SmallDisk(path.to_path_buf()))
    }

    /// Mounts a file system of the kernel, which is `proc`. `None`, with a line that says so, if that is not permitted.
    pub fn mount_kernel(path: &Path) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mounted = is_root()
            && Command::new("mount")
                .args(["-t", "proc", "proc"])
                .arg(path)
                .status()
                .is_ok_and(|status| status.success());
        if !mounted {
            eprintln!(
                "SKIPPED: a mounted file system of the kernel, because only root can mount one"
            );
            return None;
        }
        Some(SmallDisk(path.to_path_buf()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
