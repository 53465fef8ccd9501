//! What becomes of the state directory: full, read-only, somebody else's, or taken.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::harness::{Host, Ran, exec, is_root, once, someday};

/// A small disk, mounted on a directory for as long as this lives.
struct Disk {
    on: PathBuf,
}

impl Disk {
    /// `None`, and a word about it, where nothing may be mounted.
    fn mount(on: &Path, size: &str) -> Option<Disk> {
        if !is_root() {
            println!("SKIPPED: only root can mount a small disk");
            return None;
        }
        fs::create_dir_all(on).expect("a directory");
        let options = format!("size={size},mode=0700");
        let ran = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(on)
            .output();
        match ran {
            Ok(output) if output.status.success() => Some(Disk { on: on.to_owned() }),
            other => {
                println!("SKIPPED: a small disk cannot be mounted: {other:?}");
                None
            }
        }
    }

    fn make_read_only(&self) {
        let ran = Command::new("mount")
            .args(["-o", "remount,ro"])
            .arg(&self.on)
            .status();
        assert!(ran.expect("mount runs").success());
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        use std::io::Write;
        let mut file = fs::File::create(self.on.join("filler")).expect("a file");
        for size in [4096, 512, 16, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.on.join("filler")).expect("the filler");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.on).status();
    }
}

/// An often running job, whose log is small.
fn busy() -> serde_json::Value {
    json!({"job_actions": [exec("true")], "job_schedule": {"schedule_interval": "1 seconds"}})
}

#[test]
fn a_full_disk_is_waited_for_and_no_run_is_lost() {
    let host = Host::new().flag("--runtime-dir");
    let runtime = host.path("runtime");
    let host = host.flag(runtime.to_str().expect("a path"));
    let Some(disk) = Disk::mount(&host.path("state"), "3m") else {
        return;
    };
    host.put("busy", busy());
    let daemon = host.start();
    daemon.says("busy", "succeeded");
    disk.fill();
    let said = daemon.until(|line| line.message.contains("no space left"));
    let state = host.path("state").display().to_string();
    assert!(said.message.contains(&state), "{}", said.message);
    assert!(
        said.message.contains("nothing new is started"),
        "{}",
        said.message
    );
    // Who looks at it meanwhile is told, and so is who asks for something.
    let ran = host.freezerd(&["list"]);
    assert!(
        ran.code() == 0 || ran.code() == 75 && ran.stderr().contains("cannot write the ledger"),
        "{}: {}",
        ran.code(),
        ran.stderr()
    );
    assert_ne!(host.freezerd(&["stop", "busy"]).code(), 0);
    disk.make_room();
    daemon.says("busy", "succeeded");
    host.ask("stop", "busy");
    assert_eq!(daemon.stop().code(), Some(0));
    host.freezerd(&["state", "check"]).exits(0);
    // Every due time from the first to the last is covered by one row.
    let rows = host.history("busy");
    let instant = |value: &serde_json::Value| -> i64 {
        let text = value.as_str().expect("an instant");
        let instant = chrono::DateTime::parse_from_rfc3339(text).expect("an instant");
        instant.timestamp()
    };
    for pair in rows.windows(2) {
        let (newer, older) = (&pair[0], &pair[1]);
        assert_eq!(
            instant(&newer["first_due"]),
            instant(&older["due"]) + 1,
            "{older:#}\n{newer:#}"
        );
    }
}

#[test]
fn a_daemon_that_starts_on_a_full_disk_waits_for_room() {
    let host = Host::new().job("once", once(vec![exec("echo x >> ran")]));
    let Some(disk) = Disk::mount(&host.path("state"), "3m") else {
        return;
    };
    for dir in ["events", "logs", "runtime/progress"] {
        fs::create_dir_all(host.path("state").join(dir)).expect("a directory");
    }
    disk.fill();
    let ran = host.freezerd(&["run", "--once"]).exits(73);
    let state = host.path("state").display().to_string();
    assert!(ran.stderr().contains(&state), "{}", ran.stderr());
    assert!(ran.stderr().contains("no space left"), "{}", ran.stderr());
    let daemon = host.launch();
    let said = daemon.until(|line| line.message.contains("no space left"));
    assert!(said.message.contains(&state), "{}", said.message);
    disk.make_room();
    daemon.says("once", "succeeded");
    assert_eq!(host.read("work/ran"), "x\n");
    assert_eq!(daemon.stop().code(), Some(0));
    let stopping = {
        fs::remove_file(host.path("state/ledger.redb")).expect("the ledger");
        disk.fill();
        host.launch()
    };
    stopping.until(|line| line.message.contains("no space left"));
    assert_eq!(
        stopping.stop().code(),
        Some(0),
        "it need not wait for room to end"
    );
}

#[test]
fn a_read_only_directory_is_refused_and_can_be_looked_at() {
    let host = Host::new().job("someday", someday(vec![exec("true")]));
    let Some(disk) = Disk::mount(&host.path("state"), "3m") else {
        return;
    };
    host.once().exits(0);
    disk.make_read_only();
    let ran = host.freezerd(&["run", "--once"]).exits(73);
    assert!(ran.stderr().contains("Read-only"), "{}", ran.stderr());
    let state = host.path("state").display().to_string();
    assert!(ran.stderr().contains(&state), "{}", ran.stderr());
    assert_eq!(host.jobs(), ["someday"]);
    host.freezerd(&["state", "check"]).exits(0);
}

#[test]
fn a_ledger_of_another_user_is_refused_by_name() {
    let Some(host) = Host::unprivileged() else {
        return;
    };
    if !is_root() {
        println!("SKIPPED: only root can give a ledger to somebody else");
        return;
    }
    host.put("someday", someday(vec![exec("true")]));
    std::os::unix::fs::chown(
        host.path("jobs.d/someday.json"),
        Some(crate::harness::NOBODY),
        Some(crate::harness::NOBODY),
    )
    .expect("its owner");
    host.once().exits(0);
    let ledger = host.path("state/ledger.redb");
    std::os::unix::fs::chown(&ledger, Some(0), Some(0)).expect("another owner");
    fs::set_permissions(&ledger, fs::Permissions::from_mode(0o600)).expect("its mode");
    let refused = |ran: Ran| {
        let ran = ran.exits(77);
        let said = ran.stderr();
        assert!(said.contains("belongs to another user"), "{said}");
        assert!(said.contains(&ledger.display().to_string()), "{said}");
    };
    refused(host.freezerd(&["run", "--once"]));
    refused(host.freezerd(&["list"]));
    refused(host.freezerd(&["state", "export"]));
    std::os::unix::fs::chown(host.path("state"), Some(0), Some(0)).expect("another owner");
    let ran = host.freezerd(&["run", "--once"]).exits(77);
    assert!(ran.stderr().contains("state"), "{}", ran.stderr());
}

#[test]
fn a_second_daemon_is_told_who_has_the_directory() {
    let host = Host::new().job("someday", someday(vec![exec("true")]));
    let daemon = host.start();
    for arguments in [&["run"][..], &["run", "--once"][..]] {
        let ran = host.freezerd(arguments).exits(75);
        let said = ran.stderr();
        assert!(said.contains(&format!("process {}", daemon.id())), "{said}");
        assert!(
            said.contains(&host.path("state").display().to_string()),
            "{said}"
        );
    }
    assert_eq!(daemon.stop().code(), Some(0));
}
