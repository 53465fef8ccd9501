//! The same troubles of lines and servers, on every kind of storage that is away from the host: a slow line, a
//! connection that is reset in the middle, one on which nothing moves, a server that starts again.

use std::any::Any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::{Error, ErrorKind};
use freezerd::storage::ftp::{self, Ftp};
use freezerd::storage::http;
use freezerd::storage::rclone::{self, Rclone};
use freezerd::storage::rest::Rest;
use freezerd::storage::retry::{Policy, Retry};
use freezerd::storage::s3::{S3, Settings};
use freezerd::storage::sftp::{self, Sftp};
use freezerd::storage::swift;
use freezerd::storage::{FileKind, Storage};

use crate::ftp_server::vsftpd;
use crate::line::{Fate, Line, Pace};
use crate::support::{keys, listed, named, options, place};
use crate::swift_support::{settings, swift_as};
use crate::{rclone_programs, rest_server, s3_server, sftp_server, swift_server};

/// Enough tries for a server that is away for a moment.
const PATIENT: Policy = Policy {
    first_wait: Duration::from_millis(20),
    longest_wait: Duration::from_millis(200),
    opening: Duration::from_secs(60),
    patience: Duration::from_secs(60),
    unlocking: Duration::from_secs(60),
};

/// 50 milliseconds to the server and back, and 1 Mbit/s.
const SLOW: Pace = Pace {
    delay: Duration::from_millis(25),
    bytes_per_second: 125_000,
};

/// A storage at the end of a line.
struct Distant {
    storage: Retry,
    line: Line,
    told: Arc<Mutex<Vec<ErrorKind>>>,
    /// The server, which ends with this value.
    _server: Box<dyn Any>,
}

impl Distant {
    fn new(storage: impl Storage + 'static, line: Line, server: impl Any) -> Distant {
        let told = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&told);
        let tell = Box::new(move |error: &Error, _| list.lock().unwrap().push(error.kind));
        let storage = Retry::new(Arc::new(storage), PATIENT, Concurrency::untold(5), tell);
        storage.create_layout().unwrap();
        Distant {
            storage,
            line,
            told,
            _server: Box::new(server),
        }
    }

    /// What the tries failed with since the last call.
    fn told(&self) -> Vec<ErrorKind> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

/// A storage that gives up a connection on which nothing moves for this long. `None`, with a line that says so, if its
/// server cannot be had.
type Make = fn(Duration) -> Option<Distant>;

const KINDS: [(&str, Make); 6] = [
    ("rest", rest),
    ("s3", bucket),
    ("swift", swift),
    ("sftp", sftp),
    ("ftp", ftp),
    ("rclone", rclone),
];

/// Runs the test on every kind of storage, all of them at the same time.
fn at_the_end_of_a_line(stall: Duration, test: impl Fn(&'static str, &Distant) + Sync) {
    let test = &test;
    std::thread::scope(|scope| {
        let threads = KINDS.map(|(kind, make)| {
            let run = move || make(stall).iter().for_each(|distant| test(kind, distant));
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

/// A line to a server at this `HOST:PORT`.
fn line(authority: &str) -> Line {
    Line::to(authority.rsplit(':').next().unwrap().parse().unwrap())
}

fn http(stall: Duration) -> http::Options {
    http::Options {
        stall,
        ..http::Options::default()
    }
}

fn rest(stall: Duration) -> Option<Distant> {
    let server = rest_server::Server::start()?;
    let line = line(&server.authority);
    let options = http::Options { stall, ..options() };
    let address = format!("http://{}/repository/", line.authority());
    let storage = Rest::new(&address, options).unwrap();
    Some(Distant::new(storage, line, server))
}

fn bucket(stall: Duration) -> Option<Distant> {
    let server = s3_server::Server::start()?;
    let line = line(&server.authority);
    let bucket = server.new_bucket();
    let place = place(&format!("s3:http://{}/{bucket}/p", line.authority()));
    let keys = keys(s3_server::ACCESS_KEY);
    let storage = S3::new(&place, Settings::default(), keys, http(stall)).unwrap();
    Some(Distant::new(storage, line, server))
}

fn swift(stall: Duration) -> Option<Distant> {
    let server = swift_server::start()?;
    let line = line(&server.authority());
    let settings = swift::Settings {
        region: Some(server.new_region(&line.authority())),
        ..settings(server)
    };
    let storage = swift_as(settings, &server.new_container(), http(stall));
    Some(Distant::new(storage, line, ()))
}

fn sftp(stall: Duration) -> Option<Distant> {
    let server = sftp_server::Server::start()?;
    let line = line(&format!(":{}", server.port));
    let mut options = sftp::Options {
        port: line.port,
        stall,
        ..server.options("r")
    };
    let (old, new) = (format!(":{} ", server.port), format!(":{} ", line.port));
    let known = &mut options.known_hosts[0].content;
    *known = known.replace(&old, &new);
    Some(Distant::new(Sftp::new(options).unwrap(), line, server))
}

fn ftp(stall: Duration) -> Option<Distant> {
    let server = vsftpd::Server::start()?;
    let line = Line::to_ftp(server.port);
    let options = ftp::Options {
        port: line.port,
        stall,
        ..server.options("r")
    };
    Some(Distant::new(Ftp::new(options).unwrap(), line, server))
}

/// rclone keeps a bucket at the end of the line.
fn rclone(stall: Duration) -> Option<Distant> {
    let program = rclone_programs::newer()?;
    let server = s3_server::Server::start()?;
    let line = line(&server.authority);
    let directory = tempfile::tempdir().unwrap();
    let mut options: rclone::Options = crate::rclone::options(&program, directory.path());
    std::fs::write(
        options.config_file.as_ref().unwrap(),
        format!(
            "[far]\ntype = s3\nprovider = Other\nendpoint = http://{}\naccess_key_id = {}\nsecret_access_key = {}\n",
            line.authority(),
            s3_server::ACCESS_KEY,
            s3_server::SECRET_KEY,
        ),
    )
    .unwrap();
    options.remote = format!("far:{}/p", server.new_bucket());
    options.configured = Some("far".to_owned());
    // Its own patience with silence and with refusals is five minutes and ten tries.
    options
        .arguments
        .push(format!("--timeout={}ms", stall.as_millis()));
    options.arguments.push("--low-level-retries=2".to_owned());
    let storage = Rclone::new(options, Box::new(|_| ()));
    Some(Distant::new(storage, line, (server, directory)))
}

fn content(seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut content = vec![0; 300_000];
    random.fill(&mut content);
    content
}

/// Moves a pack there and back, with this fate in the middle of each way.
fn strike(kind: &str, distant: &Distant, fate: Fate) {
    let storage = &distant.storage;
    for (seed, bytes) in [(1, 1000), (2, 100_000)] {
        let pack = content(seed);
        let file = named(FileKind::Pack, &pack);
        distant.line.after(bytes, fate);
        storage.write(file, &pack).unwrap();
        distant.line.after(bytes, fate);
        assert!(storage.read(file, 1 << 20).unwrap() == pack, "{kind}");
        let mut range = vec![0; 200_000];
        distant.line.after(bytes, fate);
        storage.read_range(file, 50_000, &mut range).unwrap();
        assert!(range == pack[50_000..250_000], "{kind}");
    }
    assert_eq!(distant.line.struck(), 6, "{kind}");
    let told = distant.told();
    let is_right = |it: &ErrorKind| match kind {
        // rclone tells neither what happened to it nor to whom.
        "rclone" => it.is_passing(),
        _ => *it == ErrorKind::Unreachable,
    };
    assert!(told.iter().all(is_right), "{kind}: {told:?}");
    storage.sweep(Duration::ZERO).unwrap();
    let files = listed(storage, FileKind::Pack);
    assert_eq!(files.len(), 2, "{kind}");
    assert!(files.iter().all(|(_, size)| *size == 300_000), "{kind}");
}

#[test]
fn a_connection_that_is_reset_in_the_middle_costs_one_more_try() {
    at_the_end_of_a_line(Duration::from_secs(60), |kind, distant| {
        strike(kind, distant, Fate::Cut);
    });
}

#[test]
fn a_connection_on_which_nothing_moves_any_more_is_given_up_for_another() {
    at_the_end_of_a_line(Duration::from_secs(1), |kind, distant| {
        strike(kind, distant, Fate::Frozen);
    });
}

#[test]
fn a_server_that_starts_again_is_waited_for() {
    at_the_end_of_a_line(Duration::from_secs(60), |kind, distant| {
        strike(kind, distant, Fate::Away(Duration::from_millis(500)));
    });
}

#[test]
fn a_slow_line_is_not_taken_for_a_silent_one() {
    // To read a pack takes longer than a connection on which nothing moves may live.
    at_the_end_of_a_line(Duration::from_millis(1500), |kind, distant| {
        let pack = content(1);
        let file = named(FileKind::Pack, &pack);
        distant.storage.write(file, &pack).unwrap();
        distant.line.slow_down(SLOW);
        let read = distant.storage.read(file, 1 << 20).unwrap();
        assert!(read == pack, "{kind}");
        assert_eq!(distant.storage.size(file).unwrap(), 300_000, "{kind}");
        assert_eq!(distant.told(), [], "{kind}");
    });
    // The system of this host takes a whole pack at once. So nothing seems to move while it is on its way.
    at_the_end_of_a_line(Duration::from_secs(30), |kind, distant| {
        distant.line.slow_down(SLOW);
        let pack = content(1);
        let file = named(FileKind::Pack, &pack);
        distant.storage.write(file, &pack).unwrap();
        assert_eq!(distant.storage.size(file).unwrap(), 300_000, "{kind}");
        assert_eq!(distant.told(), [], "{kind}");
    });
}
