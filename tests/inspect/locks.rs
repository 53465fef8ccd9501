//! The lock of a command that looks inside, and `freezerd unlock`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{eventually, is_root};
use crate::restic_support::{PASSWORD, restics};
use crate::support::{Repository, init_quickly, repositories, take};

/// A dump that has its lock and waits, because nobody reads what it writes.
fn waiting_dump(repository: &Repository) -> Child {
    let path = repository.source("large");
    let mut dump = repository
        .command(&["dump", path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    dump.stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    dump
}

fn with_a_large_file(restic: crate::restic_support::Restic) -> Repository {
    let repository = Repository::new(restic, 2);
    let mut random = fastrand::Rng::with_seed(9);
    let content: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
        .take(5_000_000)
        .collect();
    repository.file("large", content);
    repository.backup();
    repository
}

#[test]
fn a_dump_keeps_a_prune_away_until_it_ends_in_any_way() {
    for restic in restics() {
        let repository = with_a_large_file(restic);
        for end in [Some(Signal::TERM), Some(Signal::INT), None] {
            let mut dump = waiting_dump(&repository);
            let locks = repository
                .restic
                .run(&repository.path, &["list", "locks", "--no-lock"]);
            let id = locks.trim();
            let lock = repository
                .restic
                .run(&repository.path, &["cat", "lock", id]);
            assert!(lock.contains(&format!("\"pid\": {}", dump.id())), "{lock}");
            let prune = repository.restic.output(&repository.path, &["prune"]);
            assert!(!prune.status.success());
            match end {
                Some(signal) => {
                    let pid = Pid::from_raw(dump.id() as i32).unwrap();
                    kill_process(pid, signal).unwrap();
                }
                // The reader goes away.
                None => drop(dump.stdout.take()),
            }
            let status = dump.wait().unwrap();
            match end {
                Some(signal) => assert_eq!(status.code(), Some(128 + signal.as_raw())),
                None => {
                    use std::os::unix::process::ExitStatusExt;
                    assert_eq!(status.signal(), Some(Signal::PIPE.as_raw()));
                    let mut said = String::new();
                    dump.stderr
                        .take()
                        .unwrap()
                        .read_to_string(&mut said)
                        .unwrap();
                    assert_eq!(said, "");
                }
            }
            assert!(repository.files("locks").is_empty());
        }
        repository.restic.run(&repository.path, &["prune"]);
    }
}

#[test]
fn restic_asks_whether_the_process_of_a_lock_lives_without_ending_it() {
    for restic in restics() {
        let repository = with_a_large_file(restic);
        let mut dump = waiting_dump(&repository);
        repository.restic.run(&repository.path, &["unlock"]);
        assert_eq!(repository.files("locks").len(), 1);
        // What restic sends for that.
        kill_process(Pid::from_raw(dump.id() as i32).unwrap(), Signal::HUP).unwrap();
        let mut content = Vec::new();
        dump.stdout
            .take()
            .unwrap()
            .read_to_end(&mut content)
            .unwrap();
        assert!(dump.wait().unwrap().success());
        assert_eq!(content.len(), 4_999_999);
    }
}

#[test]
fn a_command_waits_visibly_for_an_exclusive_lock() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = with_a_large_file(restic);
    let held = take(&repository, true);
    let mut ls = repository
        .command(&["ls"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(ls.stderr.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    let own = format!("process {}", std::process::id());
    assert!(said.contains("waiting: ") && said.contains(&own), "{said}");
    repository.freezerd(&["ls", "--no-lock"]).exits(0);
    drop(held);
    assert!(ls.wait().unwrap().success());
    assert!(repository.files("locks").is_empty());
}

#[test]
fn a_copy_waits_visibly_for_another_process_that_creates_the_other_container() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = Repository::new(restic, 2);
    repository.file("letter", "Dear reader");
    repository.backup();
    let other = repository.host.path("other");
    fs::create_dir_all(other.join("keys")).unwrap();
    let keys = fs::File::open(other.join("keys")).unwrap();
    flock(&keys, FlockOperation::LockExclusive).unwrap();
    let pass_file = repository.pass_file.to_str().unwrap();
    let to = ["copy", "--to", other.to_str().unwrap()];
    let mut copy = repository
        .command(&[&to[..], &["--to-pass-file", pass_file]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(copy.stderr.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert!(
        said.contains("waiting: ") && said.contains("is being created"),
        "{said}"
    );
    init_quickly(&other);
    let made = fs::read(other.join("config")).unwrap();
    drop(keys);
    assert!(copy.wait().unwrap().success());
    assert_eq!(fs::read(other.join("config")).unwrap(), made);
    assert_eq!(fs::read_dir(other.join("keys")).unwrap().count(), 1);
    repository.restic.run(&other, &["check"]);
}

#[test]
fn a_command_that_waits_for_a_lock_ends_at_once_when_it_is_told_to() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = with_a_large_file(restic);
    let _held = take(&repository, true);
    let mut ls = repository
        .command(&["ls"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(ls.stderr.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert!(said.contains("waiting: "), "{said}");
    kill_process(Pid::from_raw(ls.id() as i32).unwrap(), Signal::INT).unwrap();
    assert_eq!(ls.wait().unwrap().code(), Some(130));
    assert_eq!(repository.files("locks").len(), 1);
}

#[test]
fn a_container_that_cannot_be_written_is_read_without_a_lock() {
    let Some(restic) = restics().pop() else {
        return;
    };
    if !is_root() {
        println!("SKIPPED: only root can run freezerd as another user");
        return;
    }
    let repository = with_a_large_file(restic);
    let opened = std::process::Command::new("chmod")
        .args(["-R", "a+rX"])
        .args([&repository.path, &repository.pass_file])
        .status();
    assert!(opened.unwrap().success());
    let place = repository.path.to_str().unwrap();
    let pass = repository.pass_file.to_str().unwrap();
    let arguments = ["ls", "--container", place, "--encrypt-pass-file", pass];
    let Some(ran) = repository.host.command_of_a_stranger(&arguments) else {
        return;
    };
    let ran = ran.exits(0);
    assert!(
        ran.stderr().contains("read without a lock"),
        "{}",
        ran.stderr()
    );
    assert!(ran.stdout().contains("/large"), "{}", ran.stdout());
}

#[test]
fn unlock_removes_stale_locks_and_keeps_those_of_running_processes() {
    for repository in repositories() {
        assert_eq!(
            repository.freezerd(&["unlock"]).exits(0).stdout(),
            "No locks.\n"
        );
        let held = take(&repository, false);
        // The lock of a process that was killed.
        repository.file("a", "x");
        let mut killed = repository
            .restic
            .command(&repository.path, PASSWORD)
            .args(["backup", "--stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        eventually("restic has its lock", || {
            // Not the temporary file that becomes the lock.
            let names = repository.files("locks");
            names.len() == 2
                && names
                    .iter()
                    .all(|path| path.file_name().unwrap().len() == 64)
        });
        killed.kill().unwrap();
        killed.wait().unwrap();
        let shown = repository
            .freezerd(&["unlock", "--dry-run", "--json"])
            .exits(0)
            .json();
        let locks = shown["locks"].as_array().unwrap();
        let stale = locks.iter().find(|lock| lock["stale"] == true).unwrap();
        assert_eq!(
            (&stale["pid"], &stale["process_runs"]),
            (&killed.id().into(), &false.into())
        );
        assert_eq!(repository.files("locks").len(), 2);
        let text = repository.freezerd(&["unlock"]).exits(0).stdout();
        assert!(text.contains("removed: the shared lock"), "{text}");
        assert!(text.contains("kept: the shared lock"), "{text}");
        let left = repository.files("locks");
        assert!(left.len() == 1 && left[0].ends_with(held.id().to_string()));
        let said = repository.freezerd(&["unlock", "--all"]).exits(0).stderr();
        assert!(
            said.contains("warning: removing a lock that may be held"),
            "{said}"
        );
        assert!(repository.files("locks").is_empty());
    }
}

#[test]
fn a_lock_that_cannot_be_read_stays_until_it_is_old() {
    for repository in repositories() {
        let lock = repository.path.join("locks").join("0".repeat(64));
        fs::write(&lock, "damaged").unwrap();
        fs::set_permissions(&lock, fs::Permissions::from_mode(0o600)).unwrap();
        let text = repository.freezerd(&["unlock"]).exits(0).stdout();
        assert!(
            text.contains("kept: ") && text.contains("cannot be read"),
            "{text}"
        );
        let file = fs::File::options().write(true).open(&lock).unwrap();
        let hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
        file.set_modified(hour_ago).unwrap();
        repository.freezerd(&["unlock"]).exits(0);
        assert!(!lock.exists());
    }
}

#[test]
fn a_container_on_a_full_disk_is_read_without_a_lock() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = with_a_large_file(restic);
    let place = tempfile::tempdir().unwrap();
    let tool = |program: &str, arguments: &[&str]| {
        let status = std::process::Command::new(program)
            .args(arguments)
            .arg(place.path())
            .status();
        status.is_ok_and(|status| status.success())
    };
    if !is_root() || !tool("mount", &["-t", "tmpfs", "-o", "size=96m", "tmpfs"]) {
        println!("SKIPPED: what happens on a full disk, because only root can mount a small one");
        return;
    }
    assert!(tool("cp", &["-a", repository.path.to_str().unwrap()]));
    let filler = std::fs::File::create(place.path().join("filler")).unwrap();
    while std::io::Write::write_all(&mut &filler, &[1; 4096]).is_ok() {}
    let copy = place.path().join(repository.path.file_name().unwrap());
    let pass = repository.pass_file.to_str().unwrap();
    let reached = [
        "--container",
        copy.to_str().unwrap(),
        "--encrypt-pass-file",
        pass,
    ];
    let list = repository.host.freezerd(&[&["ls"][..], &reached].concat());
    let prune = repository
        .host
        .freezerd(&[&["prune"][..], &reached].concat());
    assert!(tool("umount", &["-l"]));
    assert!(list.exits(0).stderr().contains("read without a lock"));
    assert!(prune.exits(75).stderr().contains("No space left"));
}
