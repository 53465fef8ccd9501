//! The state directory is deleted, moved, replaced or overwritten while the daemon runs.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;

use crate::harness::{Daemon, Host, eventually, every, exec, once, someday};

/// A host with a job that has run once, and will never run again.
fn after_one_run() -> (Host, Daemon) {
    let host = Host::new();
    let ran = host.path("work/ran");
    host.put(
        "once",
        once(vec![exec(&format!("echo ran >> {}", ran.display()))]),
    );
    let daemon = host.start();
    daemon.run_of("once");
    (host, daemon)
}

/// What a stranger does to the ledger or to its directory.
fn harm(host: &Host, what: &str) {
    let state = host.path("state");
    let ledger = host.path("state/ledger.redb");
    let done = match what {
        "the ledger is deleted" => fs::remove_file(&ledger),
        "the ledger is moved" => fs::rename(&ledger, host.path("work/ledger")),
        "the ledger is overwritten" => fs::write(&ledger, "garbage"),
        "the ledger is emptied" => fs::OpenOptions::new()
            .write(true)
            .open(&ledger)
            .and_then(|file| file.set_len(0)),
        "a directory is in the place of the ledger" => {
            fs::remove_file(&ledger).and_then(|()| fs::create_dir(&ledger))
        }
        "a file is in the place of the ledger" => {
            fs::remove_file(&ledger).and_then(|()| fs::write(&ledger, "garbage"))
        }
        "pages of the ledger are overwritten" => overwrite_pages(&ledger),
        "an older ledger is copied over it" => fs::copy(host.path("work/older"), &ledger).map(drop),
        "the state directory is deleted" => fs::remove_dir_all(&state),
        "the state directory is moved" => fs::rename(&state, host.path("work/moved")),
        "an empty directory is in the place of the state directory" => {
            fs::rename(&state, host.path("work/moved")).and_then(|()| fs::create_dir(&state))
        }
        other => panic!("{other}"),
    };
    done.unwrap();
}

fn overwrite_pages(ledger: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().write(true).open(ledger)?;
    file.write_all_at(&[0xa5; 8 * 4096], 4 * 4096)
}

#[test]
fn a_daemon_whose_state_is_lost_says_so_and_ends_and_no_finished_job_runs_again() {
    std::thread::scope(|threads| {
        for (what, is_kept) in [
            ("the ledger is deleted", true),
            ("the ledger is moved", true),
            ("the ledger is overwritten", false),
            ("the ledger is emptied", false),
            ("a directory is in the place of the ledger", true),
            ("a file is in the place of the ledger", true),
            ("pages of the ledger are overwritten", false),
            ("the state directory is deleted", true),
            ("the state directory is moved", true),
            (
                "an empty directory is in the place of the state directory",
                true,
            ),
        ] {
            threads.spawn(move || loses(what, is_kept));
        }
    });
}

fn loses(what: &str, is_kept: bool) {
    let (host, daemon) = after_one_run();
    harm(&host, what);
    let line = daemon.until(|line| line.message.contains("this daemon ends"));
    assert!(line.message.contains("while the daemon"), "{what}");
    assert_eq!(daemon.end().code(), Some(70), "{what}");
    let next = host.start();
    if is_kept {
        host.put("probe", once(vec![exec("true")]));
        next.run_of("probe");
        assert_eq!(host.history("once").len(), 1, "{what}");
    } else {
        next.looks(&host);
    }
    next.stop();
    assert_eq!(
        fs::read_to_string(host.path("work/ran")).unwrap(),
        "ran\n",
        "{what}"
    );
}

#[test]
fn a_daemon_whose_state_directory_was_replaced_starts_nothing_beside_the_new_daemon() {
    let host = Host::new();
    let tell = format!("echo $PPID >> {}", host.path("work/ran").display());
    host.put("a", every("1 second", vec![exec(&tell)]));
    let first = host.start();
    first.run_of("a");
    fs::rename(host.path("state"), host.path("work/moved")).unwrap();
    fs::create_dir(host.path("state")).unwrap();
    let second = host.launch();
    second.run_of("a");
    assert!(!first.end().success());
    second.stop();
    assert!(
        !host.path("state/ledger.redb.rescued").exists(),
        "the ledger of the second daemon stays"
    );
}

/// Fills up the trace of the points at which a daemon may be killed or stopped.
fn the_next_commit_is_number(number: usize, trace: &Path) {
    let mut file = fs::File::options()
        .read(true)
        .append(true)
        .open(trace)
        .unwrap();
    flock(&file, FlockOperation::LockExclusive).unwrap();
    let mut reached = String::new();
    file.read_to_string(&mut reached).unwrap();
    let commits = reached.matches(" CommitDone ").count();
    let more = "test CommitDone 0\n".repeat(number - 1 - commits);
    file.write_all(more.as_bytes()).unwrap();
}

#[test]
fn a_ledger_that_is_overwritten_while_the_daemon_commits_is_noticed_too() {
    std::thread::scope(|threads| {
        for what in [
            "pages of the ledger are overwritten",
            "the ledger is overwritten",
            "an older ledger is copied over it",
        ] {
            threads.spawn(move || loses_during_a_commit(what));
        }
    });
}

fn loses_during_a_commit(what: &str) {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let trace = host.path("work/trace");
    let host = host
        .env("FREEZERD_KILL_TRACE", trace.to_str().unwrap())
        .env("FREEZERD_KILL_AT", "CommitDone:1000:stop");
    let daemon = host.start();
    daemon.looks(&host);
    fs::copy(host.path("state/ledger.redb"), host.path("work/older")).unwrap();
    the_next_commit_is_number(1000, &trace);
    host.put("b", someday(vec![exec("true")]));
    eventually("the daemon in the middle of a commit", || {
        fs::read_to_string(format!("/proc/{}/stat", daemon.id()))
            .is_ok_and(|stat| stat.contains(") T "))
    });
    harm(&host, what);
    daemon.signal(Signal::CONT);
    let line = daemon.until(|line| line.message.contains("this daemon ends"));
    let text = "another program wrote to the ledger";
    assert!(line.message.contains(text), "{what}: {line:?}");
    assert_eq!(daemon.end().code(), Some(70), "{what}");
}

#[test]
fn a_ledger_that_somebody_only_touched_is_left_alone() {
    let (host, daemon) = after_one_run();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(host.path("state/ledger.redb"))
        .unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    daemon.until(|line| line.message.contains("its content is whole"));
    daemon.looks(&host);
    assert_eq!(host.history("once").len(), 1);
    daemon.stop();
}

#[test]
fn what_is_deleted_from_the_state_directory_is_created_again() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let daemon = host.start();
    fs::remove_dir_all(host.path("state/events")).unwrap();
    fs::remove_dir_all(host.path("state/logs")).unwrap();
    fs::remove_file(host.path("state/daemon.lock")).unwrap();
    for name in ["events", "logs", "daemon.lock"] {
        eventually(name, || host.path("state").join(name).exists());
    }
    host.trigger("a");
    daemon.run_of("a");
    let said = host.freezerd(&["run", "--once"]).exits(75).stderr();
    assert!(said.contains(&format!("process {}", daemon.id())), "{said}");
}
