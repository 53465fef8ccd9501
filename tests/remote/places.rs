//! One container on each kind of storage that is away from the host, at the end of a line that can be cut.

use std::any::Any;
use std::path::Path;
use std::time::Duration;

use freezerd::storage::ftp::Tls;
use serde_json::{Value, json};

use crate::ftp_server::vsftpd;
use crate::harness::Host;
use crate::line::{Fate, Line};
use crate::rclone_programs::{configuration, kill, newer, processes_with};
use crate::restic_support::{PASSWORD, restics};
use crate::site::{CONTAINER, action, host, restored, saved};
use crate::swift_server::USER;
use crate::{bucket, ftp, rclone, rest_server, s3_server, sftp, sftp_server, swift, swift_server};

/// A container, and a host that backs up to it.
pub struct Place {
    pub kind: &'static str,
    pub host: Host,
    pub line: Line,
    container: String,
    /// As `restic` names it, and what it needs in its environment. Where the server has it on the disk of this host,
    /// restic reads it there.
    repository: String,
    environment: Vec<(&'static str, String)>,
    /// Ends what a server that starts again ends, besides the connections.
    end: Box<dyn Fn() + Sync>,
    /// The server, which ends with this value.
    _server: Box<dyn Any + Sync>,
}

/// `None`, with a line that says so, if the server cannot be had.
type Make = fn() -> Option<Place>;

const KINDS: [(&str, Make); 6] = [
    ("rest", rest),
    ("s3", s3),
    ("swift", in_swift),
    ("sftp", over_sftp),
    ("ftp", over_ftp),
    ("rclone", through_rclone),
];

/// Runs the test on every kind of storage, all of them at the same time.
pub fn on_every_storage(test: impl Fn(&Place) + Sync) {
    let test = &test;
    std::thread::scope(|scope| {
        let threads = KINDS.map(|(kind, make)| {
            let run = move || make().iter().for_each(test);
            let named = std::thread::Builder::new().name(kind.to_owned());
            (kind, named.spawn_scoped(scope, run).unwrap())
        });
        let failed: Vec<&str> = threads
            .into_iter()
            .filter_map(|(kind, thread)| thread.join().is_err().then_some(kind))
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
    });
}

impl Place {
    /// A backup of the source.
    pub fn saved(&self) -> Value {
        self.at(saved(&self.host))
    }

    /// A restore into `target`.
    pub fn restored(&self) -> Value {
        self.at(restored(&self.host))
    }

    /// Any other action.
    pub fn action(&self, keys: Value) -> Value {
        self.at(action(&self.host, keys))
    }

    /// What a job says of the container.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The directory of this host in which the server has the repository. `None` if it does not keep files.
    pub fn directory(&self) -> Option<&Path> {
        Some(Path::new(&self.repository)).filter(|path| path.is_absolute())
    }

    fn at(&self, mut action: Value) -> Value {
        action["freezer_action"]["container"] = json!(self.container);
        action
    }

    /// Does this while the server starts again in the middle: when so many bytes have passed.
    pub fn interrupted<T>(&self, bytes: u64, work: impl FnOnce() -> T) -> T {
        let before = self.line.struck();
        self.line
            .after(bytes, Fate::Away(Duration::from_millis(700)));
        let is_done = std::sync::atomic::AtomicBool::new(false);
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                while self.line.struck() == before {
                    if is_done.load(std::sync::atomic::Ordering::Relaxed) {
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
                (self.end)();
            });
            let result = work();
            is_done.store(true, std::sync::atomic::Ordering::Relaxed);
            result
        });
        let kind = self.kind;
        assert_eq!(self.line.struck(), before + 1, "{kind}: it came too late");
        result
    }

    /// What the newest restic prints on standard output and on standard error; nothing if there is none.
    #[track_caller]
    fn restic(&self, arguments: &[&str]) -> Option<(String, String)> {
        restics().pop().map(|version| {
            let mut command = version.command(Path::new(&self.repository), PASSWORD);
            command.envs(self.environment.iter().cloned());
            let ran = command.args(arguments).output().unwrap();
            let error = String::from_utf8_lossy(&ran.stderr).into_owned();
            let (kind, status) = (self.kind, ran.status);
            assert!(status.success(), "{kind}: {arguments:?}: {error}");
            (String::from_utf8(ran.stdout).unwrap(), error)
        })
    }

    /// restic finds nothing wrong and no pack that no index names, sees so many snapshots, and nobody holds a lock.
    #[track_caller]
    pub fn assert_clean(&self, snapshots: usize) {
        let locks = self.restic(&["list", "locks", "--no-lock"]);
        assert!(locks.is_none_or(|(it, _)| it.is_empty()), "{}", self.kind);
        let checked = self.restic(&["check", "--read-data"]);
        let told = checked.map_or_else(String::new, |(told, error)| told + &error);
        let is_tidy = !told.contains("additional files") && !told.contains("not referenced");
        assert!(is_tidy, "{}: {told}", self.kind);
        if let Some((listed, _)) = self.restic(&["snapshots", "--json"]) {
            let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
            assert_eq!(listed.len(), snapshots, "{}", self.kind);
        }
    }
}

fn line(authority: &str) -> Line {
    Line::to(authority.rsplit(':').next().unwrap().parse().unwrap())
}

fn rest() -> Option<Place> {
    let server = rest_server::Server::start()?;
    let line = line(&server.authority);
    Some(Place {
        kind: "rest",
        host: host(&format!("http://{}/", line.authority()), ""),
        line,
        container: CONTAINER.to_owned(),
        repository: server.files(CONTAINER).display().to_string(),
        environment: Vec::new(),
        end: Box::new(|| ()),
        _server: Box::new(server),
    })
}

/// What restic needs for the buckets of the test server.
fn keys_for_restic() -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ACCESS_KEY_ID", s3_server::ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", s3_server::SECRET_KEY.to_owned()),
    ]
}

fn s3() -> Option<Place> {
    let server = s3_server::Server::start()?;
    let line = line(&server.authority);
    let host = host("http://127.0.0.1:1/", "");
    let name = server.new_bucket();
    let endpoint = format!("http://{}/", line.authority());
    bucket::define(&host, &endpoint, &name, &bucket::keys(&host));
    Some(Place {
        kind: "s3",
        host,
        line,
        container: CONTAINER.to_owned(),
        repository: bucket::for_restic(&server, &name),
        environment: keys_for_restic(),
        end: Box::new(|| ()),
        _server: Box::new(server),
    })
}

fn in_swift() -> Option<Place> {
    let server = swift_server::start()?;
    let line = line(&server.authority());
    let region = server.new_region(&line.authority());
    let host = host("http://127.0.0.1:1/", "");
    let who = swift::by_password(&host, USER);
    swift::define_in(&host, server, &region, &who);
    let container = swift::place(server);
    Some(Place {
        kind: "swift",
        host,
        line,
        repository: swift::for_restic(&container),
        container,
        environment: server.for_restic(),
        end: Box::new(|| ()),
        _server: Box::new(()),
    })
}

fn over_sftp() -> Option<Place> {
    let server = std::sync::Arc::new(sftp_server::Server::start()?);
    let line = line(&format!(":{}", server.port));
    let own = std::sync::Arc::clone(&server);
    Some(Place {
        kind: "sftp",
        host: sftp::host_at(&server, line.port),
        line,
        container: CONTAINER.to_owned(),
        repository: server
            .files(&format!("top/{CONTAINER}"))
            .display()
            .to_string(),
        environment: Vec::new(),
        end: Box::new(move || own.cut()),
        _server: Box::new(server),
    })
}

fn over_ftp() -> Option<Place> {
    let server = std::sync::Arc::new(vsftpd::Server::start()?);
    let line = Line::to_ftp(server.port);
    let own = std::sync::Arc::clone(&server);
    Some(Place {
        kind: "ftp",
        host: ftp::host_at(&server, Tls::None, line.port),
        line,
        container: CONTAINER.to_owned(),
        repository: ftp::container(&server),
        environment: Vec::new(),
        end: Box::new(move || own.cut()),
        _server: Box::new(server),
    })
}

/// rclone keeps a bucket. It is killed when the server starts again.
fn through_rclone() -> Option<Place> {
    let program = newer()?;
    let server = s3_server::Server::start()?;
    let line = line(&server.authority);
    let host = host("http://127.0.0.1:1/", "");
    std::fs::write(
        configuration(&host.path("")),
        format!(
            "[far]\ntype = s3\nprovider = Other\nendpoint = http://{}\naccess_key_id = {}\nsecret_access_key = {}\n",
            line.authority(),
            s3_server::ACCESS_KEY,
            s3_server::SECRET_KEY,
        ),
    )
    .unwrap();
    let name = server.new_bucket();
    rclone::define(&host, &program, &format!("far:{name}"), "");
    Some(Place {
        kind: "rclone",
        host,
        line,
        container: CONTAINER.to_owned(),
        repository: bucket::for_restic(&server, &name),
        environment: keys_for_restic(),
        end: Box::new(move || kill(&processes_with(&name))),
        _server: Box::new(server),
    })
}
