//! The damage matrix: for any kind of bad file in the jobs directory, only that file is reported, and every other job
//! is unchanged.
//!
//! `FREEZERD_DAMAGE_FILES=100000 cargo test --release --test damage` fills the directory with that many files. The
//! default is two thousand.

mod harness;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use harness::{Daemon, Host, exec, someday};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A typical job file.
fn real() -> String {
    format!(
        "{:#}",
        json!({"job": {
            "job_id": "damaged",
            "description": "Bücher, 書, \"quotes\" and a \\ backslash",
            "action_defaults": {"container": "/mnt/backup"},
            "job_actions": [
                {"freezer_action": {"action": "backup", "path_to_backup": "/srv/www", "backup_name": "www",
                                    "exclude": ["*.tmp"]}, "max_retries": 3},
                exec("true"),
            ],
            "job_schedule": {"schedule_day": "mon, wed", "schedule_hour": "03", "schedule_minute": "25"},
        }})
    )
}

/// How to create a damaged file at `path`.
type Damage = Box<dyn Fn(&Path)>;

fn bytes(content: impl Into<Vec<u8>>) -> Damage {
    let content = content.into();
    Box::new(move |path| fs::write(path, &content).expect("a file"))
}

/// Each kind of damage: its name, and whether the file is still a valid job.
fn matrix() -> Vec<(&'static str, bool, Damage)> {
    let node = |kind: FileType, device: u64| -> Damage {
        Box::new(move |path| {
            mknodat(CWD, path, kind, Mode::from_raw_mode(0o644), device).expect("a node");
        })
    };
    let with = |change: &dyn Fn(String) -> Vec<u8>| bytes(change(real()));
    let mut matrix: Vec<(&'static str, bool, Damage)> = vec![
        ("empty", false, bytes("")),
        ("only blanks", false, bytes("\n  \n")),
        ("NULs", false, bytes(vec![0; 4096])),
        (
            "a NUL inside",
            false,
            with(&|text| text.replace("www", "w\0w").into()),
        ),
        (
            "invalid UTF-8",
            false,
            with(&|text| [text.as_bytes(), &[0xff, 0xfe]].concat()),
        ),
        (
            "a byte order mark",
            true,
            with(&|text| format!("\u{feff}{text}").into()),
        ),
        (
            "CRLF",
            true,
            with(&|text| text.replace('\n', "\r\n").into()),
        ),
        (
            "a key twice, differently",
            false,
            with(&|text| {
                text.replacen(
                    "\"max_retries\": 3",
                    "\"max_retries\": 3, \"max_retries\": 4",
                    1,
                )
                .into()
            }),
        ),
        (
            "wrong types",
            false,
            bytes(r#"{"job_actions": 7, "job_schedule": []}"#),
        ),
        (
            "1 MiB and one byte",
            false,
            with(&|text| {
                let blanks = " ".repeat(1024 * 1024 + 1 - text.len());
                (text + &blanks).into()
            }),
        ),
        ("10,000 brackets", false, bytes("[".repeat(10_000))),
        ("10,000 objects", false, bytes("{\"a\":".repeat(10_000))),
        (
            "a directory",
            false,
            Box::new(|path| fs::create_dir(path).expect("a directory")),
        ),
        (
            "a symbolic link",
            false,
            Box::new(|path| symlink("/etc/hostname", path).expect("a link")),
        ),
        (
            "a link to itself",
            false,
            Box::new(|path| symlink(path, path).expect("a link")),
        ),
        ("a FIFO", false, node(FileType::Fifo, 0)),
        ("a socket", false, node(FileType::Socket, 0)),
        (
            "others may write to it",
            false,
            Box::new(|path| {
                fs::write(path, real()).expect("a file");
                fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("its mode");
            }),
        ),
        (
            "a second name for it",
            true,
            Box::new(|path| {
                fs::write(path, real()).expect("a file");
                fs::hard_link(path, path.with_extension("other")).expect("a hard link");
            }),
        ),
    ];
    if rustix::process::geteuid().is_root() {
        // /dev/zero, which never ends.
        matrix.push((
            "a device",
            false,
            node(FileType::CharacterDevice, rustix::fs::makedev(1, 5)),
        ));
    } else {
        println!("SKIPPED: a device in the jobs directory, because only root can create one");
    }
    matrix
}

/// What must not change: the healthy jobs, as `show` prints them.
fn healthy(host: &Host) -> Vec<Value> {
    let listed = host.json(&["list"]);
    let jobs = listed["jobs"].as_array().expect("a list of jobs");
    jobs.iter()
        .filter(|job| {
            job["job_id"]
                .as_str()
                .is_some_and(|id| id.starts_with("healthy"))
        })
        .cloned()
        .collect()
}

fn host() -> (Host, Daemon, Vec<Value>) {
    let host = Host::new()
        .flag("--rescan-interval=1 hours")
        .job("healthy-1", someday(vec![exec("true")]))
        .job("healthy-2", json!({"job_actions": [exec("true")], "job_schedule": {"schedule_interval": "5 hours"}}));
    let daemon = host.start();
    let before = healthy(&host);
    assert_eq!(before.len(), 2);
    (host, daemon, before)
}

/// Makes the daemon read the whole directory and then answer an event. Afterwards what it read is committed.
fn looked(host: &Host, daemon: &Daemon) {
    daemon.signal(Signal::HUP);
    host.freezerd(&["start", "healthy-1"]).exits(0);
}

fn told_of(host: &Host, file: &str) -> Option<Value> {
    let listed = host.json(&["list"]);
    let files = listed["files"].as_array().expect("a list of files");
    files.iter().find(|told| told["file"] == file).cloned()
}

fn clear(path: &Path) {
    let _ = fs::remove_file(path.with_extension("other"));
    if fs::remove_file(path).is_err() {
        let _ = fs::remove_dir_all(path);
    }
}

#[test]
fn every_kind_of_damage_affects_only_its_own_file() {
    let (host, daemon, before) = host();
    let path = host.path("jobs.d/damaged.json");
    for (name, good, make) in matrix() {
        println!("{name}");
        make(&path);
        harness::eventually(name, || {
            looked(&host, &daemon);
            if good {
                host.freezerd(&["show", "damaged"]).code() == 0
            } else {
                told_of(&host, "damaged.json").is_some_and(|told| told["state"] == "invalid")
            }
        });
        assert_eq!(healthy(&host), before, "{name}");
        clear(&path);
        harness::eventually("the file is forgotten", || {
            looked(&host, &daemon);
            told_of(&host, "damaged.json").is_none()
                && host.freezerd(&["show", "damaged"]).code() == 66
        });
    }
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_file_cut_off_at_any_byte_keeps_the_last_good_version() {
    let (host, daemon, before) = host();
    let whole = real();
    host.put_text("damaged.json", &whole);
    daemon.says("damaged", "loaded");
    let job = host.show("damaged")["x-freezerd"]["next"].clone();
    // `tests/job/fuzz.rs` checks every cut. Here the daemon reads some of them.
    for cut in (1..whole.len()).step_by(whole.len() / 25) {
        fs::write(host.path("jobs.d/damaged.json"), &whole.as_bytes()[..cut]).expect("half a file");
        harness::eventually("the half file is told of", || {
            looked(&host, &daemon);
            told_of(&host, "damaged.json").is_some_and(|told| told["state"] == "invalid")
        });
        assert_eq!(
            host.show("damaged")["x-freezerd"]["next"],
            job,
            "cut at {cut}"
        );
        assert_eq!(healthy(&host), before, "cut at {cut}");
    }
}

#[test]
fn a_file_that_is_renamed_back_and_forth_a_thousand_times_is_still_the_same_job() {
    let (host, daemon, before) = host();
    host.put_text("one.json", &real());
    daemon.says("damaged", "loaded");
    let (one, two) = (host.path("jobs.d/one.json"), host.path("jobs.d/two.json"));
    let created = host.show("damaged")["job_schedule"]["time_created"].clone();
    for _ in 0..1_000 {
        fs::rename(&one, &two).expect("a rename");
        fs::rename(&two, &one).expect("a rename");
    }
    fs::rename(&one, &two).expect("a rename");
    harness::eventually("the last name is known", || {
        looked(&host, &daemon);
        host.show("damaged")["x-freezerd"]["file"] == "two.json"
    });
    assert_eq!(
        host.show("damaged")["job_schedule"]["time_created"],
        created
    );
    assert_eq!(healthy(&host), before);
}

#[test]
fn very_many_files_are_loaded_and_removed() {
    let files: usize = std::env::var("FREEZERD_DAMAGE_FILES")
        .ok()
        .map_or(2_000, |files| files.parse().expect("a number"));
    let (host, daemon, before) = host();
    let document = someday(vec![exec("true")]).to_string();
    for number in 0..files {
        fs::write(host.path(&format!("jobs.d/many{number}.json")), &document).expect("a job file");
    }
    let jobs = || host.json(&["list"])["jobs"].as_array().map_or(0, Vec::len);
    harness::eventually("all are loaded", || jobs() == files + 2);
    assert_eq!(healthy(&host), before);
    for number in 0..files {
        fs::remove_file(host.path(&format!("jobs.d/many{number}.json"))).expect("it is there");
    }
    harness::eventually("all are gone", || jobs() == 2);
    assert_eq!(healthy(&host), before);
    drop(daemon);
}
