//! What the SFTP storage promises besides: the layout, the login, and that the server is the right one.

use std::num::NonZeroU64;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use freezerd::storage::error::{Error, ErrorKind};
use freezerd::storage::id::Id;
use freezerd::storage::limit::{Limits, Pace};
use freezerd::storage::sftp::{Key, KeyError, KnownHosts, Options, Sftp};
use freezerd::storage::{Durability, FileKind, FileName, Storage, StrayKind};

use crate::sftp_server::rclone::{self, Rclone};
use crate::sftp_server::{PASSPHRASE, Server};
use crate::support::{listed, named};

fn open(options: Options) -> Sftp {
    Sftp::new(options).unwrap()
}

#[track_caller]
fn refused(options: Options) -> Error {
    open(options).list(FileKind::Key).unwrap_err()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn files_lie_where_restic_looks_for_them_and_belong_to_their_owner_alone() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = server.storage("a/b");
    storage.create_layout().unwrap();
    let pack = named(FileKind::Pack, b"pack");
    let durability = storage.write(pack, b"pack").unwrap();
    assert_eq!(durability, Durability::AfterSync);
    storage.sync().unwrap();
    let top = server.files("a/b");
    assert_eq!(std::fs::read(top.join(pack.to_string())).unwrap(), b"pack");
    assert_eq!(mode(&top.join(pack.to_string())), 0o600);
    for directory in [
        "",
        "keys",
        "locks",
        "snapshots",
        "index",
        "data/00",
        "data/ff",
    ] {
        assert_eq!(mode(&top.join(directory)), 0o700, "{directory}");
    }
    assert_eq!(std::fs::read_dir(top.join("data")).unwrap().count(), 256);
    // A directory of packs that is gone is made anew.
    let inside = pack.to_string();
    std::fs::remove_dir_all(top.join(&inside).parent().unwrap()).unwrap();
    storage.write(pack, b"pack").unwrap();
    assert_eq!(storage.read(pack, 9).unwrap(), b"pack");
}

#[test]
fn large_and_many_files_come_whole() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = server.storage("r");
    let content: Vec<u8> = (0..3_000_000_u32)
        .flat_map(|number| number.to_le_bytes())
        .collect();
    let pack = named(FileKind::Pack, &content);
    storage.write(pack, &content).unwrap();
    assert_eq!(storage.read(pack, u64::MAX).unwrap(), content);
    let mut middle = vec![0; 5_000_001];
    storage.read_range(pack, 999, &mut middle).unwrap();
    assert!(middle == content[999..5_001_000]);
    // More than a server tells at once.
    std::fs::create_dir_all(server.files("r/snapshots")).unwrap();
    for number in 0..1500_u32 {
        let file = named(FileKind::Snapshot, &number.to_le_bytes());
        std::fs::write(server.files("r").join(file.to_string()), "x").unwrap();
    }
    assert_eq!(listed(&storage, FileKind::Snapshot).len(), 1500);
}

#[test]
fn what_is_not_a_file_of_the_repository_is_a_stray() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = server.storage("r");
    storage.create_layout().unwrap();
    let top = server.files("r");
    let (id, other) = (Id::of(b"1"), Id::of(b"2"));
    std::fs::write(top.join("snapshots/README\n\u{1b}"), "x").unwrap();
    std::fs::write(top.join(format!("keys/{id}-tmp-1")), "x").unwrap();
    std::fs::write(top.join(format!("keys/{id}-restic-temp-12")), "x").unwrap();
    std::fs::write(top.join(format!("data/00/{id}")), "x").unwrap();
    std::fs::write(top.join("data/letter"), "x").unwrap();
    std::fs::create_dir(top.join(format!("index/{id}"))).unwrap();
    std::fs::write(top.join("somewhere"), "12345").unwrap();
    symlink("../somewhere", top.join(format!("locks/{id}"))).unwrap();
    symlink("nowhere", top.join(format!("locks/{other}"))).unwrap();
    let strays = |kind| {
        let mut found = storage.list(kind).unwrap().strays;
        found.sort();
        found
            .into_iter()
            .map(|stray| (stray.path, stray.kind))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        strays(FileKind::Snapshot),
        [(
            "snapshots/README\u{fffd}\u{fffd}".to_owned(),
            StrayKind::NotAnId
        )]
    );
    assert_eq!(
        strays(FileKind::Key),
        [
            (format!("keys/{id}-restic-temp-12"), StrayKind::Temporary),
            (format!("keys/{id}-tmp-1"), StrayKind::Temporary),
        ]
    );
    assert_eq!(
        strays(FileKind::Pack),
        [
            (format!("data/00/{id}"), StrayKind::Misplaced),
            ("data/letter".to_owned(), StrayKind::NotAnId),
        ]
    );
    assert_eq!(
        strays(FileKind::Index),
        [(format!("index/{id}"), StrayKind::NotAFile)]
    );
    let index = FileName::new(FileKind::Index, id);
    for kind in [
        storage.size(index).unwrap_err().kind,
        storage.read(index, 9).unwrap_err().kind,
        storage.read_range(index, 0, &mut [0]).unwrap_err().kind,
    ] {
        assert_eq!(kind, ErrorKind::NotAFile);
    }
    let locks = storage.list(FileKind::Lock).unwrap();
    let size_of = |id| locks.files.iter().find(|file| file.id == id).unwrap().size;
    assert_eq!((size_of(id), size_of(other)), (5, 0));
    assert!(locks.strays.iter().all(|it| it.kind == StrayKind::Link));
}

#[test]
fn what_an_interrupted_write_left_is_swept_when_it_is_old() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = server.storage("r");
    storage.create_layout().unwrap();
    let pack = named(FileKind::Pack, b"pack");
    storage.write(pack, b"pack").unwrap();
    let left = server.files("r").join(format!("{pack}-tmp-0123"));
    std::fs::write(&left, "half").unwrap();
    assert_eq!(storage.sweep(Duration::from_secs(3600)).unwrap(), 0);
    assert!(left.exists());
    let old = std::time::SystemTime::now() - Duration::from_secs(7200);
    let file = std::fs::File::options().write(true).open(&left).unwrap();
    file.set_modified(old).unwrap();
    assert_eq!(storage.sweep(Duration::from_secs(3600)).unwrap(), 1);
    assert!(!left.exists());
    assert_eq!(listed(&storage, FileKind::Pack).len(), 1);
}

#[test]
fn a_directory_that_cannot_be_listed_is_an_error_and_never_an_empty_one() {
    let Some(server) = Server::start() else {
        return;
    };
    let storage = server.storage("r");
    storage.create_layout().unwrap();
    let top = server.files("r");
    std::fs::remove_dir(top.join("keys")).unwrap();
    symlink("nowhere", top.join("keys")).unwrap();
    let kind = storage.list(FileKind::Key).unwrap_err().kind;
    assert_eq!(kind, ErrorKind::NotFound);
    std::fs::remove_dir(top.join("index")).unwrap();
    std::fs::write(top.join("index"), "").unwrap();
    assert!(storage.list(FileKind::Index).is_err());
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
fn bodies_pass_no_faster_than_the_limits_allow() {
    let Some(server) = Server::start() else {
        return;
    };
    let size = 300_000;
    let rate = NonZeroU64::new(size as u64);
    let limits = Limits {
        upload: rate,
        download: rate,
    };
    let storage = open(Options {
        pace: Some(Arc::new(Pace::new(limits, || ()))),
        // Shorter than the whole takes: a limit is not a stall.
        stall: Duration::from_millis(700),
        ..server.options("r")
    });
    storage.create_layout().unwrap();
    let content = vec![7; size];
    let pack = named(FileKind::Pack, &content);
    let started = Instant::now();
    storage.write(pack, &content).unwrap();
    // A tenth of a second may be used at once.
    let least = Duration::from_millis(890);
    assert!(started.elapsed() >= least);
    let started = Instant::now();
    assert_eq!(storage.read(pack, 1 << 20).unwrap(), content);
    assert!(started.elapsed() >= least);
}
