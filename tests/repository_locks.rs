//! Keys and locks: what either of restic and freezerd makes holds for the other.

use std::fs;
use std::time::Duration;

use freezerd::repository::key::cost::Cost;
use freezerd::repository::key::{self, change_password};
use freezerd::repository::lock::{Timing, acquire, found_locks};

use rustix::fs::inotify;

use restic_support::{PASSWORD, init, restics};

mod restic_support;

#[test]
fn keys_that_either_adds_open_with_the_other() {
    for restic in restics() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let repository = init(&path);
        let storage = &*repository.storage;
        let ours = key::add(storage, &repository.key.keys, b"ours", Cost::LEAST).unwrap();
        let with = |password: &str| {
            let ran = restic
                .command(&path, password)
                .args(["cat", "config"])
                .output();
            ran.unwrap().status.success()
        };
        assert!(with("ours") && with(PASSWORD) && !with("theirs"));
        let file = directory.path().join("password");
        fs::write(&file, "theirs\n").unwrap();
        restic.run(
            &path,
            &["key", "add", "--new-password-file", file.to_str().unwrap()],
        );
        let theirs = key::open(storage, b"theirs", None, |_| Ok(true)).unwrap();
        assert_eq!(theirs.keys.encrypt, repository.key.keys.encrypt);
        assert_eq!(key::list(storage).unwrap().len(), 3);
        change_password(storage, &theirs, b"new", Cost::LEAST).unwrap();
        assert!(with("new") && !with("theirs"));
        key::remove(storage, ours, repository.key.id).unwrap();
        assert!(!with("ours"));
        restic.run(
            &path,
            &[
                "key",
                "passwd",
                "--new-password-file",
                file.to_str().unwrap(),
            ],
        );
        assert!(key::open(storage, b"theirs", None, |_| Ok(true)).is_ok());
        assert!(key::open(storage, PASSWORD.as_bytes(), None, |_| Ok(true)).is_err());
    }
}

#[test]
fn locks_of_either_hold_for_the_other() {
    for restic in restics() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("repository");
        let repository = init(&path);
        let take = |exclusive| {
            let (storage, cipher) = (&repository.storage, &repository.cipher);
            let timing = Timing::default();
            acquire(storage, cipher, exclusive, Duration::ZERO, timing, |_| true)
        };
        let backup = ["backup", "Cargo.toml"];
        {
            let _exclusive = take(true).unwrap();
            let refused = restic.output(&path, &backup);
            let error = String::from_utf8_lossy(&refused.stderr);
            assert!(error.contains("locked exclusively"), "{error}");
            let pid = format!("PID {}", std::process::id());
            assert!(error.contains(&pid), "{error}");
        }
        {
            let _shared = take(false).unwrap();
            restic.run(&path, &backup);
            assert!(!restic.output(&path, &["prune"]).status.success());
        }
        restic.run(&path, &["prune"]);
        let events = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
        inotify::add_watch(&events, path.join("locks"), inotify::WatchFlags::MOVED_TO).unwrap();
        // A backup from standard input has its lock as long as nothing comes.
        let mut running = restic
            .command(&path, PASSWORD)
            .args(["backup", "--stdin"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let locks = || found_locks(&*repository.storage, &repository.cipher).unwrap();
        while locks().is_empty() {
            rustix::io::read(&events, &mut [0; 4096]).unwrap();
        }
        let refused = take(true).unwrap_err().to_string();
        assert!(
            refused.contains(&format!("process {}", running.id())),
            "{refused}"
        );
        drop(take(false).unwrap());
        // A killed one leaves its lock, which is stale.
        running.kill().unwrap();
        running.wait().unwrap();
        assert_eq!(locks().len(), 1);
        drop(take(true).unwrap());
        assert!(locks().is_empty());
    }
}
