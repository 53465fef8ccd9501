//! What the storage of rclone promises besides, and a REST server at a socket.

use std::fs::Permissions;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use freezerd::location::RestPlace;
use freezerd::storage::error::ErrorKind;
use freezerd::storage::http;
use freezerd::storage::rclone::{Options, Rclone, StartError};
use freezerd::storage::rest::Rest;
use freezerd::storage::{FileKind, Storage};

use crate::rclone_programs::{
    AtSocket, CONFIG_PASSWORD, configuration, encrypt, kill, newer, processes_with, programs,
};
use crate::support::{listed, named};

/// How a repository in this directory is reached.
pub fn options(program: &Path, directory: &Path) -> Options {
    Options {
        program: program.display().to_string(),
        config_file: Some(configuration(directory)),
        config_password: None,
        arguments: vec!["--cache-objects=false".to_owned()],
        remote: format!("disk:{}/deep/a b", directory.display()),
        configured: Some("disk".to_owned()),
        directory: directory.to_owned(),
        connections: 5,
        patience: Duration::from_secs(120),
        stall: Duration::from_secs(60),
        pace: None,
    }
}

/// A repository on a REST server at a socket.
pub fn at_socket(server: &AtSocket, path: &str) -> Rest {
    let place = RestPlace::parse(&server.address(path)).unwrap();
    let options = http::Options {
        socket: place.socket().map(Path::to_owned),
        ..http::Options::default()
    };
    Rest::new(place.address().as_str(), options).unwrap()
}

fn silent(options: Options) -> Rclone {
    Rclone::new(options, Box::new(|_| ()))
}

#[test]
fn files_lie_where_rclone_and_restic_look_for_them() {
    for program in programs() {
        let directory = tempfile::tempdir().unwrap();
        let storage = silent(options(&program, directory.path()));
        let pack = named(FileKind::Pack, b"pack");
        storage.create_layout().unwrap();
        storage.write(pack, b"pack").unwrap();
        let file = directory.path().join(format!("deep/a b/{pack}"));
        assert_eq!(std::fs::read(file).unwrap(), b"pack");
    }
}

#[test]
fn one_process_serves_all_threads_and_ends_with_the_storage() {
    for program in programs() {
        let directory = tempfile::tempdir().unwrap();
        let text = directory.path().display().to_string();
        let storage = silent(options(&program, directory.path()));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(listed(&storage, FileKind::Index), []));
            }
        });
        assert_eq!(processes_with(&text).len(), 1);
        drop(storage);
        assert_eq!(processes_with(&text), []);
        let left = std::fs::read_dir(directory.path()).unwrap().flatten();
        let left: Vec<_> = left.map(|it| it.file_name()).collect();
        assert_eq!(left, ["rclone.conf"]);
    }
}

#[test]
fn an_rclone_that_is_killed_is_started_again() {
    for program in programs() {
        let directory = tempfile::tempdir().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&told);
        let tell = Box::new(move |line: &str| list.lock().unwrap().push(line.to_owned()));
        let storage = Rclone::new(options(&program, directory.path()), tell);
        let pack = named(FileKind::Pack, b"pack");
        storage.write(pack, b"pack").unwrap();
        kill(&processes_with(&directory.path().display().to_string()));
        let read = loop {
            match storage.read(pack, 10) {
                Err(error) => assert_eq!(error.kind, ErrorKind::Unreachable, "{error}"),
                Ok(read) => break read,
            }
        };
        assert_eq!(read, b"pack");
        let told = told.lock().unwrap().join("\n");
        assert!(told.contains("started again"), "{told}");
    }
}

#[test]
fn only_this_user_can_reach_the_socket_of_a_newer_rclone() {
    use std::os::unix::fs::PermissionsExt;
    let Some(program) = newer() else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let storage = silent(options(&program, directory.path()));
    storage.start().unwrap();
    let entries = std::fs::read_dir(directory.path()).unwrap().flatten();
    let private = entries
        .map(|entry| entry.path())
        .find(|path| path.is_dir())
        .expect("a directory of its own");
    let mode = private.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(private.join("socket").exists());
}

/// A program in place of rclone.
fn script(directory: &Path, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join("rclone");
    // Another thread that forks meanwhile would hold it open for writing.
    let written = Command::new("/bin/sh")
        .args([
            "-c",
            "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\"",
            "sh",
            text,
        ])
        .arg(&path)
        .status();
    assert!(written.unwrap().success());
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn an_rclone_that_never_serves_is_waited_for_once() {
    let directory = tempfile::tempdir().unwrap();
    let starts = directory.path().join("starts");
    let text = format!(
        "echo x >> {}; echo waiting >&2; exec sleep 1000",
        starts.display()
    );
    let mut options = options(&script(directory.path(), &text), directory.path());
    options.patience = Duration::from_secs(2);
    let storage = silent(options);
    let error = storage.start().unwrap_err();
    assert!(matches!(error, StartError::Silent { .. }), "{error}");
    let error = storage.list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.to_string().contains("does not serve"), "{error}");
    assert_eq!(std::fs::read_to_string(&starts).unwrap(), "x\n");
    // Later, a request tries again.
    while std::fs::read_to_string(&starts).unwrap() == "x\n" {
        storage.list(FileKind::Key).unwrap_err();
    }
    assert_eq!(std::fs::read_to_string(&starts).unwrap(), "x\nx\n");
}

#[test]
fn an_rclone_that_says_something_without_end_ends_with_the_patience() {
    let directory = tempfile::tempdir().unwrap();
    let program = script(directory.path(), "exec yes evil >&2");
    let mut options = options(&program, directory.path());
    options.patience = Duration::from_millis(500);
    let error = silent(options).start().unwrap_err();
    assert!(error.to_string().ends_with(": evil"), "{error}");
}

#[test]
fn what_is_wrong_with_rclone_is_told_apart() {
    for program in programs() {
        let directory = tempfile::tempdir().unwrap();
        let with = |change: &dyn Fn(&mut Options)| {
            let mut options = options(&program, directory.path());
            change(&mut options);
            let error = silent(options).start().unwrap_err();
            (error.is_permanent(), error)
        };
        let missing = with(&|it| it.program = "/no/such/rclone".to_owned());
        assert!(matches!(missing, (true, StartError::NotInstalled { .. })));
        let (permanent, error) = with(&|it| {
            it.remote = "drive:x".to_owned();
            it.configured = Some("drive".to_owned());
        });
        assert!(permanent && matches!(error, StartError::NoRemote { .. }));
        assert!(error.to_string().contains("rclone config"), "{error}");
        for words in [&["--no-such-option"][..], &["--transfers", "many"]] {
            let words = || words.iter().map(|word| (*word).to_owned()).collect();
            let (permanent, error) = with(&|it| it.arguments = words());
            assert!(permanent && matches!(error, StartError::Arguments { .. }));
            assert!(error.to_string().contains("`arguments`"), "{error}");
        }
        // A server that refuses the connection.
        std::fs::write(
            directory.path().join("away.conf"),
            "[away]\ntype = sftp\nhost = 127.0.0.1\nport = 1\nuser = u\npass = canary\n",
        )
        .unwrap();
        let (permanent, error) = with(&|it| {
            it.config_file = Some(directory.path().join("away.conf"));
            it.remote = "away:x".to_owned();
            it.configured = Some("away".to_owned());
        });
        assert!(!permanent && matches!(error, StartError::Ended { .. }));
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[test]
fn an_encrypted_configuration_needs_its_password_and_does_not_tell_it() {
    let Some(newer) = newer() else {
        return;
    };
    for program in programs() {
        let directory = tempfile::tempdir().unwrap();
        let file = configuration(directory.path());
        encrypt(&newer, &file);
        let content = std::fs::read(&file).unwrap();
        let start = |password: Option<&str>| {
            let mut options = options(&program, directory.path());
            std::fs::write(&file, &content).unwrap();
            options.config_password = password.map(|it| it.to_owned().into());
            silent(options).start()
        };
        start(Some(CONFIG_PASSWORD)).unwrap();
        for (wrong, told) in [
            (None, "name its password with `config_password_file`"),
            (
                Some("not-the-password"),
                "the password that `config_password_file`",
            ),
        ] {
            let error = start(wrong).unwrap_err();
            assert!(matches!(error, StartError::Configuration { .. }), "{error}");
            assert!(error.is_permanent());
            let text = error.to_string();
            assert!(text.contains(told), "{text}");
            assert!(!text.contains("not-the-password"), "{text}");
        }
    }
}

#[test]
fn a_silent_server_at_a_socket_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("silent");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let options = http::Options {
        socket: Some(socket),
        stall: Duration::from_millis(300),
        ..http::Options::default()
    };
    let rest = Rest::new("http://127.0.0.1/", options).unwrap();
    let error = rest.list(FileKind::Index).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.to_string().contains("nothing moved"), "{error}");
}
