//! Both versions of restic, and repositories of ours beside theirs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use freezerd::repository::key::cost::Cost;
use freezerd::repository::open::Repository;
use freezerd::storage::local::Local;

pub const PASSWORD: &str = "correct horse";

/// A version of restic, or `None` where it cannot be had, which is said aloud.
pub struct Restic(pub PathBuf);

pub fn restics() -> Vec<Restic> {
    let mut found = Vec::new();
    match Command::new("restic").arg("version").output() {
        Ok(_) => found.push(Restic("restic".into())),
        Err(_) => eprintln!("SKIPPED: restic is not installed"),
    }
    let new = match std::env::var_os("RESTIC_NEW") {
        Some(path) => Some(PathBuf::from(path)),
        None => {
            let ran = Command::new("tests/tools/restic-0.18").output();
            ran.ok().filter(|ran| ran.status.success()).map(|ran| {
                let path = ran.stdout.trim_ascii_end();
                PathBuf::from(OsStr::from_bytes(path))
            })
        }
    };
    match new {
        Some(path) => found.push(Restic(path)),
        None => eprintln!("SKIPPED: restic 0.18 cannot be had"),
    }
    found
}

impl Restic {
    pub fn command(&self, repository: &Path, password: &str) -> Command {
        let mut command = Command::new(&self.0);
        command
            .env("RESTIC_PASSWORD", password)
            .arg("--no-cache")
            .arg("--repo")
            .arg(repository);
        command
    }

    pub fn output(&self, repository: &Path, arguments: &[&str]) -> Output {
        self.command(repository, PASSWORD)
            .args(arguments)
            .output()
            .unwrap()
    }

    pub fn run(&self, repository: &Path, arguments: &[&str]) -> String {
        let ran = self.output(repository, arguments);
        let error = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{:?} {arguments:?}: {error}", self.0);
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }
}

/// The cost of a key that is derived in a few milliseconds.
pub const QUICK: Cost = Cost {
    n: 1 << 10,
    ..Cost::LEAST
};

#[allow(
    dead_code,
    reason = "not every test program makes a repository like this"
)]
pub fn init(repository: &Path) -> Repository {
    let storage = Arc::new(Local::new(repository));
    Repository::init(storage, PASSWORD.as_bytes(), QUICK).unwrap()
}
