//! A repository that restic made, and the commands of freezerd on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use freezerd::repository::key::cost::Cost;
use freezerd::repository::lock::{Held, Timing, acquire};
use freezerd::repository::open::Repository as Open;
use freezerd::storage::local::Local;
use serde_json::Value;

use crate::harness::{Host, Ran};
use crate::restic_support::{PASSWORD, Restic, restics};

/// A host with the directory `source` and a repository.
pub struct Repository {
    pub host: Host,
    pub restic: Restic,
    pub path: PathBuf,
    pub pass_file: PathBuf,
}

/// A new repository of each version of restic.
pub fn repositories() -> impl Iterator<Item = Repository> {
    restics()
        .into_iter()
        .map(|restic| Repository::new(restic, 2))
}

impl Repository {
    pub fn new(restic: Restic, version: u32) -> Repository {
        let host = Host::new();
        let pass_file = host.file("pass", PASSWORD);
        fs::set_permissions(&pass_file, fs::Permissions::from_mode(0o600)).unwrap();
        let path = host.path("repository");
        if version == 1 {
            restic.run(&path, &["init", "--repository-version", "1"]);
        } else {
            init_quickly(&path);
        }
        fs::create_dir(host.path("source")).unwrap();
        Repository {
            host,
            restic,
            path,
            pass_file,
        }
    }

    /// A path below `source`, absolute.
    pub fn source(&self, name: &str) -> PathBuf {
        match name {
            "" => self.host.path("source"),
            name => self.host.path("source").join(name),
        }
    }

    /// Writes a file below `source`.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.source(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Backs `source` up with restic, and returns the id of the snapshot.
    pub fn backup(&self) -> String {
        let source = self.source("");
        self.restic
            .run(&self.path, &["backup", source.to_str().unwrap()]);
        let all = self.restic.run(&self.path, &["snapshots", "--json"]);
        let all: Value = serde_json::from_str(&all).unwrap();
        all.as_array().unwrap().last().unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Restic's JSON output.
    pub fn restic_json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        serde_json::from_str(&self.restic.run(&self.path, &arguments)).unwrap()
    }

    /// Restic's JSON output, line by line.
    pub fn restic_lines(&self, arguments: &[&str]) -> Vec<Value> {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        lines(&self.restic.run(&self.path, &arguments))
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--container", self.path.to_str().unwrap()]);
        arguments.extend(["--encrypt-pass-file", self.pass_file.to_str().unwrap()]);
        self.host.command(&arguments)
    }

    /// Runs a command of freezerd on the repository.
    pub fn freezerd(&self, arguments: &[&str]) -> Ran {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--container", self.path.to_str().unwrap()]);
        arguments.extend(["--encrypt-pass-file", self.pass_file.to_str().unwrap()]);
        self.host.freezerd(&arguments)
    }

    /// Runs a command that succeeds, and returns its lines of JSON.
    #[track_caller]
    pub fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        lines(&self.freezerd(&arguments).exits(0).stdout())
    }

    /// The files in a directory of the repository, such as `locks`.
    pub fn files(&self, directory: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.path.join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(fs::read_dir(path).unwrap().map(|it| it.unwrap().path()));
            } else {
                found.push(path);
            }
        }
        found.sort();
        found
    }

    /// The ids of the packs that contain this kind of blobs, as restic's index has them.
    pub fn packs_of(&self, kind: &str) -> Vec<String> {
        let mut packs = Vec::new();
        for index in self.restic.run(&self.path, &["list", "index"]).lines() {
            let text = self.restic.run(&self.path, &["cat", "index", index]);
            let index: Value = serde_json::from_str(&text).unwrap();
            for pack in index["packs"].as_array().unwrap() {
                if pack["blobs"][0]["type"] == kind {
                    packs.push(pack["id"].as_str().unwrap().to_owned());
                }
            }
        }
        packs
    }

    /// The file of a pack.
    pub fn pack(&self, id: &str) -> PathBuf {
        self.path.join("data").join(&id[..2]).join(id)
    }
}

/// Makes a repository whose password takes no time to check: restic would take half a second for each command.
pub fn init_quickly(path: &Path) {
    const COST: Cost = Cost {
        n: 1024,
        r: 1,
        p: 1,
    };
    let storage = Arc::new(Local::new(path));
    Open::init(storage, PASSWORD.as_bytes(), COST).unwrap();
}

/// Takes a lock in this process.
pub fn take(repository: &Repository, exclusive: bool) -> Held {
    let storage = Arc::new(Local::new(&repository.path));
    let open = Open::open(storage, PASSWORD.as_bytes()).unwrap();
    let timing = Timing::default();
    acquire(
        &open.storage,
        &open.cipher,
        exclusive,
        Duration::ZERO,
        timing,
        |_| true,
    )
    .unwrap()
}

/// Overwrites a byte in the middle of a file.
pub fn flip(file: &Path, at: usize) {
    let mut content = fs::read(file).unwrap();
    content[at] ^= 0xff;
    overwrite(file, &content);
}

/// Writes to a file of a repository, which is read-only.
pub fn overwrite(file: &Path, content: &[u8]) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(file, content).unwrap();
}

/// Lines of JSON.
pub fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The texts of one field.
pub fn texts(lines: &[Value], field: &str) -> Vec<String> {
    let texts = lines.iter().filter_map(|line| line[field].as_str());
    let mut texts: Vec<String> = texts.map(str::to_owned).collect();
    texts.sort();
    texts
}
