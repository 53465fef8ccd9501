//! The login, and that the server is the right one.

use freezerd::storage::error::{Error, ErrorKind};
use freezerd::storage::sftp::{Key, KeyError, KnownHosts, Options};
use freezerd::storage::{FileKind, Storage};

use super::open;
use crate::sftp_server::rclone::{self, Rclone};
use crate::sftp_server::strange::{Asks, Strange};
use crate::sftp_server::{PASSPHRASE, Server};
use crate::support::listed;

#[track_caller]
fn refused(options: Options) -> Error {
    open(options).list(FileKind::Key).unwrap_err()
}

#[test]
fn keys_let_in_with_and_without_a_passphrase_and_of_every_kind() {
    let Some(server) = Server::start() else {
        return;
    };
    let stranger = server.key("stranger", None);
    for keys in [
        vec![server.key("user", None)],
        vec![server.key("rsa", None)],
        vec![server.key("protected", Some(PASSPHRASE))],
        vec![stranger.clone(), server.key("user", None)],
    ] {
        let options = Options {
            keys,
            ..server.options("r")
        };
        assert_eq!(listed(&open(options), FileKind::Key), []);
    }
    let error = refused(Options {
        keys: vec![stranger],
        ..server.options("r")
    });
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    let text = error.to_string();
    assert!(
        text.contains("the key in") && text.contains("stranger"),
        "{text}"
    );
    assert!(text.contains("it takes: publickey"), "{text}");
    let error = refused(Options {
        keys: Vec::new(),
        ..server.options("r")
    });
    assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
}

#[test]
fn a_key_file_that_cannot_be_used_is_told_apart() {
    let Some(server) = Server::start() else {
        return;
    };
    let read = |name: &str, passphrase| {
        let text = std::fs::read_to_string(server.file(name)).unwrap();
        Key::read(server.file(name), &text, passphrase).map(drop)
    };
    assert_eq!(read("protected", None), Err(KeyError::Protected));
    assert_eq!(read("protected", Some("wrong")), Err(KeyError::Passphrase));
    assert_eq!(read("user.pub", None), Err(KeyError::NotAKey));
    assert_eq!(read("config", None), Err(KeyError::NotAKey));
    // A passphrase that is not needed does no harm.
    assert_eq!(read("user", Some("any")), Ok(()));
}

#[test]
fn an_ssh_agent_signs_with_its_keys() {
    let Some(server) = Server::start() else {
        return;
    };
    let socket = server.file("agent");
    let mut agent = std::process::Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !socket.exists() {
        std::thread::yield_now();
    }
    let with_agent = || Options {
        keys: Vec::new(),
        agent: Some(socket.clone()),
        ..server.options("r")
    };
    let empty = refused(with_agent());
    assert_eq!(empty.kind, ErrorKind::Unauthorized, "{empty}");
    for key in ["stranger", "rsa", "user"] {
        let added = std::process::Command::new("ssh-add")
            .arg("-q")
            .arg(server.file(key))
            .env("SSH_AUTH_SOCK", &socket)
            .status();
        assert!(added.unwrap().success());
    }
    let result = open(with_agent()).list(FileKind::Key);
    agent.kill().unwrap();
    agent.wait().unwrap();
    result.unwrap();
    let error = refused(with_agent());
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.to_string().contains("SSH agent"), "{error}");
}

#[test]
fn a_password_lets_in_and_a_wrong_one_is_not_repeated() {
    let Some(server) = Rclone::start() else {
        return;
    };
    assert_eq!(listed(&server.storage("r"), FileKind::Key), []);
    let error = refused(Options {
        password: Some("wrong-secret".to_owned().into()),
        ..server.options("r")
    });
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    let text = error.to_string();
    assert!(
        text.contains(rclone::USER) && text.contains("the password"),
        "{text}"
    );
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn an_unknown_host_is_refused_with_its_fingerprint_and_the_command_that_accepts_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let error = refused(Options {
        known_hosts: Vec::new(),
        new_hosts: server.file("new_hosts"),
        ..server.options("r")
    });
    assert_eq!(error.kind, ErrorKind::Untrusted);
    let text = error.to_string();
    let shown = std::process::Command::new("ssh-keygen")
        .arg("-lf")
        .arg(server.file("host.pub"))
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let fingerprint = shown.split_whitespace().nth(1).unwrap();
    assert!(text.contains(fingerprint), "{text}");
    // The command does what it says.
    let command = text.rsplit_once("accept it with: ").unwrap().1;
    let ran = std::process::Command::new("sh")
        .args(["-c", command])
        .output();
    assert!(ran.unwrap().status.success(), "{command}");
    let content = std::fs::read_to_string(server.file("new_hosts")).unwrap();
    let known_hosts = vec![KnownHosts {
        path: server.file("new_hosts"),
        content,
    }];
    let accepted = Options {
        known_hosts,
        ..server.options("r")
    };
    assert_eq!(listed(&open(accepted), FileKind::Key), []);
}

#[test]
fn a_host_is_known_by_any_of_its_keys_and_another_key_is_an_alarm() {
    let Some(server) = Server::start() else {
        return;
    };
    let with = |content: String| Options {
        known_hosts: vec![KnownHosts {
            path: "/known".into(),
            content,
        }],
        ..server.options("r")
    };
    let ecdsa = server.known_host("host_ecdsa");
    assert_eq!(listed(&open(with(ecdsa.clone())), FileKind::Key), []);
    for content in [
        server.known_host("stranger"),
        format!("{}@revoked * {}", server.known_host("host"), {
            let line = server.known_host("host");
            line.split_once(' ').unwrap().1.to_owned()
        }),
    ] {
        let before = server.log().matches("Accepted").count();
        let error = refused(with(content));
        assert_eq!(error.kind, ErrorKind::HostChanged, "{error}");
        assert!(!error.kind.is_passing());
        assert!(error.to_string().contains("ALARM"), "{error}");
        assert!(error.to_string().contains("of /known"), "{error}");
        assert_eq!(server.log().matches("Accepted").count(), before);
    }
}

#[test]
fn what_is_not_an_sftp_server_is_told_as_such() {
    let Some(server) = Server::with("ForceCommand echo Welcome to this host, dear user") else {
        return;
    };
    let error = refused(server.options("r"));
    assert_eq!(error.kind, ErrorKind::Answer, "{error}");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = refused(Options {
        port,
        ..server.options("r")
    });
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    let error = refused(Options {
        host: "no-such-host.invalid".to_owned(),
        ..server.options("r")
    });
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
}

#[test]
fn one_question_is_answered_with_the_password_and_more_are_not() {
    let Some(server) = Strange::start(Asks::OneQuestion) else {
        return;
    };
    assert_eq!(listed(&server.storage("r"), FileKind::Key), []);
    let wrong = open(Options {
        password: Some("wrong-secret".to_owned().into()),
        ..server.options("r")
    });
    let error = wrong.list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(!error.to_string().contains("secret"), "{error}");
    for asks in [Asks::TwoQuestions, Asks::BothAtOnce] {
        let server = Strange::start(asks).unwrap();
        let error = server.storage("r").list(FileKind::Key).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unauthorized);
        let text = error.to_string();
        assert!(text.contains("Number"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn a_server_may_want_a_key_and_a_password() {
    let (Some(server), Some(keys)) = (Strange::start(Asks::KeyAndPassword), Server::start()) else {
        return;
    };
    let options = Options {
        keys: vec![keys.key("user", None)],
        ..server.options("r")
    };
    let storage = open(options);
    assert_eq!(listed(&storage, FileKind::Key), []);
    let error = server.storage("r").list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.to_string().contains("publickey"), "{error}");
}

#[test]
fn a_server_that_hangs_up_during_the_login_is_not_taken_for_a_wrong_password() {
    let Some(server) = Strange::start(Asks::HangsUp) else {
        return;
    };
    let error = server.storage("r").list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
}
