//! The jobs directory on disk: what is read, what is refused, and that nothing waits, follows or crashes.

mod reading;
mod trust;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use freezerd::intake::{Directory, FileState, Trust};

/// Whoever runs the test.
fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn trust() -> Trust {
    Trust {
        user: me(),
        own_group: None,
        owners: vec![],
    }
}

fn directory(path: &Path) -> Directory {
    Directory::open(path, Some(trust()))
        .expect("a directory that can be trusted")
        .0
}

/// `content`, or the codes of why not.
fn told(state: &FileState) -> String {
    match state {
        FileState::Content { warnings, .. } if warnings.is_empty() => "content".to_owned(),
        FileState::Content { warnings, .. } => {
            format!(
                "content but {}",
                warnings
                    .iter()
                    .map(|it| it.code.as_str())
                    .collect::<Vec<_>>()
                    .join(",")
            )
        }
        FileState::Refused { diagnostics, .. } => diagnostics
            .iter()
            .map(|it| it.code.as_str())
            .collect::<Vec<_>>()
            .join(","),
        FileState::Changing => "changing".to_owned(),
        FileState::Gone => "gone".to_owned(),
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

fn write(directory: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("a file");
    mode(&path, 0o644);
    path
}

fn temporary() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    mode(directory.path(), 0o755);
    directory
}
